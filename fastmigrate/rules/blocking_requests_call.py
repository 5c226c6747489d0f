"""FM101 blocking-requests-call

What it does
------------
Finds calls of `requests` functions and of `requests.Session` methods on the event loop, in path
operations and in all that they reach. What else blocks
in a project can be named: `blocking-calls = ["mypkg.client.fetch", "boto3.client"]` in `[tool.fastmigrate]`.

Why is this bad
---------------
An `async def` path operation runs on the event loop. While `requests` waits for its answer, the loop stands still: no
other request of that worker is read, answered or cancelled, not even one that has nothing to do with the call.

Example
-------
```python
import requests
from fastapi import FastAPI

app = FastAPI()


@app.get("/items/{item_id}")
async def read_item(item_id: int):
    response = requests.get(f"https://shop.example/items/{item_id}", timeout=5)
    return response.json()
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


@app.get("/items/{item_id}")
async def read_item(request: Request, item_id: int):
    client: httpx.AsyncClient = request.state.client
    response = await client.get(f"https://shop.example/items/{item_id}", timeout=5)
    return response.json()
```

Fix
---
`--fix` writes the form above: one `httpx.AsyncClient` for the app's life, made in its lifespan, reached through
`request.state`, with the settings that make it behave as `requests` does. A call is left alone, and the reason given,
where no faithful form is known; where a difference is possible, it takes `--unsafe-fixes`, and the difference is named.
Tests must run the lifespan afterwards (`with TestClient(app) as client:`), and httpx be among the dependencies.

If the path operation awaits nothing else, declaring it with a plain `def` is a cure, too: FastAPI then runs it in its
thread pool.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastmigrate.model import Finding
from fastmigrate.project.project import Project
from fastmigrate.rules._blocking import blocking_findings

CODE = "FM101"
NAME = "blocking-requests-call"


def find(project: Project) -> Iterator[Finding]:
    """The blocking `requests` calls on the project's event loop, and those that the configuration calls blocking."""
    return blocking_findings(project, CODE, NAME)
