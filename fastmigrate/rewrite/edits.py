"""The edits of a module: its lifespans, its functions, and what stands before them."""

from __future__ import annotations

import libcst as cst

from fastmigrate.rewrite.expressions import ASYNC
from fastmigrate.rewrite.imports import bound_name, with_alias, without_import
from fastmigrate.rewrite.intents import (
    AddDecorator,
    AddField,
    AddParameter,
    Annotate,
    ImportTwin,
    InsertAtTop,
    InsertBefore,
    RemoveDecorator,
    RemoveImport,
    Twin,
    WrapRest,
    WrapYield,
)
from fastmigrate.rewrite.layout import (
    element_a_line,
    inserted,
    is_docstring,
    two_blank_lines,
    with_element,
    with_keyword,
)
from fastmigrate.rewrite.replacing import without_gone
from fastmigrate.rewrite.statements import StatementEditor

__all__ = ["Editor"]


class Editor(StatementEditor):
    """Applies the intents of one file, in one pass over its module."""

    def edit_Yield(self, original: cst.Yield, updated: cst.Yield) -> cst.BaseExpression:
        """A lifespan yields more."""
        wraps = [
            intent for intent in self._take(WrapYield, self.numbers.get(original)) if isinstance(intent, WrapYield)
        ]
        if not wraps:
            return updated
        value = updated.value
        for wrap in wraps:
            value = self._with_item(value, wrap)
        if isinstance(value, cst.Dict):
            value = element_a_line(value, self.unit)
        changed = updated.with_changes(value=value, whitespace_after_yield=cst.SimpleWhitespace(" "))
        self.wraps += [(changed, wrap) for wrap in wraps]
        return changed

    def _with_item(
        self, value: cst.BaseExpression | cst.From | None, wrap: WrapYield
    ) -> cst.BaseExpression | cst.From | None:
        """What a lifespan yields, with one thing more."""
        key = self.templates.quoted(f'"{wrap.key}"')
        item = f"{key}: {wrap.name}"
        if isinstance(value, cst.Dict):
            element = cst.DictElement(cst.SimpleString(key), cst.Name(wrap.name))
            return value.with_changes(elements=with_element(value, element))
        if value is None or (isinstance(value, cst.Name) and value.value == "None"):
            return cst.parse_expression(f"{{{item}}}", self.config)
        assert isinstance(value, cst.BaseExpression)
        if isinstance(value, cst.Call) and wrap.typed:
            return value.with_changes(args=with_keyword(value, value.args, wrap.key, cst.Name(wrap.name)))
        spread = "({} or {{}})" if wrap.optional else "{}"
        return self.templates.filled(f"{{{{**{spread}, {item}}}}}", value)

    # -- classes, functions and the module

    def edit_ClassDef(self, original: cst.ClassDef, updated: cst.ClassDef) -> cst.ClassDef:
        """A class gets another field, after the last one."""
        for intent in self._take(AddField, self.numbers[original]):
            assert isinstance(intent, AddField) and isinstance(updated.body, cst.IndentedBlock)
            field = cst.parse_statement(intent.code, self.config)
            body = [statement for statement in updated.body.body if not _is_empty(statement)]
            fields = [index for index, statement in enumerate(body) if _is_field(statement)]
            place = fields[-1] + 1 if fields else len(body)
            place += place < len(body) and is_docstring(body[place])
            body.insert(place, field)
            updated = updated.with_changes(body=updated.body.with_changes(body=body))
        return updated

    def edit_FunctionDef(
        self, original: cst.FunctionDef, updated: cst.FunctionDef
    ) -> cst.FunctionDef | cst.FlattenSentinel[cst.BaseStatement]:
        """A function gets another parameter, another first statement, or a twin that is edited in its place."""
        number = self.numbers[original]
        if self._is_made_async("function", original):
            updated = updated.with_changes(asynchronous=ASYNC)
        updated = updated.with_changes(decorators=self._decorators(original, updated))
        for annotation in self._take(Annotate, number, "function"):
            assert isinstance(annotation, Annotate)
            updated = updated.with_changes(returns=self._annotated(updated.returns, annotation.code))
        for intent in self._take(AddParameter, number, "function"):
            assert isinstance(intent, AddParameter)
            updated = updated.with_changes(params=self._with_parameter(updated.params, intent))
        for top in self._take(InsertAtTop, number, "function"):
            assert isinstance(top, InsertAtTop)
            updated = updated.with_changes(body=self._with_first(updated.body, top.code))
        for removal in self._take(RemoveImport, number, "function"):
            assert isinstance(removal, RemoveImport) and isinstance(updated.body, cst.IndentedBlock)
            updated = updated.with_changes(
                body=updated.body.with_changes(body=without_import(updated.body.body, removal.bound))
            )
        for twin in self._take(Twin, number, "function"):
            assert isinstance(twin, Twin)
            in_class = any(isinstance(statement, cst.ClassDef | cst.FunctionDef) for statement in self.statements)
            blank = [cst.EmptyLine(indent=False)] * (1 if in_class else 2)
            copy = updated.with_changes(name=cst.Name(twin.name), leading_lines=blank)
            return cst.FlattenSentinel([original, copy])
        return updated

    def _decorators(self, original: cst.FunctionDef, updated: cst.FunctionDef) -> list[cst.Decorator]:
        """The decorators of a function, less those that go, and with those that come."""
        number = self.numbers[original]
        added = [new.code for new in self._take(AddDecorator, number, "function") if isinstance(new, AddDecorator)]
        return [cst.Decorator(cst.parse_expression(code, self.config)) for code in added] + [
            new
            for old, new in zip(original.decorators, updated.decorators, strict=True)
            if not self._take(RemoveDecorator, self.numbers.get(old.decorator))
        ]

    def edit_ImportFrom(self, original: cst.ImportFrom, updated: cst.ImportFrom) -> cst.ImportFrom:
        """What imports a function imports its twin, too."""
        for intent in [i for i in self.remaining if isinstance(i, ImportTwin)]:
            if isinstance(updated.names, cst.ImportStar) or intent.bound not in map(bound_name, updated.names):
                continue
            self.remaining.remove(intent)
            updated = updated.with_changes(names=with_alias(updated.names, intent.name, intent.alias))
        return updated

    def _annotated(self, annotation: cst.Annotation | None, code: str) -> cst.Annotation:
        assert annotation is not None and isinstance(annotation.annotation, cst.Subscript)
        of = cst.parse_expression(code, self.config)
        elements = annotation.annotation.slice
        if code.endswith("AsyncGenerator") and len(elements) == 3:  # it returns nothing
            elements = [elements[0], elements[1].with_changes(comma=cst.MaybeSentinel.DEFAULT)]
        return annotation.with_changes(annotation=annotation.annotation.with_changes(value=of, slice=elements))

    def _with_parameter(self, params: cst.Parameters, intent: AddParameter) -> cst.Parameters:
        name, _, annotation = intent.code.partition(": ")
        new = cst.Param(cst.Name(name), cst.Annotation(cst.parse_expression(annotation, self.config)))
        if params.posonly_params:
            after = 1 if intent.is_method else 0
            return params.with_changes(posonly_params=inserted(params.posonly_params, after, new))
        after = 1 if intent.is_method and params.params else 0
        return params.with_changes(params=inserted(params.params, after, new))

    def _with_first(self, body: cst.BaseSuite, code: str) -> cst.BaseSuite:
        new = cst.parse_statement(code, self.config)
        if isinstance(body, cst.SimpleStatementSuite):
            line = cst.SimpleStatementLine(body.body, trailing_whitespace=body.trailing_whitespace)
            body = cst.IndentedBlock([line])
        assert isinstance(body, cst.IndentedBlock)
        first, rest = body.body[0], list(body.body[1:])
        if not is_docstring(first):
            if isinstance(first, cst.FunctionDef | cst.ClassDef) and not first.leading_lines:
                first = first.with_changes(leading_lines=[cst.EmptyLine(indent=False)])
            return body.with_changes(body=[new, first, *rest])
        assert isinstance(first, cst.SimpleStatementLine)
        if len(first.body) > 1:  # `"""Docs."""; more`
            docstring = first.body[0].with_changes(semicolon=cst.MaybeSentinel.DEFAULT)
            rest.insert(0, first.with_changes(body=first.body[1:], leading_lines=[]))
            first = cst.SimpleStatementLine([docstring], leading_lines=first.leading_lines)
        return body.with_changes(body=[first, new, *rest])

    def edit_Module(self, original: cst.Module, updated: cst.Module) -> cst.Module:
        """Definitions come to stand before the top-level statements that need them."""
        before: dict[int, list[cst.BaseStatement]] = {}
        for intent in [i for i in self.remaining if isinstance(i, InsertBefore)]:
            index = self.anchors.get((intent.kind, intent.number), -1)
            if index < 0:
                continue
            self.remaining.remove(intent)
            parsed = cst.parse_module(self.templates.quoted(intent.code), self.config)
            for position, statement in enumerate(parsed.body):
                comments = [*parsed.header, *statement.leading_lines] if position == 0 else None
                lines = two_blank_lines(comments if comments is not None else statement.leading_lines)
                before.setdefault(index, []).append(statement.with_changes(leading_lines=lines))
        if self.guards or self.wraps or self.rests or self.closings or self.replacer.marked:
            self.remaining += [intent for _, intent in self.replacer.marked]
            self.remaining += [intent for _, intent in self.wraps]
            self.remaining += [guard for _, guard in self.guards]
            self.remaining += [WrapRest(-1) for _ in (*self.rests, *self.closings)]
        body: list[cst.BaseStatement] = []
        for index, statement in enumerate(updated.body):
            new = before.get(index, [])
            apart = statement.with_changes(leading_lines=two_blank_lines(statement.leading_lines))
            body += [*new, apart if new else statement]
        return updated.with_changes(body=without_gone(body))


def _is_field(statement: cst.BaseStatement) -> bool:
    """Whether a statement annotates a name of a class."""
    return isinstance(statement, cst.SimpleStatementLine) and isinstance(statement.body[0], cst.AnnAssign)


def _is_empty(statement: cst.BaseStatement) -> bool:
    """Whether a statement is `pass` or `...`."""
    first = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else None
    return isinstance(first, cst.Pass) or (isinstance(first, cst.Expr) and isinstance(first.value, cst.Ellipsis))
