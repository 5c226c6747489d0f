"""Parameters that are apps or routers: each is one of its own, until it is linked to what the callers pass for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fastmigrate.facts.terms import Call, Member, Ref, Term
from fastmigrate.facts.values import FunctionLinks, ModuleLinks
from fastmigrate.project.appmap import AppMap
from fastmigrate.project.holders import Holders
from fastmigrate.project.resolve import Resolver
from fastmigrate.project.values import Class, External, Function, Instance, Scope

__all__ = ["Parameters"]


class Parameters:
    """Links the parameters of functions to the apps and routers that are passed for them."""

    def __init__(self, modules: Mapping[str, ModuleLinks], resolver: Resolver, apps: AppMap, holders: Holders) -> None:
        self.modules = modules
        self.resolver = resolver
        self.map = apps
        self.holders = holders
        self.given: set[tuple[Scope, str]] = set()  # parameters that get an app or a router

    def of(self, term: Term | None, scope: Scope) -> Instance | None:
        """The app or router that a parameter is, as one of its own."""
        found = self.resolver.lookup(term.name, scope) if isinstance(term, Ref) else None
        if found is None or len(found[0]) != 1 or found[0][0].kind != "parameter":
            return None
        function = self.resolver.function(found[1])
        for position, parameter in enumerate(function.parameters if function is not None else ()):
            if parameter.name == term.name:  # type: ignore[union-attr]
                kind = self.resolver.annotated(parameter.annotation, found[1])
                if parameter.annotation is None and (found[1], parameter.name) in self.given:
                    kind = External("fastapi.FastAPI")
                if isinstance(kind, External | Class):
                    return Instance(kind, found[1], -2 - position)
        return None

    def find(self) -> None:
        """Find the parameters, annotated or not, to which functions of the project are given an app or a router."""
        before = -1
        while before < len(self.given):  # one function may hand on what it was given
            before = len(self.given)
            for links in self.modules.values():
                for site in links.calls:
                    scope = Scope(links.path, site.scope)
                    named = (term for term in site.call.given if self.holders.may_be_app(term))
                    if any(self.holders.owners(term, scope) for term in named):
                        self._find_given(site.call, scope)

    def _find_given(self, call: Call, scope: Scope) -> None:
        callee = self.resolver.resolve(call.callee, scope)
        function = self.resolver.function(callee.scope) if isinstance(callee, Function) else None
        for position in range(len(function.parameters) if function is not None else 0):
            if isinstance(callee, Function) and function is not None and self._passed(call, function, position, scope):
                self.given.add((callee.scope, function.parameters[position].name))
                self.holders.names.add(function.parameters[position].name)

    def _passed(self, call: Call, function: FunctionLinks, position: int, scope: Scope) -> list[Instance]:
        """The apps and routers that a call passes for a parameter of a function."""
        is_static = Ref("staticmethod") in function.decorators
        bound = function.in_class and isinstance(call.callee, Member) and not is_static
        if position < bound:
            return []
        return self.holders.owners(call.argument(position - bound, function.parameters[position].name), scope)

    def link(self) -> None:
        """An app that a function is given is the one that its callers pass."""
        given = {instance for instance in self._mentioned() if instance.number < -1}
        if not given:
            return
        before = {instance: list(self.map.parents.get(instance, ())) for instance in given}
        functions: dict[Scope, list[Instance]] = {}
        for instance in given:
            functions.setdefault(instance.scope, []).append(instance)
        for links in self.modules.values():
            for site in links.calls:
                callee = self.resolver.resolve(site.call.callee, Scope(links.path, site.scope))
                if isinstance(callee, Function) and callee.scope in functions:
                    for instance in functions[callee.scope]:
                        for owner in self._pass(instance, site.call, Scope(links.path, site.scope)):
                            self.map.parents.setdefault(owner, []).extend(before[instance])  # it is mounted there

    def _pass(self, instance: Instance, call: Call, scope: Scope) -> list[Instance]:
        """Note what a call passes for a parameter that is an app or router, and return it."""
        function = self.resolver.function(instance.scope)
        passed = self._passed(call, function, -2 - instance.number, scope) if function is not None else []
        owners = [owner for owner in passed if owner != instance]
        self.map.parents.setdefault(instance, []).extend((owner, "") for owner in owners)
        return owners

    def _mentioned(self) -> Iterator[Instance]:
        yield from (route.router for routes in self.map.routes.values() for route in routes)
        yield from (*self.map.parents, *self.map.events, *self.map.handlers)
        yield from (parent for edges in self.map.parents.values() for parent, _ in edges if parent is not None)
