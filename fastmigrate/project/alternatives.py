"""What a term may stand for, where that is one of several values, all of which are known."""

from __future__ import annotations

from collections.abc import Iterable

from fastmigrate.facts.terms import Await, Call, Either, Member, Ref, Term, Truthy, nothing
from fastmigrate.facts.values import Binding
from fastmigrate.project.resolve import Resolver
from fastmigrate.project.values import Class, Function, Instance, Scope, Value

__all__ = ["Alternatives"]

_LIMIT = 10
_BUDGET = 500
"""How many terms one question may lead to: what takes more is as good as unknown."""


class Alternatives:
    """Finds the values that a term may stand for, by all bindings of its names."""

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self._depth = 0
        self._left = 0
        self._is_cut = False
        self._known: dict[tuple[int, Scope], tuple[Term, list[Value]]] = {}  # with the terms, whose ids are the keys

    def of(self, term: Term | None, scope: Scope) -> list[Value]:
        """What a term may stand for: one value, or one for each binding of a name; nothing if one is not known."""
        if term is None:
            return []
        known = self._known.get((id(term), scope))
        if known is not None:
            return known[1]
        if self._depth == 0:
            self._left = _BUDGET
        if self._depth > _LIMIT or self._left <= 0:  # `x = x or y`
            self._is_cut = True
            return []
        was_cut, self._is_cut = self._is_cut, False
        self._left -= 1
        self._depth += 1
        try:
            found = self._find(term, scope)
        finally:
            self._depth -= 1
        if self._depth == 0 or not self._is_cut:  # else a shorter way to the same term might tell more
            self._known[id(term), scope] = term, found
        self._is_cut = self._is_cut or was_cut
        return found

    def _find(self, term: Term | None, scope: Scope) -> list[Value]:
        value = self.resolver.resolve(term, scope)
        if value is not None:
            return [value]
        if isinstance(term, Either):
            options = [self.of(option, scope) for option in term.options if not nothing(option)]
            return [value for option in options for value in option] if all(options) else []
        if isinstance(term, Truthy | Await):
            return self.of(term.of, scope)
        if isinstance(term, Call):
            return self._results(term, scope)
        if isinstance(term, Member):
            return self._members(term, scope)
        found = self.resolver.lookup(term.name, scope) if isinstance(term, Ref) else None
        if found is None:
            return []
        bindings, home = found
        module = self.resolver.imported(bindings[0], home) if len(bindings) == 1 else None
        links = self.resolver.links(module.path) if module is not None else None
        if module is not None and links is not None:
            bindings, home = links.bindings.get(bindings[0].name, ()), module
        if len(bindings) == 1 and bindings[0].kind == "value" and isinstance(bindings[0].term, Either):
            return self.of(bindings[0].term, home)
        return self._of_bindings(bindings, home)

    def _of_bindings(self, bindings: Iterable[Binding], home: Scope) -> list[Value]:
        """What each of some bindings stands for; nothing if one is not known."""
        values: list[Value] = []
        for binding in bindings:
            if nothing(binding.term):
                continue
            value = self.resolver.resolve_binding(binding, home)
            inner = Scope(home.path, binding.name) if binding.kind == "value" and binding.name else home
            several = isinstance(binding.term, Either | Call) and binding.kind == "value"
            found = [value] if value is not None else self.of(binding.term, inner) if several else []
            if not found:
                return []
            values += found
        return list(dict.fromkeys(values))

    def _results(self, call: Call, scope: Scope) -> list[Value]:
        """What a function may return, which returns one thing or another."""
        callee = self.resolver.resolve(call.callee, scope)
        function = self.resolver.function(callee.scope) if isinstance(callee, Function) else None
        if function is None or not isinstance(callee, Function) or function.yields:
            return []
        known = [term for term in function.returns if not nothing(term)]
        found = [self.of(term, callee.scope) for term in known]
        return list(dict.fromkeys(value for values in found for value in values)) if all(found) else []

    def _members(self, term: Member, scope: Scope) -> list[Value]:
        """What a member may stand for: of one of several objects, or one that gets several values."""
        owner = self.resolver.resolve(term.of, scope)
        if isinstance(owner, Instance) and isinstance(owner.of, Class):
            for base in self.resolver.bases(owner.of):
                links = self.resolver.class_(base) if isinstance(base, Class) else None
                if links is not None and isinstance(base, Class) and term.name in links.bindings:
                    return self._of_bindings(links.bindings[term.name], base.scope)
        owners = self.of(term.of, scope) if owner is None else []
        members = [self.resolver.member(one, term.name) for one in owners]
        return [member for member in members if member is not None] if None not in members else []
