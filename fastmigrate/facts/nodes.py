"""What can be told of a node at a glance: its names, its place, its annotation."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache

from fastmigrate.facts.order import children, walk
from fastmigrate.facts.terms import Term, lambda_name, read_term
from fastmigrate.facts.values import Place

__all__ = [
    "MUTATORS",
    "annotation_term",
    "assigned_alone",
    "binding_lambdas",
    "by_function",
    "ends",
    "identifiers",
    "loads_in",
    "names_in",
    "place_in_text",
    "quoted_names",
    "read_place",
    "waits",
]


MUTATORS = frozenset(
    ["update", "setdefault", "append", "extend", "insert", "add", "pop", "remove", "discard", "clear", "__setitem__"]
)
"""Methods that change what is in a dict, list or set."""


def read_place(node: ast.expr | ast.stmt | ast.alias) -> Place:
    """Where a node stands. `ast` counts columns in bytes; `place_in_text` makes them characters."""
    return Place(node.lineno, node.col_offset, node.end_lineno or node.lineno, node.end_col_offset or 0)


def place_in_text(place: Place, lines: list[bytes]) -> Place:
    """The place with its byte offsets turned into columns, in characters from 1; `lines` are UTF-8."""
    column = len(lines[place.line - 1][: place.column].decode(errors="replace")) + 1
    end = len(lines[place.end_line - 1][: place.end_column].decode(errors="replace")) + 1
    return Place(place.line, column, place.end_line, end)


def ends(block: list[ast.stmt]) -> bool:
    """Whether every way through a block ends in `return` or `raise`."""
    match block[-1]:
        case ast.Return() | ast.Raise():
            return True
        case ast.If(body=body, orelse=orelse):
            return bool(orelse) and ends(body) and ends(orelse)
        case ast.With(body=body) | ast.AsyncWith(body=body):
            return ends(body)
        case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=finalbody):
            whole = ends(orelse or body) and all(ends(handler.body) for handler in handlers)
            return whole or (bool(finalbody) and ends(finalbody))
    return False


def identifiers(node: ast.AST) -> Iterator[str]:
    """The names, attributes and texts in an expression."""
    stack = [node]
    while stack:
        child = stack.pop()
        match child:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Constant(value=str(name)):
                yield name
        stack += children(child)


def waits(statements: Iterable[ast.AST]) -> bool:
    """Whether there is an `await` or a `yield` in some statements, or in a function in them."""
    stack = list(statements)
    while stack:
        child = stack.pop()
        if isinstance(child, ast.Await | ast.Yield):
            return True
        stack += children(child)
    return False


_NAMING = frozenset(
    [
        *(ast.arg, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler, ast.MatchAs, ast.MatchStar),
        *(ast.alias, ast.Global, ast.Nonlocal),
    ]
)
"""What gives names, beside names themselves."""


def names_in(nodes: Iterable[ast.AST]) -> set[str]:
    """All names that nodes read, bind or take as parameters."""
    found: set[str] = set()
    for child in nodes:
        kind = type(child)
        if kind is ast.Name:
            found.add(child.id)  # type: ignore[attr-defined]
        if kind not in _NAMING:  # most nodes, for which a `match` takes long
            continue
        match child:
            case ast.arg(arg=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found.add(name)
            case ast.ClassDef(name=name):
                found.add(name)
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                found.add(name)
            case ast.alias(name=imported, asname=asname):
                found.add(asname or imported.partition(".")[0])
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                found.update(names)
    return found


def loads_in(nodes: Iterable[ast.AST]) -> dict[str, int]:
    """How often each name is read among nodes."""
    counts: dict[str, int] = {}
    for child in nodes:
        if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Load | ast.Del):
            counts[child.id] = counts.get(child.id, 0) + 1
    return counts


def annotation_term(node: ast.expr | None, name: Callable[[ast.Name], Term] | None = None) -> Term | None:
    """The term of an annotation, also of one in quotes."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        node = _parse_annotation(node.value)
    return None if node is None else read_term(node, lambda _: -1, name)


def quoted_names(annotation: ast.expr) -> Iterator[str]:
    """The names in those parts of an annotation that stand in quotes."""
    for child in walk(annotation):
        if isinstance(child, ast.Constant) and isinstance(child.value, str):
            if child.value.isidentifier():
                yield child.value
                continue
            parsed = _parse_annotation(child.value)
            yield from names_in(walk(parsed)) if parsed is not None else ()


def _parse_annotation(text: str) -> ast.expr | None:
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError):
        return None


@lru_cache(maxsize=64)
def by_function(tree: ast.Module) -> list[tuple[ast.FunctionDef | ast.AsyncFunctionDef | None, list[ast.AST]]]:
    """The nodes of each function, less those of the functions in it, and those that stand in none."""
    found: list[tuple[ast.FunctionDef | ast.AsyncFunctionDef | None, list[ast.AST]]] = []
    pending: list[tuple[ast.FunctionDef | ast.AsyncFunctionDef | None, ast.AST]] = [(None, tree)]
    while pending:
        function, start = pending.pop()
        nodes: list[ast.AST] = []
        stack = list(children(start))
        while stack:
            node = stack.pop()
            nodes.append(node)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                pending.append((node, node))
            else:
                stack += children(node)
        found.append((function, nodes))
    return found


def assigned_alone(tree: ast.Module, numbers: Mapping[ast.AST, int]) -> set[int]:
    """The ordinals of the calls whose statement does nothing but to give a name their value, and could go."""
    found: set[int] = set()
    for node in walk(tree):
        for block in (getattr(node, field, None) for field in ("body", "orelse", "finalbody")):
            lines = [statement.lineno for statement in block] if isinstance(block, list) else []
            for statement in block if isinstance(block, list) and len(block) > 1 else ():
                match statement:
                    case ast.Assign(targets=[ast.Name()], value=ast.Call() as call):
                        found |= {numbers[call]} if lines.count(statement.lineno) == 1 else set()
    return found


def binding_lambdas(tree: ast.Module) -> set[str]:
    """The names (see `lambda_name`) of the lambdas in which `:=` gives a name its value."""
    lambdas = (node for node in walk(tree) if isinstance(node, ast.Lambda))
    return {lambda_name(node) for node in lambdas if any(isinstance(part, ast.NamedExpr) for part in walk(node))}
