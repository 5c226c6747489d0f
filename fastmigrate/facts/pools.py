"""Pools of threads that a function makes: what it hands to them, and what it does with the futures that it gets."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from fastmigrate.facts.futures import Shape, Shapes
from fastmigrate.facts.order import number_nodes
from fastmigrate.facts.sites import Argument, calls_by_function, read_argument
from fastmigrate.facts.terms import read_term
from fastmigrate.facts.view import COMPREHENSIONS, FunctionView

__all__ = ["Job", "MadePool", "PoolCall", "read_pools"]

_RUNNING_OVER = frozenset({"list", "set"})
_WHOLE = frozenset({"tuple", "dict", "sum", "sorted", "frozenset", "min", "max", "any", "all", "zip", "enumerate"})
_WHOLE_METHODS = frozenset({"extend", "update", "join"})
_HOLDING = frozenset(
    [
        *("append", "add", "insert", "extend", "pop", "remove", "discard", "clear", "index", "items", "values"),
        *("keys", "get", "copy"),
    ]
)
"""Methods of lists and dicts that may be called on what holds futures."""
_TAKING = frozenset({"append", "add", "insert", "get", "pop", "remove", "discard", "index", "wrap_future"})
"""What may be given a future."""
_LOOKING = frozenset({"list", "set", "tuple", "len", "enumerate", "zip", "reversed", "sorted", "bool"})
_DISPLAYS = (ast.List, ast.Tuple, ast.Set, ast.Dict, *COMPREHENSIONS)
_ASKING = (ast.Expr, ast.Compare, ast.If, ast.While, ast.UnaryOp, ast.Subscript, ast.NamedExpr)
_NESTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)


@dataclass(frozen=True, slots=True)
class PoolCall:
    """A call about a pool or futures: its ordinal, its line and its arguments.

    `done` says of `future.result()` that the future has ended before, `alone` that the call is a whole statement.
    """

    call: int
    line: int
    arguments: tuple[Argument, ...] = ()
    done: bool = False
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """A call that hands work to a pool.

    `count` tells how many jobs come of it, if that is known; `at_once` that its result is waited for right there;
    `name` is the one that its future gets, if that is all that its statement, one of the pool's block, does.
    """

    call: int
    how: Literal["submit", "map", "executor"]
    line: int
    arguments: tuple[Argument, ...]
    count: int | None
    at_once: bool
    name: str


@dataclass(slots=True)
class MadePool:
    """What the call with the ordinal `number` makes: a pool.

    `block` is the ordinal of the `with` statement that enters it, or -1; `beside`, that this enters more. `loops` run
    over what comes of jobs as it comes, `collected` are calls of `list` and `set` around such a thing, `whole` the
    `map`s of which something else needs all results, each with whether a loop runs over that. `results` are the calls
    of `future.result()`. `others` are pools whose futures stand under the same names. `reason` tells what is done with
    the pool or with a future that cannot be followed.
    """

    number: int
    line: int
    arguments: tuple[Argument, ...]
    name: str = ""
    block: int = -1
    beside: bool = False
    jobs: list[Job] = field(default_factory=list)
    results: list[PoolCall] = field(default_factory=list)
    completions: list[PoolCall] = field(default_factory=list)
    waits: list[PoolCall] = field(default_factory=list)
    shutdowns: list[PoolCall] = field(default_factory=list)
    loops: list[tuple[str, int]] = field(default_factory=list)
    collected: list[int] = field(default_factory=list)
    whole: list[tuple[int, bool]] = field(default_factory=list)
    others: set[int] = field(default_factory=set)
    reason: str = ""

    @property
    def is_awaited_after_submits(self) -> bool:
        """Whether all its jobs are named one by one in its block, and read behind the last of them."""
        named = all(job.how == "submit" and job.name for job in self.jobs)
        last = max((job.line for job in self.jobs), default=0)
        plain = not (self.completions or self.waits or self.shutdowns or self.loops or self.whole or self.collected)
        return named and plain and all(result.line > last and not result.arguments for result in self.results)


def read_pools(tree: ast.Module, calls: Iterable[int], waiting: Mapping[int, str]) -> dict[int, MadePool]:
    """The pools that the calls with these ordinals make.

    `waiting` names the calls of `concurrent.futures.as_completed` and `wait`, by their ordinals.
    """
    numbers = number_nodes(tree)
    found: dict[int, MadePool] = {}
    for function, own in calls_by_function(tree, numbers, set(calls)):
        found |= _PoolReader(FunctionView(function, numbers, own, frozenset()), waiting).pools
    return found


class _PoolReader:
    def __init__(self, view: FunctionView, waiting: Mapping[int, str]) -> None:
        self.view = view
        self.waiting = waiting
        self.shapes = Shapes(view, waiting)
        self.pools = {
            view.numbers[call]: MadePool(view.numbers[call], call.lineno, _arguments(call)) for call in view.calls
        }
        for node in self.shapes.nodes:
            if isinstance(node, ast.expr):
                self._read(node)
            if isinstance(node, _NESTED):
                self._read_nested(node)
            if isinstance(node, ast.Call):
                self._read_call(node)
        for pool in self.pools.values():
            pool.others.discard(pool.number)
            if not pool.jobs and not pool.reason:
                pool.reason = "nothing is handed to it there"

    def _hold(self, shape: Shape, node: ast.expr, described: str) -> None:
        what = {"pool": "the pool", "future": "a future", "map": "what `map` gives"}.get(
            shape.kind, "a list of futures"
        )
        for number in shape.all_pools:
            self.pools[number].reason = self.pools[number].reason or f"{what} {described} in line {node.lineno}"

    def _read_nested(self, node: ast.AST) -> None:
        """A function within the function may run at any time."""
        parts = list(ast.walk(node))
        own = {part.arg for part in parts if isinstance(part, ast.arg)}
        own |= {part.id for part in parts if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
        own -= {name for part in parts if isinstance(part, ast.Nonlocal) for name in part.names}
        for part in parts:
            if isinstance(part, ast.Name) and part.id not in own:
                shape = self.shapes.names.get(part.id)
                if shape is not None and shape.all_pools:
                    self._hold(shape, part, "is used by a nested function")

    # -- calls that take futures

    def _read_call(self, call: ast.Call) -> None:
        kind = self.waiting.get(self.view.numbers[call])
        given = self.shapes.of(call.args[0]) if kind is not None and call.args else None
        for number in given.all_pools if given is not None else ():
            statement = isinstance(self.view.parents.get(call), ast.Expr)
            about = PoolCall(self.view.numbers[call], call.lineno, _arguments(call), alone=statement)
            (self.pools[number].completions if kind == "as_completed" else self.pools[number].waits).append(about)
            self.pools[number].others |= given.all_pools if given is not None else set()
            if kind == "as_completed":
                self._run_over(call, Shape("map", given.all_pools if given is not None else frozenset()))
            elif not isinstance(self.view.parents.get(call), ast.Expr | ast.Assign | ast.Subscript):
                self._hold(Shape("list", parts=(given,)), call, "is waited for")
        if isinstance(call.func, ast.Attribute) and call.func.attr == "run_in_executor" and call.args:
            executor = self.shapes.of(call.args[0])
            for number in executor.pools if executor is not None and executor.kind == "pool" else ():
                self.pools[number].jobs.append(self._job(call, "executor", self.pools[number]))

    # -- expressions

    def _read(self, node: ast.expr) -> None:
        if isinstance(node, ast.Starred) or not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
            return
        shape = self.shapes.of(node)
        waits = isinstance(node, ast.Call) and self.view.numbers[node] in self.waiting
        if shape is None or not shape.all_pools or waits:
            return
        for number in shape.all_pools:
            self.pools[number].others |= shape.all_pools
        parent = self.view.parents.get(node)
        match shape.kind:
            case "pool":
                self._read_pool(node, shape, parent)
            case "future":
                self._read_future(node, shape, parent)
            case "map":
                self._run_over(node, shape)
            case "mixed":
                self._hold(shape, node, "stands under a name that may be something else")
            case _:
                self._read_holder(node, shape, parent)

    def _read_pool(self, node: ast.expr, shape: Shape, parent: ast.AST | None) -> None:
        for number in shape.pools:
            pool = self.pools[number]
            outer = self.view.parents.get(parent) if parent is not None else None
            match parent:
                case ast.withitem(optional_vars=variable) if isinstance(outer, ast.With):
                    pool.block = self.view.numbers[outer]
                    pool.beside = len(outer.items) > 1
                    pool.name = variable.id if isinstance(variable, ast.Name) else pool.name
                case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                    pool.name = name
                case ast.Attribute(attr="submit" | "map" as method) if (
                    isinstance(outer, ast.Call) and outer.func is parent and isinstance(node, ast.Name)
                ):
                    pool.jobs.append(self._job(outer, "submit" if method == "submit" else "map", pool))
                case ast.Attribute(attr="shutdown") if isinstance(outer, ast.Call) and outer.func is parent:
                    pool.shutdowns.append(PoolCall(self.view.numbers[outer], node.lineno, _arguments(outer)))
                case ast.Call(func=ast.Attribute(attr="run_in_executor"), args=[first, *_]) if first is node:
                    pass
                case _:
                    self._hold(shape, node, _described(node, parent))

    def _job(self, call: ast.Call, how: Literal["submit", "map", "executor"], pool: MadePool) -> Job:
        parent = self.view.parents.get(call)
        outer = self.view.parents.get(parent) if parent is not None else None
        at_once = False
        name = ""
        match parent, outer:
            case ast.Attribute(attr="result"), ast.Call(func=func, args=[], keywords=[]):
                at_once = func is parent
            case ast.Await(), _:
                at_once = how == "executor"
            case ast.Assign(targets=[ast.Name(id=assigned)]), ast.With():
                name = assigned if self.view.numbers[outer] == pool.block else ""
        count = self._count(call, how, pool)
        return Job(self.view.numbers[call], how, call.lineno, _arguments(call), count, at_once, name)

    def _count(self, call: ast.Call, how: str, pool: MadePool) -> int | None:
        """How many jobs come of a call, if that is known."""
        counts = [_length(arg) for arg in call.args[1:]] if how == "map" else []
        known = [count for count in counts if count is not None]
        if counts and not known:
            return None
        total = min(known, default=1)
        for above in self.view.above(call):
            if isinstance(above, ast.With) and self.view.numbers[above] == pool.block:
                return total
            over: list[ast.expr] = []
            if isinstance(above, ast.For):
                over = [above.iter] if call not in ast.walk(above.iter) else []
            elif isinstance(above, COMPREHENSIONS):
                over = [clause.iter for clause in above.generators if call not in ast.walk(clause.iter)]
            elif isinstance(above, _LOOPS):
                return None
            for iterable in over:
                length = _length(iterable)
                if length is None:
                    return None
                total *= length
        return total

    def _read_future(self, node: ast.expr, shape: Shape, parent: ast.AST | None) -> None:
        outer = self.view.parents.get(parent) if parent is not None else None
        match parent:
            case ast.Attribute(attr="result") if isinstance(outer, ast.Call) and outer.func is parent:
                alone = isinstance(self.view.parents.get(outer), ast.Expr)
                read = PoolCall(self.view.numbers[outer], node.lineno, _arguments(outer), shape.done, alone)
                for number in shape.pools:
                    self.pools[number].results.append(read)
            case ast.Attribute(attr=name):
                self._hold(shape, node, f"is asked for `{name}`")
            case ast.Call(func=func) if node is not func and _name(func) in _TAKING:
                pass
            case ast.Assign(targets=[ast.Name() | ast.Subscript()]) | ast.AnnAssign(target=ast.Name()):
                pass
            case _ if isinstance(parent, (*_DISPLAYS, *_ASKING)):
                pass
            case _:
                self._hold(shape, node, _described(node, parent))

    def _read_holder(self, node: ast.expr, shape: Shape, parent: ast.AST | None) -> None:
        match parent:
            case ast.Attribute(attr=name) if name in _HOLDING:
                pass
            case ast.Call(func=func) if node is not func and (
                _name(func) in _LOOKING | _TAKING | {"extend"} or self.view.numbers[parent] in self.waiting
            ):
                pass
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign() | ast.For() | ast.comprehension():
                pass
            case ast.BoolOp() | ast.BinOp() | ast.Starred():
                displayed = isinstance(self.view.parents.get(parent), _DISPLAYS)
                if isinstance(parent, ast.Starred) and not displayed:
                    self._hold(shape, node, "is handed on")
            case _ if isinstance(parent, (*_DISPLAYS, *_ASKING)):
                pass
            case _:
                self._hold(shape, node, _described(node, parent))

    def _run_over(self, node: ast.expr, shape: Shape) -> None:
        """What runs over something that comes bit by bit: the results of `map`, or futures as they end."""
        parent = self.view.parents.get(node)
        found: tuple[str, int] | None = None
        collected = -1
        looped: bool | None = None
        match parent:
            case ast.For(iter=over) if over is node:
                found = "for", self.view.numbers[parent]
            case ast.comprehension() if not isinstance(self.view.parents[parent], ast.GeneratorExp):
                found = "clause", self.view.numbers[parent]
            case ast.Call(func=ast.Name(id=name), args=[only], keywords=[]) if only is node and name in _RUNNING_OVER:
                collected = self.view.numbers[parent]
            case ast.Call(func=func) if node is not func and (_is_whole(func)):
                grand = self.view.parents.get(parent)
                looped = isinstance(grand, ast.For | ast.comprehension)
            case ast.Starred() if isinstance(self.view.parents.get(parent), ast.List | ast.Set | ast.Tuple):
                looped = False
            case ast.comprehension() | ast.Assign(targets=[ast.Tuple()]):
                looped = False
            case ast.Assign(targets=[ast.Name()]) | ast.AnnAssign(target=ast.Name()) | ast.Expr():
                if isinstance(node, ast.Name):
                    self._hold(shape, node, "gets another name")
                return
        if found is None and collected < 0 and (looped is None or not isinstance(node, ast.Call)):
            self._hold(shape, node, _described(node, parent))
            return
        for number in shape.all_pools:
            pool = self.pools[number]
            if found is not None:
                pool.loops.append(found)
            elif collected >= 0:
                pool.collected.append(collected)
            elif isinstance(node, ast.Call):
                pool.whole.append((self.view.numbers[node], bool(looped)))


def _is_whole(func: ast.expr) -> bool:
    if isinstance(func, ast.Name):
        return func.id in _WHOLE
    return isinstance(func, ast.Attribute) and func.attr in _WHOLE_METHODS


def _name(func: ast.expr) -> str:
    return func.id if isinstance(func, ast.Name) else func.attr if isinstance(func, ast.Attribute) else ""


def _length(node: ast.expr) -> int | None:
    """How many elements an expression has, if it is a display or a range."""
    match node:
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            return None if any(isinstance(item, ast.Starred) for item in items) else len(items)
        case ast.Dict(keys=keys):
            return None if None in keys else len(keys)
        case ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int(count))]):
            return max(0, count)
        case ast.Call(func=ast.Name(id="enumerate"), args=[inner, *_]):
            return _length(inner)
    return None


def _described(node: ast.expr, parent: ast.AST | None) -> str:
    match parent:
        case ast.Attribute(attr=name):
            return f"is asked for `{name}`"
        case ast.Call(func=callee) if callee is not node:
            return f"is passed to `{ast.unparse(callee)}`"
        case ast.Return() | ast.Yield():
            return "is handed out"
        case ast.Assign(targets=[ast.Attribute(), *_]):
            return "is kept by an object"
    return "is used in a way that is not followed"


def _arguments(call: ast.Call) -> tuple[Argument, ...]:
    written: list[ast.expr | ast.keyword] = [*call.args, *call.keywords]
    written.sort(key=lambda part: (part.lineno, part.col_offset))
    return tuple(read_argument(part, lambda node: read_term(node, lambda _: -1)) for part in written)
