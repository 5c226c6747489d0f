"""FM202 offloaded-http-call

What it does
------------
Finds blocking HTTP that a coroutine function hands to a thread, and waits for there.

Why is this bad
---------------
The event loop is free, but each call takes a thread of a pool that has few (40, or as many as the machine has cores and
four more). Once they are taken, all further calls wait, and with them everything else that needs a thread: plain `def`
path operations, files, dependencies.

Example
-------
```python
import asyncio

import requests
from fastapi import FastAPI

app = FastAPI()


def fetch_items(shop: str):
    return requests.get(f"https://{shop}.example/items", timeout=5).json()


@app.get("/items/{shop}")
async def read_items(shop: str):
    return await asyncio.to_thread(fetch_items, shop)
```

Use instead
-----------
```python
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx
from fastapi import FastAPI, Request


# requests promises what httpx leaves to its caller: a cookie lives for one call and
# its redirects, an empty body states its length, text without a charset is Latin-1.
async def keep_request_promises(request: httpx.Request) -> None:
    if "cookies" in request.extensions:
        request.extensions["cookies"].set_cookie_header(request)
    chunked = "Transfer-Encoding" in request.headers
    if request.method not in ("GET", "HEAD") and not chunked:
        request.headers.setdefault("Content-Length", "0")


async def keep_response_promises(response: httpx.Response) -> None:
    call = response.request.extensions
    call.setdefault("cookies", httpx.Cookies()).extract_cookies(response)
    content_type = response.headers.get("Content-Type", "")
    if "text" in content_type and response.charset_encoding is None:
        response.encoding = "ISO-8859-1"


@asynccontextmanager
async def lifespan(app: FastAPI):
    async with httpx.AsyncClient(
        timeout=None,
        follow_redirects=True,
        max_redirects=30,
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        event_hooks={
            "request": [keep_request_promises],
            "response": [keep_response_promises],
        },
    ) as client:
        yield {"client": client}


app = FastAPI(lifespan=lifespan)


async def fetch_items(client: httpx.AsyncClient, shop: str):
    return (await client.get(f"https://{shop}.example/items", timeout=5)).json()


@app.get("/items/{shop}")
async def read_items(request: Request, shop: str):
    client: httpx.AsyncClient = request.state.client
    return await fetch_items(client, shop)
```

Fix
---
`--fix` brings the function back to the event loop: it becomes a coroutine function that takes the client, as in FM101.
It stays in its thread if it does something else that may take long: files, databases, processes, computations, packages
of which nothing is known.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastmigrate.facts.terms import dotted
from fastmigrate.model import Finding, Fix
from fastmigrate.project.project import Project
from fastmigrate.project.values import Scope
from fastmigrate.rules._blocking import chain_to, endpoints_of

CODE = "FM202"
NAME = "offloaded-http-call"


def find(project: Project) -> Iterator[Finding]:
    """The calls by which coroutine functions hand blocking HTTP to threads."""
    found: dict[tuple[Scope, int], tuple[str, str, str | None]] = {}
    for node, edge in project.reach.handed if project.blocking_paths else ():
        http = project.offloads.http(edge.target)
        if http and not project.jobs.is_handed_by(node.scope, edge.call):
            reason = project.offloads.in_the_way(edge.target)
            found.setdefault((node.scope, edge.call), (project.name_of(edge.target.scope), http[0][2], reason))
    for call in project.blocking:
        if call.is_offloaded and not project.jobs.is_handed_by(call.function, call.site.call.number):
            found[call.function, call.site.call.number] = call.callee, call.callee, None
    for (scope, number), (name, callee, reason) in found.items():
        links = project.links(scope.path)
        site = links.call(number) if links is not None else None
        if site is None:
            continue
        by = dotted(site.call.callee) or getattr(site.call.callee, "name", "a thread")
        inside = "" if name == callee else f", which calls `{callee}`,"
        message = f"`{name}`{inside} is handed to a thread by `{by}`: one of few is taken until it returns"
        place = project.place_in_text(scope.path, site.place)
        fix = Fix("none", f"{reason}: it stays in its thread") if reason is not None else Fix("none")
        chain = chain_to(project, scope, place)
        endpoints = endpoints_of(project, scope)
        yield Finding(CODE, NAME, message, scope.path, place, endpoints, chain, fix, call=number)
