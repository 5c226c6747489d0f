"""Handlers of exceptions: what `except` clauses and `suppress` catch, and what they do with the error."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from fastmigrate.facts.errors import ErrorReader
from fastmigrate.facts.evidence import Evidence
from fastmigrate.facts.order import walk
from fastmigrate.facts.terms import Display, Either, Term
from fastmigrate.facts.values import Handed, Handler, Question
from fastmigrate.facts.view import FunctionView

__all__ = ["handlers_around", "read_handlers", "responses_of_errors"]


def read_handlers(
    block: ast.Try | ast.TryStar, term: Callable[[ast.expr | None], Term], number: Callable[[ast.AST], int]
) -> list[Handler]:
    """The `except` clauses of a `try`."""
    body = block.body[0].lineno, block.body[-1].end_lineno or 0
    errors = [node.exc for statement in block.body for node in walk(statement) if isinstance(node, ast.Raise)]
    raised = tuple(term(error.func if isinstance(error, ast.Call) else error) for error in errors if error is not None)
    return [_read_handler(handler, number(block.handlers[0]), body, raised, term, number) for handler in block.handlers]


def _read_handler(
    handler: ast.ExceptHandler,
    first: int,
    body: tuple[int, int],
    raised: tuple[Term, ...],
    term: Callable[[ast.expr | None], Term],
    number: Callable[[ast.AST], int],
) -> Handler:
    reader = ErrorReader(handler.name, handler.body)
    return Handler(
        handler.lineno,
        *_classes(handler.type, term),
        number=number(handler),
        first=first,
        body=body,
        raised=raised,
        name=handler.name or "",
        reads=frozenset(reader.reads()),
        asked=tuple(Question(number(call), *_classes(classes, term)) for call, classes in reader.questions()),
        shown=tuple(("name" if isinstance(node, ast.Name) else "call", number(node)) for node in reader.shown()),
        raises_again=reader.raises_again(),
        doubts=tuple(reader.doubts()),
        handed=tuple(Handed(term(call.func), at, name.lineno, number(name)) for call, at, name in reader.handed()),
    )


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


def handlers_around(node: ast.AST, view: FunctionView, evidence: Evidence) -> tuple[Handler, ...]:
    """The handlers around a node within its function, from the inside out; `suppress(…)` is one, too."""
    found: list[Handler] = []
    child: ast.AST = node
    for above in view.above(node):
        if isinstance(above, ast.Try | ast.TryStar) and child in above.body:
            if above not in evidence.handlers:
                evidence.handlers[above] = read_handlers(above, evidence.term, view.numbers.__getitem__)
            found += evidence.handlers[above]
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
        for node in walk(handler):
            match node:
                case ast.Attribute(value=ast.Name(id=name), attr="response", ctx=ast.Load()) if name == handler.name:
                    yield node, view.numbers[handler]
                case ast.Call(
                    func=ast.Name(id="getattr"),
                    args=[ast.Name(id=name), ast.Constant(value="response"), ast.Constant(value=None)],
                ) if name == handler.name:
                    yield node, view.numbers[handler]
