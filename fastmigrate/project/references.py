"""Where a function of the project is used: all over it, tests included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastmigrate.facts.terms import Call, Const, Display, Member, Ref, Term
from fastmigrate.facts.values import FunctionLinks, ModuleLinks
from fastmigrate.project.values import Class, External, Function, Instance, Scope

if TYPE_CHECKING:
    from fastmigrate.project.project import Project

__all__ = ["Reference", "references"]

_REGISTERING = frozenset(
    [
        *("Depends", "Security", "add_api_route", "add_route", "add_api_websocket_route", "add_websocket_route"),
        *("add_middleware", "Middleware", "add_exception_handler", "exception_handler", "middleware", "Route"),
    ]
)
"""What registers a function that it is given, rather than to call it here."""
_GIVING_BACK = frozenset(
    [
        *("typing.cast", "copy.copy", "copy.deepcopy", "functools.partial", "contextvars.ContextVar"),
        *("builtins.next", "builtins.iter", "builtins.max", "builtins.min", "builtins.getattr", "builtins.type"),
        *("builtins.super", "builtins.vars", "builtins.reversed"),
    ]
)
"""What gives back what it is given, whatever that is."""
_PROTOCOLS = frozenset({"typing.Protocol", "typing_extensions.Protocol"})
_COMMON = frozenset(
    name for kind in (dict, list, set, str, bytes) for name in dir(kind) if not name.startswith("_")
) | frozenset({"read", "write", "close", "open", "send", "run", "start", "stop", "execute", "delete", "post", "put"})
"""Names of methods that most objects have which are no objects of the project."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A use of a function: in the call with this ordinal, which calls it or is given it, or elsewhere (-1).

    `certain` says that it is this function, and not one that may be called like it.
    """

    path: str
    line: int
    call: int = -1
    certain: bool = True


def references(project: Project, function: Scope) -> Iterator[Reference]:
    """The uses of a function, less its registrations: as a path operation, a dependency, a handler, a middleware.

    A method of that name that is called on something of which nothing is known may be this one.
    """
    name = function.name
    for path in project.sources.containing(name.encode()):
        links = project.links(path)
        if links is not None:
            yield from _Reader(project, links, name, function).read()


class _Reader:
    def __init__(self, project: Project, links: ModuleLinks, name: str, function: Scope) -> None:
        self.project = project
        self.links = links
        self.name = name
        self.target = Function(function)
        own = project.resolver.function(function)
        self.is_method = own is not None and own.in_class
        self.known = 0  # uses by name that are understood

    def read(self) -> Iterator[Reference]:
        for site in self.links.calls:
            scope = Scope(self.links.path, site.scope)
            yield from self._of_call(site.call, scope, site.place.line)
        for touch in self.links.touches if self.is_method else ():
            scope = Scope(self.links.path, touch.scope)
            if not isinstance(touch.term, Member) or touch.term.name != self.name:
                continue
            if self._is_it(touch.term, scope) or self._may_be_it(touch.term, scope):
                certain = self._is_it(touch.term, scope)
                yield Reference(self.links.path, touch.place.line, certain=certain)
        yield from self._by_name()

    def _of_call(self, call: Call, scope: Scope, line: int) -> Iterator[Reference]:
        callee = call.callee
        if isinstance(callee, Ref | Member) and self._named(callee):
            if self._is_it(callee, scope):
                self.known += isinstance(callee, Ref)
                yield Reference(self.links.path, line, call.number)
            elif self.is_method and isinstance(callee, Member) and self._may_be_it(callee, scope):
                yield Reference(self.links.path, line, call.number, certain=False)
        if isinstance(callee, Ref) and callee.name in {"getattr", "methodcaller"} and Const(self.name) in call.args:
            yield Reference(self.links.path, line, certain=False)
        given = [*call.args, *(value for _, value in call.keywords)]
        given += [item for term in given if isinstance(term, Display) for item in term.values]
        for term in given:
            if isinstance(term, Ref | Member) and self._is_it(term, scope):
                self.known += isinstance(term, Ref)
                if not _registers(call):
                    yield Reference(self.links.path, line, call.number)

    def _named(self, term: Ref | Member) -> bool:
        """Whether a term may be the function: a name may stand for it under an alias, a member may not."""
        return isinstance(term, Ref) or term.name == self.name

    def _is_it(self, term: Term, scope: Scope) -> bool:
        return self.project.resolver.resolve(term, scope) == self.target

    def _may_be_it(self, term: Member, scope: Scope) -> bool:
        """Whether a member of something that is not known well enough may be the method."""
        value = self.project.resolver.resolve(term, scope)
        if isinstance(value, Function):
            return self._is_of_protocol(value)
        match term.of:
            case Call(callee=Ref("super")):
                return True
        owner = self.project.resolver.resolve(term.of, scope)
        if isinstance(owner, Instance) and isinstance(owner.of, External):
            return owner.of.name in _GIVING_BACK
        if owner is not None or (self.name in _COMMON and self.links.path not in self.project.relevant):
            return False
        kinds = self.project.types.kinds(term.of, scope)
        return not kinds or "unknown" in kinds

    def _is_of_protocol(self, value: Function) -> bool:
        """Whether a method stands in a protocol, which classes need not name as their base."""
        function = self.project.resolver.function(value.scope)
        if function is None or not function.in_class or value == self.target:
            return False
        bases = self.project.resolver.bases(Class(Scope(value.scope.path, function.parent)))
        return any(isinstance(base, External) and base.name in _PROTOCOLS for base in bases)

    def _by_name(self) -> Iterator[Reference]:
        """Uses of the name, in the module or in the function around, that are no calls."""
        path = self.links.path
        resolver = self.project.resolver
        for bound, bindings in self.links.bindings.items():
            means = any(resolver.resolve_binding(b, Scope(path)) == self.target for b in bindings)
            if means and loads_of_module_name(self.links, bound) > self.known:
                yield Reference(path, bindings[0].line)
        for function in self.links.functions.values():
            for bound, bindings in function.bindings.items():
                scope = Scope(path, function.qualname)
                own = [b for b in bindings if b.kind == "function"]
                means = any(resolver.resolve_binding(b, scope) == self.target for b in own)
                if means and function.loads.get(bound, 0) > self.known:
                    yield Reference(path, bindings[0].line)


def loads_of_module_name(links: ModuleLinks, name: str) -> int:
    """How often a file reads a name of the module: where it is no name of a function's own."""
    functions = links.functions.values()
    hiding = [f for f in functions if name in f.bindings and name not in _outer_bindings(links, f)]
    return links.loads.get(name, 0) - sum(function.loads.get(name, 0) for function in hiding)


def _outer_bindings(links: ModuleLinks, function: FunctionLinks) -> set[str]:
    """The names of the functions around a function."""
    found: set[str] = set()
    while (outer := links.functions.get(function.parent)) is not None:
        found |= outer.bindings.keys()
        function = outer
    return found


def _registers(call: Call) -> bool:
    """`app.add_api_route("/", f)`, `app.get("/")(f)`, `Depends(f)`, `FastAPI(exception_handlers={…: f})`."""
    callee = call.callee
    name = callee.name if isinstance(callee, Member | Ref) else ""
    decorates = isinstance(callee, Call) and isinstance(callee.callee, Member)  # `app.get("/")(f)`
    return decorates or name in _REGISTERING or call.keyword("exception_handlers") is not None
