"""Receivers: the classes of which `self` may be in a method, and those of them that make no difference to what runs."""

from __future__ import annotations

from collections.abc import Set
from functools import cached_property

from fastmigrate.project.resolve import Resolver
from fastmigrate.project.values import Class, External, Function, Instance, Scope

__all__ = ["Receivers"]


class Receivers:
    """Compares the classes of which a receiver may be; `relevant` are the files that can matter."""

    def __init__(self, resolver: Resolver, relevant: frozenset[str]) -> None:
        self.resolver = resolver
        self.relevant = relevant
        self._added: dict[tuple[Class, Class], Set[str] | None] = {}
        self._between: dict[tuple[Class, Class], list[Class]] = {}

    @cached_property
    def below(self) -> dict[Class, list[Class]]:
        """The classes that inherit from each class, in the files that can matter."""
        found: dict[Class, list[Class]] = {}
        for path in sorted(self.relevant):
            links = self.resolver.links(path)
            for qualname in links.classes if links is not None else ():
                one = Class(Scope(path, qualname))
                for base in self.resolver.bases(one):
                    if isinstance(base, Class) and base != one:
                        found.setdefault(base, []).append(one)
        return found

    def method(self, receiver: Class | None, scope: Scope, name: str) -> Scope:
        """The method that runs for a receiver: what its class has under this name, if it overrides this one."""
        function = self.resolver.function(scope)
        if receiver is None or function is None or not function.in_class:
            return scope
        found = self.resolver.class_member(receiver, name)
        return found.scope if isinstance(found, Function) else scope

    def between(self, receiver: Class, scope: Scope) -> list[Class]:
        """The classes from that of a method down to its receiver, both included; none if it is no method of it."""
        function = self.resolver.function(scope)
        if function is None or not function.in_class:
            return []
        owner = Class(Scope(scope.path, function.parent))
        key = owner, receiver
        if key not in self._between:
            bases = [base for base in self.resolver.bases(receiver) if isinstance(base, Class)]
            self._between[key] = [base for base in reversed(bases) if owner in self.resolver.bases(base)]
        return self._between[key]

    def are_alike(self, receiver: Class, base: Class, members: Set[str]) -> bool:
        """Whether all members of these names are the same in a class and in one that it inherits from."""
        key = receiver, base
        if key not in self._added:
            self._added[key] = self._find_added(receiver, base)
        added = self._added[key]
        return added is not None and all(self._is_same(name, receiver, base) for name in added & members)

    def _is_same(self, name: str, one: Class, other: Class) -> bool:
        in_classes = [self.resolver.class_member(kind, name) for kind in (one, other)]
        in_objects = [self.resolver.member(Instance(kind, kind.scope, -1), name) for kind in (one, other)]
        return in_classes[0] == in_classes[1] and in_objects[0] == in_objects[1]

    def _find_added(self, receiver: Class, base: Class) -> Set[str] | None:
        """The members that a class has from elsewhere than from one of its bases.

        None if it differs in more: in what it inherits from outside, or in whether it can matter.
        """
        above = self.resolver.bases(base)
        beside = [one for one in self.resolver.bases(receiver) if one not in above]
        if (receiver.scope.path in self.relevant) != (base.scope.path in self.relevant):
            return None
        names: set[str] = set()
        for one in beside:
            if isinstance(one, External):
                return None
            links = self.resolver.class_(one)
            names.update(links.bindings if links is not None else ())
        return names
