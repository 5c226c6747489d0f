"""Steps for pools of threads: their jobs become coroutines, or are awaited in threads of the framework."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_

from fastmigrate.facts.pools import Job, MadePool, PoolCall
from fastmigrate.facts.sites import Argument
from fastmigrate.facts.terms import Const, Term, dotted
from fastmigrate.knowledge.parity import Parity
from fastmigrate.knowledge.threads import WAITING_FOR_ALL
from fastmigrate.plan.awaiting import Awaiting
from fastmigrate.plan.fallback import THREAD
from fastmigrate.plan.goals import Coroutine, Goal, Held, HelperRun, Imported, PoolReplaced, Step, ThroughClient
from fastmigrate.plan.job_pool import Methods, job_pool
from fastmigrate.plan.names import fresh, imported
from fastmigrate.plan.offloading import Offloading
from fastmigrate.project.blocking import BlockingCall
from fastmigrate.project.callgraph import Edge
from fastmigrate.project.project import Project
from fastmigrate.project.values import External, Method, Scope
from fastmigrate.rewrite.intents import (
    AddImport,
    ArgumentEdit,
    Collect,
    EditCall,
    InsertBefore,
    Intent,
    MakeAsync,
    NewArgument,
    StatementAfter,
    Template,
    UnwrapWith,
)

__all__ = ["Pools"]

_WORKERS = 5
"""How many a pool has at least that is not told: `min(32, cpus + 4)`, which is one more from Python 3.13 on."""
_FORGOTTEN = frozenset({"thread_name_prefix", "max_workers"})
_SHARED = "the pool is shared with other functions, and bounds how many run at once: use a semaphore in its place"
_ONLY_REPORTED = "threads of other kinds are only reported: await the work instead, by `run_in_threadpool`"


@dataclass(frozen=True, slots=True)
class _Form:
    """How a pool is replaced: by tasks alone, by one call after the other, or ("pool") by a pool of tasks."""

    how: str
    asyncio: str = "asyncio"
    thread: str = "run_in_threadpool"
    partial: str = "partial"


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
        intents += self._reads(pool, form)
        intents += self._without_pool(pool, form) if form.how != "pool" else self._with_pool(pool, goal.path)
        notes = list(self._notes(pool, scope))
        parity = Parity.LOSSY if notes else Parity.EXACT
        edits = tuple((goal.path, intent) for intent in intents)
        call = self.project.resolver.call_at(goal.path, goal.number)
        going = call is not None and form.how != "pool"  # else another callee takes its place
        gone = ((goal.path, scope.qualname, call.callee),) if call is not None and going else ()
        return Step(tuple(dict.fromkeys(needs)), parity, tuple(notes), edits, gone)

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
        for argument in pool.arguments:
            if argument.star or argument.keyword in {"initializer", "initargs"}:
                return "the pool has an `initializer`, or arguments that are not written there"
        if len([argument for argument in pool.arguments if argument.keyword is None]) > 1:
            return "the pool is given more than its number of workers by position"
        if pool.beside:
            return "the `with` statement that enters the pool enters more: give the pool one of its own"
        for call in pool.shutdowns:
            if any(a.keyword == "cancel_futures" or a.code != "True" for a in call.arguments):
                return f"`shutdown` in line {call.line} does not just wait for the jobs"
        if pool.block < 0 and not pool.shutdowns:
            return "nothing waits for all jobs of the pool: enter it by `with`"
        for job in pool.jobs:
            if job.how == "map" and any(argument.keyword == "timeout" for argument in job.arguments):
                return f"`map` in line {job.line} has a `timeout`"
        waiting = [PoolCall(pool.number, pool.line), *(r for r in pool.results if not r.done), *pool.waits]
        for call in (*waiting, *pool.shutdowns):
            site = self.project.site_of(scope.path, call.call)
            reason = self.awaiting.in_the_way(site, scope) if site is not None else "it stands in no function"
            if reason is not None:
                return f"line {call.line} would have to be awaited: {reason}"
        return None

    def _notes(self, pool: MadePool, scope: Scope) -> Iterator[str]:
        """What may differ."""
        for number in (pool.number, *(result.call for result in pool.results)):
            site = self.project.site_of(scope.path, number)
            yield from self.awaiting.doubts(site, scope) if site is not None else ()
        for number, looped in pool.whole:
            timed = {call.call: call.line for call in pool.completions if len(call.arguments) > 1}
            line = {job.call: job.line for job in pool.jobs} | timed
            if looped and number in line:
                yield f"the loop in line {line[number]} begins when all jobs have ended: if one fails, it does not run"

    # -- jobs

    def _form(self, path: str, pool: MadePool) -> _Form:
        asyncio, _ = imported(self.project, path, "asyncio")
        thread, _ = imported(self.project, path, *THREAD)
        partial, _ = imported(self.project, path, "functools", "partial")
        names = (asyncio, thread, partial)
        plain = pool.block >= 0 and not pool.others
        if plain and all(job.at_once for job in pool.jobs):
            return _Form("call", *names)
        futures = [job.name for job in pool.jobs]
        alone = pool.is_awaited_after_submits and len(set(futures)) == len(futures)
        if plain and alone and not self._is_bounded(path, pool):
            return _Form("task", *names)
        return _Form("pool", *names)

    def _is_bounded(self, path: str, pool: MadePool) -> bool:
        """Whether there may be more jobs than workers."""
        given = _workers(pool)
        workers = _WORKERS if given is None or given.code == "None" else self._told(path, pool)
        counts = [job.count for job in pool.jobs]
        return workers is None or None in counts or sum(count or 0 for count in counts) > workers

    def _told(self, path: str, pool: MadePool) -> int | None:
        """How many workers a pool has, if that is a number, or the name of one."""
        given = _workers(pool)
        if given is None:
            return None
        term, _ = self.project.resolver.behind(given.term, self._scope(path, pool.number))
        match term:
            case Const(bool()):
                return None
            case Const(int(workers)) if workers > 0:
                return workers
        return None

    def _job(self, job: Job, pool: MadePool, scope: Scope, form: _Form) -> Step | Held:
        """A call that hands a job over does so to a pool of tasks, or makes a task, or is awaited at once."""
        key = (scope.path, job.call)
        stays = PoolReplaced(scope.path, pool.number) in self.in_threads
        if not stays and any(call.key == key and call.is_offloaded for call in self.project.blocking):
            around = tuple((scope.path, intent) for intent in self._around(job, form))
            return Step((ThroughClient(*key),), intents=around)
        edges = [
            (node.scope, edge)
            for node, edge in self.project.reach.handed
            if (node.scope.path, edge.call) == key and self.project.offloads.http(edge.target)
        ]
        intents = [(scope.path, intent) for intent in self._around(job, form)]
        if stays or not edges:
            needs: list[Goal] = [Imported(scope.path, *THREAD)]
            needs += [Imported(scope.path, "functools", "partial")] if job.how == "map" else []
            intents.insert(0, (scope.path, self._in_thread(job, pool, form)))
            return Step(tuple(needs), intents=tuple(intents))
        needs = []
        for caller, edge in edges:
            behind = self.offloading.behind(edge)
            if isinstance(behind, Held):
                return behind
            needs += [HelperRun(caller, edge), *behind]
        return Step(tuple(needs), intents=tuple(intents))

    @staticmethod
    def _around(job: Job, form: _Form) -> Iterator[Intent]:
        if form.how == "task":
            yield Template("call", job.call, f"{form.asyncio}.create_task({{}})")

    @staticmethod
    def _in_thread(job: Job, pool: MadePool, form: _Form) -> EditCall:
        """The call that hands over what stays in a thread."""
        dropped = (ArgumentEdit(0, None, drop=True),) if job.how == "executor" else ()
        if form.how != "pool":
            return EditCall(job.call, form.thread, dropped)
        if job.how == "map":
            given = ArgumentEdit(0, None, f"{form.partial}({form.thread}, {{}})")
            return EditCall(job.call, arguments=(given, *_in_chunks(job)))
        added = (NewArgument(None, form.thread),)
        if job.how == "executor":
            return EditCall(job.call, f"{pool.name}.submit", dropped, added)
        return EditCall(job.call, added=added)

    def job_run(self, caller: Scope, edge: Edge) -> Step | Held:
        """A function hands a coroutine function to a pool, which awaits it."""
        pool, job = self._known(caller, edge)
        if PoolReplaced(caller.path, pool.number) in self.in_threads:
            return Held(f"line {job.line} hands it to a pool whose jobs stay in threads")
        call = self.project.resolver.call_at(caller.path, edge.call)
        at = 1 if job.how == "executor" else 0
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
        form = self._form(caller.path, pool)
        at = 1 if job.how == "executor" else 0
        code = job.arguments[at].code
        partial = self.project.offloads.partial(call, caller)
        if partial is not None:
            added = tuple(NewArgument(None, client, after=1) for client in clients)
            renaming = (ArgumentEdit(0, None, _renamed("{}", renamed)),) if renamed is not None else ()
            yield EditCall(partial.number, arguments=renaming, added=added)
            clients = []
        elif form.how != "pool":
            added = tuple(NewArgument(None, client) for client in clients)
            dropped = tuple(ArgumentEdit(index, None, drop=True) for index in range(at + 1))
            yield EditCall(job.call, _renamed(code, renamed), dropped, added)
            return
        given: tuple[ArgumentEdit, ...] = (ArgumentEdit(0, None, drop=True),) if at else ()
        if partial is None and job.how == "map" and clients:
            bound, there = imported(self.project, caller.path, "functools", "partial")
            given = (ArgumentEdit(0, None, f"{bound}({', '.join([_renamed(code, renamed), *clients])})"),)
            clients = []
            if not there:
                yield _import("functools", bound, "partial")
        elif partial is None and renamed is not None:
            given = (*given, ArgumentEdit(at, None, _renamed(code, renamed)))
        given = (*given, *_in_chunks(job))
        if at or given or clients:
            added = tuple(NewArgument(None, client, after=1) for client in clients)
            yield EditCall(job.call, f"{pool.name}.submit" if at else None, given, added)

    # -- functions of requests as jobs

    def direct_in_the_way(self, call: BlockingCall) -> str | None:
        """Why a client cannot do what a pool was given of requests, or None."""
        path, number = call.key
        found = self.project.jobs.of(path, number)
        if found is None or found[0].reason:
            return found[0].reason if found is not None else _SHARED
        job = found[1]
        given = [a for a in job.arguments[2 if job.how == "executor" else 1 :] if a.keyword != "chunksize"]
        if call.callee.startswith("requests.Session.") or any(a.star or a.keyword == "stream" for a in given):
            return f"line {job.line} hands `{call.callee}` to the pool: call it in a function, and hand that over"
        if job.how == "map" and (len(given) != 1 or given[0].keyword is not None):
            return f"line {job.line} maps `{call.callee}` over more than one thing: call it in a function"
        sites = [self.project.returned.sites[path][outlet] for outlet in self.project.jobs.outlets(path, number)]
        if any(site.handlers != sites[0].handlers or site.errors for site in sites):
            return "its errors come out under several handlers, or are read there"
        return None

    def direct(
        self, path: str, pool: MadePool, job: Job, callee: str, edits: Sequence[ArgumentEdit], added: list[NewArgument]
    ) -> Iterator[Intent]:
        """The edits of a call that hands a function of requests to a pool; `edits` count the arguments behind it."""
        given: tuple[ArgumentEdit, ...]
        form = self._form(path, pool)
        at = 1 if job.how == "executor" else 0
        shifted = tuple(replace(edit, index=edit.index + at + 1) for edit in edits)
        if form.how != "pool":
            dropped = tuple(ArgumentEdit(index, None, drop=True) for index in range(at + 1))
            yield EditCall(job.call, callee, (*dropped, *shifted), tuple(added))
        elif job.how == "map" and (added or edits):
            given = (ArgumentEdit(0, None, _lambda(job, callee, edits, added)), *_in_chunks(job))
            yield EditCall(job.call, arguments=given)
        else:
            given = (
                *((ArgumentEdit(0, None, drop=True),) if at else ()),
                ArgumentEdit(at, None, callee),
                *shifted,
                *_in_chunks(job),
            )
            yield EditCall(job.call, f"{pool.name}.submit" if at else None, given, tuple(added))

    # -- what comes of jobs

    def _reads(self, pool: MadePool, form: _Form) -> Iterator[Intent]:
        """What comes of jobs is awaited where it was waited for."""
        for result in pool.results:
            timeout = next((argument.code for argument in result.arguments), None)
            if form.how == "task" or (result.done and timeout is None):
                continue
            if result.done:
                yield EditCall(result.call, arguments=(ArgumentEdit(0, None, drop=True),))
            elif timeout is not None and timeout != "None":
                asyncio = form.asyncio
                yield Template("call", result.call, f"await {asyncio}.wait_for({asyncio}.shield({{of}}), {timeout})")
            else:
                yield Template("call", result.call, "await {of}")
        for call in pool.completions:
            yield EditCall(call.call, f"{pool.name}.as_completed")
        for call in pool.waits:
            yield EditCall(call.call, f"{pool.name}.wait", awaited=True)
        for call in pool.shutdowns:
            dropped = tuple(ArgumentEdit(index, None, drop=True) for index, _ in enumerate(call.arguments))
            yield EditCall(call.call, arguments=dropped, awaited=True)
        yield from (MakeAsync(kind, number) for kind, number in dict.fromkeys(pool.loops))
        yield from (Collect(number) for number in pool.collected)
        yield from (Template("call", number, "[result async for result in {}]") for number, _ in pool.whole)

    # -- the pool

    @staticmethod
    def _without_pool(pool: MadePool, form: _Form) -> Iterator[Intent]:
        yield UnwrapWith(pool.block, is_gone=True)
        if not all(job.at_once for job in pool.jobs):
            last = max(pool.jobs, key=lambda job: job.line)
            names = ", ".join(job.name for job in pool.jobs)
            yield StatementAfter(last.call, f"await {form.asyncio}.gather({names}, return_exceptions=True)")

    def _with_pool(self, pool: MadePool, path: str) -> Iterator[Intent]:
        going = [(index, a) for index, a in enumerate(pool.arguments) if a.keyword in _FORGOTTEN or a.keyword is None]
        bounded = self._bounded_in(path)
        dropped = tuple(
            ArgumentEdit(index, None, drop=True)
            for index, argument in going
            if argument.keyword == "thread_name_prefix" or not bounded or argument.code == "None"
        )
        yield EditCall(pool.number, self._class_name(path), dropped)
        if pool.block >= 0:
            yield MakeAsync("with", pool.block)

    def _pooled(self, path: str) -> list[MadePool]:
        """The pools of a file in whose place pools of tasks come."""
        pools = self.project.jobs.pools(path).values()
        return [pool for pool in pools if not pool.reason and self._form(path, pool).how == "pool"]

    def _bounded_in(self, path: str) -> bool:
        return any(self._is_bounded(path, pool) for pool in self._pooled(path))

    def _class_name(self, path: str) -> str:
        links = self.project.links(path)
        return fresh("JobPool", links.names if links is not None else ())

    def lowered(self, goals: Iterable[Goal]) -> Iterator[tuple[str, Intent]]:
        """The class of the pools of tasks, in each file that makes one, with the methods that it uses."""
        made: dict[str, list[MadePool]] = {}
        for goal in goals:
            if isinstance(goal, PoolReplaced):
                pool = self.project.jobs.pools(goal.path)[goal.number]
                if self._form(goal.path, pool).how == "pool":
                    made.setdefault(goal.path, []).append(pool)
        for path, pools in made.items():
            needed = reduce(or_, (self._methods(path, pool) for pool in pools))
            needed = replace(needed, bounded=self._bounded_in(path))
            names = {module: imported(self.project, path, module) for module in ("asyncio", "os")}
            if needed.bounded and needed.counted and not names["os"][1]:
                yield path, _import("os", names["os"][0])
            called = {module: bound for module, (bound, _) in names.items()}
            first = min(self.project.resolver.defined(self._scope(path, pool.number)).number for pool in pools)
            yield path, InsertBefore("function", first, job_pool(needed, name=self._class_name(path), **called))

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


def _import(module: str, bound: str, name: str | None = None) -> AddImport:
    return AddImport(module, name, None if bound == (name or module) else bound)


def _workers(pool: MadePool) -> Argument | None:
    """The argument that tells how many workers a pool has."""
    return next((a for a in pool.arguments if a.keyword in {None, "max_workers"}), None)


def _in_chunks(job: Job) -> Iterator[ArgumentEdit]:
    """The `chunksize` of `map` goes: pools of threads take no notice of it."""
    chunks = (index for index, argument in enumerate(job.arguments) if argument.keyword == "chunksize")
    yield from (ArgumentEdit(index, None, drop=True) for index in chunks if job.how == "map")


def _lambda(job: Job, callee: str, edits: Sequence[ArgumentEdit], added: Sequence[NewArgument]) -> str:
    """`lambda url: client.get(str(url))`: what `map` is to do with one element of each of its iterables."""
    names = ["url", *(f"argument_{index}" for index in range(1, len(job.arguments) - 1))]
    given = list(names)
    for edit in edits:
        value = edit.value.replace("{}", names[edit.index])
        given[edit.index] = value if edit.keyword is None else f"{edit.keyword}={value}"
    given += [new.value if new.keyword is None else f"{new.keyword}={new.value}" for new in added]
    return f"lambda {', '.join(names)}: {callee}({', '.join(given)})"


def _renamed(code: str, name: str | None) -> str:
    return code if name is None else f"{code.rpartition('.')[0]}.{name}".lstrip(".")
