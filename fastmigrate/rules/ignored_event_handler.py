"""FM401 ignored-event-handler

What it does
------------
Finds start-up and shutdown handlers of an app that has a lifespan.

Why is this bad
---------------
They never run: the lifespan takes the place of all handlers that the app itself is given, and nothing says so.

Example
-------
```python
from contextlib import asynccontextmanager

from fastapi import FastAPI


@asynccontextmanager
async def lifespan(app: FastAPI):
    yield


app = FastAPI(lifespan=lifespan)


@app.on_event("startup")
async def connect(): ...
```

Use instead
-----------
```python
from contextlib import asynccontextmanager

from fastapi import FastAPI


@asynccontextmanager
async def lifespan(app: FastAPI):
    await connect()
    yield


app = FastAPI(lifespan=lifespan)


async def connect(): ...
```

Fix
---
There is none: whether what never ran is to run is for you to say. Call the handler in the lifespan, before the `yield`
or after it, or delete it.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastmigrate.facts.terms import Const
from fastmigrate.model import Finding, Fix
from fastmigrate.project.modules import module_name
from fastmigrate.project.project import Project
from fastmigrate.sources import is_test_path

CODE = "FM401"
NAME = "ignored-event-handler"

_REASON = "call it in the lifespan, before the `yield` (start-up) or after it (shutdown), or delete it"


def find(project: Project) -> Iterator[Finding]:
    """The handlers of the apps that have a lifespan; those of routers run even so."""
    for app in sorted(project.apps.apps, key=repr) if project.mentions(b"lifespan") else ():
        call = project.lifespans.construction(app)
        given = None if call is None else call.keyword("lifespan")
        if given is None or given == Const(None) or is_test_path(app.scope.path):
            continue
        for event in project.apps.events.get(app, ()):
            links = project.links(event.path)
            site = links.call(event.call if event.call >= 0 else app.number) if links is not None else None
            if site is None:
                continue
            what = "what `on_startup` and `on_shutdown` hold" if event.call < 0 else "this handler"
            if event.handler is not None:
                what = f"`{project.name_of(event.handler)}`"
            message = f"{what} never runs: the app in `{module_name(app.scope.path)}` has a lifespan, which silences it"
            place = project.place_in_text(event.path, site.place)
            yield Finding(CODE, NAME, message, event.path, place, fix=Fix("none", _REASON), call=site.call.number)
