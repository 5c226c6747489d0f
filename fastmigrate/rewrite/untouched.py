"""The statements of a module that no intent is about: to pass over them saves most of the time of the walk."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import lru_cache

import libcst as cst

from fastmigrate.facts.order import kind_of, source_order
from fastmigrate.rewrite.intents import Intent, Template, TestMember

__all__ = ["untouched"]


def untouched(module: cst.Module, text: str, intents: Sequence[Intent]) -> Mapping[int, Mapping[str, int]]:
    """The indexes of these statements, each with how many nodes of each kind it holds.

    An intent names its place by a kind and an ordinal; any statement that holds that ordinal of any kind is left out,
    or of that name.
    """
    ordinals = {number for intent in intents for number in _numbers(intent)}
    names = {f"name {intent.name}" for intent in intents if isinstance(intent, TestMember | Template)}
    counted = _counted(text)
    found: dict[int, Mapping[str, int]] = {}
    before: Counter[str] = Counter()
    place = 0
    for index, statement in enumerate(module.body):
        several = len(statement.body) if isinstance(statement, cst.SimpleStatementLine) else 1
        if place + several > len(counted):
            return {}
        inside: Counter[str] = Counter()
        for counts in counted[place : place + several]:
            inside.update(counts)
        place += several
        looked_at = [kind for kind in inside if kind in names or not kind.startswith("name ")]
        touched = any(before[kind] <= o < before[kind] + inside[kind] for kind in looked_at for o in ordinals)
        if not touched and not isinstance(statement, cst.SimpleStatementLine):
            found[index] = inside
        before.update(inside)
    return found if place == len(counted) else {}


def _numbers(value: object) -> Iterator[int]:
    """All numbers in an intent."""
    if isinstance(value, int):
        yield int(value)
    elif isinstance(value, tuple):
        for part in value:
            yield from _numbers(part)
    elif is_dataclass(value):
        for one in fields(value):
            yield from _numbers(getattr(value, one.name))


@lru_cache(maxsize=4)
def _counted(text: str) -> list[Counter[str]]:
    """How many nodes of each kind the statements of a module hold."""
    try:
        tree = ast.parse(text)
    except SyntaxError:  # of another version of Python
        return []
    return [Counter(kind for node in source_order(one) if (kind := kind_of(node)) is not None) for one in tree.body]
