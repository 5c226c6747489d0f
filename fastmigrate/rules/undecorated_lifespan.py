"""FM402 undecorated-lifespan

What it does
------------
Finds lifespans that are bare generator functions.

Why is this bad
---------------
Starlette takes them for context managers all the same, but says that it will not for long, and nothing else that takes
a lifespan does.

Example
-------
```python
from fastapi import FastAPI


async def lifespan(app: FastAPI):
    yield


app = FastAPI(lifespan=lifespan)
```

Use instead
-----------
```python
from contextlib import asynccontextmanager

from fastapi import FastAPI


@asynccontextmanager
async def lifespan(app: FastAPI):
    yield


app = FastAPI(lifespan=lifespan)
```

Fix
---
`--fix` adds the decorator. A plain generator function has to become an `async def` first, which is left to you.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastmigrate.model import Finding
from fastmigrate.project.project import Project
from fastmigrate.project.values import Function
from fastmigrate.sources import is_test_path

CODE = "FM402"
NAME = "undecorated-lifespan"


def find(project: Project) -> Iterator[Finding]:
    """The lifespans of apps that are generator functions without a decorator."""
    if not project.mentions(b"lifespan"):
        return
    lifespans = {project.lifespans.given(app) for app in project.apps.apps if not is_test_path(app.scope.path)}
    for lifespan in sorted((found for found in lifespans if isinstance(found, Function)), key=repr):
        path = lifespan.scope.path
        links = project.links(path)
        function = project.resolver.function(lifespan.scope)
        if links is None or function is None or function.decorators or not (function.yields or function.delegates):
            continue
        message = (
            f"the lifespan `{project.name_of(lifespan.scope)}` is a bare generator: it lacks `@asynccontextmanager`"
        )
        yield Finding(CODE, NAME, message, path, project.place_of(lifespan.scope), function=function.qualname)
