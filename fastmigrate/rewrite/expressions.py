"""The edits of expressions: calls, members, names, and the parentheses that new code needs among its neighbours."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

import libcst as cst

from fastmigrate.rewrite.counting import NONE, CountingEditor
from fastmigrate.rewrite.intents import (
    AsList,
    CloseAfterRest,
    Collect,
    EditCall,
    GuardStatement,
    Intent,
    PassFunction,
    RenameMember,
    ReplaceStatement,
    Template,
    TestMember,
    WithoutThread,
    WrapRest,
)
from fastmigrate.rewrite.layout import an_argument_a_line, with_function_passed, with_keyword, with_positional
from fastmigrate.rewrite.nodes import Filler, member_of, refuse_comments
from fastmigrate.rewrite.replacing import Replacer

__all__ = ["ASYNC", "ExpressionEditor"]

ASYNC = cst.Asynchronous(whitespace_after=cst.SimpleWhitespace(" "))
_TIGHT = (cst.Call, cst.Attribute, cst.Subscript, cst.Name, cst.Dict, cst.List, cst.Tuple, cst.ListComp, cst.DictComp)
_EQUAL = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))


class ExpressionEditor(CountingEditor):
    """Edits expressions. What binds less tightly than before is kept in mind, for those who hold it."""

    def __init__(
        self,
        module: cst.Module,
        text: str,
        intents: Iterable[Intent],
        untouched: Mapping[cst.CSTNode, Mapping[str, int]] = NONE,
    ) -> None:
        super().__init__(module, text, intents, untouched)
        self.awaits: list[cst.BaseExpression] = []
        self.unwrapped: list[cst.BaseExpression] = []
        self.wrapped: list[cst.BaseExpression] = []
        self.negated: list[cst.BaseExpression] = []
        self.conjunctions: list[cst.BaseExpression] = []
        self.disjunctions: list[cst.BaseExpression] = []
        self.guards: list[tuple[cst.BaseExpression, GuardStatement]] = []
        self.rests: list[tuple[cst.BaseExpression, bool]] = []
        self.replacer = Replacer(self.config)
        self.closings: dict[cst.CSTNode, str] = {}  # statements, and what is to close what they open

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
        for collecting in self._take(Collect, number):
            result = self._collected(updated)
            assert isinstance(collecting, Collect)
        for thread in self._take(WithoutThread, number):
            assert isinstance(thread, WithoutThread)
            result = self._without_thread(updated, thread.index)
        of = updated.func.value if isinstance(updated.func, cst.Attribute) else updated.func
        result = self._templated("call", original, result, of)
        for guard in self._take(GuardStatement, number, "call"):
            assert isinstance(guard, GuardStatement)
            self.guards.append((result, guard))
        for closing in self._take(CloseAfterRest, number, "call"):
            assert isinstance(closing, CloseAfterRest)
            block = next(s for s in reversed(self.statements) if isinstance(s, cst.Try))
            self.closings[block] = closing.code
        for rest in self._take(WrapRest, number, "call"):
            assert isinstance(rest, WrapRest)
            self.rests.append((result, rest.is_async))
        self._mark("call", number, result)
        return result

    def _without_thread(self, call: cst.Call, index: int) -> cst.BaseExpression:
        """What a thread would have done: the body of a lambda, which nothing awaits any more, or a call."""
        given = call.args[index].value
        kept = [arg.with_changes(value=cst.Name("_")) if at == index else arg for at, arg in enumerate(call.args)]
        refuse_comments(call.with_changes(args=kept))
        if not isinstance(given, cst.Lambda):
            return given
        body = given.body
        if not body.lpar and not _is_expression(cst.Module([]).code_for_node(body)):  # it goes on in the next line
            body = body.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        self.unwrapped.append(body)
        return body

    def edit_GeneratorExp(self, original: cst.GeneratorExp, updated: cst.GeneratorExp) -> cst.BaseExpression:
        """A generator becomes a list."""
        if not self._take(AsList, self.numbers.get(original.for_in)):
            return updated
        return cst.ListComp(updated.elt, updated.for_in)

    def _collected(self, call: cst.Call) -> cst.BaseExpression:
        """`[item async for item in generator]`."""
        code = (
            "{item async for item in __over__}"
            if cst.Module([]).code_for_node(call.func) == "set"
            else ("[item async for item in __over__]")
        )
        new = cst.parse_expression(code, self.config).visit(Filler({"__over__": call.args[0].value}))
        assert isinstance(new, cst.BaseExpression)
        return new

    def _mark(self, kind: str, number: int | None, node: cst.CSTNode) -> None:
        """Remember the node if its statement is to be replaced."""
        for intent in [i for i in self.remaining if isinstance(i, ReplaceStatement)]:
            if (intent.kind, intent.number) == (kind, number):
                self.remaining.remove(intent)
                self.replacer.mark(node, intent)

    def _edited_call(self, call: cst.Call, intent: EditCall) -> cst.BaseExpression:
        edits = {edit.index: edit for edit in intent.arguments}
        args: list[cst.Arg] = []
        given = {f"argument_{index}": arg.value for index, arg in enumerate(call.args)}
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
                display = self.templates.with_elements(arg.value, dict(edit.elements))
                value = self.templates.filled(edit.value, display, base, given, one_line=self.in_string > 0)
                equal = arg.equal if arg.keyword is not None or keyword is None else _EQUAL
                args.append(arg.with_changes(keyword=keyword, value=value, equal=equal))
        dropped_last = bool(edits) and len(call.args) - 1 in edits and edits[len(call.args) - 1].drop
        if dropped_last and args:
            args[-1] = args[-1].with_changes(comma=call.args[-1].comma)
        for new in intent.added:
            value = cst.parse_expression(self.templates.quoted(new.value), self.config)
            if new.keyword is None:
                args = with_positional(call, args, new.after, cst.Arg(value))
            else:
                args = with_keyword(call, args, new.keyword, value)
        changes: dict[str, object] = {"args": args}
        if intent.callee is not None:
            refuse_comments(call.func)
            changes["func"] = cst.parse_expression(intent.callee, self.config)
        if intent.renamed is not None:
            name = cst.Name(intent.renamed)
            changes["func"] = call.func.with_changes(attr=name) if isinstance(call.func, cst.Attribute) else name
        plain = call.with_changes(**changes)
        if any(new.keyword is not None for new in intent.added) and not self.in_string:
            plain = an_argument_a_line(call, plain, self.unit)
        if not intent.awaited:
            return plain
        awaited = cst.Await(plain.with_changes(lpar=[], rpar=[]), lpar=call.lpar, rpar=call.rpar)
        self.awaits.append(awaited)
        return awaited

    def _templated(
        self, kind: str, original: cst.CSTNode, whole: cst.BaseExpression, of: cst.BaseExpression
    ) -> cst.BaseExpression:
        """The expression as a template for it says, if there is one."""
        for intent in [i for i in self.remaining if isinstance(i, Template) and i.kind == kind]:
            named = not intent.name or (isinstance(original, cst.Name) and original.value == intent.name)
            if intent.number != self.numbers.get(original) or not named:
                continue
            self.remaining.remove(intent)
            names = {"whole": "__fastmigrate_whole__", "of": "__fastmigrate_of__"}
            text = self.templates.quoted(intent.code).replace("{}", names["whole"]).replace("{of}", names["of"])
            plain = whole.with_changes(lpar=[], rpar=[])
            filler = Filler({names["whole"]: plain if intent.code == "{}" else whole, names["of"]: of})
            new = cst.parse_expression(text, self.config).visit(filler)
            assert isinstance(new, cst.BaseExpression)
            new = new.with_changes(lpar=whole.lpar, rpar=whole.rpar) if whole.lpar else new
            self._note_looseness(new)
            return new
        return whole

    def _note_looseness(self, new: cst.BaseExpression) -> None:
        match new:
            case cst.Await():
                self.awaits.append(new)
            case cst.UnaryOperation() | cst.Comparison():
                self.negated.append(new)
            case cst.BooleanOperation():
                self.negated.append(new)
                self.disjunctions.append(new)

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
        return self._templated("name", original, updated, updated)

    def edit_Attribute(self, original: cst.Attribute, updated: cst.Attribute) -> cst.BaseExpression:
        """A member gets another name."""
        updated = updated.with_changes(value=self._bound(updated.value, self.awaits, self.negated))
        self._mark("attribute", self.numbers.get(original), updated)
        for intent in self._take(RenameMember, self.numbers.get(original)):
            assert isinstance(intent, RenameMember)
            renamed = updated.with_changes(attr=cst.Name(intent.name))
            if not intent.negated:
                return renamed
            plain = renamed.with_changes(lpar=[], rpar=[])
            negation = cst.UnaryOperation(cst.Not(), plain, lpar=original.lpar, rpar=original.rpar)
            self.negated.append(negation)
            return negation
        return self._templated("attribute", original, updated, updated.value)

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
        """`await (await x)`; what a lambda did that went to a thread is awaited within it."""
        if any(updated.expression is body for body in self.unwrapped):
            body = updated.expression
            if isinstance(body, cst.Await) and not body.lpar:
                body = body.with_changes(lpar=updated.lpar, rpar=updated.rpar)
                self.awaits.append(body)
            elif not isinstance(body, _TIGHT) and not body.lpar:
                body = body.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
                self.wrapped.append(body)
            return body
        return updated.with_changes(expression=self._bound(updated.expression, self.awaits, self.negated))

    def edit_Return(self, original: cst.Return, updated: cst.Return) -> cst.Return:
        """New parentheses go where nothing else stands in the statement."""
        return updated.with_changes(value=self._alone(updated.value))

    def edit_Assign(self, original: cst.Assign, updated: cst.Assign) -> cst.Assign:
        """The same."""
        return updated.with_changes(value=self._alone(updated.value))

    def _alone(self, value: cst.BaseExpression | None) -> cst.BaseExpression | None:
        is_new = any(value is other for other in self.wrapped)
        return value.with_changes(lpar=[], rpar=[]) if value is not None and is_new else value

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


def _is_expression(code: str) -> bool:
    """Whether code is an expression by itself, without brackets around it."""
    try:
        ast.parse(code, mode="eval")
    except SyntaxError:
        return False
    return True
