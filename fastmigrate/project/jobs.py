"""Jobs: what functions hand to pools of threads that they make themselves, and where what comes of it comes out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec.structs import replace

from fastmigrate.facts.made_pools import Job, MadePool
from fastmigrate.facts.pools import read_pools
from fastmigrate.facts.sites import Site
from fastmigrate.facts.terms import ANY, Item
from fastmigrate.facts.values import ModuleLinks
from fastmigrate.knowledge.threads import EXECUTOR, JOBS, WAITING_FOR_ALL
from fastmigrate.project.modules import module_name
from fastmigrate.project.values import External, Scope
from fastmigrate.sources import is_test_path

if TYPE_CHECKING:
    from fastmigrate.project.project import Project

__all__ = ["Jobs"]

_PATCHED = re.compile(rb"""["']([\w.]+)\.ThreadPoolExecutor["']""")


class Jobs:
    """Knows the pools that functions make, wherever in the project, and their jobs."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._pools: dict[str, dict[int, MadePool]] = {}

    @cached_property
    def _are_there(self) -> bool:
        """Whether any file names the class of pools: else no call needs to be looked at."""
        return self.project.mentions(EXECUTOR.rpartition(".")[2].encode())

    def pools(self, path: str) -> dict[int, MadePool]:
        """The pools that the functions of a file make, each by the ordinal of the call that makes it."""
        if path not in self._pools:
            self._pools[path] = {}
            links = self.project.links(path) if self._are_there else None
            called = dict(self._called(links)) if links is not None else {}
            made = [number for number, name in called.items() if name == EXECUTOR]
            if made:
                waiting = {n: name.rpartition(".")[2] for n, name in called.items() if name in WAITING_FOR_ALL}
                self._pools[path] = read_pools(self.project.tree_of(path), made, waiting)
        return self._pools[path]

    def _called(self, links: ModuleLinks) -> Iterator[tuple[int, str]]:
        """The calls about pools in the functions of a file, and what they call."""
        for site in links.calls:
            value = self.project.resolver.resolve(site.call.callee, Scope(links.path, site.scope))
            if site.scope and isinstance(value, External) and value.name in {EXECUTOR, *WAITING_FOR_ALL}:
                yield site.call.number, value.name

    def of(self, path: str, call: int) -> tuple[MadePool, Job] | None:
        """The pool to which a call hands a job, if that is made in the same function; and the job."""
        for pool in self.pools(path).values():
            for job in pool.jobs:
                if job.call == call:
                    return pool, job
        return None

    def has(self, path: str, call: int) -> bool:
        """Whether a call hands a job to a pool that is made in the same function."""
        return self.of(path, call) is not None

    def is_handed_by(self, scope: Scope, number: int) -> bool:
        """Whether a call hands a job to a pool of threads, wherever that is made: `pool.submit(…)`, `pool.map(…)`."""
        job = self.of(scope.path, number)
        if job is not None:
            return job[1].how != "executor"
        call = self.project.resolver.call_at(scope.path, number)
        value = self.project.resolver.resolve(call.callee, scope) if call is not None else None
        return bool(JOBS.keys() & set(self.project.resolver.called_names(value)))

    def site(self, path: str, number: int) -> Site:
        """The site of a call that hands a function of requests to a pool: what comes of it comes out elsewhere."""
        found, site = self.of(path, number), self.project.site_of(path, number)
        if found is None or site is None:
            raise LookupError(number)
        given = site.arguments[found[1].at + 1 :]
        if found[1].how == "map":  # of each, one element is given
            given = tuple(replace(one, term=Item(one.term, ANY), simple=True) for one in given if one.keyword is None)
        outlets = [self.project.returned.sites[path][outlet] for outlet in self.outlets(path, number)]
        uses = tuple(dict.fromkeys(use for outlet in outlets for use in outlet.uses))
        handlers = outlets[0].handlers if outlets else ()
        guards = tuple(dict.fromkeys(term for outlet in outlets for term in outlet.guards))
        return replace(site, arguments=given, uses=uses, handlers=handlers, guards=guards)

    def outlets(self, path: str, call: int) -> list[int]:
        """The ordinals of the calls at which the results and the errors of a job come out."""
        found = self.of(path, call)
        if found is None:
            return [call]
        pool, job = found
        if job.how != "submit":
            return [call]
        both = (pool, *(self.pools(path)[other] for other in sorted(pool.others)))
        return list(dict.fromkeys(result.call for one in both for result in one.results))

    def asked_for_its_error(self, path: str, call: int) -> int | None:
        """The line in which a job's future is asked for its error, or None."""
        found = self.of(path, call)
        return next((error.line for error in found[0].errors), None) if found is not None else None

    def ended_by(self, path: str, call: int) -> list[int]:
        """The ordinals of the calls that hand the jobs over whose results a call `future.result()` may give."""
        pools = [pool for pool in self.pools(path).values() if any(result.call == call for result in pool.results)]
        return [job.call for pool in pools for job in pool.jobs]

    def replaced_in_tests(self, path: str) -> str | None:
        """Where a test puts something of its own in the place of the pools that a file makes: `path:line`, or None."""
        for other in self.project.sources.containing(b"ThreadPoolExecutor"):
            content = self.project.sources.read(other) if is_test_path(other) else b""
            for found in _PATCHED.finditer(content):
                module = found[1].decode()
                if module == "concurrent.futures" or f".{module_name(path)}".endswith(f".{module}"):
                    line = content.count(b"\n", 0, found.start()) + 1
                    return f"{other}:{line}"
        return None

    def watched(self, path: str) -> set[int]:
        """The calls about pools of which more has to be known before they can be rewritten."""
        return {
            number
            for pool in self.pools(path).values()
            for calls in (pool.results, pool.waits, pool.shutdowns, pool.completions, pool.jobs)
            for number in (pool.number, *(one.call for one in calls))
        }
