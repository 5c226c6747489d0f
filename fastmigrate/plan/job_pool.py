"""The class that takes the place of pools of threads where plain tasks do not do: its text, with what a file uses."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import fields

__all__ = ["Methods", "job_pool"]


class Methods(Struct, frozen=True):
    """What the pools of a file need: `bounded`, that there may be more jobs than workers; `counted`, that one does not
    tell how many workers it has, by a number; and the methods that are called."""

    bounded: bool
    counted: bool
    entered: bool
    shutdown: bool
    map: bool
    as_completed: bool
    timeout: bool
    wait: bool

    def __or__(self, other: Methods) -> Methods:
        return Methods(**{one.name: getattr(self, one.name) or getattr(other, one.name) for one in fields(Methods)})


def job_pool(needed: Methods, *, name: str, asyncio: str, os: str) -> str:
    """The class: it runs coroutine functions as a `ThreadPoolExecutor` runs functions."""
    parts = [_HEAD_BOUNDED if needed.bounded else _HEAD]
    if needed.bounded:
        parts.append(_COUNTED if needed.counted else _TOLD)
        parts.append("        self.begun = set()\n" if needed.map else "")
    else:
        parts.append("    def __init__(self):\n")
    parts.append("        self.jobs = []\n")
    if needed.entered:
        parts.append(_ENTERED)
        parts.append("        await self.shutdown()\n" if needed.shutdown else _ALL_ENDED)
    parts.append(_SHUTDOWN + _ALL_ENDED if needed.shutdown else "")
    parts.append(_SUBMIT_BOUNDED if needed.bounded else _SUBMIT)
    if needed.bounded:
        parts.append(_RUN_NOTED if needed.map else _RUN)
    if needed.map:
        parts.append(_MAP)
        parts.append(_RESULTS_BOUNDED if needed.bounded else _RESULTS)
    if needed.as_completed:
        parts.append(_AS_COMPLETED_TIMED if needed.timeout else _AS_COMPLETED)
    parts.append(_WAIT if needed.wait else "")
    return "".join(parts).replace("{name}", name).replace("{asyncio}", asyncio).replace("{os}", os)


_HEAD_BOUNDED = """\
# Coroutines in place of threads: jobs begin in the order in which they are handed over,
# at most `max_workers` run at a time, and the pool is left when all of them have ended.
class {name}:
"""
_HEAD = """\
# Coroutines in place of threads: all jobs run at once, and the pool is left when all of
# them have ended.
class {name}:
"""
_TOLD = """\
    def __init__(self, max_workers):
        self.workers = {asyncio}.Semaphore(max_workers)
"""
_COUNTED = """\
    def __init__(self, max_workers=None):
        if max_workers is None:
            max_workers = min(32, ({os}.cpu_count() or 1) + 4)
        if max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        self.workers = {asyncio}.Semaphore(max_workers)
"""
_ENTERED = """
    async def __aenter__(self):
        return self

    async def __aexit__(self, *error):
"""
_SHUTDOWN = """
    async def shutdown(self):
"""
_ALL_ENDED = """\
        await {asyncio}.gather(*self.jobs, return_exceptions=True)
"""
_SUBMIT = """
    def submit(self, function, /, *args, **kwargs):
        job = {asyncio}.create_task(function(*args, **kwargs))
        self.jobs.append(job)
        return job
"""
_SUBMIT_BOUNDED = """
    def submit(self, function, /, *args, **kwargs):
        job = {asyncio}.create_task(self.run(function, *args, **kwargs))
        self.jobs.append(job)
        return job
"""
_RUN = """
    async def run(self, function, /, *args, **kwargs):
        async with self.workers:
            return await function(*args, **kwargs)
"""
_RUN_NOTED = """
    async def run(self, function, /, *args, **kwargs):
        async with self.workers:
            self.begun.add({asyncio}.current_task())
            return await function(*args, **kwargs)
"""
_MAP = """
    def map(self, function, *iterables):
        return self.results([self.submit(function, *args) for args in zip(*iterables)])
"""
_RESULTS = """
    async def results(self, jobs):
        for job in jobs:
            yield await job
"""
_RESULTS_BOUNDED = """
    async def results(self, jobs):
        try:
            for job in jobs:
                yield await job
        finally:  # after an error, what has not begun does not begin
            for job in jobs:
                if job not in self.begun:
                    job.cancel()
"""
_AS_COMPLETED = """
    async def as_completed(self, jobs):
        ended = {asyncio}.Queue()
        for job in (jobs := set(jobs)):
            job.add_done_callback(ended.put_nowait)
        for _ in jobs:
            yield await ended.get()
"""
_AS_COMPLETED_TIMED = """
    async def as_completed(self, jobs, timeout=None):
        ended, now = {asyncio}.Queue(), {asyncio}.get_running_loop().time
        end = None if timeout is None else now() + timeout
        for job in (jobs := set(jobs)):
            ended.put_nowait(job) if job.done() else job.add_done_callback(ended.put_nowait)
        for _ in jobs:
            left = None if end is None or not ended.empty() else end - now()
            yield await {asyncio}.wait_for(ended.get(), left)
"""
_WAIT = """
    async def wait(self, jobs, timeout=None, return_when={asyncio}.ALL_COMPLETED):
        if not (jobs := set(jobs)):
            return set(), set()
        return await {asyncio}.wait(jobs, timeout=timeout, return_when=return_when)
"""
