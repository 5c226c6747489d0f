"""What is found, and what is not: lines that end in `# <-` are to be reported, all others not."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tests.projects import findings, only, project

HEAD = """
from fastapi import FastAPI, APIRouter
app = FastAPI()
router = APIRouter()
"""

FOUND = {
    "module": """
        import requests
        @app.get("/")
        async def f(): requests.get("http://x")  # <-
    """,
    "alias": """
        import requests as rq
        @app.get("/")
        async def f(): rq.post("http://x")  # <-
    """,
    "from import": """
        from requests import get, post as send
        @app.get("/")
        async def f():
            get("http://x")  # <-
            send("http://x")  # <-
    """,
    "requests.api": """
        import requests.api
        from requests import api
        @app.get("/")
        async def f():
            requests.api.delete("http://x")  # <-
            api.put("http://x")  # <-
    """,
    "inside the function": """
        @app.get("/")
        async def f():
            import requests
            return requests.head("http://x").ok  # <-
    """,
    "in try": """
        try:
            import requests
        except ImportError:
            requests = None
        @app.get("/")
        async def f(): requests.get("http://x")  # <-
    """,
    "alias variables": """
        import requests
        http = requests
        fetch = http.get
        @app.get("/")
        async def f():
            mine = fetch
            http.patch("http://x")  # <-
            fetch("http://x")  # <-
            mine("http://x")  # <-
    """,
    "sessions": """
        import requests
        shared = requests.Session()
        @app.get("/")
        async def f():
            session = requests.Session()
            session.get("http://x")  # <-
            with requests.session() as other:
                other.post("http://x")  # <-
            requests.sessions.Session().request("GET", "http://x")  # <-
            shared.delete("http://x")  # <-
    """,
    "every verb": """
        import requests
        @app.get("/")
        async def f():
            requests.get("http://x")  # <-
            requests.options("http://x")  # <-
            requests.head("http://x")  # <-
            requests.post("http://x")  # <-
            requests.put("http://x")  # <-
            requests.patch("http://x")  # <-
            requests.delete("http://x")  # <-
            requests.request("GET", "http://x")  # <-
            requests.codes.ok, requests.Request("GET", "http://x"), requests.utils.quote("x")
    """,
    "registrations": """
        import requests
        from fastapi import APIRouter as Router
        import fastapi

        class Own(Router): ...
        third = Own()
        other = fastapi.FastAPI()

        @app.api_route("/", methods=["GET", "POST"])
        async def a(): requests.get("http://x")  # <-
        @router.delete("/")
        async def b(): requests.get("http://x")  # <-
        async def c(): requests.get("http://x")  # <-
        app.add_api_route("/c", c)
        async def d(): requests.get("http://x")  # <-
        router.add_api_route("/d", endpoint=d, methods=["PUT"])
        @third.patch("/")
        async def e(): requests.get("http://x")  # <-
        @other.head("/")
        @app.options("/")
        async def f(): requests.get("http://x")  # <-
        async def g(): requests.get("http://x")  # <-
        app.get("/g")(g)
        @app.router.get("/h")
        async def h(): requests.get("http://x")  # <-

        def register(given: fastapi.FastAPI, api: Router):
            @given.get("/i")
            async def i(): requests.get("http://x")  # <-
            @api.get("/j")
            async def j(): requests.get("http://x")  # <-
    """,
    "classes": """
        import requests
        class Views:
            def __init__(self):
                self.router = APIRouter()
                self.router.add_api_route("/", self.view)
            async def view(self): requests.get("http://x")  # <-
            @router.get("/static")
            @staticmethod
            async def fixed(): requests.get("http://x")  # <-
    """,
    "places": """
        import requests
        @app.get("/")
        async def f(u: str):
            if requests.get(u).ok:  # <-
                return [requests.get(x).text for x in requests.get(u).json()]  # <- <-
            return f"{requests.get(u).text}", (lambda: requests.get(u))  # <-
    """,
}

SILENT = {
    "def path operation": """
        import requests
        @app.get("/")
        def f(): requests.get("http://x")
    """,
    "not a path operation": """
        import requests
        async def f(): requests.get("http://x")
        class Api:
            def get(self, path): return lambda f: f
        api = Api()
        @api.get("/")
        async def g(): requests.get("http://x")
    """,
    "parameter": """
        import requests
        @app.get("/")
        async def f(requests: list): requests.get("http://x")
    """,
    "local variable": """
        import requests
        @app.get("/")
        async def f():
            requests = {}
            requests.get("http://x")
    """,
    "rebound module name": """
        import requests
        requests = {}
        @app.get("/")
        async def f(): requests.get("http://x")
    """,
    "comprehension variable": """
        import requests
        @app.get("/")
        async def f(): return [requests.get("a") for requests in [{}]]
    """,
    "look-alikes": """
        from google.auth.transport import requests
        from curl_cffi import requests as curl
        import starlette.requests as sr
        session = object()
        @app.get("/")
        async def f(db):
            requests.get("http://x"); curl.get("http://x"); sr.get("x"); session.get("x"); db.session.get("x")
    """,
    "nested functions": """
        import requests
        @app.get("/")
        async def f():
            def inner(): return requests.get("http://x")
            async def other(): return requests.get("http://x")
            return inner
    """,
    "start-up": """
        import requests
        @app.on_event("startup")
        async def f(): requests.get("http://x")
    """,
}


@pytest.mark.parametrize("name", FOUND)
def test_found(name: str, tmp_path: Path) -> None:
    assert lines_found(FOUND[name], tmp_path) == marked(FOUND[name])


@pytest.mark.parametrize("name", SILENT)
def test_silent(name: str, tmp_path: Path) -> None:
    assert lines_found(SILENT[name], tmp_path) == []


def source(snippet: str) -> str:
    return HEAD + dedent(snippet)


def lines_found(snippet: str, folder: Path) -> list[int]:
    project(folder, main=source(snippet))
    return [finding["line"] for finding in findings(folder)]


def marked(snippet: str) -> list[int]:
    lines = source(snippet).splitlines()
    return [number for number, line in enumerate(lines, 1) for _ in range(line.count("<-"))]


ENDPOINT = """
    import requests
    from fastapi import FastAPI
    app = FastAPI()
    @app.get("/")
    async def f(): requests.get("http://x")
"""


@pytest.mark.parametrize("own", ["requests", "requests/__init__", "src/requests"])
def test_a_projects_own_module_called_requests_is_silent(own: str, tmp_path: Path) -> None:
    project(tmp_path, main=ENDPOINT)
    target = tmp_path / f"{own}.py"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("def get(url): ...\n")
    assert findings(tmp_path) == []


def test_a_neighbour_in_a_package_is_not_what_an_absolute_import_means(tmp_path: Path) -> None:
    project(tmp_path, app__main=ENDPOINT, app__requests="def get(url): ...\n", **{"app/__init__": ""})
    assert len(findings(tmp_path)) == 1
    project(tmp_path, app__main=ENDPOINT.replace("import requests", "from . import requests"))
    assert findings(tmp_path) == []


@pytest.mark.parametrize("path", ["tests/app.py", "test_app.py", "pkg/conftest.py", "app_test.py"])
def test_test_code_is_silent(path: str, tmp_path: Path) -> None:
    folder = project(tmp_path / "test_project")  # what counts is the path within the project
    (folder / path).parent.mkdir(exist_ok=True)
    (folder / path).write_text(dedent(ENDPOINT))
    (folder / "main.py").write_text(dedent(ENDPOINT))
    assert [finding["path"] for finding in findings(folder)] == ["main.py"]


def test_chain_and_endpoints_across_modules(tmp_path: Path) -> None:
    project(
        tmp_path,
        app__main="""
            from fastapi import FastAPI
            from .routes import outer
            PREFIX = "/api"
            app = FastAPI()
            app.include_router(outer, prefix=f"{PREFIX}/v1")
            app.include_router(outer, prefix="/old")
        """,
        app__routes="""
            import requests
            from fastapi import APIRouter
            inner = APIRouter(prefix="/items")
            outer = APIRouter(prefix="/shop")

            @inner.api_route("/{id}", methods=["GET", "POST"])
            async def read(id: int):
                ü = requests.get("http://x/é"); return ü.json(), requests.post("http://x")
            outer.include_router(inner, prefix="/v")
        """,
    )
    first, second = findings(tmp_path)
    assert (first["line"], first["column"], first["end_line"], first["end_column"]) == (9, 9, 9, 35)
    assert (second["line"], second["column"]) == (9, 54)
    routes = [(endpoint["route"], endpoint["name"], endpoint["line"]) for endpoint in first["endpoints"]]
    assert routes == [
        (f"{method} {prefix}/shop/v/items/{{id}}", "app.routes.read", 8)
        for prefix in ("/api/v1", "/old")
        for method in ("GET", "POST")
    ]
    assert first["chain"] == [{"name": "app.routes.read", "path": "app/routes.py", "line": 9, "column": 9}]


def test_the_message_says_when_a_plain_def_would_do(tmp_path: Path) -> None:
    project(tmp_path, main=ENDPOINT)
    assert "a plain `def` would do as well" in only(tmp_path)["message"]
    project(tmp_path, main=ENDPOINT.replace('requests.get("http://x")', 'requests.get("http://x"); await g()'))
    assert "plain `def`" not in only(tmp_path)["message"]


def test_names_of_nested_scopes_are_not_those_of_the_function(tmp_path: Path) -> None:
    from tests.run import fastmigrate

    code = """
        import requests
        from fastapi import FastAPI
        app = FastAPI()
        @app.get("/")
        async def f(u: str, items: list):
            r = requests.get(u)
            def other():
                r = items.pop()
                return r.ok
            def same(): return [r.ok for x in items]
            return [r.ok for r in items], (lambda r: r.ok), (lambda: [r.ok for r in items]), other, same, r.ok
    """
    project(tmp_path, main=code)
    assert fastmigrate("--fix", cwd=tmp_path).code == 0
    text = (tmp_path / "main.py").read_text()
    assert "r = items.pop()\n        return r.ok" in text
    assert "def same(): return [not r.is_error for x in items]" in text
    tail = (
        "return [r.ok for r in items], (lambda r: r.ok), (lambda: [r.ok for r in items]), other, same, not r.is_error"
    )
    assert tail in text


def test_an_item_from_the_end_of_nothing_is_fine(tmp_path: Path) -> None:
    code = "import time\nfrom fastapi import FastAPI\napp = FastAPI()\n@app.get('/')\nasync def f():\n"
    code += "    rows = [[]]\n    rows[-1][-1].append('x')\n    time.sleep(1)\n"
    assert [finding["code"] for finding in findings(project(tmp_path, main=code))] == ["FM104"]


CIRCULAR = """
    import requests
    from fastapi import Depends, FastAPI
    from one import SETTINGS, load

    app = FastAPI(**OPTIONS)

    @app.get("/")
    async def read(given=Depends(load)):
        return requests.get({}, timeout=5).text
"""


@pytest.mark.parametrize(
    "arguments",
    [
        '"http://x", params=SETTINGS',
        "SETTINGS",
        'f"{SETTINGS}/x", params={"a": SETTINGS}',
        'SETTINGS.url + "/x", headers={**SETTINGS}',
        '"http://x", proxies=SETTINGS, verify=SETTINGS.tls, auth=SETTINGS["auth"]',
        '"http://x", json=load(), data=SETTINGS, files=SETTINGS, cookies=SETTINGS, **SETTINGS',
    ],
)
@pytest.mark.parametrize("options", ["", "**SETTINGS", "lifespan=SETTINGS", "dependencies=SETTINGS"])
def test_modules_that_import_a_name_from_each_other(arguments: str, options: str, tmp_path: Path) -> None:
    """Nothing runs in circles to find out what it stands for."""
    code = CIRCULAR.replace("**OPTIONS", options).replace("{}", arguments)
    project(tmp_path, one="from two import SETTINGS, load", two="from one import SETTINGS, load", main=code)
    assert only(tmp_path)["code"] == "FM101"


def test_a_name_that_modules_import_from_each_other_has_an_unknown_value(tmp_path: Path) -> None:
    code = CIRCULAR.replace("**OPTIONS", "").replace("{}", '"http://x", params=SETTINGS')
    project(tmp_path, one="from two import SETTINGS, load", two="from one import SETTINGS, load", main=code)
    assert only(tmp_path)["fix"]["applicability"] == "unsafe"
