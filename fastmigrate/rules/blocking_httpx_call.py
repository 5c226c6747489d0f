"""FM102 blocking-httpx-call

What it does
------------
Finds calls of the synchronous API of httpx (or httpx2) on the event loop: `httpx.get` and its like, and
the methods of `httpx.Client`.

Why is this bad
---------------
An `async def` path operation runs on the event loop. `httpx.get` is as synchronous as `requests.get`: while it waits
for its answer, the loop stands still, and no other request of that worker is read, answered or cancelled.

Example
-------
```python
import httpx
from fastapi import FastAPI

app = FastAPI()


@app.get("/items/{item_id}")
async def read_item(item_id: int):
    response = httpx.get(f"https://shop.example/items/{item_id}")
    return response.json()
```

Use instead
-----------
```python
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx
from fastapi import FastAPI, Request


@asynccontextmanager
async def lifespan(app: FastAPI):
    async with httpx.AsyncClient(
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    ) as client:
        yield {"client": client}


app = FastAPI(lifespan=lifespan)


@app.get("/items/{item_id}")
async def read_item(request: Request, item_id: int):
    client: httpx.AsyncClient = request.state.client
    response = await client.get(f"https://shop.example/items/{item_id}")
    return response.json()
```

Fix
---
`--fix` writes the form above: one `httpx.AsyncClient` for the app's life, made in its lifespan. It keeps no cookies,
since `httpx.get` keeps none, and its connections have no limit, since calls that waited for one another do so no more.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastmigrate.model import Finding
from fastmigrate.project.project import Project
from fastmigrate.rules._blocking import blocking_findings

CODE = "FM102"
NAME = "blocking-httpx-call"


def find(project: Project) -> Iterator[Finding]:
    """The blocking httpx calls on the project's event loop."""
    return blocking_findings(project, CODE, NAME)
