"""Sessions that a module makes for all its functions: what it sets up, and who uses them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from fastmigrate.facts.flow import local_names
from fastmigrate.facts.literals import Written, write_literal
from fastmigrate.facts.order import children, number_nodes, walk
from fastmigrate.facts.sessions import NESTED, SessionUse, UseReader, names_of_annotation
from fastmigrate.facts.terms import Term, read_term

__all__ = ["ModuleSession", "Setting", "read_module_session", "read_uses"]


class Setting(Struct, frozen=True):
    """A statement of a module that is about its session, which it sets up, as a rule.

    `entries` are the keys (None for `**`) and values that it puts into a dict, or one value alone with the key None.
    `own` writes them with the names of their file, `portable` with the values of these names; None if it cannot.
    """

    use: SessionUse
    own: tuple[tuple[str | None, Written], ...] | None
    portable: tuple[tuple[str | None, Written], ...] | None


class ModuleSession(Struct, frozen=True):
    """A session that a module makes for all its functions; `simple` says that a plain statement does it."""

    number: int
    name: str
    line: int
    simple: bool
    settings: tuple[Setting, ...]
    uses: tuple[SessionUse, ...]  # all others in its file
    annotated: tuple[Term, ...] = ()  # the names in its annotation


def read_module_session(tree: ast.Module, number: int) -> ModuleSession | None:
    """The session that the call with this ordinal makes at module level."""
    numbers = number_nodes(tree)
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as call) if numbers[call] == number:
                return _ModuleReader(tree, numbers).session(name, call)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Call() as call) if numbers[call] == number:
                return _ModuleReader(tree, numbers).session(name, call)
    return None


def read_uses(
    tree: ast.Module, names: Iterable[str], modules: Iterable[str] = (), attribute: str = ""
) -> list[SessionUse]:
    """The uses of a session that has these names in a file, or is `attribute` of one of these modules."""
    reader = _ModuleReader(tree, number_nodes(tree))
    return [reader.use(node) for node in reader.mentions(frozenset(names), frozenset(modules), attribute)]


class _ModuleReader:
    def __init__(self, tree: ast.Module, numbers: dict[ast.AST, int]) -> None:
        self.tree = tree
        self.numbers = numbers
        self.parents = {child: node for node in walk(tree) for child in children(node)}
        self.uses = UseReader(self.parents, numbers, lambda node: read_term(node, numbers.__getitem__))
        self.values = {
            statement.targets[0].id: statement.value
            for statement in tree.body
            if isinstance(statement, ast.Assign)
            and len(statement.targets) == 1
            and isinstance(statement.targets[0], ast.Name)
        }
        stores = [n.id for n in walk(tree) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)]
        self.values = {name: value for name, value in self.values.items() if stores.count(name) == 1}

    def session(self, name: str, call: ast.Call) -> ModuleSession:
        settings: list[Setting] = []
        uses: list[SessionUse] = []
        stores = [n for n in walk(self.tree) if isinstance(n, ast.Name) and n.id == name]
        simple = sum(not isinstance(n.ctx, ast.Load) and not self._is_local(n) for n in stores) == 1
        for node in self.mentions(frozenset({name}), frozenset(), ""):
            statement = self._top_level(node)
            use = self.use(node)
            if statement is not None and use.statement:
                settings.append(self._setting(use, statement))
            else:
                uses.append(use)
        settings.sort(key=lambda setting: setting.use.line)
        annotated = names_of_annotation(self.parents[call])
        return ModuleSession(self.numbers[call], name, call.lineno, simple, tuple(settings), tuple(uses), annotated)

    def mentions(self, names: frozenset[str], modules: frozenset[str], attribute: str) -> Iterator[ast.expr]:
        for node in walk(self.tree):
            match node:
                case ast.Name(id=name, ctx=ast.Load()) if name in names and not self._is_local(node):
                    yield node
                case ast.Attribute(value=ast.Name(id=name), attr=attr) if attr == attribute and name in modules:
                    yield node

    def use(self, node: ast.expr) -> SessionUse:
        return replace(self.uses.read(node), nested=any(isinstance(above, NESTED) for above in self._above(node)))

    def _above(self, node: ast.AST) -> Iterator[ast.AST]:
        while (above := self.parents.get(node)) is not None:
            yield above
            node = above

    def _is_local(self, name: ast.Name) -> bool:
        """Whether a function around a name gives it a meaning of its own."""
        return any(
            isinstance(above, ast.FunctionDef | ast.AsyncFunctionDef) and name.id in local_names(above)
            for above in self._above(name)
        )

    def _top_level(self, node: ast.expr) -> ast.Assign | ast.Expr | None:
        for above in self._above(node):
            if isinstance(above, ast.Assign | ast.Expr):
                return above if self.parents.get(above) is self.tree else None
        return None

    def _setting(self, use: SessionUse, statement: ast.Assign | ast.Expr) -> Setting:
        entries: list[tuple[ast.expr | None, ast.expr]] = []
        match statement:
            case ast.Assign(targets=[ast.Subscript(slice=key)], value=value):
                entries = [(key, value)]
            case ast.Assign(value=ast.Dict(keys=keys, values=values)):
                entries = list(zip(keys, values, strict=True))
            case ast.Assign(value=value):
                entries = [(None, value)]
            case ast.Expr(value=ast.Call(args=[ast.Dict(keys=keys, values=values)], keywords=[])):
                entries = list(zip(keys, values, strict=True))
            case ast.Expr(value=ast.Call(args=args, keywords=keywords)) if len(args) <= 1:
                entries = [(None, arg) for arg in args]
                entries += [(None if k.arg is None else ast.Constant(k.arg), k.value) for k in keywords]
        return Setting(use, self._written(entries, {}), self._written(entries, self.values))

    @staticmethod
    def _written(
        entries: list[tuple[ast.expr | None, ast.expr]], values: Mapping[str, ast.expr]
    ) -> tuple[tuple[str | None, Written], ...] | None:
        found: list[tuple[str | None, Written]] = []
        for key, value in entries:
            name = None if key is None else write_literal(key, values)
            written = write_literal(value, values)
            if written is None or (key is not None and name is None):
                return None
            found.append((None if name is None else name.code, written))
        return tuple(found)
