"""The harness sees what it is there to see: whether a stream flows, how it ends, and whether its reader lets go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.app import RunningApp
from tests.harness.upstream import Upstream

APP = """
import asyncio
import os
from contextlib import asynccontextmanager

import requests
import {httpx}
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from starlette.background import BackgroundTask

UPSTREAM = os.environ["UPSTREAM"]
reading = set()


@asynccontextmanager
async def lifespan(app):
    async with {httpx}.AsyncClient(timeout=None) as client:
        yield {{"client": client}}


app = FastAPI(lifespan=lifespan)


async def opened(request: Request, path: str):
    client = request.state.client
    return await client.send(client.build_request("GET", f"{{UPSTREAM}}/{{path}}"), stream=True)


@app.get("/prompt/{{path}}")
async def prompt(path: str, request: Request):
    r = await opened(request, path)
    return StreamingResponse(r.aiter_bytes(), background=BackgroundTask(r.aclose))


@app.get("/buffering/{{path}}")
async def buffering(path: str, request: Request):
    r = await opened(request, path)
    return StreamingResponse(r.aiter_bytes(8192), background=BackgroundTask(r.aclose))


@app.get("/blocking/{{path}}")
async def blocking(path: str):
    r = requests.get(f"{{UPSTREAM}}/{{path}}", stream=True)
    return StreamingResponse(r.iter_content(8192), background=BackgroundTask(r.close))


@app.get("/reading_on/{{path}}")
async def reading_on(path: str, request: Request):
    r = await opened(request, path)
    queue = asyncio.Queue()

    async def read():
        async for piece in r.aiter_bytes():
            queue.put_nowait(piece)

    async def pieces():
        while True:
            yield await queue.get()

    reading.add(asyncio.create_task(read()))
    return StreamingResponse(pieces())


@app.post("/size")
async def size(request: Request):
    return len(await request.body())
"""

Running = tuple[RunningApp, Upstream]

CHUNKS = ["first ", "second ", "third"]
ANSWERS: dict[str, dict[str, Any]] = {
    "/held": {"chunks": CHUNKS, "hold": True},
    "/held-gzip": {"chunks": CHUNKS, "hold": True, "gzip": True},
    "/cut": {"chunks": CHUNKS, "truncate": True},
    "/short": {"body": "all there is", "truncate": True},
    "/gzip": {"body": "all there is", "gzip": True},
    "/endless": {"endless": True},
}


@pytest.fixture(scope="module", params=["httpx", "httpx2"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("app")
    (folder / "main.py").write_text(APP.format(httpx=request.param), encoding="utf-8")
    with Upstream(ANSWERS) as upstream, RunningApp(folder, "main:app", {"UPSTREAM": upstream.url}) as app:
        try:
            yield app, upstream
        finally:
            upstream.end_streams()


@pytest.mark.parametrize("answer", ["held", "held-gzip"])
@pytest.mark.parametrize("endpoint", ["prompt", "blocking"])
def test_a_stream_that_flows(running: Running, endpoint: str, answer: str) -> None:
    app, upstream = running
    assert app.call({"path": f"/{endpoint}/{answer}"}, upstream.passed_on.set).body == b"first second third"


@pytest.mark.parametrize("answer", ["held", "held-gzip"])
def test_a_stream_that_is_held_back(running: Running, answer: str) -> None:
    app, upstream = running
    assert app.call({"path": f"/buffering/{answer}"}, upstream.passed_on.set).body == b"first gave up"


@pytest.mark.parametrize(
    ("answer", "body", "is_broken"),
    [("cut", b"first second third", True), ("short", b"all there is", True), ("gzip", b"all there is", False)],
)
def test_how_a_stream_ends(running: Running, answer: str, body: bytes, is_broken: bool) -> None:
    app, _ = running
    seen = app.call({"path": f"/prompt/{answer}"})
    assert (seen.status, seen.body, seen.is_broken) == (200, body, is_broken)


@pytest.mark.parametrize("endpoint", ["prompt", "buffering", "blocking"])
def test_an_app_that_lets_go_of_its_upstream(running: Running, endpoint: str) -> None:
    app, upstream = running
    upstream.abandoned.clear()
    seen = app.call({"path": f"/{endpoint}/endless", "disconnect": True})
    assert (seen.status, seen.body) == (200, b"")
    assert upstream.is_abandoned()
    assert upstream.abandoned == ["/endless"]


def test_an_app_that_reads_on(running: Running) -> None:
    app, upstream = running
    upstream.abandoned.clear()
    app.call({"path": "/reading_on/endless", "disconnect": True})
    assert not upstream.is_abandoned(limit=1)


def test_a_body_of_any_bytes(running: Running) -> None:
    app, _ = running
    assert app.call({"method": "POST", "path": "/size", "body_hex": "00ff0d0a"}).body == b"4"
