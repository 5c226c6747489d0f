"""FM104: `time.sleep` on the event loop."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

import pytest

from tests.projects import findings, only, project
from tests.run import fastmigrate
from tests.test_finding import lines_found, marked

FOUND = {
    "imports": """
        import time
        import time as clock
        from time import sleep, sleep as pause
        @app.get("/")
        async def f():
            time.sleep(1)  # <-
            clock.sleep(1)  # <-
            sleep(1)  # <-
            pause(1)  # <-
            wait = time.sleep
            wait(1)  # <-
    """,
}

SILENT = {
    "elsewhere": """
        import asyncio, time
        from asyncio import sleep
        from gevent import sleep as nap
        @app.get("/a")
        def f(): time.sleep(1)
        async def g(): time.sleep(1)
        @app.get("/b")
        async def h(time: str, driver):
            await asyncio.sleep(1), await sleep(1), nap(1), driver.sleep(1), time.sleep(1)
    """,
}

APP = """
import os, random, threading, time
from fastapi import FastAPI, Request
app = FastAPI()
PAUSE = 3
LOCK = threading.Lock()
@app.get("/")
async def f(request: Request, seconds: float = 1):
"""

SAFE = {
    "constant": "time.sleep(0.5)",
    "setting": "time.sleep(PAUSE * 2)\ntime.sleep(float(os.environ['P']))",
    "back-off": "for n in range(3):\n    time.sleep(2 ** n + random.random())",
    "growing": "d = 1\nwhile d < 9:\n    time.sleep(d)\n    d *= 2",
    "bounded": "time.sleep(max(0, seconds))",
}

UNSAFE = {
    "parameter": ("time.sleep(seconds)", "`max(0, seconds)` would be the same in both"),
    "difference": ("d = PAUSE - time.time()\ntime.sleep(d)", "refuses a negative number"),
    "body": ("time.sleep(float(request.query_params['s']))", "refuses a negative number"),
    "stale": ("global PAUSE\np = PAUSE\ntime.sleep(1)\nPAUSE = p + 1", "`PAUSE` is read before the call"),
}

HELD = {
    "lock": ("with LOCK:\n    time.sleep(1)", "a thread lock is held"),
    "generator": ("any(time.sleep(n) for n in range(3))", "generator expression"),
    "star": ("time.sleep(*[1])", "one positional argument"),
}


@pytest.mark.parametrize("name", FOUND)
def test_found(name: str, tmp_path: Path) -> None:
    assert lines_found(FOUND[name], tmp_path) == marked(FOUND[name])


@pytest.mark.parametrize("name", SILENT)
def test_silent(name: str, tmp_path: Path) -> None:
    assert lines_found(SILENT[name], tmp_path) == []


def body(code: str) -> str:
    return APP + indent(code, "    ") + "\n"


@pytest.mark.parametrize("name", SAFE)
def test_safe(name: str, tmp_path: Path) -> None:
    found = findings(project(tmp_path, main=body(SAFE[name])))
    assert [finding["fix"]["applicability"] for finding in found] == ["safe"] * SAFE[name].count("sleep")


@pytest.mark.parametrize("name", UNSAFE)
def test_unsafe(name: str, tmp_path: Path) -> None:
    code, reason = UNSAFE[name]
    fix = only(project(tmp_path, main=body(code)))["fix"]
    assert fix["applicability"] == "unsafe"
    assert reason in fix["reason"]


@pytest.mark.parametrize("name", HELD)
def test_held(name: str, tmp_path: Path) -> None:
    code, reason = HELD[name]
    fix = only(project(tmp_path, main=body(code)))["fix"]
    assert fix["applicability"] == "none"
    assert reason in fix["reason"]


def test_names_that_are_taken_and_imports_that_are_still_used(tmp_path: Path) -> None:
    code = """
        import time
        from time import sleep
        from fastapi import FastAPI
        app = FastAPI()
        @app.get("/")
        async def f(asyncio: str = ""):
            sleep(1)
            return time.time(), [time.sleep(n) for n in (1, 2)]
    """
    project(tmp_path, main=code)
    run = fastmigrate("--fix", cwd=tmp_path)
    assert run.code == 0, run
    text = (tmp_path / "main.py").read_text()
    assert text.startswith("\nimport asyncio as _asyncio\nimport time\nfrom fastapi"), text
    assert "    await _asyncio.sleep(1)\n    return time.time(), [await _asyncio.sleep(n) for n in (1, 2)]\n" in text
