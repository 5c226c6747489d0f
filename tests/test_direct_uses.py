"""Path operations that other code refers to: what that means for their fix."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.projects import only, project

MAIN = """
import requests
from fastapi import Depends, FastAPI, Request
app = FastAPI()
async def user(token: str = ""): return requests.get("http://x").text
@app.get("/")
async def f(u: str = Depends(user)): return u
@app.get("/plain")
async def g(request: Request): return 1
"""
OVERRIDES = {
    "an item": "app.dependency_overrides[user] = lambda: 'me'",
    "an item within a function": "def test_f():\n    app.dependency_overrides[user] = fake\ndef fake(): return 1",
    "an item that goes": "def test_f():\n    del app.dependency_overrides[user]",
    "a dict": "app.dependency_overrides = {user: lambda: 'me'}",
    "an update": "app.dependency_overrides.update({user: lambda: 'me'})",
    "a call": "app.dependency_overrides.pop(user, None)",
}
SAID = {
    "its name": "print(f.__name__)",
    "its documentation": "print(f.__doc__)",
}
IN_TESTS = {
    "a call": "import asyncio\ndef test_f():\n    assert asyncio.run(user('x'))",
    "a call beside an override": (
        "async def test_f():\n    app.dependency_overrides[user] = None\n    assert await user('x')"
    ),
    "a call beside one that goes": (
        "async def test_f():\n    app.dependency_overrides.pop(user)\n    g = user\n    assert await g('x')"
    ),
}


@pytest.mark.parametrize("name", OVERRIDES)
def test_an_override_uses_nothing_of_a_dependency(name: str, tmp_path: Path) -> None:
    tests = f"from main import app, user\n{OVERRIDES[name]}\n"
    assert only(project(tmp_path, main=MAIN, test_main=tests))["fix"]["applicability"] == "safe"


@pytest.mark.parametrize("name", SAID)
def test_what_is_said_of_a_function_does_not_run_it(name: str, tmp_path: Path) -> None:
    code = f"""
import requests
from fastapi import FastAPI
app = FastAPI()
@app.get("/")
async def f():
    {SAID[name]}
    return requests.get("http://x").text
"""
    assert only(project(tmp_path, main=code))["fix"]["applicability"] == "safe"


@pytest.mark.parametrize("name", IN_TESTS)
def test_a_call_in_tests_makes_the_fix_unsafe(name: str, tmp_path: Path) -> None:
    tests = f"from main import app, user\n{IN_TESTS[name]}\n"
    fix = only(project(tmp_path, main=MAIN, test_main=tests))["fix"]
    assert fix["applicability"] == "unsafe"
    assert "test_main.py" in fix["reason"]


TAKING = """
import requests
from fastapi import FastAPI, Request
app = FastAPI()
@app.get("/")
async def f(request: Request): return requests.get("http://x").text
legacy = f
"""


def test_who_refers_to_a_function_that_takes_a_request_has_one(tmp_path: Path) -> None:
    assert only(project(tmp_path, main=TAKING))["fix"]["applicability"] == "safe"


@pytest.mark.parametrize(
    "other",
    [
        "from fastapi import Request\nmade = Request({'type': 'http'})",
        "from starlette.requests import Request\ndef fake(app): return Request({'type': 'http', 'app': app})",
        "from fastapi import FastAPI\nother = FastAPI()",
    ],
)
def test_but_not_if_requests_are_made_up_or_come_from_another_app(other: str, tmp_path: Path) -> None:
    fix = only(project(tmp_path, main=TAKING, other=other))["fix"]
    assert fix["applicability"] == "none"
    assert "or referred to, in main.py" in fix["reason"]
