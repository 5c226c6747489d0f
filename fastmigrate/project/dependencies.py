"""Dependencies: what FastAPI calls before a path operation, as parameters, decorators, routers and apps ask for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fastmigrate.facts.terms import Call, Const, Display, Item, Member, Ref, Term
from fastmigrate.knowledge.running import DEPENDS
from fastmigrate.project.alternatives import Alternatives
from fastmigrate.project.appmap import AppMap
from fastmigrate.project.callgraph import Node
from fastmigrate.project.resolve import Resolver
from fastmigrate.project.values import Class, External, Function, Instance, Scope, Value

__all__ = ["dependencies_of"]

_ANNOTATED = {External("typing.Annotated"), External("typing_extensions.Annotated")}


def dependencies_of(operation: Scope, apps: AppMap, resolver: Resolver) -> list[Node]:
    """Every function that FastAPI calls for the sake of a path operation, sub-dependencies included."""
    reader = _Reader(resolver)
    pending = list(reader.of_function(operation))
    for route in apps.routes.get(operation, ()):
        above = [pair for router in apps.above(route.router) for pair in apps.dependencies.get(router, ())]
        pending += [
            found for term, scope in (*route.dependencies, *above) for found in reader.of_term(term, None, scope)
        ]
    done: dict[Node, None] = {}
    while pending:
        node = pending.pop(0)
        if node not in done:
            done[node] = None
            pending += reader.of_function(node.scope)
    return list(done)


class _Reader:
    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self.alternatives = Alternatives(resolver)

    def of_function(self, scope: Scope) -> Iterator[Node]:
        """The dependencies that the parameters of a function ask for, and the fields of a class-based view."""
        function = self.resolver.function(scope)
        for parameter in function.parameters if function is not None else ():
            yield from self.of_term(parameter.default, parameter.annotation, scope)
            yield from self._in_annotation(parameter.annotation, scope)
        owner = Class(Scope(scope.path, function.parent)) if function is not None and function.in_class else None
        links = self.resolver.class_(owner) if owner is not None else None
        for annotation, default in links.annotations.values() if links is not None else ():
            home = Scope(scope.path)
            yield from self.of_term(default, annotation, home)
            yield from self._in_annotation(annotation, home)

    def _in_annotation(self, annotation: Term | None, scope: Scope) -> Iterator[Node]:
        """`Annotated[X, Depends(f)]`, also under a name."""
        if isinstance(annotation, Ref | Member):
            annotation, scope = self.resolver.alias(annotation, scope) or (annotation, scope)
        match annotation:
            case Item(of=wrapper, key=Display(values=(first, *rest))) if (
                self.resolver.resolve(wrapper, scope) in _ANNOTATED
            ):
                for term in rest:
                    yield from self.of_term(term, first, scope)

    def of_term(self, term: Term | None, annotation: Term | None, scope: Scope) -> Iterator[Node]:
        """The functions behind `Depends(…)`; one without an argument means the annotation."""
        if isinstance(term, Ref | Member):  # NEEDED = Depends(f)
            term, scope = self.resolver.behind(term, scope)
        if not isinstance(term, Call):
            return
        kind = self.resolver.resolve(term.callee, scope)
        if not isinstance(kind, External) or kind.name not in DEPENDS:
            return
        given = term.argument(0, "dependency")
        if given is None or given == Const(None):
            yield from self._behind([self.resolver.annotated(annotation, scope)])
        else:
            yield from self._behind(self.alternatives.of(given, scope))

    def _behind(self, values: Iterable[Value | None]) -> Iterator[Node]:
        for value in values:
            match value:
                case Function(scope):
                    function = self.resolver.function(scope)
                    in_class = function is not None and function.in_class
                    yield Node(scope, Class(Scope(scope.path, function.parent)) if in_class and function else None)
                case Class():
                    made = self.resolver.class_member(value, "__init__")
                    if isinstance(made, Function):
                        yield Node(made.scope, value)
                case Instance(of=External("functools.partial"), scope=home, number=number):
                    call = self.resolver.call_at(home.path, number)
                    yield from self._behind(self.resolver.resolve(f, home) for f in (call.args[:1] if call else ()))
                case Instance(of=Class() as kind):
                    called = self.resolver.class_member(kind, "__call__")
                    if isinstance(called, Function):
                        yield Node(called.scope, kind)
