"""Lifespans: what apps are given as theirs, or wrap theirs in, and what these keep for the requests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from fastmigrate.facts.made import read_clients_on_apps
from fastmigrate.facts.terms import Call, Member
from fastmigrate.facts.values import ModuleLinks
from fastmigrate.project.values import External, Function, Instance, Scope, Value
from fastmigrate.sources import is_test_path

if TYPE_CHECKING:
    from fastmigrate.project.project import Project

__all__ = ["Lifespans"]


class Lifespans:
    """Finds the lifespans of a project's apps."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.resolver = project.resolver

    def on_app(self, scope: Scope) -> list[tuple[str, str]]:
        """What a function keeps as `app.state.<name>`, and nothing else does: the name, and the code that makes it."""
        number = self.resolver.defined(scope).number
        kept = [
            (name, code) for at, name, code in read_clients_on_apps(self.project.tree_of(scope.path)) if at == number
        ]
        return [(name, code) for name, code in kept if self._stored_once(name)]

    def _stored_once(self, name: str) -> bool:
        assignment = re.compile(rf"\.state\.{re.escape(name)}\b[^=\n]*=(?!=)".encode())
        contents = (
            self.project.sources.read(path) for path in self.project.sources.saying(name) if not is_test_path(path)
        )
        return sum(len(assignment.findall(content)) for content in contents) == 1

    def construction(self, app: Instance) -> Call | None:
        """The call that makes an app."""
        return self.resolver.call_at(app.scope.path, app.number)

    def given(self, app: Instance) -> Value | None:
        """What an app is given as its lifespan, or None."""
        call = self.construction(app)
        given = None if call is None else call.keyword("lifespan")
        if given is None:
            return None
        term, scope = self.resolver.behind(given, app.scope)
        if isinstance(term, Call) and self.resolver.resolve(term.callee, scope) == External("functools.partial"):
            return self.resolver.resolve(term.argument(0, "func"), scope)
        return self.resolver.resolve(given, app.scope)

    def of(self, app: Instance) -> Iterator[Scope]:
        """The lifespan of an app, or the functions that may wrap the one that it has by default."""
        lifespan = self.given(app)
        links = self.project.links(app.scope.path)
        alone = sum(other.scope.path == app.scope.path for other in self.project.apps.apps) == 1
        if isinstance(lifespan, Function) and self.resolver.function(lifespan.scope) is not None:
            yield lifespan.scope
        elif links is not None and alone and "lifespan_context" in links.stored:
            wrapping = set(self._wrapping(links))
            inner = (f for f in links.functions.values() if f.yields and Scope(links.path, f.parent) in wrapping)
            yield from (Scope(app.scope.path, function.qualname) for function in inner)

    def _wrapping(self, links: ModuleLinks) -> Iterator[Scope]:
        """The functions of a file that are given a lifespan: `wrap(app.router.lifespan_context)`."""
        for site in links.calls:
            callee = self.resolver.resolve(site.call.callee, Scope(links.path, site.scope))
            given = any(isinstance(term, Member) and term.name == "lifespan_context" for term in site.call.given)
            if given and isinstance(callee, Function):
                yield callee.scope

    @cached_property
    def scopes(self) -> frozenset[Scope]:
        """The lifespans of all apps, those that wrap one included."""
        return frozenset(scope for app in self.project.apps.apps for scope in self.of(app))
