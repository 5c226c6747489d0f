"""Steps for the client: in the path operation, in the app, in its lifespan."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from functools import cached_property

from fastmigrate.facts.terms import Call, Member, Term, dotted
from fastmigrate.facts.values import FunctionLinks
from fastmigrate.knowledge.names import APP_CLASSES, REQUEST_CLASSES, ROUTER_CLASSES
from fastmigrate.knowledge.parity import Parity
from fastmigrate.plan.errors import Errors
from fastmigrate.plan.goals import (
    ClientAtHand,
    ClientInFunction,
    ClientOfApp,
    Goal,
    Held,
    Imported,
    RequestHandedOn,
    RequestInFunction,
    Step,
)
from fastmigrate.plan.keys import Keys
from fastmigrate.plan.names import fresh, imported, request_parameter, takes_object
from fastmigrate.plan.present_clients import PresentClients
from fastmigrate.plan.specs import ClientSpec
from fastmigrate.plan.users import Users
from fastmigrate.project.apps import ROUTE_DECORATORS
from fastmigrate.project.callgraph import Edge
from fastmigrate.project.project import Project
from fastmigrate.project.references import Reference
from fastmigrate.project.values import External, Function, Instance, Method, Scope
from fastmigrate.rewrite.intents import (
    AddImport,
    AddParameter,
    EditCall,
    InsertAtTop,
    NewArgument,
    StatementBefore,
)
from fastmigrate.sources import is_test_path

__all__ = ["Clients"]

_TRANSPARENT = frozenset({"fastapi_cache.decorator.cache", "fastapi_versioning.version"})
"""Decorators from outside that hand a new `request` parameter on (docs/facts/fastapi-lifecycle.md section 7)."""


class Clients:
    """Makes the steps of the goals that concern the client and the way to it.

    `freed` tells the names in a function that a client may take, since what has them goes.
    """

    def __init__(
        self,
        project: Project,
        specs: Iterable[ClientSpec],
        freed: Callable[[Scope, ClientSpec], Container[str]],
        users: Users,
    ) -> None:
        self.freed = freed
        self.project = project
        self.apps = project.apps
        self.errors = Errors(project)
        self.keys = Keys(project, specs)
        self.present = PresentClients(project, self.keys, users)
        self._names: dict[Scope, dict[ClientSpec, str]] = {}

    # -- in a path operation

    def client_name(self, function: Scope, spec: ClientSpec) -> str:
        """The local name of the client in a function: the one that it has there, or a free one.

        A function within another one that has no request of its own uses the client of that.
        """
        outer = self.outer(function)
        if outer is not None and not self.has_request(function):
            return self.client_name(outer, spec)
        if function not in self._names:
            self._names[function] = self._client_names(function)
        return self._names[function][spec]

    def outer(self, function: Scope) -> Scope | None:
        """The function in which a function is defined."""
        return self.present.outer(function)

    def _client_names(self, function: Scope) -> dict[ClientSpec, str]:
        """The names of all clients in a function, so that no two share one."""
        links = self.project.resolver.defined(function)
        found: dict[ClientSpec, str] = {}
        for spec in self.keys.specs:
            there = self.present.name(function, spec)
            free = self.freed(function, spec)
            taken = {
                *(name for name in links.names if name not in free),
                *found.values(),
                *self._passed(function, links),
            }
            first = next(other for other in self.keys.specs if other.key == spec.key)
            wanted = spec.key if spec == first else self.keys.of(spec)
            found[spec] = there or fresh(wanted, taken, spec.other_key)
        return found

    def _passed(self, function: Scope, links: FunctionLinks) -> Iterator[str]:
        """The names under which callers pass arguments to a function that takes any."""
        if all(parameter.kind != "kwargs" for parameter in links.parameters):
            return
        for caller, edge in self.project.reach.callers_of(function):
            call = self.project.resolver.call_at(caller.path, edge.call)
            yield from (key for key, _ in call.keywords if key is not None) if call is not None else ()

    def has_request(self, function: Scope) -> bool:
        """Whether the framework calls a function with a request, or gives it one that it asks for."""
        return self.present.has_request(function)

    def client_at_hand(self, goal: ClientAtHand) -> Step | Held:
        """The client comes from the state of the request, and so from every app that serves the path operation."""
        links = self.project.resolver.defined(goal.function)
        for decorator in links.decorators if goal.spec.raises_other_errors else ():
            reason = self.errors.of_decorator(decorator, goal.function)
            if reason is not None:
                return Held(reason)
        owners = {owner for root in self.project.reach.roots_of(goal.function) for owner in root.owners}
        roots = {app for owner in owners for app in (self.apps.roots(owner) if owner is not None else {None})}
        if not roots or None in roots:
            return Held("the app that serves it was not found with certainty, so no lifespan can make its client")
        used = self._elsewhere(goal.function, roots)
        if isinstance(used, Held):
            return used
        needs, notes = used
        notes += self._apps_of_tests(owners)
        apps = {*roots, *self._tested_below(owners)}
        needs += [ClientOfApp(app, goal.spec) for app in apps if app is not None]
        parity = Parity.LOSSY if notes else Parity.EXACT
        return Step((*needs, RequestInFunction(goal.function)), parity, tuple(notes[:1]))

    def _elsewhere(self, function: Scope, roots: set[Instance | None]) -> tuple[list[Goal], list[str]] | Held:
        """What other uses of a function with a request need, and what they may meet; or why they hold it back."""
        shown = "the path operation" if function in self.apps.routes else f"`{self.project.name_of(function)}`"
        needs: list[Goal] = []
        notes: list[str] = []
        for used in self.project.references(function):
            call = self._call_on_loop(function, used)
            if call is not None and not self._is_given_request(function, call[0], used):
                needs.append(RequestHandedOn(*call))
            if call is not None or not used.certain:
                continue
            where = f"{shown} is also called directly, or referred to, in {used.path}:{used.line}"
            if is_test_path(used.path):
                notes.append(f"{where}: there, it needs a request whose state has the client")
            elif not self._has_requests_only(function, roots):
                return Held(where)
        return needs, notes

    def _apps_of_tests(self, owners: Iterable[Instance | None]) -> Iterator[str]:
        """What is to be said of apps that tests make around these routers."""
        for owner in owners:
            for router in self.apps.above(owner) if owner is not None else ():
                where = self.project.testing.including.get(router)
                if where is not None:
                    yield f"{where} makes an app of its own, whose lifespan has to hand out a client then, too"

    def _tested_below(self, owners: Iterable[Instance | None]) -> Iterator[Instance]:
        """The mounted apps that tests run by themselves, where no app above them lends them its state."""
        for owner in owners:
            above = self.apps.above(owner) if owner is not None else ()
            yield from (app for app in above if app in self.project.testing.apps)

    def _has_requests_only(self, function: Scope, roots: set[Instance | None]) -> bool:
        """Whether all that call a function have to give it a request, which can only be one of these apps."""
        links = self.project.resolver.defined(function)
        others = any(app not in roots for app in self.apps.apps if self.apps.roots(app) == {app})
        return request_parameter(self.project, links, function) is not None and not (others or self._makes_requests)

    @cached_property
    def _makes_requests(self) -> bool:
        """Whether the project makes requests of its own, which no app has given their state."""
        paths = (path for path in self.project.sources.containing(b"Request(") if not is_test_path(path))
        found = [links for path in paths if (links := self.project.links(path)) is not None]
        return any(
            isinstance(
                value := self.project.resolver.resolve(site.call.callee, Scope(links.path, site.scope)), External
            )
            and value.name in REQUEST_CLASSES
            for links in found
            for site in links.calls
        )

    def _call_on_loop(self, function: Scope, used: Reference) -> tuple[Scope, Edge] | None:
        """The call of a function on the event loop that a reference is."""
        for caller, edge in self.project.reach.callers_of(function):
            if (caller.path, edge.call) == (used.path, used.call) and edge.how == "call":
                return caller, edge
        return None

    def _is_given_request(self, function: Scope, caller: Scope, used: Reference) -> bool:
        """Whether a call hands on a request that the function takes already."""
        links = self.project.resolver.defined(function)
        name = request_parameter(self.project, links, function)
        call = self.project.resolver.call_at(used.path, used.call)
        if name is None or call is None:
            return False
        names = [parameter.name for parameter in links.parameters]
        position = names.index(name) - takes_object(links)
        value = self.project.resolver.resolve(call.argument(position, name), caller)
        return self.project.resolver.is_a(value, REQUEST_CLASSES)

    def request_handed_on(self, goal: RequestHandedOn) -> Step | Held:
        """A function with a request hands it on to one that gets a new parameter for it."""
        target = goal.edge.target.scope
        where = f"{goal.caller.path}:{goal.edge.place.line}"
        taken = request_parameter(self.project, self.project.resolver.defined(target), target) is not None
        if taken or not self.has_request(goal.caller) or self._has_scope(goal.caller):
            return Held(
                f"`{self.project.name_of(target)}` is also called directly in {where}, with no request to hand on"
            )
        added = NewArgument(None, self.request_name(goal.caller))
        edit = EditCall(goal.edge.call, added=(added,))
        return Step((RequestInFunction(goal.caller),), intents=((goal.caller.path, edit),))

    def client_in_function(self, goal: ClientInFunction) -> Step:
        """The client gets a name where a function with a request begins, unless it has one."""
        links = self.project.resolver.defined(goal.function)
        at_hand = ClientAtHand(goal.function, goal.spec)
        if self.present.of_request(goal.function, goal.spec) is not None:
            return Step((at_hand,))
        path = goal.function.path
        httpx, _ = imported(self.project, path, self.project.library)
        name = self.client_name(goal.function, goal.spec)
        needs = (at_hand, Imported(path, self.project.library))
        if self._has_scope(goal.function):
            code = f"{name}: {httpx}.AsyncClient = {self.keys.in_scope(links.parameters[1].name, goal.spec)}"
            calls = self._needing_client(goal.function)
            return Step(needs, intents=tuple((path, StatementBefore("call", number, code)) for number in calls))
        code = f"{name}: {httpx}.AsyncClient = {self.keys.at_hand(self.request_name(goal.function), goal.spec)}"
        return Step(needs, intents=((path, InsertAtTop(links.number, code)),))

    def _has_scope(self, function: Scope) -> bool:
        """Whether a function is an ASGI middleware, which gets the scope of a request."""
        return any(root.kind == "asgi" for root in self.project.reach.roots_of(function))

    def _needing_client(self, function: Scope) -> list[int]:
        """The calls for which an ASGI middleware needs the client: not all of its scopes have one."""
        own = {call.site.call.number for call in self.project.blocking if call.function == function}
        return sorted(own | {edge.call for edge in self.project.reach.edges(function) if edge.call >= 0})

    def request_name(self, function: Scope) -> str:
        """The name of a function's request parameter: the one that it has, or a free one."""
        links = self.project.resolver.defined(function)
        wanted = "request" if self._request_class(function) == "Request" else "connection"
        return request_parameter(self.project, links, function) or fresh(wanted, links.names, f"http_{wanted}")

    def _request_class(self, function: Scope) -> str:
        """What a new parameter for the request is: one that websockets have, too, if they need it."""
        operations = (scope for root in self.project.reach.roots_of(function) for scope in root.operations)
        routes = (route for scope in operations for route in self.apps.routes.get(scope, ()))
        return "HTTPConnection" if any("WEBSOCKET" in route.methods for route in routes) else "Request"

    def request_in_function(self, goal: RequestInFunction) -> Step | Held:
        """A path operation without a request gets one, if nothing between it and FastAPI would lose it."""
        links = self.project.resolver.defined(goal.function)
        if request_parameter(self.project, links, goal.function) is not None or self._has_scope(goal.function):
            return Step()
        for decorator in links.decorators:
            if not self._hands_on(decorator, goal.function):
                shown = dotted(decorator.callee if isinstance(decorator, Call) else decorator) or "…"
                return Held(f"the decorator `{shown}` may not hand a new `request` parameter on")
        path = goal.function.path
        kind = self._request_class(goal.function)
        needs = (Imported(path, "fastapi" if kind == "Request" else "fastapi.requests", kind),)
        request_class, _ = imported(self.project, path, needs[0].module, kind)
        code = f"{self.request_name(goal.function)}: {request_class}"
        is_method = takes_object(links)
        return Step(needs, intents=((path, AddParameter(links.number, code, is_method)),))

    def _hands_on(self, decorator: Term, scope: Scope) -> bool:
        outer = Scope(scope.path, self.project.resolver.defined(scope).parent)
        callee = decorator.callee if isinstance(decorator, Call) else decorator
        value = self.project.resolver.resolve(callee, outer)
        match value:
            case Method(owner):
                return self.project.resolver.is_a(owner, APP_CLASSES | ROUTER_CLASSES)
            case External(name):
                return name in _TRANSPARENT or name in {"builtins.staticmethod", "builtins.classmethod"}
            case Function(home):
                return self.hands_arguments_on(home)
            case None:  # one of several apps, say: it is known to serve the function
                return isinstance(decorator, Call) and isinstance(callee, Member) and callee.name in ROUTE_DECORATORS
        return False

    def hands_arguments_on(self, decorator: Scope) -> bool:
        """Whether a decorator's wrapper keeps the signature, and does nothing with the arguments but hand them on."""
        links = self.project.links(decorator.path)
        inner = (
            [f for f in links.functions.values() if f.qualname.startswith(f"{decorator.qualname}.")] if links else []
        )
        wrappers = [f for f in inner if any(self._is_wraps(term, decorator) for term in f.decorators)]
        return bool(wrappers) and all(
            {"args", "kwargs"} <= {parameter.kind for parameter in wrapper.parameters}
            and all(wrapper.loads.get(parameter.name) == 1 for parameter in wrapper.parameters)
            for wrapper in wrappers
        )

    def _is_wraps(self, decorator: Term, scope: Scope) -> bool:
        callee = decorator.callee if isinstance(decorator, Call) else decorator
        return self.project.resolver.resolve(callee, scope) == External("functools.wraps")

    # -- imports

    def imported(self, goal: Imported) -> Step:
        """An import that is not there yet is added."""
        bound, there = imported(self.project, goal.path, goal.module, goal.name)
        if there:
            return Step()
        alias = None if bound == (goal.name or goal.module) else bound
        return Step(intents=((goal.path, AddImport(goal.module, goal.name, alias)),))
