"""What the event loop reaches: which code runs on it, by which ways it comes to a blocking call, and what leaves it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.projects import findings, project
from tests.run import fastmigrate

LIB = """
import time
from abc import ABC, abstractmethod
from contextlib import contextmanager
from asyncio import to_thread
from functools import wraps
from inspect import iscoroutinefunction
from threading import Thread
import requests

def block(*_):
    return requests.get("http://x").text

def pages():
    yield requests.get("http://x").text

@contextmanager
def opened():
    yield requests.get("http://x").text

def counted(function):
    @wraps(function)
    def counting(*args, **kwargs):
        return function(*args, **kwargs)
    return counting

@counted
def decorated():
    return requests.get("http://x").text

class Service:
    def fetch(self):
        return requests.get("http://x").text
    def all(self):
        return self.fetch()
    @property
    def state(self):
        return requests.get("http://x").text
    @classmethod
    def made(cls):
        return cls()
    @staticmethod
    def plain():
        return requests.get("http://x").text
    def __call__(self):
        return requests.get("http://x").text
    def __enter__(self):
        return requests.get("http://x").text
    def __exit__(self, *_): ...
    def __iter__(self):
        return iter([requests.get("http://x").text])
    async def __aenter__(self):
        return requests.get("http://x").text
    async def __aexit__(self, *_): ...

class Eager:
    def __init__(self):
        self.text = requests.get("http://x").text

class Base(ABC):
    @abstractmethod
    def fetch(self): ...
    def run(self):
        return self.fetch()

class Remote(Base):
    def fetch(self):
        return requests.get("http://x").text

class Local(Base):
    def fetch(self):
        return ""

class Louder(Service):
    def fetch(self):
        return super().fetch().upper()

class Holder:
    service: Service
    def __init__(self, service: Service):
        self.service = service
    def fetch(self):
        return self.service.fetch()

def chosen(name) -> Base:
    return Remote() if name else Local()

class Registry:
    late: Service
    def __init__(self):
        self.handlers = {"a": block}
        self.services = [Service(), Local()]
        self.service: Service | None = None
    def call(self, key):
        return self.handlers[key]()
    def call_all(self):
        return [one.fetch() for one in self.services]
    def fetch(self):
        return self.service.fetch()

def retry(function, times=1):
    return function()

def passed_on(function):
    return retry(lambda: function())

def in_thread(function):
    Thread(target=function).start()

async def call_either(function):
    if not iscoroutinefunction(function):
        return await to_thread(function)
    return await function()

def replacing(function):
    function = len
    return function("")

def guarded(function):
    @wraps(function)
    async def guarding(*args, **kwargs):
        block()
        return await function(*args, **kwargs)
    return guarding

service = Service()
SERVICES = {"a": Service(), "b": Local()}
HANDLERS = {"a": block, "b": len}
"""

MAIN = """
import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from threading import Thread
from fastapi import BackgroundTasks, Depends, FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
import lib
from lib import *
app = FastAPI()
@app.get("/")
async def f(tasks: BackgroundTasks, service: Service, base: Base, key: str = ""):
"""

REACHED = {
    "a call": ("block()", "lib.block"),
    "a call through a module": ("lib.block()", "lib.block"),
    "a method of an annotated parameter": ("service.fetch()", "lib.Service.fetch"),
    "a method of a global": ("lib.service.all()", "lib.Service.all > lib.Service.fetch"),
    "a method of a new object": ("Service().fetch()", "lib.Service.fetch"),
    "a method of what a class method makes": ("Service.made().fetch()", "lib.Service.fetch"),
    "a static method": ("Service.plain()", "lib.Service.plain"),
    "a method of an attribute": ("Holder(Service()).fetch()", "lib.Holder.fetch > lib.Service.fetch"),
    "a method that calls super": ("Louder().fetch()", "lib.Louder.fetch > lib.Service.fetch"),
    "an override, by the base's method": ("Remote().run()", "lib.Base.run > lib.Remote.fetch"),
    "an override, by an annotation": ("base.fetch()", "lib.Remote.fetch"),
    "an override, by a factory": ("chosen(key).fetch()", "lib.Remote.fetch"),
    "a property": ("print(service.state)", "lib.Service.state"),
    "a call of an object": ("service()", "lib.Service.__call__"),
    "a new object": ("Eager()", "lib.Eager.__init__"),
    "a block that is entered": ("with service: pass", "lib.Service.__enter__"),
    "a block that is entered asynchronously": ("async with service: pass", "lib.Service.__aenter__"),
    "a context manager of a generator": ("with opened() as text: pass", "lib.opened"),
    "a loop over an object": ("for x in service: pass", "lib.Service.__iter__"),
    "a loop over a generator": ("for x in pages(): pass", "lib.pages"),
    "a loop over a name for a generator": ("found = pages()\n    for x in found: pass", "lib.pages"),
    "a comprehension over a generator": ("[x for x in enumerate(pages())]", "lib.pages"),
    "a list of a generator": ("list(pages())", "lib.pages"),
    "text joined from a generator": ("''.join(pages())", "lib.pages"),
    "a lambda that is called": ("g = lambda: block()\n    g()", "main.f.g > lib.block"),
    "a lambda that sorts": ("sorted([1], key=lambda x: block())", "lib.block"),
    "a function that sorts": ("sorted([1], key=block)", "lib.block"),
    "a function that maps": ("list(map(block, [1]))", "lib.block"),
    "a partial": ("g = partial(block, 1)\n    g()", "lib.block"),
    "a nested function": ("def g():\n        return block()\n    g()", "main.f.g > lib.block"),
    "a function under a decorator of the project": ("decorated()", "lib.decorated"),
    "a function out of a dict": ("lib.HANDLERS[key]()", "lib.block"),
    "a function that the loop is asked to call": ("asyncio.get_running_loop().call_soon(block)", "lib.block"),
    "a task": ("async def g(): block()\n    asyncio.create_task(g())", "main.f.g > lib.block"),
    "a function handed to one that calls it": ("retry(block)", "lib.block"),
    "a function handed on by its name": ("retry(times=2, function=block)", "lib.block"),
    "a method handed to one that calls it": ("retry(service.fetch)", "lib.Service.fetch"),
    "a lambda handed to one that calls it": ("retry(lambda: block())", "main.f.<lambda> > lib.block"),
    "a loop over objects": ("for one in [Service(), Local()]: one.fetch()", "lib.Service.fetch"),
    "a comprehension over objects": ("[one.fetch() for one in (Service(),)]", "lib.Service.fetch"),
    "a comprehension over objects of an object": (
        "lib.Registry().call_all()",
        "lib.Registry.call_all > lib.Service.fetch",
    ),
    "a loop over functions": ("for one in [block, len]: one('')", "lib.block"),
    "a loop over the values of a dict": ("for one in lib.HANDLERS.values(): one('')", "lib.block"),
    "a loop over the items of a dict": ("for name, one in lib.HANDLERS.items(): one('')", "lib.block"),
    "an object out of a dict": ("lib.SERVICES[key].fetch()", "lib.Service.fetch"),
    "an object out of a dict, with a name": ("one = lib.SERVICES.get(key)\n    one.fetch()", "lib.Service.fetch"),
    "a function out of an object's dict": ("lib.Registry().call(key)", "lib.Registry.call > lib.block"),
    "a dict that gets an item": ("table = {}\n    table['a'] = block\n    table[key]()", "lib.block"),
    "an attribute that is annotated": ("lib.Registry().fetch()", "lib.Registry.fetch > lib.Service.fetch"),
    "a field that is annotated": ("lib.Registry().late.fetch()", "lib.Service.fetch"),
    "a stack of blocks": ("with ExitStack() as stack: stack.enter_context(opened())", "lib.opened"),
    "a background task that is a coroutine": ("async def g(): block()\n    tasks.add_task(g)", "main.f.g > lib.block"),
}
FREE = {
    "a thread": "await asyncio.to_thread(block)",
    "a lambda in a thread": "await asyncio.to_thread(lambda: block())",
    "an executor": "await asyncio.get_running_loop().run_in_executor(None, block)",
    "the pool of threads": "await run_in_threadpool(service.fetch)",
    "a thread of its own": "Thread(target=block).start()",
    "a pool": "with ThreadPoolExecutor() as pool: pool.submit(block)",
    "a background task": "tasks.add_task(block)",
    "a stream": "return StreamingResponse(pages())",
    "a stream that has a name": "found = pages()\n    return StreamingResponse(found)",
    "a generator over which nothing runs": "pages()",
    "a stream of a generator expression": "return StreamingResponse(page for page in pages())",
    "a function handed to one that starts a thread": "lib.in_thread(block)",
    "a lambda handed to one that starts a thread": "lib.in_thread(lambda: block())",
    "a lambda that nobody calls": "table = {'a': lambda: block()}",
    "a function that is asked what it is": "await lib.call_either(block)",
    "a function that is replaced": "lib.replacing(block)",
    "another one of two loops": "for one in [block]: await asyncio.to_thread(one)\n    for one in [len]: one('')",
    "another one in a dict": "{'a': block, 'b': len}['b']('')",
    "another one in a dict, by get": "lib.HANDLERS.get('b')('')",
    "the keys of a dict": "for one in {len: block}: one('')",
    "the keys of a dict in a list": "for one in list({len: block}): one('')",
    "an object that is not taken out of its dict": "lib.SERVICES.get(key)",
    "a function that is not called": "g = block",
    "a nested function in a thread": "def g(): return block()\n    await asyncio.to_thread(g)",
    "an override of another class": "Local().run()",
    "a look-alike": "{}.get('x')",
}


def found_in(folder: Path) -> list[dict[str, Any]]:
    run = fastmigrate("--output-format", "json", "--select", "FM101", cwd=folder)
    assert run.code in {0, 1}, run.stderr
    findings: list[dict[str, Any]] = json.loads(run.stdout)["findings"]
    return findings


def chain_of(finding: dict[str, Any]) -> str:
    return " > ".join(hop["name"] for hop in finding["chain"])


@pytest.mark.parametrize("name", REACHED)
def test_reaches(name: str, tmp_path: Path) -> None:
    code, way = REACHED[name]
    project(tmp_path, main=f"{MAIN}    {code}\n", lib=LIB)
    assert [chain_of(found) for found in found_in(tmp_path)] == [f"main.f > {way}"]


HANDED_OVER = {
    "to map": "list(map(requests.get, [key]))",
    "to a key": "sorted([key], key=requests.get)",
    "to a function that calls it": "retry(requests.get)",
    "by a partial": "get = partial(requests.get, key)\n    get()",
}


@pytest.mark.parametrize("name", HANDED_OVER)
def test_what_blocks_is_handed_over(name: str, tmp_path: Path) -> None:
    project(tmp_path, main=f"import requests\n{MAIN}    {HANDED_OVER[name]}\n", lib=LIB)
    [found] = found_in(tmp_path)
    assert chain_of(found) == "main.f"
    assert "handed over to be called" in found["fix"]["reason"]


@pytest.mark.parametrize("name", FREE)
def test_leaves_the_event_loop(name: str, tmp_path: Path) -> None:
    project(tmp_path, main=f"{MAIN}    {FREE[name]}\n", lib=LIB)
    assert found_in(tmp_path) == []


APP = """
from typing import Annotated
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, Request, Security, WebSocket
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.routing import Route
import lib
from lib import block, guarded
async def asks(): block()
async def yields():
    block()
    yield
def threaded(): block()
async def sub(x = Depends(asks)): ...
Asked = Annotated[str, Depends(asks)]
class Made:
    def __init__(self): block()
    async def __call__(self): block()
    def method(self): block()
checker = Made()
class Plain:
    def __init__(self, app): self.app = app
    async def __call__(self, scope, receive, send): block()
class Timed(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next): block()
class Ends(HTTPEndpoint):
    async def get(self, request): block()
    def post(self, request): block()
"""
NEW = "app = FastAPI()\n"
ROOTS = {
    "a default": ("@app.get('/')\ndef f(x = Depends(asks)): ...", "main.asks", ["GET /"]),
    "a default of a path operation": ("@app.get('/')\nasync def f(x = Security(asks)): ...", "main.asks", ["GET /"]),
    "an annotation": ("@app.get('/')\ndef f(x: Annotated[str, Depends(asks)]): ...", "main.asks", ["GET /"]),
    "an annotation with a name": ("@app.get('/')\ndef f(x: Asked): ...", "main.asks", ["GET /"]),
    "a dependency that yields": ("@app.get('/')\ndef f(x = Depends(yields)): ...", "main.yields", ["GET /"]),
    "a dependency of a dependency": ("@app.get('/')\ndef f(x = Depends(sub)): ...", "main.asks", ["GET /"]),
    "an object": ("@app.get('/')\ndef f(x = Depends(checker)): ...", "main.Made.__call__", ["GET /"]),
    "a class that is injected": (
        "@app.get('/')\nasync def f(x: Made = Depends()): x.method()",
        "main.f > main.Made.method",
        ["GET /"],
    ),
    "a decorator": ("@app.get('/', dependencies=[Depends(asks)])\ndef f(): ...", "main.asks", ["GET /"]),
    "a router": (
        "r = APIRouter(prefix='/r', dependencies=[Depends(asks)])\n@r.get('/a')\ndef f(): ...\napp.include_router(r)",
        "main.asks",
        ["GET /r/a"],
    ),
    "an inclusion": (
        "r = APIRouter()\n@r.get('/a')\ndef f(): ...\napp.include_router(r, prefix='/p', dependencies=[Depends(asks)])",
        "main.asks",
        ["GET /p/a"],
    ),
    "an app": ("app = FastAPI(dependencies=[Depends(asks)])\n@app.get('/')\ndef f(): ...", "main.asks", ["GET /"]),
    "a websocket": (
        "@app.websocket('/ws')\nasync def f(socket: WebSocket): block()",
        "main.f",
        ["WEBSOCKET /ws"],
    ),
    "a middleware": ("@app.middleware('http')\nasync def f(request, call_next): block()", "main.f", [None]),
    "a middleware of a class": ("app.add_middleware(Timed)", "main.Timed.dispatch", [None]),
    "a middleware of ASGI": ("app.add_middleware(Plain)", "main.Plain.__call__", [None]),
    "a middleware in a list": ("app = FastAPI(middleware=[Middleware(Plain)])", "main.Plain.__call__", [None]),
    "an exception handler": (
        "@app.exception_handler(ValueError)\nasync def f(request, error): block()",
        "main.f",
        [None],
    ),
    "an exception handler in a dict": (
        "async def f(request, error): block()\napp = FastAPI(exception_handlers={404: f})",
        "main.f",
        [None],
    ),
    "a class of an endpoint": ("app.add_route('/e', Ends)", "main.Ends.get", ["GET /e"]),
    "a route in a list": (
        "async def f(request): block()\napp = FastAPI(routes=[Route('/x', f)])",
        "main.f",
        ["GET /x"],
    ),
    "a name for a dependency": (
        "NEEDED = Depends(asks)\n@app.get('/')\ndef f(x = NEEDED): ...",
        "main.asks",
        ["GET /"],
    ),
    "a dependency of a partial": (
        "from functools import partial\n@app.get('/')\ndef f(x = Depends(partial(asks))): ...",
        "main.asks",
        ["GET /"],
    ),
    "a list of dependencies": (
        "NEEDED = [Depends(asks)]\n@app.get('/', dependencies=NEEDED + [])\ndef f(): ...",
        "main.asks",
        ["GET /"],
    ),
    "a decorator of the project": ("@app.get('/')\n@guarded\nasync def f(): ...", "lib.guarded.guarding", ["GET /"]),
    "a decorator of the project by call": (
        "async def f(): ...\napp.get('/')(guarded(f))",
        "lib.guarded.guarding",
        ["GET /"],
    ),
    "a decorator of the project around a dependency": (
        "@guarded\nasync def needed(): ...\n@app.get('/')\ndef f(x = Depends(needed)): ...",
        "lib.guarded.guarding",
        ["GET /"],
    ),
    "a route in a loop": (
        "async def f(): block()\nfor path, one in [('/a', f)]: app.add_api_route(path, one)",
        "main.f",
        ["GET {path}"],
    ),
    "a route in a loop over functions": (
        "async def f(): block()\nfor one in (f,): app.add_api_route('/a', one)",
        "main.f",
        ["GET /a"],
    ),
    "a decorator called in a loop": (
        "async def f(): block()\nfor one in (f,): app.get('/a')(one)",
        "main.f",
        ["GET /a"],
    ),
    "routes under a mount": (
        "from starlette.routing import Mount\nasync def f(request): block()\n"
        "app = FastAPI(routes=[Mount('/m', routes=[Route('/x', f)])])",
        "main.f",
        ["GET /m/x"],
    ),
    "lists of routes put together": (
        "async def f(request): block()\nROUTES = [Route('/x', f)]\napp = FastAPI(routes=[*ROUTES] + [])",
        "main.f",
        ["GET /x"],
    ),
    "a class under a decorator": (
        "from starlette.applications import Starlette\napp = Starlette()\n@app.route('/e')\n"
        "class E(HTTPEndpoint):\n    async def get(self, request): block()",
        "main.E.get",
        ["GET /e"],
    ),
    "a middleware by call": ("async def f(request, call_next): block()\napp.middleware('http')(f)", "main.f", [None]),
    "a middleware around the app": ("app = FastAPI()\napp = Plain(app)", "main.Plain.__call__", [None]),
    "a middleware around the app, with another name": ("served = Plain(app)", "main.Plain.__call__", [None]),
    "a task of a dependency in a thread": (
        "def leaves(tasks: BackgroundTasks): tasks.add_task(asks)\n@app.get('/')\ndef f(x = Depends(leaves)): ...",
        "main.asks",
        ["GET /"],
    ),
    "a task of a path operation in a thread": (
        "@app.get('/')\ndef f(tasks: BackgroundTasks): tasks.add_task(asks)",
        "main.asks",
        ["GET /"],
    ),
}
FILES = {
    "a file that does not name the framework": (
        {"main": "from core import app\nfrom lib import block\n@app.get('/')\nasync def f(): block()"},
        "main.f",
    ),
    "a middleware in such a file": (
        {
            "main": "from core import app\nfrom lib import block\n@app.middleware('http')\n"
            "async def f(request, call_next): block()"
        },
        "main.f",
    ),
    "dependencies of another file": (
        {
            "needs": "from core import Depends\nfrom lib import block\nasync def asks(): block()\n"
            "COMMON = [Depends(asks)]\nASKED = Depends(asks)",
            "main": "from core import app\nfrom needs import COMMON\n@app.get('/', dependencies=COMMON)\ndef f(): ...",
        },
        "needs.asks",
    ),
    "a dependency of another file": (
        {
            "needs": "from fastapi import Depends\nfrom lib import block\nasync def asks(): block()\n"
            "ASKED = Depends(asks)",
            "main": "import needs\nfrom core import app\n@app.get('/')\ndef f(x = needs.ASKED): ...",
        },
        "needs.asks",
    ),
    "an annotation of another file": (
        {
            "needs": "from typing import Annotated\nfrom fastapi import Depends\nfrom lib import block\n"
            "async def asks(): block()\nAsked = Annotated[str, Depends(asks)]",
            "main": "import needs\nfrom core import app\n@app.get('/')\ndef f(x: needs.Asked): ...",
        },
        "needs.asks",
    ),
}
IN_THREADS = {
    "a plain path operation": "@app.get('/')\ndef f(): block()",
    "a plain dependency": "@app.get('/')\nasync def f(x = Depends(threaded)): ...",
    "a class as a dependency": "@app.get('/')\nasync def f(x = Depends(Made)): ...",
    "a plain function in a loop": "def f(): block()\nfor one in (f,): app.add_api_route('/a', one)",
    "a decorator above the registration": (
        "from functools import wraps\ndef timed(g):\n    @wraps(g)\n    async def inner(): return g()\n"
        "    return inner\n"
        "@timed\n@app.get('/')\ndef f(): block()"
    ),
    "a decorator that tells apart": (
        "import asyncio\ndef either(g):\n    async def inner():\n"
        "        return await asyncio.to_thread(g) if g else g()\n"
        "    return inner\n@app.get('/')\n@either\ndef f(): block()"
    ),
    "a plain decorator": (
        "def plain(g):\n    def inner(): block(); return g()\n    return inner\n@app.get('/')\n@plain\ndef f(): ..."
    ),
    "a class that is given an app": "class Holder:\n    def __init__(self, app): block()\nholder = Holder(app)",
    "a plain exception handler": "@app.exception_handler(ValueError)\ndef f(request, error): block()",
    "a dependency that nothing uses": "",
    "start-up": "@app.on_event('startup')\nasync def f(): block()",
}


@pytest.mark.parametrize("name", ROOTS)
def test_begins_at(name: str, tmp_path: Path) -> None:
    code, way, routes = ROOTS[name]
    project(tmp_path, main=f"{APP}\n{code if 'app = ' in code else NEW + code}\n", lib=LIB)
    [found] = found_in(tmp_path)
    assert chain_of(found) == f"{way} > lib.block"
    assert [endpoint["route"] for endpoint in found["endpoints"]] == routes


@pytest.mark.parametrize("name", FILES)
def test_begins_in_whichever_file(name: str, tmp_path: Path) -> None:
    files, way = FILES[name]
    project(tmp_path, core="from fastapi import Depends, FastAPI\napp = FastAPI()\n", lib=LIB, **files)
    [found] = found_in(tmp_path)
    assert chain_of(found) == f"{way} > lib.block"


@pytest.mark.parametrize("name", IN_THREADS)
def test_does_not_begin_at(name: str, tmp_path: Path) -> None:
    project(tmp_path, main=f"{APP}\n{NEW}{IN_THREADS[name]}\n", lib=LIB)
    assert found_in(tmp_path) == []


def test_names_all_that_it_stalls_and_the_shortest_way(tmp_path: Path) -> None:
    main = (
        "from fastapi import FastAPI\nfrom lib import block, service\napp = FastAPI()\n"
        "def far(): return near()\ndef near(): return block()\n"
        "@app.get('/a')\n@app.post('/b')\nasync def a(): far()\n"
        "@app.get('/c')\nasync def c():\n    near()\n"
        "@app.get('/d')\nasync def d(): service.fetch()\n"
    )
    project(tmp_path, main=main, lib=LIB)
    by_line = {found["line"]: found for found in found_in(tmp_path)}
    blocking, fetching = (by_line[line] for line in sorted(by_line))
    assert [(hop["name"], hop["line"], hop["column"]) for hop in blocking["chain"]] == [
        ("main.c", 11, 5),
        ("main.near", 5, 20),
        ("lib.block", 12, 12),
    ]
    assert {endpoint["route"] for endpoint in blocking["endpoints"]} == {"GET /a", "POST /b", "GET /c"}
    assert {endpoint["route"] for endpoint in fetching["endpoints"]} == {"GET /d"}


def test_cycles_end(tmp_path: Path) -> None:
    one = "from two import b\nimport requests\ndef a(n):\n    return b(n) if n else requests.get('http://x').text\n"
    two = "import one\nclass B(one.A if hasattr(one, 'A') else object): ...\ndef b(n):\n    return one.a(n - 1)\n"
    main = "from fastapi import FastAPI\nfrom one import a\napp = FastAPI()\n@app.get('/')\nasync def f(): a(3)\n"
    project(tmp_path, main=main, one=one, two=two)
    [found] = found_in(tmp_path)
    assert chain_of(found) == "main.f > one.a"


def test_names_that_are_defined_by_themselves_end(tmp_path: Path) -> None:
    code = (
        "def f(x=None, y=None):\n    x = x or y\n    y = x if x else y\n    y = partial(y, 1)\n    x.get()\n    y()\n"
    )
    head = "from functools import partial\nfrom fastapi import FastAPI\nimport requests\napp = FastAPI()\n"
    project(tmp_path, main=f"{head}@app.get('/')\nasync {code}    requests.get('http://x')\n")
    [found] = found_in(tmp_path)
    assert chain_of(found) == "main.f"


def test_what_is_no_coroutine_function_is_not_awaited_where_that_is_asked(tmp_path: Path) -> None:
    """One override is a coroutine function and another one is not: each runs where it can."""
    main = """
    import asyncio, inspect, requests
    from fastapi import Depends, FastAPI

    app = FastAPI()

    class Base:
        def update(self): ...

    class Plain(Base):
        def update(self):
            return requests.get("http://x/plain").text

    class Awaited(Base):
        async def update(self):
            return requests.get("http://x/awaited").text

    def chosen() -> Base: ...

    @app.get("/")
    async def read(component: Base = Depends(chosen)):
        if inspect.iscoroutinefunction(component.update):
            return await component.update()
        return await asyncio.to_thread(component.update)
    """
    project(tmp_path, main=main)
    found = {(finding["code"], finding["line"]) for finding in findings(tmp_path)}
    assert found == {("FM101", 16), ("FM202", 24)}
