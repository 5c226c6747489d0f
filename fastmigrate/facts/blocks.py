"""Where things stand among the statements of a function: in which blocks, before which others."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from msgspec import Struct

from fastmigrate.facts.order import walk
from fastmigrate.facts.view import FunctionView

__all__ = [
    "Rest",
    "blocks_around",
    "is_chunk_passed_on",
    "is_in_elif",
    "is_timed",
    "loops_around",
    "read_blocks",
    "rest_of_block",
]

_TAKERS = frozenset({"write", "update", "append", "extend", "send_bytes", "put"})
"""Methods that take pieces of any size."""
_TIMING = frozenset({"timeout", "timeout_at", "fail_after", "fail_at", "move_on_after", "move_on_at"})
"""What enters a block that cancels what it waits for when its time is over."""


class Rest(Struct, frozen=True):
    """`name = call`, and the lines of the statements that follow it in its block.

    `after` are the lines of what follows the `try` in whose body it stands, if nothing gets there from the handlers.
    """

    name: str
    first: int
    last: int
    after: tuple[int, int] = (0, 0)


def blocks_around(node: ast.AST, view: FunctionView) -> tuple[int, ...]:
    """The blocks around a node, from the outside in, each by the line in which it begins."""
    found: list[int] = []
    child: ast.AST = node
    for above in [*view.above(node), view.function]:
        for name in ("body", "orelse", "finalbody"):
            block = getattr(above, name, None)
            if isinstance(block, list) and child in block:
                found.append(block[0].lineno)
        child = above
    return tuple(reversed(found))


def loops_around(node: ast.AST, view: FunctionView) -> int:
    """How many loops are around a node."""
    return sum(isinstance(above, ast.For | ast.AsyncFor | ast.While) for above in view.above(node))


def read_blocks(view: FunctionView) -> Iterator[tuple[int, int]]:
    """The lines of all blocks of a function, its nested ones included."""
    for node in view.nodes:
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list) and block:
                yield block[0].lineno, block[-1].end_lineno or 0


def is_timed(node: ast.AST, view: FunctionView) -> bool:
    """Whether a block around a node may cancel what it waits for: `async with asyncio.timeout(5):`."""
    blocks = [above for above in view.above(node) if isinstance(above, ast.With | ast.AsyncWith)]
    entered = [item.context_expr for block in blocks for item in block.items]
    names = [manager.func for manager in entered if isinstance(manager, ast.Call)]
    return any(getattr(name, "attr", getattr(name, "id", "")) in _TIMING for name in names)


def is_in_elif(node: ast.AST, view: FunctionView) -> bool:
    """Whether a node stands in the test of an `elif`, before which no statement can come to stand."""
    child = node
    for above in view.above(node):
        if isinstance(child, ast.stmt):
            return False
        if isinstance(above, ast.If) and child is above.test:
            outer = view.parents.get(above)
            return isinstance(outer, ast.If) and outer.orelse == [above]
        child = above
    return False


def rest_of_block(call: ast.Call, view: FunctionView) -> Rest | None:
    """The statements that follow `name = call` in its block, or None if that is not how the call stands."""
    statement = view.parents.get(call, view.function)
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            pass
        case _:
            return None
    first, last = _following(statement, view)
    if first == statement.end_lineno:  # behind a `;`
        return None
    outer = view.parents.get(statement)
    after = (0, 0)
    if isinstance(outer, ast.Try) and statement in outer.body and _only_leaves_by_its_end(outer):
        after = _following(outer, view)
    return Rest(name, first, last, after) if last or after[1] else None


def _only_leaves_by_its_end(block: ast.Try) -> bool:
    """Whether what follows a `try` is reached only when all of its body has run."""
    plain = not block.orelse and not block.finalbody
    return plain and all(isinstance(handler.body[-1], ast.Return | ast.Raise) for handler in block.handlers)


def _following(statement: ast.AST, view: FunctionView) -> tuple[int, int]:
    """The lines of the statements that follow one in its block; (0, 0) if it is the last one."""
    outer = view.parents.get(statement, view.function)
    for block in (getattr(outer, part, None) for part in ("body", "orelse", "finalbody")):
        if isinstance(block, list) and statement in block:
            following = block[block.index(statement) + 1 :]
            return (following[0].lineno, following[-1].end_lineno or 0) if following else (0, 0)
    return 0, 0


def is_chunk_passed_on(loop: ast.For | ast.AsyncFor | ast.comprehension, view: FunctionView) -> bool:
    """Whether a loop over pieces does nothing with each but pass it on: then their sizes do not matter."""
    if not isinstance(loop, ast.For) or not isinstance(loop.target, ast.Name):
        return False
    names = [n for statement in loop.body for n in walk(statement) if isinstance(n, ast.Name)]
    chunks = [name for name in names if name.id == loop.target.id]
    grown = {grows for chunk in chunks if (grows := _grows_by(chunk, view)) is not None}
    return all(_is_passed_on(chunk, view) for chunk in chunks) and not any(
        _tells_sizes(name, view) for name in names if name.id in grown and isinstance(name.ctx, ast.Load)
    )


def _is_passed_on(chunk: ast.Name, view: FunctionView) -> bool:
    match view.parents.get(chunk):
        case ast.Yield() | ast.UnaryOp(op=ast.Not()):
            return True
        case ast.If(test=test):
            return test is chunk
    return _grows_by(chunk, view) is not None


def _grows_by(chunk: ast.Name, view: FunctionView) -> str | None:
    """The name of what takes a piece, or counts its bytes; "" if it has none."""
    value: ast.AST = chunk
    match view.parents.get(chunk):
        case ast.Call(func=ast.Name(id="len"), args=[_]) as counted:
            value = counted
        case ast.Call(func=ast.Attribute(value=taker, attr=method), args=[argument]) if argument is chunk:
            return (taker.id if isinstance(taker, ast.Name) else "") if method in _TAKERS else None
    match view.parents.get(value):
        case ast.AugAssign(target=ast.Name(id=name), op=ast.Add(), value=added) if added is value:
            return name
    return None


def _tells_sizes(name: ast.Name, view: FunctionView) -> bool:
    """Whether a read of what has grown by the pieces so far, within their loop, may show how large they were."""
    child: ast.AST = name
    told = False
    for above in view.above(name):
        match above:
            case ast.If(test=test, body=[*_, last]) if child is test:
                return not isinstance(last, ast.Raise) and (told or any(map(_leaves_early, walk(above))))
            case ast.Call(func=func):
                told = told or child is not func
            case ast.Yield() | ast.JoinedStr():
                told = True
            case ast.stmt():
                return told
        child = above
    return told


def _leaves_early(node: ast.AST) -> bool:
    return isinstance(node, ast.Break | ast.Return)
