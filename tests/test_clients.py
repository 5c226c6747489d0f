"""FM301: clients that live for one request; and clients of httpx's synchronous API (FM102) that do."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

import pytest

from tests.projects import findings, only, project
from tests.run import fastmigrate
from tests.test_finding import lines_found, marked

FOUND = {
    "places": """
        import httpx, httpx2
        from httpx import AsyncClient as Client
        shared = httpx.AsyncClient()
        @app.get("/a")
        async def a():
            async with httpx.AsyncClient() as client, Client(timeout=3) as other: ...  # <- <-
            client = httpx2.AsyncClient()  # <-
            return await httpx.AsyncClient().get("http://x")  # <-
        @app.get("/b")
        def b(): httpx.AsyncClient()
        async def helper(): httpx.AsyncClient()
    """,
    "synchronous": """
        import httpx
        shared = httpx.Client()
        @app.get("/a")
        async def a():
            httpx.get("http://x")  # <-
            httpx.request("GET", "http://x")  # <-
            with httpx.stream("GET", "http://x") as answer: ...  # <-
            with httpx.Client() as client:
                client.post("http://x")  # <-
            shared.get("http://x")  # <-
            httpx.Timeout(5), httpx.URL("http://x"), httpx.codes.OK
        @app.get("/b")
        def b():
            return shared.get("http://x"), httpx.get("http://x")
    """,
}

APP = """
import os
import httpx
from fastapi import FastAPI, Request
app = FastAPI()
BASE = os.environ.get("BASE", "http://x")
TABLE = {}
def configured(): ...
@app.get("/")
async def f(request: Request, u: str, n: int = 1, flag: bool = False, any=None):
"""

HELD = {
    "passed on": ("async with httpx.AsyncClient() as c: await any(c, u)", "the client is passed to `any` in line 11"),
    "returned": ("c = httpx.AsyncClient()\nreturn c", "the client is handed out in line 12"),
    "set up": ("async with httpx.AsyncClient() as c: c.headers['a'] = 'b'", "asked for its `headers`"),
    "closed": ("c = httpx.AsyncClient()\nawait c.aclose()", "closed by hand in line 12: enter it with `async with`"),
    "entered later": ("c = httpx.AsyncClient()\nasync with c: await c.get(u)", "entered by a `with` of its own"),
    "no name": ("await any(httpx.AsyncClient())", "it gets no name"),
    "wrong kind of with": ("with httpx.AsyncClient() as c: await c.get(u)", "it gets no name"),
    "something else": (
        "c = any\nif flag:\n    c = httpx.AsyncClient()\nawait c.get(u)",
        "`c` may be something else where it is used",
    ),
    "computed base": ("async with httpx.AsyncClient(base_url=u) as c: await c.get('/')", "computed for each request"),
    "called base": ("async with httpx.AsyncClient(verify=configured()) as c: await c.get(u)", "computed for each"),
    "transport": ("async with httpx.AsyncClient(transport=any) as c: await c.get(u)", "it would be shared by all"),
    "star": ("async with httpx.AsyncClient(**any) as c: await c.get(u)", "what its `**` arguments hold"),
    "star of a call": (
        "async with httpx.AsyncClient(timeout=3) as c: await c.get(u, **any)",
        "its calls have `**` arguments, which may hold `timeout`",
    ),
    "headers of both": (
        "async with httpx.AsyncClient(headers={'a': u}) as c: await c.get(u, headers={'b': u})",
        "would have to be merged",
    ),
    "extensions": (
        "async with httpx.AsyncClient() as c:\n    await c.get(u, extensions=any)\n    await c.get(u)",
        "through which they would have to share their cookies",
    ),
    "limits": (
        "import asyncio\nasync with httpx.AsyncClient(limits=httpx.Limits(max_connections=2)) as c:\n"
        "    await asyncio.gather(c.get(u), c.get(u))",
        "`limits` bounds the calls of one request",
    ),
    "other library": ("import httpx2\nasync with httpx2.AsyncClient() as c: await c.get(u)", "a client of httpx2"),
}

AFTER = {
    "two clients in one statement": (
        "async with httpx.AsyncClient() as a, httpx.AsyncClient(base_url=BASE) as b:\n"
        "    await a.get(u); await b.get('/x')",
        "a: httpx.AsyncClient = request.state.client\nb: httpx.AsyncClient = request.state.api_client\n"
        "await a.get(u); await b.get('/x')",
    ),
    "settings that a call has itself": (
        "async with httpx.AsyncClient(timeout=3, follow_redirects=False) as c:\n    await c.get(u, timeout=5)",
        "c: httpx.AsyncClient = request.state.client\nawait c.get(u, timeout=5, follow_redirects=False)",
    ),
    "a value that changes": (
        "n = n + 1\nasync with httpx.AsyncClient(timeout=n) as c:\n    n = 2\n    await c.get(u)",
        "n = n + 1\nc: httpx.AsyncClient = request.state.client\ntimeout = n\nn = 2\nawait c.get(u, timeout=timeout)",
    ),
    "a value that is computed": (
        "async with httpx.AsyncClient(headers=configured()) as c:\n    print(1)\n    await c.get(u)",
        "c: httpx.AsyncClient = request.state.client\nheaders = configured()\nprint(1)\n"
        "await c.get(u, headers=headers)",
    ),
    "limits of one call at a time": (
        "async with httpx.AsyncClient(limits=httpx.Limits(max_connections=2)) as c:\n    return await c.get(u)",
        "c: httpx.AsyncClient = request.state.client\nreturn await c.get(u)",
    ),
    "what is built first": (
        "async with httpx.AsyncClient(timeout=3, auth=('a', 'b')) as c:\n"
        "    return await c.send(c.build_request('GET', u))",
        "c: httpx.AsyncClient = request.state.client\n"
        "return await c.send(c.build_request('GET', u, timeout=3), auth=('a', 'b'))",
    ),
    "defaults": (
        "async with httpx.AsyncClient(verify=True, trust_env=True) as c: await c.get(u)",
        "c: httpx.AsyncClient = request.state.client\nawait c.get(u)",
    ),
    "text of several lines": (
        "async with httpx.AsyncClient() as c:\n    text = '''a\n    b'''\n    await c.post(u, content=text)",
        "c: httpx.AsyncClient = request.state.client\ntext = '''a\n    b'''\nawait c.post(u, content=text)",
    ),
    "synchronous": (
        "with httpx.Client(timeout=3) as c:\n    r = c.get(u)\n    return r.text, c.get(u).text",
        "c: httpx.AsyncClient = request.state.client\ncookies = httpx.Cookies()\n"
        "r = await c.get(u, timeout=3, extensions={'cookies': cookies})\n"
        "return r.text, (await c.get(u, timeout=3, extensions={'cookies': cookies})).text",
    ),
}

SYNCHRONOUS = {
    "stream": ("httpx.stream('GET', u)", "none", "`httpx.stream` is not migrated yet"),
    "star": ("httpx.get(*any)", "none", "`*` arguments"),
    "computed verify": ("httpx.get(u, verify=any)", "none", "only a literal can be given to that"),
    "close": ("r = httpx.get(u)\nr.close()", "none", "`close` in line 13"),
    "lambda": ("sorted(any, key=lambda x: httpx.get(x).text)", "none", "lambda"),
    "generator": ("any(httpx.get(x).text for x in u)", "none", "generator expression"),
    "lock": ("import threading\nwith threading.Lock():\n    httpx.get(u)", "none", "a thread lock"),
    "unknown content": ("httpx.post(u, content=any)", "unsafe", "what `content` holds is not known"),
    "unknown data": ("httpx.post(u, data=any)", "unsafe", "what `data` holds is not known"),
    "stale": ("x = TABLE['a']\nhttpx.get(u)\nTABLE['a'] = x", "unsafe", "`TABLE` is read before"),
    "of the module": ("SHARED.get(u)", "safe", ""),
    "of the module, with a body": ("SHARED.post(u, content=any)", "unsafe", "what `content` holds is not known"),
    "of a parameter": ("x: httpx.Client = any\nx.get(u)", None, ""),
    "of the module, streamed": ("SHARED.stream('GET', u)", "none", "which is not followed"),
    "fields": ("httpx.post(u, data={'a': n}, params={'b': None}, headers={}, auth=('a', 'b'))", "safe", ""),
    "text": ("httpx.put(u, content=u.encode(), timeout=None, follow_redirects=flag)", "safe", ""),
    "handler": ("try:\n    httpx.get(u).raise_for_status()\nexcept (OSError, httpx.HTTPError):\n    pass", "safe", ""),
    "passed on": ("return any(httpx.get(u))", "safe", ""),
}


@pytest.mark.parametrize("name", FOUND)
def test_found(name: str, tmp_path: Path) -> None:
    assert lines_found(FOUND[name], tmp_path) == marked(FOUND[name])


def body(code: str) -> str:
    return APP + indent(code, "    ") + "\n"


@pytest.mark.parametrize("name", HELD)
def test_held(name: str, tmp_path: Path) -> None:
    code, reason = HELD[name]
    fix = only(project(tmp_path, main=body(code)))["fix"]
    assert fix["applicability"] == "none"
    assert reason in fix["reason"]


@pytest.mark.parametrize("name", AFTER)
def test_fixed(name: str, tmp_path: Path) -> None:
    before, after = AFTER[name]
    project(tmp_path, main=body(before))
    run = fastmigrate("--fix", cwd=tmp_path)
    assert run.code == 0, run
    text = (tmp_path / "main.py").read_text()
    written = text.partition("any=None):\n")[2]
    assert dedent(written).replace('"', "'") == f"{after}\n"


@pytest.mark.parametrize("name", SYNCHRONOUS)
def test_synchronous_calls(name: str, tmp_path: Path) -> None:
    code, applicability, reason = SYNCHRONOUS[name]
    found = findings(project(tmp_path, main=body(code).replace("TABLE =", "SHARED = httpx.Client()\nTABLE =")))
    assert [finding["fix"]["applicability"] for finding in found] == ([] if applicability is None else [applicability])
    if found:
        assert reason in (found[0]["fix"]["reason"] or "")


MODULE = """
import httpx
from fastapi import FastAPI
app = FastAPI()
client = httpx.Client({settings})
@app.get("/a")
async def a(): return client.get("http://x").json()
"""
OTHERS = {
    "def": ("", "@app.get('/b')\ndef b(): return client.get('http://x').json()", "unsafe", "keeps cookies"),
    "helper": ("", "def b(): return client.get('http://x')", "unsafe", "keeps cookies"),
    "set up": ("", "client.headers['a'] = 'b'", "none", "in other ways"),
    "transport": ("transport=httpx.HTTPTransport(retries=2)", "", "none", "one for synchronous clients"),
    "limits": ("limits=httpx.Limits(max_connections=3)", "", "unsafe", "now some may wait for others"),
    "settings": ("auth=('a', 'b'), follow_redirects=True", "", "safe", ""),
}


@pytest.mark.parametrize("name", OTHERS)
def test_synchronous_clients_of_modules(name: str, tmp_path: Path) -> None:
    settings, code, applicability, reason = OTHERS[name]
    fix = only(project(tmp_path, main=f"{MODULE.format(settings=settings)}{code}\n"))["fix"]
    assert fix["applicability"] == applicability
    assert reason in (fix["reason"] or "")


def test_a_client_is_made_in_the_lifespan_with_names_of_its_own_file_only(tmp_path: Path) -> None:
    routes = """
        import httpx
        from fastapi import APIRouter
        router = APIRouter()
        BASE = "http://x"
        @router.get("/")
        async def f():
            async with httpx.AsyncClient(base_url=BASE) as client:
                return (await client.get("/")).text
    """
    main = "from fastapi import FastAPI\nfrom routes import router\napp = FastAPI()\napp.include_router(router)\n"
    project(tmp_path, routes=routes, main=main)
    reason = only(tmp_path)["fix"]["reason"]
    assert (
        reason == "the client's settings use names of routes.py, and the lifespan that is to make it stands in main.py"
    )


def test_cookies_of_redirects_are_kept_within_each_call(tmp_path: Path) -> None:
    project(tmp_path, main=body("httpx.get(u, follow_redirects=True)\nhttpx.get(u, cookies={'a': 'b'})\nhttpx.get(u)"))
    assert fastmigrate("--fix", cwd=tmp_path).code == 0
    text = (tmp_path / "main.py").read_text()
    assert 'event_hooks={"request": [send_cookies], "response": [keep_cookies]}' in text
    assert text.count("httpx.AsyncClient(") == 1
    assert "await client.get(u, extensions={\"cookies\": httpx.Cookies({'a': 'b'})})" in text


def test_clients_that_keep_what_requests_promises_are_others(tmp_path: Path) -> None:
    project(tmp_path, main=body("import requests\nrequests.get(u)\nhttpx.get(u)\nhttpx.get(u, verify=False)"))
    assert fastmigrate("--fix", cwd=tmp_path).code == 0
    text = (tmp_path / "main.py").read_text()
    assert "await client.get(u)\n    await http_client.get(u)\n    await unverified_client.get(u)" in text
    assert '"client": client,\n' in text and '"http_client": http_client,\n' in text


HELPER = """
import httpx
from fastapi import FastAPI
app = FastAPI()
async def ask(u: str):
    async with httpx.AsyncClient(timeout=3) as client:
        response = await client.get(u)
        return response.json()
@app.get("/")
async def f(): return await ask("http://x")
"""


def test_a_helper_that_makes_a_client_is_given_one(tmp_path: Path) -> None:
    project(tmp_path, main=HELPER)
    assert fastmigrate("--fix", cwd=tmp_path).code == 0
    main = (tmp_path / "main.py").read_text()
    assert "async def ask(client: httpx.AsyncClient, u: str):\n    response = await client.get(u, timeout=3)" in main
    assert 'return await ask(client, "http://x")' in main
    assert fastmigrate("--fix", cwd=tmp_path).stdout.startswith("No findings")


@pytest.mark.parametrize(
    "way", ["monkeypatch.setattr(main.httpx, 'AsyncClient', None)", "patch('main.httpx.AsyncClient')"]
)
def test_a_test_that_replaces_the_class_makes_the_fix_unsafe(way: str, tmp_path: Path) -> None:
    tests = f"import httpx\nimport main\nfrom unittest.mock import patch\ndef test_f(monkeypatch):\n    {way}\n"
    [finding] = findings(project(tmp_path, main=HELPER, test_main=tests))
    assert (finding["code"], finding["fix"]["applicability"]) == ("FM301", "unsafe")
    assert "test_main.py:5 replaces the class of the client" in finding["fix"]["reason"]


KEPT = """
import httpx
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from fastapi import FastAPI
@asynccontextmanager
async def lifespan(app):
    {}
    yield
app = FastAPI(lifespan=lifespan)
@app.get("/")
async def f(): return httpx.get("http://x").text
"""
FITTING = (
    "httpx.AsyncClient(limits=httpx.Limits(max_connections=None, max_keepalive_connections=20), "
    "cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])))"
)
UNFIT = {
    "other settings": "app.state.http = httpx.AsyncClient()",
    "another value elsewhere": f"app.state.http = {FITTING}\n    app.state.http = None",
}


def test_a_client_on_the_app_is_used(tmp_path: Path) -> None:
    project(tmp_path, main=KEPT.format(f"app.state.http = {FITTING}"))
    assert fastmigrate("--fix", cwd=tmp_path).code == 0
    assert "client: httpx.AsyncClient = request.app.state.http" in (tmp_path / "main.py").read_text()


@pytest.mark.parametrize("name", UNFIT)
def test_a_client_on_the_app_that_does_not_fit_is_not(name: str, tmp_path: Path) -> None:
    project(tmp_path, main=KEPT.format(UNFIT[name]))
    assert fastmigrate("--fix", cwd=tmp_path).code == 0
    assert "client: httpx.AsyncClient = request.state." in (tmp_path / "main.py").read_text()
