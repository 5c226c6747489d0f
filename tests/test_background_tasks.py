"""FM403: background tasks that are given a coroutine, and imports of what is elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.projects import findings, only, project
from tests.run import fastmigrate

HEAD = """
import httpx
from fastapi import BackgroundTasks, FastAPI
from starlette.background import BackgroundTask
from functools import partial
import elsewhere

async def notify(user, *more, loud=False, func=None): ...
def choose(user): return notify
async def numbers():
    yield 1
@elsewhere.wrapped
async def wrapped(): ...
class Mailer:
    async def send(self, user): ...
    def aclose(self): return notify
mailer = Mailer()
shared = httpx.AsyncClient()

async def f(tasks: BackgroundTasks, response: httpx.Response, thing):
    streamed = await thing.send(thing.build_request("GET", "http://x"), stream=True)
"""

FIXED = {
    "aclose of a response": ("BackgroundTask(response.aclose())", "BackgroundTask(response.aclose)"),
    "aclose of what was streamed": ("BackgroundTask(streamed.aclose())", "BackgroundTask(streamed.aclose)"),
    "by keyword": ("BackgroundTask(func=shared.aclose())", "BackgroundTask(func=shared.aclose)"),
    "with arguments": (
        "tasks.add_task(notify('a', *thing, loud=True))",
        "tasks.add_task(notify, 'a', *thing, loud=True)",
    ),
    "keyword with arguments": ("tasks.add_task(func=notify('a'))", "tasks.add_task(notify, 'a')"),
    "method": ("tasks.add_task(mailer.send(thing))", "tasks.add_task(mailer.send, thing)"),
    "generator": ("tasks.add_task(notify(x for x in thing))", "tasks.add_task(notify, (x for x in thing))"),
    "lines": (
        "tasks.add_task(\n        notify(\n            thing,\n            loud=True,\n        ),\n    )",
        "tasks.add_task(\n        notify, thing,\n            loud=True,\n    )",
    ),
}

SILENT = [
    "BackgroundTask(response.aclose)",
    "BackgroundTask(notify, 'a')",
    "BackgroundTask(choose('a'))",
    "BackgroundTask(partial(notify, 'a'))",
    "BackgroundTask(numbers())",
    "BackgroundTask(wrapped())",
    "BackgroundTask(mailer.aclose())",
    "tasks.add_task(await thing())",
    "thing.add_task(notify('a'))",
    "elsewhere.BackgroundTask(notify('a'))",
]

HELD = {
    "more arguments": ("BackgroundTask(notify('a'), 'b')", "more than that call"),
    "same keyword": ("BackgroundTask(notify(func='b'))", "called `func`"),
}


@pytest.mark.parametrize("name", FIXED)
def test_fixed(name: str, tmp_path: Path) -> None:
    before, after = FIXED[name]
    project(tmp_path, main=f"{HEAD}    {before}\n")
    run = fastmigrate("--fix", "--select", "FM403", cwd=tmp_path)
    assert (run.code, (tmp_path / "main.py").read_text()) == (0, f"{HEAD}    {after}\n"), run


@pytest.mark.parametrize("code", SILENT)
def test_silent(code: str, tmp_path: Path) -> None:
    assert findings(project(tmp_path, main=f"{HEAD}    {code}\n"), "--select", "FM403") == []


@pytest.mark.parametrize("name", HELD)
def test_held(name: str, tmp_path: Path) -> None:
    code, reason = HELD[name]
    [found] = findings(project(tmp_path, main=f"{HEAD}    {code}\n"), "--select", "FM403")
    assert found["fix"]["applicability"] == "none"
    assert reason in found["fix"]["reason"]


def test_aclose_of_what_is_not_known_is_unsafe(tmp_path: Path) -> None:
    [found] = findings(project(tmp_path, main=f"{HEAD}    BackgroundTask(thing.aclose())\n"), "--select", "FM403")
    assert found["fix"] == {
        "applicability": "unsafe",
        "reason": "what `aclose()` is called on is not known to be httpx's",
    }


def test_tests_are_silent(tmp_path: Path) -> None:
    assert findings(project(tmp_path, **{"tests/a": f"{HEAD}    BackgroundTask(response.aclose())\n"})) == []


def test_the_import_comes_from_where_it_is(tmp_path: Path) -> None:
    code = """
        from fastapi import BackgroundTask, FastAPI
        try:
            from fastapi import BackgroundTask as Guarded
        except ImportError:
            from starlette.background import BackgroundTask as Guarded
        def later():
            from fastapi import BackgroundTask as Task
            return Task(print)
    """
    project(tmp_path, main=code)
    first, second = findings(tmp_path)
    assert (first["line"], first["column"], first["end_column"]) == (2, 21, 35)
    assert (second["line"], second["column"], second["end_column"]) == (8, 25, 47)
    assert first["message"] == "`fastapi` has no `BackgroundTask`: it is to be imported from `starlette.background`"

    assert fastmigrate("--fix", cwd=tmp_path).code == 0
    assert (
        (tmp_path / "main.py").read_text()
        == """
from fastapi import FastAPI
from starlette.background import BackgroundTask, BackgroundTask as Task
try:
    from fastapi import BackgroundTask as Guarded
except ImportError:
    from starlette.background import BackgroundTask as Guarded
def later():
    return Task(print)
"""
    )


def test_a_finding_can_be_suppressed_where_the_import_stands(tmp_path: Path) -> None:
    project(tmp_path, main="from fastapi import BackgroundTask  # noqa: FM403\n")
    assert findings(tmp_path) == []


def test_its_chain_and_endpoints(tmp_path: Path) -> None:
    code = """
        from fastapi import BackgroundTasks, FastAPI
        app = FastAPI()
        async def notify(): ...
        @app.get("/a")
        async def f(tasks: BackgroundTasks): tasks.add_task(notify())
    """
    found = only(project(tmp_path, main=code))
    assert found["chain"] == [{"name": "main.f", "path": "main.py", "line": 6, "column": 38}]
    assert [endpoint["route"] for endpoint in found["endpoints"]] == ["GET /a"]
