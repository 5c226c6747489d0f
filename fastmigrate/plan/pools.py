"""Steps for pools of threads: their jobs become coroutines, or are awaited in threads of the framework."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from operator import or_

from msgspec.structs import replace

from fastmigrate.facts.made_pools import Job, MadePool, PoolCall
from fastmigrate.facts.terms import Call, Const, Term, dotted
from fastmigrate.knowledge.parity import Parity
from fastmigrate.knowledge.threads import WAITING_FOR_ALL
from fastmigrate.plan import pool_edits as edits
from fastmigrate.plan.awaiting import Awaiting
from fastmigrate.plan.fallback import THREAD
from fastmigrate.plan.goals import Coroutine, Goal, Held, HelperRun, Imported, PoolReplaced, Step, ThroughClient
from fastmigrate.plan.job_pool import Methods, job_pool
from fastmigrate.plan.names import fresh, imported
from fastmigrate.plan.offloading import Offloading
from fastmigrate.plan.pool_edits import Form, How
from fastmigrate.project.blocking import BlockingCall
from fastmigrate.project.callgraph import Edge
from fastmigrate.project.project import Project
from fastmigrate.project.values import External, Method, Scope
from fastmigrate.project.versions import runs_below
from fastmigrate.rewrite.intents import (
    AddImport,
    ArgumentEdit,
    InsertBefore,
    Intent,
    NewArgument,
)

__all__ = ["Pools"]

_WORKERS = 5
"""How many a pool has at least that is not told: `min(32, cpus + 4)`, which is one more from Python 3.13 on."""
_THREADS = 40
_SHARED = "the pool is shared with other functions, and bounds how many run at once: use a semaphore in its place"
_ONLY_REPORTED = "threads of other kinds are only reported: await the work instead, by `run_in_threadpool`"


class Pools:
    """Makes the steps of the goals that concern pools."""

    def __init__(self, project: Project, awaiting: Awaiting, offloading: Offloading) -> None:
        self.project = project
        self.awaiting = awaiting
        self.offloading = offloading
        self.in_threads: set[PoolReplaced] = set()  # those whose jobs stay in threads, for which one awaits

    def replaced(self, goal: PoolReplaced) -> Step | Held:
        """All jobs of a pool are awaited, as many at once as before, and the pool goes."""
        pool = self.project.jobs.pools(goal.path).get(goal.number)
        if pool is None:
            return Held(_SHARED if self._is_wait(goal) else _ONLY_REPORTED)
        scope = self._scope(goal.path, goal.number)
        reason = self._in_the_way(pool, scope)
        if reason is not None:
            return Held(reason)
        needs: list[Goal] = [Coroutine(scope)]
        needs += [PoolReplaced(goal.path, other) for other in sorted(pool.others)]
        form = self._form(goal.path, pool)
        if form.how != "call":
            needs.append(Imported(goal.path, "asyncio"))
        intents: list[Intent] = []
        for job in pool.jobs:
            judged = self._job(job, pool, scope, form)
            if isinstance(judged, Held):
                return judged
            needs += judged.needs
            intents += [intent for _, intent in judged.intents]
        intents += edits.reads(pool, form)
        if form.how == "pool":
            intents += edits.with_pool(pool, form, bounded=self._bounded_in(goal.path))
        else:
            intents += edits.without_pool(pool, form)
        notes = list(self._notes(pool, scope))
        parity = Parity.LOSSY if notes else Parity.EXACT
        steps = tuple((goal.path, intent) for intent in intents)
        call = self.project.resolver.call_at(goal.path, goal.number)
        going = call is not None and form.how != "pool"  # else another callee takes its place
        gone = ((goal.path, scope.qualname, call.callee),) if call is not None and going else ()
        return Step(tuple(dict.fromkeys(needs)), parity, tuple(notes), steps, gone)

    def could_stay_in_threads(self, goal: PoolReplaced) -> bool:
        """Whether it is only for its jobs that a pool stays as it is."""
        pool = self.project.jobs.pools(goal.path).get(goal.number)
        return pool is not None and self._in_the_way(pool, self._scope(goal.path, goal.number)) is None

    def _is_wait(self, goal: PoolReplaced) -> bool:
        """Whether a call waits for jobs of a pool that is made elsewhere."""
        value = self.project.resolver.resolve(self._callee(goal), self._scope(goal.path, goal.number))
        return isinstance(value, Method) or (isinstance(value, External) and value.name in WAITING_FOR_ALL)

    def _callee(self, goal: PoolReplaced) -> Term | None:
        call = self.project.resolver.call_at(goal.path, goal.number)
        return None if call is None else call.callee

    def _scope(self, path: str, number: int) -> Scope:
        links = self.project.links(path)
        site = links.call(number) if links is not None else None
        return Scope(path, site.scope if site is not None else "")

    # -- whether it can be done

    def _in_the_way(self, pool: MadePool, scope: Scope) -> str | None:
        """Why tasks cannot take the place of a pool, or None."""
        if pool.reason:
            return pool.reason
        waiting = [PoolCall(pool.number, pool.line), *(r for r in pool.results if not r.done), *pool.waits]
        for call in (*waiting, *pool.shutdowns):
            site = self.project.site_of(scope.path, call.call)
            site = replace(site, obstacle=None) if site is not None and call in pool.results else site
            reason = self.awaiting.in_the_way(site, scope) if site is not None else "it stands in no function"
            if reason is not None:
                return f"line {call.line} would have to be awaited: {reason}"
        return None

    def _notes(self, pool: MadePool, scope: Scope) -> Iterator[str]:
        """What may differ."""
        for number in (pool.number, *(result.call for result in pool.results)):
            site = self.project.site_of(scope.path, number)
            yield from self.awaiting.doubts(site, scope) if site is not None else ()
        replaced = self.project.jobs.replaced_in_tests(scope.path)
        if replaced is not None:
            yield f"{replaced} replaces `ThreadPoolExecutor`, which the code uses no longer"
        threads = self._told(scope.path, pool) or 0
        if threads > _THREADS and any(not self._http_edges(job, scope) for job in pool.jobs):
            yield f"the pool has {threads} workers, and `run_in_threadpool` has {_THREADS} threads for the whole app"
        completed = {call.call: call.line for call in pool.completions if len(call.arguments) > 1}
        timed = [result.line for result in pool.results if result.arguments] + [*completed.values()]
        if timed and runs_below(self.project.declarations, scope.path, 11):
            yield f"before Python 3.11, the timeout in line {timed[0]} is no `concurrent.futures.TimeoutError`"
        lines = {job.call: job.line for job in pool.jobs} | completed
        for number in (number for number, looped in pool.whole if looped and number in lines):
            yield f"the loop in line {lines[number]} begins when all jobs have ended: if one fails, it does not run"

    # -- jobs

    def _form(self, path: str, pool: MadePool) -> Form:
        links = self.project.links(path)
        name = fresh("JobPool", links.names if links is not None else ())
        wanted = (("asyncio", None), THREAD, ("functools", "partial"))
        return Form(self._how(path, pool), name, *(imported(self.project, path, *one)[0] for one in wanted))

    def _how(self, path: str, pool: MadePool) -> How:
        """In which form: one call after the other, tasks by themselves, or a pool of tasks."""
        made = any(isinstance(argument.term, Call) for job in pool.jobs for argument in job.arguments[:2])
        plain = pool.inline and not pool.others and not made
        if plain and all(job.at_once for job in pool.jobs):
            return "call"
        futures = [job.name for job in pool.jobs]
        alone = pool.in_a_row and len(set(futures)) == len(futures)
        return "task" if plain and alone and not self._is_bounded(path, pool) else "pool"

    def _is_bounded(self, path: str, pool: MadePool) -> bool:
        """Whether there may be more jobs than workers."""
        given = edits.workers(pool)
        workers = _WORKERS if given is None or given.code == "None" else self._told(path, pool)
        counts = [job.count for job in pool.jobs]
        return workers is None or None in counts or sum(count or 0 for count in counts) > workers

    def _told(self, path: str, pool: MadePool) -> int | None:
        """How many workers a pool has, if that is a number, or the name of one."""
        given = edits.workers(pool)
        if given is None:
            return None
        term, _ = self.project.resolver.behind(given.term, self._scope(path, pool.number))
        match term:
            case Const(bool()):
                return None
            case Const(int(workers)) if workers > 0:
                return workers
        return None

    def _http_edges(self, job: Job, scope: Scope) -> list[tuple[Scope, Edge]]:
        """Where a job comes to HTTP; nowhere, if it goes to a thread of the framework."""
        return [
            (node.scope, edge)
            for node, edge in self.project.reach.handed
            if (node.scope.path, edge.call) == (scope.path, job.call) and self.project.offloads.http(edge.target)
        ]

    def _job(self, job: Job, pool: MadePool, scope: Scope, form: Form) -> Step | Held:
        """A call that hands a job over does so to a pool of tasks, or makes a task, or is awaited at once."""
        key = (scope.path, job.call)
        around = tuple((scope.path, intent) for intent in edits.around(job, form))
        stays = PoolReplaced(scope.path, pool.number) in self.in_threads
        if not stays and any(call.key == key and call.is_offloaded for call in self.project.blocking):
            return Step((ThroughClient(*key),), intents=around)
        edges = self._http_edges(job, scope)
        if stays or not edges:
            needs: list[Goal] = [Imported(scope.path, *THREAD)]
            needs += [Imported(scope.path, "functools", "partial")] if job.how == "map" else []
            return Step(tuple(needs), intents=((scope.path, edits.in_thread(job, pool, form)), *around))
        needs = []
        for caller, edge in edges:
            behind = self.offloading.behind(edge)
            if isinstance(behind, Held):
                return behind
            needs += [HelperRun(caller, edge), *behind]
        return Step(tuple(needs), intents=around)

    def job_run(self, caller: Scope, edge: Edge) -> Step | Held:
        """A function hands a coroutine function to a pool, which awaits it."""
        pool, job = self._known(caller, edge)
        if PoolReplaced(caller.path, pool.number) in self.in_threads:
            return Held(f"line {job.line} hands it to a pool whose jobs stay in threads")
        call = self.project.resolver.call_at(caller.path, edge.call)
        at = job.at
        name = self.project.name_of(edge.target.scope)
        if self.project.resolver.defined(edge.target.scope).number < 0:
            return Held(f"what line {job.line} hands to the pool is a lambda: hand over a function, and its arguments")
        if len(job.arguments) <= at or any(argument.star or argument.keyword for argument in job.arguments[: at + 1]):
            return Held(f"`{name}` is not the first argument in line {job.line}")
        partial = self.project.offloads.partial(call, caller) if call is not None else None
        made = (
            partial.args[0] if partial is not None else self.project.offloads.function(call, caller) if call else None
        )
        if made is None or dotted(made) is None:
            return Held(f"what line {job.line} hands to the pool is made in that call: hand over a function")
        return Step((Coroutine(caller), PoolReplaced(caller.path, pool.number)))

    def _known(self, caller: Scope, edge: Edge) -> tuple[MadePool, Job]:
        found = self.project.jobs.of(caller.path, edge.call)
        if found is None:
            raise LookupError(edge)
        return found

    def edits(self, caller: Scope, edge: Edge, clients: list[str], renamed: str | None) -> Iterator[Intent]:
        """The edits of a call that hands a coroutine function to a pool, clients before its arguments.

        `renamed` is what the function is called by now, if it has another name.
        """
        pool, job = self._known(caller, edge)
        call = self.project.resolver.call_at(caller.path, edge.call)
        assert call is not None
        partial = self.project.offloads.partial(call, caller)
        made = None if partial is None else partial.number
        _, there = imported(self.project, caller.path, "functools", "partial")
        for edit in edits.as_coroutine(job, pool, self._form(caller.path, pool), clients, renamed, made):
            if not (there and isinstance(edit, AddImport)):
                yield edit

    # -- functions of requests as jobs

    def direct_in_the_way(self, call: BlockingCall) -> str | None:
        """Why a client cannot do what a pool was given of requests, or None."""
        path, number = call.key
        found = self.project.jobs.of(path, number)
        if found is None or found[0].reason:
            return found[0].reason if found is not None else _SHARED
        job = found[1]
        given = [a for a in job.arguments[job.at + 1 :] if a.keyword != "chunksize"]
        if call.callee.startswith("requests.Session.") or any(a.star or a.keyword == "stream" for a in given):
            return f"line {job.line} hands `{call.callee}` to the pool: call it in a function, and hand that over"
        if job.how == "map" and (len(given) != 1 or given[0].keyword is not None):
            return f"line {job.line} maps `{call.callee}` over more than one thing: call it in a function"
        sites = [self.project.returned.sites[path][outlet] for outlet in self.project.jobs.outlets(path, number)]
        if any(site.handlers != sites[0].handlers or site.errors for site in sites):
            return "its errors come out under several handlers, or are read there"
        return None

    def direct(
        self,
        path: str,
        pool: MadePool,
        job: Job,
        callee: str,
        changes: Sequence[ArgumentEdit],
        added: list[NewArgument],
    ) -> Iterator[Intent]:
        """The edits of a call that hands a function of requests to a pool; `changes` count the arguments behind it."""
        return edits.as_method(job, pool, self._form(path, pool), callee, changes, added)

    def _pooled(self, path: str) -> list[MadePool]:
        """The pools of a file in whose place pools of tasks come."""
        pools = self.project.jobs.pools(path).values()
        return [pool for pool in pools if not pool.reason and self._how(path, pool) == "pool"]

    def _bounded_in(self, path: str) -> bool:
        return any(self._is_bounded(path, pool) for pool in self._pooled(path))

    def lowered(self, goals: Iterable[Goal]) -> Iterator[tuple[str, Intent]]:
        """The class of the pools of tasks, in each file that makes one, with the methods that it uses."""
        made: dict[str, list[MadePool]] = {}
        for goal in goals:
            if isinstance(goal, PoolReplaced):
                pool = self.project.jobs.pools(goal.path)[goal.number]
                if self._how(goal.path, pool) == "pool":
                    made.setdefault(goal.path, []).append(pool)
        for path, pools in made.items():
            needed = reduce(or_, (self._methods(path, pool) for pool in pools))
            needed = replace(needed, bounded=self._bounded_in(path))
            names = {module: imported(self.project, path, module) for module in ("asyncio", "os")}
            if needed.bounded and needed.counted and not names["os"][1]:
                yield path, edits.added_import("os", names["os"][0])
            called = {module: bound for module, (bound, _) in names.items()}
            first = min(self.project.resolver.defined(self._scope(path, pool.number)).number for pool in pools)
            yield (
                path,
                InsertBefore("function", first, job_pool(needed, name=self._form(path, pools[0]).name, **called)),
            )

    def _methods(self, path: str, pool: MadePool) -> Methods:
        return Methods(
            bounded=self._is_bounded(path, pool),
            counted=self._told(path, pool) is None,
            entered=pool.block >= 0,
            shutdown=bool(pool.shutdowns),
            map=any(job.how == "map" for job in pool.jobs),
            as_completed=bool(pool.completions),
            timeout=any(len(call.arguments) > 1 for call in pool.completions),
            wait=bool(pool.waits),
        )
