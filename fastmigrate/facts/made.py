"""Things that a function makes by a call, and uses by their methods: under which name, and for what."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Literal

from msgspec import Struct

from fastmigrate.facts.evidence import Evidence
from fastmigrate.facts.nodes import by_function
from fastmigrate.facts.order import as_written, number_nodes, walk
from fastmigrate.facts.sites import Argument, calls_by_function, read_argument
from fastmigrate.facts.terms import OPAQUE
from fastmigrate.facts.view import COMPREHENSIONS, FunctionView

__all__ = ["Made", "MadeUse", "read_arguments", "read_kept_in_state", "read_made", "read_names"]

_LOOPS = (ast.For, ast.AsyncFor, ast.While, *COMPREHENSIONS, ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_LATER = (*COMPREHENSIONS, ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


class MadeUse(Struct, frozen=True):
    """A use of what was made: the call of a method, or, if that has no name, what `described` says.

    `call` is the ordinal of that call. `repeated` says that it may run several times, `awaited` that it is awaited in
    the very statement in which it stands, `dropped` that this statement consists of nothing else.
    """

    method: str
    call: int
    line: int
    arguments: tuple[Argument, ...] = ()
    repeated: bool = False
    awaited: bool = False
    dropped: bool = False
    described: str = ""


class Made(Struct, frozen=True):
    """What the call with the ordinal `number` makes.

    `how` tells where it goes: into a `with` statement under a name (`block` is the ordinal of that statement, `item`
    its place there), into a name, or straight into a method's call. `mixed` says that the name may stand for something
    else, too, where it is used.
    """

    number: int
    how: Literal["with", "async with", "name", "inline", "other"]
    name: str
    arguments: tuple[Argument, ...]
    uses: tuple[MadeUse, ...]
    mixed: bool
    changing: frozenset[str]  # the names to which the function gives several values
    block: int = -1
    item: int = 0


def read_made(tree: ast.Module, calls: Iterable[int]) -> dict[int, Made]:
    """What the calls with these ordinals make."""
    numbers = number_nodes(tree)
    found: dict[int, Made] = {}
    for function, own in calls_by_function(tree, numbers, set(calls)):
        reader = _MadeReader(FunctionView(function, numbers, own, frozenset()))
        found.update((numbers[call], reader.read(call)) for call in own)
    return found


def read_arguments(tree: ast.Module, number: int) -> tuple[Argument, ...]:
    """The arguments of the call with this ordinal, as they stand."""
    numbers = number_nodes(tree)
    for node in walk(tree):
        if isinstance(node, ast.Call) and numbers[node] == number:
            return tuple(read_argument(part, lambda _: OPAQUE) for part in as_written(node.args, node.keywords))
    return ()


def read_names(tree: ast.Module, number: int) -> list[str]:
    """The names that are read in the statement of the module that holds the call with this ordinal."""
    numbers = number_nodes(tree)
    for statement in tree.body:
        nodes = list(walk(statement))
        if any(isinstance(node, ast.Call) and numbers[node] == number for node in nodes):
            return [node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]
    return []


def read_kept_in_state(tree: ast.Module) -> set[int]:
    """The ordinals of the calls whose results become attributes of some `state`, as `app.state.client` is."""
    numbers = number_nodes(tree)
    found: set[int] = set()
    for node in walk(tree):
        match node:
            case ast.Assign(targets=[ast.Attribute(value=ast.Attribute(attr="state"))], value=ast.Call() as call):
                found.add(numbers[call])
    return found


class _MadeReader:
    def __init__(self, view: FunctionView) -> None:
        self.view = view
        self.evidence = Evidence(view)

    def read(self, call: ast.Call) -> Made:
        how, name = self._bound(call)
        arguments = tuple(read_argument(node, self.evidence.term) for node in as_written(call.args, call.keywords))
        definitions = self.view.flow.definitions
        own = {index for index, definition in enumerate(definitions) if definition.value is call}
        uses: list[MadeUse] = []
        mixed = False
        if how == "inline":
            uses.append(self._use(call, call))
        for node, reaching in self.view.flow.reaching.items():
            if own & reaching:
                uses.append(self._use(node, call))
                mixed |= not reaching <= own
        uses.sort(key=lambda use: (use.line, use.call))
        values = [definition.name for definition in definitions]
        changing = frozenset(name for name in values if values.count(name) > 1)
        block, item = self._entered(call)
        return Made(self.view.numbers[call], how, name, arguments, tuple(uses), mixed, changing, block, item)

    def _entered(self, call: ast.Call) -> tuple[int, int]:
        """The ordinal of the `with` statement that enters what is made, and its place there."""
        item = self.view.parents.get(call)
        block = self.view.parents.get(item) if isinstance(item, ast.withitem) else None
        if not isinstance(item, ast.withitem) or not isinstance(block, ast.With | ast.AsyncWith):
            return -1, 0
        return self.view.numbers[block], block.items.index(item)

    def _bound(self, call: ast.Call) -> tuple[Literal["with", "async with", "name", "inline", "other"], str]:
        parent = self.view.parents.get(call)
        outer = self.view.parents.get(parent) if parent is not None else None
        match parent:
            case ast.withitem(optional_vars=ast.Name(id=name)):
                return ("async with" if isinstance(outer, ast.AsyncWith) else "with"), name
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                return ("name" if name in self.view.flow.local else "other"), name
            case ast.Attribute() if isinstance(outer, ast.Call) and outer.func is parent:
                return "inline", ""
        return "other", ""

    def _use(self, node: ast.expr, made: ast.Call) -> MadeUse:
        parent = self.view.parents.get(node)
        called = self.view.parents.get(parent) if isinstance(parent, ast.Attribute) else None
        if not isinstance(parent, ast.Attribute) or not isinstance(called, ast.Call) or called.func is not parent:
            return MadeUse("", -1, node.lineno, described=self._described(node, parent))
        method = parent.attr
        around = list(self._up_to_making(called, made))
        awaited = isinstance(self.view.parents.get(called), ast.Await)
        entered = isinstance(self.view.parents.get(called), ast.withitem)
        later = any(isinstance(above, _LATER) for above in around)
        outer = self.view.parents.get(called)
        statement = self.view.parents.get(outer) if awaited and outer is not None else outer
        return MadeUse(
            method,
            self.view.numbers[called],
            node.lineno,
            tuple(read_argument(part, self.evidence.term) for part in as_written(called.args, called.keywords)),
            any(isinstance(above, _LOOPS) for above in around),
            (awaited or entered) and not later,
            isinstance(statement, ast.Expr),
        )

    def _described(self, node: ast.expr, parent: ast.AST | None) -> str:
        match parent:
            case ast.Attribute(attr=name):
                return f"asked for its `{name}`"
            case ast.Call(func=callee) if callee is not node:
                return f"passed to `{ast.unparse(callee)}`"
            case ast.keyword():
                call = self.view.parents[parent]
                return f"passed to `{ast.unparse(call.func)}`" if isinstance(call, ast.Call) else "handed on"
            case ast.withitem():
                return "entered by a `with` of its own"
            case ast.Return() | ast.Yield():
                return "handed out"
        return "used as a whole"

    def _up_to_making(self, node: ast.AST, made: ast.Call) -> Iterator[ast.AST]:
        """What is around a use, and not around the making as well."""
        around = set(self.view.above(made))
        yield from (above for above in self.view.above(node) if above not in around)


def read_clients_on_apps(tree: ast.Module) -> list[tuple[int, str, str]]:
    """What functions keep as `app.state.<name>`: the ordinal of the function, the name, and the code that makes it."""
    numbers = number_nodes(tree)
    found: list[tuple[int, str, str]] = []
    for function, nodes in by_function(tree):
        if function is None:
            continue
        items = [item for node in nodes if isinstance(node, ast.AsyncWith) for item in node.items]
        entered = {
            item.optional_vars.id: item.context_expr for item in items if isinstance(item.optional_vars, ast.Name)
        }
        for node in nodes:
            match node:
                case ast.Assign(targets=[ast.Attribute(value=ast.Attribute(attr="state"), attr=name)], value=value):
                    made = entered.get(value.id) if isinstance(value, ast.Name) else value
                    if isinstance(made, ast.Call):
                        found.append((numbers[function], name, ast.unparse(made)))
    return found
