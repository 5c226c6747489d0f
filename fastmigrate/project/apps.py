"""Reads the map of apps and routers out of the calls that make, include, mount and decorate them."""

from __future__ import annotations

from collections.abc import Iterable

from fastmigrate.facts.terms import (
    OPAQUE,
    Call,
    Const,
    Display,
    Either,
    Item,
    Member,
    Ref,
    Term,
    Text,
    items_of,
    last_name,
)
from fastmigrate.facts.values import Binding, CallSite, ModuleLinks
from fastmigrate.knowledge.names import APP_CLASSES, ROUTER_CLASSES
from fastmigrate.knowledge.running import ENDPOINT_CLASSES
from fastmigrate.project.appmap import AppMap, Event, Route
from fastmigrate.project.choices import Choices
from fastmigrate.project.holders import Holders
from fastmigrate.project.parameters import Parameters
from fastmigrate.project.resolve import Resolver
from fastmigrate.project.values import Class, External, Function, Instance, Method, Scope, Value

__all__ = ["ROUTE_DECORATORS", "read_apps"]

_SERVING = APP_CLASSES | ROUTER_CLASSES
_VERBS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
_WEBSOCKETS = frozenset({"websocket", "websocket_route", "add_api_websocket_route", "add_websocket_route"})
ROUTE_DECORATORS = _VERBS | {"api_route", "route", "websocket", "websocket_route"}
_ADDERS = frozenset({"add_api_route", "add_route", "add_api_websocket_route", "add_websocket_route"})
_PLAIN = frozenset({"route", "add_route", "websocket_route", "add_websocket_route"})
"""What registers functions that get the request or the websocket, and nothing else."""
_ROUTE_CLASSES = {
    "starlette.routing.Route": "route",
    "starlette.routing.WebSocketRoute": "websocket_route",
    "fastapi.routing.APIRoute": "api_route",
    "fastapi.routing.APIWebSocketRoute": "websocket",
}
_MOUNT = "starlette.routing.Mount"
_MIDDLEWARE = ("starlette.middleware.", "fastapi.middleware.")
_EVENTS = frozenset({"on_event", "add_event_handler"})


def read_apps(modules: dict[str, ModuleLinks], resolver: Resolver) -> AppMap:
    """The map of all apps and routers that the given modules make, include, mount or register routes on."""
    reader = _AppReader(modules, resolver)
    reader.parameters.find()
    for links in modules.values():
        for site in links.calls:
            reader.read(links, site)
    reader.parameters.link()
    reader.link_mounts()
    for links in modules.values():
        reader.holders.note_displays(links)
    return reader.map


class _AppReader:
    def __init__(self, modules: dict[str, ModuleLinks], resolver: Resolver) -> None:
        self.modules = modules
        self.resolver = resolver
        self.map = AppMap()
        self.line = 0  # of the call that is being read
        self.mounts: dict[tuple[str, int], Instance] = {}  # what a `Mount` mounts, by its file and ordinal
        self.listed: set[tuple[str, int]] = set()  # those in the routes of something
        self.choices = Choices(resolver, resolver.resolve)
        self.holders = Holders(resolver, self.map, self._owners, _names_of_apps(modules.values()))
        self.parameters = Parameters(modules, resolver, self.map, self.holders)

    def read(self, links: ModuleLinks, site: CallSite) -> None:
        call, scope = site.call, Scope(links.path, site.scope)
        self.line = site.place.line
        callee = call.callee
        self.holders.note_call(call, scope, site.place.line)
        if isinstance(callee, Call) and call.args:  # app.get("/")(function)
            self._route(callee, scope, *self.choices.of(call.args[0], scope))
            return
        name = last_name(callee)
        if isinstance(callee, Ref) and site.decorates is not None:  # `get = app.get`
            method = self.resolver.resolve(callee, scope)
            if isinstance(method, Method) and method.name in _VERBS and self.resolver.is_a(method.of, _SERVING):
                self._register(method.of, method.name, call, scope, Function(Scope(scope.path, site.decorates)))
        if isinstance(callee, Member):
            self._method(callee, call, site, scope)
        if name:
            self._made(call, scope)

    def _method(self, callee: Member, call: Call, site: CallSite, scope: Scope) -> None:
        name = callee.name
        if name in ROUTE_DECORATORS and site.decorates is not None:
            decorated = Scope(scope.path, site.decorates)
            is_class = decorated.qualname in self.modules[scope.path].classes
            self._route(call, scope, Class(decorated) if is_class else Function(decorated))
        elif name in _ADDERS:
            self._route(call, scope, *self.choices.of(call.argument(1, "endpoint"), scope))
        elif name in {"include_router", "mount", "host"}:
            self._include(callee, call, scope)
        elif name in _EVENTS or _adds_to_startup(callee):
            inner = callee.of.of if isinstance(callee.of, Member) and name not in _EVENTS else callee.of
            owner = self._owner(inner, scope)
            if owner is not None:
                handler = self.resolver.resolve(call.argument(1, "func"), scope)
                function = handler.scope if isinstance(handler, Function) else None
                if site.decorates is not None:
                    function = Scope(scope.path, site.decorates)
                named = call.argument(0, "event_type")
                kind = str(named.value) if isinstance(named, Const) and name in _EVENTS else ""
                decorates = site.decorates is not None
                plain = not scope.qualname and name in _EVENTS and (decorates or name == "add_event_handler")
                event = Event(scope.path, site.place.line, call.number, function, kind, decorates, plain)
                self.map.events.setdefault(owner, []).append(event)
        elif name in {"exception_handler", "add_exception_handler"}:
            owner = self._owner(callee.of, scope)
            handler = self.resolver.resolve(call.argument(1, "handler"), scope)
            if site.decorates is not None:
                handler = Function(Scope(scope.path, site.decorates))
            if isinstance(handler, Function):
                self.map.error_handlers.setdefault(handler.scope, []).append(owner)
            handled = self._each(call.argument(0, "exc_class_or_status_code"), scope)
            if owner is not None:
                found = [(item, scope, site.place.line) for item in handled if item is not None]
                self.map.handlers.setdefault(owner, []).extend(found)

    def _made(self, call: Call, scope: Scope) -> None:
        """Note what a call makes: an app, a router, or something that keeps an app's lifespan from running."""
        made = self.resolver.resolve(call, scope)
        if not isinstance(made, Instance):
            return
        here = made.scope == scope and made.number == call.number
        if here and self.resolver.is_a(made, _SERVING):
            self._constructed(made, call, scope)
        if not isinstance(made.of, External):
            return
        if made.of.name == _MOUNT:
            mounted = self._owner(call.argument(1, "app"), scope)
            if mounted is not None:
                self.mounts[scope.path, call.number] = mounted
        self.holders.note_silencing(made.of.name, call, scope)

    def _constructed(self, made: Instance, call: Call, scope: Scope) -> None:
        if self.resolver.is_a(made, APP_CLASSES):
            self.map.apps.add(made)
        else:
            self.map.prefixes[made] = self.text(call.keyword("prefix"), scope)
        keywords = list(call.keywords)
        for spread in (value for key, value in call.keywords if key is None):
            keywords += items_of(self.resolver.behind(spread, scope)[0])
        if any(key in {"on_startup", "on_shutdown"} and value != Const(None) for key, value in keywords):
            self.map.events.setdefault(made, []).append(Event(scope.path, 0, -1))
        self._depends(made, call, scope)
        self._listed(made, call, scope, "")
        handlers = call.keyword("exception_handlers")
        if isinstance(handlers, Ref):
            found = self.resolver.lookup(handlers.name, scope)
            handlers = found[0][0].term if found is not None and len(found[0]) == 1 else OPAQUE
        if handlers is not None and not isinstance(handlers, Display | Const):
            handlers = Display("dict", (OPAQUE,), (OPAQUE,))
        for handler in handlers.values if isinstance(handlers, Display) else ():
            value = self.resolver.resolve(handler, scope)
            if isinstance(value, Function):
                self.map.error_handlers.setdefault(value.scope, []).append(made)
        if isinstance(handlers, Display):
            self.map.handlers.setdefault(made, []).extend((key, scope, 0) for key in handlers.keys)

    def _listed(self, owner: Instance, call: Call, scope: Scope, prefix: str) -> None:
        """The routes in a list that an app, a router or a mount is made with."""
        for listed, where in self.choices.elements(call.keyword("routes"), scope):
            item, home = self.resolver.behind(listed, where)
            kind = self.resolver.resolve(item.callee, home) if isinstance(item, Call) else None
            if not isinstance(item, Call) or not isinstance(kind, External):
                continue
            if kind.name == _MOUNT:
                below = prefix + self.text(item.argument(0, "path"), home)
                mounted = self._owner(item.argument(1, "app"), home)
                if mounted is not None:
                    self.map.parents.setdefault(mounted, []).append((owner, below))
                    self.listed.add((home.path, item.number))
                self._listed(owner, item, home, below)
            elif kind.name in _ROUTE_CLASSES:
                endpoint = self.resolver.resolve(item.argument(1, "endpoint"), home)
                self._register(owner, _ROUTE_CLASSES[kind.name], item, home, endpoint, prefix)

    def _depends(self, router: Instance, call: Call, scope: Scope) -> None:
        """Note the dependencies of all routes of an app or router."""
        self.map.dependencies.setdefault(router, []).extend(self.choices.elements(call.keyword("dependencies"), scope))

    def _route(self, call: Call, scope: Scope, *endpoints: Value) -> None:
        callee = call.callee
        if isinstance(callee, Member) and callee.name in ROUTE_DECORATORS | _ADDERS:
            for router in self._owners(callee.of, scope):
                for endpoint in endpoints:
                    self._register(router, callee.name, call, scope, endpoint)

    def _register(
        self, router: Instance, how: str, call: Call, scope: Scope, endpoint: Value | None, prefix: str = ""
    ) -> None:
        if isinstance(endpoint, Class):
            self._register_class(router, call, scope, endpoint, prefix)
        if not isinstance(endpoint, Function):
            return
        methods = call.keyword("methods")
        verbs: tuple[str, ...] = ("GET",)
        if how in _VERBS:
            verbs = (how.upper(),)
        elif how in _WEBSOCKETS:
            verbs = ("WEBSOCKET",)
        elif isinstance(methods, Display) and methods.values:
            verbs = tuple(str(item.value).upper() for item in methods.values if isinstance(item, Const))
        path = prefix + self.text(call.argument(0, "path"), scope)
        depends = tuple(self.choices.elements(call.keyword("dependencies"), scope))
        route = Route(router, verbs, path, plain=how in _PLAIN, dependencies=depends)
        self.map.routes.setdefault(endpoint.scope, []).append(route)

    def _register_class(self, router: Instance, call: Call, scope: Scope, endpoint: Class, prefix: str) -> None:
        """The methods of an `HTTPEndpoint` are path operations."""
        names = [base.name for base in self.resolver.bases(endpoint) if isinstance(base, External)]
        for method in (method for name in names for method in ENDPOINT_CLASSES.get(name, ())):
            found = self.resolver.class_member(endpoint, method)
            if isinstance(found, Function):
                verb = "WEBSOCKET" if method.startswith("on_") else method.upper()
                path = prefix + self.text(call.argument(0, "path"), scope)
                self.map.routes.setdefault(found.scope, []).append(Route(router, (verb,), path, plain=True))

    def _include(self, callee: Member, call: Call, scope: Scope) -> None:
        parents: list[Instance | None] = [*self._owners(callee.of, scope)] or [None]
        if callee.name == "include_router":
            children = [call.argument(0, "router")]
            prefix = self.text(call.keyword("prefix"), scope)
        else:
            children = [call.argument(1, "app")]
            prefix = self.text(call.argument(0, "path"), scope) if callee.name == "mount" else ""
        children = [item for child in children for item in self._each(child, scope)]
        for child in children:
            for router in self._owners(child, scope) or self._chosen(child, scope):
                self._depends(router, call, scope)
                self.map.parents.setdefault(router, []).extend((parent, prefix) for parent in parents)

    def _chosen(self, term: Term | None, scope: Scope) -> list[Instance]:
        """The apps or routers of which one is what a term stands for: out of a dict or list, say."""
        values = self.choices.of(term, scope)
        return [v for v in values if isinstance(v, Instance) and self.resolver.is_a(v, _SERVING)]

    def _each(self, term: Term | None, scope: Scope) -> list[Term | None]:
        """The terms that a loop variable stands for, where the loop runs over a display."""
        attributes: list[str] = []
        base = term
        while isinstance(base, Member):
            attributes.insert(0, base.name)
            base = base.of
        found = self.resolver.lookup(base.name, scope) if isinstance(base, Ref) else None
        if found is not None and len(found[0]) == 1 and found[0][0].kind == "each":
            over = self.choices.elements(found[0][0].term, scope)
            return [_with_members(item, attributes) for item, _ in over] or [term]
        return [term]

    def _owner(self, term: Term | None, scope: Scope) -> Instance | None:
        """The app or router that a term means, if there is just one."""
        owners = self._owners(term, scope)
        return owners[0] if len(owners) == 1 else None

    def _owners(self, term: Term | None, scope: Scope) -> list[Instance]:
        """The apps or routers that a term may mean: several, if they are made in the branches of an `if`.

        `app.router` is taken for the app. A parameter is an app of its own, until its callers are known.
        """
        if isinstance(term, Member) and term.name == "router":
            owners = self._owners(term.of, scope)
            if owners:
                return owners
        made, home = self.resolver.behind(term, scope) if term is not None else (None, scope)
        wrapper = self.resolver.resolve(made.callee, home) if isinstance(made, Call) else None
        if isinstance(made, Call) and isinstance(wrapper, External) and wrapper.name.startswith(_MIDDLEWARE):
            return self._owners(made.argument(0, "app"), home)
        parameter = self.parameters.of(term, scope)
        for values in (
            [parameter] if parameter is not None else self.choices.alternatives.of(term, scope),
            self._before_wrapping(term.name, scope) if isinstance(term, Ref) else [],
        ):
            owners = [v for v in values if isinstance(v, Instance) and self.resolver.is_a(v, _SERVING)]
            if owners and len(owners) == len(values):
                return owners
        return []

    def _before_wrapping(self, name: str, scope: Scope) -> list[Value]:
        """What a module's name stood for in this line, where `app = Wrapper(app)` gives it a new meaning later."""
        found = self.resolver.lookup(name, scope)
        if found is None or found[1].qualname or any(b.guarded or b.kind != "value" for b in found[0]):
            return []
        first, *wrapped = sorted(found[0], key=lambda binding: binding.line)
        value = self.resolver.resolve_binding(first, found[1])
        if value is None or not all(isinstance(b.term, Call) and Ref(name) in b.term.given for b in wrapped):
            return []
        for binding in wrapped:
            wrapper = self.resolver.resolve(binding.term.callee, found[1])  # type: ignore[union-attr]
            name = wrapper.name if isinstance(wrapper, External) else ""
            if not name.startswith(_MIDDLEWARE) and isinstance(value, Instance):
                reason = (
                    f"what its app is wrapped in, in {found[1].path}:{binding.line}, may keep its lifespan from running"
                )
                self.map.lifeless.setdefault(value, reason)
        return [value]

    def link_mounts(self) -> None:
        """Note that it is not known where those mounts are that stand in no list of routes."""
        for key, mounted in self.mounts.items():
            if key not in self.listed:
                self.map.parents.setdefault(mounted, []).append((None, ""))

    def text(self, term: Term | None, scope: Scope, depth: int = 0) -> str:
        """The text of a term; what is not known of it stands in braces."""
        match term:
            case None | Const(None):
                return ""
            case Const(str(value)):
                return value
            case Text(parts):
                return "".join(self.text(part, scope, depth) for part in parts)
            case Ref(name) if depth < 5:
                found = self.resolver.lookup(name, scope)
                if found is not None and len(found[0]) == 1 and found[0][0].kind == "value" and _is_whole(found[0][0]):
                    return self.text(found[0][0].term, found[1], depth + 1)
                return f"{{{name}}}"
            case Member(of, name):
                owner = self.resolver.resolve(of, scope)
                kind = owner.of if isinstance(owner, Instance) else owner
                links = self.resolver.class_(kind) if isinstance(kind, Class) else None
                if links is not None and isinstance(kind, Class) and len(links.bindings.get(name, ())) == 1:
                    return self.text(links.bindings[name][0].term, kind.scope, depth + 1)
                return f"{{{name}}}"
        return "{…}"


def _adds_to_startup(callee: Member) -> bool:
    """`app.router.on_startup.append(…)`."""
    of = callee.of
    return (
        callee.name in {"append", "extend", "insert"}
        and isinstance(of, Member)
        and of.name in {"on_startup", "on_shutdown"}
    )


def _names_of_apps(modules: Iterable[ModuleLinks]) -> set[str]:
    """The names under which apps and routers may be known: those of what is made, and of imports of them."""
    every: list[tuple[str, Binding]] = []
    for links in modules:
        scopes = [links.bindings, *(f.bindings for f in links.functions.values())]
        scopes += [c.bindings for c in links.classes.values()]
        every += [(name, binding) for scope in scopes for name, values in scope.items() for binding in values]
    names = {name for name, binding in every if isinstance(binding.term, Call | Either)}
    return names | {name for name, binding in every if binding.kind == "from" and binding.name in names}


def _is_whole(binding: Binding) -> bool:
    """Whether a name has a value of its own, and is no part of what a loop runs over."""
    return not isinstance(binding.term, Item)


def _with_members(term: Term, names: list[str]) -> Term:
    for name in names:
        term = Member(term, name)
    return term
