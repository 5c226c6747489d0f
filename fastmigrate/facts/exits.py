"""How a function leaves what follows a call: by which statements, and whether the call has run when it gets there."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec import Struct

from fastmigrate.facts.blocks import blocks_around
from fastmigrate.facts.order import walk
from fastmigrate.facts.view import FunctionView

__all__ = ["Exit", "exits_after"]

_NESTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_LEAVING: dict[type[ast.AST], Literal["return", "raise", "leave"]] = {
    ast.Return: "return",
    ast.Raise: "raise",
    ast.Continue: "leave",
    ast.Break: "leave",
}


class Exit(Struct, frozen=True):
    """Where the result of a call is left behind.

    A "return" or a "raise" has an ordinal among its kind. To "leave" is to end, or to go on with, a loop around the
    call, be it at the end of its body, and to end the function without a `return`; "again" gives the name of the
    result another value. It is `certain` if nothing gets there but by the call. `blocks` are those around it.
    """

    kind: Literal["return", "raise", "leave", "again"]
    number: int
    line: int
    end_line: int
    blocks: tuple[int, ...]
    certain: bool


def exits_after(call: ast.Call, view: FunctionView) -> Iterator[Exit]:
    """The exits that may be reached with the result of a call, but for those in handlers of errors of that call."""
    statement = next((above for above in view.above(call) if isinstance(above, ast.stmt)), None)
    if statement is None:
        return
    name = _name_of(statement)
    for node in view.nodes:
        kind: Literal["return", "raise", "leave", "again"] | None = _LEAVING.get(type(node))
        if type(node) is ast.Name and node.id == name and isinstance(node.ctx, ast.Store):
            kind = "again"
        if kind is None or getattr(node, "lineno", 0) <= (statement.end_lineno or 0):
            continue
        if any(isinstance(above, _NESTED) for above in view.above(node)):
            continue
        if isinstance(node, ast.Continue | ast.Break) and _loop_of(node, view) not in set(view.above(call)):
            continue
        certain = _follows(statement, node, view)
        if certain is not None:
            yield _exit(kind, node, certain, view)
    yield from _end(statement, view)


def _exit(kind: Literal["return", "raise", "leave", "again"], node: ast.AST, certain: bool, view: FunctionView) -> Exit:
    assert isinstance(node, ast.stmt | ast.expr)
    number = view.numbers[node] if kind in {"return", "raise"} else -1
    return Exit(kind, number, node.lineno, node.end_lineno or node.lineno, blocks_around(node, view), certain)


def _name_of(statement: ast.stmt) -> str | None:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name
    return None


def _loop_of(node: ast.AST, view: FunctionView) -> ast.AST | None:
    return next((above for above in view.above(node) if isinstance(above, _LOOPS)), None)


def _follows(statement: ast.stmt, node: ast.AST, view: FunctionView) -> bool | None:
    """Whether a node is reached only by way of a statement before it; None if it is never reached that way."""
    own = [statement, *view.above(statement), view.function]
    child = node
    for outer in [*view.above(node), view.function]:
        if outer in own:
            break
        child = outer
    before = own[own.index(outer) - 1]
    for block in _blocks(outer):
        if before in block and child in block:
            return _leads_through(before, statement)
    match outer:
        case ast.Try(body=body, orelse=orelse) if before in body and child in orelse:
            return before is statement
        case ast.Try(finalbody=finalbody) | ast.For(orelse=finalbody) | ast.While(orelse=finalbody):
            return False if child in finalbody else None
    return None


def _blocks(node: ast.AST) -> list[list[ast.stmt]]:
    return [block for block in (getattr(node, part, None) for part in ("body", "orelse", "finalbody")) if block]


def _leads_through(outer: ast.AST, statement: ast.stmt) -> bool:
    """Whether what follows a statement is reached only if the inner one has run."""
    if outer is statement:
        return True
    match outer:
        case ast.With(body=body) | ast.AsyncWith(body=body):
            return any(_leads_through(inner, statement) for inner in body)
        case ast.Try(body=body, handlers=handlers):
            return all(_leaves(h.body) for h in handlers) and any(_leads_through(inner, statement) for inner in body)
    return False


def _leaves(block: Sequence[ast.stmt]) -> bool:
    """Whether nothing gets to the end of a block."""
    match block[-1] if block else None:
        case ast.Return() | ast.Raise() | ast.Continue() | ast.Break():
            return True
        case ast.If(body=body, orelse=orelse):
            return _leaves(body) and _leaves(orelse)
        case ast.With(body=body) | ast.AsyncWith(body=body):
            return _leaves(body)
        case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=finalbody):
            plain = (_leaves(body) or _leaves(orelse)) and all(_leaves(handler.body) for handler in handlers)
            return plain or _leaves(finalbody)
        case ast.Match(cases=[*cases, ast.match_case(pattern=ast.MatchAs(pattern=None), guard=None, body=body)]):
            return _leaves(body) and all(_leaves(case.body) for case in cases)
        case ast.While(test=ast.Constant(value=True)) as loop:
            return not any(isinstance(node, ast.Break) for node in walk(loop))
    return False


def _end(statement: ast.stmt, view: FunctionView) -> Iterator[Exit]:
    """The end of the loop or the function around a statement, if it may be reached from there."""
    child: ast.AST = statement
    for outer in [*view.above(statement), view.function]:
        for block in _blocks(outer):
            if child in block:
                following = [*block[block.index(child) + 1 :]]
                inner = outer.orelse if isinstance(outer, ast.Try) and block is outer.body else []
                if _leaves(following) or _leaves(inner):
                    return
                if isinstance(outer, _LOOPS) or outer is view.function:
                    yield _exit("leave", block[-1], certain=False, view=view)
                    return
        child = outer
