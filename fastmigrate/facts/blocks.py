"""Where things stand among the statements of a function: in which blocks, before which exits."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from fastmigrate.facts.view import FunctionView

__all__ = [
    "Exit",
    "Rest",
    "blocks_around",
    "exits_after",
    "is_chunk_passed_on",
    "is_in_elif",
    "loops_around",
    "rest_of_block",
]

_NESTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_TAKERS = frozenset({"write", "update", "append", "extend", "send_bytes", "put"})
"""Methods that take pieces of any size."""


@dataclass(frozen=True, slots=True)
class Exit:
    """A `return` or `raise`: its ordinal among its kind, and the blocks around it (see `blocks_around`)."""

    kind: Literal["return", "raise"]
    number: int
    line: int
    end_line: int
    blocks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Rest:
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


def exits_after(call: ast.Call, view: FunctionView) -> Iterator[Exit]:
    """The exits of the function itself that stand behind a call, but for those in handlers of errors of that call."""
    guarding = {above for above in view.above(call) if isinstance(above, ast.Try | ast.TryStar)}
    for node in view.nodes:
        if not isinstance(node, ast.Return | ast.Raise) or node.lineno <= call.lineno:
            continue
        around = list(view.above(node))
        handlers = [a for a in around if isinstance(a, ast.ExceptHandler) and view.parents[a] in guarding]
        if handlers or any(isinstance(above, _NESTED) for above in around):
            continue
        kind: Literal["return", "raise"] = "return" if isinstance(node, ast.Return) else "raise"
        end = node.end_lineno or node.lineno
        yield Exit(kind, view.numbers[node], node.lineno, end, blocks_around(node, view))


def rest_of_block(call: ast.Call, view: FunctionView) -> Rest | None:
    """The statements that follow `name = call` in its block, or None if that is not how the call stands."""
    statement = view.parents.get(call, view.function)
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            pass
        case _:
            return None
    first, last = _following(statement, view)
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
    name = loop.target.id
    for node in (inner for statement in loop.body for inner in ast.walk(statement)):
        if isinstance(node, ast.Name) and node.id == name and not _is_passed_on(node, view.parents.get(node)):
            return False
    return True


def _is_passed_on(chunk: ast.Name, parent: ast.AST | None) -> bool:
    match parent:
        case ast.Yield():
            return True
        case ast.If(test=test):
            return test is chunk
        case ast.UnaryOp(op=ast.Not()):
            return True
        case ast.AugAssign(op=ast.Add(), value=value):
            return value is chunk
        case ast.Call(func=ast.Attribute(attr=method), args=[value]):
            return value is chunk and method in _TAKERS
    return False
