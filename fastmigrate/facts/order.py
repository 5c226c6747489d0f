"""Ordinals: how a node is found again in another tree of the same file.

`ast` tells where a node stands in the text, LibCST does so only at a price, and inside f-strings the two
disagree. Both can count, though: the n-th call, attribute, function or yield in source order is the same in both.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from typing import Any

__all__ = ["KINDS", "as_written", "below", "children", "kind_of", "number_nodes", "source_order"]

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
    ordered = _ORDERED.get(type(node))
    return children(node) if ordered is None else ordered(node)


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes right below one that stand for code: what only says how it is used or meant is left out."""
    found: list[ast.AST] = []
    for name in _FIELDS[type(node)]:
        value = getattr(node, name, None)
        if isinstance(value, list):
            found += [item for item in value if isinstance(item, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


def below(nodes: Iterable[ast.AST]) -> list[ast.AST]:
    """Some nodes, and all below them that stand for code, in any order."""
    found = list(nodes)
    for node in found:  # which grows
        found += children(node)
    return found


class _Fields(dict[type[ast.AST], tuple[str, ...]]):
    """The fields of each kind of node in which others stand that are asked for."""

    def __missing__(self, kind: type[ast.AST]) -> tuple[str, ...]:
        self[kind] = tuple(name for name in kind._fields if name not in {"ctx", "op", "ops", "type_ignores"})
        return self[kind]


_FIELDS = _Fields()


def _of_function(node: Any) -> list[ast.AST]:
    returns = [node.returns] if node.returns else []
    return [*node.decorator_list, *getattr(node, "type_params", ()), node.args, *returns, *node.body]


def _of_class(node: Any) -> list[ast.AST]:
    bases = as_written(node.bases, node.keywords)
    return [*node.decorator_list, *getattr(node, "type_params", ()), *bases, *node.body]


def _of_dict(node: Any) -> list[ast.AST]:
    return [part for pair in zip(node.keys, node.values, strict=True) for part in pair if part is not None]


def _of_mapping(node: Any) -> list[ast.AST]:
    return [part for pair in zip(node.keys, node.patterns, strict=True) for part in pair]


def _arguments(node: Any) -> list[ast.AST]:
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
    if not keywords:
        return [*args]
    both: list[ast.expr | ast.keyword] = [*args, *keywords]
    return sorted(both, key=lambda node: (node.lineno, node.col_offset))


_ORDERED: dict[type[ast.AST], Callable[[Any], list[ast.AST]]] = {
    ast.FunctionDef: _of_function,
    ast.AsyncFunctionDef: _of_function,
    ast.ClassDef: _of_class,
    ast.arguments: _arguments,
    ast.Call: lambda node: [node.func, *as_written(node.args, node.keywords)],
    ast.Dict: _of_dict,
    ast.IfExp: lambda node: [node.body, node.test, node.orelse],
    ast.MatchMapping: _of_mapping,
}
"""The nodes whose fields do not stand in the order of the text."""
