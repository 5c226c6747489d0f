"""The walk over a module: its nodes are counted, and the edits of each are called when all within it is done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import libcst as cst

from fastmigrate.rewrite.intents import Intent, RemoveStatement, StatementAfter, StatementBefore
from fastmigrate.rewrite.nodes import names_that_are_no_expressions
from fastmigrate.rewrite.templates import Templates

__all__ = ["NONE", "CountingEditor"]

NONE: Mapping[int, Mapping[str, int]] = MappingProxyType({})
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


class CountingEditor(cst.CSTTransformer):
    """Counts nodes as `fastmigrate.facts.order` does, and calls `edit_X` for a node of class X, if there is one.

    After the visit, `remaining` holds the intents that found no place. The `untouched` statements of the module (see
    `fastmigrate.rewrite.untouched`) are passed over.
    """

    def __init__(
        self, module: cst.Module, intents: Iterable[Intent], untouched: Mapping[int, Mapping[str, int]] = NONE
    ) -> None:
        super().__init__()
        self.untouched = untouched
        self.config = module.config_for_parsing
        self.unit = module.default_indent
        self.templates = Templates(module)
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
        if isinstance(node, cst.BaseStatement | cst.SimpleStatementSuite):
            if not self.statements:
                self.top_level += 1
            self.statements.append(node)
            if len(self.statements) == 1 and self.top_level in self.untouched:
                for kind, count in self.untouched[self.top_level].items():
                    self.counts[kind] = self.counts.get(kind, 0) + count
                return False
        if isinstance(node, cst.If) and isinstance(node.orelse, cst.If):
            self.elifs.add(node.orelse)
        self.no_expressions.update(names_that_are_no_expressions(node))
        match node:
            case cst.Name(value=name) if not self.in_import and node not in self.no_expressions:
                self._count(f"name {name}", node)
            case cst.Import() | cst.ImportFrom():
                self.in_import += 1
            case cst.FormattedString():
                self.in_string += 1
            case cst.Attribute() if not self.in_import:
                self._count("attribute", node)
            case cst.Yield(value=value) if not isinstance(value, cst.From):
                self._count("yield", node)
            case _ if type(node) in _KINDS:
                self._count(_KINDS[type(node)], node)
        return True

    def on_leave(  # type: ignore[override]
        self, original_node: cst.CSTNode, updated_node: cst.CSTNode
    ) -> cst.CSTNode | cst.RemovalSentinel | cst.FlattenSentinel[cst.CSTNode]:
        """Edit a node once all that is in it has been edited."""
        if isinstance(original_node, cst.BaseStatement | cst.SimpleStatementSuite):
            self.statements.pop()
            if not self.statements and self.top_level in self.untouched:
                return updated_node
        if isinstance(original_node, cst.Import | cst.ImportFrom):
            self.in_import -= 1
        if isinstance(original_node, cst.FormattedString):
            self.in_string -= 1
        leave = getattr(self, f"edit_{type(original_node).__name__}", None)
        return updated_node if leave is None else leave(original_node, updated_node)

    def _take(self, kind: type[Intent], number: int | None, field: str = "number") -> list[Intent]:
        if number is None:
            return []
        taken = [i for i in self.remaining if isinstance(i, kind) and getattr(i, field) == number]
        self.remaining = [intent for intent in self.remaining if intent not in taken]
        return taken
