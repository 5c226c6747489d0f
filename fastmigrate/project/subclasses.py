"""The classes below a class, found by what stands in the heads of classes: only files that may define one are read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property

from fastmigrate.project.resolve import Resolver
from fastmigrate.project.values import Class, Scope
from fastmigrate.sources import Sources

__all__ = ["Subclasses"]

_HEAD = re.compile(rb"^[ \t]*class[ \t]+\w+[^(:\n]*\(((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)", re.MULTILINE)
_RENAMED = re.compile(
    rb"\b(\w+)[ \t]+as[ \t]+(\w+)|^[ \t]*(\w+)[ \t]*(?::[^=\n]+)?=[ \t]*(?:\w+\.)*(\w+)[ \t]*(?:#|\r?$)",
    re.MULTILINE,
)
_WORD = re.compile(rb"\w+")


class Subclasses:
    """Knows which classes inherit from a class, among the given files."""

    def __init__(self, resolver: Resolver, sources: Sources, paths: Iterable[str]) -> None:
        self.resolver = resolver
        self.sources = sources
        self.paths = sorted(paths)
        self._found: dict[Class, list[Class]] = {}

    def of(self, kind: Class) -> list[Class]:
        """The classes that inherit from a class, directly or not, by their files."""
        if kind not in self._found:
            below = {kind}
            pending = [kind]
            while pending:
                new = {*self._directly(pending.pop())} - below
                below |= new
                pending += new
            self._found[kind] = sorted(below - {kind}, key=self._order)
        return self._found[kind]

    def _order(self, one: Class) -> tuple[str, int]:
        links = self.resolver.class_(one)
        return one.scope.path, -1 if links is None else links.number

    def _directly(self, kind: Class) -> list[Class]:
        paths = dict.fromkeys(path for name in self._names(kind) for path in self._heads.get(name, ()))
        found: list[Class] = []
        for path in paths:
            links = self.resolver.links(path)
            for qualname in links.classes if links is not None else ():
                one = Class(Scope(path, qualname))
                if one != kind and kind in self.resolver.bases(one):
                    found.append(one)
        return found

    def _names(self, kind: Class) -> set[bytes]:
        """The names under which a class may stand in a head: its own, and others that it is given."""
        found = {kind.scope.name.encode()}
        pending = [*found]
        while pending:
            new = self._renamed.get(pending.pop(), set()) - found
            found |= new
            pending += new
        return found

    @cached_property
    def _heads(self) -> dict[bytes, list[str]]:
        """The files in which a word stands in the head of a class."""
        found: dict[bytes, list[str]] = {}
        for path in self.paths:
            for word in {word for head in _HEAD.findall(self.sources.content(path)) for word in _WORD.findall(head)}:
                found.setdefault(word, []).append(path)
        return found

    @cached_property
    def _renamed(self) -> dict[bytes, set[bytes]]:
        """The other names that a name gets, by an import or an assignment."""
        found: dict[bytes, set[bytes]] = {}
        for path in self.paths:
            for imported, name, assigned, value in _RENAMED.findall(self.sources.content(path)):
                found.setdefault(imported or value, set()).add(name or assigned)
        return found
