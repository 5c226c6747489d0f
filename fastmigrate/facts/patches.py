"""How a test uses what `patch("…requests.get")` puts in the place of a function of requests."""

from __future__ import annotations

import ast

from msgspec import Struct

from fastmigrate.facts.nodes import names_in, read_place
from fastmigrate.facts.order import number_nodes, walk
from fastmigrate.facts.terms import Term, read_term
from fastmigrate.facts.values import Place

__all__ = ["Patch", "read_member_assignments", "read_patches"]

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SETTINGS = frozenset({"return_value", "side_effect"})
_LOOKED_AT = frozenset(
    [
        *("call_args", "call_args_list", "mock_calls", "method_calls", "await_args", "spec"),
        *("assert_called_with", "assert_called_once_with", "assert_any_call", "assert_has_calls"),
    ]
)
"""What tells with which arguments a mock was called."""


class Patch(Struct, frozen=True):
    """A call of `patch`, by its ordinal.

    `is_plain` says that it is given its target, and at most what the mock returns or raises; `has_result` that the test
    says itself what the mock returns, and does not only change what it would return anyway. `members` are the
    attributes, keywords and keys that the file names, `is_looked_at` says that the test looks at the mock's arguments,
    and `names` are the names that the test uses.
    """

    number: int
    is_plain: bool
    has_result: bool
    is_looked_at: bool
    names: frozenset[str]
    members: frozenset[str]


def read_patches(tree: ast.Module, calls: set[int]) -> list[Patch]:
    """The calls of `patch` with these ordinals."""
    numbers = number_nodes(tree)
    attributes = {node.attr for node in walk(tree) if isinstance(node, ast.Attribute)}
    keywords = {node.arg for node in walk(tree) if isinstance(node, ast.keyword) and node.arg is not None}
    stored = {node.id for node in walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    defined = {node.name for node in walk(tree) if isinstance(node, _DEFINITIONS)}
    members = frozenset(attributes | keywords | stored | defined)
    found: list[Patch] = []
    for top in tree.body:
        for test in [top, *(top.body if isinstance(top, ast.ClassDef) else ())]:
            for node in walk(test) if isinstance(test, _DEFINITIONS) else ():
                if isinstance(node, ast.Call) and numbers[node] in calls:
                    found.append(_read(node, numbers[node], test, members))
    return found


def _read(call: ast.Call, number: int, test: ast.AST, members: frozenset[str]) -> Patch:
    given = {keyword.arg for keyword in call.keywords}
    inside = list(walk(test))
    assigned = {
        target.attr
        for node in inside
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name)
    }
    return Patch(
        number,
        len(call.args) == 1 and isinstance(call.args[0], ast.Constant) and given <= _SETTINGS,
        bool((given | assigned) & _SETTINGS),
        any(isinstance(node, ast.Attribute) and node.attr in _LOOKED_AT for node in inside),
        frozenset(names_in(inside)),
        members,
    )


def read_member_assignments(tree: ast.Module) -> list[tuple[Term, str, Place]]:
    """What gets members by plain assignments, `requests.get = fake`: the owner, the name, and where that stands."""
    numbers = number_nodes(tree)
    return [
        (read_term(target.value, numbers.__getitem__), target.attr, read_place(target))
        for node in walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Attribute)
    ]
