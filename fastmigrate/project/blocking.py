"""Blocking calls: which calls block, and those of them that the event loop, or a thread in its stead, waits for."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from fastmigrate.facts.terms import Member, Term
from fastmigrate.facts.values import CallSite, Place
from fastmigrate.knowledge.blocking import BLOCKING_CALLS
from fastmigrate.knowledge.httpx_clients import CLIENTS
from fastmigrate.project.alternatives import Alternatives
from fastmigrate.project.callgraph import Node
from fastmigrate.project.modules import name_of
from fastmigrate.project.resolve import Resolver
from fastmigrate.project.values import Class, Function, Scope

if TYPE_CHECKING:
    from fastmigrate.project.project import Project

__all__ = ["BlockingCall", "BlockingNames", "blocking_calls_in"]


class BlockingCall(Struct, frozen=True):
    """A call that blocks the event loop, and what it calls, by its canonical name.

    `is_configured` says that the user's configuration calls it blocking, and nothing else is known of it;
    `is_handed_over` that the call is only given what blocks, and calls that: `map(requests.get, urls)`; `in_thread`
    that it blocks a thread to which code on the event loop hands it, and `offloaded` is what this very call hands over:
    `asyncio.to_thread(requests.get, url)`.
    """

    code: str
    callee: str
    function: Scope
    site: CallSite
    place: Place
    is_configured: bool = False
    is_handed_over: bool = False
    in_thread: bool = False
    offloaded: Term | None = None

    @property
    def is_offloaded(self) -> bool:
        """Whether it hands what it calls to a thread."""
        return self.offloaded is not None

    @property
    def called(self) -> Term:
        """What it calls, or has called by a thread."""
        return self.offloaded if self.offloaded is not None else self.site.call.callee

    @property
    def key(self) -> tuple[str, int]:
        """Its file, and its ordinal among the calls there."""
        return self.function.path, self.site.call.number


class BlockingNames:
    """Knows what blocks, by its canonical name; `configured` are the names that the user adds."""

    def __init__(self, resolver: Resolver, configured: Container[str]) -> None:
        self.resolver = resolver
        self.configured = configured
        self.alternatives = Alternatives(resolver)

    def __call__(self, called: Term, scope: Scope) -> tuple[str, str] | None:
        """The code of the rule that a call breaks on the event loop and the name of what it calls, or None."""
        callee = self.resolver.resolve(called, scope)
        for name in self.resolver.called_names(callee):
            if name in BLOCKING_CALLS:
                return BLOCKING_CALLS[name], name
            if name in self.configured:
                return "FM101", name
        if isinstance(callee, Function | Class) and name_of(callee.scope) in self.configured:
            return "FM101", name_of(callee.scope)
        return self._of_several(called, scope) if callee is None else None

    def _of_several(self, callee: Term, scope: Scope) -> tuple[str, str] | None:
        """The same for a method of a name that stands for one session after the other."""
        owners = self.alternatives.of(callee.of, scope) if isinstance(callee, Member) else []
        for kind in ("requests.Session", *sorted(CLIENTS)):
            if owners and all(self.resolver.is_a(owner, {kind}) for owner in owners):
                name = f"{kind}.{callee.name}" if isinstance(callee, Member) else ""
                return (BLOCKING_CALLS[name], name) if name in BLOCKING_CALLS else None
        return None


def blocking_calls_in(project: Project, path: str) -> Iterator[BlockingCall]:
    """The blocking calls of a file that code on the event loop makes, or hands to threads."""
    links = project.links(path)
    for site in links.calls if links is not None else ():
        scope = Scope(path, site.scope)
        if scope not in project.reach or _is_outside(project, scope):
            continue
        found = project.blocks(site.call.callee, scope)
        handed = next(_handed_over(project, site, scope), None) if found is None else None
        offloaded = project.offloads.direct(site, scope) if found is None and handed is None else None
        if found is None and handed is None and offloaded is None:
            continue
        code, callee = found or handed or offloaded[:2]  # type: ignore[index]
        place = project.place_in_text(path, site.place)
        configured = callee not in BLOCKING_CALLS
        in_thread = offloaded is not None or scope in project.reach.offloaded
        given = offloaded[2] if offloaded is not None else None
        yield BlockingCall(code, callee, scope, site, place, configured, handed is not None, in_thread, given)


def _handed_over(project: Project, site: CallSite, scope: Scope) -> Iterator[tuple[str, str]]:
    """What a call is given that blocks, and that it calls."""
    for term in project.graph.called_back(site, Node(scope)):
        found = project.blocks(term, scope)
        if found is not None:
            yield found


def _is_outside(project: Project, scope: Scope) -> bool:
    """Whether a function is a lambda of a module or a class: nothing can be said of the calls in it."""
    function = project.resolver.function(scope)
    return function is not None and function.number < 0 and (not function.parent or function.in_class)
