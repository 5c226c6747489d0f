"""FM301 client-per-request

What it does
------------
Finds `httpx.AsyncClient(...)` (or httpx2's) on the event loop: a client that lives for one request.

Why is this bad
---------------
Making a client reads all certificates anew, some 30 ms of work during which the event loop stands still. Its
connections die with it, so each request opens its own, with all their handshakes; one client would use them again.

Example
-------
```python
import httpx
from fastapi import FastAPI

app = FastAPI()


@app.get("/items/{item_id}")
async def read_item(item_id: int):
    async with httpx.AsyncClient(timeout=10) as client:
        response = await client.get(f"https://shop.example/items/{item_id}")
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
    response = await client.get(f"https://shop.example/items/{item_id}", timeout=10)
    return response.json()
```

Fix
---
`--fix` writes the form above: one client for the app's life, made in its lifespan, that keeps no cookies. What a client
set for its calls is given to these; calls that shared a client, and so its cookies, share a jar. What belongs to a
client, as `base_url` and `verify` do, makes one of its own in the lifespan, if it is the same for all requests.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastmigrate.knowledge.httpx_clients import ASYNC_CLIENTS
from fastmigrate.model import Finding
from fastmigrate.project.project import Project
from fastmigrate.rules._blocking import chain_to, endpoints_of

CODE = "FM301"
NAME = "client-per-request"


def find(project: Project) -> Iterator[Finding]:
    """The async clients that path operations make for themselves."""
    for client in project.own_clients:
        if client.made in ASYNC_CLIENTS:
            path, name = client.scope.path, project.name_of(client.scope)
            place = project.place_in_text(path, client.site.place)
            message = f"`{client.made}` is made anew for each request in `{name}`: no connection is ever used again"
            chain = chain_to(project, client.scope, place)
            endpoints = endpoints_of(project, client.scope)
            yield Finding(CODE, NAME, message, path, place, endpoints, chain, call=client.site.call.number)
