"""Where a function of the project is used: all over it, tests included."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from fastmigrate.facts.terms import Call, Const, Display, Member, Ref, Term, last_name
from fastmigrate.facts.values import FunctionLinks, ModuleLinks
from fastmigrate.project.values import Class, External, Function, Instance, Scope, Value

if TYPE_CHECKING:
    from fastmigrate.project.project import Project

__all__ = ["Reference", "References"]

_REGISTERING = frozenset(
    [
        *("Depends", "Security", "add_api_route", "add_route", "add_api_websocket_route", "add_websocket_route"),
        *("add_middleware", "Middleware", "add_exception_handler", "exception_handler", "middleware", "Route"),
    ]
)
"""What registers a function that it is given, rather than to call it here."""
_SAID_OF_IT = frozenset({"__name__", "__qualname__", "__module__", "__doc__"})
"""Attributes of a function that say something of it, and do not run it."""
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


class Reference(Struct, frozen=True):
    """A use of a function: in the call with this ordinal, which calls it or is given it, or elsewhere (-1).

    `certain` says that it is this function, and not one that may be called like it.
    """

    path: str
    line: int
    call: int = -1
    certain: bool = True


class References:
    """Finds the uses of functions; each file is read once for all of them."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._files: dict[str, _File] = {}
        self._found: dict[Scope, list[Reference]] = {}

    def of(self, function: Scope) -> list[Reference]:
        """The uses of a function, less its registrations: as a path operation, a dependency, a handler, a middleware.

        A method of that name that is called on something of which nothing is known may be this one.
        """
        if function not in self._found:
            self._found[function] = [
                reference
                for path in self.project.names.mentioning(function.name, function.path)
                if self.project.importers.are_connected(path, function.path)
                if (file := self._file(path)) is not None
                for reference in file.uses(function)
            ]
        return self._found[function]

    def _file(self, path: str) -> _File | None:
        if path not in self._files:
            links = self.project.links(path)
            if links is None:
                return None
            self._files[path] = _File(self.project, links)
        return self._files[path]


class _File:
    """The uses of functions in one file.

    `certain` are the calls that name a function or are given it, `named` those of them that do so by a name; `members`
    are the attributes that are called or read, by their names, and `asked` those that are asked for by `getattr`.
    """

    def __init__(self, project: Project, links: ModuleLinks) -> None:
        self.project = project
        self.links = links
        self.certain: dict[Scope, list[Reference]] = {}
        self.named: Counter[Scope] = Counter()
        self.members: dict[str, list[tuple[Member, Scope, int, int]]] = {}
        self.given: Counter[tuple[Term, str]] = Counter()
        self.asked: dict[str, list[int]] = {}
        for site in links.calls:
            self._read_call(site.call, Scope(links.path, site.scope), site.place.line)
        for touch in links.touches:
            if isinstance(touch.term, Member) and touch.term.name in _SAID_OF_IT:
                self._note(touch.term.of, Scope(links.path, touch.scope), None)
            elif self.given[touch.term, touch.scope] > 0:  # it is passed, which its call tells
                self.given[touch.term, touch.scope] -= 1
            elif isinstance(touch.term, Member):
                use = touch.term, Scope(links.path, touch.scope), touch.place.line, -1
                self.members.setdefault(touch.term.name, []).append(use)
        for term, qualname in links.overridden:
            self._note(term, Scope(links.path, qualname), None)
        self.bound = list(self._read_names())

    def _read_call(self, call: Call, scope: Scope, line: int) -> None:
        callee = call.callee
        if isinstance(callee, Member):
            self.members.setdefault(callee.name, []).append((callee, scope, line, call.number))
        elif isinstance(callee, Ref):
            self._note(callee, scope, Reference(self.links.path, line, call.number))
            if callee.name in {"getattr", "methodcaller"}:
                for name in (arg.value for arg in call.args if isinstance(arg, Const)):
                    self.asked.setdefault(str(name), []).append(line)
        given = [*call.given]
        given += [item for term in given if isinstance(term, Display) for item in term.values]
        reference = None if _registers(call) else Reference(self.links.path, line, call.number)
        for term in given:
            if isinstance(term, Ref | Member) and self._note(term, scope, reference):
                self.given[term, scope.qualname] += 1

    def _note(self, term: Term, scope: Scope, reference: Reference | None) -> bool:
        """Note what a term names, if that is a function."""
        value = self.project.resolver.resolve(term, scope)
        if isinstance(value, Function):
            self.named[value.scope] += isinstance(term, Ref)
            if reference is not None:
                self.certain.setdefault(value.scope, []).append(reference)
        return isinstance(value, Function)

    def _read_names(self) -> Iterator[tuple[set[Value | None], int, int]]:
        """What the names of the module and of its functions stand for, how often they are read, and a line."""
        resolver, path = self.project.resolver, self.links.path
        for bound, bindings in self.links.bindings.items():
            values = {resolver.resolve_binding(binding, Scope(path)) for binding in bindings}
            yield values, loads_of_module_name(self.links, bound), bindings[0].line
        for function in self.links.functions.values():
            for bound, bindings in function.bindings.items():
                own = [binding for binding in bindings if binding.kind == "function"]
                scope = Scope(path, function.qualname)
                if own:
                    values = {resolver.resolve_binding(binding, scope) for binding in own}
                    yield values, function.loads.get(bound, 0), bindings[0].line

    def uses(self, function: Scope) -> Iterator[Reference]:
        """The uses of one function."""
        own = self.project.resolver.function(function)
        is_method = own is not None and own.in_class
        yield from self.certain.get(function, ())
        for term, scope, line, number in self.members.get(function.name, ()):
            certain = self.project.resolver.resolve(term, scope) == Function(function)
            if (certain and (number >= 0 or is_method)) or (is_method and self._may_be_it(term, scope, function)):
                yield Reference(self.links.path, line, number, certain)
        for line in self.asked.get(function.name, ()):
            yield Reference(self.links.path, line, certain=False)
        for values, loads, line in self.bound:
            if Function(function) in values and loads > self.named[function]:
                yield Reference(self.links.path, line)

    def _may_be_it(self, term: Member, scope: Scope, function: Scope) -> bool:
        """Whether a member of something that is not known well enough may be the method."""
        value = self.project.resolver.resolve(term, scope)
        if isinstance(value, Function):
            return self._is_of_protocol(value, function)
        match term.of:
            case Call(callee=Ref("super")):
                return True
        owner = self.project.resolver.resolve(term.of, scope)
        if isinstance(owner, Instance) and isinstance(owner.of, External):
            return owner.of.name in _GIVING_BACK
        if owner is not None or (term.name in _COMMON and self.links.path not in self.project.relevant):
            return False
        kinds = self.project.types.kinds(term.of, scope)
        return not kinds or "unknown" in kinds

    def _is_of_protocol(self, value: Function, function: Scope) -> bool:
        """Whether a method stands in a protocol, which classes need not name as their base."""
        other = self.project.resolver.function(value.scope)
        if other is None or not other.in_class or value.scope == function:
            return False
        bases = self.project.resolver.bases(Class(Scope(value.scope.path, other.parent)))
        return any(isinstance(base, External) and base.name in _PROTOCOLS for base in bases)


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
    name = last_name(callee)
    if isinstance(callee, Member) and isinstance(callee.of, Member) and callee.of.name == "dependency_overrides":
        return True
    decorates = isinstance(callee, Call) and isinstance(callee.callee, Member)  # `app.get("/")(f)`
    return decorates or name in _REGISTERING or call.keyword("exception_handlers") is not None
