"""What may change while a function waits: shared state that it read before, and writes afterwards."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cached_property

from fastmigrate.facts.order import walk
from fastmigrate.facts.view import COMPREHENSIONS, FunctionView

__all__ = ["Interleaving"]


_TAKERS = frozenset(["pop", "popleft", "popitem", "remove", "discard", "clear"])
_WRITERS = _TAKERS | {"update", "setdefault", "append", "extend", "insert", "add"}


def _takes_away(node: ast.AST) -> bool:
    """Whether a statement changes what is there, rather than adding what was not."""
    method = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
    return isinstance(node, ast.AugAssign | ast.Delete) or method in _TAKERS


class Interleaving:
    """Finds state that a function shares with others and would overwrite with what it was before an `await`."""

    def __init__(self, view: FunctionView) -> None:
        self.view = view

    def stale(self, call: ast.Call) -> Iterator[str]:
        """The shared state that is written after the call with what was read from it before."""
        around = set(self.view.above(call))
        for node, container, values in self._all_writes:
            if node in around:
                if isinstance(node, ast.AugAssign) or any(self._reads_before(v, container, call) for v in values):
                    yield container
            elif getattr(node, "lineno", 0) > call.lineno and (
                self._use_old(values, container, call) or (_takes_away(node) and self._asked_before(container, call))
            ):
                yield container

    @cached_property
    def _all_writes(self) -> list[tuple[ast.AST, str, list[ast.expr]]]:
        return [(node, container, values) for node in self.view.nodes for container, values in self._writes(node)]

    def looped(self, call: ast.Call) -> Iterator[str]:
        """The names of shared things over which loops and comprehensions around the call run."""
        for above in self.view.above(call):
            loops = above.generators if isinstance(above, COMPREHENSIONS) else [above]
            for loop in loops:
                over = loop.iter if isinstance(loop, ast.For | ast.AsyncFor | ast.comprehension) else None
                if isinstance(over, ast.Call) and isinstance(over.func, ast.Attribute) and not over.args:
                    over = over.func.value  # .items(), .values(), .keys()
                if isinstance(over, ast.Name) and over.id not in self.view.flow.local:
                    yield over.id

    def _writes(self, node: ast.AST) -> Iterator[tuple[str, list[ast.expr]]]:
        """The shared things that a statement or a call writes to, and what it writes."""
        match node:
            case ast.Assign(targets=targets, value=value):
                yield from ((shared, [value]) for target in targets if (shared := self._shared(target)) is not None)
            case ast.AugAssign(target=target, value=value):
                shared = self._shared(target)
                if shared is not None:
                    yield shared, [value]
            case ast.Delete(targets=targets):
                yield from ((shared, [target]) for target in targets if (shared := self._shared(target)) is not None)
            case ast.Call(func=ast.Attribute(value=owner, attr=method), args=args) if method in _WRITERS:
                shared = self._shared(ast.Subscript(owner, ast.Constant(0), ast.Store()))
                if shared is not None and shared not in self.view.modules:  # os.remove() is a function
                    yield shared, [*args, *(keyword.value for keyword in node.keywords)]

    def _shared(self, target: ast.expr) -> str | None:
        """The global name, or the container of an item or attribute, that an assignment changes for others, too."""
        if isinstance(target, ast.Name):
            return None if target.id in self.view.flow.local else target.id
        if not isinstance(target, ast.Attribute | ast.Subscript) or not self._is_shared(target.value):
            return None
        return ast.unparse(target if isinstance(target, ast.Attribute) else target.value)

    def _is_shared(self, container: ast.expr, seen: frozenset[str] = frozenset()) -> bool:
        base = container
        while isinstance(base, ast.Attribute | ast.Subscript):
            if isinstance(base, ast.Attribute) and base.attr == "app":  # request.app.state
                return True
            base = base.value
        if not isinstance(base, ast.Name) or base.id == "self" or base.id not in self.view.flow.local:
            return isinstance(base, ast.Name)
        if base.id in seen:  # `body = body["x"]`
            return False
        definitions = [definition.value for definition in self.view.flow.definitions if definition.name == base.id]
        deeper = seen | {base.id}
        return any(isinstance(v, ast.Attribute | ast.Subscript) and self._is_shared(v, deeper) for v in definitions)

    @staticmethod
    def _mentions(value: ast.AST, container: str) -> Iterator[ast.expr]:
        for node in walk(value):
            if isinstance(node, ast.Name | ast.Attribute | ast.Subscript) and ast.unparse(node) == container:
                yield node

    def _reads_before(self, value: ast.expr, container: str, call: ast.Call) -> bool:
        """Whether `value` reads the state before the call in it has returned."""
        here = (call.lineno, call.col_offset)
        return any((node.lineno, node.col_offset) < here for node in self._mentions(value, container))

    def _asked_before(self, container: str, call: ast.Call) -> bool:
        """Whether the state is read before the call or in it: `if used >= most: …`, and `used += 1` afterwards."""
        return any(
            node.lineno <= (call.end_lineno or call.lineno) and isinstance(getattr(node, "ctx", None), ast.Load)
            for node in self._mentioned.get(container, ())
        )

    @cached_property
    def _mentioned(self) -> dict[str, list[ast.expr]]:
        """What the function names, by its code."""
        found: dict[str, list[ast.expr]] = {}
        for node in self.view.nodes:
            if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
                found.setdefault(ast.unparse(node), []).append(node)
        return found

    def _use_old(self, values: list[ast.expr], container: str, call: ast.Call) -> bool:
        return any(self._uses_old(value, container, call) for value in values)

    def _uses_old(self, value: ast.expr, container: str, call: ast.Call) -> bool:
        """Whether `value` is made of what was read from the state before the call."""
        for name in walk(value):
            for definition in self.view.flow.at(name) or [] if isinstance(name, ast.Name) else []:
                old = definition.value
                if old is None or old.lineno > call.lineno or call in set(walk(old)):
                    continue
                if any(self._mentions(old, container)):
                    return True
        return False
