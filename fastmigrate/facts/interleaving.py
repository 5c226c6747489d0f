"""What may change while a function waits: shared state that it read before, and writes afterwards."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastmigrate.facts.view import FunctionView

__all__ = ["Interleaving"]


class Interleaving:
    """Finds state that a function shares with others and would overwrite with what it was before an `await`."""

    def __init__(self, view: FunctionView) -> None:
        self.view = view

    def stale(self, call: ast.Call) -> Iterator[str]:
        """Shared state that another request may change while this one waits, to be overwritten with what it was."""
        for node in ast.walk(self.view.function):
            if not isinstance(node, ast.Assign | ast.AugAssign):
                continue
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                root = self._shared(target)
                if root is None:
                    continue
                around = node in set(self.view.above(call))
                if (around and (isinstance(node, ast.AugAssign) or self._reads_before(node.value, root, call))) or (
                    node.lineno > call.lineno and self._uses_old(node.value, root, call)
                ):
                    yield root

    def _shared(self, target: ast.expr) -> str | None:
        base = target
        while isinstance(base, ast.Attribute | ast.Subscript):
            base = base.value
        if not isinstance(base, ast.Name):
            return None
        local = any(definition.name == base.id for definition in self.view.flow.definitions)
        if isinstance(target, ast.Name):
            return None if local else target.id
        return ast.unparse(target) if base.id == "self" or not local else None

    @staticmethod
    def _reads_before(value: ast.expr, root: str, call: ast.Call) -> bool:
        """Whether `value` reads the state before the call in it has returned."""
        for node in ast.walk(value):
            if isinstance(node, ast.Name | ast.Attribute | ast.Subscript) and ast.unparse(node) == root:
                return (node.lineno, node.col_offset) < (call.lineno, call.col_offset)
        return False

    def _uses_old(self, value: ast.expr, root: str, call: ast.Call) -> bool:
        for name in ast.walk(value):
            if not isinstance(name, ast.Name):
                continue
            for definition in self.view.flow.at(name) or []:
                old = definition.value
                if old is None or old.lineno > call.lineno or call in set(ast.walk(old)):
                    continue
                if any(isinstance(n, ast.expr) and ast.unparse(n) == root for n in ast.walk(old)):
                    return True
        return False
