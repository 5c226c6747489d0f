"""Pools of threads that a function makes: what it hands to them, and what it does with the futures that it gets."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Literal

from fastmigrate.facts.blocks import is_timed
from fastmigrate.facts.futures import FutureReader, described, read_arguments
from fastmigrate.facts.made_pools import Job, MadePool, PoolCall
from fastmigrate.facts.order import number_nodes, walk
from fastmigrate.facts.shapes import Shape, Shapes
from fastmigrate.facts.sites import calls_by_function
from fastmigrate.facts.view import COMPREHENSIONS, FunctionView

__all__ = ["read_pools"]

_NESTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)


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
            view.numbers[call]: MadePool(view.numbers[call], call.lineno, read_arguments(call)) for call in view.calls
        }
        self.futures = FutureReader(view, waiting, self.shapes, self.pools)
        for node in self.shapes.nodes:
            if isinstance(node, ast.expr):
                self._read(node)
            if isinstance(node, _NESTED):
                self._read_nested(node)
            if isinstance(node, ast.Call):
                self._read_call(node)
        for pool in self.pools.values():
            pool.others.discard(pool.number)
            pool.in_a_row = self._is_in_a_row(pool)
            pool.reason = pool.reason or self._unfit(pool)

    def _unfit(self, pool: MadePool) -> str:
        """Why tasks cannot take the place of a pool, as far as that can be told from its calls."""
        written = [argument for argument in pool.arguments if argument.keyword is None]
        if not pool.jobs:
            return "nothing is handed to the pool where it is made"
        if len(written) > 1 or any(a.star or a.keyword in {"initializer", "initargs"} for a in pool.arguments):
            return "the pool has an `initializer`, or arguments that are not written there"
        if pool.block in self._beside:
            return "the `with` statement that enters the pool enters more: give the pool one of its own"
        for call in pool.shutdowns:
            if any(a.keyword == "cancel_futures" or a.code != "True" for a in call.arguments):
                return f"`shutdown` in line {call.line} does not just wait for the jobs"
        if pool.block < 0 and not pool.shutdowns:
            return f"nothing waits for all jobs of the pool in line {pool.line}: enter it by `with`"
        for job in pool.jobs:
            if job.how == "map" and any(argument.keyword == "timeout" for argument in job.arguments):
                return f"`map` in line {job.line} has a `timeout`"
        return ""

    @cached_property
    def _beside(self) -> set[int]:
        """The `with` statements that enter several things."""
        blocks = (node for node in self.shapes.nodes if isinstance(node, ast.With))
        return {self.view.numbers[block] for block in blocks if len(block.items) > 1}

    def _is_in_a_row(self, pool: MadePool) -> bool:
        """Whether all jobs are begun by statements that stand together, and nothing happens before the first read."""
        block = next(
            (n for n in self.shapes.nodes if isinstance(n, ast.With) and self.view.numbers[n] == pool.block), None
        )
        if block is None or not pool.is_only_read:
            return False
        begun = {job.call for job in pool.jobs}
        reads = {result.call for result in pool.results}
        begins = [self._calls_in(statement) & begun != set() for statement in block.body]
        if True not in begins:
            return False
        first, last = begins.index(True), len(begins) - begins[::-1].index(True)
        rest = block.body[last:]
        return (
            all(begins[first:last])
            and last - first == len(begun)
            and all(_is_plain(statement) for statement in block.body[first:last])
            and all(result.line > block.body[last - 1].lineno for result in pool.results)
            and (not rest or bool(self._calls_in(rest[0]) & reads))
        )

    def _calls_in(self, node: ast.AST) -> set[int]:
        return {self.view.numbers[part] for part in walk(node) if isinstance(part, ast.Call)}

    def _read_nested(self, node: ast.AST) -> None:
        """A function within the function may run at any time."""
        for part in walk(node):
            if isinstance(part, ast.Name) and part in self.view.flow.reaching:
                shape = self.shapes.of(part)
                if shape is not None and shape.all_pools:
                    self.futures.hold(shape, part, "is used by a nested function")

    # -- calls that take futures

    def _read_call(self, call: ast.Call) -> None:
        kind = self.waiting.get(self.view.numbers[call])
        given = self.shapes.of(call.args[0]) if kind is not None and call.args else None
        pools = given.all_pools if given is not None else frozenset[int]()
        for number in pools:
            about = PoolCall(self.view.numbers[call], call.lineno, read_arguments(call))
            (self.pools[number].completions if kind == "as_completed" else self.pools[number].waits).append(about)
            self.pools[number].others |= pools
            if kind == "as_completed":
                self.futures.run_over(call, Shape("map", pools))
            elif not isinstance(self.view.parents.get(call), ast.Expr | ast.Assign | ast.Subscript):
                self.futures.hold(Shape("list", parts=(given,)), call, "is waited for")
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
                self.futures.read_future(node, shape, parent)
            case "map":
                self.futures.run_over(node, shape)
            case "mixed":
                self.futures.hold(shape, node, "stands where there may be something else, too,")
            case _:
                self.futures.read_holder(node, shape, parent)

    def _read_pool(self, node: ast.expr, shape: Shape, parent: ast.AST | None) -> None:
        made = isinstance(node, ast.Call)
        for number in shape.pools:
            pool = self.pools[number]
            outer = self.view.parents.get(parent) if parent is not None else None
            match parent:
                case ast.withitem(optional_vars=variable) if isinstance(outer, ast.With):
                    pool.block, pool.inline = self.view.numbers[outer], made
                    pool.name = variable.id if isinstance(variable, ast.Name) else pool.name
                case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)) if made:
                    pool.name = name
                case ast.Attribute(attr="submit" | "map" as method) if (
                    isinstance(outer, ast.Call) and outer.func is parent and isinstance(node, ast.Name)
                ):
                    pool.jobs.append(self._job(outer, "submit" if method == "submit" else "map", pool))
                case ast.Attribute(attr="shutdown") if isinstance(outer, ast.Call) and outer.func is parent:
                    pool.shutdowns.append(PoolCall(self.view.numbers[outer], node.lineno, read_arguments(outer)))
                case ast.Call(func=ast.Attribute(attr="run_in_executor"), args=[first, *_]) if first is node:
                    pass
                case _:
                    self.futures.hold(shape, node, described(node, parent))

    def _job(self, call: ast.Call, how: Literal["submit", "map", "executor"], pool: MadePool) -> Job:
        parent = self.view.parents.get(call)
        outer = self.view.parents.get(parent) if parent is not None else None
        at_once = False
        name = ""
        timed = is_timed(call, self.view)
        match parent, outer:
            case ast.Attribute(attr="result"), ast.Call(func=func, args=[], keywords=[]):
                at_once = func is parent
            case ast.Await(), _:
                at_once = how == "executor" and not timed
            case ast.Assign(targets=[ast.Name(id=assigned)]), ast.With():
                name = assigned if self.view.numbers[outer] == pool.block else ""
        kept = how == "executor" and not at_once and (timed or not self._is_gathered(call))
        count = self._count(call, how, pool)
        return Job(self.view.numbers[call], how, call.lineno, read_arguments(call), count, at_once, name, kept)

    def _is_gathered(self, call: ast.Call) -> bool:
        """Whether a call stands within `gather(…)`, by itself or in a list."""
        child: ast.AST = call
        for above in self.view.above(call):
            match above:
                case ast.Call(func=ast.Attribute(attr="gather") | ast.Name(id="gather")):
                    return child is not above.func
                case ast.Starred() | ast.ListComp() | ast.GeneratorExp() | ast.List() | ast.Tuple():
                    child = above
                case _:
                    return False
        return False

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
                over = [above.iter] if call not in walk(above.iter) else []
            elif isinstance(above, COMPREHENSIONS):
                over = [clause.iter for clause in above.generators if call not in walk(clause.iter)]
            elif isinstance(above, _LOOPS):
                return None
            for iterable in over:
                length = _length(iterable)
                if length is None:
                    return None
                total *= length
        return total


def _is_plain(statement: ast.stmt) -> bool:
    """Whether a statement that begins a job can do nothing else: its arguments are names and constants, or such."""
    allowed = (ast.Name, ast.Attribute, ast.Constant, ast.keyword, ast.expr_context, ast.JoinedStr, ast.FormattedValue)
    match statement:
        case ast.Assign(targets=[ast.Name()], value=ast.Call(args=args, keywords=keywords)):
            return all(isinstance(part, allowed) for argument in (*args, *keywords) for part in walk(argument))
    return False


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
