"""Which expressions of a function may be what a call gave: followed through the names that it gets."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from fastmigrate.facts.flow import Definition
from fastmigrate.facts.handlers import responses_of_errors
from fastmigrate.facts.order import walk
from fastmigrate.facts.view import COMPREHENSIONS, FunctionView

__all__ = ["Carried", "Results"]


class Carried(Struct, frozen=True):
    """What an expression may be: a result (of which calls), None too if `optional`, something else too if `mixed`.

    A call is named by its ordinal. The response that a handler takes from its error counts as the result of -1, less
    the handler's ordinal.
    """

    results: frozenset[int]
    mixed: bool = False
    optional: bool = False

    def __or__(self, other: Carried) -> Carried:
        return Carried(self.results | other.results, self.mixed or other.mixed, self.optional or other.optional)


_NOTHING = Carried(frozenset())
_OTHER = Carried(frozenset(), mixed=True)
_NONE = Carried(frozenset(), optional=True)


class Results:
    """Follows the results of the calls that a view looks at, also through lists that are made of them.

    `optional` are the calls whose result may be None, `awaited` those of coroutine functions, `several` those that give
    a number of results.
    """

    def __init__(
        self,
        view: FunctionView,
        optional: frozenset[int] = frozenset(),
        awaited: frozenset[int] = frozenset(),
        several: frozenset[int] = frozenset(),
    ) -> None:
        self.view = view
        self.sources: dict[ast.expr, Carried] = {}
        self.several = several
        self.optional = optional
        for call in view.calls:
            number, above = view.numbers[call], view.parents.get(call)
            if number in several:
                continue
            if number in awaited and isinstance(above, ast.Lambda):  # `await to_thread(lambda: f())`
                thread = view.parents.get(above)
                above = view.parents.get(thread) if isinstance(thread, ast.Call) else None
            source = above if number in awaited and isinstance(above, ast.Await) else call
            self.sources[source] = Carried(frozenset((number,)), optional=number in optional)
        for node, handler in responses_of_errors(view):
            self.sources[node] = Carried(frozenset((-1 - handler,)), optional=True)
        self.carriers: dict[int, Carried] = {}  # definitions of names, and what they are
        self.lists: dict[int, Carried] = {}  # definitions of names for lists, and what is in these
        self.kept: set[ast.expr] = set()  # what is put into such a list
        self.escaping: dict[ast.expr, Carried] = {}  # lists that are used in another way than by their items

    def read(self) -> dict[ast.expr, Carried]:
        """Every expression whose value may be a result."""
        changed = True
        while changed:  # an alias of an alias …
            before = dict(self.carriers), dict(self.lists)
            for index, definition in enumerate(self.view.flow.definitions):
                self._note(self.carriers, index, self._carried(definition))
                if definition.kind == "value":
                    self._note(self.lists, index, self._listed(definition.value))
            self._read_appended()
            changed = before != (self.carriers, self.lists)
        found = dict(self.sources)
        for name, indexes in self.view.flow.reaching.items():
            self._note(found, name, self._of_name(indexes))
        self._read_items(found)
        return found

    @staticmethod
    def _note(table: dict[Any, Carried], key: object, carried: Carried) -> None:
        if carried.results:
            table[key] = carried

    def _of_name(self, indexes: frozenset[int]) -> Carried:
        carried = _NOTHING
        for index in indexes:
            other = _NONE if _is_none(self.view.flow.definitions[index]) else _OTHER
            carried |= self.carriers.get(index, other)
        return carried

    def _carried(self, definition: Definition) -> Carried:
        if definition.kind == "each":
            return self._listed(definition.value)
        carried = _NOTHING
        for leaf in _leaves(definition.value) if definition.kind in {"value", "with"} else ():
            carried |= self._of(leaf)
        return carried

    def _of(self, node: ast.expr) -> Carried:
        """What an expression is, by itself or as a name."""
        if node in self.sources:
            return self.sources[node]
        if isinstance(node, ast.Name) and node in self.view.flow.reaching:
            return self._of_name(self.view.flow.reaching[node])
        return _NONE if isinstance(node, ast.Constant) and node.value is None else _OTHER

    # -- lists

    def _listed(self, node: ast.expr | None) -> Carried:
        """What is in a list that an expression makes or names."""
        carried = _NOTHING
        match node:
            case ast.Call() if self.view.numbers[node] in self.several and node in self.view.calls:
                number = self.view.numbers[node]
                return Carried(frozenset((number,)), optional=number in self.optional)
            case ast.Call(func=ast.Name(id="list" | "tuple"), args=[inner], keywords=[]):
                return self._listed(inner)
            case ast.ListComp(elt=item):
                items = [item]
            case ast.List(elts=items):
                pass
            case ast.Name() if node in self.view.flow.reaching:
                for index in self.view.flow.reaching[node]:
                    carried |= self.lists.get(index, _OTHER)
                return carried
            case _:
                return _NOTHING
        for item in items:
            carried |= self._of(item)
        if carried.results:
            self.kept.update(items)
        return carried

    def _read_appended(self) -> None:
        for node in self.view.nodes:
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name() as target, attr="append"), args=[item]):
                    carried = self._of(item)
                    for index in self.view.flow.reaching.get(target, ()) if carried.results else ():
                        if isinstance(self.view.flow.definitions[index].value, ast.List | ast.ListComp):
                            self.lists[index] = self.lists.get(index, _NOTHING) | carried
                            self.kept.add(item)

    def _read_items(self, found: dict[ast.expr, Carried]) -> None:
        """The items of lists, by their index or in comprehensions; and the lists that are used in another way."""
        for comprehension in (node for node in self.view.nodes if isinstance(node, COMPREHENSIONS)):
            for clause in comprehension.generators:
                carried = self._listed(clause.iter)
                if carried.results and isinstance(clause.target, ast.Name):
                    for node in walk(comprehension):
                        if isinstance(node, ast.Name) and node.id == clause.target.id and node is not clause.target:
                            found[node] = carried
        made = [call for call in self.view.calls if self.view.numbers[call] in self.several]
        for name in (*self.view.flow.reaching, *map(self._as_list, made)):
            carried = self._listed(name)
            parent = self.view.parents.get(name)
            if carried.results and isinstance(parent, ast.Subscript) and not isinstance(parent.slice, ast.Slice):
                found[parent] = carried
            elif carried.results and not self._is_used_by_items(name, parent):
                self.escaping[name] = carried

    def _as_list(self, node: ast.expr) -> ast.expr:
        """`list(node)`, if that is what is made of it."""
        parent = self.view.parents.get(node)
        match parent:
            case ast.Call(func=ast.Name(id="list" | "tuple"), args=[only], keywords=[]) if only is node:
                return self._as_list(parent)
        return node

    @staticmethod
    def _is_used_by_items(name: ast.expr, parent: ast.AST | None) -> bool:
        match parent:
            case ast.Assign(targets=[ast.Name()]) | ast.AnnAssign(target=ast.Name()) | ast.Expr():
                return not isinstance(name, ast.Name)
            case ast.For(iter=over, target=target) | ast.comprehension(iter=over, target=target):
                return over is name and isinstance(target, ast.Name)
            case ast.Attribute(attr=method):
                return method == "append"
            case ast.Call(func=ast.Name(id="len")):
                return True
            case ast.If(test=test) | ast.While(test=test):
                return test is name
            case ast.UnaryOp(op=ast.Not()):
                return True
        return False


def _leaves(node: ast.expr | None) -> Iterator[ast.expr]:
    match node:
        case None:
            return
        case ast.IfExp(body=body, orelse=orelse):
            yield from _leaves(body)
            yield from _leaves(orelse)
        case ast.NamedExpr(value=value):
            yield from _leaves(value)
        case _:
            yield node


def _is_none(definition: Definition) -> bool:
    return isinstance(definition.value, ast.Constant) and definition.value.value is None
