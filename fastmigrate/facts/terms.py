"""Terms: the small language in which facts speak of expressions.

A term keeps what later stages reason about (names, members, calls, constants, displays) and forgets the
tree, so that facts can be cached, compared and sent to other processes.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from fastmigrate.facts.order import walk

__all__ = [
    "ANY",
    "OPAQUE",
    "SPREAD",
    "TRUTH_VALUE",
    "Await",
    "Call",
    "Const",
    "Display",
    "Either",
    "Item",
    "Member",
    "Opaque",
    "Ref",
    "Sum",
    "Term",
    "Text",
    "Truthy",
    "dotted",
    "items_of",
    "lambda_name",
    "last_name",
    "nothing",
    "read_term",
]


if TYPE_CHECKING:
    Constant = str | bytes | int | float | bool | None
else:
    Constant = Any  # decoders take no union of `str` and `bytes`, and both stand for themselves


class Ref(Struct, frozen=True, tag=True, array_like=True):
    """A name, to be looked up in the scope in which the term stands."""

    name: str


class Member(Struct, frozen=True, tag=True, array_like=True):
    """An attribute of another term."""

    of: Term
    name: str


class Call(Struct, frozen=True, tag=True, array_like=True):
    """A call; `number` is its ordinal among the calls of its file, which makes its result one object."""

    callee: Term
    args: tuple[Term, ...]
    keywords: tuple[tuple[str | None, Term], ...]
    number: int

    @property
    def given(self) -> tuple[Term, ...]:
        """The arguments, by position and by keyword."""
        return (*self.args, *(value for _, value in self.keywords))

    def keyword(self, name: str) -> Term | None:
        """The value passed for the keyword `name`, or None."""
        return next((value for key, value in self.keywords if key == name), None)

    def argument(self, position: int, name: str) -> Term | None:
        """The value passed at `position` or by the keyword `name`, or None."""
        return self.args[position] if position < len(self.args) else self.keyword(name)


class Const(Struct, frozen=True, tag=True, array_like=True):
    """A literal: str, bytes, int, float, bool or None."""

    value: Constant


class Text(Struct, frozen=True, tag=True, array_like=True):
    """Text put together from parts: an f-string, `+` beside a string, `%` or `.format` on a string."""

    parts: tuple[Term, ...]


class Sum(Struct, frozen=True, tag=True, array_like=True):
    """`a + b`, where neither is known to be text, and other arithmetic; `less` says that it is `a - b`."""

    left: Term
    right: Term
    less: bool = False


class Display(Struct, frozen=True, tag=True, array_like=True):
    """A dict, list, tuple, set or generator display, or its comprehension.

    A `**` item of a dict has the key SPREAD, and so has what a comprehension makes any number of.
    """

    kind: str
    keys: tuple[Term, ...]
    values: tuple[Term, ...]


class Either(Struct, frozen=True, tag=True, array_like=True):
    """One of several terms: a conditional, `or`, or several definitions that reach one use."""

    options: tuple[Term, ...]


class Item(Struct, frozen=True, tag=True, array_like=True):
    """A subscript."""

    of: Term
    key: Term


class Await(Struct, frozen=True, tag=True, array_like=True):
    """What awaiting a term gives."""

    of: Term


class Truthy(Struct, frozen=True, tag=True, array_like=True):
    """A term whose falsy values were left behind: `a` in `a or b`."""

    of: Term


class Opaque(Struct, frozen=True, tag=True, array_like=True):
    """Anything else."""


Term = Ref | Member | Call | Const | Text | Sum | Display | Either | Item | Await | Truthy | Opaque

OPAQUE = Opaque()
ANY = Ref("<any>")
"""The key of an item over which a loop comes: `Item(x, ANY)` is what iterating over x gives."""
SPREAD = Ref("**")
TRUTH_VALUE = Either((Const(True), Const(False)))

NameTerm = Callable[[ast.Name], Term]


def lambda_name(node: ast.Lambda) -> str:
    """The name under which a scope knows a lambda that stands in it."""
    return f"<lambda {node.lineno}:{node.col_offset}>"


def items_of(term: Term | None) -> list[tuple[str, Term]]:
    """The keys and values of a dict display, or of a call that makes one by its keywords: `State(client=client)`."""
    if isinstance(term, Call):
        return [(key, value) for key, value in term.keywords if key is not None]
    if not isinstance(term, Display) or term.kind != "dict":
        return []
    pairs = zip(term.keys, term.values, strict=True)
    return [(str(key.value), value) for key, value in pairs if isinstance(key, Const)]


def dotted(term: Term | None) -> str | None:
    """`a.b.c` for a chain of members that starts at a name, else None."""
    match term:
        case Ref(name):
            return name
        case Member(of, name):
            base = dotted(of)
            return None if base is None else f"{base}.{name}"
    return None


def nothing(term: Term) -> bool:
    """Whether a term is `None`."""
    return term == Const(None)


def last_name(term: Term) -> str:
    """The last part of the name that a term is; "" for what is none."""
    return term.name if isinstance(term, Ref | Member) else ""


def read_term(node: ast.expr | None, number: Callable[[ast.AST], int], name: NameTerm | None = None) -> Term:
    """The term of an expression.

    `number` gives a call its ordinal in the file; `name` may replace a name by what is known of it.
    """
    return OPAQUE if node is None else TermReader(number, name or (lambda n: Ref(n.id))).read(node)


class TermReader:
    """Reads the terms of expressions, as `read_term` does."""

    def __init__(self, number: Callable[[ast.AST], int], name: NameTerm) -> None:
        self.number = number
        self.name = name
        self.hidden: list[str] = []  # the targets of the comprehensions around
        self._calls: dict[ast.Call, Term] = {}  # calls stand in one another: each is read once
        self._keeps = False
        self._readers: dict[type[ast.AST], Callable[[Any], Term]] = {}

    def read_again(self, node: ast.expr) -> Term:
        """The same, where names stand for themselves: calls that have been read so are not read again."""
        if isinstance(node, ast.Call) and node in self._calls:
            return self._calls[node]
        self._keeps = True
        try:
            return self.read(node)
        finally:
            self._keeps = False

    def read(self, node: ast.expr) -> Term:
        kind = type(node)
        if kind not in self._readers:
            self._readers[kind] = getattr(self, f"read_{kind.__name__}", lambda _: OPAQUE)
        return self._readers[kind](node)

    def all(self, nodes: list[ast.expr]) -> tuple[Term, ...]:
        return tuple([self.read(node) for node in nodes])

    def read_Name(self, node: ast.Name) -> Term:
        return OPAQUE if node.id in self.hidden else self.name(node)

    def read_Attribute(self, node: ast.Attribute) -> Term:
        return Member(self.read(node.value), node.attr)

    def read_Constant(self, node: ast.Constant) -> Term:
        value = node.value
        return Const(value) if value is None or isinstance(value, str | bytes | int | float) else OPAQUE

    def read_Call(self, node: ast.Call) -> Term:
        """Keep what a call is, if that is so wherever it is asked for."""
        if not self._keeps or self.hidden:
            return self._call(node)
        if node not in self._calls:
            self._calls[node] = self._call(node)
        return self._calls[node]

    def _call(self, node: ast.Call) -> Term:
        function = node.func
        if (
            isinstance(function, ast.Attribute)
            and function.attr == "format"
            and isinstance(function.value, ast.Constant)
        ):
            return Text((self.read(function.value), *self.all(node.args)))
        is_dict = isinstance(function, ast.Name) and function.id == "dict" and self.name(function) == Ref("dict")
        if is_dict and not node.args and node.keywords:
            keys = tuple(SPREAD if keyword.arg is None else Const(keyword.arg) for keyword in node.keywords)
            return Display("dict", keys, self.all([keyword.value for keyword in node.keywords]))
        return Call(
            self.read(function),
            tuple(OPAQUE if isinstance(arg, ast.Starred) else self.read(arg) for arg in node.args),
            tuple((keyword.arg, self.read(keyword.value)) for keyword in node.keywords),
            self.number(node),
        )

    def read_JoinedStr(self, node: ast.JoinedStr) -> Term:
        return Text(self.all(node.values))

    def read_FormattedValue(self, node: ast.FormattedValue) -> Term:
        return self.read(node.value)

    def read_BinOp(self, node: ast.BinOp) -> Term:
        left, right = self.read(node.left), self.read(node.right)
        if isinstance(node.op, ast.Mod) and _is_text(left):
            return Text((left, right))
        if isinstance(node.op, ast.Add):
            return Text((left, right)) if _is_text(left) or _is_text(right) else Sum(left, right)
        if isinstance(node.op, ast.BitOr):  # `int | None` in an annotation; of no use elsewhere
            return Either((left, right))
        return Sum(left, right, isinstance(node.op, ast.Sub))

    def read_UnaryOp(self, node: ast.UnaryOp) -> Term:
        if isinstance(node.op, ast.Not):
            return TRUTH_VALUE
        operand = self.read(node.operand)
        if isinstance(operand, Const) and isinstance(operand.value, int | float):
            return Const(-operand.value) if isinstance(node.op, ast.USub) else operand
        return OPAQUE

    def read_Compare(self, node: ast.Compare) -> Term:
        return TRUTH_VALUE

    def read_IfExp(self, node: ast.IfExp) -> Term:
        return Either((self.read(node.body), self.read(node.orelse)))

    def read_BoolOp(self, node: ast.BoolOp) -> Term:
        options = self.all(node.values)
        if isinstance(node.op, ast.Or):
            return Either((*(Truthy(option) for option in options[:-1]), options[-1]))
        return Either(options)

    def read_NamedExpr(self, node: ast.NamedExpr) -> Term:
        return self.read(node.value)

    def read_Await(self, node: ast.Await) -> Term:
        return Await(self.read(node.value))

    def read_Subscript(self, node: ast.Subscript) -> Term:
        if isinstance(node.slice, ast.Slice):
            return Truthy(self.read(node.value))  # a part of it is of its kind, and there is one
        return Item(self.read(node.value), self.read(node.slice))

    def read_Dict(self, node: ast.Dict) -> Term:
        return Display(
            "dict",
            tuple(SPREAD if key is None else self.read(key) for key in node.keys),
            self.all(node.values),
        )

    def read_DictComp(self, node: ast.DictComp) -> Term:
        source = self.read(node.generators[0].iter)  # what it is made of may matter: headers, say
        if isinstance(source, Call) and isinstance(source.callee, Member) and source.callee.name == "items":
            source = source.callee.of
            match node:
                case ast.DictComp(
                    value=ast.Name(id=value), generators=[ast.comprehension(target=ast.Tuple(elts=[_, v]))]
                ):
                    if isinstance(v, ast.Name) and v.id == value:  # the same values
                        return Display("dict", (SPREAD,), (source,))
        return Display("dict", (OPAQUE, SPREAD), (OPAQUE, source))

    def read_List(self, node: ast.List) -> Term:
        return Display("list", (), self.all(node.elts))

    def read_ListComp(self, node: ast.ListComp) -> Term:
        return Display("list", (SPREAD,), (self._element(node),))

    def read_GeneratorExp(self, node: ast.GeneratorExp) -> Term:
        return Display("generator", (SPREAD,), (self._element(node),))

    def _element(self, node: ast.ListComp | ast.GeneratorExp) -> Term:
        """What a comprehension makes any number of; what its targets stand for is not known."""
        before = len(self.hidden)
        targets = (name for generator in node.generators for name in walk(generator.target))
        self.hidden += [name.id for name in targets if isinstance(name, ast.Name)]
        element = self.read(node.elt)
        del self.hidden[before:]
        return element

    def read_Starred(self, node: ast.Starred) -> Term:
        return Item(self.read(node.value), ANY)

    def read_Lambda(self, node: ast.Lambda) -> Term:
        return Ref(lambda_name(node))

    def read_Tuple(self, node: ast.Tuple) -> Term:
        return Display("tuple", (), self.all(node.elts))

    def read_Set(self, node: ast.Set) -> Term:
        return Display("set", (), self.all(node.elts))


def _is_text(term: Term) -> bool:
    return isinstance(term, Text) or (isinstance(term, Const) and isinstance(term.value, str))
