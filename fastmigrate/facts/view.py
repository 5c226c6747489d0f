"""One function's tree with what is needed to look around in it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TypeVar

from fastmigrate.facts.flow import Function, read_flow
from fastmigrate.facts.order import children

__all__ = ["COMPREHENSIONS", "FunctionView"]

Node = TypeVar("Node", bound=ast.AST)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class FunctionView:
    """A function, the flow of its names, the parents of its nodes, and the calls in it that are looked at.

    `modules` are the names under which its file imports modules.
    """

    def __init__(
        self, function: Function, numbers: dict[ast.AST, int], calls: list[ast.Call], modules: frozenset[str]
    ) -> None:
        self.function = function
        self.numbers = numbers
        self.calls = calls
        self.modules = modules
        self.flow = read_flow(function)
        self.nodes: list[ast.AST] = [function]
        self.parents: dict[ast.AST, ast.AST] = {}
        for node in self.nodes:  # which grows
            inside = children(node)
            self.parents |= dict.fromkeys(inside, node)
            self.nodes += inside
        self._by_kind: dict[type[ast.AST], list[ast.AST]] = {}
        for node in self.nodes:
            self._by_kind.setdefault(type(node), []).append(node)

    def of_kind(self, kind: type[Node]) -> list[Node]:
        """The nodes of a kind in the function, from the outside in."""
        return self._by_kind.get(kind, [])  # type: ignore[return-value]

    def above(self, node: ast.AST) -> Iterator[ast.AST]:
        """What is around a node, from the inside out, up to the function itself, which is left out."""
        while (node := self.parents.get(node, self.function)) is not self.function:
            yield node
