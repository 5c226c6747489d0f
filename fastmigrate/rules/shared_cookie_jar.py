"""FM303 shared-cookie-jar

What it does
------------
Finds clients of httpx (or httpx2) that requests share, in a lifespan, on the app's state or in a module, and that keep
the cookies which their upstreams set. The rule is off unless it is selected: with `--select ALL`, say.

Why is this bad
---------------
A client sends each cookie that it was given with all its later calls to that host. What an upstream sets for one user's
call, a session above all, goes out with the calls of all other users.

Example
-------
```python
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI, Request


@asynccontextmanager
async def lifespan(app: FastAPI):
    async with httpx.AsyncClient() as client:
        yield {"client": client}


app = FastAPI(lifespan=lifespan)
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
    async with httpx.AsyncClient(cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[]))) as client:
        yield {"client": client}


app = FastAPI(lifespan=lifespan)
```

Fix
---
There is none: a client that logs in once, for all, needs its cookies. Where no call needs what another one was told,
give the client a jar that keeps nothing, as above; not wrapped in `httpx.Cookies`, which would lose its policy.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastmigrate.model import Finding, Fix, Hop
from fastmigrate.project.project import Project
from fastmigrate.project.sharing import lasting_clients

CODE = "FM303"
NAME = "shared-cookie-jar"
ON = False

_REASON = (
    "whether calls rely on cookies that others were given is not known: if not, pass "
    "`cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[]))`"
)


def find(project: Project) -> Iterator[Finding]:
    """The clients that requests share, and that keep cookies."""
    for client in lasting_clients(project):
        jar = next((a.code for a in project.arguments(client) if a.keyword in {"cookies", None}), "{}")
        if not jar.startswith("{") and not jar.endswith(("CookieJar()", "Cookies()")):
            continue  # a jar with a policy of its own, for all that is known
        path = client.scope.path
        place = project.place_in_text(path, client.site.place)
        message = f"`{client.made}` is shared by all requests, and sends the cookies that one was given with all others"
        chain = (Hop(project.name_of(client.scope), path, place.line, place.column),) if client.scope.qualname else ()
        number = client.site.call.number
        yield Finding(CODE, NAME, message, path, place, chain=chain, fix=Fix("none", _REASON), call=number)
