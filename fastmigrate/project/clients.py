"""Clients of httpx that the project makes, and where."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from fastmigrate.facts.values import CallSite, ModuleLinks
from fastmigrate.project.resolve import Resolver
from fastmigrate.project.values import External, Scope

__all__ = ["MadeClient", "made_clients"]


class MadeClient(Struct, frozen=True):
    """A call that makes a client of the class `made`, in the function or module `scope`."""

    made: str
    scope: Scope
    site: CallSite

    @property
    def key(self) -> tuple[str, int]:
        """Its file, and the ordinal of the call."""
        return self.scope.path, self.site.call.number


def made_clients(links: ModuleLinks, resolver: Resolver, classes: frozenset[str]) -> Iterator[MadeClient]:
    """The clients of these classes that a file makes."""
    for site in links.calls:
        scope = Scope(links.path, site.scope)
        callee = resolver.resolve(site.call.callee, scope)
        if isinstance(callee, External) and callee.name in classes:
            yield MadeClient(callee.name, scope, site)
