"""Sessions: how a function makes a `requests.Session`, and everything that it does with it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from fastmigrate.facts.evidence import Evidence
from fastmigrate.facts.flow import Function
from fastmigrate.facts.nodes import loads_in
from fastmigrate.facts.order import number_nodes, walk
from fastmigrate.facts.sites import calls_by_function
from fastmigrate.facts.terms import OPAQUE, SPREAD, Const, Display, Ref, Term
from fastmigrate.facts.view import COMPREHENSIONS, FunctionView

__all__ = [
    "NESTED",
    "LocalSession",
    "SessionUse",
    "UseReader",
    "leading_statements",
    "names_of_annotation",
    "read_local_session",
    "statements_after",
]

Items = tuple[tuple[Term, Term], ...]
_LOOPS = (ast.For, ast.AsyncFor, ast.While, *COMPREHENSIONS)
NESTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


class SessionUse(Struct, frozen=True):
    """One use of a session.

    `member` is the attribute that is reached for, and `how` what is done with it: it is "called", "assigned", gets an
    "item", has a method called ("update()"), or is "read". Where the session is used as a whole, `member` is empty and
    `how` describes that. `number` is the ordinal of the attribute, `call` that of the call of it, or of its method.
    """

    member: str
    how: str
    line: int
    number: int = -1
    call: int = -1
    statement: bool = False  # it is a statement of its own
    nested: bool = False  # in a function, lambda or class within the one that is looked at
    looped: bool = False  # in a loop that does not hold the making of the session, too
    leading: bool = False  # among the statements that set up the session right after it is made
    value: Term = OPAQUE  # what is assigned
    code: str = ""  # the same, as code
    items: Items = ()  # what is put in
    display: bool = False  # what is assigned or put in is a dict display


class LocalSession(Struct, frozen=True):
    """A session that a function makes; `manner` is "" for one that gets no name by itself, as `how` describes."""

    number: int
    name: str
    line: int
    manner: Literal["assigned", "entered", "chained", ""]
    how: str
    uses: tuple[SessionUse, ...]
    rebound: int = 0  # the line in which its name gets another value
    annotated: tuple[Term, ...] = ()  # the names in its annotation

    def items(self, setting: str) -> Items:
        """All that is put into one of its settings, wherever."""
        return tuple(item for use in self.uses if use.member == setting for item in use.items)


def read_local_session(tree: ast.Module, number: int) -> LocalSession | None:
    """The session that the call with this ordinal makes in a function."""
    numbers = number_nodes(tree)
    for function, calls in calls_by_function(tree, numbers, {number}):
        return _LocalReader(FunctionView(function, numbers, [], frozenset()), calls[0]).read()
    return None


class UseReader:
    """Reads a use of a session off the nodes around it."""

    def __init__(
        self,
        parents: Mapping[ast.AST, ast.AST],
        numbers: Mapping[ast.AST, int],
        term: Callable[[ast.expr], Term],
    ) -> None:
        self.parents = parents
        self.numbers = numbers
        self.term = term

    def read(self, node: ast.expr) -> SessionUse:
        """The use of the session that an expression is."""
        member = self.parents.get(node)
        if not isinstance(member, ast.Attribute):
            return SessionUse("", self._described(node, member), node.lineno)
        use = SessionUse(member.attr, "read", node.lineno, self.numbers[member])
        outer = self.parents.get(member)
        match outer:
            case ast.Call(func=called) if called is member:
                statement = isinstance(self.parents.get(outer), ast.Expr)
                return replace(use, how="called", call=self.numbers[outer], statement=statement)
            case ast.Assign(targets=[target], value=value) if target is member:
                return self._given(replace(use, how="assigned", statement=True), value)
            case ast.Attribute(attr=method):
                call = self.parents.get(outer)
                if isinstance(call, ast.Call) and call.func is outer:
                    return self._method(replace(use, how=f"{method}()", call=self.numbers[call]), method, call)
            case ast.Subscript(slice=key):
                match self.parents.get(outer):
                    case ast.Assign(targets=[target], value=value) if target is outer:
                        return replace(use, how="item", statement=True, items=((self.term(key), self.term(value)),))
        return use

    def _given(self, use: SessionUse, value: ast.expr) -> SessionUse:
        term = self.term(value)
        items = tuple(_items_of(term)) if use.member in {"headers", "params", "cookies"} else ()
        return replace(use, value=term, code=ast.unparse(value), items=items, display=isinstance(value, ast.Dict))

    def _method(self, use: SessionUse, method: str, call: ast.Call) -> SessionUse:
        use = replace(use, statement=isinstance(self.parents.get(call), ast.Expr))
        if method == "update":
            given = [item for arg in call.args for item in _items_of(self.term(arg))]
            named = [(_key(keyword.arg), self.term(keyword.value)) for keyword in call.keywords]
            only = len(call.args) == 1 and not named
            return replace(use, items=(*given, *named), display=only and isinstance(call.args[0], ast.Dict))
        where = {"domain", "path"}
        if method == "set" and len(call.args) == 2 and where.issuperset(keyword.arg for keyword in call.keywords):
            return replace(use, items=((self.term(call.args[0]), self.term(call.args[1])),))
        return use

    def _described(self, node: ast.expr, parent: ast.AST | None) -> str:
        match parent:
            case ast.Return():
                return "returned"
            case ast.Call(func=callee):
                return "called" if callee is node else f"handed to `{ast.unparse(callee)}`"
            case ast.keyword():
                call = self.parents[parent]
                return f"handed to `{ast.unparse(call.func)}`" if isinstance(call, ast.Call) else "handed on"
            case ast.Assign(targets=[target, *_]):
                return f"stored in `{ast.unparse(target)}`"
            case ast.withitem():
                return "entered by `with`"
        return "used as a whole"


def statements_after(made: ast.Call, parents: Mapping[ast.AST, ast.AST], function: Function | None) -> list[ast.stmt]:
    """The statements after the one that makes a session, in its block, or those of the `with` block that it opens."""
    statement = parents[made]
    if isinstance(statement, ast.withitem):
        whole = parents[statement]
        return whole.body if isinstance(whole, ast.With) else []
    block = parents.get(statement, function)
    for field in ("body", "orelse", "finalbody"):
        statements = getattr(block, field, None)
        if isinstance(statements, list) and statement in statements:
            return statements[statements.index(statement) + 1 :]
    return []


def leading_statements(
    after: Iterable[ast.stmt], is_session: Callable[[ast.AST], bool], uses: UseReader
) -> set[ast.AST]:
    """The statements that set up a session, one after the other, before anything else happens to it."""
    found: set[ast.AST] = set()
    for statement in after:
        named = [node for node in walk(statement) if is_session(node)]
        if not isinstance(statement, ast.Assign | ast.Expr) or len(named) != 1:
            break
        use = uses.read(named[0])
        if not use.statement or use.how == "called":
            break
        found.add(statement)
    return found


def names_of_annotation(statement: ast.AST) -> tuple[Term, ...]:
    """The names that the annotation of an assignment reads."""
    names = loads_in(walk(statement.annotation)) if isinstance(statement, ast.AnnAssign) else ()
    return tuple(Ref(name) for name in names)


def _items_of(term: Term) -> Iterator[tuple[Term, Term]]:
    if isinstance(term, Display) and term.kind == "dict":
        yield from zip(term.keys, term.values, strict=True)
    else:
        yield SPREAD, term


def _key(name: str | None) -> Term:
    return SPREAD if name is None else Const(name)


class _LocalReader:
    def __init__(self, view: FunctionView, call: ast.Call) -> None:
        self.view = view
        self.call = call
        self.uses = UseReader(view.parents, view.numbers, Evidence(view).term)

    def read(self) -> LocalSession:
        name, manner, how = self._made()
        number, line = self.view.numbers[self.call], self.call.lineno
        if not name:
            return LocalSession(number, name, line, manner, how, ())
        target = next(iter(self._targets()))
        uses: list[SessionUse] = []
        rebound = 0
        leading = self._leading(name)
        for node in self.view.nodes:
            if isinstance(node, ast.Name) and node.id == name and node is not target:
                if isinstance(node.ctx, ast.Load):
                    uses.append(self._use(node, leading))
                else:
                    rebound = node.lineno
        if any(d.name == name and d.kind not in {"value", "with"} for d in self.view.flow.definitions):
            rebound = rebound or line
        uses.sort(key=lambda use: (use.line, use.number))
        annotated = names_of_annotation(self.view.parents[self.call])
        return LocalSession(number, name, line, manner, how, tuple(uses), rebound, annotated)

    def _made(self) -> tuple[str, Literal["assigned", "entered", "chained", ""], str]:
        parent = self.view.parents.get(self.call)
        match parent:
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                if name in self.view.flow.local and not self._in_class():
                    return name, "assigned", ""
            case ast.withitem(optional_vars=ast.Name(id=name)) if isinstance(self.view.parents[parent], ast.With):
                return name, "entered", ""
            case ast.Attribute():
                return "", "chained", ""
        return "", "", self.uses.read(self.call).how

    def _in_class(self) -> bool:
        return any(isinstance(above, ast.ClassDef) for above in self.view.above(self.call))

    def _targets(self) -> Iterator[ast.expr]:
        match self.view.parents.get(self.call):
            case ast.Assign(targets=targets):
                yield from targets
            case ast.AnnAssign(target=target) | ast.withitem(optional_vars=ast.Name() as target):
                yield target

    def _use(self, node: ast.Name, leading: set[ast.AST]) -> SessionUse:
        above = list(self.view.above(node))
        around = set(self.view.above(self.call))
        return replace(
            self.uses.read(node),
            nested=any(isinstance(outer, NESTED) for outer in above),
            looped=any(isinstance(outer, _LOOPS) and outer not in around for outer in above),
            leading=not leading.isdisjoint(above),
        )

    def _leading(self, name: str) -> set[ast.AST]:
        after = statements_after(self.call, self.view.parents, self.view.function)
        return leading_statements(after, lambda node: isinstance(node, ast.Name) and node.id == name, self.uses)
