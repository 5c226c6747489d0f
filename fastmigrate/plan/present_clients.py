"""Which functions have a client of the app already, from an earlier migration or by hand, and under which name."""

from __future__ import annotations

from functools import cached_property

from fastmigrate.facts.terms import Call, Member, Ref
from fastmigrate.facts.values import FunctionLinks, Parameter
from fastmigrate.knowledge.httpx_clients import ASYNC_CLIENTS
from fastmigrate.plan.keys import Keys
from fastmigrate.plan.names import request_parameter, takes_object
from fastmigrate.plan.specs import ClientSpec
from fastmigrate.plan.users import Users
from fastmigrate.project.callgraph import Edge
from fastmigrate.project.project import Project
from fastmigrate.project.values import External, Scope

__all__ = ["PresentClients"]


class PresentClients:
    """Follows clients from `request.state` through local names and parameters."""

    def __init__(self, project: Project, keys: Keys, users: Users) -> None:
        self.project = project
        self.keys = keys
        self.users = users
        self._handed: dict[tuple[Scope, ClientSpec], str | None] = {}

    def has_request(self, function: Scope) -> bool:
        """Whether the framework calls a function with a request, or gives it one that it asks for."""
        return any(root.kind not in {"task", "wrapper"} for root in self.project.reach.roots_of(function))

    def outer(self, function: Scope) -> Scope | None:
        """The function in which a function is defined."""
        links = self.project.resolver.defined(function)
        outer = Scope(function.path, links.parent)
        return outer if not links.in_class and self.project.resolver.function(outer) is not None else None

    def name(self, function: Scope, spec: ClientSpec) -> str | None:
        """The name under which a function, or the one around it, has a client, or None."""
        if self.has_request(function):
            return self.of_request(function, spec)
        outer = self.outer(function)
        return self.handed(function, spec) if outer is None else self.name(outer, spec)

    def of_request(self, function: Scope, spec: ClientSpec) -> str | None:
        """The local name to which a function binds the client of its request's state, before it needs that."""
        links = self.project.resolver.defined(function)
        request = request_parameter(self.project, links, function)
        if request is None:
            return None
        of = Member(Ref(request), "app") if spec in self.keys.on_app else Ref(request)
        wanted = Member(Member(of, "state"), self.keys.of(spec))
        first = self._first_need(function)
        for name, bindings in sorted(links.bindings.items()):
            only = bindings[0] if len(bindings) == 1 and not bindings[0].guarded else None
            if only is not None and only.kind == "value" and only.term == wanted and only.line < first:
                return name
        return None

    def _first_need(self, function: Scope) -> int:
        """The first line of a function in which it blocks, or runs what leads to a blocking call."""
        own = [call.place.line for call in self.project.blocking if call.function == function]
        run = [e.place.line for e in self.project.reach.edges(function) if e.target.scope in self._leading]
        return min([*own, *run], default=0)

    @cached_property
    def _leading(self) -> set[Scope]:
        """The functions on the event loop that lead to a blocking call."""
        pending = [call.function for call in self.project.blocking]
        found: set[Scope] = set()
        while pending:
            function = pending.pop()
            if function not in found:
                found.add(function)
                pending += [caller for caller, _ in self.project.reach.callers_of(function)]
        return found

    def handed(self, function: Scope, spec: ClientSpec) -> str | None:
        """The parameter in which all that run a function hand it this very client, or None."""
        if (function, spec) not in self._handed:
            before = {*self._handed}
            found = self._find_handed(function, spec)
            if found is None:  # what was concluded from it meanwhile does not hold
                self._handed = {key: name for key, name in self._handed.items() if key in before}
            self._handed[function, spec] = found
        return self._handed[function, spec]

    def _find_handed(self, function: Scope, spec: ClientSpec) -> str | None:
        links = self.project.resolver.defined(function)
        callers = self.project.reach.callers_of(function)
        if not callers or self.users.family(function) != [function] or self.users.strangers(function):
            return None
        for position, parameter in enumerate(links.parameters):
            if not self._is_client(parameter, links, function):
                continue
            self._handed[function, spec] = parameter.name  # for a function that runs itself
            place = position - takes_object(links)
            if all(self._hands_on(caller, edge, place, parameter.name, spec) for caller, edge in callers):
                return parameter.name
        return None

    def _is_client(self, parameter: Parameter, links: FunctionLinks, function: Scope) -> bool:
        """Whether a parameter is annotated as a client, and stays what was handed over."""
        if parameter.annotation is None or parameter.kind not in {"positional", "keyword"}:
            return False
        bindings = links.bindings.get(parameter.name, ())
        kind = self.project.resolver.annotated(parameter.annotation, function)
        is_client = isinstance(kind, External) and kind.name in ASYNC_CLIENTS
        return is_client and all(binding.kind == "parameter" for binding in bindings)

    def _hands_on(self, caller: Scope, edge: Edge, position: int, name: str, spec: ClientSpec) -> bool:
        """Whether a call hands over what its own function has of the client."""
        call: Call | None = self.project.resolver.call_at(caller.path, edge.call)
        if call is None or edge.how not in {"call", "task"}:
            return False
        there = self.name(caller, spec)
        given = call.argument(position + (edge.how == "task"), name)
        return there is not None and given == Ref(there)
