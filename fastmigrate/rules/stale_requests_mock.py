"""FM502 stale-requests-mock

What it does
------------
Finds tests that replace `requests` where the code they test uses a client of httpx (or httpx2) by now.

Why is this bad
---------------
The replacement no longer stands between the test and the network: the test fails with an `AttributeError`, or talks to
the real service.

Example
-------
```python
from contextlib import asynccontextmanager
from unittest.mock import patch

import httpx
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


@patch("main.requests.get")
def test_items(get):
    with TestClient(app) as client:
        assert client.get("/items").json() == get.return_value.json.return_value
```

Use instead
-----------
```python
from contextlib import asynccontextmanager

import httpx
import respx
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


@respx.mock
def test_items():
    respx.get("https://shop.example/items").respond(json=[])
    with TestClient(app) as client:
        assert client.get("/items").json() == []
```

Fix
---
There is none afterwards: what the replacement returns is shaped like an answer of requests. `respx` and `pytest-httpx`
stand in for the network; `httpx.MockTransport` needs no library. While the calls are migrated, though,
`patch("main.requests.get")` becomes `patch("httpx.AsyncClient.get")` in tests that look neither at the arguments of the
mock nor at what only answers and errors of requests have.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastmigrate.model import Finding, Fix
from fastmigrate.project.mocks import stale_mocks
from fastmigrate.project.project import Project

CODE = "FM502"
NAME = "stale-requests-mock"

_REASON = "what takes its place is for you to say: `respx`, `pytest-httpx`, or a client with an `httpx.MockTransport`"


def find(project: Project) -> Iterator[Finding]:
    """The replacements of `requests` that no longer replace anything that is used."""
    for mock, user in stale_mocks(project):
        message = f"`{mock.target}` is replaced for a test, and {user} no longer uses it"
        place = project.place_in_text(mock.path, mock.place)
        yield Finding(CODE, NAME, message, mock.path, place, fix=Fix("none", _REASON), call=mock.number)
