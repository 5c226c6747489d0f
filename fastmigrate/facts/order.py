"""Ordinals: how a node is found again in another tree of the same file.

`ast` tells where a node stands in the text, LibCST does so only at a price, and inside f-strings the two
disagree. Both can count, though: the n-th call, attribute, function or yield in source order is the same in both.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from msgspec import Struct

__all__ = ["KINDS", "Order", "as_written", "children", "kind_of", "number_nodes", "read_order", "source_order", "walk"]

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


class Order(Struct, frozen=True):
    """A tree in source order: its nodes, their ordinals, and where among the nodes each function stands.

    Of a function, that is the first of its nodes, the first one of its body, and the end.
    """

    nodes: list[ast.AST]
    numbers: dict[ast.AST, int]
    spans: dict[ast.AST, tuple[int, int, int]]


def number_nodes(tree: ast.AST) -> dict[ast.AST, int]:
    """The ordinal of each node of the kinds above among its kind in the file, from 0.

    A name's ordinal counts the expressions that are this very name.
    """
    return read_order(tree).numbers


@lru_cache(maxsize=64)
def read_order(tree: ast.AST) -> Order:
    """The nodes below a tree, those without children included, with the tree itself."""
    nodes: list[ast.AST] = []
    numbers: dict[ast.AST, int] = {}
    spans: dict[ast.AST, tuple[int, int, int]] = {}
    counts = dict.fromkeys(KINDS.values(), 0)
    names: dict[str, int] = {}
    stack: list[Any] = [tree]
    while stack:
        node = stack.pop()
        kind = node.__class__
        if kind is tuple:  # the end of a function's header, or of its body
            function, is_end = node
            start, inside, _ = spans[function]
            spans[function] = (start, inside, len(nodes)) if is_end else (start, len(nodes), 0)
            continue
        nodes.append(node)
        if kind is ast.Name:
            numbers[node] = number = names.get(node.id, 0)
            names[node.id] = number + 1
            continue
        counted = KINDS.get(kind)
        if counted is not None:
            numbers[node] = counts[counted]
            counts[counted] += 1
        if counted == "function":
            spans[node] = (len(nodes) - 1, 0, 0)
            stack += ((node, True), *reversed(node.body), (node, False), *reversed(_header(node)))
        elif kind not in _LEAVES:
            stack += _children(node)[::-1]
    return Order(nodes, numbers, spans)


def _children(node: ast.AST) -> list[Any]:
    ordered = _ORDERED.get(type(node))
    return children(node) if ordered is None else ordered(node)


def children(node: ast.AST) -> list[Any]:
    """The nodes right below one that stand for code: what only says how it is used or meant is left out."""
    found: list[Any] = []
    for name in _FIELDS[type(node)]:
        value = getattr(node, name, None)
        if value.__class__ is list:
            found += value
        elif value is not None:
            found.append(value)
    return [item for item in found if item is not None] if type(node) in _WITH_GAPS else found


def walk(node: ast.AST) -> list[Any]:
    """A node and all below it that stand for code, from the outside in; this is faster than what `ast` has for it."""
    found: list[Any] = [node]
    for one in found:  # which grows
        if type(one) not in _LEAVES:
            found += children(one)
    return found


_WITH_GAPS = frozenset({ast.Dict, ast.arguments})
"""The nodes in whose lists `None` stands for what is not there."""
_LEAVES = frozenset({ast.Name, ast.Constant, ast.Pass, ast.Break, ast.Continue, ast.Global, ast.Nonlocal, ast.alias})
_PLAIN = frozenset(
    [
        *("ctx", "op", "ops", "type_ignores", "id", "attr", "arg", "module", "level", "asname", "kind", "conversion"),
        *("is_async", "simple", "type_comment", "rest", "kwd_attrs", "lineno", "tag", "str"),
    ]
)
"""Fields in which no node stands, or only one that says how another is used or meant."""


class _Fields(dict[type[ast.AST], tuple[str, ...]]):
    """The fields of each kind of node in which others stand that are asked for."""

    def __missing__(self, kind: type[ast.AST]) -> tuple[str, ...]:
        plain = _PLAIN if kind.__name__ == "TypeAlias" else _PLAIN | {"name"}
        leaf = kind in _LEAVES or kind is ast.MatchSingleton
        self[kind] = () if leaf else tuple(name for name in kind._fields if name not in plain)
        return self[kind]


_FIELDS = _Fields()


def _header(node: Any) -> list[ast.AST]:
    returns = [node.returns] if node.returns else []
    return [*node.decorator_list, *getattr(node, "type_params", ()), node.args, *returns]


def _of_function(node: Any) -> list[ast.AST]:
    return [*_header(node), *node.body]


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
