"""The statements of a module that no intent is about: to pass over them saves most of the time of the walk."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

import libcst as cst
from msgspec import Struct, field
from msgspec.structs import fields

from fastmigrate.facts.order import children, kind_of, source_order
from fastmigrate.rewrite.intents import Intent, Template, TestMember

__all__ = ["untouched"]

_Pair = tuple[cst.CSTNode, list[ast.stmt]]


def untouched(module: cst.Module, text: str, intents: Sequence[Intent]) -> Mapping[cst.CSTNode, Mapping[str, int]]:
    """These statements, each with how many nodes of each kind it holds.

    An intent names its place by a kind and an ordinal; any statement that holds that ordinal of any kind is left out,
    or of that name. So is one whose pieces differ in the two trees, and a single line of the module itself.
    """
    outline = _outlined(text)
    if outline is None:
        return {}
    ordinals = {number for intent in intents for number in _numbers(intent)}
    names = {f"name {intent.name}" for intent in intents if isinstance(intent, TestMember | Template)}
    kinds = [kind for kind in outline.kinds if kind in names or not kind.startswith("name ")]
    touched: set[ast.stmt] = set()
    for place in ((kind, ordinal) for kind in kinds for ordinal in ordinals):
        statement = outline.statements.get(place)
        while statement is not None and statement not in touched:
            touched.add(statement)
            statement = outline.parents[statement]
    found: dict[cst.CSTNode, Mapping[str, int]] = {}
    pending = _pairs(module.body, outline.tree.body)
    while pending:
        node, statements = pending.pop()
        if touched.isdisjoint(statements):
            if not isinstance(node, cst.SimpleStatementLine) or outline.parents[statements[0]] is not None:
                found[node] = outline.inside(statements)
        else:
            pending += [pair for block, body in _blocks(node, statements[0]) for pair in _pairs(block, body)]
    return found


def _pairs(body: Sequence[cst.CSTNode], statements: list[ast.stmt]) -> list[_Pair]:
    """The nodes of a block, each with the statements that it is in the other tree; none if they don't fit."""
    found: list[_Pair] = []
    place = 0
    for node in body:
        several = len(node.body) if isinstance(node, cst.SimpleStatementLine) else 1
        found.append((node, statements[place : place + several]))
        place += several
    return found if place == len(statements) else []


def _blocks(node: cst.CSTNode, statement: ast.stmt) -> Iterator[tuple[Sequence[cst.CSTNode], list[ast.stmt]]]:
    """The blocks of a statement, in both trees."""
    bodies: list[tuple[cst.CSTNode | None, list[ast.stmt]]] = []
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.With() | ast.AsyncWith():
            assert isinstance(node, cst.FunctionDef | cst.ClassDef | cst.With)
            bodies = [(node.body, statement.body)]
        case ast.If() | ast.For() | ast.AsyncFor() | ast.While():
            assert isinstance(node, cst.If | cst.For | cst.While)
            bodies = [(node.body, statement.body), (node.orelse, statement.orelse)]
        case ast.Try() | ast.TryStar():
            assert isinstance(node, cst.Try | cst.TryStar)
            handlers: Sequence[cst.ExceptHandler | cst.ExceptStarHandler] = node.handlers
            pairs = zip(handlers, statement.handlers, strict=True)
            bodies = [(node.body, statement.body), *((one.body, other.body) for one, other in pairs)]
            bodies += [(node.orelse, statement.orelse), (node.finalbody, statement.finalbody)]
    for body, statements in bodies:
        block = body.body if isinstance(body, cst.Else | cst.Finally) else body
        if isinstance(block, cst.IndentedBlock):
            yield block.body, statements
        elif isinstance(block, cst.If):
            yield [block], statements


class _Outline(Struct):
    """Of a tree: the statement in which each counted node stands innermost, by kind and ordinal, and what is around."""

    tree: ast.Module
    statements: dict[tuple[str, int], ast.stmt] = field(default_factory=dict)
    parents: dict[ast.stmt, ast.stmt | None] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)

    def inside(self, statements: Sequence[ast.stmt]) -> Mapping[str, int]:
        """How many nodes of each kind some statements hold."""
        return Counter(kind for one in statements for node in source_order(one) if (kind := kind_of(node)) is not None)


@lru_cache(maxsize=4)
def _outlined(text: str) -> _Outline | None:
    try:
        outline = _Outline(ast.parse(text))
    except SyntaxError:  # of another version of Python
        return None
    around: dict[ast.AST, ast.stmt | None] = {}
    for node in source_order(outline.tree):
        own = around.get(node)
        if isinstance(node, ast.stmt):
            outline.parents[node] = own
            own = node
        for child in children(node):
            around[child] = own
        kind = kind_of(node)
        if kind is not None and own is not None:
            outline.statements[kind, outline.kinds[kind]] = own
            outline.kinds[kind] += 1
    return outline


def _numbers(value: object) -> Iterator[int]:
    """All numbers in an intent."""
    if isinstance(value, int):
        yield int(value)
    elif isinstance(value, tuple):
        for part in value:
            yield from _numbers(part)
    elif isinstance(value, Struct):
        for one in fields(value):
            yield from _numbers(getattr(value, one.name))
