"""The edits of statements: guards, handlers, `with` and `for`, and statements beside others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import libcst as cst

from fastmigrate.rewrite.counting import NONE
from fastmigrate.rewrite.expressions import ASYNC, ExpressionEditor
from fastmigrate.rewrite.intents import (
    EditHandler,
    EnterClient,
    Intent,
    MakeAsync,
    ReturnToYield,
    SplitWith,
    UnwrapWith,
    WrapYield,
)
from fastmigrate.rewrite.nodes import refuse_comments
from fastmigrate.rewrite.replacing import gone, without_gone

__all__ = ["StatementEditor"]


class StatementEditor(ExpressionEditor):
    """Edits statements."""

    def __init__(
        self,
        module: cst.Module,
        text: str,
        intents: Iterable[Intent],
        untouched: Mapping[cst.CSTNode, Mapping[str, int]] = NONE,
    ) -> None:
        super().__init__(module, text, intents, untouched)
        self.wraps: list[tuple[cst.BaseExpression, WrapYield]] = []

    def edit_SimpleStatementLine(
        self, original: cst.SimpleStatementLine, updated: cst.SimpleStatementLine
    ) -> cst.BaseStatement | cst.FlattenSentinel[cst.BaseStatement]:
        """A statement gets a guard, is wrapped or replaced; others on its line get lines of their own."""
        after = [_statement(code, self.config) for code in self.afters.pop(original, [])]
        edited = self._edited_line(original, updated)
        if not after:
            return edited
        return cst.FlattenSentinel([*(edited if isinstance(edited, cst.FlattenSentinel) else [edited]), *after])

    def _edited_line(
        self, original: cst.SimpleStatementLine, updated: cst.SimpleStatementLine
    ) -> cst.BaseStatement | cst.FlattenSentinel[cst.BaseStatement]:
        entering = self._entering(original, updated)
        if entering is not None:
            return entering
        updated = updated.with_changes(body=[*map(self._yielding, original.body, updated.body)])
        before = self._new_before(original)
        replaced = self.replacer.lines(updated)
        if replaced is not None:
            return cst.FlattenSentinel([*before, *replaced])
        headers = [self._headers(statement) for statement in updated.body]
        if not any(headers):
            return cst.FlattenSentinel([*before, updated]) if before else updated
        lines: list[cst.BaseStatement] = list(before)
        for index, (statement, above) in enumerate(zip(updated.body, headers, strict=True)):
            line = cst.SimpleStatementLine([statement.with_changes(semicolon=cst.MaybeSentinel.DEFAULT)])
            if index == 0:
                line = line.with_changes(leading_lines=updated.leading_lines)
            if index == len(headers) - 1:
                line = line.with_changes(trailing_whitespace=updated.trailing_whitespace)
            lines.append(self._under(above, line))
        return cst.FlattenSentinel(lines)

    def _yielding(self, old: cst.BaseSmallStatement, new: cst.BaseSmallStatement) -> cst.BaseSmallStatement:
        """`yield x` for `return x`."""
        if isinstance(new, cst.Return) and self._take(ReturnToYield, self.numbers.get(old)):
            return cst.Expr(cst.Yield(new.value), semicolon=new.semicolon)
        return new

    def _entering(self, original: cst.SimpleStatementLine, updated: cst.SimpleStatementLine) -> cst.With | None:
        """What gives out a test client gives it out within the `with` that enters it."""
        match original.body, updated.body:
            case ([cst.Return(value=old)], [cst.Return(value=new)]):
                pass
            case ([cst.Expr(cst.Yield(value=old))], [cst.Expr(cst.Yield(value=new))]):
                pass
            case _:
                return None
        for intent in self._take(EnterClient, self.numbers.get(old), "call") if isinstance(old, cst.Call) else ():
            assert isinstance(intent, EnterClient) and isinstance(new, cst.BaseExpression)
            name = cst.Name(intent.name)
            given = cst.SimpleStatementLine(
                [cst.Expr(cst.Yield(name))], trailing_whitespace=updated.trailing_whitespace
            )
            block = cst.IndentedBlock([given])
            return cst.With([cst.WithItem(new, cst.AsName(name))], block, leading_lines=updated.leading_lines)
        return None

    def _headers(self, statement: cst.BaseSmallStatement) -> list[str]:
        """The compound statements into which a small one is to be put, from the outside in."""
        value = statement.value if isinstance(statement, cst.Expr) else None
        for guard in [guard for guard in self.guards if guard[0] is value]:
            self.guards.remove(guard)
            first = f"    {guard[1].first}\n" if guard[1].first else ""
            return [f"if {guard[1].test}:\n{first}    pass\n"]
        wraps = [wrap for wrap in self.wraps if wrap[0] is value]
        self.wraps = [wrap for wrap in self.wraps if wrap not in wraps]
        return [f"async with {self.templates.quoted(wrap.manager)} as {wrap.name}:\n    pass\n" for _, wrap in wraps]

    def edit_SimpleStatementSuite(
        self, original: cst.SimpleStatementSuite, updated: cst.SimpleStatementSuite
    ) -> cst.BaseSuite:
        """`if x: statement` becomes a block if the statement is to be guarded or wrapped."""
        old = cst.SimpleStatementLine(original.body)
        line = cst.SimpleStatementLine(updated.body, trailing_whitespace=updated.trailing_whitespace)
        for more in (self.befores, self.afters):
            more[old] = more.pop(original, [])
        edited = self.edit_SimpleStatementLine(old, line)
        if isinstance(edited, cst.SimpleStatementLine):
            return updated.with_changes(body=edited.body)
        return cst.IndentedBlock([*edited] if isinstance(edited, cst.FlattenSentinel) else [edited])

    def _new_before(self, original: cst.CSTNode) -> list[cst.BaseStatement]:
        return [_statement(code, self.config) for code in self.befores.pop(original, [])]

    def _under(self, headers: Sequence[str], line: cst.SimpleStatementLine) -> cst.BaseStatement:
        """A line within compound statements; its comments stay above them."""
        statement: cst.SimpleStatementLine | cst.If | cst.With = line
        for code in reversed(headers):
            header = cst.parse_statement(code, self.config)
            assert isinstance(header, cst.If | cst.With) and isinstance(header.body, cst.IndentedBlock)
            *first, _ = header.body.body
            body = header.body.with_changes(body=[*first, statement.with_changes(leading_lines=[])])
            statement = header.with_changes(body=body, leading_lines=line.leading_lines)
        return statement

    # -- compound statements

    def on_leave(  # type: ignore[override]
        self, original_node: cst.CSTNode, updated_node: cst.CSTNode
    ) -> cst.CSTNode | cst.RemovalSentinel | cst.FlattenSentinel[cst.CSTNode]:
        """New statements come to stand before a compound one."""
        left = super().on_leave(original_node, updated_node)
        if original_node in self.going:
            assert isinstance(left, cst.SimpleStatementLine | cst.FunctionDef)
            if isinstance(left, cst.SimpleStatementLine) and len(left.body) > 1:
                raise cst.CSTValidationError("a statement that is to go shares its line with others")
            return gone(left)
        if original_node in self.closings and isinstance(left, cst.BaseStatement):
            self.closings[left] = self.closings.pop(original_node)
        before = self._new_before(original_node) if isinstance(original_node, cst.BaseCompoundStatement) else []
        if not before:
            return left
        return cst.FlattenSentinel([*before, *(left if isinstance(left, cst.FlattenSentinel) else [left])])

    def _is_made_async(self, kind: str, original: cst.CSTNode) -> bool:
        intent = MakeAsync(kind, self.numbers[original])
        if intent not in self.remaining:
            return False
        self.remaining.remove(intent)
        return True

    def edit_For(self, original: cst.For, updated: cst.For) -> cst.For:
        """`async for`."""
        return updated.with_changes(asynchronous=ASYNC) if self._is_made_async("for", original) else updated

    def edit_CompFor(self, original: cst.CompFor, updated: cst.CompFor) -> cst.CompFor:
        """A clause of a comprehension becomes asynchronous."""
        return updated.with_changes(asynchronous=ASYNC) if self._is_made_async("clause", original) else updated

    def edit_With(self, original: cst.With, updated: cst.With) -> cst.With | cst.FlattenSentinel[cst.BaseStatement]:
        """`async with`, in part or as a whole, or no `with` any more."""
        number = self.numbers[original]
        made_async = {getattr(intent, "item", -1) for intent in self._take(SplitWith, number)}
        if self._is_made_async("with", original):
            made_async = set(range(len(updated.items)))
        first = self.replacer.entered(updated)
        for intent in self._take(UnwrapWith, number):
            assert isinstance(intent, UnwrapWith)
            new = [self._quoted_statement(code) for code in intent.code]
            first[intent.item] = new if new or intent.is_gone else [_assignment(updated.items[intent.item])]
        stay = [index for index in range(len(updated.items)) if index not in first]
        if first and not stay:
            return cst.FlattenSentinel(_beside(updated, _in_order(first)))
        block = _without_items(updated, stay) if first else updated
        block = _made_async(block, [stay.index(item) for item in sorted(made_async & {*stay})])
        return cst.FlattenSentinel(_above(updated.leading_lines, [*_in_order(first), block])) if first else block

    def _quoted_statement(self, code: str) -> cst.SimpleStatementLine:
        statement = cst.parse_statement(self.templates.quoted(code), self.config)
        assert isinstance(statement, cst.SimpleStatementLine)
        return statement

    def edit_Try(self, original: cst.Try, updated: cst.Try) -> cst.Try | cst.FlattenSentinel[cst.BaseStatement]:
        """A `finally` whose statements are gone goes, and the `try` if nothing is left of it."""
        last = updated.finalbody
        if last is None or last.body.body:
            return updated
        refuse_comments(last)
        if updated.handlers:
            return updated.with_changes(finalbody=None)
        assert isinstance(updated.body, cst.IndentedBlock)
        refuse_comments(updated.body.header)
        for line in updated.body.footer:
            refuse_comments(line)
        first, *rest = (s for s in updated.body.body if isinstance(s, cst.BaseStatement))
        lines = [*updated.leading_lines, *getattr(first, "leading_lines", ())]
        return cst.FlattenSentinel([first.with_changes(leading_lines=lines), *rest])

    def edit_ExceptHandler(self, original: cst.ExceptHandler, updated: cst.ExceptHandler) -> cst.ExceptHandler:
        """A handler catches something else."""
        for intent in self._take(EditHandler, self.numbers[original]):
            assert isinstance(intent, EditHandler) and updated.type is not None
            refuse_comments(updated.type)
            updated = updated.with_changes(type=self._expression(intent.code))
        return updated

    def edit_ExceptStarHandler(
        self, original: cst.ExceptStarHandler, updated: cst.ExceptStarHandler
    ) -> cst.ExceptStarHandler:
        """A handler of groups catches something else."""
        for intent in self._take(EditHandler, self.numbers[original]):
            assert isinstance(intent, EditHandler)
            refuse_comments(updated.type)
            updated = updated.with_changes(type=self._expression(intent.code))
        return updated

    def _expression(self, code: str) -> cst.BaseExpression:
        """New code, indented as its file is."""
        return cst.parse_expression(code.replace("    ", self.unit), self.config)

    def edit_IndentedBlock(self, original: cst.IndentedBlock, updated: cst.IndentedBlock) -> cst.IndentedBlock:
        """Statements go; what follows something that is opened comes to stand within a block that closes it."""
        body = [statement for statement in updated.body if isinstance(statement, cst.BaseStatement)]
        updated = updated.with_changes(body=without_gone(body))
        for index in reversed(range(len(updated.body))):
            statement = updated.body[index]
            block: cst.BaseStatement
            if (opened := self._opened(statement)) is not None:
                assert isinstance(statement, cst.SimpleStatementLine)
                inner = self._rest(updated, index)
                made_async = ASYNC if opened[1] else None
                block = cst.With([opened[0]], inner, asynchronous=made_async, leading_lines=statement.leading_lines)
                updated = updated.with_changes(body=[*updated.body[:index], block], footer=[])
            elif (code := self.closings.pop(statement, None)) is not None:
                lines = [line for line in _leading_lines(updated.body[index + 1]) if line.comment is None][:1]
                final = cst.Finally(cst.IndentedBlock([_statement(code, self.config)]))
                block = cst.Try(self._rest(updated, index), finalbody=final, leading_lines=lines)
                updated = updated.with_changes(body=[*updated.body[: index + 1], block], footer=[])
        return updated

    @staticmethod
    def _rest(block: cst.IndentedBlock, index: int) -> cst.IndentedBlock:
        """What follows a statement of a block, as a block of its own."""
        return cst.IndentedBlock(_without_blank_lines(block.body[index + 1 :]), footer=block.footer)

    def _opened(self, statement: cst.BaseStatement | cst.BaseSmallStatement) -> tuple[cst.WithItem, bool] | None:
        """The item of the `with` that a statement becomes, and whether that is asynchronous."""
        match statement:
            case cst.SimpleStatementLine(
                body=[
                    cst.Assign(targets=[cst.AssignTarget(target=cst.Name() as name)], value=value)
                    | cst.AnnAssign(target=cst.Name() as name, value=value)
                ]
            ):
                for rest in [rest for rest in self.rests if rest[0] is value]:
                    self.rests.remove(rest)
                    return cst.WithItem(rest[0], cst.AsName(name)), rest[1]
        return None


def _made_async(block: cst.With, items: Sequence[int]) -> cst.With:
    """A `with` of which these items are asynchronous: one, or several within each other if others are not."""
    if not items:
        return block
    if len(items) == len(block.items):
        return block.with_changes(asynchronous=ASYNC)
    return _split(block, items)


def _split(block: cst.With, made_async: Sequence[int]) -> cst.With:
    """A `with` becomes several, one within the other, of which those with the items that are so are asynchronous."""
    refuse_comments(_header(block))
    body, items = block.body, list(enumerate(block.items))
    while items:
        is_async = items[-1][0] in made_async
        group: list[cst.WithItem] = []
        while items and (items[-1][0] in made_async) == is_async:
            comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" ")) if group else cst.MaybeSentinel.DEFAULT
            group.insert(0, items.pop()[1].with_changes(comma=comma))
        outer = cst.With(group, body, asynchronous=ASYNC if is_async else None)
        body = cst.IndentedBlock([outer])
    return outer.with_changes(leading_lines=block.leading_lines)


def _header(block: cst.With) -> cst.With:
    """A `with` that has the same items and brackets, and nothing else."""
    return cst.With(block.items, cst.SimpleStatementSuite([cst.Pass()]), lpar=block.lpar, rpar=block.rpar)


def _without_items(block: cst.With, stay: Sequence[int]) -> cst.With:
    """A `with` that has but these of its items."""
    refuse_comments(_header(block))
    items = [block.items[index] for index in stay]
    items[-1] = items[-1].with_changes(comma=block.items[-1].comma)
    return block.with_changes(items=items, leading_lines=[])


def _beside(block: cst.With, first: list[cst.BaseStatement]) -> list[cst.BaseStatement]:
    """The body of a `with` that goes, behind what takes the place of its items."""
    for part in (block.lpar, block.rpar, *(x for item in block.items for x in (item.comma, item.asname))):
        if isinstance(part, cst.CSTNode):
            refuse_comments(part)
    if isinstance(block.body, cst.SimpleStatementSuite):
        idle = all(isinstance(statement, cst.Pass) for statement in block.body.body)
        inner = cst.SimpleStatementLine(block.body.body, trailing_whitespace=block.body.trailing_whitespace)
        return _above(block.leading_lines, [*first, *([] if idle and first else [inner])])
    assert isinstance(block.body, cst.IndentedBlock)
    if first:
        first[-1] = first[-1].with_changes(trailing_whitespace=block.body.header)
    else:
        refuse_comments(block.body.header)
    for line in block.body.footer:
        refuse_comments(line)
    inside = [statement for statement in block.body.body if isinstance(statement, cst.BaseStatement)]
    return _above(block.leading_lines, [*first, *inside])


def _above(lines: Sequence[cst.EmptyLine], statements: list[cst.BaseStatement]) -> list[cst.BaseStatement]:
    """Statements with these lines above the first."""
    own = _leading_lines(statements[0])
    return [statements[0].with_changes(leading_lines=[*lines, *own]), *statements[1:]]


def _in_order(first: dict[int, list[cst.SimpleStatementLine]]) -> list[cst.BaseStatement]:
    return [line for _, lines in sorted(first.items()) for line in lines]


def _assignment(item: cst.WithItem) -> cst.SimpleStatementLine:
    if item.asname is None:
        return cst.SimpleStatementLine([cst.Expr(item.item)])
    assert isinstance(item.asname.name, cst.BaseAssignTargetExpression)
    return cst.SimpleStatementLine([cst.Assign([cst.AssignTarget(item.asname.name)], item.item)])


def _leading_lines(statement: cst.BaseStatement) -> list[cst.EmptyLine]:
    assert isinstance(statement, cst.SimpleStatementLine | cst.BaseCompoundStatement)
    return list(statement.leading_lines)


def _without_blank_lines(block: Sequence[cst.BaseStatement]) -> list[cst.BaseStatement]:
    """The statements of a block, the first one without the blank lines above it."""
    first, *others = block
    lines = _leading_lines(first)
    while lines and lines[0].comment is None:
        lines.pop(0)
    return [first.with_changes(leading_lines=lines), *others]


def _statement(code: str, config: cst.PartialParserConfig) -> cst.BaseStatement:
    statement = cst.parse_statement(code, config)
    assert isinstance(statement, cst.BaseStatement)
    return statement
