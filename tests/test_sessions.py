"""Which sessions are taken over, what else is held with them, and why."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

import pytest

from tests.projects import findings, project
from tests.run import fastmigrate

APP = """
import os
import requests
from requests.adapters import HTTPAdapter
from fastapi import Depends, FastAPI, Request
from elsewhere import anything
app = FastAPI()
HEADERS = {"X-A": "b"}
def made(): return requests.Session()
class Shop:
    def __init__(self): self.session = requests.Session()
shop = Shop()
class Own(requests.Session): ...
@app.get("/")
async def f(request: Request, u: str, n: int = 1, any=None, given: requests.Session = Depends(made)):
"""

HELD = {
    "mount": (
        "s = requests.Session()\ns.mount('https://', HTTPAdapter(max_retries=3))\ns.get(u)",
        "no counterpart",
    ),
    "hooks": ("s = requests.Session()\ns.hooks['response'] = [any]\ns.get(u)", "`hooks` of a session"),
    "verify": ("s = requests.Session()\ns.verify = False\ns.get(u)", "`verify` of a session in line"),
    "proxies": ("s = requests.Session()\ns.proxies.update({'http': 'p'})\ns.get(u)", "`proxies` of a session in line"),
    "trust_env": ("s = requests.Session()\ns.trust_env = False\ns.get(u)", "`trust_env` of a session in line"),
    "max_redirects": ("s = requests.Session()\ns.max_redirects = 3\ns.get(u)", "`max_redirects` of a session in line"),
    "prepared": (
        "s = requests.Session()\np = s.prepare_request(requests.Request('GET', u))\nreturn s.send(p).text",
        "prepare",
    ),
    "handed on": ("s = requests.Session()\nany(s)\ns.get(u)", "`s` is handed to `any` in line"),
    "handed on by keyword": ("s = requests.Session()\nany(x=s)\ns.get(u)", "`s` is handed to `any` in line"),
    "returned": ("s = requests.Session()\ns.get(u)\nreturn s", "`s` is returned in line"),
    "stored": ("s = requests.Session()\nrequest.state.s = s\ns.get(u)", "`s` is stored in `request.state.s`"),
    "stored at once": ("request.state.s = s = requests.Session()\ns.get(u)", "is stored in `request.state.s`"),
    "in a nested function": (
        "s = requests.Session()\ns.get(u)\ndef g():\n    return s.get(u)",
        "in a function or class within this one",
    ),
    "in a lambda": ("s = requests.Session()\ns.get(u)\nreturn any(lambda: s.get(u))", "in a function or class within"),
    "maybe": ("s = None\nif n: s = requests.Session()\ns.get(u)", "`s` has another value, too"),
    "read headers": (
        "s = requests.Session()\nn = s.headers['User-Agent']\ns.get(u)",
        "in a way that is not migrated",
    ),
    "deleted header": (
        "s = requests.Session()\ndel s.headers['Accept']\ns.get(u)",
        "in a way that is not migrated",
    ),
    "used value": ("s = requests.Session()\nn = s.headers.update({})\ns.get(u)", "gives is used"),
    "headers of anything": ("s = requests.Session()\ns.headers = any\ns.get(u)", "not known to be a dict"),
    "auth object": ("s = requests.Session()\ns.auth = any\ns.get(u)", "not a (user, password) pair"),
    "two spellings": (
        "s = requests.Session()\ns.headers['X-Token'] = u\ns.get(u, headers={'x-token': 'b'})",
        "`X-Token` and `x-token` are one",
    ),
    "two spellings in the session": (
        "s = requests.Session()\ns.headers['X-Token'] = u\ns.headers['x-token'] = u\ns.get(u)",
        "`X-Token` and `x-token` are one",
    ),
    "params of anything": (
        "s = requests.Session()\ns.params = {'a': n}\ns.get('http://x', params=any)",
        "`params` is not known to be a dict",
    ),
    "cookie of None": ("s = requests.Session()\ns.cookies['a'] = None\ns.get(u)", "may be None"),
    "cookies of one call": (
        "s = requests.Session()\ns.get(u)\ns.get(u, cookies={'a': 'b'})",
        "`cookies",
    ),
    "whole cookies": ("s = requests.Session()\ns.cookies = any\ns.get(u)", "in a way that is not migrated"),
    "held call": ("s = requests.Session()\ns.get(u)\ns.get(u, stream=True)", "streamed"),
    "parameter": ("given.get(u)", "comes from a parameter"),
    "made elsewhere": ("s = made()\ns.get(u)", "its session is made by `made`"),
    "own class": ("s = Own()\ns.get(u)", "of a class of its own"),
}

UNSAFE = {
    "unknown names of headers": (
        "s = requests.Session()\ns.headers['X-A'] = u\ns.get(u, headers=any)",
        "the names of all headers are not known",
    ),
    "unknown query": ("s = requests.Session()\ns.params['a'] = n\ns.get(u)", "if the URL has a query of its own"),
    "unknown cookie": ("s = requests.Session()\ns.cookies['a'] = any\ns.get(u)", "a cookie in line"),
    "unknown password": ("s = requests.Session()\ns.auth = (u, any)\ns.get(u)", "`auth` holds a value of a type"),
}

SAFE = {
    "chained": "return requests.Session().get(u).json()",
    "session function": "s = requests.session()\nreturn s.get(u).json()",
    "annotated": "s: requests.Session = requests.Session()\nreturn s.get(u).json()",
    "in with": "with requests.Session() as s:\n    return s.get(u).json()",
    "in with others": "with open(u) as a, requests.Session() as s:\n    return s.get(a.read()).json()",
    "in an empty branch": "s = requests.Session()\ntry:\n    s.get(u)\nfinally:\n    s.close()",
    "timeout of a session": "s = requests.Session()\ns.timeout = 5\ns.get(u)",
    "in a loop": "s = requests.Session()\nfor x in u:\n    s.get(x)",
    "positional": "s = requests.Session()\ns.request('GET', u, None, None, {'X-A': u})",
    "unknown headers alone": "s = requests.Session()\ns.headers.update(any)\ns.get(u)",
    "headers of a branch": "s = requests.Session()\nif n:\n    s.headers['X-A'] = u\n    s.auth = (u, 'b')\ns.get(u)",
    "cookies": "s = requests.Session()\ns.cookies.set('a', u, domain='x')\ns.get(u)\nreturn s.cookies.get('a')",
    "basic auth": "s = requests.Session()\ns.auth = requests.auth.HTTPBasicAuth(u, 'b')\ns.get(u)",
    "taken names": "s_cookies = 1\ns = requests.Session()\ns.get(u)\ns.get(u)",
    "constant": "s = requests.Session()\ns.headers.update(HEADERS)\ns.get(u)",
    "on one line": "s = requests.Session(); s.headers['X-A'] = u; r = s.get(u); s.close()\nreturn r.json()",
}


def app(code: str) -> str:
    return APP + indent(code, "    ") + "\n"


@pytest.mark.parametrize("name", HELD)
def test_held(name: str, tmp_path: Path) -> None:
    code, reason = HELD[name]
    fixes = [finding["fix"] for finding in findings(project(tmp_path, main=app(code)))]
    assert fixes
    assert {fix["applicability"] for fix in fixes} == {"none"}
    assert reason in fixes[0]["reason"]


@pytest.mark.parametrize("name", UNSAFE)
def test_unsafe(name: str, tmp_path: Path) -> None:
    code, reason = UNSAFE[name]
    fixes = [finding["fix"] for finding in findings(project(tmp_path, main=app(code)))]
    assert {fix["applicability"] for fix in fixes} == {"unsafe"}
    assert reason in fixes[0]["reason"]


@pytest.mark.parametrize("name", SAFE)
def test_safe(name: str, tmp_path: Path) -> None:
    project(tmp_path, main=app(SAFE[name]))
    found = findings(tmp_path)
    assert found
    assert [finding["fix"] for finding in found] == [{"applicability": "safe", "reason": None}] * len(found)
    run = fastmigrate("--fix", cwd=tmp_path)
    text = (tmp_path / "main.py").read_text()
    assert run.code == 0, run.stdout
    assert "Session" not in text.partition("async def f")[2].partition("\n")[2]
    assert fastmigrate("--fix", cwd=tmp_path).code == 0
    assert (tmp_path / "main.py").read_text() == text


HEAD = "import os\nimport requests\nfrom fastapi import FastAPI\napp = FastAPI()\nTOKEN = os.environ['TOKEN']\n"
ENDPOINT = "@app.get('/')\nasync def f(u: str, n: int = 1): return session.get(u).json()\n"

MODULES = {
    "nothing set up": ("session = requests.Session()\n", "safe", None),
    "set up": (
        "session = requests.Session()\nsession.headers['X-Token'] = TOKEN\nsession.auth = ('user', f'{TOKEN}x')\n",
        "safe",
        None,
    ),
    "cookies": ("session = requests.Session()\nsession.cookies.update({'a': 'b'})\n", "safe", None),
    "set cookie": (
        "session = requests.Session()\nsession.cookies.set('a', 'b')\n",
        "none",
        "`session.cookies` in line 7 is used in a way that is not migrated yet",
    ),
    "call": (
        "session = requests.Session()\nsession.headers['X-Token'] = print()\n",
        "none",
        "`session.headers` gets something in main.py:7 that may not be the same when the app starts",
    ),
    "changed constant": (
        "session = requests.Session()\nTABLE = {'a': 'b'}\nsession.headers.update(TABLE)\nTABLE['c'] = 'd'\n",
        "none",
        "may not be the same when the app starts",
    ),
    "two spellings": (
        "session = requests.Session()\nsession.headers['X-A'] = 'b'\nsession.headers.update({'x-a': 'c'})\n",
        "none",
        "`X-A` and `x-a` are one for requests",
    ),
    "params": (
        "session = requests.Session()\nsession.params['a'] = 'b'\n",
        "unsafe",
        "if the URL has a query of its own",
    ),
    "retries": (
        "session = requests.Session()\nsession.mount('https://', requests.adapters.HTTPAdapter(max_retries=3))\n",
        "none",
        "no counterpart in httpx",
    ),
    "rebound": (
        "session = requests.Session()\nif TOKEN:\n    session = requests.Session()\n",
        "none",
        "one of several with the same name",
    ),
    "guarded": (
        "try:\n    session = requests.Session()\nfinally:\n    pass\n",
        "none",
        "not made by a plain statement in main.py",
    ),
    "sync code": (
        "session = requests.Session()\n@app.get('/sync')\ndef g(): return session.get('http://x').json()\n",
        "unsafe",
        "`session` is used in main.py:8, too, which is not migrated",
    ),
    "set up in a function": (
        "session = requests.Session()\ndef login(): session.headers['X-A'] = TOKEN\n",
        "none",
        "`session.headers` is used in main.py:7, while the app runs",
    ),
    "handed on": ("session = requests.Session()\nprint(session)\n", "none", "`session` is handed to `print`"),
    "another name": ("session = requests.Session()\nhttp = session\n", "none", "`session` is stored in `http`"),
    "closed": (
        "session = requests.Session()\ndef stop():\n    print('stop')\n    session.close()\n",
        "safe",
        None,
    ),
}


@pytest.mark.parametrize("name", MODULES)
def test_session_of_a_module(name: str, tmp_path: Path) -> None:
    code, applicability, reason = MODULES[name]
    project(tmp_path, main=HEAD + code + ENDPOINT)
    found = findings(tmp_path)
    assert [finding["fix"]["applicability"] for finding in found] == [applicability]
    if applicability != "safe":
        assert all(str(reason) in finding["fix"]["reason"] for finding in found)
        return
    assert fastmigrate("--fix", cwd=tmp_path).code == 0
    text = (tmp_path / "main.py").read_text()
    assert "import requests" not in text
    assert "session.close" not in text
    assert "session: httpx.AsyncClient = request.state.session" in text


def test_a_session_that_another_module_names_is_taken_out_of_it(tmp_path: Path) -> None:
    clients = "import os\nimport requests\nKEY = 'k'\nsession = requests.Session()\n"
    clients += "session.headers.update({'X-Key': KEY, 'X-Env': f'{os.environ[\"HOME\"]}/{KEY}'})\n"
    routes = "from fastapi import APIRouter\nfrom clients import KEY, session as http\nrouter = APIRouter()\n"
    routes += "@router.get('/')\nasync def f(): return http.get(f'http://x/{KEY}').json()\n"
    main = "from fastapi import FastAPI\nimport clients\nimport routes\napp = FastAPI()\n"
    main += "app.include_router(routes.router)\n"
    main += "@app.get('/b')\nasync def b(): return clients.session.get('http://x').json()\n"
    project(tmp_path, clients=clients, routes=routes, main=main)
    assert fastmigrate("--fix", cwd=tmp_path).code == 0
    assert (tmp_path / "clients.py").read_text() == "import os\nKEY = 'k'\n"
    assert "from clients import KEY\n" in (tmp_path / "routes.py").read_text()
    text = (tmp_path / "main.py").read_text()
    assert "f\"{os.environ['HOME']}/k\"" in text
    assert "import os\n" in text
    assert "await session.get('http://x')" in text

    tests = "from main import clients\nclients.session.get('http://x')\n"
    project(tmp_path, clients=clients, routes=routes, main=main, tests__test_it=tests)
    assert fastmigrate("--fix", cwd=tmp_path).code == 0
    assert "session = requests.Session()" in (tmp_path / "clients.py").read_text()


def test_sessions_of_the_same_name_are_clients_of_their_own(tmp_path: Path) -> None:
    made = "import requests\nsession = requests.Session()\n"
    main = "from fastapi import FastAPI\nimport a, b\napp = FastAPI()\n@app.get('/')\n"
    main += "async def f(): return [a.session.get('http://x').json(), b.session.get('http://x').json()]\n"
    project(tmp_path, a=made, b=made, main=main)
    assert fastmigrate("--fix", cwd=tmp_path).code == 0
    text = (tmp_path / "main.py").read_text()
    assert "a_session.get" in text
    assert "b_session.get" in text
    assert "yield {'a_session': a_session, 'b_session': b_session}" in text


BLOCKS = {
    "a client of httpx": (
        "with requests.Session() as s, httpx.Client() as c:  # both\n        x = s.get('http://x')\n        c.get('http://x')",
        "    c: httpx.AsyncClient = request.state.http_client  # both\n    x = await client.get('http://x')\n"
        "    await c.get('http://x')\n",
    ),
    "its own answer": (
        "with requests.Session() as s, s.get('http://x', stream=True) as x:\n        print(x.status_code)",
        "    async with client.stream('GET', 'http://x') as x:\n",
    ),
    "a file and an answer": (
        "with requests.Session() as s, open('f') as f, requests.get('http://x', stream=True) as x:\n"
        "        s.headers['a'] = 'b'\n        s.get('http://x', data=f.read().encode())",
        "    with open('f') as f:\n        async with client.stream('GET', 'http://x') as x:\n"
        "            s_headers = {'a': 'b'}\n",
    ),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_a_session_is_entered_beside(name: str, tmp_path: Path) -> None:
    block, expected = BLOCKS[name]
    project(tmp_path, main=f"{HEAD}import httpx\n@app.get('/')\nasync def f():\n    {block}\n    return 1\n")
    run = fastmigrate("--fix", "--unsafe-fixes", cwd=tmp_path)
    assert run.code == 0, run.stdout
    assert expected in (tmp_path / "main.py").read_text()


OBJECT = """
import requests
from fastapi import FastAPI
from elsewhere import Anything, anything
app = FastAPI()
class Shop({base}):
    {body}
    def __init__(self, a: str = "a", made=None):
        {made}
    def read(self, u: str): return self.session.get(u, headers={{"X-A": u}}).json()
    {member}
{code}
@app.get("/")
async def f(u: str, any: Anything): return {call}
"""
PARTS = {
    "base": "object",
    "body": "limit = 1",
    "made": "self.session = requests.Session()",
    "member": "def close(self): self.session.close()",
    "code": "shop = Shop()",
    "call": "shop.read(u)",
}
HELD_OBJECTS = {
    "one that is made late": (
        {"body": "session = None", "member": "def open(self): self.session = requests.Session()"},
        "one of several with the same name",
    ),
    "several in a family": (
        {
            "code": "class Sub(Shop):\n    def __init__(self): self.session = requests.Session()\n"
            "shop = Shop(); sub = Sub()",
            "call": "shop.read(u), sub.read(u)",
        },
        "gets several values",
    ),
    "slots": ({"body": "__slots__ = ('session',)"}, "have `__slots__`"),
    "a base from outside": ({"base": "Anything"}, "a base from outside (`elsewhere.Anything`)"),
    "an unknown object": ({"code": "shop = Shop()\ndef g(shop): return shop.session.headers"}, "may be its session"),
    "getattr": ({"code": "shop = Shop()\ngetattr(shop, 'session')"}, "is asked for by its name"),
    "hasattr": ({"member": "def has(self): return hasattr(self, 'session')"}, "is asked for by its name"),
    "the dict of its object": ({"member": "def has(self): return self.__dict__['session']"}, "is asked for by its"),
    "a lambda of the class": (
        {"member": "setup = lambda self, t: self.session.headers.update({'a': t})"},
        "may be its session",
    ),
    "returned": ({"member": "def give(self): return self.session"}, "`self.session` is returned in line"),
    "handed on": ({"member": "def give(self): send(self.session)"}, "is handed to `send`"),
    "given another value": ({"code": "shop = Shop()\nshop.session = anything"}, "is given another value"),
    "a setting of clients": ({"made": "self.session = requests.Session(); self.session.verify = False"}, "`verify`"),
    "an object without a name": ({"call": "Shop().session.get(u)"}, "an attribute of something that has no name"),
    "an own name of requests": (
        {
            "made": "self.session = requests.Session(); self.session.headers['x-b'] = a",
            "member": "def other(self): return self.session.get('http://x', headers={'X-B': 'c'})",
            "call": "Shop().other()",
        },
        "`x-b` and `X-B` are one",
    ),
    "a header that any session has": (
        {
            "made": "self.session = requests.Session(); self.session.headers['X-B'] = a",
            "member": "def other(self): return self.session.get('http://x', headers={'accept': 'c'})",
            "call": "Shop().other()",
        },
        "`Accept` and `accept` are one",
    ),
}
UNSAFE_OBJECTS = {
    "set up by another method": {
        "member": "def login(self, token: str): self.session.headers['X-Token'] = token; return self",
        "code": "",
        "call": "Shop().login(u).read(u)",
    },
    "made by another method": {
        "made": "self.a = a",
        "member": "def open(self): self.session = requests.Session(); return self",
        "code": "",
        "call": "Shop().open().read(u)",
    },
    "set up while others use it": {
        "member": "def login(self, token: str): self.session.headers['X-Token'] = token",
    },
    "in a cache": {
        "member": "def login(self, token: str): self.session.headers['X-Token'] = token",
        "code": "import functools\n@functools.lru_cache\ndef shop(): return Shop()",
        "call": "shop().read(u)",
    },
}
SAFE_OBJECTS = {
    "plain": {},
    "annotated": {"made": "self.session: requests.Session = requests.Session()"},
    "set up": {"made": "self.session = requests.Session(); self.session.headers.update({'X-B': a}); self.a = a"},
    "from outside": {"call": "shop.read(u), shop.session.get(u).text"},
    "declared": {"body": "session: requests.Session"},
    "an attribute of other things": {"code": "shop = Shop()\ndef g(db: Anything): db.session.execute('x')"},
    "used off the event loop": {
        "code": "shop = Shop()\n@app.get('/b')\ndef b(u: str): return shop.session.get(u).text"
    },
    "a lambda": {"code": "shop = Shop()\ng = lambda u: shop.session.get(u)"},
}


def object_app(parts: dict[str, str]) -> str:
    return OBJECT.format(**{**PARTS, **parts})


@pytest.mark.parametrize("name", HELD_OBJECTS)
def test_held_sessions_of_objects(name: str, tmp_path: Path) -> None:
    parts, reason = HELD_OBJECTS[name]
    fixes = [finding["fix"] for finding in findings(project(tmp_path, main=object_app(parts)))]
    assert fixes
    assert "none" in {fix["applicability"] for fix in fixes}
    assert any(reason in fix["reason"] for fix in fixes)


@pytest.mark.parametrize("name", UNSAFE_OBJECTS)
def test_unsafe_sessions_of_objects(name: str, tmp_path: Path) -> None:
    fixes = [finding["fix"] for finding in findings(project(tmp_path, main=object_app(UNSAFE_OBJECTS[name])))]
    assert {fix["applicability"] for fix in fixes} == {"unsafe"}
    assert "another request may do so" in fixes[0]["reason"]


@pytest.mark.parametrize("name", SAFE_OBJECTS)
def test_fixes_sessions_of_objects(name: str, tmp_path: Path) -> None:
    project(tmp_path, main=object_app(SAFE_OBJECTS[name]))
    run = fastmigrate("--fix", cwd=tmp_path)
    assert run.code == 0, run.stdout
    migrated = (tmp_path / "main.py").read_text()
    stays = name in {"used off the event loop", "a lambda"}
    assert ("self.session = requests.Session()" in migrated) == stays
    assert ('extensions={"cookies": httpx.Cookies(self.session.cookies)}' in migrated) == stays
    assert ("self.session_cookies = httpx.Cookies()" in migrated) != stays


BASE = """
class Base:
    def set_token(self, t: str): self.session.headers["Authorization"] = t
"""


def test_a_use_in_a_base_class_holds(tmp_path: Path) -> None:
    parts = {"base": "Base", "code": "shop = Shop()\nshop.set_token('x')"}
    main = object_app(parts).replace("app = FastAPI()", "from base import Base\napp = FastAPI()")
    [finding] = findings(project(tmp_path, main=main, base=BASE))
    assert "may be its session" in finding["fix"]["reason"]


def test_a_use_in_a_file_that_does_not_know_the_class_holds(tmp_path: Path) -> None:
    project(tmp_path, main=object_app({}), util="def helper(svc): svc.session.headers['late'] = '1'\n")
    [finding] = findings(tmp_path)
    assert "may be its session" in finding["fix"]["reason"]


def test_a_name_that_a_subclass_has_is_left_to_it(tmp_path: Path) -> None:
    sub = "from main import Shop\nclass Sub(Shop):\n    @property\n    def session_cookies(self): return {}\n"
    project(tmp_path, main=object_app({}), sub=sub)
    fastmigrate("--fix", cwd=tmp_path)
    main = (tmp_path / "main.py").read_text()
    assert "self.session_cookies = " not in main
    assert "httpx.Cookies()" in main


def test_what_sets_it_up_may_use_it(tmp_path: Path) -> None:
    made = "self.session = requests.Session(); self.session.headers['X'] = self.sign()"
    parts = {"made": made, "member": "def sign(self): return str(self.session.headers)"}
    project(tmp_path, main=object_app(parts))
    fastmigrate("--fix", "--unsafe-fixes", cwd=tmp_path)
    main = (tmp_path / "main.py").read_text()
    assert "requests.Session" in main or main.index("self.session_headers = {}") < main.index("= self.sign()")


def test_tests_that_replace_it_are_named(tmp_path: Path) -> None:
    test = "from unittest.mock import patch\nfrom main import shop\n"
    test += "def test_f():\n    with patch.object(shop, 'session'): ...\n"
    project(tmp_path, main=object_app({}), test_main=test)
    [finding] = findings(tmp_path)
    assert "test_main.py:4 uses the session" in finding["fix"]["reason"]
