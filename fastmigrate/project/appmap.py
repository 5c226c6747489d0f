"""Apps, routers and path operations: who includes or mounts whom, under which prefix, and which lifespan runs."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct, field

from fastmigrate.facts.terms import Term
from fastmigrate.project.values import Class, Instance, Scope

__all__ = ["AppMap", "Event", "Route"]


class Route(Struct, frozen=True):
    """A path operation as it is registered: on which router or app, for which methods, under which path."""

    router: Instance
    methods: tuple[str, ...]
    path: str
    plain: bool = False  # as Starlette registers it: the function gets the request and nothing else
    dependencies: tuple[tuple[Term, Scope], ...] = ()  # `Depends(…)` of this route alone


class Event(Struct, frozen=True):
    """The registration of a start-up or shutdown handler, by the ordinal of a call or by arguments of the app (-1).

    `handler` is the function, if it is one of the project, and `kind` "startup" or "shutdown", if that is known. The
    registration is `plain` if it is a decorator, or a call on the app itself, at the top of a module.
    """

    path: str
    line: int
    call: int
    handler: Scope | None = None
    kind: str = ""
    decorates: bool = False
    plain: bool = False


class AppMap(Struct):
    """The apps and routers of a project."""

    routes: dict[Scope, list[Route]] = field(default_factory=dict)
    parents: dict[Instance, list[tuple[Instance | None, str]]] = field(default_factory=dict)
    events: dict[Instance, list[Event]] = field(default_factory=dict)
    lifeless: dict[Instance, str] = field(default_factory=dict)  # why no lifespan ever runs
    handlers: dict[Instance, list[tuple[Term, Scope, int]]] = field(default_factory=dict)
    error_handlers: dict[Scope, list[Instance | None]] = field(default_factory=dict)
    dependencies: dict[Instance, list[tuple[Term, Scope]]] = field(default_factory=dict)
    prefixes: dict[Instance, str] = field(default_factory=dict)
    apps: set[Instance] = field(default_factory=set)
    wrappers: dict[Class, list[Instance]] = field(default_factory=dict)  # classes that are given an app
    strangers: dict[Instance, str] = field(default_factory=dict)  # who else gets hold of an app

    def roots(self, router: Instance, seen: frozenset[Instance] = frozenset()) -> set[Instance | None]:
        """The apps whose lifespan runs for a router's routes; None stands for one that is not known."""
        if router in seen:
            return set()
        parents = self.parents.get(router, [])
        if not parents:
            return {router} if router in self.apps else set()
        found: set[Instance | None] = set()
        for parent, _ in parents:
            found |= {None} if parent is None else self.roots(parent, seen | {router}) or {None}
        return found

    def under(self, app: Instance) -> Iterator[Instance]:
        """The app itself and every router and app below it."""
        yield app
        yield from (router for router in self.parents if app in self.roots(router))

    def above(self, router: Instance) -> list[Instance]:
        """A router itself, and all that it is included in or mounted under, as far as is known."""
        found = [router]
        for one in found:
            found += [p for p, _ in self.parents.get(one, ()) if p is not None and p not in found]
        return found

    def full_routes(self, route: Route) -> list[str]:
        """`METHOD /path`, with all prefixes, for each method and each way to the route."""
        paths = [prefix + route.path for prefix in self._prefixes(route.router, frozenset())]
        return [f"{method} {path or '/'}" for path in sorted(set(paths)) for method in route.methods]

    def _prefixes(self, router: Instance, seen: frozenset[Instance]) -> list[str]:
        own = self.prefixes.get(router, "")
        parents = self.parents.get(router, [])
        if not parents or router in seen:
            return [own]
        return [
            above + prefix + own
            for parent, prefix in parents
            for above in ([""] if parent is None else self._prefixes(parent, seen | {router}))
        ]
