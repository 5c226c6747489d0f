"""The edits within statements: calls, members, parameters, guards, lifespans."""

from __future__ import annotations

from collections.abc import Iterable

import libcst as cst

from fastmigrate.rewrite.imports import without_import
from fastmigrate.rewrite.intents import (
    AddParameter,
    EditCall,
    GuardStatement,
    InsertAtTop,
    InsertBefore,
    Intent,
    PassFunction,
    RemoveImport,
    RenameMember,
    TestMember,
    WrapYield,
)
from fastmigrate.rewrite.layout import (
    clause_a_line,
    inserted,
    is_docstring,
    two_blank_lines,
    with_comma_after,
    with_element,
    with_function_passed,
    with_keyword,
)
from fastmigrate.rewrite.nodes import (
    Filler,
    member_of,
    names_that_are_no_expressions,
    prefers_single_quotes,
    refuse_comments,
)

__all__ = ["Editor"]

_PLACEHOLDER = "__fastmigrate_{}__"


class Editor(cst.CSTTransformer):
    """One pass over a module that counts calls, members, functions and yields, and edits those that are meant.

    After the visit, `remaining` holds the intents that found no place.
    """

    def __init__(self, module: cst.Module, intents: Iterable[Intent]) -> None:
        super().__init__()
        self.config = module.config_for_parsing
        self.unit = module.default_indent
        self.single_quotes = prefers_single_quotes(module.code)
        self.remaining: list[Intent] = list(intents)
        self.counts: dict[str, int] = {}
        self.no_expressions: set[cst.CSTNode] = set()
        self.numbers: dict[cst.CSTNode, int] = {}
        self.in_import = 0
        self.in_string = 0
        self.awaits: list[cst.BaseExpression] = []
        self.negated: list[cst.BaseExpression] = []
        self.conjunctions: list[cst.BaseExpression] = []
        self.disjunctions: list[cst.BaseExpression] = []
        self.guards: list[tuple[cst.BaseExpression, str]] = []
        self.wraps: list[tuple[cst.BaseExpression, WrapYield]] = []
        self.anchors: dict[tuple[str, int], int] = {}
        self.top_level: int = -1
        self.depth = 0

    # -- counting

    def _count(self, kind: str, node: cst.CSTNode) -> None:
        number = self.numbers[node] = self.counts.get(kind, 0)
        self.anchors[kind, number] = self.top_level
        self.counts[kind] = number + 1

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Count what is counted, in source order."""
        if isinstance(node, cst.BaseStatement):
            if self.depth == 0:
                self.top_level += 1
            self.depth += 1
        self.no_expressions.update(names_that_are_no_expressions(node))
        match node:
            case cst.Name(value=name) if not self.in_import and node not in self.no_expressions:
                self._count(f"name {name}", node)
            case cst.Import() | cst.ImportFrom():
                self.in_import += 1
            case cst.FormattedString():
                self.in_string += 1
            case cst.Call():
                self._count("call", node)
            case cst.Attribute() if not self.in_import:
                self._count("attribute", node)
            case cst.FunctionDef():
                self._count("function", node)
            case cst.Yield(value=value) if not isinstance(value, cst.From):
                self._count("yield", node)
        return True

    def on_leave(  # type: ignore[override]
        self, original_node: cst.CSTNode, updated_node: cst.CSTNode
    ) -> cst.CSTNode | cst.RemovalSentinel | cst.FlattenSentinel[cst.CSTNode]:
        """Edit a node once all that is in it has been edited."""
        if isinstance(original_node, cst.BaseStatement):
            self.depth -= 1
        if isinstance(original_node, cst.Import | cst.ImportFrom):
            self.in_import -= 1
        if isinstance(original_node, cst.FormattedString):
            self.in_string -= 1
        leave = getattr(self, f"edit_{type(original_node).__name__}", None)
        return updated_node if leave is None else leave(original_node, updated_node)

    def _quoted(self, code: str) -> str:
        """New code, which has no quotes within quotes, with the quotes that its file prefers."""
        return code.replace('"', "'") if self.single_quotes else code

    def _take(self, kind: type[Intent], number: int | None, field: str = "number") -> list[Intent]:
        if number is None:
            return []
        taken = [i for i in self.remaining if isinstance(i, kind) and getattr(i, field) == number]
        self.remaining = [intent for intent in self.remaining if intent not in taken]
        return taken

    # -- expressions

    def edit_Call(self, original: cst.Call, updated: cst.Call) -> cst.BaseExpression:
        """A call gets what its intent says."""
        number = self.numbers[original]
        updated = updated.with_changes(func=self._bound(updated.func, self.awaits, self.negated))
        result: cst.BaseExpression = updated
        for intent in self._take(EditCall, number):
            assert isinstance(intent, EditCall)
            result = self._edited_call(updated, intent)
        for passing in self._take(PassFunction, number):
            assert isinstance(passing, PassFunction)
            result = updated.with_changes(args=with_function_passed(updated.args, passing.index))
        for guard in self._take(GuardStatement, number, "call"):
            assert isinstance(guard, GuardStatement)
            self.guards.append((result, guard.test))
        return result

    def _edited_call(self, call: cst.Call, intent: EditCall) -> cst.BaseExpression:
        edits = {edit.index: edit for edit in intent.arguments}
        args: list[cst.Arg] = []
        for index, arg in enumerate(call.args):
            edit = edits.get(index)
            if edit is None:
                args.append(arg)
            elif edit.drop:
                refuse_comments(arg)
            else:
                keyword = None if edit.keyword is None else cst.Name(edit.keyword)
                before = call.whitespace_before_args
                base = before.last_line.value if isinstance(before, cst.ParenthesizedWhitespace) else ""
                value = self._filled(edit.value, arg.value, base)
                equal = arg.equal if arg.keyword is not None or keyword is None else _EQUAL
                args.append(arg.with_changes(keyword=keyword, value=value, equal=equal))
        dropped_last = bool(edits) and len(call.args) - 1 in edits and edits[len(call.args) - 1].drop
        if dropped_last and args:
            args[-1] = args[-1].with_changes(comma=call.args[-1].comma)
        for new in intent.added:
            value = cst.parse_expression(self._quoted(new.value), self.config)
            if new.keyword is None:
                args = [with_comma_after(call, cst.Arg(value)), *args]
            else:
                args = with_keyword(call, args, new.keyword, value)
        changes: dict[str, object] = {"args": args}
        if intent.callee is not None:
            refuse_comments(call.func)
            changes["func"] = cst.parse_expression(intent.callee, self.config)
        plain = call.with_changes(**changes)
        if not intent.awaited:
            return plain
        awaited = cst.Await(plain.with_changes(lpar=[], rpar=[]), lpar=call.lpar, rpar=call.rpar)
        self.awaits.append(awaited)
        return awaited

    def _filled(self, template: str, value: cst.BaseExpression, base: str = "") -> cst.BaseExpression:
        """The template with the value, or the elements of the value, in its places.

        `base` is the indentation of the value's line beyond that of its block.
        """
        if template == "{}":
            return value
        parts = [value]
        if "{0}" in template and isinstance(value, cst.Tuple):
            parts = [element.value for element in value.elements]
        names = [_PLACEHOLDER.format(index) for index in range(len(parts))]
        count = template.count("{}")
        text = template.format(*(names * count if count else names))
        expression = cst.parse_expression(text, self.config)
        filler = Filler(dict(zip(names, parts, strict=True)))
        filled = expression.visit(filler)
        assert isinstance(filled, cst.BaseExpression)
        if isinstance(filled, cst.DictComp) and not self.in_string:
            return clause_a_line(filled, value, base, self.unit)
        return filled

    def edit_Name(self, original: cst.Name, updated: cst.Name) -> cst.BaseExpression:
        """A test for truth asks for more."""
        for intent in [i for i in self.remaining if isinstance(i, TestMember) and i.name == original.value]:
            if intent.number == self.numbers.get(original):
                self.remaining.remove(intent)
                good = cst.UnaryOperation(cst.Not(), member_of(updated, intent.member))
                if not intent.optional:
                    self.negated.append(good.with_changes(lpar=original.lpar, rpar=original.rpar))
                    return self.negated[-1]
                there = cst.parse_expression(f"{intent.name} is not None", self.config)
                both = cst.BooleanOperation(there, cst.And(), good, lpar=original.lpar, rpar=original.rpar)
                self.conjunctions.append(both)
                return both
        return updated

    def edit_Attribute(self, original: cst.Attribute, updated: cst.Attribute) -> cst.BaseExpression:
        """A member gets another name."""
        updated = updated.with_changes(value=self._bound(updated.value, self.awaits, self.negated))
        for intent in self._take(RenameMember, self.numbers.get(original)):
            assert isinstance(intent, RenameMember)
            renamed = updated.with_changes(attr=cst.Name(intent.name))
            if not intent.negated:
                return renamed
            plain = renamed.with_changes(lpar=[], rpar=[])
            negation = cst.UnaryOperation(cst.Not(), plain, lpar=original.lpar, rpar=original.rpar)
            self.negated.append(negation)
            return negation
        return updated

    def edit_UnaryOperation(self, original: cst.UnaryOperation, updated: cst.UnaryOperation) -> cst.BaseExpression:
        """`not (not x)` is x."""
        inner = updated.expression
        if isinstance(updated.operator, cst.Not):
            if inner in self.negated and isinstance(inner, cst.UnaryOperation):
                return inner.expression.with_changes(lpar=updated.lpar, rpar=updated.rpar)
            if inner in self.conjunctions and isinstance(inner, cst.BooleanOperation):
                return self._neither(inner, updated)
            return updated
        return updated.with_changes(expression=self._bound(inner, self.negated))

    def _neither(self, both: cst.BooleanOperation, negation: cst.UnaryOperation) -> cst.BaseExpression:
        """`not (x is not None and not x.y)` is `x is None or x.y`."""
        assert isinstance(both.left, cst.Comparison) and isinstance(both.right, cst.UnaryOperation)
        absent = both.left.with_changes(comparisons=[cst.ComparisonTarget(cst.Is(), cst.Name("None"))])
        either = cst.BooleanOperation(absent, cst.Or(), both.right.expression, lpar=negation.lpar, rpar=negation.rpar)
        self.disjunctions.append(either)
        return either

    def edit_BooleanOperation(
        self, original: cst.BooleanOperation, updated: cst.BooleanOperation
    ) -> cst.BaseExpression:
        """`(x or y) and z`."""
        left, right = (
            self._bound(updated.left, self.disjunctions),
            self._bound(updated.right, self.disjunctions),
        )
        if left is updated.left and right is updated.right:
            return updated
        return updated.with_changes(left=left, right=right)

    def edit_Subscript(self, original: cst.Subscript, updated: cst.Subscript) -> cst.BaseExpression:
        """`(await x)[0]`."""
        return updated.with_changes(value=self._bound(updated.value, self.awaits, self.negated))

    def edit_Await(self, original: cst.Await, updated: cst.Await) -> cst.BaseExpression:
        """`await (await x)`."""
        return updated.with_changes(expression=self._bound(updated.expression, self.awaits, self.negated))

    def edit_BinaryOperation(self, original: cst.BinaryOperation, updated: cst.BinaryOperation) -> cst.BaseExpression:
        """`(not x) + 1`."""
        left, right = self._bound(updated.left, self.negated), self._bound(updated.right, self.negated)
        return updated.with_changes(left=left, right=right)

    def edit_Comparison(self, original: cst.Comparison, updated: cst.Comparison) -> cst.BaseExpression:
        """`(not x) == y`."""
        targets = [
            target.with_changes(comparator=self._bound(target.comparator, self.negated))
            for target in updated.comparisons
        ]
        return updated.with_changes(left=self._bound(updated.left, self.negated), comparisons=targets)

    @staticmethod
    def _bound(node: cst.BaseExpression, *loose: list[cst.BaseExpression]) -> cst.BaseExpression:
        """The node, in parentheses if it is one of the new ones that bind less tightly than what is around it."""
        if any(node is other for nodes in loose for other in nodes) and not node.lpar:
            return node.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        return node

    # -- statements

    def edit_SimpleStatementLine(
        self, original: cst.SimpleStatementLine, updated: cst.SimpleStatementLine
    ) -> cst.BaseStatement | cst.FlattenSentinel[cst.BaseStatement]:
        """A statement gets a guard, or is wrapped; others on its line get lines of their own."""
        headers = [self._header(statement) for statement in updated.body]
        if not any(headers):
            return updated
        lines: list[cst.BaseStatement] = []
        for index, (statement, header) in enumerate(zip(updated.body, headers, strict=True)):
            line = cst.SimpleStatementLine([statement.with_changes(semicolon=cst.MaybeSentinel.DEFAULT)])
            if index == 0:
                line = line.with_changes(leading_lines=updated.leading_lines)
            if index == len(headers) - 1:
                line = line.with_changes(trailing_whitespace=updated.trailing_whitespace)
            lines.append(line if header is None else self._compound(header, line))
        return cst.FlattenSentinel(lines)

    def _header(self, statement: cst.BaseSmallStatement) -> str | None:
        """The compound statement into which a small one is to be put, or None."""
        value = statement.value if isinstance(statement, cst.Expr) else None
        for guard in [guard for guard in self.guards if guard[0] is value]:
            self.guards.remove(guard)
            return f"if {guard[1]}:\n    pass\n"
        for wrap in [wrap for wrap in self.wraps if wrap[0] is value]:
            self.wraps.remove(wrap)
            return f"async with {self._quoted(wrap[1].manager)} as {wrap[1].name}:\n    pass\n"
        return None

    def edit_SimpleStatementSuite(
        self, original: cst.SimpleStatementSuite, updated: cst.SimpleStatementSuite
    ) -> cst.BaseSuite:
        """`if x: statement` becomes a block if the statement is to be guarded or wrapped."""
        line = cst.SimpleStatementLine(updated.body, trailing_whitespace=updated.trailing_whitespace)
        edited = self.edit_SimpleStatementLine(line, line)
        return cst.IndentedBlock([*edited]) if isinstance(edited, cst.FlattenSentinel) else updated

    def _compound(self, code: str, line: cst.SimpleStatementLine) -> cst.BaseStatement:
        header = cst.parse_statement(code, self.config)
        assert isinstance(header, cst.If | cst.With) and isinstance(header.body, cst.IndentedBlock)
        body = header.body.with_changes(body=[line.with_changes(leading_lines=[])])
        return header.with_changes(body=body, leading_lines=line.leading_lines)

    def edit_Yield(self, original: cst.Yield, updated: cst.Yield) -> cst.BaseExpression:
        """A lifespan yields one thing more."""
        for intent in self._take(WrapYield, self.numbers.get(original)):
            assert isinstance(intent, WrapYield)
            key = self._quoted(f'"{intent.key}"')
            item = f"{key}: {intent.name}"
            value = updated.value
            if isinstance(value, cst.Dict):
                element = cst.DictElement(cst.SimpleString(key), cst.Name(intent.name))
                new: cst.BaseExpression = value.with_changes(elements=with_element(value, element))
            elif value is None or (isinstance(value, cst.Name) and value.value == "None"):
                new = cst.parse_expression(f"{{{item}}}", self.config)
            else:
                assert isinstance(value, cst.BaseExpression)
                spread = "({} or {{}})" if intent.optional else "{}"
                new = self._filled(f"{{{{**{spread}, {item}}}}}", value)
            changed = updated.with_changes(value=new, whitespace_after_yield=cst.SimpleWhitespace(" "))
            self.wraps.append((changed, intent))
            return changed
        return updated

    # -- functions and the module

    def edit_FunctionDef(self, original: cst.FunctionDef, updated: cst.FunctionDef) -> cst.FunctionDef:
        """A function gets another parameter, or another first statement."""
        number = self.numbers[original]
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
        return updated

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
            parsed = cst.parse_module(self._quoted(intent.code), self.config)
            for position, statement in enumerate(parsed.body):
                comments = [*parsed.header, *statement.leading_lines] if position == 0 else None
                lines = two_blank_lines(comments if comments is not None else statement.leading_lines)
                before.setdefault(index, []).append(statement.with_changes(leading_lines=lines))
        if self.guards or self.wraps:
            self.remaining += [intent for _, intent in self.wraps]
            self.remaining += [GuardStatement(-1, test) for _, test in self.guards]
        body: list[cst.BaseStatement] = []
        for index, statement in enumerate(updated.body):
            new = before.get(index, [])
            apart = statement.with_changes(leading_lines=two_blank_lines(statement.leading_lines))
            body += [*new, apart if new else statement]
        return updated.with_changes(body=body)


_EQUAL = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
