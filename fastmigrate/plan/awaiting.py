"""Whether a call may be awaited where it stands, and what could happen elsewhere meanwhile."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastmigrate.facts.sites import Site
from fastmigrate.facts.terms import Await, Call, Item, Member, Ref, Term, Truthy
from fastmigrate.project.project import Project
from fastmigrate.project.values import Class, External, Instance, Scope

__all__ = ["Awaiting"]

_LOCKS = frozenset(
    f"{module}.{name}"
    for module in ("threading", "multiprocessing")
    for name in ("Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition")
)
_OBSTACLES = {
    "generator": "it stands in a generator expression, which an `await` would make asynchronous: use a list instead",
    "class body": "it stands in the body of a class, where nothing can be awaited",
    "lambda": "it stands in a lambda, where nothing can be awaited",
}


class Awaiting:
    """Judges the places of calls, whatever it is that they call."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def in_the_way(self, site: Site, scope: Scope) -> str | None:
        """Why a call cannot be awaited where it stands, or None."""
        if site.obstacle in _OBSTACLES and not (site.obstacle == "lambda" and self.project.handing(scope)):
            return _OBSTACLES[site.obstacle]
        for term in (*site.guards, *site.acquired):
            if self._is_lock(term, scope):
                return "a thread lock is held around it: across an `await`, it would stop every other task"
        return None

    def doubts(self, site: Site, scope: Scope) -> Iterator[str]:
        """What an `await` may change, by letting other tasks run."""
        if site.obstacle == "nested comprehension":
            yield "an `await` in a nested comprehension needs Python 3.11 or newer"
        links = self.project.links(scope.path)
        for name in site.looped:
            if links is not None and name in links.mutated:
                yield f"the loop around it runs over `{name}`, which another request may change meanwhile"
        for state in site.stale:
            yield f"`{state}` is read before the call and written after it: another request may change it meanwhile"

    def _is_lock(self, term: Term, scope: Scope) -> bool:
        """Whether a term is a lock of threads, is called so, or locks something when it is entered."""
        value = self.project.resolver.resolve(term, scope)
        if isinstance(value, Instance):
            for base in self.project.resolver.bases(value.of):
                if isinstance(base, External) and base.name in _LOCKS:
                    return True
                if isinstance(base, Class):
                    entered = Scope(base.scope.path, f"{base.scope.qualname}.__enter__")
                    function = self.project.resolver.function(entered)
                    if function is not None and "acquire" in function.members:
                        return True
            return False
        name = _last_name(term)
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().split("_")
        return not {"lock", "locks", "rlock", "mutex", "semaphore"}.isdisjoint(words)


def _last_name(term: Term) -> str:
    """The name of what is called, subscripted or read, without what it is given."""
    match term:
        case Ref(name) | Member(_, name):
            return name
        case Call(callee=inner) | Item(of=inner) | Await(of=inner) | Truthy(of=inner):
            return _last_name(inner)
    return ""
