"""Sessions that objects hold: how a method makes one, and all that is done with attributes of its name."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from fastmigrate.facts.evidence import Evidence
from fastmigrate.facts.flow import Function
from fastmigrate.facts.nodes import by_function
from fastmigrate.facts.order import children, number_nodes, walk
from fastmigrate.facts.sessions import (
    NESTED,
    SessionUse,
    UseReader,
    leading_statements,
    names_of_annotation,
    statements_after,
)
from fastmigrate.facts.terms import Term, read_term
from fastmigrate.facts.view import FunctionView

__all__ = ["HeldSession", "MemberUse", "read_held_session", "read_member_uses"]


class HeldSession(Struct, frozen=True):
    """A session that a method makes for its object: `self.<name> = requests.Session()`."""

    number: int
    name: str
    line: int
    annotated: tuple[Term, ...]  # the names in its annotation


class MemberUse(Struct, frozen=True):
    """A use of an attribute: the ordinal of the function in which it stands (-1 for none), and whose attribute it is.

    `code` is how the attribute is written there.
    """

    function: int
    owner: Term
    code: str
    use: SessionUse


def read_held_session(tree: ast.Module, number: int) -> HeldSession | None:
    """The session that the call with this ordinal makes, if it becomes an attribute of `self` and nothing else."""
    numbers = number_nodes(tree)
    for node in walk(tree):
        match node:
            case ast.Assign(targets=[target], value=ast.Call() as call) | ast.AnnAssign(target=target, value=call):
                is_member = isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name)
                if is_member and isinstance(call, ast.Call) and numbers[call] == number:
                    assert isinstance(target, ast.Attribute)
                    return HeldSession(number, target.attr, call.lineno, names_of_annotation(node))
    return None


def read_member_uses(tree: ast.Module, name: str, made: int | None = None) -> list[MemberUse]:
    """All uses of attributes of this name in a file, less the assignment of what the call `made` makes.

    Where that call stands, those that set up the session right after it are `leading`.
    """
    numbers = number_nodes(tree)
    found: list[MemberUse] = []
    for function, nodes in by_function(tree):
        mentions = [node for node in nodes if isinstance(node, ast.Attribute) and node.attr == name]
        if mentions:
            reader = _Reader(tree, function, numbers)
            calls = [node for node in nodes if isinstance(node, ast.Call) and numbers[node] == made]
            found += [use for node in mentions for use in reader.read(node, calls[0] if calls else None)]
    return sorted(found, key=lambda found: (found.use.line, found.use.number))


def _calls_object(statement: ast.stmt) -> bool:
    """Whether a statement calls a method of `self`, or hands it on: that may use the session in its turn."""
    for node in walk(statement):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self"))):
                return True
            case ast.Call(args=args, keywords=keywords):
                given = [*args, *(keyword.value for keyword in keywords)]
                if any(isinstance(value, ast.Name) and value.id == "self" for value in given):
                    return True
    return False


class _Reader:
    def __init__(self, tree: ast.Module, function: Function | None, numbers: dict[ast.AST, int]) -> None:
        self.function = function
        self.numbers = numbers
        if function is None:
            self.parents = {child: node for node in walk(tree) for child in children(node)}
            self.uses = UseReader(self.parents, numbers, self._plain)
        else:
            view = FunctionView(function, numbers, [], frozenset())
            self.parents = view.parents
            self.uses = UseReader(view.parents, numbers, Evidence(view).term)

    def _plain(self, node: ast.expr) -> Term:
        return read_term(node, self.numbers.__getitem__)

    def read(self, node: ast.Attribute, made: ast.Call | None) -> Iterator[MemberUse]:
        above = list(self._above(node))
        is_target = made is not None and self.parents.get(made) is above[0]
        if is_target and not isinstance(node.ctx, ast.Load):
            return
        use = self.uses.read(node)
        if not isinstance(node.ctx, ast.Load):
            use = SessionUse("", "given another value", node.lineno)
        leading = self._leading(node, made) if made is not None else set()
        use = replace(
            use,
            nested=any(isinstance(outer, NESTED) for outer in above),
            leading=not leading.isdisjoint(above),
        )
        number = -1 if self.function is None else self.numbers[self.function]
        yield MemberUse(number, self._plain(node.value), ast.unparse(node), use)

    def _leading(self, node: ast.Attribute, made: ast.Call) -> set[ast.AST]:
        code = ast.unparse(node)
        after = statements_after(made, self.parents, self.function)
        found = leading_statements(
            after, lambda other: isinstance(other, ast.Attribute) and ast.unparse(other) == code, self.uses
        )
        first = next((index for index, statement in enumerate(after) if _calls_object(statement)), len(after))
        return found & {*after[:first]}

    def _above(self, node: ast.AST) -> Iterator[ast.AST]:
        while (above := self.parents.get(node)) is not None and above is not self.function:
            yield above
            node = above
