"""What a template says in general, said as one would write it for the expression at hand."""

from __future__ import annotations

import libcst as cst
import libcst.matchers as m

from fastmigrate.rewrite.layout import with_element

__all__ = ["written_out"]


def written_out(node: cst.BaseExpression) -> cst.BaseExpression:
    """The same, without a detour: `{a: b}` for `dict([(a, b)])`, `"ab" + c` for `"a" + "b" + c`."""
    match node:
        case cst.Call(func=cst.Name("dict"), args=[cst.Arg(value=cst.List() | cst.Tuple() as pairs)]):
            return _dict_of(pairs) or node
        case cst.Dict(elements=[cst.StarredDictElement(value=cst.Dict() as inner), *others]):
            for element in others:
                inner = inner.with_changes(elements=with_element(inner, cst.ensure_type(element, cst.DictElement)))
            return inner
        case cst.DictComp(for_in=cst.CompFor(iter=cst.List() | cst.Tuple() as pairs)):
            items = _dict_of(pairs)
            call = None if items is None else cst.Call(cst.Attribute(items, cst.Name("items")))
            return node if call is None else node.with_changes(for_in=node.for_in.with_changes(iter=call))
        case cst.DictComp(for_in=cst.CompFor(iter=cst.Call(func=cst.Attribute(value=cst.DictComp() as inner)))):
            return _filtered(inner, node) or node
        case cst.BinaryOperation(left=cst.BinaryOperation(left=start, right=cst.SimpleString() as end)):
            return node.with_changes(left=_longer(start, str(end.evaluated_value)) or node.left)
    return node


def _longer(text: cst.BaseExpression, end: str) -> cst.BaseExpression | None:
    """A text with more at its end, where that is a literal."""
    match text:
        case cst.FormattedString(parts=parts):
            return text.with_changes(parts=[*parts, cst.FormattedStringText(end)])
        case cst.SimpleString(value=value, quote=quote):
            return text.with_changes(value=f"{value.removesuffix(quote)}{end}{quote}")
        case cst.BinaryOperation(operator=cst.Add(), right=right) if (longer := _longer(right, end)) is not None:
            return text.with_changes(right=longer, lpar=[], rpar=[])
    return None


def _dict_of(pairs: cst.List | cst.Tuple) -> cst.Dict | None:
    """The dict that a literal of pairs stands for."""
    elements: list[cst.DictElement] = []
    for pair in pairs.elements:
        if not isinstance(pair.value, cst.Tuple) or len(pair.value.elements) != 2 or m.findall(pair.value, m.Comment()):
            return None
        key, value = (element.value for element in pair.value.elements)
        elements.append(cst.DictElement(key, value, comma=pair.comma))
    if not isinstance(pairs, cst.List):
        return cst.Dict(elements)
    return cst.Dict(
        elements,
        lbrace=cst.LeftCurlyBrace(whitespace_after=pairs.lbracket.whitespace_after),
        rbrace=cst.RightCurlyBrace(whitespace_before=pairs.rbracket.whitespace_before),
    )


def _filtered(inner: cst.DictComp, outer: cst.DictComp) -> cst.DictComp | None:
    """`{k: v for k, v in {a: b for … if c}.items() if d}` is `{a: b for … if c and d}`, if d is about `k` alone."""
    keeps = m.matches(outer, m.DictComp(key=m.Name("k"), value=m.Name("v"), for_in=m.CompFor(ifs=[m.CompIf()])))
    if not keeps or not isinstance(inner.key, cst.Name) or inner.for_in.inner_for_in is not None:
        return None
    condition = outer.for_in.ifs[0].test
    if m.findall(condition, m.Name("v")):
        return None
    condition = cst.ensure_type(condition.visit(_Renamer(inner.key)), cst.Comparison)
    clauses = inner.for_in.ifs
    if not clauses:
        clause = cst.CompIf(condition)
    else:
        test = clauses[-1].test
        if m.matches(test, m.BooleanOperation(operator=m.Or()) | m.IfExp()):
            test = test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        clause = clauses[-1].with_changes(test=cst.BooleanOperation(test, cst.And(), condition))
    return inner.with_changes(for_in=inner.for_in.with_changes(ifs=[*clauses[:-1], clause]))


class _Renamer(cst.CSTTransformer):
    """Puts another name in the place of `k`."""

    def __init__(self, name: cst.Name) -> None:
        super().__init__()
        self.name = name

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.Name:
        """One name."""
        return self.name if updated_node.value == "k" else updated_node
