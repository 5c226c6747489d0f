"""What code on the event loop hands to threads: whether that ends in blocking HTTP, and whether it can do without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

from fastmigrate.facts.terms import Call, Member, Ref, Term, dotted
from fastmigrate.facts.values import CallSite
from fastmigrate.knowledge.quick import KEYED_METHODS, QUICK_METHODS, is_quick
from fastmigrate.project.callgraph import CallGraph, Node
from fastmigrate.project.values import Class, External, Function, Instance, Method, Module, Scope

__all__ = ["Offloads"]

_PARTIAL = External("functools.partial")
_HTTP = frozenset({"FM101", "FM102", "FM103"})
Blocks = Callable[[Term, Scope], "tuple[str, str] | None"]


class Offloads:
    """Knows the functions that threads run for code on the event loop.

    `blocks` tells of a called term which rule it breaks on the event loop, and what it is.
    """

    def __init__(self, graph: CallGraph, blocks: Blocks) -> None:
        self.graph = graph
        self.resolver = graph.resolver
        self.blocks = blocks
        self.http = cache(self._http)
        self.in_the_way = cache(self._in_the_way)

    def direct(self, site: CallSite, scope: Scope) -> tuple[str, str, Term] | None:
        """The blocking HTTP function that a call hands to a thread: its code, its name and its term; or None."""
        given = self.function(site.call, scope)
        found = self.blocks(given, scope) if given is not None else None
        return (*found, given) if given is not None and found is not None and found[0] in _HTTP else None

    def partial(self, call: Call, scope: Scope) -> Call | None:
        """The `partial(f, …)` that a call hands to a thread."""
        given = self.graph.offloaded(call, self.resolver.resolve(call.callee, scope), scope.path)
        is_partial = isinstance(given, Call) and given.args and self.resolver.resolve(given.callee, scope) == _PARTIAL
        return given if isinstance(given, Call) and is_partial else None

    def function(self, call: Call, scope: Scope) -> Term | None:
        """What names the function that a call hands to a thread, by itself or in a `partial`."""
        partial = self.partial(call, scope)
        if partial is not None:
            return partial.args[0]
        return self.graph.offloaded(call, self.resolver.resolve(call.callee, scope), scope.path)

    def _below(self, target: Node) -> list[Node]:
        """A function, and all that it runs in its own thread."""
        found = {target: None}
        pending = [target]
        for node in pending:  # grows as it goes
            new = [e.target for e in self.graph.edges(node) if e.how != "thread" and e.target not in found]
            found |= dict.fromkeys(new)
            pending += dict.fromkeys(new)
        return list(found)

    def _calls(self, node: Node) -> Iterator[CallSite]:
        links = self.resolver.links(node.scope.path)
        yield from (site for site in links.calls if site.scope == node.scope.qualname) if links is not None else ()

    def _http(self, target: Node) -> tuple[tuple[Scope, CallSite, str], ...]:
        """The calls of blocking HTTP that a function comes to, each with what it calls."""
        return tuple(
            (node.scope, site, found[1])
            for node in self._below(target)
            for site in self._calls(node)
            if (found := self.blocks(site.call.callee, node.scope)) is not None and found[0] in _HTTP
        )

    def blocking(self, target: Node) -> list[Scope]:
        """The functions to which a function comes that block, sleeping included."""
        scopes = dict.fromkeys(node.scope for node in self._below(target))
        return [scope for scope in scopes if any(self.blocks(s.call.callee, scope) for s in self._calls(Node(scope)))]

    def _in_the_way(self, target: Node) -> str | None:
        """What else a function does that would stop the event loop, or None if it may run there."""
        for node in self._below(target):
            for site in self._calls(node):
                shown = self._slow(site, node)
                if shown is not None:
                    return f"`{shown}` in {node.scope.path}:{site.place.line} {_why(shown)}"
        return None

    def _slow(self, site: CallSite, node: Node) -> str | None:
        """What a call calls, if that is not known to be quick, nor a function of the project, nor blocking HTTP."""
        callee = site.call.callee
        if self.blocks(callee, node.scope) is not None:
            return None
        value = self.graph.value(callee, node)
        match value:
            case External(name):
                return None if is_quick(name) else name
            case Method(Instance(of=External(name)), method):
                return None if is_quick(name) or name.startswith("builtins.") else f"{name}.{method}"
            case Function() | Class() | Instance() | Method() | Module():
                return None
        if isinstance(callee, Member):
            given = bool(site.call.args) and not site.call.keywords
            quick = callee.name in QUICK_METHODS and (given or callee.name not in KEYED_METHODS)
            return None if quick else dotted(callee) or f"….{callee.name}"
        return callee.name if isinstance(callee, Ref) and not self.graph.callees(callee, node) else None


def _why(name: str) -> str:
    """Why a call holds its function back in a thread."""
    if name.startswith("contextvars."):
        return "is about the context of its thread, which is not that of the event loop"
    return "may take long, and would stop the event loop"
