"""FM601 missing-client-dependency

What it does
------------
Finds lifespans that make a client of httpx (or httpx2), where the project does not declare that library among what it
needs.

Why is this bad
---------------
The app starts only where something else happens to bring the library along: on the machine of a developer, who has it
for the tests, and not in production.

Example
-------
```toml
[project]
name = "shop"
version = "1"
dependencies = ["fastapi", "uvicorn"]
```

```python
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI


@asynccontextmanager
async def lifespan(app: FastAPI):
    async with httpx.AsyncClient() as client:
        yield {"client": client}


app = FastAPI(lifespan=lifespan)
```

Use instead
-----------
```toml
[project]
name = "shop"
version = "1"
dependencies = ["fastapi", "httpx>=0.27", "uvicorn"]
```

```python
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI


@asynccontextmanager
async def lifespan(app: FastAPI):
    async with httpx.AsyncClient() as client:
        yield {"client": client}


app = FastAPI(lifespan=lifespan)
```

Fix
---
`--fix` adds the library where the framework is declared: to `pyproject.toml` (`dependencies`, groups, Poetry's tables)
and to `requirements*.txt` and `.in` files. Files that a tool compiled, and lock files, are named: compile them again.
Other layouts are left to you. `fastapi[standard]` and `fastapi[all]` bring httpx.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastmigrate.knowledge.httpx_clients import ASYNC_CLIENTS
from fastmigrate.model import Finding
from fastmigrate.project.project import Project

CODE = "FM601"
NAME = "missing-client-dependency"


def find(project: Project) -> Iterator[Finding]:
    """The clients that lifespans make of a library that nothing declares, one for each place that lacks it."""
    named: set[tuple[str, ...]] = set()
    for client in project.httpx_clients:
        if client.made not in ASYNC_CLIENTS or client.scope not in project.lifespans.scopes:
            continue
        path, library = client.scope.path, client.made.partition(".")[0]
        missing = project.declarations.missing(path, library)
        lacking = (*missing.files, *missing.by_hand) if missing is not None else ()
        if not lacking or lacking in named:
            continue
        named.add(lacking)
        message = f"`{client.made}` is made by a lifespan, and `{library}` is not declared in {' and '.join(lacking)}"
        place = project.place_in_text(path, client.site.place)
        yield Finding(CODE, NAME, message, path, place, call=client.site.call.number)
