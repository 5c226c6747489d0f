"""Test clients: which calls in test code make one for an app, and whether the app's lifespan runs for it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from fastmigrate.facts.clients_of_tests import TestClientUse, read_test_clients
from fastmigrate.facts.terms import Member, items_of
from fastmigrate.facts.values import CallSite
from fastmigrate.knowledge.names import APP_CLASSES
from fastmigrate.project.values import External, Instance, Scope
from fastmigrate.sources import is_test_path

if TYPE_CHECKING:
    from fastmigrate.project.project import Project

__all__ = ["TestedApp", "TestingClients"]

_CLIENTS = {
    "fastapi.testclient.TestClient": "app",
    "starlette.testclient.TestClient": "app",
    "httpx.ASGITransport": "app",
    "httpx2.ASGITransport": "app",
}


class TestedApp(Struct, frozen=True):
    """A client that test code makes for an app; `app` is None for one that is not known."""

    __test__ = False

    scope: Scope
    site: CallSite
    use: TestClientUse
    app: Instance | None
    made: str

    @property
    def key(self) -> tuple[str, int]:
        """Its file, and the ordinal of the call."""
        return self.scope.path, self.site.call.number


class TestingClients:
    """Finds the test clients of a project's apps."""

    __test__ = False

    def __init__(self, project: Project) -> None:
        self.project = project
        self.all = {client.key: client for client in self._find()}
        self.apps = {client.app for client in self.all.values() if client.app is not None}

    def _find(self) -> Iterator[TestedApp]:
        project = self.project
        if not project.apps.apps:
            return
        for path in project.sources.containing(b"TestClient", b"ASGITransport"):
            links = project.links(path)
            made: list[tuple[Scope, CallSite, str]] = []
            for site in links.calls if links is not None else ():
                callee = project.resolver.resolve(site.call.callee, Scope(path, site.scope))
                if isinstance(callee, External) and callee.name in _CLIENTS:
                    made.append((Scope(path, site.scope), site, callee.name))
            uses = read_test_clients(project.tree_of(path), {site.call.number for _, site, _ in made}) if made else {}
            for scope, site, name in made:
                yield TestedApp(scope, site, uses[site.call.number], self._app(site, scope, _CLIENTS[name]), name)

    def _app(self, site: CallSite, scope: Scope, parameter: str) -> Instance | None:
        """The app that a client is made for."""
        value = self.project.resolver.resolve(site.call.argument(0, parameter), scope)
        if isinstance(value, Instance) and self.project.resolver.is_a(value, APP_CLASSES):
            return value
        served = [app for app in self.project.apps.apps if not is_test_path(app.scope.path)]
        return served[0] if value is None and len(served) == 1 else None

    @cached_property
    def including(self) -> dict[Instance, str]:
        """The routers of which tests make apps of their own, each with one place: `path:line`."""
        found: dict[Instance, str] = {}
        for path in self.project.sources.containing(b"include_router("):
            links = self.project.links(path) if is_test_path(path) else None
            for site in links.calls if links is not None else ():
                if isinstance(site.call.callee, Member) and site.call.callee.name == "include_router":
                    router = self.project.resolver.resolve(site.call.argument(0, "router"), Scope(path, site.scope))
                    if isinstance(router, Instance):
                        found.setdefault(router, f"{path}:{site.place.line}")
        return found

    def of(self, app: Instance) -> list[TestedApp]:
        """The clients for an app that never run its lifespan."""
        return [client for client in self.all.values() if client.app == app and client.use.form != "entered"]

    def needs_lifespan(self, app: Instance) -> bool:
        """Whether an app's code reads something that its lifespan hands out by `request.state`."""
        keys = {
            key
            for scope in self.project.lifespans.of(app)
            for item in self.project.resolver.defined(scope).yields
            for key, _ in items_of(item.value)
        }
        names = (links.state_names for path in self._reading if (links := self.project.links(path)) is not None)
        return bool(keys) and any(not keys.isdisjoint(own) for own in names)

    @property
    def _reading(self) -> list[str]:
        return [
            path
            for path in self.project.sources.containing(b".state.", b'"state"]', b"'state']")
            if not is_test_path(path)
        ]
