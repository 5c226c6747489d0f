"""How new code is laid out: like what stands beside it."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

__all__ = [
    "an_argument_a_line",
    "clause_a_line",
    "dedented",
    "element_a_line",
    "inserted",
    "is_docstring",
    "two_blank_lines",
    "with_element",
    "with_first_elements",
    "with_function_passed",
    "with_keyword",
    "with_positional",
]

_SHORT = 70  # characters of a comprehension that may stand on one line
_LONG = 88  # characters of a call that may stand on one line
_EQUAL = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))


def is_docstring(statement: cst.BaseStatement) -> bool:
    """Whether a statement is a string, and so a docstring if it comes first."""
    if not isinstance(statement, cst.SimpleStatementLine):
        return False
    first = statement.body[0]
    return isinstance(first, cst.Expr) and isinstance(first.value, cst.SimpleString | cst.ConcatenatedString)


def with_positional(call: cst.Call, args: Sequence[cst.Arg], after: int, new: cst.Arg) -> list[cst.Arg]:
    """The arguments of a call with a new one behind the first ones, on a line of its own if the others are."""
    between = call.whitespace_before_args
    comma: cst.Comma | cst.MaybeSentinel = cst.MaybeSentinel.DEFAULT
    if call.args and isinstance(between, cst.ParenthesizedWhitespace):
        comma = cst.Comma(whitespace_after=between)
    before, behind = list(args[:after]), list(args[after:])
    if before and not behind:  # it takes over what ends the last one
        new = new.with_changes(comma=before[-1].comma)
        before[-1] = before[-1].with_changes(comma=comma)
        return [*before, new]
    return [*before, new.with_changes(comma=comma), *behind]


def with_keyword(call: cst.Call, args: Sequence[cst.Arg], keyword: str, value: cst.BaseExpression) -> list[cst.Arg]:
    """The arguments of a call with another keyword argument at their end."""
    new = cst.Arg(value, keyword=cst.Name(keyword), equal=_EQUAL)
    if not args:
        return [new]
    last = args[-1]
    between: cst.Comma | cst.MaybeSentinel = cst.MaybeSentinel.DEFAULT
    ending = last.comma
    if len(args) > 1:
        between = _with_comment_of(_without_comments(args[-2].comma), last.comma)
        ending = _without_comments(last.comma)
    elif isinstance(call.whitespace_before_args, cst.ParenthesizedWhitespace):  # one argument a line
        between = cst.Comma(whitespace_after=call.whitespace_before_args)
    return [
        *args[:-1],
        last.with_changes(comma=between, whitespace_after_arg=cst.SimpleWhitespace("")),
        new.with_changes(comma=ending, whitespace_after_arg=last.whitespace_after_arg),
    ]


def _without_comments(comma: cst.Comma | cst.MaybeSentinel) -> cst.Comma | cst.MaybeSentinel:
    """The same way to the next line, or within one."""
    if not isinstance(comma, cst.Comma) or not isinstance(comma.whitespace_after, cst.ParenthesizedWhitespace):
        return comma
    after = comma.whitespace_after.with_changes(
        first_line=cst.TrailingWhitespace(newline=comma.whitespace_after.first_line.newline), empty_lines=[]
    )
    return comma.with_changes(whitespace_after=after)


def _with_comment_of(
    comma: cst.Comma | cst.MaybeSentinel, other: cst.Comma | cst.MaybeSentinel
) -> cst.Comma | cst.MaybeSentinel:
    """A comma with what stands behind another one in its line, and below that."""
    if (
        isinstance(comma, cst.Comma)
        and isinstance(other, cst.Comma)
        and isinstance(comma.whitespace_after, cst.ParenthesizedWhitespace)
        and isinstance(other.whitespace_after, cst.ParenthesizedWhitespace)
    ):
        said = other.whitespace_after
        after = comma.whitespace_after.with_changes(first_line=said.first_line, empty_lines=said.empty_lines)
        return comma.with_changes(whitespace_after=after)
    return comma


def an_argument_a_line(call: cst.Call, edited: cst.Call, unit: str) -> cst.Call:
    """The edited form of a call that stands on one line, with each argument on a line if it has become too long."""
    before, after = (cst.Module([]).code_for_node(node) for node in (call, edited))
    if "\n" in before or ("\n" not in after and len(after) <= _LONG):
        return edited
    line = _new_line(unit)
    deeper = [arg.visit(_Deeper(unit)) for arg in edited.args]
    args = [arg.with_changes(comma=cst.Comma(whitespace_after=line)) for arg in deeper if isinstance(arg, cst.Arg)]
    args[-1] = args[-1].with_changes(comma=cst.Comma(whitespace_after=_new_line("")))
    return edited.with_changes(whitespace_before_args=line, args=args)


def with_function_passed(args: Sequence[cst.Arg], index: int) -> list[cst.Arg]:
    """The arguments with a call among them replaced by what it calls, and by its own arguments after that."""
    given = args[index]
    assert isinstance(given.value, cst.Call)
    function = given.with_changes(value=given.value.func)
    if not given.value.args:
        return [*args[:index], function, *args[index + 1 :]]
    between = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    function = function.with_changes(keyword=None, equal=cst.MaybeSentinel.DEFAULT, comma=between)
    *others, last = given.value.args
    last = last.with_changes(comma=given.comma, whitespace_after_arg=given.whitespace_after_arg)
    if isinstance(last.value, cst.GeneratorExp) and not last.value.lpar:
        bare = last.value.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        last = last.with_changes(value=bare)
    return [*args[:index], function, *others, last, *args[index + 1 :]]


def clause_a_line(comprehension: cst.DictComp, base: str, unit: str) -> cst.DictComp:
    """A comprehension with a clause on each line, if it is long or runs over the items of a dict of several lines.

    `base` is the indentation of the line on which it begins, beyond that of its block; `unit` is one step.
    """
    over = comprehension.for_in.iter
    over = over.func.value if isinstance(over, cst.Call) and isinstance(over.func, cst.Attribute) else over
    before_brace = over.rbrace.whitespace_before if isinstance(over, cst.Dict) else None
    if isinstance(before_brace, cst.ParenthesizedWhitespace):
        base = before_brace.last_line.value
    elif len(cst.Module([]).code_for_node(comprehension)) <= _SHORT:
        return comprehension
    deeper = comprehension.visit(_Deeper(unit))
    assert isinstance(deeper, cst.DictComp)
    line = _new_line(base + unit)
    clause = deeper.for_in.with_changes(whitespace_before=line)
    clause = clause.with_changes(ifs=[condition.with_changes(whitespace_before=line) for condition in clause.ifs])
    return deeper.with_changes(
        lbrace=cst.LeftCurlyBrace(whitespace_after=line),
        for_in=clause,
        rbrace=cst.RightCurlyBrace(whitespace_before=_new_line(base)),
    )


class _Deeper(cst.CSTTransformer):
    """Indents the lines within brackets by one step more."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self.unit = unit

    def leave_ParenthesizedWhitespace(
        self, original_node: cst.ParenthesizedWhitespace, updated_node: cst.ParenthesizedWhitespace
    ) -> cst.ParenthesizedWhitespace:
        """The line after a line break."""
        if not updated_node.indent:
            return updated_node
        return updated_node.with_changes(last_line=cst.SimpleWhitespace(updated_node.last_line.value + self.unit))

    def leave_EmptyLine(self, original_node: cst.EmptyLine, updated_node: cst.EmptyLine) -> cst.EmptyLine:
        """A comment on a line of its own."""
        if updated_node.comment is None or not updated_node.indent:
            return updated_node
        return updated_node.with_changes(whitespace=cst.SimpleWhitespace(updated_node.whitespace.value + self.unit))


def dedented(node: cst.BaseExpression, indent: str) -> cst.BaseExpression:
    """An expression of several lines without this indentation on each of them."""
    shallower = node.visit(_Shallower(indent)) if indent else node
    assert isinstance(shallower, cst.BaseExpression)
    return shallower


class _Shallower(cst.CSTTransformer):
    """Takes an indentation off the lines within brackets."""

    def __init__(self, indent: str) -> None:
        super().__init__()
        self.indent = indent

    def leave_ParenthesizedWhitespace(
        self, original_node: cst.ParenthesizedWhitespace, updated_node: cst.ParenthesizedWhitespace
    ) -> cst.ParenthesizedWhitespace:
        """The line after a line break."""
        line = updated_node.last_line.value.removeprefix(self.indent)
        return updated_node.with_changes(last_line=cst.SimpleWhitespace(line))

    def leave_EmptyLine(self, original_node: cst.EmptyLine, updated_node: cst.EmptyLine) -> cst.EmptyLine:
        """A comment on a line of its own."""
        line = updated_node.whitespace.value.removeprefix(self.indent)
        return updated_node.with_changes(whitespace=cst.SimpleWhitespace(line))


def _new_line(indent: str) -> cst.ParenthesizedWhitespace:
    return cst.ParenthesizedWhitespace(indent=True, last_line=cst.SimpleWhitespace(indent))


def inserted(params: Sequence[cst.Param], index: int, new: cst.Param) -> list[cst.Param]:
    """The parameters with another one, laid out as they are."""
    if not params:
        return [new]
    if index < len(params):
        follows = params[index - 1].comma if index else params[0].comma
        comma = follows if isinstance(follows, cst.Comma) and len(params) > 1 else cst.MaybeSentinel.DEFAULT
        return [*params[:index], new.with_changes(comma=comma), *params[index:]]
    last = params[-1]
    return [
        *params[:-1],
        last.with_changes(comma=cst.MaybeSentinel.DEFAULT),
        new.with_changes(comma=last.comma),
    ]


def with_element(display: cst.Dict, new: cst.DictElement) -> list[cst.BaseDictElement]:
    """The elements of a dict with another one, laid out as they are."""
    if not display.elements:
        return [new]
    *others, last = display.elements
    inner = display.lbrace.whitespace_after
    if others:
        between = others[-1].comma
    elif isinstance(inner, cst.ParenthesizedWhitespace):  # one element a line
        between = cst.Comma(whitespace_after=inner)
    else:
        between = cst.MaybeSentinel.DEFAULT
    return [*others, last.with_changes(comma=between), new.with_changes(comma=last.comma)]


def with_first_elements(display: cst.Dict, first: Sequence[cst.BaseDictElement]) -> cst.Dict:
    """A dict with other elements before its own, laid out as these are."""
    if not display.elements:
        return display.with_changes(elements=first)
    inner = display.lbrace.whitespace_after
    between = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    if isinstance(inner, cst.ParenthesizedWhitespace):  # one element a line
        between = cst.Comma(whitespace_after=inner)
    return display.with_changes(elements=[*(e.with_changes(comma=between) for e in first), *display.elements])


def element_a_line(display: cst.Dict, unit: str) -> cst.Dict:
    """A dict with an element on each line, if it is long; `unit` is one step of indentation."""
    code = cst.Module([]).code_for_node(display)
    if len(code) <= _SHORT or "\n" in code:
        return display
    *others, last = display.elements
    deeper, comma = _new_line(unit), cst.Comma()
    elements = [element.with_changes(comma=cst.Comma(whitespace_after=deeper)) for element in others]
    return display.with_changes(
        lbrace=cst.LeftCurlyBrace(whitespace_after=deeper),
        elements=[*elements, last.with_changes(comma=comma)],
        rbrace=cst.RightCurlyBrace(whitespace_before=_new_line("")),
    )


def two_blank_lines(lines: Sequence[cst.EmptyLine]) -> list[cst.EmptyLine]:
    """The comments above a statement, below two blank lines."""
    kept = list(lines)
    while kept and kept[0].comment is None:
        kept.pop(0)
    blank = cst.EmptyLine(indent=False)
    return [blank, blank, *kept]
