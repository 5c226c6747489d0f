"""What a function does with futures: whether it asks them for their results, or something that is not followed."""

from __future__ import annotations

import ast
from collections.abc import Container

from fastmigrate.facts.made_pools import MadePool, PoolCall
from fastmigrate.facts.order import as_written, walk
from fastmigrate.facts.shapes import Shape, Shapes
from fastmigrate.facts.sites import Argument, read_argument
from fastmigrate.facts.terms import read_term
from fastmigrate.facts.view import COMPREHENSIONS, FunctionView

__all__ = ["FutureReader", "described", "read_arguments"]

_RUNNING_OVER = frozenset({"list", "set"})
_WHOLE = frozenset({"tuple", "dict", "sum", "sorted", "frozenset", "min", "max", "any", "all", "zip", "enumerate"})
_WHOLE_METHODS = frozenset({"extend", "update", "join"})
_STOPPING = frozenset({"any", "all", "zip", "enumerate"})
"""Those that may not run over all of what they are given."""
_HOLDING = frozenset(
    [
        *("append", "add", "insert", "extend", "pop", "remove", "discard", "clear", "index", "items", "values"),
        *("keys", "get", "copy"),
    ]
)
"""Methods of lists and dicts that may be called on what holds futures."""
_GIVEN = frozenset({"get", "pop", "remove", "discard", "index"})
"""Those that may be given a future, and do not keep it."""


class FutureReader:
    """Reads the uses of futures into the `pools` that they are of."""

    def __init__(self, view: FunctionView, waiting: Container[int], shapes: Shapes, pools: dict[int, MadePool]) -> None:
        self.view = view
        self.waiting = waiting
        self.shapes = shapes
        self.pools = pools

    def hold(self, shape: Shape, node: ast.expr, described: str) -> None:
        """Note what is done with the pools or futures behind a shape, and cannot be followed."""
        what = {"pool": "the pool", "future": "a future", "map": "what `map` gives"}.get(
            shape.kind, "a list of futures"
        )
        for number in shape.all_pools:
            self.pools[number].reason = self.pools[number].reason or f"{what} {described} in line {node.lineno}"

    def read_future(self, node: ast.expr, shape: Shape, parent: ast.AST | None) -> None:
        """Read a use of a future."""
        outer = self.view.parents.get(parent) if parent is not None else None
        match parent:
            case ast.Attribute(attr="result" | "exception" as name) if (
                isinstance(outer, ast.Call) and outer.func is parent and (name == "result" or shape.done)
            ):
                read = PoolCall(self.view.numbers[outer], node.lineno, read_arguments(outer), done=shape.done)
                for number in shape.pools:
                    (self.pools[number].results if name == "result" else self.pools[number].errors).append(read)
                if name == "result" and not shape.done:
                    self._await_at(outer, shape)
            case ast.Attribute(attr=name):
                self.hold(shape, node, f"is asked for `{name}`")
            case ast.Call(func=func) if _name(func) == "wrap_future" and isinstance(outer, ast.Await):
                pass
            case ast.Call(func=ast.Attribute(attr=name)) if name in _GIVEN and node in parent.args:
                pass
            case _ if not self._is_kept(node, shape, parent):
                self.hold(shape, node, described(node, parent))

    def read_holder(self, node: ast.expr, shape: Shape, parent: ast.AST | None) -> None:
        """Read a use of something that holds futures."""
        outer = self.view.parents.get(parent) if parent is not None else None
        match parent:
            case ast.Attribute(attr=name) if name in _HOLDING and isinstance(outer, ast.Call) and outer.func is parent:
                pass
            case ast.Call(func=ast.Name(id="len" | "bool")):
                pass
            case ast.Subscript(value=value) if value is node:
                pass
            case ast.Call() if self.view.numbers[parent] in self.waiting and parent.args and parent.args[0] is node:
                pass
            case ast.For(iter=over, target=target) | ast.comprehension(iter=over, target=target) if over is node:
                if any(
                    not isinstance(part, ast.Name | ast.Tuple | ast.List | ast.expr_context) for part in walk(target)
                ):
                    self.hold(shape, node, "is kept by an object")
            case _ if not self._is_kept(node, shape, parent):
                self.hold(shape, node, described(node, parent))

    def _is_kept(self, node: ast.expr, shape: Shape, parent: ast.AST | None) -> bool:
        """Whether all that is done with futures where they stand is to look whether they are there, or to keep them
        under a name, in a list or in a dict of the function."""
        match parent:
            case ast.Call(func=ast.Attribute(value=ast.Name() as holder, attr="append" | "add" | "insert" | "extend")):
                return node in parent.args and self._holds(holder, shape)
            case ast.Assign(targets=targets):
                return all(self._is_own(target, shape) for target in targets)
            case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
                return self._is_own(target, shape)
            case ast.Subscript(slice=key) if key is node:
                return True
            case ast.Starred():
                return isinstance(self.view.parents.get(parent), ast.List | ast.Tuple | ast.Set)
            case ast.Expr() | ast.Compare():
                return True
            case ast.comprehension(ifs=ifs) if node in ifs:
                return True
            case ast.expr() if self._is_test(parent) or self._holds(parent, shape):
                return True
        return self._is_test(node)

    def _is_test(self, node: ast.AST) -> bool:
        """Whether an expression is only asked for its truth."""
        parent = self.view.parents.get(node)
        match parent:
            case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test) | ast.Assert(test=test):
                return test is node
            case ast.UnaryOp(op=ast.Not()):
                return True
            case ast.BoolOp():
                return self._is_test(parent)
        return False

    def _holds(self, holder: ast.expr, shape: Shape) -> bool:
        """Whether the futures are known to be in something."""
        whole = self.shapes.of(holder)
        return whole is not None and shape.all_pools <= whole.all_pools

    def _is_own(self, target: ast.expr, shape: Shape) -> bool:
        """Whether a target is a name of the function, or an item of something that one stands for."""
        match target:
            case ast.Name(id=name):
                return name in self.view.flow.local
            case ast.Subscript(value=ast.Name() as holder):
                return self._holds(holder, shape)
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                return all(self._is_own(part, shape) for part in targets)
            case ast.Starred(value=inner):
                return self._is_own(inner, shape)
        return False

    def _await_at(self, call: ast.Call, shape: Shape) -> None:
        """What is waited for in a generator, a lambda or a class cannot be awaited there."""
        child: ast.AST = call
        for above in self.view.above(call):
            first = isinstance(above, COMPREHENSIONS) and child is above.generators[0].iter
            match above:
                case ast.GeneratorExp() if child is not above.generators[0] and not first:
                    if self._is_run_over_at_once(above):
                        for number in shape.pools:
                            self.pools[number].lists.append(self.view.numbers[above.generators[0]])
                        return
                    self.hold(shape, call, "is waited for in a generator expression: use a list instead,")
                case ast.ClassDef():
                    self.hold(shape, call, "is waited for in the body of a class")
            child = above

    def _is_run_over_at_once(self, node: ast.GeneratorExp) -> bool:
        """Whether a generator stands alone in a call that takes all it gives: `sum(x for x in y)`."""
        match self.view.parents.get(node):
            case ast.Call(func=func, args=[only], keywords=[]) if only is node:
                runs = isinstance(func, ast.Name) and func.id in _RUNNING_OVER
                return runs or (_is_whole(func) and _name(func) not in _STOPPING)
        return False

    def run_over(self, node: ast.expr, shape: Shape) -> None:
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
            case ast.Call(func=func) if node is not func and _is_whole(func):
                grand = self.view.parents.get(parent)
                looped = isinstance(grand, ast.For | ast.comprehension)
            case ast.Starred() if isinstance(self.view.parents.get(parent), ast.List | ast.Set | ast.Tuple):
                looped = False
            case ast.comprehension() | ast.Assign(targets=[ast.Tuple()]):
                looped = False
            case ast.Assign(targets=[ast.Name()]) | ast.AnnAssign(target=ast.Name()) | ast.Expr():
                if isinstance(node, ast.Name):
                    self.hold(shape, node, "gets another name")
                return
        if isinstance(node, ast.Name) and not self._is_under_the_same_handlers(node, shape):
            self.hold(shape, node, "is read under other handlers than those where it is made")
            return
        if found is None and collected < 0 and (looped is None or not isinstance(node, ast.Call)):
            self.hold(shape, node, described(node, parent))
            return
        for number in shape.all_pools:
            pool = self.pools[number]
            if found is not None:
                pool.loops.append(found)
            elif collected >= 0:
                pool.collected.append(collected)
            elif isinstance(node, ast.Call):
                pool.whole.append((self.view.numbers[node], bool(looped)))

    def _is_under_the_same_handlers(self, node: ast.Name, shape: Shape) -> bool:
        """Whether the errors of what `map` gives are handled where the jobs are handed over."""
        jobs = {job.call for number in shape.pools for job in self.pools[number].jobs if job.how == "map"}
        calls = [call for call in self.view.nodes if isinstance(call, ast.Call) and self.view.numbers[call] in jobs]
        return all(self._tries(call) == self._tries(node) for call in calls)

    def _tries(self, node: ast.AST) -> list[ast.AST]:
        """The `try` statements that guard a node."""
        found: list[ast.AST] = []
        child = node
        for above in self.view.above(node):
            if isinstance(above, ast.Try | ast.TryStar) and child in above.body:
                found.append(above)
            child = above
        return found


def _is_whole(func: ast.expr) -> bool:
    if isinstance(func, ast.Name):
        return func.id in _WHOLE
    return isinstance(func, ast.Attribute) and func.attr in _WHOLE_METHODS


def _name(func: ast.expr) -> str:
    return func.id if isinstance(func, ast.Name) else func.attr if isinstance(func, ast.Attribute) else ""


def described(node: ast.expr, parent: ast.AST | None) -> str:
    """What is done with a pool or a future, in words."""
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


def read_arguments(call: ast.Call) -> tuple[Argument, ...]:
    """The arguments of a call as written."""
    written = as_written(call.args, call.keywords)
    return tuple(read_argument(part, lambda node: read_term(node, lambda _: -1)) for part in written)
