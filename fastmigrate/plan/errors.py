"""Who else waits for errors of requests: decorators, exception handlers, middleware, dependencies that yield."""

from __future__ import annotations

from collections.abc import Container, Iterator
from functools import cached_property

from fastmigrate.facts.terms import OPAQUE, Call, Display, Member, Ref, Term, dotted
from fastmigrate.facts.values import FunctionLinks, ModuleLinks
from fastmigrate.project.project import Project
from fastmigrate.project.values import Class, External, Function, Instance, Scope
from fastmigrate.sources import is_test_path

__all__ = ["Errors"]

_NEVER = "which httpx does not raise"


class Errors:
    """Finds what would wait in vain for an error of requests once its call is migrated."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.apps = project.apps

    def _parent(self, scope: Scope) -> str:
        links = self.project.resolver.function(scope)
        return "" if links is None else links.parent

    def of_decorator(self, decorator: Term, scope: Scope) -> str | None:
        """Why a decorator would no longer see the errors that it waits for, or None."""
        outer = Scope(scope.path, self._parent(scope))
        for term in _within(decorator):
            value = self.project.resolver.resolve(term, outer) if isinstance(term, Ref | Member) else None
            if isinstance(value, External) and value.name.startswith("requests."):
                return f"its decorator waits for `{value.name}`, {_NEVER}"
        callee = decorator.callee if isinstance(decorator, Call) else decorator
        home = self.project.resolver.resolve(callee, outer)
        links = self.project.links(home.scope.path) if isinstance(home, Function) else None
        if links is None or not isinstance(home, Function):
            return None
        for function in links.functions.values():
            if function.qualname.startswith(f"{home.scope.qualname}."):
                for line, name in self._caught(links.path, function):
                    return f"its decorator catches `{name}` in {links.path}:{line}"
        return None

    def of_context_manager(self, term: Term, scope: Scope, seen: Container[int]) -> str | None:
        """Why a context manager would no longer see the errors that it waits for, or None.

        `seen` are the ordinals of calls of `suppress` that are rewritten.
        """
        if not isinstance(term, Call):
            return None
        value = self.project.resolver.resolve(term.callee, scope)
        if value == External("contextlib.suppress") and term.number not in seen:
            suppressed = [self.project.resolver.resolve(arg, scope) for arg in term.args]
            if any(isinstance(v, External) and _waits_for_requests(v.name) for v in suppressed):
                return (
                    "errors of requests are suppressed around it by a `suppress(…)` that does not stand in its `with`"
                )
        if isinstance(value, Function):
            function = self.project.resolver.function(value.scope)
            for line, name in self._caught(value.scope.path, function) if function is not None else ():
                return f"the context manager around it catches `{name}` in {value.scope.path}:{line}, {_NEVER}"
        if isinstance(value, Class):
            for method in ("__exit__", "__aexit__"):
                inner = Scope(value.scope.path, f"{value.scope.qualname}.{method}")
                function = self.project.resolver.function(inner)
                names = sorted(function.names) if function is not None else []
                values = [self.project.resolver.resolve(Ref(name), inner) for name in names]
                if any(isinstance(v, External) and v.name.startswith("requests") for v in values):
                    return f"the context manager around it waits for errors of requests in {inner.path}, {_NEVER}"
        return None

    def _caught(self, path: str, function: FunctionLinks) -> Iterator[tuple[int, str]]:
        """The errors of requests that a function catches: its own classes, and OSError."""
        for handler in function.handlers:
            for term in (*handler.classes, *(part for question in handler.asked for part in question.classes)):
                value = self.project.resolver.resolve(term, Scope(path, function.qualname))
                if isinstance(value, External) and _waits_for_requests(value.name):
                    yield handler.line, value.name.removeprefix("builtins.")

    def above(self, app: Instance) -> str | None:
        """Why something above an app's path operations would wait in vain: its handlers, middleware, dependencies."""
        for router in self.apps.under(app):
            for term, scope, line in self.apps.handlers.get(router, ()):
                where = f"{scope.path}:{line}" if line else scope.path
                if term == OPAQUE:
                    return f"which errors the exception handlers in {where} wait for is not known"
                value = self.project.resolver.resolve(term, scope)
                name = value.name if isinstance(value, External) else ""
                if _waits_for_requests(name):
                    shown = name.removeprefix("builtins.")
                    return f"the app's exception handler in {where} waits for `{shown}`, {_NEVER}"
        return self._waiting

    @cached_property
    def _waiting(self) -> str | None:
        """What in any file waits for errors of requests around path operations: the same for all apps."""
        for path in self.project.sources.containing(b"requests", b"OSError", b"IOError"):
            links = None if is_test_path(path) else self.project.links(path)
            reason = None if links is None else self._waits_above(links)
            if reason is not None:
                return reason
        return None

    def _waits_above(self, links: ModuleLinks) -> str | None:
        """What in a file waits for errors of requests around path operations: middleware, dependencies that yield."""
        for function in links.functions.values():
            if Scope(links.path, function.qualname) in self.apps.routes:
                continue
            for line, name in self._caught(links.path, function):
                around = "call_next" in function.names or (function.yields and name != "OSError")
                depends = function.yields and Scope(links.path, function.qualname) in self._dependencies
                if around or depends:
                    return f"`{function.qualname}` in {links.path}:{line} waits for `{name}`, {_NEVER}"
        for site in links.calls:
            caller = links.functions.get(site.scope)
            above = caller is not None and "call_next" in caller.names
            above = above or Scope(links.path, site.scope) in self.apps.error_handlers
            if above and site.call.callee == Ref("isinstance") and len(site.call.args) == 2:
                asked = site.call.args[1].values if isinstance(site.call.args[1], Display) else site.call.args[1:]
                for term in asked:
                    value = self.project.resolver.resolve(term, Scope(links.path, site.scope))
                    if isinstance(value, External) and value.name.startswith("requests.exceptions."):
                        return f"{links.path}:{site.place.line} asks for `{value.name}`, {_NEVER}"
        return None

    @cached_property
    def _dependencies(self) -> set[Scope]:
        found: set[Scope] = set()
        for path in self.project.sources.containing(b"Depends(", b"Security("):
            links = self.project.links(path)
            for site in links.calls if links is not None else ():
                if (dotted(site.call.callee) or "").endswith(("Depends", "Security")):
                    value = self.project.resolver.resolve(site.call.argument(0, "dependency"), Scope(path, site.scope))
                    if isinstance(value, Function):
                        found.add(value.scope)
        return found


def _waits_for_requests(name: str) -> bool:
    return name.startswith("requests.") or name == "builtins.OSError"


def _within(term: Term) -> Iterator[Term]:
    """A term and all that it is made of."""
    yield term
    match term:
        case Call(callee, args, keywords):
            parts = (callee, *args, *(value for _, value in keywords))
        case Display(values=values):
            parts = values
        case _:
            parts = ()
    for part in parts:
        yield from _within(part)
