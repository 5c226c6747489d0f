"""Sites: all that is to be known of a call before it can be rewritten.

Read for the few calls that the event loop reaches: their arguments with what is known of them, what becomes of
the result, which handlers stand around, and whether an `await` may stand there at all.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Container, Iterable, Iterator
from functools import cached_property
from types import UnionType
from typing import Literal

from msgspec import Struct

from fastmigrate.facts.blocks import Rest, blocks_around, is_timed, loops_around, read_blocks, rest_of_block
from fastmigrate.facts.evidence import Evidence
from fastmigrate.facts.exits import Exit, exits_after
from fastmigrate.facts.flow import Function
from fastmigrate.facts.handlers import handlers_around, read_handlers
from fastmigrate.facts.interleaving import Interleaving
from fastmigrate.facts.nodes import by_function
from fastmigrate.facts.order import as_written, number_nodes, walk
from fastmigrate.facts.terms import OPAQUE, Term
from fastmigrate.facts.uses import Use, Uses
from fastmigrate.facts.values import Handler
from fastmigrate.facts.view import COMPREHENSIONS, FunctionView

__all__ = ["Argument", "Site", "calls_by_function", "read_argument", "read_sites"]

_DISPLAYS = (ast.Dict, ast.List, ast.Tuple, ast.Set)
_FILE_METHODS = frozenset(["read", "readline", "readlines", "seek", "write"])
_NAME_READERS = frozenset(["locals", "vars", "eval", "exec"])
_WAITING = {
    "gather": "gather",
    "wait_for": "timed",
    "shield": "gather",
    "create_task": "task",
    "ensure_future": "task",
}
Waited = Literal["await", "gather", "task", "timed", ""]
Obstacle = Literal["generator", "nested comprehension", "class body", "lambda"]


class Argument(Struct, frozen=True):
    """An argument as written; `star` is "", "*" or "**".

    `simple` says that it may be written twice, `display` that it is a dict, list, set or tuple written there.
    """

    keyword: str | None
    star: str
    term: Term
    code: str
    simple: bool
    display: bool = False


class Site(Struct, frozen=True):
    """A call that may be rewritten."""

    number: int
    arguments: tuple[Argument, ...]
    uses: tuple[Use, ...]
    handlers: tuple[Handler, ...]
    errors: tuple[tuple[Handler, tuple[Use, ...]], ...]  # the function's handlers that use `error.response`, and how
    rest: Rest | None
    exits: tuple[Exit, ...]
    blocks: tuple[int, ...]  # those around it (see `blocks_around`)
    loops: int  # how many are around it
    conditional: frozenset[int]  # the calls of its function that stand in `x if y else z`, or in `and` or `or`
    all_blocks: tuple[tuple[int, int], ...]  # the lines of those of its function
    obstacle: Obstacle | None
    in_fstring: bool
    guards: tuple[Term, ...]  # the context managers of the plain `with` statements around it
    acquired: tuple[Term, ...]  # what the function calls `acquire()` on without awaiting it
    dumped: frozenset[str]  # the code of what it gives to `json.dumps`
    bound: frozenset[str]  # the names that it gives a meaning of its own
    sees_names: bool  # it asks for its own names, as `locals()` does
    looped: tuple[str, ...]  # shared things over which loops around it run
    omitted: tuple[Term, ...]  # the keys that it leaves out of dicts: pops, deletes, or filters out
    touched: tuple[Term, ...]  # what it reads from or hands to something else, and so may not stand at its beginning
    loop: tuple[str, int] | None  # what runs over the call itself: "for", "clause" or "generator", and its ordinal
    passed: tuple[Term | None, int]  # what is called with it as its only argument, and the ordinal of that call
    waited: Waited  # how its coroutine or future is run: awaited, given to that, or "timed": for so long and no longer
    stale: tuple[str, ...]  # shared state read before the call, and used in what is written to it afterwards

    def blocks_at(self, line: int) -> tuple[int, ...]:
        """The blocks around a line (see `blocks_around`)."""
        return tuple(sorted(first for first, last in self.all_blocks if first <= line <= last))


def read_sites(
    tree: ast.Module,
    calls: Iterable[int],
    optional: Container[int] = (),
    awaited: Container[int] = (),
    several: Container[int] = (),
) -> dict[int, Site]:
    """The sites of the calls with these ordinals.

    Those that are `optional` may give None, `awaited` a coroutine, `several` a number of results, one after the other.
    """
    wanted = set(calls)
    numbers = number_nodes(tree)
    found: dict[int, Site] = {}
    imports = [alias for node in tree.body if isinstance(node, ast.Import) for alias in node.names]
    modules = frozenset(alias.asname or alias.name.partition(".")[0] for alias in imports)
    for function, own in calls_by_function(tree, numbers, wanted):
        view = FunctionView(function, numbers, own, modules)
        ordinals = [numbers[call] for call in own]
        known = [frozenset(number for number in ordinals if number in some) for some in (optional, awaited, several)]
        found.update(_SiteReader(view, *known).read())
    return found


def calls_by_function(
    tree: ast.Module, numbers: dict[ast.AST, int], wanted: set[int]
) -> Iterator[tuple[Function, list[ast.Call]]]:
    """The calls with these ordinals, by the innermost function around them."""
    for function, nodes in by_function(tree):
        calls = [node for node in nodes if isinstance(node, ast.Call) and numbers[node] in wanted]
        if function is not None and calls:
            yield function, calls


class _SiteReader:
    def __init__(
        self, view: FunctionView, optional: frozenset[int], awaited: frozenset[int], several: frozenset[int]
    ) -> None:
        self.view = view
        self.evidence = Evidence(view)
        self.uses = Uses(view, self.evidence, optional, awaited, several)
        self.interleaving = Interleaving(view)

    def read(self) -> dict[int, Site]:
        uses = self.uses.read()
        errors = tuple((self._handler(-1 - key), tuple(found)) for key, found in sorted(uses.items()) if key < 0)
        numbers = [self.view.numbers[call] for call in self.view.calls]
        return {n: self._site(call, uses[n], errors) for call, n in zip(self.view.calls, numbers, strict=True)}

    def _handler(self, number: int) -> Handler:
        """The `except` clause with this ordinal."""
        node = next(n for n in self.view.nodes if isinstance(n, ast.ExceptHandler) and self.view.numbers[n] == number)
        block = self.view.parents[node]
        assert isinstance(block, ast.Try | ast.TryStar)
        found = read_handlers(block, self.evidence.term, self.view.numbers.__getitem__)
        return next(handler for handler in found if handler.number == number)

    def _site(self, call: ast.Call, uses: list[Use], errors: tuple[tuple[Handler, tuple[Use, ...]], ...]) -> Site:
        guards = [item for node in self.view.above(call) if isinstance(node, ast.With) for item in node.items]
        return Site(
            self.view.numbers[call],
            tuple(read_argument(node, self.evidence.term) for node in as_written(call.args, call.keywords)),
            tuple(uses),
            handlers_around(call, self.view, self.evidence),
            errors,
            rest_of_block(call, self.view),
            tuple(exits_after(call, self.view)),
            blocks_around(call, self.view),
            loops_around(call, self.view),
            self._conditional,
            self._blocks,
            self._obstacle(call),
            any(isinstance(node, ast.JoinedStr) for node in self.view.above(call)),
            tuple(self.evidence.term(item.context_expr) for item in guards),
            self._acquired,
            self._dumped,
            self.view.flow.local,
            self._reads_names,
            tuple(self.interleaving.looped(call)),
            self._omitted,
            self._touched,
            self.uses.loop_over(call),
            self._passed(call),
            self._waited(call),
            tuple(self.interleaving.stale(call)),
        )

    def _passed(self, call: ast.Call) -> tuple[Term | None, int]:
        match self.view.parents.get(call):
            case ast.Call(func=callee, args=[only], keywords=[]) as outer if only is call:
                return self.evidence.term(callee), self.view.numbers[outer]
        return None, -1

    def _waited(self, call: ast.Call) -> Waited:
        """`await f()`; `gather(f(), …)`, also of a list of such calls; `create_task(f())`; `wait_for(f(), 5)`."""
        waited = self._run_by(call)
        return "timed" if waited in {"await", "gather"} and is_timed(call, self.view) else waited

    def _run_by(self, call: ast.Call) -> Waited:
        node: ast.AST = call
        for above in self.view.above(call):
            match above:
                case ast.Await():
                    return "await"
                case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name), keywords=keywords) if (
                    node is not above.func
                ):
                    as_values = any(keyword.arg == "return_exceptions" for keyword in keywords)
                    return "task" if as_values else _WAITING.get(name, "")  # type: ignore[return-value]
                case ast.Starred() | ast.ListComp() | ast.List() | ast.GeneratorExp() | ast.Tuple():
                    node = above
                case _:
                    return ""
        return ""

    # what holds for all calls of the function is read once

    @cached_property
    def _conditional(self) -> frozenset[int]:
        choosing = (*self.view.of_kind(ast.IfExp), *self.view.of_kind(ast.BoolOp))
        calls = (inner for node in choosing for inner in walk(node) if isinstance(inner, ast.Call))
        return frozenset(self.view.numbers[call] for call in calls)

    @cached_property
    def _blocks(self) -> tuple[tuple[int, int], ...]:
        return tuple(read_blocks(self.view))

    @cached_property
    def _acquired(self) -> tuple[Term, ...]:
        found: list[Term] = []
        for node in self.view.of_kind(ast.Call):
            match node:
                case ast.Call(func=ast.Attribute(value=value, attr="acquire")):
                    if not isinstance(self.view.parents.get(node), ast.Await):
                        found.append(self.evidence.term(value))
        return tuple(found)

    @cached_property
    def _dumped(self) -> frozenset[str]:
        found: set[str] = set()
        for node in self.view.of_kind(ast.Call):
            match node:
                case ast.Call(func=ast.Attribute(attr="dumps") | ast.Name(id="dumps"), args=[value, *_]):
                    found.add(ast.unparse(value))
        return frozenset(found)

    @cached_property
    def _reads_names(self) -> bool:
        return any(node.id in _NAME_READERS for node in self.view.of_kind(ast.Name))

    @cached_property
    def _omitted(self) -> tuple[Term, ...]:
        return tuple(self._find_omitted())

    def _find_omitted(self) -> Iterator[Term]:
        for node in self.view.nodes:
            match node:
                case ast.Call(func=ast.Attribute(attr="pop"), args=[key, *_]):
                    yield self.evidence.term(key)
                case ast.Delete(targets=[ast.Subscript(slice=key)]):
                    yield self.evidence.term(key)
                case ast.comprehension(ifs=ifs):
                    for test in ifs:
                        yield from self._compared(test, ast.NotEq | ast.NotIn)
                case ast.If(test=test, body=[ast.Continue()]):
                    yield from self._compared(test, ast.Eq | ast.In)

    def _compared(self, test: ast.expr, operators: type | UnionType) -> Iterator[Term]:
        for node in walk(test):
            match node:
                case ast.Compare(ops=[op], comparators=[right]) if isinstance(op, operators):
                    yield self.evidence.term(right)

    @cached_property
    def _touched(self) -> tuple[Term, ...]:
        return tuple(self._find_touched())

    def _find_touched(self) -> Iterator[Term]:
        for node in self.view.nodes:
            match node:
                case ast.Call(func=ast.Attribute(value=value, attr=method)) if method in _FILE_METHODS:
                    yield self.evidence.term(value)
                case ast.Call(args=args) if node not in self.view.calls:
                    yield from (self.evidence.term(arg) for arg in args if isinstance(arg, ast.Name | ast.Attribute))
                case ast.For(iter=iterable):
                    yield self.evidence.term(iterable)

    def _obstacle(self, call: ast.Call) -> Obstacle | None:
        child: ast.AST = call
        comprehensions = 0
        for above in self.view.above(call):
            if isinstance(above, ast.Lambda):
                return "lambda"
            if isinstance(above, ast.ClassDef):
                return "class body"
            if (isinstance(above, COMPREHENSIONS) and child is not above.generators[0]) or (
                isinstance(above, COMPREHENSIONS) and not self._in_first_iterable(call, above)
            ):
                if isinstance(above, ast.GeneratorExp):
                    return "generator"
                comprehensions += 1
            child = above
        return "nested comprehension" if comprehensions > 1 else None

    def _in_first_iterable(self, call: ast.Call, comprehension: ast.expr) -> bool:
        first = comprehension.generators[0].iter  # type: ignore[attr-defined]
        return first is call or first in set(self.view.above(call))


def read_argument(node: ast.expr | ast.keyword, term: Callable[[ast.expr], Term]) -> Argument:
    """An argument of a call; `term` reads expressions."""
    value = node.value if isinstance(node, ast.keyword) else node
    if isinstance(value, ast.Starred):
        return Argument(None, "*", OPAQUE, ast.unparse(value), simple=False)
    keyword = node.arg if isinstance(node, ast.keyword) else None
    star = "**" if isinstance(node, ast.keyword) and keyword is None else ""
    return Argument(keyword, star, term(value), ast.unparse(value), _is_simple(value), isinstance(value, _DISPLAYS))


def _is_simple(node: ast.expr) -> bool:
    """A name, a constant or a chain of members: reading it twice changes nothing."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name | ast.Constant)
