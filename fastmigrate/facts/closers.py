"""Where what is closed is closed: calls of `aclose()` that are statements, and functions that do nothing else."""

from __future__ import annotations

import ast

from msgspec import Struct

from fastmigrate.facts.flow import Function
from fastmigrate.facts.order import number_nodes, walk

__all__ = ["Closer", "read_closers"]


class Closer(Struct, frozen=True):
    """A call that closes something.

    `statement` says that `await` and this call are a whole statement; `function` is the ordinal of the function that
    does nothing but close one thing after the other, or -1.
    """

    call: int
    statement: bool
    function: int = -1


def read_closers(tree: ast.Module) -> dict[int, Closer]:
    """All calls of `aclose()` in a file, by their ordinals."""
    numbers = number_nodes(tree)
    found: dict[int, Closer] = {}
    for node in walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "aclose":
            found[numbers[node]] = Closer(numbers[node], statement=False)
    for node in walk(tree):
        call = _closed(node)
        if call is not None:
            found[numbers[call]] = Closer(numbers[call], statement=True)
    for node in walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            calls = [_closed(statement) for statement in _body(node)]
            if calls and None not in calls:
                for call in calls:
                    assert call is not None
                    found[numbers[call]] = Closer(numbers[call], statement=True, function=numbers[node])
    return found


def _closed(statement: ast.AST) -> ast.Call | None:
    """The call in `await thing.aclose()`."""
    match statement:
        case ast.Expr(value=ast.Await(value=ast.Call(func=ast.Attribute(attr="aclose")) as call)):
            return call
    return None


def _body(function: Function) -> list[ast.stmt]:
    """A function's statements but for its docstring."""
    return function.body[1:] if ast.get_docstring(function) is not None else function.body
