"""What in the block of a handler may raise errors of requests, beside the calls that are migrated."""

from __future__ import annotations

import sys

from fastmigrate.facts.terms import Call, Member, Ref, Term
from fastmigrate.facts.values import Handler
from fastmigrate.knowledge.names import FREE_OF_REQUESTS
from fastmigrate.knowledge.streaming import HARMLESS_METHODS
from fastmigrate.project.project import Project
from fastmigrate.project.values import Class, External, Function, Instance, Method, Scope, Value

__all__ = ["Raising"]

Sites = set[tuple[str, int]]
_OF_RESPONSES = frozenset({"json", "raise_for_status", "copy", "setdefault", "add", "sort", "values"})


_AMBIGUOUS = frozenset({"get", "update", "pop", "close", "find", "replace"})
"""Methods of dicts and text, and of clients, too."""


_QUIET = frozenset({"requests.Session", "requests.session", "requests.Request"})
_QUIET_MODULES = ("requests.auth.", "requests.adapters.", "requests.structures.")
_QUIET_METHODS = frozenset({"close", "mount", "__enter__", "__exit__"})
"""What of requests is made or done without asking a server."""


class Raising:
    """Answers whether code may raise errors of requests: what is not known to be free of them may."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def in_block(self, handler: Handler, scope: Scope, migrated: Sites) -> bool:
        """Whether the block that a handler guards may raise them, once these calls are migrated."""
        if any(self._is_of_requests(self.project.resolver.resolve(term, scope)) for term in handler.raised):
            return True
        links = self.project.links(scope.path)
        first, last = handler.body
        inside = [s for s in (links.calls if links is not None else ()) if first <= s.place.line <= last]
        for site in inside:
            here = Scope(scope.path, site.scope)
            if (scope.path, site.call.number) in migrated or self._is_of_result(site.call.callee, here, migrated):
                continue
            if self._call(site.call, here, set(), migrated):
                return True
        return False

    def _is_of_result(self, callee: Term, scope: Scope, migrated: Sites) -> bool:
        """Whether something is a member of what a migrated call gives."""
        value = self.project.resolver.resolve(callee, scope)
        return isinstance(value, Method) and (value.of.scope.path, value.of.number) in migrated

    def _is_of_requests(self, value: Value | None) -> bool:
        """Whether a value is a class of requests, or derives from one."""
        if not isinstance(value, External | Class):
            return False
        return any(
            isinstance(base, External) and base.name.startswith("requests.")
            for base in self.project.resolver.bases(value)
        )

    def _call(self, call: Call, scope: Scope, seen: set[Scope], migrated: Sites) -> bool:
        jobs = self.project.jobs.ended_by(scope.path, call.number)
        if jobs:  # what a future raises is what its job does
            handing = (self.project.resolver.call_at(scope.path, number) for number in jobs)
            done = [self.project.offloads.function(job, scope) for job in handing if job is not None]
            return any(term is None or self._callee(term, scope, seen, migrated) for term in done)
        return self._callee(call.callee, scope, seen, migrated) or any(
            self._value(self.project.resolver.resolve(term, scope), seen, migrated)
            for term in call.given
            if isinstance(term, Ref | Member) and not self._is_of_result(term, scope, migrated)
        )

    def _callee(self, callee: Term, scope: Scope, seen: set[Scope], migrated: Sites) -> bool:
        value = self.project.resolver.resolve(callee, scope)
        if value is not None:
            foreign = isinstance(value, External) and not value.name.startswith("requests.")
            return self._value(value, seen, migrated) or (
                foreign and isinstance(value, External) and not _is_free(value.name)
            )
        known = isinstance(callee, Member) and callee.name in HARMLESS_METHODS | _OF_RESPONSES
        return not known or (isinstance(callee, Member) and callee.name in _AMBIGUOUS and self._is_given(callee, scope))

    def _is_given(self, callee: Term, scope: Scope) -> bool:
        """Whether something is a member of a parameter of which nothing is known."""
        while isinstance(callee, Member):
            callee = callee.of
        found = self.project.resolver.lookup(callee.name, scope) if isinstance(callee, Ref) else None
        given = found is not None and any(binding.kind == "parameter" for binding in found[0])
        return given and "unknown" in self.project.types.kinds(callee, scope)

    def _value(self, value: Value | None, seen: set[Scope], migrated: Sites) -> bool:
        """Whether a call of a value may raise them."""
        match value:
            case External(name):
                return name.startswith("requests.") and name not in _QUIET and not name.startswith(_QUIET_MODULES)
            case Method(Instance(of=External("requests.Session")), name):
                return name not in _QUIET_METHODS
            case Method(Instance(of=External(name))):
                return not _is_free(name)
            case Function(home) | Class(home):
                return self._is_of_requests(value) or self._inside(home, seen, migrated)
        return False

    def _inside(self, home: Scope, seen: set[Scope], migrated: Sites) -> bool:
        """Whether the code of a function or class of the project may."""
        if home in seen:
            return False
        seen.add(home)
        links = self.project.links(home.path)
        return any(
            self._call(site.call, Scope(home.path, site.scope), seen, migrated)
            for site in (links.calls if links is not None else ())
            if f"{site.scope}.".startswith(f"{home.qualname}.")
            and (home.path, site.call.number) not in migrated
            and not self._is_of_result(site.call.callee, Scope(home.path, site.scope), migrated)
        )


def _is_free(name: str) -> bool:
    root = name.partition(".")[0]
    return root in sys.stdlib_module_names or root in FREE_OF_REQUESTS
