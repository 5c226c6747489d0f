"""FM103: urllib, urllib3 and http.client on the event loop."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from textwrap import dedent, indent

import httpx
import pytest
import urllib3

from tests.projects import findings, only, project
from tests.run import fastmigrate
from tests.test_finding import lines_found, marked

FOUND = {
    "every way": """
        import http.client
        import urllib.request, urllib3
        from http.client import HTTPSConnection
        from urllib.request import urlopen as fetch, urlretrieve, build_opener, Request
        pool = urllib3.PoolManager()
        @app.get("/a")
        async def a():
            urllib.request.urlopen("http://x")  # <-
            fetch("http://x")  # <-
            urlretrieve("http://x", "y")  # <-
            build_opener().open("http://x")  # <-
            urllib3.request("GET", "http://x")  # <-
            pool.request("GET", "http://x")  # <-
            connection = HTTPSConnection("x")
            connection.request("GET", "/")  # <-
            connection.getresponse()  # <-
            urllib.parse.quote("x"), Request("http://x"), http.client.OK
        @app.get("/b")
        def b(): fetch("http://x")
    """,
}

APP = """
import json, os
import urllib.request
from urllib.error import URLError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen
from fastapi import FastAPI
app = FastAPI()
BASE = os.environ.get("BASE")
@app.get("/")
async def f(u: str, n: int = 1, any=None):
"""

AFTER = {
    "read": ("return urlopen('http://x/a').read()", "(await client.get('http://x/a')).raise_for_status().content"),
    "several parts": (
        "u = quote(u)\nreturn urlopen(f'{BASE}/{n}?a={u}&' + urlencode({'b': n})).read()",
        "return (await client.get(f'{BASE}/{n}?a={u}&' + urlencode({'b': n}))).raise_for_status().content",
    ),
    "members": (
        "r = urlopen('http://x')\nreturn r.code, r.reason, r.getcode(), r.headers.get('a'), r.read()",
        "return r.status_code, r.reason_phrase, r.status_code, r.headers.get('a'), r.content",
    ),
    "closed": ("r = urlopen('http://x')\nx = r.read()\nr.close()", "x = r.content\n    await r.aclose()"),
    "other handlers": (
        "try:\n    urlopen('http://x')\nexcept (KeyError, ValueError):\n    pass",
        "except (KeyE",
    ),
    "no data": ("urlopen('http://x', data=None, timeout=n)", "await client.get('http://x', timeout=n)"),
}

HELD = {
    "request object": ("urlopen(Request(u))", "a `Request`"),
    "named request": ("r = Request(u, headers={'a': 'b'})\nurlopen(r)", "a `Request`"),
    "context": ("urlopen(u, context=any)", "`context` arguments"),
    "unknown data": ("urlopen(u, any)", "`data` is not known to be bytes"),
    "handler": ("try:\n    urlopen(u)\nexcept URLError:\n    pass", "catches `urllib.error.URLError`"),
    "OSError": ("try:\n    urlopen(u)\nexcept OSError:\n    pass", "catches `OSError`"),
    "ValueError": ("try:\n    urlopen(u)\nexcept ValueError:\n    pass", "catches `ValueError`"),
    "error's code": ("try:\n    urlopen(u)\nexcept Exception as e:\n    return e.code", "reads `code` from the error"),
    "read in parts": ("r = urlopen(u)\nwhile r.read(9): pass", "`read` in line 13, which is not migrated"),
    "read twice": ("r = urlopen(u)\nr.read(), r.read()", "is read twice"),
    "looped over": ("for line in urlopen(u): pass", "iterated over in line 12"),
    "item of the headers": ("urlopen(u).headers['a']", "`headers` in line 12"),
    "passed on": ("any(urlopen(u))", "passed to `any`"),
    "others": ("urllib.request.urlretrieve(u)", "`urllib.request.urlretrieve` is not migrated"),
}

UNSAFE = {
    "URL of the caller": ("urlopen(u).read()", "opens `file:` URLs"),
    "text of the caller": ("urlopen(f'http://x/{u}').read()", "a URL with spaces"),
    "odd URL": ("urlopen('http://x/a b').read()", "a URL with spaces"),
    "POST": ("urlopen('http://x', data=b'a=b').read()", "answered with 307 or 308"),
}


@pytest.mark.parametrize("name", FOUND)
def test_found(name: str, tmp_path: Path) -> None:
    assert lines_found(FOUND[name], tmp_path) == marked(FOUND[name])


def body(code: str) -> str:
    return APP + indent(code, "    ") + "\n"


@pytest.mark.parametrize("name", AFTER)
def test_fixed(name: str, tmp_path: Path) -> None:
    before, after = AFTER[name]
    project(tmp_path, main=body(before))
    run = fastmigrate("--fix", cwd=tmp_path)
    assert run.code == 0, run
    assert after in (tmp_path / "main.py").read_text().replace('"', "'")


@pytest.mark.parametrize("name", HELD)
def test_held(name: str, tmp_path: Path) -> None:
    code, reason = HELD[name]
    found = findings(project(tmp_path, main=body(code)))
    assert {finding["fix"]["applicability"] for finding in found} == {"none"}
    assert reason in found[0]["fix"]["reason"]


@pytest.mark.parametrize("name", UNSAFE)
def test_unsafe(name: str, tmp_path: Path) -> None:
    code, reason = UNSAFE[name]
    fix = only(project(tmp_path, main=body(code)))["fix"]
    assert fix["applicability"] == "unsafe"
    assert reason in fix["reason"]


def test_a_post_states_its_type(tmp_path: Path) -> None:
    project(tmp_path, main=body("urlopen('http://x', b'a=b', 5).read()"))
    assert fastmigrate("--fix", "--unsafe-fixes", cwd=tmp_path).code == 0
    text = dedent((tmp_path / "main.py").read_text())
    assert "content=b'a=b'" in text
    assert "timeout=5" in text
    assert "'Content-Type': 'application/x-www-form-urlencoded'" in text.replace('"', "'")


def test_a_handler_of_the_app_holds_it(tmp_path: Path) -> None:
    code = "return urlopen('http://x').read()"
    handler = "@app.exception_handler(URLError)\nasync def h(request, error): ...\n"
    project(tmp_path, main=body(code) + handler)
    assert "an exception handler of the app waits for `urllib.error.URLError`" in only(tmp_path)["fix"]["reason"]


def test_urllib3_asks_again_for_what_fails(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        asked = dict.fromkeys((lambda: urllib3.request("GET", url), lambda: httpx.get(url)), 0)
        for call in asked:
            with ThreadPoolExecutor(1) as pool:
                future = pool.submit(call)
                while not future.done():
                    server.settimeout(0.1)
                    with suppress(TimeoutError):
                        connection, _ = server.accept()
                        connection.recv(1000)
                        connection.close()
                        asked[call] += 1
                assert isinstance(future.exception(), urllib3.exceptions.MaxRetryError | httpx.RemoteProtocolError)
    assert list(asked.values()) == [4, 1]

    project(tmp_path, main="import urllib3\n" + APP + "    return urllib3.request('GET', 'http://x').data\n")
    assert "urllib3 asks up to four times for what fails" in only(tmp_path)["fix"]["reason"]
