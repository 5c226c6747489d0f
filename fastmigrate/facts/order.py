"""Ordinals: how a node is found again in another tree of the same file.

`ast` tells where a node stands in the text, LibCST does so only at a price, and inside f-strings the two
disagree. Both can count, though: the n-th call, attribute, function or yield in source order is the same in both.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

__all__ = ["KINDS", "as_written", "kind_of", "number_nodes", "source_order"]

KINDS: dict[type[ast.AST], str] = {
    ast.Call: "call",
    ast.Attribute: "attribute",
    ast.FunctionDef: "function",
    ast.AsyncFunctionDef: "function",
    ast.ClassDef: "class",
    ast.Yield: "yield",
    ast.ExceptHandler: "handler",
    ast.Return: "return",
    ast.Raise: "raise",
    ast.For: "for",
    ast.AsyncFor: "for",
    ast.With: "with",
    ast.AsyncWith: "with",
    ast.comprehension: "clause",
}


def source_order(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes below `tree`, parents before children, siblings as they stand in the text."""
    stack = [tree]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(_children(node)))


def kind_of(node: ast.AST) -> str | None:
    """The kind among which a node is counted, or None."""
    return f"name {node.id}" if isinstance(node, ast.Name) else KINDS.get(type(node))


def number_nodes(tree: ast.AST) -> dict[ast.AST, int]:
    """The ordinal of each node of the kinds above among its kind in the file, from 0.

    A name's ordinal counts the expressions that are this very name.
    """
    counts: dict[str, int] = {}
    numbers: dict[ast.AST, int] = {}
    for node in source_order(tree):
        kind = kind_of(node)
        if kind is not None:
            numbers[node] = counts.get(kind, 0)
            counts[kind] = numbers[node] + 1
    return numbers


def _children(node: ast.AST) -> list[ast.AST]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            type_params: list[ast.AST] = list(getattr(node, "type_params", []))
            returns = [node.returns] if node.returns else []
            return [*node.decorator_list, *type_params, node.args, *returns, *node.body]
        case ast.ClassDef():
            type_params = list(getattr(node, "type_params", []))
            return [*node.decorator_list, *type_params, *as_written(node.bases, node.keywords), *node.body]
        case ast.arguments():
            return _arguments(node)
        case ast.Call():
            return [node.func, *as_written(node.args, node.keywords)]
        case ast.Dict():
            pairs = zip(node.keys, node.values, strict=True)
            return [part for pair in pairs for part in pair if part is not None]
        case ast.IfExp():
            return [node.body, node.test, node.orelse]
        case ast.MatchMapping():
            pairs_of_patterns = zip(node.keys, node.patterns, strict=True)
            return [part for pair in pairs_of_patterns for part in pair]
    return list(ast.iter_child_nodes(node))


def _arguments(node: ast.arguments) -> list[ast.AST]:
    positional = [*node.posonlyargs, *node.args]
    without = len(positional) - len(node.defaults)
    ordered: list[ast.AST | None] = []
    for index, arg in enumerate(positional):
        ordered += [arg, node.defaults[index - without] if index >= without else None]
    ordered.append(node.vararg)
    for arg, default in zip(node.kwonlyargs, node.kw_defaults, strict=True):
        ordered += [arg, default]
    ordered.append(node.kwarg)
    return [part for part in ordered if part is not None]


def as_written(args: list[ast.expr], keywords: list[ast.keyword]) -> list[ast.expr | ast.keyword]:
    """The arguments of a call, or the bases of a class, in the order in which they stand."""
    both: list[ast.expr | ast.keyword] = [*args, *keywords]
    return sorted(both, key=lambda node: (node.lineno, node.col_offset))
