"""FM103 blocking-urllib-call

What it does
------------
Finds calls of `urllib.request`, `urllib3` and `http.client` that wait for the network, on the event loop.

Why is this bad
---------------
An `async def` path operation runs on the event loop. While `urlopen` waits for its answer, the loop stands still: no
other request of that worker is read, answered or cancelled.

Example
-------
```python
import json
from urllib.request import urlopen

from fastapi import FastAPI

app = FastAPI()


@app.get("/items/{item_id}")
async def read_item(item_id: int):
    with urlopen(f"https://shop.example/items/{item_id}", timeout=5) as response:
        return json.load(response)
```

Use instead
-----------
```python
import json
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx
from fastapi import FastAPI, Request


@asynccontextmanager
async def lifespan(app: FastAPI):
    async with httpx.AsyncClient(
        timeout=None,
        follow_redirects=True,
        max_redirects=10,
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    ) as client:
        yield {"client": client}


app = FastAPI(lifespan=lifespan)


@app.get("/items/{item_id}")
async def read_item(request: Request, item_id: int):
    client: httpx.AsyncClient = request.state.client
    response = (await client.get(f"https://shop.example/items/{item_id}", timeout=5)).raise_for_status()
    return json.loads(response.content)
```

Fix
---
`--fix` writes the form above for plain calls of `urlopen`: `raise_for_status()` stands for the errors that `urlopen`
raises. Handlers of these errors, `Request` objects and contexts hold it. So do `urllib3`, which asks again for what
fails, and `http.client`.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastmigrate.model import Finding
from fastmigrate.project.project import Project
from fastmigrate.rules._blocking import blocking_findings

CODE = "FM103"
NAME = "blocking-urllib-call"


def find(project: Project) -> Iterator[Finding]:
    """The blocking calls of the standard library and of urllib3 on the project's event loop."""
    return blocking_findings(project, CODE, NAME)
