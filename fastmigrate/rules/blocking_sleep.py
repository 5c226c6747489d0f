"""FM104 blocking-sleep

What it does
------------
Finds calls of `time.sleep` on the event loop: in path operations, and in all that they reach.

Why is this bad
---------------
An `async def` path operation runs on the event loop. `time.sleep` puts the whole thread to sleep, and the loop with it:
no other request of that worker is read, answered or cancelled until it wakes up.

Example
-------
```python
import time

from fastapi import FastAPI

app = FastAPI()


@app.get("/jobs/{job_id}")
async def wait_for_job(job_id: int):
    time.sleep(0.5)
    return {"job": job_id, "done": True}
```

Use instead
-----------
```python
import asyncio

from fastapi import FastAPI

app = FastAPI()


@app.get("/jobs/{job_id}")
async def wait_for_job(job_id: int):
    await asyncio.sleep(0.5)
    return {"job": job_id, "done": True}
```

Fix
---
`--fix` writes the form above. Where the number may be negative, which only `time.sleep` refuses, and where state that
is shared between requests could change meanwhile, it takes `--unsafe-fixes`. A sleep under a thread lock is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastmigrate.model import Finding
from fastmigrate.project.project import Project
from fastmigrate.rules._blocking import blocking_findings

CODE = "FM104"
NAME = "blocking-sleep"


def find(project: Project) -> Iterator[Finding]:
    """The calls that put the event loop's thread to sleep."""
    return blocking_findings(project, CODE, NAME)
