"""FM501 test-client-without-lifespan

What it does
------------
Finds test clients that never run the lifespan of their app, where the app needs what that hands out.

Why is this bad
---------------
`TestClient(app)` runs the lifespan only as a context manager, and `ASGITransport` never does. Without it, the first
request fails: `AttributeError: 'State' object has no attribute 'client'`.

Example
-------
```python
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient


@asynccontextmanager
async def lifespan(app: FastAPI):
    async with httpx.AsyncClient() as client:
        yield {"client": client}


app = FastAPI(lifespan=lifespan)


@app.get("/items")
async def read_items(request: Request):
    client: httpx.AsyncClient = request.state.client
    return (await client.get("https://shop.example/items")).json()


@pytest.fixture
def client():
    return TestClient(app)
```

Use instead
-----------
```python
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient


@asynccontextmanager
async def lifespan(app: FastAPI):
    async with httpx.AsyncClient() as client:
        yield {"client": client}


app = FastAPI(lifespan=lifespan)


@app.get("/items")
async def read_items(request: Request):
    client: httpx.AsyncClient = request.state.client
    return (await client.get("https://shop.example/items")).json()


@pytest.fixture
def client():
    with TestClient(app) as client:
        yield client
```

Fix
---
`--fix` enters the clients of fixtures, tests, modules and set-ups of test cases. Where the lifespan does more than to
make clients, tests that never ran it may not be ready for it: then it takes `--unsafe-fixes`. What is left is for you,
such as `httpx.ASGITransport(app)`, which needs `asgi_lifespan.LifespanManager`.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastmigrate.model import Finding
from fastmigrate.project.project import Project

CODE = "FM501"
NAME = "test-client-without-lifespan"


def find(project: Project) -> Iterator[Finding]:
    """The test clients of apps that need their lifespan, and do not get it."""
    if not project.mentions(b"TestClient", b"ASGITransport"):
        return
    for app in sorted(project.apps.apps, key=repr):
        for client in project.testing.of(app) if project.testing.needs_lifespan(app) else ():
            path = client.scope.path
            message = (
                f"`{client.made.rpartition('.')[2]}` is never entered here, so the lifespan of its app does not run"
            )
            place = project.place_in_text(path, client.site.place)
            yield Finding(CODE, NAME, message, path, place, call=client.site.call.number)
