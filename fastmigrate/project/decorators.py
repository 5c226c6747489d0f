"""Decorators: what they put around a function, and whether it still runs where it is called."""

from __future__ import annotations

from fastmigrate.facts.terms import Call, Member, Ref, Term
from fastmigrate.facts.values import FunctionLinks
from fastmigrate.knowledge.running import IN_PLACE
from fastmigrate.project.resolve import Resolver
from fastmigrate.project.values import External, Function, Instance, Method, Scope

__all__ = ["Decorators"]


class Decorators:
    """Tells what decorators do with the functions that they decorate."""

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver

    def around(self, scope: Scope, first: int = 0) -> list[Scope] | None:
        """What runs around a function when it is called; None if its decorators may run it elsewhere.

        Only decorators from the one with the index `first` on count.
        """
        function = self.resolver.function(scope)
        if function is None:
            return None
        around: list[Scope] = []
        for decorator in function.decorators[first:]:
            value = self.resolver.resolve(_bare(decorator), Scope(scope.path, function.parent))
            match value:
                case External(name) if name in IN_PLACE:
                    continue
                case Function(home):
                    wrappers = [w for w in self.wrappers(home) if function.is_async or not self._tells_apart(home, w)]
                    if not wrappers and not function.is_async and not self._gives_back(home):
                        return None
                    alike = [wrapper for wrapper in wrappers if wrapper.is_async == function.is_async]
                    around += [Scope(home.path, wrapper.qualname) for wrapper in alike or wrappers]
                case Method(Instance(of=External(name))) if name.startswith(("fastapi.", "starlette.")):
                    continue
                case _ if isinstance(decorator, Member) and decorator.name in {"setter", "getter"}:
                    continue
                case _ if not function.is_async:
                    return None
        return around

    def has(self, scope: Scope, names: frozenset[str]) -> bool:
        """Whether a function is under one of these decorators from outside."""
        function = self.resolver.function(scope)
        home = Scope(scope.path)
        return function is not None and any(
            isinstance(value, External) and value.name in names
            for value in (self.resolver.resolve(_bare(d), home) for d in function.decorators)
        )

    def _gives_back(self, decorator: Scope) -> bool:
        """Whether a decorator of the project, or the function in it that is one, returns what it decorates."""
        links = self.resolver.links(decorator.path)
        inside = f"{decorator.qualname}."
        for inner in links.functions.values() if links is not None else ():
            own = inner.qualname == decorator.qualname or inner.qualname.startswith(inside)
            if own and inner.parameters and Ref(inner.parameters[0].name) in inner.returns:
                return True
        return False

    def _tells_apart(self, decorator: Scope, wrapper: FunctionLinks) -> bool:
        """Whether a wrapper does more with the function than to call it: asks what it is, hands it to a thread."""
        links = self.resolver.links(decorator.path)
        outer = links.functions.get(wrapper.parent) if links is not None else None
        given = Ref(outer.parameters[0].name) if outer is not None and outer.parameters else None
        calls = (site.call for site in links.calls if site.scope == wrapper.qualname) if links is not None else ()
        return any(given in call.given for call in calls)

    def wrappers(self, decorator: Scope) -> list[FunctionLinks]:
        """The functions in a decorator that call the one that it decorates."""
        links = self.resolver.links(decorator.path)
        found: list[FunctionLinks] = []
        for inner in links.functions.values() if links is not None else ():
            outer = links.functions.get(inner.parent) if links is not None else None
            if outer is None or not f"{inner.parent}.".startswith(f"{decorator.qualname}.") or not outer.parameters:
                continue
            given = Ref(outer.parameters[0].name)
            calls = [site for site in links.calls if site.scope == inner.qualname] if links is not None else []
            if any(site.call.callee == given for site in calls):
                found.append(inner)
        return found


def _bare(decorator: Term) -> Term:
    return decorator.callee if isinstance(decorator, Call) else decorator
