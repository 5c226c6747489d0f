"""FM303: clients that send one request's cookies with all others. The rule is off unless it is selected."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.projects import findings, project
from tests.run import fastmigrate
from tests.test_finding import marked, source

CODE = """
    from contextlib import asynccontextmanager
    from http.cookiejar import CookieJar, DefaultCookiePolicy
    import httpx
    from elsewhere import jar
    shared = httpx.Client()  # <-
    mine = httpx.AsyncClient()
    async def use(): await mine.get("http://x")
    @asynccontextmanager
    async def lifespan(app):
        app.state.client = httpx.AsyncClient()  # <-
        async with (
            httpx.AsyncClient() as a,  # <-
            httpx.AsyncClient(cookies={"a": "b"}) as b,  # <-
            httpx.AsyncClient(cookies=CookieJar()) as c,  # <-
            httpx.AsyncClient(cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[]))) as d,
            httpx.AsyncClient(cookies=jar) as e,
        ):
            yield {"a": a, "b": b, "c": c, "d": d, "e": e}
    other = FastAPI(lifespan=lifespan)
    async def script():
        async with httpx.AsyncClient() as client: ...
    @app.get("/")
    def f():
        with httpx.Client() as client: ...
        return shared.get("http://x")
"""


@pytest.mark.parametrize("selected", ["FM303", "FM3", "ALL"])
def test_found_when_selected(selected: str, tmp_path: Path) -> None:
    project(tmp_path, main=source(CODE))
    found = [f for f in findings(tmp_path, "--select", selected) if f["code"] == "FM303"]
    assert [finding["line"] for finding in found] == marked(CODE)
    assert "CookieJar(DefaultCookiePolicy(allowed_domains=[]))" in found[0]["fix"]["reason"]


def test_silent_otherwise(tmp_path: Path) -> None:
    project(tmp_path, main=source(CODE))
    assert "FM303" not in {finding["code"] for finding in findings(tmp_path)}
    assert "FM303" not in {finding["code"] for finding in findings(tmp_path, "--select", "FM1,FM9")}


def test_a_client_that_moves_takes_its_finding_along(tmp_path: Path) -> None:
    code = """
        import httpx
        client = httpx.AsyncClient()
        @app.get("/")
        async def f(): return (await client.get("http://x")).json()
    """
    project(tmp_path, main=source(code))
    run = fastmigrate("--fix", "--select", "ALL", "--output-format", "concise", cwd=tmp_path)
    assert "FM303" in run.stdout
    assert "1 fixed in 1 file, 1 held" in run.stdout
