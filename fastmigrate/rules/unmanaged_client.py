"""FM302 unmanaged-client

What it does
------------
Finds async clients of httpx (or httpx2) that a module makes when it is imported, if path operations of an app use them,
or nobody closes them.

Why is this bad
---------------
The connections of an async client belong to the event loop that opened them. A client that outlives the loop, as in
tests that run one loop after the other, fails with `RuntimeError: Event loop is closed`. A client that is never closed
leaves its connections open when the app ends.

Example
-------
```python
import httpx
from fastapi import FastAPI

app = FastAPI()
client = httpx.AsyncClient(timeout=10)


@app.on_event("shutdown")
async def close_client():
    await client.aclose()


@app.get("/items/{item_id}")
async def read_item(item_id: int):
    response = await client.get(f"https://shop.example/items/{item_id}")
    return response.json()
```

Use instead
-----------
```python
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI, Request


@asynccontextmanager
async def lifespan(app: FastAPI):
    async with httpx.AsyncClient(timeout=10) as client:
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
`--fix` writes the form above: the lifespan makes the client, with the settings that it had, and closes it; a shutdown
handler that did nothing else goes. A client that others than path operations use, too, is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastmigrate.knowledge.httpx_clients import ASYNC_CLIENTS
from fastmigrate.model import Finding
from fastmigrate.project.modules import module_name
from fastmigrate.project.project import Project
from fastmigrate.rules._blocking import endpoints_of

CODE = "FM302"
NAME = "unmanaged-client"


def find(project: Project) -> Iterator[Finding]:
    """The async clients that modules make, and that path operations use or nobody closes."""
    for client in project.module_clients:
        if client.made not in ASYNC_CLIENTS:
            continue
        uses = project.shared(client)
        functions = dict.fromkeys(scope for scope, _, _ in uses.calls if scope in project.apps.routes)
        closed = any(method == "aclose" for _, _, method in uses.calls)
        if not functions and (closed or uses.stray is not None or not uses.calls):
            continue
        path = client.scope.path
        place = project.place_in_text(path, client.site.place)
        message = f"`{client.made}` is made when `{module_name(path)}` is imported: "
        message += "no event loop runs yet" if closed else "no event loop runs yet, and nobody closes it"
        endpoints = tuple(endpoint for scope in functions for endpoint in endpoints_of(project, scope))
        yield Finding(CODE, NAME, message, path, place, endpoints, call=client.site.call.number)
