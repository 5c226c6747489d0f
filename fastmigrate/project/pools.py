"""Threads that code on the event loop waits for: pools that it makes, shared ones, and single threads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from fastmigrate.facts.terms import ANY, Call, Item, Member, Ref, Term
from fastmigrate.facts.values import CallSite
from fastmigrate.knowledge.threads import POOLS, THREAD, WAITING_FOR_ALL, WAITS_OF_FUTURES, WAITS_OF_POOLS
from fastmigrate.project.callgraph import Node
from fastmigrate.project.choices import Choices
from fastmigrate.project.values import External, Instance, Method, Scope, Value

if TYPE_CHECKING:
    from fastmigrate.project.project import Project

__all__ = ["TOKENS", "Wait", "waits_for_threads"]

TOKENS = (b"ThreadPool", b"Thread(", b"multiprocessing.dummy")
"""A project whose files hold none of these has no threads that anything waits for."""
_METHODS = frozenset(name.rpartition(".")[2] for name in WAITS_OF_POOLS | WAITS_OF_FUTURES)


class Wait(Struct, frozen=True):
    """A call in code on the event loop that makes a pool or a thread, or waits for a shared one; `what` it is."""

    scope: Scope
    site: CallSite
    what: str
    is_made: bool


def waits_for_threads(project: Project) -> Iterator[Wait]:
    """The calls that make code on the event loop wait for threads, in the order of the files."""
    if not project.mentions(*TOKENS):
        return
    readers = {scope: _Reader(project, scope) for scope in project.reach.nodes if scope not in project.reach.offloaded}
    for path in sorted({scope.path for scope in readers}):
        links = project.links(path)
        for site in links.calls if links is not None else ():
            reader = readers.get(Scope(path, site.scope))
            yield from reader.waits(site) if reader is not None else ()


class _Reader:
    def __init__(self, project: Project, scope: Scope) -> None:
        self.project = project
        self.scope = scope
        self.receiver = project.reach.nodes[scope][0].receiver
        self.choices = Choices(project.resolver, self._value)

    def _value(self, term: Term, home: Scope) -> Value | None:
        return self.project.graph.value(term, Node(home, self.receiver))

    def _all(self, term: Term) -> list[Value]:
        """All that a term may stand for, a name that several loops use included."""
        found = self.project.resolver.lookup(term.name, self.scope) if isinstance(term, Ref) else None
        loops = [binding.term for binding in found[0] if binding.kind == "each"] if found is not None else []
        several = (value for of in loops for value in self.choices.of(Item(of, ANY), self.scope))
        return [*self.choices.of(term, self.scope), *several]

    def waits(self, site: CallSite) -> Iterator[Wait]:
        """The call, if it is one that waits."""
        call = site.call
        value = self._value(call.callee, self.scope)
        if isinstance(value, External) and value.name in POOLS:
            yield Wait(self.scope, site, value.name.rpartition(".")[2], is_made=True)
        elif isinstance(value, External) and value.name == THREAD and self._is_joined(call):
            yield Wait(self.scope, site, "Thread", is_made=True)
        elif isinstance(value, External) and value.name in WAITING_FOR_ALL:
            if self._is_shared_by_any(Item(call.args[0], ANY) if call.args else None):
                yield Wait(self.scope, site, value.name.rpartition(".")[2], is_made=False)
        elif isinstance(call.callee, Member) and call.callee.name in _METHODS:
            yield from self._of_method(site, call.callee)

    def _of_method(self, site: CallSite, callee: Member) -> Iterator[Wait]:
        """`POOL.map(…)`, `POOL.submit(…).result()`."""
        for owner in self._all(callee.of):
            if not isinstance(owner, Instance):
                continue
            names = set(self.project.resolver.called_names(Method(owner, callee.name)))
            waits = names & WAITS_OF_POOLS and self._is_shared(owner)
            if waits or (names & WAITS_OF_FUTURES and self._is_shared(self._pool_of(owner))):
                yield Wait(self.scope, site, f"{min(names).split('.')[-2]}.{callee.name}", is_made=False)
                return

    def _is_shared_by_any(self, term: Term | None) -> bool:
        """Whether one of several futures is that of a pool which was not made on the event loop."""
        pools = self._pools_of(self.choices.of(term, self.scope))
        if not pools:  # the futures are the keys of a dict, say: any of the function's may be among them
            links = self.project.links(self.scope.path)
            sites = links.calls if links is not None else ()
            pools = self._pools_of(self._value(s.call, self.scope) for s in sites if s.scope == self.scope.qualname)
        return any(self._is_shared(pool) for pool in pools)

    def _pools_of(self, futures: Iterable[Value | None]) -> list[Value]:
        found = (self._pool_of(one) for one in futures if isinstance(one, Instance))
        return [pool for pool in found if self.project.resolver.is_a(pool, POOLS)]  # type: ignore[misc]

    def _pool_of(self, future: Instance) -> Value | None:
        """The pool whose method gave a future."""
        call = self.project.resolver.call_at(future.scope.path, future.number)
        of = call.callee.of if call is not None and isinstance(call.callee, Member) else None
        return next(iter(self.choices.of(of, future.scope)), None)

    def _is_shared(self, pool: Value | None) -> bool:
        """Whether something is a pool that was not made on the event loop: where it was, that is reported."""
        return (
            isinstance(pool, Instance)
            and self.project.resolver.is_a(pool, POOLS)
            and pool.scope not in self.project.reach
        )

    def _is_joined(self, call: Call) -> bool:
        """Whether a function waits for a thread that it makes."""
        links = self.project.links(self.scope.path)
        for site in links.calls if links is not None else ():
            joins = isinstance(site.call.callee, Member) and site.call.callee.name == "join"
            if joins and site.scope == self.scope.qualname:
                assert isinstance(site.call.callee, Member)
                made = self._all(site.call.callee.of)
                if any(isinstance(one, Instance) and one.number == call.number for one in made):
                    return True
        return False
