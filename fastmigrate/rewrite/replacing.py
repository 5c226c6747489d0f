"""Statements give way to others, or go; what stands in a `with` that goes comes to stand beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import libcst as cst

from fastmigrate.rewrite.intents import ReplaceStatement
from fastmigrate.rewrite.layout import dedented
from fastmigrate.rewrite.nodes import Filler

__all__ = ["Replacer", "gone", "without_gone"]

_GIVEN = "__fastmigrate_given__"
_GONE = cst.Pass()  # stands for a statement that is gone, until its block is complete


class Replacer:
    """Knows the nodes whose statements are to be replaced, once they have been edited themselves."""

    def __init__(self, config: cst.PartialParserConfig) -> None:
        self.config = config
        self.marked: list[tuple[cst.CSTNode, ReplaceStatement]] = []

    def mark(self, node: cst.CSTNode, intent: ReplaceStatement) -> None:
        """Remember a node that an intent is about."""
        self.marked.append((node, intent))

    def lines(self, line: cst.SimpleStatementLine) -> list[cst.SimpleStatementLine] | None:
        """The lines that take the place of one, or None if nothing on it is replaced."""
        found = [self._take(*_subjects(statement)) for statement in line.body]
        if not any(intent is not None for intent in found):
            return None
        if not any(intent is not None and intent.code for intent in found):
            return [_without(line, found)]
        lines: list[cst.SimpleStatementLine] = []
        for statement, intent in zip(line.body, found, strict=True):
            if intent is None:
                lines.append(cst.SimpleStatementLine([statement.with_changes(semicolon=cst.MaybeSentinel.DEFAULT)]))
            else:
                lines += self._new(intent, _given(statement))
        lines[0] = lines[0].with_changes(leading_lines=line.leading_lines)
        lines[-1] = lines[-1].with_changes(trailing_whitespace=line.trailing_whitespace)
        return lines

    def entered(self, node: cst.With) -> dict[int, list[cst.SimpleStatementLine]]:
        """The statements that take the place of items of a `with`, by the items' places."""
        found = [(index, self._take(item.item)) for index, item in enumerate(node.items)]
        return {index: self._new(intent, None) for index, intent in found if intent is not None}

    def _take(self, *nodes: cst.CSTNode) -> ReplaceStatement | None:
        for marked in self.marked:
            if any(marked[0] is node for node in nodes):
                self.marked.remove(marked)
                return marked[1]
        return None

    def _new(self, intent: ReplaceStatement, given: cst.BaseExpression | None) -> list[cst.SimpleStatementLine]:
        lines: list[cst.SimpleStatementLine] = []
        for code in intent.code:
            line: object = cst.parse_statement(code.replace("{given}", _GIVEN), self.config)
            if given is not None:
                assert isinstance(line, cst.SimpleStatementLine)
                line = line.visit(Filler({_GIVEN: given}))
            assert isinstance(line, cst.SimpleStatementLine)
            lines.append(line)
        return lines


def _without(line: cst.SimpleStatementLine, gone: Sequence[object]) -> cst.SimpleStatementLine:
    """A line without some of its statements; nothing but comments above it, if these are all."""
    kept = [statement for statement, intent in zip(line.body, gone, strict=True) if intent is None]
    if kept:
        last = kept[-1].with_changes(semicolon=line.body[-1].semicolon)
        return line.with_changes(body=[*kept[:-1], last])
    comment = line.trailing_whitespace.comment
    above = [cst.EmptyLine(comment=comment)] if comment is not None else []
    return cst.SimpleStatementLine([_GONE], leading_lines=[*line.leading_lines, *above])


def _subjects(statement: cst.BaseSmallStatement) -> Iterator[cst.CSTNode]:
    """What a statement may be about: the call that it is or assigns, or the attribute to which it assigns something."""
    match statement:
        case cst.Expr(value=call) | cst.AnnAssign(value=call) | cst.Assign(value=call):
            if isinstance(call, cst.Call):
                yield call
    match statement:
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Attribute() as attribute)]):
            yield attribute
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Subscript(value=cst.Attribute() as attribute))]):
            yield attribute


def _given(statement: cst.BaseSmallStatement) -> cst.BaseExpression | None:
    """The first argument of the call that a statement is, or a dict of the item that it assigns."""
    match statement:
        case cst.Expr(value=cst.Call(args=[argument, *_]) as call):
            before = call.whitespace_before_args
            indent = before.last_line.value if isinstance(before, cst.ParenthesizedWhitespace) else ""
            return dedented(argument.value, indent)
        case cst.Assign(
            targets=[cst.AssignTarget(target=cst.Subscript(slice=[cst.SubscriptElement(slice=cst.Index(value=key))]))]
        ):
            return cst.Dict([cst.DictElement(key, statement.value)])
    return None


def gone(statement: cst.SimpleStatementLine | cst.FunctionDef) -> cst.SimpleStatementLine:
    """What stands for a statement that is gone, with the comments above it."""
    return cst.SimpleStatementLine([_GONE], leading_lines=statement.leading_lines)


def without_gone(body: Sequence[cst.BaseStatement]) -> list[cst.BaseStatement]:
    """The statements without those that are gone; comments above these stay."""
    kept: list[cst.BaseStatement] = []
    orphaned: list[cst.EmptyLine] | None = None
    for statement in body:
        lines = list(getattr(statement, "leading_lines", ()))
        if isinstance(statement, cst.SimpleStatementLine) and statement.body[0] is _GONE:
            orphaned = [*(orphaned or ()), *lines]
            continue
        if orphaned is None:
            kept.append(statement)
            continue
        lines = [*orphaned, *lines] if any(line.comment for line in orphaned) else lines or orphaned
        while not kept and lines and lines[0].comment is None:  # a block does not begin with a blank line
            lines = lines[1:]
        kept.append(statement.with_changes(leading_lines=lines))
        orphaned = None
    if any(line.comment for line in orphaned or ()):
        kept.append(cst.SimpleStatementLine([cst.Pass()], leading_lines=orphaned or ()))
    return kept
