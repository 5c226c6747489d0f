"""Helpers on a path: when they keep their form beside a twin, and what holds the whole path."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.projects import findings, project
from tests.run import fastmigrate

HELPERS = """
import requests
from functools import lru_cache
from typing import Protocol

def load(x): return requests.get(f"http://x/{x}", timeout=5).json()

class Service:
    def fetch(self, x): return requests.get(f"http://x/{x}", timeout=5).json()

class Source(Protocol):
    def fetch(self, x): ...
"""
MAIN = """
import asyncio
from fastapi import Depends, FastAPI
from helpers import Service, load
app = FastAPI()
@app.get("/a")
async def a(): return load("a"), Service().fetch("a")
"""

KEEP_THEIR_FORM = {
    "a plain path operation calls it": "@app.get('/b')\ndef b(): return load('b')",
    "a script calls it": "if __name__ == '__main__':\n    print(load('b'))",
    "it is a plain dependency, too": "@app.get('/b')\nasync def b(x = Depends(load)): return x",
    "it is a plain path operation, too": "app.add_api_route('/load', load)",
    "it is a plain exception handler, too": "app.add_exception_handler(KeyError, load)",
    "it is handed to a thread of its own": "import threading\nthreading.Thread(target=load, args='b').start()",
    "it is handed to something unknown": "def retry(n): ...\nretry(3)(load)('x')",
    "it is called by a name of its own in a plain function": "def b(): f = load; return f('b')",
    "something that calls it keeps its form": "def b(x): return load(x)\n@app.get('/b')\nasync def c(): b(1)\nb(2)",
}
KEEP_THEIR_METHODS = {
    "an object of which nothing is known": "def b(obj): return obj.fetch('b')",
    "an object that is read from": "def b(obj): return [*map(obj.fetch, 'b')]",
    "an object of a protocol": "from helpers import Source\ndef b(source: Source): return source.fetch('b')",
    "an object that was copied": "import copy\ndef b(): return copy.copy(Service()).fetch('b')",
    "a method that is asked for by its name": "def b(): return getattr(Service(), 'fetch')('b')",
}
HELD = {
    "a property": ("@property\n    def p(self): return load(1)", "C().p", "read like an attribute"),
    "what Python calls": ("def __init__(self): load(1)", "C()", "Python calls it"),
    "a cache": ("@lru_cache\n    def p(self): return load(1)", "C().p()", "would be kept"),
    "a decorator from outside": ("@tracked\n    def p(self): return load(1)", "C().p()", ""),
    "a block that is entered": (
        "def __enter__(self): load(1)\n    def __exit__(self, *_): ...",
        "x = C()\n    with x: ...",
        "Python calls it",
    ),
    "a callback": ("...", "sorted('ab', key=load)", "handed over"),
    "a lambda": ("...", "g = lambda: load(1)\n    g()", "lambda"),
    "a function out of a dict": ("...", "{'a': load}['a'](1)", "only known when it does"),
    "a generator that delegates": (
        "def p(self):\n        load(1)\n        yield from 'ab'",
        "for x in C().p(): ...",
        "yield from",
    ),
    "a class that is named": ("def p(self): return Service.fetch(self, 1)", "C().p()", "by its class"),
    "a name that is taken": ("...", "load_async = 1\n    load(load_async)", "cannot be imported as"),
}


def migrated(folder: Path) -> str:
    run = fastmigrate("--fix", cwd=folder)
    assert run.code == 0, run.stdout + run.stderr
    return (folder / "helpers.py").read_text()


@pytest.mark.parametrize("name", KEEP_THEIR_FORM)
def test_a_function_keeps_its_form_where(name: str, tmp_path: Path) -> None:
    project(tmp_path, main=f"{MAIN}{KEEP_THEIR_FORM[name]}\n", helpers=HELPERS)
    helpers = migrated(tmp_path)
    assert "\ndef load(x): return requests.get(" in helpers
    assert "\nasync def load_async(client: httpx.AsyncClient, x): return (await client.get(" in helpers
    assert "    async def fetch(self, client: httpx.AsyncClient, x)" in helpers


@pytest.mark.parametrize("name", KEEP_THEIR_METHODS)
def test_a_method_keeps_its_form_beside(name: str, tmp_path: Path) -> None:
    project(tmp_path, main=f"{MAIN}{KEEP_THEIR_METHODS[name]}\n", helpers=HELPERS)
    helpers = migrated(tmp_path)
    assert "    def fetch(self, x): return requests.get(" in helpers
    assert "    async def fetch_async(self, client: httpx.AsyncClient, x)" in helpers
    assert "\nasync def load(client: httpx.AsyncClient, x)" in helpers


@pytest.mark.parametrize("name", HELD)
def test_holds_what_depends_on(name: str, tmp_path: Path) -> None:
    member, code, reason = HELD[name]
    keep = "def keep(): return load(0)\n" if "taken" in name else ""
    use = f"from functools import lru_cache\nclass C:\n    {member}\n{keep}@app.get('/h')\nasync def h():\n    {code}\n"
    project(tmp_path, main=MAIN + use, helpers=HELPERS)
    found = {finding["line"]: finding["fix"] for finding in findings(tmp_path)}
    held, fixed = sorted(found.items(), key=lambda item: item[0] != (9 if "named" in name else 6))
    if name == "a decorator from outside":  # where it runs is not known
        assert held[1]["applicability"] == "safe"
    else:
        assert held[1]["applicability"] == "none"
        assert reason in held[1]["reason"]
    assert fixed[1]["applicability"] == "safe"


@pytest.mark.parametrize(
    ("test", "applicability"),
    [
        ("def test_it(monkeypatch):\n    monkeypatch.setattr('helpers.load', lambda x: 1)\n", "unsafe"),
        ("def test_it(monkeypatch):\n    monkeypatch.setattr(helpers, 'load', lambda x: 1)\n", "unsafe"),
        ("@patch('helpers.load', return_value=1)\ndef test_it(load): ...\n", "safe"),
        ("@patch('helpers.load')\ndef test_it(load): helpers.load(1)\n", "unsafe"),
    ],
)
def test_what_tests_replace(test: str, applicability: str, tmp_path: Path) -> None:
    project(tmp_path, main=MAIN, helpers=HELPERS, test_it=f"import helpers\nfrom unittest.mock import patch\n{test}")
    grades = {finding["line"]: finding["fix"] for finding in findings(tmp_path)}
    assert grades[6]["applicability"] == applicability
    assert applicability == "safe" or "test_it.py:" in grades[6]["reason"]
    assert grades[9]["applicability"] == "safe"


def test_a_session_of_a_module_in_a_helper(tmp_path: Path) -> None:
    helpers = "import requests\nsession = requests.Session()\ndef load(x): return session.get(f'http://x/{x}').json()\n"
    project(tmp_path, main=MAIN.replace("Service, ", "").replace(', Service().fetch("a")', ""), helpers=helpers)
    assert "def load(session: httpx.AsyncClient, x): return (await session.get(" in migrated(tmp_path)
    main = (tmp_path / "main.py").read_text()
    assert "session: httpx.AsyncClient = request.state.session" in main
    assert 'return await load(session, "a")' in main
