"""Twins: how calls on the event loop name them, and the imports by which they come there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from fastmigrate.facts.terms import Call, Member, Ref, Term
from fastmigrate.plan.offloading import Offloading
from fastmigrate.plan.users import Users
from fastmigrate.project.callgraph import Edge
from fastmigrate.project.project import Project
from fastmigrate.project.values import Module, Scope
from fastmigrate.rewrite.intents import ImportTwin, Intent, RemoveImport

__all__ = ["Named", "TwinImport", "Twins", "call_of"]


class TwinImport(Struct, frozen=True):
    """Where a file imports a function by a name, it imports its twin, too."""

    path: str
    bound: str
    name: str
    alias: str | None


class Named(Struct, frozen=True):
    """What a call names the twin of what it calls, and the imports by which that comes there."""

    name: str
    imports: tuple[TwinImport, ...] = ()


def call_of(project: Project, caller: Scope, edge: Edge) -> Call:
    """The call by which a function runs another one; LookupError if it does so without one."""
    call = project.resolver.call_at(caller.path, edge.call)
    if call is None:
        raise LookupError(edge)
    return call


class Twins:
    """Tells what the twin of a function is called where the event loop calls it."""

    def __init__(self, project: Project, users: Users, offloading: Offloading) -> None:
        self.project = project
        self.offloading = offloading
        self.users = users

    def named(self, caller: Scope, edge: Edge) -> Named | str | None:
        """What a call names the twin of what it calls, or why it cannot; None if that has none."""
        target = edge.target.scope
        twin = self.users.twin(target)
        if twin is None:
            return None
        callee: Term | None = call_of(self.project, caller, edge).callee
        if edge.how == "thread":
            callee = self.offloading.function(caller, edge)
        if isinstance(callee, Ref):
            return self._by_name(callee.name, caller, target, twin)
        if not isinstance(callee, Member):
            return f"what {caller.path}:{edge.place.line} calls has no name that its twin could be called by"
        owner = self.project.resolver.resolve(callee.of, caller)
        if isinstance(owner, Module) and owner.path != target.path and not owner.path.endswith("/"):
            return self._by_name(callee.name, Scope(owner.path), target, twin)
        return Named(twin)

    def _by_name(self, name: str, scope: Scope, target: Scope, twin: str) -> Named | str:
        """The same for a name in a scope, which stands for the function or imports it."""
        found = self.project.resolver.lookup(name, scope)
        taken = f"`{name}` of {scope.path} needs a twin for the event loop, which cannot be imported as `{name}_async`"
        if found is None:  # by `import *`
            return self._by_star(name, scope, target, twin, taken)
        binding, home = found[0][0], found[1]
        if len(found[0]) == 1 and binding.kind == "function" and Scope(home.path, binding.name) == target:
            return Named(twin)
        module = self.project.resolver.imported(binding, home) if len(found[0]) == 1 else None
        if module is None:
            return taken
        inner = self._by_name(binding.name, module, target, twin)
        if isinstance(inner, str):
            return inner
        bound = inner.name if name == binding.name else f"{name}_async"
        if self._is_name_taken(bound, home, scope):
            return taken
        alias = None if bound == inner.name else bound
        return Named(bound, (*inner.imports, TwinImport(home.path, name, inner.name, alias)))

    def _is_name_taken(self, name: str, home: Scope, scope: Scope) -> bool:
        links = self.project.links(home.path)
        function = self.project.resolver.function(scope)
        return (links is not None and name in links.names) or (function is not None and name in function.names)

    def _by_star(self, name: str, scope: Scope, target: Scope, twin: str, taken: str) -> Named | str:
        links = self.project.links(scope.path)
        exports = self.project.links(target.path)
        free = links is not None and twin not in links.names and exports is not None and not exports.exports
        return Named(twin) if free and target.qualname == name else taken

    def imported(self, twins: Iterable[TwinImport], calls: Iterable[tuple[Scope, int]]) -> Iterator[tuple[str, Intent]]:
        """Twins are imported beside what they are twins of, which goes where nothing else uses it."""
        replaced = {(caller, number) for caller, number in calls if not self.users.stays(caller)}
        for twin in twins:
            path, bound = twin.path, twin.bound
            yield path, ImportTwin(bound, twin.name, twin.alias)
            links = self.project.links(path)
            edited = sum(
                (Scope(path, site.scope), site.call.number) in replaced
                and Ref(bound) in {site.call.callee, self.project.offloads.function(site.call, Scope(path))}
                for site in (links.calls if links is not None else ())
            )
            unused = links is not None and edited and links.loads.get(bound, 0) == edited
            if links is None or not unused or bound in links.exports or bound not in links.bindings:
                continue
            if not self.users.is_imported_from(path, bound):
                yield path, RemoveImport(bound)
