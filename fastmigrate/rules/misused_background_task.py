"""FM403 misused-background-task

What it does
------------
Finds background tasks that are given what a coroutine function returns, where they need the function itself:
`BackgroundTask(response.aclose())`, `background_tasks.add_task(notify(user))`. Finds `from fastapi import
BackgroundTask`, too, a name that FastAPI does not have.

Why is this bad
---------------
The task runs after the answer was sent: it then calls what it was given, and a coroutine cannot be called. The work is
never done, the streamed response never closed, its connection never given back; all that is seen is a `TypeError` in
the log. The import fails as soon as the file is loaded.

Example
-------
```python
from fastapi import BackgroundTasks, FastAPI

app = FastAPI()


async def notify(user: str) -> None: ...


@app.post("/users/{user}")
async def create_user(user: str, background_tasks: BackgroundTasks):
    background_tasks.add_task(notify(user))
    return {"user": user}
```

Use instead
-----------
```python
from fastapi import BackgroundTasks, FastAPI

app = FastAPI()


async def notify(user: str) -> None: ...


@app.post("/users/{user}")
async def create_user(user: str, background_tasks: BackgroundTasks):
    background_tasks.add_task(notify, user)
    return {"user": user}
```

Fix
---
`--fix` passes the function, and its arguments behind it, and imports `BackgroundTask` from `starlette.background`.
Where `aclose()` is called on what is not known to be a response or a client of httpx, it takes `--unsafe-fixes`.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastmigrate.facts.terms import Call, Term, dotted
from fastmigrate.knowledge.background import TASK_HOME
from fastmigrate.model import Finding, Hop
from fastmigrate.project.project import Project
from fastmigrate.project.tasks import MisplacedImport, MisusedTask
from fastmigrate.rules._blocking import chain_to, endpoints_of

CODE = "FM403"
NAME = "misused-background-task"


def find(project: Project) -> Iterator[Finding]:
    """The tasks that are given a coroutine, and the imports of what is not there."""
    for task in project.misused_tasks:
        yield _misuse(project, task)
    for misplaced in project.misplaced_imports:
        yield _misplaced(project, misplaced)


def _misuse(project: Project, task: MisusedTask) -> Finding:
    path = task.function.path
    place = project.place_in_text(path, task.site.place)
    taker = task.taker.rpartition(".")[2]
    message = (
        f"`{taker}` is given what `{_shown(task.given)}` returns, a coroutine, where it needs the function: nothing "
        "will run"
    )
    chain: tuple[Hop, ...] = ()
    if task.function.qualname:
        chain = chain_to(project, task.function, place)
    endpoints = endpoints_of(project, task.function)
    return Finding(CODE, NAME, message, path, place, endpoints, chain, call=task.site.call.number)


def _shown(call: Call) -> str:
    arguments = "…" if call.args or call.keywords else ""
    return f"{_callee(call.callee)}({arguments})"


def _callee(term: Term) -> str:
    return dotted(term) or f"….{getattr(term, 'name', '…')}"


def _misplaced(project: Project, misplaced: MisplacedImport) -> Finding:
    path = misplaced.scope.path
    place = project.place_in_text(path, misplaced.place)
    message = f"`{misplaced.module}` has no `BackgroundTask`: it is to be imported from `{TASK_HOME}`"
    return Finding(CODE, NAME, message, path, place, imported=(misplaced.scope.qualname, misplaced.bound))
