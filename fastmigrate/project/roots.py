"""Where code on the event loop begins: path operations, dependencies, middleware, exception handlers, tasks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from fastmigrate.facts.terms import Call, Member
from fastmigrate.facts.values import CallSite, ModuleLinks
from fastmigrate.knowledge.names import APP_CLASSES
from fastmigrate.knowledge.running import BACKGROUND_TASKS, MIDDLEWARE_BASES
from fastmigrate.project.appmap import AppMap
from fastmigrate.project.callgraph import Node
from fastmigrate.project.dependencies import dependencies_of
from fastmigrate.project.resolve import Resolver
from fastmigrate.project.values import Class, External, Function, Instance, Method, Scope, Value

__all__ = ["Kind", "Root", "find_roots"]

Kind = Literal["operation", "dependency", "middleware", "asgi", "handler", "task"]


@dataclass(frozen=True, slots=True)
class Root:
    """A coroutine function that the framework runs on the event loop, and the path operations that it is run for.

    "middleware" gets a request, "asgi" is a middleware that gets the scope of one, a "task" gets neither. `owners` are
    the apps and routers that it is registered on; None stands for one that is not known.
    """

    node: Node
    kind: Kind
    operations: tuple[Scope, ...] = ()
    owners: tuple[Instance | None, ...] = ()


def find_roots(modules: Iterable[ModuleLinks], apps: AppMap, resolver: Resolver) -> list[Root]:
    """All roots of a project, each function once; `modules` are the files that can register some.

    Functions that are no coroutine functions are among them: the framework runs them in threads.
    """
    reader = _Reader(apps, resolver)
    found = [*reader.operations(), *reader.dependencies()]
    for scope in sorted(apps.error_handlers, key=repr):
        found.append(Root(Node(scope, reader.owner(scope)), "handler", owners=tuple(apps.error_handlers[scope])))
    for links in modules:
        found += reader.registered(links)
    unique: dict[Node, Root] = {}
    for root in found:
        if resolver.function(root.node.scope) is not None:
            unique.setdefault(root.node, root)
    return list(unique.values())


class _Reader:
    def __init__(self, apps: AppMap, resolver: Resolver) -> None:
        self.apps = apps
        self.resolver = resolver

    def owner(self, scope: Scope) -> Class | None:
        """The class of a method."""
        function = self.resolver.function(scope)
        return Class(Scope(scope.path, function.parent)) if function is not None and function.in_class else None

    def operations(self) -> Iterator[Root]:
        for scope in sorted(self.apps.routes, key=repr):
            yield Root(Node(scope, self.owner(scope)), "operation", (scope,), self._owners([scope]))

    def _owners(self, operations: Iterable[Scope]) -> tuple[Instance | None, ...]:
        """The apps and routers that path operations are registered on."""
        routers = (route.router for scope in operations for route in self.apps.routes[scope])
        return tuple(dict.fromkeys(routers))

    def dependencies(self) -> Iterator[Root]:
        """A dependency that is a coroutine function runs on the event loop, whatever it is that depends on it."""
        users: dict[Node, list[Scope]] = {}
        for scope in sorted(self.apps.routes, key=repr):
            for node in dependencies_of(scope, self.apps, self.resolver):
                users.setdefault(node, []).append(scope)
        for node, operations in users.items():
            yield Root(node, "dependency", tuple(operations), self._owners(operations))

    def registered(self, links: ModuleLinks) -> Iterator[Root]:
        """What the calls in a file register: middleware, and background tasks of functions that run in threads."""
        for site in links.calls:
            callee = site.call.callee
            name = callee.name if isinstance(callee, Member) else ""
            scope = Scope(links.path, site.scope)
            if name == "middleware" and site.decorates is not None:
                owner = self.resolver.resolve(callee.of, scope)  # type: ignore[union-attr]
                if self.resolver.is_a(owner, APP_CLASSES) or owner is None:
                    decorated = Scope(links.path, site.decorates)
                    yield Root(Node(decorated, self.owner(decorated)), "middleware", owners=(_app(owner),))
            elif name == "add_middleware" or self._makes_middleware(site, scope):
                owner = self.resolver.resolve(callee.of, scope) if isinstance(callee, Member) else None
                yield from self._middleware(site.call, scope, _app(owner))
            elif name in {"add_task", ""}:
                yield from self._task(site, scope)

    def _makes_middleware(self, site: CallSite, scope: Scope) -> bool:
        made = self.resolver.resolve(site.call.callee, scope)
        return made == External("starlette.middleware.Middleware")

    def _middleware(self, call: Call, scope: Scope, app: Instance | None) -> Iterator[Root]:
        kind = self.resolver.resolve(call.argument(0, "middleware_class"), scope)
        given = self.resolver.resolve(call.keyword("dispatch"), scope)
        if isinstance(given, Function):
            yield Root(Node(given.scope, self.owner(given.scope)), "middleware", owners=(app,))
        if not isinstance(kind, Class):
            return
        bases = {base.name for base in self.resolver.bases(kind) if isinstance(base, External)}
        has_request = not bases.isdisjoint(MIDDLEWARE_BASES)
        found = self.resolver.class_member(kind, "dispatch" if has_request else "__call__")
        if isinstance(found, Function):
            yield Root(Node(found.scope, kind), "middleware" if has_request else "asgi", owners=(app,))

    def _task(self, site: CallSite, scope: Scope) -> Iterator[Root]:
        """A coroutine function that a `def` path operation leaves to be run after its answer."""
        function = self.resolver.function(scope)
        if scope not in self.apps.routes or function is None or function.is_async:
            return
        value = self.resolver.resolve(site.call.callee, scope)
        made = value.of if isinstance(value, Instance) else None
        if isinstance(value, Method | External) or made is not None:
            if BACKGROUND_TASKS.isdisjoint(self.resolver.called_names(value)):
                return
            task = self.resolver.resolve(site.call.argument(0, "func"), scope)
            if isinstance(task, Function):
                yield Root(Node(task.scope, self.owner(task.scope)), "task", (scope,))


def _app(value: Value | None) -> Instance | None:
    return value if isinstance(value, Instance) else None
