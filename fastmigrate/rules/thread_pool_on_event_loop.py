"""FM201 thread-pool-on-event-loop

What it does
------------
Finds pools of threads, and single threads, for which code on the event loop waits.

Why is this bad
---------------
The work is done by other threads, but the event loop's own waits for them: no other request is served until the last
of them is done.

Example
-------
```python
from concurrent.futures import ThreadPoolExecutor

from fastapi import FastAPI

app = FastAPI()


def digest(path: str):
    with open(path, "rb") as file:
        return len(file.read())


@app.get("/sizes")
async def read_sizes():
    with ThreadPoolExecutor() as pool:
        first = pool.submit(digest, "a.bin")
        second = pool.submit(digest, "b.bin")
        return [first.result(), second.result()]
```

Use instead
-----------
```python
import asyncio

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool

app = FastAPI()


def digest(path: str):
    with open(path, "rb") as file:
        return len(file.read())


@app.get("/sizes")
async def read_sizes():
    first = asyncio.create_task(run_in_threadpool(digest, "a.bin"))
    second = asyncio.create_task(run_in_threadpool(digest, "b.bin"))
    await asyncio.gather(first, second, return_exceptions=True)
    return [first.result(), second.result()]
```

Fix
---
`--fix` replaces a pool that one function makes, hands jobs to and waits for. Jobs that wait for HTTP become coroutines
which share the client of the app, as in FM101; all others are awaited by `run_in_threadpool`. Where there may be more
jobs than workers, or futures in lists, a small class takes the place of the pool: it has the same methods, and bounds
the jobs by an `asyncio.Semaphore`. Shared pools, threads and pools of `multiprocessing` are only reported.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastmigrate.model import Finding, Fix
from fastmigrate.project.pools import waits_for_threads
from fastmigrate.project.project import Project
from fastmigrate.rules._blocking import chain_to, endpoints_of

CODE = "FM201"
NAME = "thread-pool-on-event-loop"


def find(project: Project) -> Iterator[Finding]:
    """The pools and threads that code on the event loop makes, and its waits for those that are made elsewhere."""
    for wait in waits_for_threads(project):
        path = wait.scope.path
        place = project.place_in_text(path, wait.site.place)
        name = project.name_of(wait.scope)
        done = f"`{wait.what}` is made" if wait.is_made else f"`{wait.what}` waits for threads"
        message = f"{done} on the event loop, in `{name}`: while that waits, no other request is served"
        chain = chain_to(project, wait.scope, place)
        endpoints = endpoints_of(project, wait.scope)
        number = wait.site.call.number
        yield Finding(CODE, NAME, message, path, place, endpoints, chain, Fix("none"), call=number)
