"""Definitions: the functions, classes and calls of a project's files, and the bindings that a name has in a scope."""

from __future__ import annotations

from collections.abc import Callable

from fastmigrate.facts.terms import Call
from fastmigrate.facts.values import Binding, ClassLinks, FunctionLinks, ModuleLinks
from fastmigrate.project.modules import ModuleTree
from fastmigrate.project.values import Class, Scope

__all__ = ["Definitions", "lasting"]


class Definitions:
    """Looks up what the links of a project's files define; `links` gives those of a file, or None."""

    def __init__(self, tree: ModuleTree, links: Callable[[str], ModuleLinks | None]) -> None:
        self.tree = tree
        self.links = links

    def function(self, scope: Scope) -> FunctionLinks | None:
        """The function whose scope this is."""
        links = self.links(scope.path)
        return None if links is None else links.functions.get(scope.qualname)

    def defined(self, scope: Scope) -> FunctionLinks:
        """The function whose scope this is; LookupError if there is none."""
        function = self.function(scope)
        if function is None:
            raise LookupError(scope)
        return function

    def is_async(self, scope: Scope) -> bool:
        """Whether a scope is that of a coroutine function or an asynchronous generator."""
        function = self.function(scope)
        return function is not None and function.is_async

    def call_at(self, path: str, number: int) -> Call | None:
        """The call with this ordinal in a file."""
        links = self.links(path)
        site = links.call(number) if links is not None else None
        return None if site is None else site.call

    def class_(self, value: Class) -> ClassLinks | None:
        """The links of a class of the project."""
        links = self.links(value.scope.path)
        return None if links is None else links.classes.get(value.scope.qualname)

    def lookup(self, name: str, scope: Scope) -> tuple[tuple[Binding, ...], Scope] | None:
        """The bindings of a name as seen from a scope, and the scope that holds them."""
        links = self.links(scope.path)
        if links is None:
            return None
        qualname = scope.qualname
        function = links.functions.get(qualname)
        if function is None and qualname in links.classes and name in links.classes[qualname].bindings:
            return links.classes[qualname].bindings[name], scope
        while function is not None:
            if name in function.bindings:
                return function.bindings[name], Scope(scope.path, qualname)
            qualname = function.parent
            while qualname and qualname not in links.functions:  # a class body is no scope for its methods
                qualname = qualname.rpartition(".")[0]
            function = links.functions.get(qualname)
        if name in links.bindings:
            return lasting(links.bindings[name]), Scope(scope.path)
        return None

    def takes_all(self, links: ModuleLinks, path: str) -> bool:
        """Whether a file imports everything from another one: `from x import *`."""
        return any(self.tree.find(links.path, star.module, star.level) == path for star in links.stars)

    def imported(self, binding: Binding, home: Scope) -> Scope | None:
        """The module of the project from which a binding of a scope imports a name; None of any other binding."""
        path = self.tree.find(home.path, binding.module, binding.level) if binding.kind == "from" else None
        return None if path is None or path.endswith("/") else Scope(path)


def lasting(bindings: tuple[Binding, ...]) -> tuple[Binding, ...]:
    """The bindings of a name, less imports that another value replaces: `import app.models`, `app = FastAPI()`."""
    last = max((b.line for b in bindings if b.kind == "value" and not b.guarded), default=0)
    return tuple(b for b in bindings if b.kind != "import" or b.line > last)
