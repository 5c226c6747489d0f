"""Handlers of exceptions: what `except` clauses and `suppress` catch, and what they do with the error."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Literal

from fastmigrate.facts.evidence import Evidence
from fastmigrate.facts.terms import Display, Either, Term
from fastmigrate.facts.values import Handler, Question
from fastmigrate.facts.view import FunctionView

__all__ = ["handlers_around", "read_handlers", "responses_of_errors"]


def read_handlers(
    block: ast.Try | ast.TryStar, term: Callable[[ast.expr | None], Term], number: Callable[[ast.AST], int]
) -> list[Handler]:
    """The `except` clauses of a `try`."""
    body = block.body[0].lineno, block.body[-1].end_lineno or 0
    raised = [
        node.exc for statement in block.body for node in ast.walk(statement) if isinstance(node, ast.Raise) and node.exc
    ]
    return [
        Handler(
            handler.lineno,
            *_classes(handler.type, term),
            number=number(handler),
            first=number(block.handlers[0]),
            body=body,
            raised=tuple(term(error.func if isinstance(error, ast.Call) else error) for error in raised),
            name=handler.name or "",
            reads=frozenset(_asked(handler)),
            asked=tuple(_questions(handler, term, number)),
            shown=tuple(_shown(handler, number)),
        )
        for handler in block.handlers
    ]


def _classes(
    node: ast.expr | None, term: Callable[[ast.expr | None], Term]
) -> tuple[tuple[Term, ...], tuple[str, ...]]:
    """The classes that an expression names, each with its code."""
    if node is None:
        return (), ()
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    read = [term(part) for part in parts]
    if len(read) == 1 and isinstance(read[0], Display | Either):  # a name for several of them
        return read[0].values if isinstance(read[0], Display) else read[0].options, ()
    return tuple(read), tuple(ast.unparse(part) for part in parts)


def _shown(
    handler: ast.ExceptHandler, number: Callable[[ast.AST], int]
) -> Iterator[tuple[Literal["call", "name"], int]]:
    """Where a handler makes text of its exception: `str(error)`, and `{error}` in an f-string."""
    for node in ast.walk(handler):
        match node:
            case ast.Call(func=ast.Name(id="str"), args=[ast.Name(id=name)], keywords=[]) if name == handler.name:
                yield "call", number(node)
            case ast.FormattedValue(value=ast.Name(id=name) as shown, conversion=-1) if name == handler.name:
                yield "name", number(shown)


def _asked(handler: ast.ExceptHandler) -> Iterator[str]:
    """The attributes that a handler reads from its exception."""
    for node in ast.walk(handler):
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name == handler.name:
                yield attribute
            case ast.Call(
                func=ast.Name(id="getattr" | "hasattr"),
                args=[ast.Name(id=name), ast.Constant(value=str(attribute)), *_],
            ):
                if name == handler.name:
                    yield attribute


def _questions(
    handler: ast.ExceptHandler, term: Callable[[ast.expr | None], Term], number: Callable[[ast.AST], int]
) -> Iterator[Question]:
    """The classes of which a handler asks whether its exception is one."""
    for node in ast.walk(handler):
        match node:
            case ast.Call(func=ast.Name(id="isinstance"), args=[ast.Name(id=name), classes]) if name == handler.name:
                yield Question(number(node), *_classes(classes, term))


def handlers_around(node: ast.AST, view: FunctionView, evidence: Evidence) -> tuple[Handler, ...]:
    """The handlers around a node within its function, from the inside out; `suppress(…)` is one, too."""
    found: list[Handler] = []
    child: ast.AST = node
    for above in view.above(node):
        if isinstance(above, ast.Try | ast.TryStar) and child in above.body:
            found += read_handlers(above, evidence.term, view.numbers.__getitem__)
        if isinstance(above, ast.With | ast.AsyncWith) and child in above.body:
            for item in above.items:
                match item.context_expr:
                    case ast.Call(func=ast.Name(id="suppress") | ast.Attribute(attr="suppress")) as call:
                        found.append(_suppressing(above, call, view, evidence))
        child = above
    return tuple(found)


def _suppressing(block: ast.With | ast.AsyncWith, call: ast.Call, view: FunctionView, evidence: Evidence) -> Handler:
    return Handler(
        block.lineno,
        tuple(evidence.term(arg) for arg in call.args),
        tuple(ast.unparse(arg) for arg in call.args),
        call=view.numbers[call],
        body=(block.body[0].lineno, block.body[-1].end_lineno or 0),
    )


def responses_of_errors(view: FunctionView) -> Iterator[tuple[ast.expr, int]]:
    """Where handlers take the response from their error (`error.response`), each with the handler's ordinal."""
    for handler in view.nodes:
        if not isinstance(handler, ast.ExceptHandler) or handler.name is None:
            continue
        for node in ast.walk(handler):
            match node:
                case ast.Attribute(value=ast.Name(id=name), attr="response", ctx=ast.Load()) if name == handler.name:
                    yield node, view.numbers[handler]
                case ast.Call(
                    func=ast.Name(id="getattr"),
                    args=[ast.Name(id=name), ast.Constant(value="response"), ast.Constant(value=None)],
                ) if name == handler.name:
                    yield node, view.numbers[handler]
