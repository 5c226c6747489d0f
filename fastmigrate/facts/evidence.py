"""What a function's own code says of the values in it: where its names come from, and what they are tested for."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import TypeGuard

from fastmigrate.facts.flow import Definition
from fastmigrate.facts.order import walk
from fastmigrate.facts.terms import OPAQUE, SPREAD, Call, Const, Display, Either, Ref, Term, Truthy, read_term
from fastmigrate.facts.values import Handler
from fastmigrate.facts.view import COMPREHENSIONS, FunctionView

__all__ = ["Evidence"]

_DEPTH = 6  # definitions followed from one name to the next
_LEAVING = (ast.Raise, ast.Return, ast.Continue, ast.Break)
_READING_FUNCTIONS = frozenset(["print", "str", "repr", "len", "dict", "list", "sorted", "bool", "pprint"])
_READING_OBJECTS = frozenset(["json", "logger", "logging", "log"])


class Evidence:
    """Reads terms in which local names are replaced by their definitions."""

    def __init__(self, view: FunctionView) -> None:
        self.view = view
        self.handlers: dict[ast.AST, list[Handler]] = {}  # of each `try` that was asked for
        self._terms: dict[Definition, Term] = {}
        self._tested: dict[ast.Name, bool] = {}
        self._busy: set[object] = set()  # definitions and names that are being read just now
        self._items: dict[tuple[str, frozenset[int]], list[tuple[Term, Term]]] = {}

    def term(self, node: ast.expr | None, depth: int = 0) -> Term:
        """The term of an expression, with all that is known of the names in it."""
        return read_term(node, self.view.numbers.__getitem__, lambda name: self._name(name, depth))

    def _name(self, node: ast.Name, depth: int) -> Term:
        definitions = self.view.flow.at(node)
        if definitions is None:
            shadowed = any(
                isinstance(above, COMPREHENSIONS) and node.id in _targets(above) for above in self.view.above(node)
            )
            if shadowed:
                return OPAQUE
            return Truthy(Ref(node.id)) if self._checked(node) else Ref(node.id)
        if not definitions or depth > _DEPTH:
            return OPAQUE
        options = [self._definition(definition, depth) for definition in definitions]
        term = options[0] if len(options) == 1 else Either(tuple(options))
        term = self._with_later_items(node, term, depth)
        return Truthy(term) if self._checked(node) else term

    def _checked(self, name: ast.Name) -> bool:
        """Whether the name was tested for None on the way here: by an `if` around it, or one that left early."""
        if name not in self._tested:
            self._tested[name] = self._is_tested(name)
        return self._tested[name]

    def _is_tested(self, name: ast.Name) -> bool:
        child: ast.AST = name
        for above in [*self.view.above(name), self.view.function]:
            if isinstance(above, ast.If | ast.IfExp):
                body = above.body if isinstance(above.body, list) else [above.body]
                if child in body and self._implies(above.test, name, truth=True):
                    return True
            for block in ("body", "orelse", "finalbody"):
                statements = getattr(above, block, None)
                if isinstance(statements, list) and child in statements:
                    for before in statements[: statements.index(child)]:
                        if _leaves_early(before) and self._implies(before.test, name, truth=False):
                            return True
            child = above
        return False

    def _implies(self, test: ast.expr, name: ast.Name, *, truth: bool) -> bool:
        """Whether `test` having this truth value means that the name is not None."""
        match test:
            case ast.Name(id=other):
                same = self.view.flow.reaching.get(test) == self.view.flow.reaching.get(name)
                return truth and other == name.id and same
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self._implies(operand, name, truth=not truth)
            case ast.BoolOp(op=ast.And(), values=values) if truth:
                return any(self._implies(value, name, truth=True) for value in values)
            case ast.BoolOp(op=ast.Or(), values=values) if not truth:
                return any(self._implies(value, name, truth=False) for value in values)
            case ast.Compare(left=left, ops=[ast.Is() | ast.IsNot() as op], comparators=[ast.Constant(value=None)]):
                return isinstance(op, ast.IsNot) == truth and self._implies(left, name, truth=True)
        return False

    def _definition(self, definition: Definition, depth: int) -> Term:
        if definition.kind in {"parameter", "import"}:
            return Ref(definition.name)
        if definition.value is None or not (definition.kind in {"value", "each"} or _is_file(definition)):
            return OPAQUE
        if definition in self._busy:
            return OPAQUE
        if definition not in self._terms:
            self._busy.add(definition)
            term = self.term(definition.value, depth + 1)
            self._busy.discard(definition)
            self._terms[definition] = _item_of(term) if definition.kind == "each" else term
        return self._terms[definition]

    def _with_later_items(self, node: ast.Name, term: Term, depth: int) -> Term:
        """What has a name may grow: everything that the function puts into it is part of it.

        What it puts into another thing of that name, before the name got this one or afterwards, is not.
        """
        name, reaching = node.id, self.view.flow.reaching[node]
        if name in self._busy:
            return OPAQUE
        if (name, reaching) not in self._items:
            self._busy.add(name)
            aliases = sorted(self._aliases(name))
            found = [item for alias in aliases for item in self._items_put_into(alias, self._same(node, alias), depth)]
            self._items[name, reaching] = found
            self._busy.discard(name)
        added = list(self._items[name, reaching])
        if isinstance(term, Display):
            aliases = sorted(self._aliases(name))
            added += [(OPAQUE, OPAQUE) for a in aliases if self._may_change_elsewhere(a, self._same(node, a))]
        if not added:
            return term
        keys, values = tuple(key for key, _ in added), tuple(value for _, value in added)
        if isinstance(term, Display) and term.kind == "dict":  # what comes later may not come at all
            return Display("dict", (*term.keys, SPREAD), (*term.values, Display("dict", keys, values)))
        if isinstance(term, Display):
            return Display(term.kind, (*term.keys, *keys), (*term.values, *values))
        return Display("dict", (SPREAD, *keys), (term, *values))

    def _same(self, use: ast.Name, alias: str) -> Callable[[ast.expr], bool]:
        """Whether an expression is this alias, and may be the very thing that is used."""
        reaching = self.view.flow.reaching

        def is_same(node: ast.expr) -> bool:
            if not isinstance(node, ast.Name) or node.id != alias:
                return False
            return alias != use.id or node not in reaching or not reaching[node].isdisjoint(reaching[use])

        return is_same

    def _aliases(self, name: str) -> set[str]:
        """The name, and those that the function gives to the same thing."""
        found = {name}
        for node in self.view.of_kind(ast.Assign):
            match node:
                case ast.Assign(targets=[ast.Name(id=alias)], value=ast.Name(id=source)) if source in found:
                    found.add(alias)
        return found

    def _items_put_into(
        self, name: str, is_same: Callable[[ast.expr], bool], depth: int
    ) -> Iterator[tuple[Term, Term]]:
        for node in self.view.nodes:
            match node:
                case ast.Assign(targets=targets, value=value):
                    for target in targets:
                        if isinstance(target, ast.Subscript) and is_same(target.value):
                            yield self.term(target.slice, depth + 1), self.term(value, depth + 1)
                        elif isinstance(target, ast.Tuple | ast.List) and _puts_into(target, name):
                            yield OPAQUE, OPAQUE
                case ast.AugAssign(target=ast.Subscript(value=base)) if is_same(base):
                    yield OPAQUE, OPAQUE
                case ast.Call(func=ast.Attribute(value=base, attr=method)) if is_same(base):
                    yield from self._items_of_method(node, method, depth)

    def _may_change_elsewhere(self, name: str, is_same: Callable[[ast.expr], bool]) -> bool:
        """Whether a dict is handed to a function that may put something into it, or grows by `|=`."""
        grown = (node.target for node in self.view.of_kind(ast.AugAssign))
        if any(_is_name(target, name) for target in grown):
            return True
        for node in self.view.of_kind(ast.Call):
            given = any(is_same(arg) for arg in [*node.args, *(keyword.value for keyword in node.keywords)])
            if given and not self._only_reads(node.func) and node not in self.view.calls:
                return True
        return False

    def _items_of_method(self, node: ast.Call, method: str, depth: int) -> Iterator[tuple[Term, Term]]:
        if method == "update":
            for arg in node.args:
                added = self.term(arg, depth + 1)
                if isinstance(added, Display) and added.kind == "dict":
                    yield from zip(added.keys, added.values, strict=True)
                else:
                    yield SPREAD, added
            for keyword in node.keywords:
                yield (
                    SPREAD if keyword.arg is None else Const(keyword.arg),
                    self.term(keyword.value, depth + 1),
                )
        elif method == "setdefault" and len(node.args) == 2:
            yield self.term(node.args[0], depth + 1), self.term(node.args[1], depth + 1)
        elif method == "append" and len(node.args) == 1:
            yield OPAQUE, self.term(node.args[0], depth + 1)
        elif method in {"setdefault", "append", "extend", "insert", "__setitem__"}:
            yield OPAQUE, OPAQUE

    @staticmethod
    def _only_reads(callee: ast.expr) -> bool:
        match callee:
            case ast.Name(id=name):
                return name in _READING_FUNCTIONS
            case ast.Attribute(value=ast.Name(id=name)):
                return name in _READING_OBJECTS
        return False


def _leaves_early(statement: ast.stmt) -> TypeGuard[ast.If]:
    return isinstance(statement, ast.If) and isinstance(statement.body[-1], _LEAVING) and not statement.orelse


def _is_file(definition: Definition) -> bool:
    """Whether a name is bound by `with open(…) as name`: a file is what entering it gives."""
    match definition.value:
        case ast.Call(func=ast.Name(id="open") | ast.Attribute(attr="open")):
            return definition.kind == "with"
    return False


def _item_of(iterable: Term) -> Term:
    """What a loop over an iterable gives its target."""
    match iterable:
        case Call(callee=Ref("range")):
            return Const(0)
        case Display(kind="list" | "tuple" | "set", values=values):
            return Either(values)
    return OPAQUE


def _puts_into(target: ast.expr, name: str) -> bool:
    return any(isinstance(part, ast.Subscript) and _is_name(part.value, name) for part in walk(target))


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _targets(node: ast.AST) -> set[str]:
    generators = getattr(node, "generators", [])
    return {n.id for g in generators for n in walk(g.target) if isinstance(n, ast.Name)}
