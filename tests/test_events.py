"""Start-up and shutdown handlers: which of them a new lifespan calls, and when the lifespan of an app is wrapped."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.projects import findings, project
from tests.run import fastmigrate

ROUTES = """
import requests
from fastapi import APIRouter
router = APIRouter()
@router.get("/")
async def f(): return requests.get("http://x").text
def start(): ...
"""
MAIN = "from routes import router\nfrom fastapi import FastAPI\napp = FastAPI()\napp.include_router(router)\n"

CALLED = {
    "a start-up handler": ("@app.on_event('startup')\nasync def s(): ...", "await s()\n        yield"),
    "a plain one": ("@app.on_event('startup')\ndef s(): ...", "  s()\n        yield"),
    "a shutdown handler": ("@app.on_event('shutdown')\nasync def s(): ...", "'client': client}\n        await s()"),
    "several, in their order": (
        "@app.on_event('startup')\nasync def b(): ...\n@app.on_event('startup')\ndef a(): ...",
        "await b()\n        a()\n        yield",
    ),
    "one that is both": (
        "@app.on_event('startup')\n@app.on_event('shutdown')\ndef s(): ...",
        "s()\n        yield {'client': client}\n        s()",
    ),
    "one that a call registers": ("def s(): ...\napp.add_event_handler('startup', s)", "s()\n        yield"),
    "one of the app's router": ("def s(): ...\napp.router.add_event_handler('startup', s)", "s()\n        yield"),
}
WRAPPED = {
    "handlers of the router": "from routes import router as r\n@r.on_event('startup')\ndef s(): ...",
    "handlers that a function registers": (
        "def register(a):\n    @a.on_event('startup')\n    def s(): ...\nregister(app)"
    ),
    "handlers in a list": "def s(): ...\napp.router.on_startup.append(s)",
    "a handler of another module": "from routes import start as s\napp.add_event_handler('startup', s)",
    "a handler in a branch": "import os\nif os.name:\n    @app.on_event('startup')\n    def s(): ...",
    "a lambda": "app.add_event_handler('startup', lambda: None)",
    "a method": "class C:\n    def s(self): ...\napp.add_event_handler('startup', C().s)",
    "an event of a name": "EVENT = 'startup'\n@app.on_event(EVENT)\ndef s(): ...",
    "a name with two meanings": "@app.on_event('startup')\ndef s(): ...\n@app.on_event('startup')\ndef s(): ...",
    "handlers put first into a list": "def s(): ...\napp.router.on_startup.insert(0, s)",
    "a handler with a decorator": (
        "import functools\ndef twice(f): return functools.partial(f)\n@app.on_event('startup')\n@twice\ndef s(): ..."
    ),
    "a decorator above the registration": ("def log(f): return f\n@log\n@app.on_event('startup')\ndef s(): ..."),
    "a handler that is called like the client": "@app.on_event('shutdown')\nasync def client(): ...",
    "a method that gets the app": (
        "class Database:\n    def init_app(self, a): a.add_event_handler('startup', self.s)\n    def s(self): ...\n"
        "Database().init_app(app)"
    ),
    "two apps": "other = FastAPI()\n@app.on_event('startup')\ndef s(): ...",
}


def migrated(folder: Path) -> str:
    run = fastmigrate("--fix", cwd=folder)
    assert run.code == 0, run.stdout + run.stderr
    again = fastmigrate("--fix", cwd=folder)
    assert again.stdout.startswith("No findings"), again.stdout
    return (folder / "main.py").read_text()


@pytest.mark.parametrize("name", CALLED)
def test_is_called_by_the_lifespan(name: str, tmp_path: Path) -> None:
    code, calls = CALLED[name]
    main = migrated(project(tmp_path, routes=ROUTES, main=f"{MAIN}{code}\n"))
    assert calls in main
    assert "on_event" not in main
    assert "add_event_handler" not in main


@pytest.mark.parametrize("name", WRAPPED)
def test_runs_within_the_wrapped_lifespan(name: str, tmp_path: Path) -> None:
    main = migrated(project(tmp_path, routes=ROUTES, main=f"{MAIN}{WRAPPED[name]}\n"))
    wrapping = "app = FastAPI()\napp.router.lifespan_context = with_client(app.router.lifespan_context)\n"
    assert wrapping in main
    assert main.endswith(f"{MAIN.splitlines()[-1]}\n{WRAPPED[name]}\n")


LIFESPANS = {
    "a bare generator": "async def life(app):\n    yield",
    "one with docs": 'async def life(app):\n    """Docs."""\n    yield {}',
    "one with comments": "# Runs around all.\nasync def life(app):\n    yield",
}


@pytest.mark.parametrize("name", LIFESPANS)
def test_a_bare_lifespan_is_decorated_and_takes_the_client(name: str, tmp_path: Path) -> None:
    code = LIFESPANS[name]
    main = "from routes import router\nfrom fastapi import FastAPI\n"
    project(tmp_path, routes=ROUTES, main=f"{main}{code}\napp = FastAPI(lifespan=life)\napp.include_router(router)\n")
    assert [finding["code"] for finding in findings(tmp_path)] == ["FM402", "FM101"]
    assert "@asynccontextmanager\nasync def life(app):" in migrated(tmp_path)


def test_a_plain_generator_stays(tmp_path: Path) -> None:
    main = "from fastapi import FastAPI\ndef life(app):\n    yield\napp = FastAPI(lifespan=life)\n"
    [finding] = findings(project(tmp_path, main=main))
    assert finding["fix"]["applicability"] == "none"
    assert "make it `async def`" in finding["fix"]["reason"]
    assert (finding["line"], finding["column"], finding["end_column"]) == (2, 1, 9)


SILENCED = {
    "a decorator": "@app.on_event('startup')\ndef s(): ...",
    "a call": "def s(): ...\napp.router.add_event_handler('shutdown', s)",
    "a list": "def s(): ...\napp.router.on_startup.append(s)",
}
HEARD = {
    "a router's": "from fastapi import APIRouter\nr = APIRouter()\n@r.on_event('startup')\ndef s(): ...",
    "another app's": "other = FastAPI()\n@other.on_event('startup')\ndef s(): ...",
}
LIFE = """
from contextlib import asynccontextmanager
from fastapi import FastAPI
@asynccontextmanager
async def life(app): yield
app = FastAPI(lifespan=life)
"""


@pytest.mark.parametrize("name", SILENCED)
def test_handlers_that_a_lifespan_silences(name: str, tmp_path: Path) -> None:
    [finding] = findings(project(tmp_path, main=f"{LIFE}{SILENCED[name]}\n"))
    assert finding["code"] == "FM401"
    assert "`main.s` never runs" in finding["message"] or name == "a list"


@pytest.mark.parametrize("name", HEARD)
def test_handlers_that_run_beside_a_lifespan(name: str, tmp_path: Path) -> None:
    assert findings(project(tmp_path, main=f"{LIFE}{HEARD[name]}\n")) == []


def test_handlers_given_to_an_app_with_a_lifespan(tmp_path: Path) -> None:
    main = LIFE.replace("lifespan=life", "lifespan=life, on_startup=[print]")
    [finding] = findings(project(tmp_path, main=main))
    assert finding["code"] == "FM401"


def test_handlers_given_to_the_app_stay_where_they_are(tmp_path: Path) -> None:
    code = "def s(): ...\ndef create():\n    app = FastAPI(on_startup=[s])\n"
    code += "    app.include_router(router)\n    return app\n"
    project(tmp_path, routes=ROUTES, main=f"from routes import router\nfrom fastapi import FastAPI\n{code}")
    main = migrated(tmp_path)
    assert "    app = FastAPI(on_startup=[s])\n    app.router.lifespan_context = with_client(" in main


def test_an_app_without_a_name_is_held(tmp_path: Path) -> None:
    code = "def s(): ...\nclass Server:\n    def __init__(self):\n        self.app = FastAPI(on_startup=[s])\n"
    code += "        self.app.include_router(router)\n"
    project(tmp_path, routes=ROUTES, main=f"from routes import router\nfrom fastapi import FastAPI\n{code}")
    [finding] = findings(tmp_path)
    assert "no name by which to wrap its lifespan" in finding["fix"]["reason"]


def test_a_later_call_uses_the_client_of_the_wrapped_lifespan(tmp_path: Path) -> None:
    project(tmp_path, routes=ROUTES, main=f"{MAIN}{WRAPPED['handlers in a list']}\n")
    migrated(tmp_path)
    more = "@router.get('/g')\nasync def g(): return requests.get('http://x').text\n"
    (tmp_path / "routes.py").write_text("import requests\n" + (tmp_path / "routes.py").read_text() + more)
    before = (tmp_path / "main.py").read_text()
    fastmigrate("--fix", cwd=tmp_path)
    assert (tmp_path / "main.py").read_text() == before
    assert "requests.get" not in (tmp_path / "routes.py").read_text()


ELSEWHERE = {
    "a function of a file that names no framework": (
        "def register(a):\n    @a.on_event('startup')\n    def s(): print('s')\n",
        "from events import register\nregister(app)\n",
    ),
    "one that puts it into a list": (
        "def s(): ...\ndef register(a): a.router.on_startup.append(s)\n",
        "from events import register\nregister(app)\n",
    ),
    "a file that imports the app": ("import main\n@main.app.on_event('startup')\ndef s(): ...\n", ""),
    "a method of another file": (
        "class Database:\n    def init_app(self, a): a.router.add_event_handler('startup', self.s)\n"
        "    def s(self): ...\n",
        "from events import Database\ndb = Database()\ndb.init_app(app)\n",
    ),
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_handlers_that_other_files_register_run_on(name: str, tmp_path: Path) -> None:
    events, main = ELSEWHERE[name]
    project(tmp_path, routes=ROUTES, events=events, main=MAIN + main)
    assert "app.router.lifespan_context = with_client(app.router.lifespan_context)" in migrated(tmp_path)


def test_handlers_in_spread_options_run_on(tmp_path: Path) -> None:
    main = MAIN.replace("FastAPI()", "FastAPI(**OPTIONS)").replace(
        "app =", "def s(): ...\nOPTIONS = {'on_startup': [s]}\napp ="
    )
    project(tmp_path, routes=ROUTES, main=main)
    assert "with_client(app.router.lifespan_context)" in migrated(tmp_path)


def test_a_wrapped_lifespan_makes_a_second_client(tmp_path: Path) -> None:
    project(tmp_path, routes=ROUTES, main=MAIN + "@router.on_event('startup')\ndef s(): ...\n")
    migrated(tmp_path)
    more = "import httpx\n@app.get('/more')\nasync def more(): return httpx.get('http://x').text\n"
    (tmp_path / "main.py").write_text((tmp_path / "main.py").read_text() + more)
    main = migrated(tmp_path)
    assert main.count("AsyncClient(") == 2
    assert main.count("async with inner(app) as state") == 1
