"""Responses that helpers return: which calls of helpers give one, and which blocking calls it may come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastmigrate.facts.sites import Site, read_sites
from fastmigrate.facts.terms import Const
from fastmigrate.project.values import Scope

if TYPE_CHECKING:
    from fastmigrate.project.project import Project

__all__ = ["ReturnedResponses"]

Key = tuple[str, int]


class ReturnedResponses:
    """Follows responses out of the functions that return them, to a fixpoint.

    `sites` are those of all calls that give a response, by file and ordinal: blocking ones, and those of helpers.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self.sites: dict[str, dict[int, Site]] = {}
        self.mixed: set[Scope] = set()  # functions that return something else, too
        self._optional: set[Scope] = set()  # functions whose response may be None
        self._behind: dict[Key, set[Scope]] = {}  # the helpers that give a call its response
        self._returned: dict[Scope, set[Key]] = {}
        self._direct: dict[Key, set[Key]] = {}  # where what a pool was given to do itself comes out
        self._blocking = {call.key: call for call in project.blocking}
        self._wanted: dict[str, dict[int, bool]] = {}
        self._awaited: dict[str, set[int]] = {}  # the calls of coroutine functions, by file
        self._several: dict[str, set[int]] = {}  # those that give several, one after the other
        for call in project.blocking:
            path, number = call.key
            wanted = self._wanted.setdefault(path, {})
            job = project.jobs.of(path, number) if call.is_offloaded else None
            if job is not None and job[1].how != "executor":
                for outlet in project.jobs.outlets(path, number):
                    wanted[outlet] = False
                    self._direct.setdefault((path, outlet), set()).add(call.key)
                if job[1].how == "map":
                    self._several.setdefault(path, set()).add(number)
                continue
            wanted[number] = False
            if call.is_offloaded or project.handing(call.function) is not None:
                self._awaited.setdefault(path, set()).add(number)
        pending = list(self._wanted)
        while pending:
            pending += self._read(pending.pop(0))

    def _read(self, path: str) -> list[str]:
        """Read the sites of a file; the files are returned in which more calls turn out to give a response."""
        wanted = self._wanted[path]
        optional = {number for number, none in wanted.items() if none}
        self.sites[path] = read_sites(self.project.tree_of(path), wanted, optional, *self._kinds(path))
        links = self.project.links(path)
        returning: dict[Scope, set[int]] = {}
        for site in links.calls if links is not None else ():
            found = self.sites[path].get(site.call.number)
            blocking = self._blocking.get((path, site.call.number))
            if found is None or (blocking is not None and blocking.code != "FM101"):
                continue
            lines = {use.line for use in found.uses if use.kind == "other" and use.name == "returned"}
            if lines:
                scope = Scope(path, site.scope)
                self._returned.setdefault(scope, set()).add((path, site.call.number))
                returning.setdefault(scope, set()).update(lines)
                if wanted[site.call.number]:
                    self._optional.add(scope)
        return [again for scope, lines in returning.items() for again in self._note(scope, len(lines))]

    def _kinds(self, path: str) -> tuple[set[int], set[int]]:
        return self._awaited.get(path, set()), self._several.get(path, set())

    def _note(self, function: Scope, returns: int) -> list[str]:
        """Note the calls of a function that returns a response, with so many `return` statements."""
        links = self.project.resolver.function(function)
        if links is None:
            return []
        nothing = sum(term == Const(None) for term in links.returns)
        if returns + nothing < len(links.returns):
            self.mixed.add(function)
        optional = nothing > 0 or not links.ends or function in self._optional
        again: dict[str, None] = {}
        for caller, edge in self.project.reach.callers_of(function):
            if edge.how not in {"call", "thread"} or edge.call < 0:
                continue
            job = self.project.jobs.of(caller.path, edge.call)
            if job is not None and job[1].how == "map":
                self._several.setdefault(caller.path, set()).add(edge.call)
            elif job is None or job[1].how == "executor":
                threaded = edge.how == "thread" or self.project.handing(caller) is not None
                if links.is_async or threaded:
                    self._awaited.setdefault(caller.path, set()).add(edge.call)
            wanted = self._wanted.setdefault(caller.path, {})
            for number in self.project.jobs.outlets(caller.path, edge.call):
                self._behind.setdefault((caller.path, number), set()).add(function)
                if wanted.get(number) is None or (optional and not wanted[number]):
                    wanted[number] = optional
                    again[caller.path] = None
        return list(again)

    def sources(self, path: str, number: int) -> set[Key]:
        """The blocking calls that the response of a call may come from."""
        found: set[Key] = set()
        seen: set[Key] = set()
        pending = [(path, number)]
        while pending:
            key = pending.pop()
            if key in seen:
                continue
            seen.add(key)
            found |= self._direct.get(key, {key} & self._blocking.keys())
            pending += (inner for function in self._behind.get(key, ()) for inner in self._returned.get(function, ()))
        return found
