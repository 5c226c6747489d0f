"""Who gets hold of an app: what may mount it, wrap it, or register handlers that a new lifespan would silence."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fastmigrate.facts.terms import Call, Const, Display, Member, Ref, Term, dotted
from fastmigrate.facts.values import ModuleLinks
from fastmigrate.knowledge.names import APP_CLASSES, ROUTER_CLASSES, TRUSTED_WITH_APP
from fastmigrate.project.appmap import AppMap
from fastmigrate.project.resolve import Resolver
from fastmigrate.project.values import Class, External, Function, Instance, Method, Scope

__all__ = ["Holders"]

_CALLERS = {"httpx.ASGITransport": "app", "httpx2.ASGITransport": "app", "fastapi_mcp.FastApiMCP": "fastapi"}
"""What calls an app within its process, past its lifespan, and the parameter that gets the app."""


class Holders:
    """Notes in the map who else gets hold of an app.

    `owners` tells which apps or routers a term means in a scope, `names` are those under which they may be known.
    """

    def __init__(
        self,
        resolver: Resolver,
        apps: AppMap,
        owners: Callable[[Term | None, Scope], list[Instance]],
        names: set[str],
    ) -> None:
        self.resolver = resolver
        self.map = apps
        self.owners = owners
        self.names = names

    def may_be_app(self, term: Term) -> bool:
        """Whether a term may mean an app, by its name."""
        return isinstance(term, Ref | Member) and term.name in self.names

    def note_call(self, call: Call, scope: Scope, line: int) -> None:
        """Note whether a call hands an app to something, in the line given."""
        handed = [(term, False) for term in call.given]
        handed += [(item, True) for term in call.given if isinstance(term, Display) for item in term.values]
        handed += [(call.callee, True)]
        for term, hidden in handed:
            for inner in term.values if isinstance(term, Display) else (term,):
                apps = self.owners(inner, scope) if self.may_be_app(inner) else []
                maker = self.resolver.resolve(call.callee, scope) if apps and term in call.args[:1] else None
                if isinstance(maker, Class):
                    self.map.wrappers.setdefault(maker, []).extend(apps)
                if apps and (hidden or not self._is_trusted(call, scope)):
                    for app in apps:
                        name = _shown(call.callee)
                        self.map.strangers.setdefault(app, f"handed to `{name}` in {scope.path}:{line}")

    def note_silencing(self, name: str, call: Call, scope: Scope) -> None:
        """Note whether a call of something from outside keeps an app's lifespan from running."""
        off = call.keyword("lifespan") == Const("off")
        if name in {"mangum.Mangum", "uvicorn.run", "uvicorn.Config"} and off:
            wrapped = self.owners(call.argument(0, "app"), scope)
            reason = f'`{name}(…, lifespan="off")` in {scope.path} keeps its lifespan from running'
        elif name in {"socketio.ASGIApp", "engineio.ASGIApp"}:
            wrapped = self.owners(call.argument(1, "other_asgi_app"), scope)
            reason = f"`{name}` in {scope.path} answers the lifespan events in its place"
        elif name in _CALLERS:
            wrapped = self.owners(call.argument(0, _CALLERS[name]), scope)
            reason = f"`{name}` in {scope.path} calls it without running a lifespan"
        else:
            return
        for app in wrapped:
            self.map.lifeless.setdefault(app, reason)

    def _is_trusted(self, call: Call, scope: Scope) -> bool:
        root: Term = call.callee
        while isinstance(root, Member | Call):  # Instrumentator().instrument(app).expose(app)
            value = self.resolver.resolve(root, scope) if isinstance(root, Member) else None
            if isinstance(value, External) and value.name.startswith(TRUSTED_WITH_APP):
                return True
            root = root.of if isinstance(root, Member) else root.callee
        first = self.resolver.resolve(root, scope) if root is not call.callee else None
        if isinstance(first, External) and first.name.startswith(TRUSTED_WITH_APP):
            return True
        match self.resolver.resolve(call.callee, scope):
            case External(name):
                return name.startswith(TRUSTED_WITH_APP)
            case Function():  # what it does with its parameter is followed
                return True
            case Method(owner):
                trusted = isinstance(owner.of, External) and owner.of.name.startswith(TRUSTED_WITH_APP)
                return trusted or self.resolver.is_a(owner, APP_CLASSES | ROUTER_CLASSES)
        return False

    def note_displays(self, links: ModuleLinks) -> None:
        """An app in a list or dict may be mounted by whoever reads that."""
        scopes = [("", links.bindings), *((name, function.bindings) for name, function in links.functions.items())]
        for qualname, bindings in scopes:
            for binding in (binding for values in bindings.values() for binding in values):
                for item in _items(binding.term):
                    if self.may_be_app(item):
                        for app in self.owners(item, Scope(links.path, qualname)):
                            where = f"put into a list or dict in {links.path}:{binding.line}"
                            self.map.strangers.setdefault(app, where)


def _items(term: Term) -> Iterator[Term]:
    """What stands in a display, or in displays within it."""
    for item in term.values if isinstance(term, Display) else ():
        yield item
        yield from _items(item)


def _shown(term: Term) -> str:
    match term:
        case Member(of, name):
            return f"{_shown(of)}.{name}"
        case Call(callee):
            return f"{_shown(callee)}(…)"
    return dotted(term) or "…"
