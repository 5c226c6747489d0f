"""`blocking-calls`: names of what else blocks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.projects import PYPROJECT, findings, project
from tests.run import fastmigrate

MAIN = """
    import subprocess
    import boto3
    from fastapi import FastAPI
    from shop.client import Client, fetch as load, quick
    import shop
    app = FastAPI()
    client = Client()

    @app.get("/a")
    async def a():
        load("x")
        client.send("x")
        quick("x")
        subprocess.run(["ls"])
        bucket = boto3.client("s3")
        boto3.resource("s3")
        shop.client.fetch("x")

    @app.get("/b")
    def b():
        return load("x")
"""
CLIENT = """
    class Client:
        def send(self, what): ...
    def fetch(what): ...
    def quick(what): ...
"""


def configured(folder: Path, *names: str) -> Path:
    project(folder, main=MAIN, shop__client=CLIENT, **{"shop/__init__": "from . import client\n"})
    (folder / "pyproject.toml").write_text(f"{PYPROJECT}[tool.fastmigrate]\nblocking-calls = {list(names)}\n")
    return folder


def test_named_calls_are_found_and_held(tmp_path: Path) -> None:
    names = ("shop.client.fetch", "shop.client.Client.send", "subprocess.run", "boto3.client")
    found = findings(configured(tmp_path, *names))
    assert [(finding["code"], finding["line"]) for finding in found] == [("FM101", n) for n in (12, 13, 15, 16, 18)]
    assert found[0]["message"].startswith("`shop.client.fetch` (one of your `blocking-calls`) blocks the event loop in")
    assert {finding["fix"]["applicability"] for finding in found} == {"none"}
    assert "what would take its place is not known" in found[0]["fix"]["reason"]


def test_what_is_not_named_is_silent(tmp_path: Path) -> None:
    assert findings(configured(tmp_path)) == []


@pytest.mark.parametrize("name", ["", "a b", "a.", "a-b.c"])
def test_a_name_that_is_none_is_an_error(name: str, tmp_path: Path) -> None:
    run = fastmigrate(cwd=configured(tmp_path, name))
    assert run.code == 2
    assert "must be dotted names" in run.stderr


def test_what_is_known_to_block_anyway_is_fixed_as_ever(tmp_path: Path) -> None:
    code = """
        import requests
        from fastapi import FastAPI
        app = FastAPI()
        @app.get("/")
        async def f(): return requests.get("http://x").json()
    """
    project(tmp_path, main=code)
    (tmp_path / "pyproject.toml").write_text(f"{PYPROJECT}[tool.fastmigrate]\nblocking-calls = ['requests.get']\n")
    [found] = findings(tmp_path)
    assert found["fix"]["applicability"] == "safe"
    assert "blocking-calls" not in found["message"]
