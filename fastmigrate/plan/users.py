"""Who else uses a helper: code off the event loop, for which it stays as it is, beside a twin for the event loop."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastmigrate.plan.names import fresh
from fastmigrate.project.project import Project
from fastmigrate.project.values import Class, External, Scope
from fastmigrate.sources import is_test_path

__all__ = ["Users"]

_PLAIN_BASES = frozenset(
    [
        *("builtins.object", "abc.ABC", "typing.Protocol", "typing.Generic", "pydantic.BaseModel", "typing.NamedTuple"),
        *("typing_extensions.Protocol", "pydantic_settings.BaseSettings", "builtins.Exception"),
    ]
)
"""Bases from outside that call no method of the project by its name."""


_LOOKING = re.compile(rb"\bassert_(?:called|any_call|has_calls)|\b(?:call|await)_args|\bmock_calls\b")
"""What asks a mock for the arguments that it was called with."""


class Users:
    """Tells which functions need a twin, and what it is called."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._twins: dict[Scope, str | None] = {}
        self._strangers: dict[Scope, list[str]] = {}
        self._subclasses: dict[Class, list[Class]] = {}
        self._families: dict[Scope, list[Scope]] = {}

    def family(self, function: Scope) -> list[Scope]:
        """A method, and those that it overrides or that override it: all are called alike."""
        if function not in self._families:
            self._families[function] = sorted(self._find_family(function), key=repr)
        return self._families[function]

    def _find_family(self, function: Scope) -> set[Scope]:
        links = self.project.resolver.function(function)
        if links is None or not links.in_class:
            return {function}
        name = function.name
        related = {Class(Scope(function.path, links.parent))}
        grows = True
        while grows:
            more = {other for one in related for other in (*self._above(one), *self._below(one))}
            having = {one for one in more - related if self._defines(one, name)}
            grows = bool(having)
            related |= having
        return {Scope(one.scope.path, f"{one.scope.qualname}.{name}") for one in related if self._defines(one, name)}

    def _defines(self, one: Class, name: str) -> bool:
        return self.project.resolver.function(Scope(one.scope.path, f"{one.scope.qualname}.{name}")) is not None

    def _above(self, one: Class) -> Iterator[Class]:
        yield from (base for base in self.project.resolver.bases(one) if isinstance(base, Class))

    def _below(self, one: Class) -> list[Class]:
        """The classes that inherit from a class, directly or not, wherever in the project."""
        if one not in self._subclasses:
            project = self.project
            known = project.graph.receivers.below.get(one, [])
            paths = {*project.names.mentioning(one.scope.name, one.scope.path)}
            paths.update(path for other in known for path in project.importers.importing_name(other.scope.name))
            links = (found for path in sorted(paths) if (found := project.links(path)) is not None)
            named = (Class(Scope(found.path, qualname)) for found in links for qualname in found.classes)
            more = (other for other in named if other != one and one in project.resolver.bases(other))
            self._subclasses[one] = [*dict.fromkeys([*known, *more])]
        return self._subclasses[one]

    def twin(self, function: Scope) -> str | None:
        """The name of the twin that a function needs, or None if all that use it run on the event loop."""
        if function not in self._twins:
            self._twins[function] = self._find_twin(function)
        return self._twins[function]

    def _find_twin(self, function: Scope) -> str | None:
        links = self.project.resolver.function(function)
        if links is None or links.is_async or not self._keeps_its_form(function):
            return None
        home = self.project.links(function.path)
        name = function.name
        return fresh(f"{name}_async", home.names if home is not None else ())

    def _keeps_its_form(self, function: Scope) -> bool:
        """Whether code off the event loop uses a function, or one that calls it and so keeps its form, too."""
        pending = [*self.family(function)]
        seen: set[Scope] = set()
        while pending:
            member = pending.pop()
            if member in seen:
                continue
            seen.add(member)
            if member in self.project.reach.threaded or self._is_foreign(member) or self.strangers(member):
                return True
            callers = (scope for caller, _ in self.project.reach.callers_of(member) for scope in _around(caller))
            for caller in callers:
                links = self.project.resolver.function(caller)
                within = f"{member.qualname}.".startswith(f"{caller.qualname}.") and member.path == caller.path
                if links is not None and not links.is_async and (caller == member or not within):
                    pending += self.family(caller)
        return False

    def _is_foreign(self, method: Scope) -> bool:
        """Whether a method may be called by a base class from outside."""
        links = self.project.resolver.function(method)
        if links is None or not links.in_class:
            return False
        bases = self.project.resolver.bases(Class(Scope(method.path, links.parent)))
        return any(isinstance(base, External) and base.name not in _PLAIN_BASES for base in bases)

    def stays(self, function: Scope) -> bool:
        """Whether a function, or one that it is defined in, stays as it is beside a twin."""
        return any(self.twin(scope) is not None for scope in _around(function))

    def stranger(self, function: Scope) -> str | None:
        """One place off the event loop that uses a function: `path:line`."""
        return next(iter(self.strangers(function)), None)

    def strangers(self, function: Scope) -> list[str]:
        """The places that use a function in another way than by a call on the event loop."""
        if function not in self._strangers:
            self._strangers[function] = list(self._find_strangers(function))
        return self._strangers[function]

    def _find_strangers(self, function: Scope) -> Iterator[str]:
        callers = [pair for member in self.family(function) for pair in self.project.reach.callers_of(member)]
        on_loop = {(caller.path, edge.call) for caller, edge in callers}
        for caller, edge in callers:
            call = self.project.resolver.call_at(caller.path, edge.call) if edge.how == "thread" else None
            partial = self.project.offloads.partial(call, caller) if call is not None else None
            if partial is not None:
                on_loop.add((caller.path, partial.number))
        for reference in self.project.references(function):
            if reference.call < 0 or (reference.path, reference.call) not in on_loop:
                yield f"{reference.path}:{reference.line}"

    def replaced(self, function: Scope) -> str | None:
        """Where a test puts something of its own in the place of a function, which is then not what is called: a note.

        `mock.patch` replaces a coroutine function by a mock that can be awaited; a twin it does not replace. But a test
        that looks at the arguments of its mocks would see the client among them.
        """
        name = function.name
        target = rf"""\(\s*(?:[\w.]+\s*,\s*)?["'](?:[\w.]+\.)?{re.escape(name)}["']"""
        always = "setattr|patch(?:\\.object)?" if self.twin(function) is not None else "setattr"
        patterns = {
            kind: re.compile(f"(?:{ways}){target}".encode())
            for kind, ways in (("", always), ("looked at", "patch(?:\\.object)?"))
        }
        for path in self.project.sources.saying(name):
            content = self.project.sources.read(path) if is_test_path(path) else b""
            found = patterns[""].search(content)
            if found is None and _LOOKING.search(content) is not None:
                found = patterns["looked at"].search(content)
            if found is not None:
                line = content.count(b"\n", 0, found.start()) + 1
                return f"{path}:{line} replaces `{name}`, in a form that no longer is what the event loop calls"
        return None

    def is_imported_from(self, path: str, name: str) -> bool:
        """Whether another file imports a name from one that imports it itself."""
        for other in self.project.sources.saying(name):
            links = self.project.links(other) if other != path else None
            if links is not None and self.project.resolver.takes_all(links, path):
                return True
        return self.project.is_imported(path, name)


def _around(function: Scope) -> Iterator[Scope]:
    """A function, and those that it is defined in."""
    parts = function.qualname.split(".")
    yield from (Scope(function.path, ".".join(parts[: index + 1])) for index in range(len(parts)))
