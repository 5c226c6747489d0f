"""FM302: async clients that modules make when they are imported."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tests.projects import findings, only, project
from tests.run import fastmigrate

HEAD = """
import httpx
from contextlib import asynccontextmanager
from fastapi import FastAPI, Request
import elsewhere
app = FastAPI()
client = httpx.AsyncClient()
"""
ENDPOINT = """
@app.get("/")
async def f(request: Request):
    return (await client.get("http://x")).json()
"""

HELD = {
    "helper": ("async def g(): return await client.get('http://x')", "it is also used in main.py:13, outside of path"),
    "passed on": ("elsewhere.use(client)", "`client` is used in main.py in other ways than by calls of its methods"),
    "set up": ("client.headers['a'] = 'b'", "in other ways"),
    "exported": ("__all__ = ['client']", "in other ways"),
    "other method": (
        "@app.get('/b')\nasync def b(request: Request): return client.cookies.clear(), client.close()",
        "in other ways",
    ),
    "plain def": ("@app.get('/b')\ndef b(request: Request): return client.get('http://x')", "is called in main.py:14"),
    "closed among other things": (
        "@app.on_event('shutdown')\nasync def stop():\n    await client.aclose()\n    print('bye')",
        "it is closed in main.py:15, by a function that does more than that",
    ),
}

SILENT = {
    "managed": """
        import httpx
        async def f():
            async with httpx.AsyncClient() as client: ...
        class Service:
            client = None
            def __init__(self): self.client = httpx.AsyncClient()
    """,
    "given away": "import httpx, elsewhere\nservice = elsewhere.Service(httpx.AsyncClient())\n",
    "synchronous": """
        import httpx
        client = httpx.Client()
        def f(): return client.get("http://x")
    """,
    "closed elsewhere": """
        import httpx
        client = httpx.AsyncClient()
        async def f(): return await client.get("http://x")
        async def stop(): await client.aclose()
    """,
}


@pytest.mark.parametrize("name", HELD)
def test_held(name: str, tmp_path: Path) -> None:
    code, reason = HELD[name]
    fix = only(project(tmp_path, main=f"{HEAD}{ENDPOINT}\n{code}\n"))["fix"]
    assert fix["applicability"] == "none"
    assert reason in fix["reason"]


@pytest.mark.parametrize("name", SILENT)
def test_silent(name: str, tmp_path: Path) -> None:
    assert findings(project(tmp_path, main=SILENT[name])) == []


def test_a_client_that_nobody_closes_is_reported(tmp_path: Path) -> None:
    code = "import httpx\nclient = httpx.AsyncClient()\nasync def f(): return await client.get('http://x')\n"
    found = only(project(tmp_path, app__api=code))
    assert found["message"].endswith("is made when `app.api` is imported: no event loop runs yet, and nobody closes it")
    assert found["endpoints"] == []
    assert "no path operation" in found["fix"]["reason"] or "outside of path operations" in found["fix"]["reason"]


def test_a_test_that_patches_it_holds_the_fix(tmp_path: Path) -> None:
    project(
        tmp_path, main=HEAD + ENDPOINT, **{"tests/test_f": "from unittest.mock import patch\npatch('main.client')\n"}
    )
    assert "is used in tests/test_f.py" in only(tmp_path)["fix"]["reason"]


LIFESPANS = {
    "after the yield": ("    yield\n    await client.aclose()\n", ""),
    "finally": ("    try:\n        yield\n    finally:\n        await client.aclose()\n", ""),
    "finally with more": (
        "    try:\n        yield\n    finally:\n        await client.aclose()\n        print('bye')\n",
        "finally",
    ),
}


@pytest.mark.parametrize("name", LIFESPANS)
def test_a_lifespan_that_closes_it_makes_it(name: str, tmp_path: Path) -> None:
    body, kept = LIFESPANS[name]
    lifespan = f"@asynccontextmanager\nasync def lifespan(app):\n{body}app = FastAPI(lifespan=lifespan)\n"
    project(tmp_path, main=HEAD.replace("app = FastAPI()\n", "") + lifespan + ENDPOINT)
    run = fastmigrate("--fix", cwd=tmp_path)
    assert run.code == 0, run
    text = (tmp_path / "main.py").read_text()
    assert "async with httpx.AsyncClient() as client:" in text
    assert "aclose" not in text
    assert ("finally" in text) == bool(kept)
    assert "client = httpx" not in text


def test_what_needs_a_lifespan_takes_the_client_along(tmp_path: Path) -> None:
    code = f"""{HEAD}
import requests
@app.on_event("shutdown")
async def stop():
    await client.aclose()
{ENDPOINT}
@app.get("/b")
async def b(request: Request):
    return requests.get("http://x").json()
"""
    project(tmp_path, main=code)
    run = fastmigrate("--fix", "--select", "FM101", cwd=tmp_path)
    assert run.code == 0, run
    text = (tmp_path / "main.py").read_text()
    assert "on_event" not in text
    assert dedent("yield {").strip() in text
    assert findings(tmp_path) == []
