"""The walk over a module: its nodes are counted, and the edits of each are called when all within it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import libcst as cst

from fastmigrate.rewrite.intents import Intent, RemoveStatement, StatementAfter, StatementBefore
from fastmigrate.rewrite.nodes import names_that_are_no_expressions
from fastmigrate.rewrite.templates import Templates

__all__ = ["NONE", "CountingEditor"]

NONE: Mapping[cst.CSTNode, Mapping[str, int]] = MappingProxyType({})
_KINDS: dict[type[cst.CSTNode], str] = {
    cst.Call: "call",
    cst.FunctionDef: "function",
    cst.ClassDef: "class",
    cst.Return: "return",
    cst.Raise: "raise",
    cst.ExceptHandler: "handler",
    cst.ExceptStarHandler: "handler",
    cst.For: "for",
    cst.With: "with",
    cst.CompFor: "clause",
}


_IMPORTS = frozenset([cst.Import, cst.ImportFrom])
_STATEMENTS = frozenset(
    [
        *(cst.SimpleStatementLine, cst.SimpleStatementSuite, cst.FunctionDef, cst.ClassDef, cst.If, cst.For, cst.While),
        *(cst.With, cst.Try, cst.TryStar, cst.Match),
    ]
)
"""All statements. Sets of types, since LibCST's classes are abstract ones, for which `isinstance` is slow."""


class CountingEditor(cst.CSTTransformer):
    """Counts nodes as `fastmigrate.facts.order` does, and calls `edit_X` for a node of class X, if there is one.

    `text` is that of the module. After the visit, `remaining` holds the intents that found no place. The `untouched`
    statements (see `fastmigrate.rewrite.untouched`) are passed over.
    """

    def __init__(
        self,
        module: cst.Module,
        text: str,
        intents: Iterable[Intent],
        untouched: Mapping[cst.CSTNode, Mapping[str, int]] = NONE,
    ) -> None:
        super().__init__()
        self._edits: dict[type, Callable[..., Any] | None] = {}
        self.untouched = untouched
        self.config = module.config_for_parsing
        self.unit = module.default_indent
        self.templates = Templates(module, text)
        self.remaining: list[Intent] = list(intents)
        self.counts: dict[str, int] = {}
        self.no_expressions: set[cst.CSTNode] = set()
        self.numbers: dict[cst.CSTNode, int] = {}
        self.in_import = 0
        self.in_string = 0
        self.anchors: dict[tuple[str, int], int] = {}
        self.top_level: int = -1
        self.statements: list[cst.CSTNode] = []  # those that are being visited, from the outside in
        self.elifs: set[cst.CSTNode] = set()
        self.befores: dict[cst.CSTNode, list[str]] = {}
        self.afters: dict[cst.CSTNode, list[str]] = {}
        self.going: set[cst.CSTNode] = set()

    # -- counting

    def _count(self, kind: str, node: cst.CSTNode) -> None:
        number = self.numbers[node] = self.counts.get(kind, 0)
        self.anchors[kind, number] = self.top_level
        self.counts[kind] = number + 1
        for intent in [i for i in self.remaining if isinstance(i, StatementBefore)]:
            if (intent.kind, intent.number) == (kind, number) and self.statements[-1] not in self.elifs:
                self.remaining.remove(intent)
                before = self.befores.setdefault(self.statements[-1], [])
                before += [] if intent.code in before else [intent.code]
        for after in [
            i for i in self.remaining if isinstance(i, StatementAfter) and (kind, i.call) == ("call", number)
        ]:
            self.remaining.remove(after)
            self.afters.setdefault(self.statements[-1], []).append(after.code)
        if RemoveStatement(kind, number) in self.remaining:
            self.remaining.remove(RemoveStatement(kind, number))
            self.going.add(self.statements[-1])

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Count what is counted, in source order."""
        kind = type(node)
        if kind in _STATEMENTS:
            if not self.statements:
                self.top_level += 1
            self.statements.append(node)
            if node in self.untouched:
                for name, count in self.untouched[node].items():
                    self.counts[name] = self.counts.get(name, 0) + count
                return False
        if isinstance(node, cst.If) and isinstance(node.orelse, cst.If):
            self.elifs.add(node.orelse)
        self.no_expressions.update(names_that_are_no_expressions(node))
        if kind is cst.Name:
            if not self.in_import and node not in self.no_expressions:
                self._count(f"name {cst.ensure_type(node, cst.Name).value}", node)
        elif kind is cst.Attribute:
            if not self.in_import:
                self._count("attribute", node)
        elif kind in _IMPORTS:
            self.in_import += 1
        elif kind is cst.FormattedString:
            self.in_string += 1
        elif isinstance(node, cst.Yield):
            if not isinstance(node.value, cst.From):
                self._count("yield", node)
        elif kind in _KINDS:
            self._count(_KINDS[kind], node)
        return True

    def on_leave(  # type: ignore[override]
        self, original_node: cst.CSTNode, updated_node: cst.CSTNode
    ) -> cst.CSTNode | cst.RemovalSentinel | cst.FlattenSentinel[cst.CSTNode]:
        """Edit a node once all that is in it has been edited."""
        kind = type(original_node)
        if kind in _STATEMENTS:
            self.statements.pop()
            if original_node in self.untouched:
                return updated_node
        if kind in _IMPORTS:
            self.in_import -= 1
        elif kind is cst.FormattedString:
            self.in_string -= 1
        if kind not in self._edits:
            self._edits[kind] = getattr(self, f"edit_{kind.__name__}", None)
        edit = self._edits[kind]
        return updated_node if edit is None else edit(original_node, updated_node)

    def _take(self, kind: type[Intent], number: int | None, field: str = "number") -> list[Intent]:
        if number is None:
            return []
        taken = [i for i in self.remaining if isinstance(i, kind) and getattr(i, field) == number]
        self.remaining = [intent for intent in self.remaining if intent not in taken]
        return taken
