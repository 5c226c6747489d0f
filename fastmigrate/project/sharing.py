"""Who uses a client that a module makes: all over the project, tests included."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct, field

from fastmigrate.facts.terms import Call, Member, Ref
from fastmigrate.facts.values import Binding, CallSite, ModuleLinks
from fastmigrate.project.clients import MadeClient
from fastmigrate.project.modules import module_name
from fastmigrate.project.values import Instance, Scope, Value

if TYPE_CHECKING:
    from fastmigrate.project.project import Project

__all__ = ["SharedUses", "lasting_clients", "shared_uses"]


class SharedUses(Struct):
    """The uses of a client: the calls of its methods, the imports of its name, and what else there may be.

    `name` is the one that its module gives it; there is none if it gets several, or none of its own. `stray` is a file
    that uses it in some other way.
    """

    name: str | None
    calls: list[tuple[Scope, CallSite, str]] = field(default_factory=list)
    imports: list[tuple[str, str]] = field(default_factory=list)
    stray: str | None = None


def shared_uses(project: Project, client: MadeClient) -> SharedUses:
    """All uses of a client that a module makes."""
    home = project.links(client.scope.path)
    names = [
        name
        for name, bindings in (home.bindings if home is not None else {}).items()
        if any(_made_here(project, binding, client) for binding in bindings)
    ]
    if len(names) != 1 or home is None or len(home.bindings[names[0]]) != 1:
        return SharedUses(None)
    uses = SharedUses(names[0])
    value = project.resolver.resolve(Ref(names[0]), Scope(client.scope.path))
    for path in sorted(project.names.taking(names[0], client.scope.path)):
        links = project.links(path)
        if links is not None and value is not None:
            _read(project, links, client, value, uses)
    return uses


def lasting_clients(project: Project) -> Iterator[MadeClient]:
    """The clients of httpx that many requests share: those of lifespans, of an app's state, and of modules."""
    kept: dict[str, set[int]] = {}
    for client in project.httpx_clients:
        path, number = client.key
        if path not in kept:
            kept[path] = project.kept_in_state(path)
        if number in kept[path] or _lasts(project, client):
            yield client


def _lasts(project: Project, client: MadeClient) -> bool:
    if client.scope.qualname:
        return client.scope in project.lifespans.scopes
    return any(scope in project.apps.routes for scope, _, _ in project.shared(client).calls)


def _made_here(project: Project, binding: Binding, client: MadeClient) -> bool:
    made = project.resolver.resolve_binding(binding, Scope(client.scope.path))
    is_it = isinstance(made, Instance) and (made.scope.path, made.number) == client.key
    return binding.kind == "value" and is_it


def _read(project: Project, links: ModuleLinks, client: MadeClient, value: Value, uses: SharedUses) -> None:
    """Note the uses in a file; what is not understood is a stray one."""
    bound = [
        name
        for name, bindings in links.bindings.items()
        if any(project.resolver.resolve_binding(binding, Scope(links.path)) == value for binding in bindings)
    ]
    known = 0
    for site in links.calls:
        scope = Scope(links.path, site.scope)
        given = site.call.argument(1, "func")  # app.add_event_handler("shutdown", client.aclose)
        for term in (site.call.callee, given if _registers(site.call) else None):
            if isinstance(term, Member) and project.resolver.resolve(term.of, scope) == value:
                uses.calls.append((scope, site, term.name))
                known += isinstance(term.of, Ref)
    own = {name: f for name, f in links.functions.items() if any(b in f.bindings for b in bound)}  # local names there
    hidden = sum(f.loads.get(b, 0) for f in own.values() if f.parent not in own for b in bound)
    loads = sum(links.loads.get(name, 0) for name in bound) - hidden
    through_module = f"{module_name(client.scope.path).rpartition('.')[2]}.{uses.name}".encode()
    is_home = links.path == client.scope.path
    if (
        loads != known
        or len(bound) > 1
        or not links.exports.isdisjoint(bound)
        or (not is_home and through_module in project.sources.read(links.path))
    ):
        uses.stray = uses.stray or links.path
    if not is_home:
        uses.imports += [(links.path, name) for name in bound]


def _registers(call: Call) -> bool:
    return isinstance(call.callee, Member) and call.callee.name == "add_event_handler"
