"""Helpers that know LibCST's nodes: templates, names that are no expressions, comments, quotes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import libcst as cst

from fastmigrate.rewrite.layout import with_first_elements

__all__ = [
    "CommentInTheWayError",
    "Filler",
    "member_of",
    "names_that_are_no_expressions",
    "prefers_single_quotes",
    "refuse_comments",
]


class CommentInTheWayError(Exception):
    """A comment stands in code that would go."""


def refuse_comments(node: cst.CSTNode) -> None:
    """CommentInTheWayError if there is a comment in the node."""
    if any(isinstance(child, cst.Comment) for child in _descendants(node)):
        raise CommentInTheWayError("a comment stands beside code that would go")


def _descendants(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    for child in node.children:
        yield child
        yield from _descendants(child)


class Filler(cst.CSTTransformer):
    """Puts expressions in the places of a template, in parentheses where they are needed."""

    def __init__(self, values: dict[str, cst.BaseExpression]) -> None:
        super().__init__()
        self.values = values
        self.arguments: set[cst.CSTNode] = set()

    def visit_Arg(self, node: cst.Arg) -> None:
        """An argument needs no parentheses."""
        self.arguments.add(node.value)

    def leave_Dict(self, original_node: cst.Dict, updated_node: cst.Dict) -> cst.Dict:
        """`{**a, **{"b": c}}` is `{**a, "b": c}`."""
        first, last = updated_node.elements[:-1], updated_node.elements[-1:]
        if not first or not isinstance(last[0], cst.StarredDictElement) or not isinstance(last[0].value, cst.Dict):
            return updated_node
        return with_first_elements(last[0].value, first)

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.BaseExpression:
        """A placeholder becomes what it stands for."""
        value = self.values.get(original_node.value)
        if value is None:
            return updated_node
        if original_node in self.arguments or isinstance(value, _ATOMS) or value.lpar:
            return value
        return value.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


_ATOMS = (
    cst.Name,
    cst.Attribute,
    cst.Call,
    cst.Subscript,
    cst.Dict,
    cst.DictComp,
    cst.FormattedString,
    cst.List,
    cst.ListComp,
    cst.Set,
    cst.SimpleString,
)


@lru_cache(maxsize=4)
def prefers_single_quotes(code: str) -> bool:
    """Whether most strings of one line stand in single quotes."""
    single = len(re.findall(r"(?<![\w'\"])'[^'\"\n]*'(?!')", code))
    return single > len(re.findall(r'(?<![\w\'"])"[^\'"\n]*"(?!")', code))


def member_of(of: cst.Name, name: str) -> cst.Attribute:
    """`of.name`."""
    return cst.Attribute(of.with_changes(lpar=[], rpar=[]), cst.Name(name))


_NAMING = frozenset(
    [
        *(cst.Attribute, cst.NameItem, cst.Arg, cst.Param, cst.FunctionDef, cst.ClassDef, cst.ExceptHandler),
        *(cst.ExceptStarHandler, cst.MatchAs, cst.MatchStar, cst.MatchMapping, cst.MatchKeywordElement),
        *(cst.TypeVar, cst.TypeVarTuple, cst.ParamSpec),
    ]
)
"""The nodes that have such names."""


def names_that_are_no_expressions(node: cst.CSTNode) -> list[cst.CSTNode]:
    """Names in a node that stand for a definition, a keyword or an attribute; `ast` has no node for them."""
    if type(node) not in _NAMING:  # most nodes are of no such kind, and to match them takes long
        return []
    match node:
        case cst.Attribute(attr=name) | cst.NameItem(name=name):
            return [name]
        case cst.Arg(keyword=cst.Name() as name) | cst.Param(name=cst.Name() as name):
            return [name]
        case cst.FunctionDef(name=name) | cst.ClassDef(name=name):
            return [name]
        case cst.ExceptHandler(name=cst.AsName(name=name)) | cst.ExceptStarHandler(name=cst.AsName(name=name)):
            return [name]
        case cst.MatchAs(name=cst.Name() as name) | cst.MatchStar(name=cst.Name() as name):
            return [name]
        case cst.MatchMapping(rest=cst.Name() as name) | cst.MatchKeywordElement(key=name):
            return [name]
        case cst.TypeVar(name=name) | cst.TypeVarTuple(name=name) | cst.ParamSpec(name=name):
            return [name]
    return []
