"""Which expressions of a function may be what a call gave: followed through the names that it gets."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from fastmigrate.facts.flow import Definition
from fastmigrate.facts.handlers import responses_of_errors
from fastmigrate.facts.view import FunctionView

__all__ = ["Carried", "Results"]


@dataclass(frozen=True, slots=True)
class Carried:
    """What an expression may be: a result (of which calls), None too if `optional`, something else too if `mixed`.

    A call is named by its ordinal. The response that a handler takes from its error counts as the result of -1, less
    the handler's ordinal.
    """

    results: frozenset[int]
    mixed: bool = False
    optional: bool = False

    def __or__(self, other: Carried) -> Carried:
        return Carried(self.results | other.results, self.mixed or other.mixed, self.optional or other.optional)


_NOTHING = Carried(frozenset())
_OTHER = Carried(frozenset(), mixed=True)
_NONE = Carried(frozenset(), optional=True)


class Results:
    """Follows the results of the calls that a view looks at."""

    def __init__(self, view: FunctionView) -> None:
        self.view = view
        self.sources: dict[ast.expr, Carried] = {call: Carried(frozenset((view.numbers[call],))) for call in view.calls}
        for node, handler in responses_of_errors(view):
            self.sources[node] = Carried(frozenset((-1 - handler,)), optional=True)
        self.carriers: dict[int, Carried] = {}

    def read(self) -> dict[ast.expr, Carried]:
        """Every expression whose value may be a result."""
        definitions = self.view.flow.definitions
        changed = True
        while changed:  # an alias of an alias …
            changed = False
            for index, definition in enumerate(definitions):
                carried = self._carried(definition)
                if carried.results and carried != self.carriers.get(index):
                    self.carriers[index] = carried
                    changed = True
        found = dict(self.sources)
        for name, indexes in self.view.flow.reaching.items():
            carried = self._of_name(indexes)
            if carried.results:
                found[name] = carried
        return found

    def _of_name(self, indexes: frozenset[int]) -> Carried:
        carried = _NOTHING
        for index in indexes:
            other = _NONE if _is_none(self.view.flow.definitions[index]) else _OTHER
            carried |= self.carriers.get(index, other)
        return carried

    def _carried(self, definition: Definition) -> Carried:
        carried = _NOTHING
        if definition.kind in {"value", "with"}:
            for leaf in _leaves(definition.value):
                if leaf in self.sources:
                    carried |= self.sources[leaf]
                elif isinstance(leaf, ast.Name) and leaf in self.view.flow.reaching:
                    carried |= self._of_name(self.view.flow.reaching[leaf])
                elif isinstance(leaf, ast.Constant) and leaf.value is None:
                    carried |= _NONE
                else:
                    carried |= _OTHER
        return carried


def _leaves(node: ast.expr | None) -> Iterator[ast.expr]:
    match node:
        case None:
            return
        case ast.IfExp(body=body, orelse=orelse):
            yield from _leaves(body)
            yield from _leaves(orelse)
        case ast.NamedExpr(value=value):
            yield from _leaves(value)
        case _:
            yield node


def _is_none(definition: Definition) -> bool:
    return isinstance(definition.value, ast.Constant) and definition.value.value is None
