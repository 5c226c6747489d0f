"""Tests that replace requests where the code uses it no longer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.projects import findings, project
from tests.run import fastmigrate

MAIN = """
import requests
from fastapi import FastAPI
app = FastAPI()
@app.get("/")
async def f(): return requests.get("http://x").text
"""
STALE = {
    "a patch by name": ("@patch('main.requests.get')\ndef test_f(get): ...", "main.requests.get"),
    "a patch of the module's name": ("@patch('main.requests')\ndef test_f(get): ...", "main.requests"),
    "a patch of the library": ("@patch('requests.get')\ndef test_f(get): ...", "requests.get"),
    "a patch by pytest-mock": ("def test_f(mocker):\n    mocker.patch('main.requests.get')", "main.requests.get"),
    "a patch of an object": (
        "def test_f():\n    with patch.object(requests, 'get'): ...",
        "requests.get",
    ),
    "monkeypatch": ("def test_f(monkeypatch):\n    monkeypatch.setattr(requests, 'get', None)", "requests.get"),
    "monkeypatch of the module": (
        "def test_f(monkeypatch):\n    monkeypatch.setattr(main, 'requests', None)",
        "main.requests",
    ),
    "responses": ("import responses\ndef test_f():\n    responses.add('GET', 'http://x')", "responses.add"),
    "requests_mock": (
        "import requests_mock\ndef test_f():\n    with requests_mock.Mocker(): ...",
        "requests_mock.Mocker",
    ),
}
FINE = {
    "a patch of another library": "@patch('main.httpx.get')\ndef test_f(get): ...",
    "another attribute": "def test_f(monkeypatch):\n    monkeypatch.setattr(main, 'app', None)",
    "a dict": "def test_f(): {}.get('requests.get')",
}
HEAD = "import main\nimport requests\nfrom unittest.mock import patch\n"


@pytest.mark.parametrize("name", STALE)
def test_is_stale_after_the_migration(name: str, tmp_path: Path) -> None:
    code, target = STALE[name]
    project(tmp_path, main=MAIN, test_main=f"{HEAD}{code}\n")
    assert [finding["code"] for finding in findings(tmp_path)] == ["FM101"]
    run = fastmigrate("--fix", cwd=tmp_path)
    assert f"`{target}` is replaced for a test" in run.stdout
    [finding] = findings(tmp_path)
    assert (finding["code"], finding["path"]) == ("FM502", "test_main.py")
    assert "respx" in finding["fix"]["reason"]


@pytest.mark.parametrize("name", FINE)
def test_is_no_replacement_of_requests(name: str, tmp_path: Path) -> None:
    project(tmp_path, main=MAIN, test_main=f"{HEAD}{FINE[name]}\n")
    assert fastmigrate("--fix", cwd=tmp_path).code == 0


def test_requests_that_is_used_elsewhere_may_be_replaced(tmp_path: Path) -> None:
    other = "import requests\ndef g(): return requests.get('http://y')\n"
    code = "@patch('requests.get')\ndef test_f(get): ...\n@patch('other.requests.get')\ndef test_g(get): ...\n"
    project(tmp_path, main=MAIN, other=other, test_main=HEAD + code)
    assert fastmigrate("--fix", cwd=tmp_path).code == 0
