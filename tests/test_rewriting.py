"""Code around the edit that is easy to break: where imports land, whose names are free, what shares a line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.projects import project
from tests.run import fastmigrate

HEAD = "import requests\nfrom fastapi import FastAPI\n"
ENDPOINT = """
@app.get("/")
async def f():
    return requests.get("http://x").json()
"""

MODULES = {
    "late import of httpx": HEAD + "app = FastAPI()\nimport httpx\n" + ENDPOINT,
    "late import of contextlib": HEAD + "app = FastAPI()\nfrom contextlib import asynccontextmanager\n" + ENDPOINT,
    "guarded import of httpx": HEAD + "try:\n    import httpx\nexcept ImportError:\n    httpx = None\n"
    "app = FastAPI()\n" + ENDPOINT,
    "imports on one line": "from __future__ import annotations; import requests; from fastapi import FastAPI\n"
    "app = FastAPI()\n" + ENDPOINT,
    "everything in try": "try:\n    import requests\n    from fastapi import FastAPI\n    app = FastAPI()\n"
    "finally:\n    pass\n" + ENDPOINT,
    "local imports": """
import requests
def create(lifespan=None):
    from urllib.request import Request
    from fastapi import FastAPI
    app = FastAPI()
    @app.get("/")
    async def f():
        return requests.get("http://x").json()
    return app
app = create()
""",
    "taken names": HEAD
    + "CookieJar = asynccontextmanager = keep_request_promises = Request = 1\napp = FastAPI()\n"
    + ENDPOINT,
    "global name": HEAD + "app = FastAPI()\nclient = None\n" + ENDPOINT.replace("():", "():\n    global client"),
    "one line": HEAD
    + "app = FastAPI()\n@app.get('/')\nasync def f(): 'Docs.'; return requests.get('http://x').json()\n",
    "lifespan on one line": """
import requests
from contextlib import AsyncExitStack, asynccontextmanager
from fastapi import FastAPI
@asynccontextmanager
async def life(app):
    async with AsyncExitStack() as stack: print("up"); yield; print("down")
app = FastAPI(lifespan=life)
"""
    + ENDPOINT,
    "lifespan with a state that may be None": """
import requests
from contextlib import asynccontextmanager
from fastapi import FastAPI
@asynccontextmanager
async def life(app):
    state = None
    yield state
app = FastAPI(lifespan=life)
"""
    + ENDPOINT,
    "an app in either branch": HEAD + "app = FastAPI() if __debug__ else FastAPI(title='x')\n" + ENDPOINT,
    "star import": "from requests import *\nfrom fastapi import FastAPI\napp = FastAPI()\n"
    + ENDPOINT.replace("requests.get", "get"),
    "Starlette's route": HEAD
    + """
from fastapi.responses import JSONResponse
app = FastAPI()
async def plain(request):
    return JSONResponse(requests.get("http://x").json())
app.add_route("/", plain)
""",
}

STARTS = """
import sys; sys.path.insert(0, ".")
from main import app
from fastapi.testclient import TestClient
with TestClient(app) as client:
    assert client.get("/openapi.json").status_code == 200
    try: client.get("/")
    except Exception as error: assert "Connect" in repr(error), error
"""


@pytest.mark.parametrize("name", MODULES)
def test_the_migrated_app_starts_and_reaches_its_client(name: str, tmp_path: Path) -> None:
    project(tmp_path, main=MODULES[name])
    run = fastmigrate("--fix", cwd=tmp_path)
    assert run.stdout.startswith("1 fixed"), run.stdout
    started = subprocess.run([sys.executable, "-c", STARTS], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert started.returncode == 0, (tmp_path / "main.py").read_text() + started.stderr
    before = (tmp_path / "main.py").read_text()
    assert fastmigrate("--fix", cwd=tmp_path).code == 0
    assert (tmp_path / "main.py").read_text() == before


@pytest.mark.parametrize("other", ["from main import *", "main.requests.get", "patch.object(main, 'requests')"])
def test_an_import_that_another_file_reaches_for_stays(other: str, tmp_path: Path) -> None:
    project(tmp_path, main=HEAD + "app = FastAPI()\n" + ENDPOINT, other=f"import main\n{other}\n# requests\n")
    assert "1 fixed in 1 file" in fastmigrate("--fix", cwd=tmp_path).stdout
    assert (tmp_path / "main.py").read_text().startswith("import requests\n") or "\nimport requests\n" in (
        tmp_path / "main.py"
    ).read_text()


def test_what_cannot_be_edited_is_held_and_the_rest_is_fixed(tmp_path: Path) -> None:
    odd = "return 1 if not(requests.get('http://x').ok)else 2"
    project(tmp_path, main=HEAD + "import odd\napp = FastAPI()\napp.include_router(odd.router)\n" + ENDPOINT)
    (tmp_path / "odd.py").write_text(
        "import requests\nfrom fastapi import APIRouter\nrouter = APIRouter()\n"
        f"@router.get('/o')\nasync def o():\n    {odd}\n"
    )
    before = (tmp_path / "odd.py").read_text()
    run = fastmigrate("--fix", cwd=tmp_path)
    assert run.code == 1
    assert "1 fixed in 1 file, 1 held." in run.stdout
    assert "odd.py could not be edited" in run.stdout
    assert (tmp_path / "odd.py").read_text() == before


SECOND = """
@app.get("/{n}")
async def f{n}():
    requests.get("http://x", verify=False)
    requests.get("http://x", proxies={{"https": "http://p"}}, timeout=5)
    return requests.get("http://x", verify=CA).json()
"""


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_a_second_migration_uses_the_clients_that_are_there(library: str, tmp_path: Path) -> None:
    project(tmp_path, main=HEAD + "CA = 'certs/ca.pem'\napp = FastAPI()\n" + SECOND.format(n=1))
    assert fastmigrate("--fix", "--client", library, cwd=tmp_path).code == 0
    first = (tmp_path / "main.py").read_text()
    assert (first.count(f"{library}.AsyncClient("), first.count(f"{library}.AsyncHTTPTransport(")) == (3, 1)
    (tmp_path / "main.py").write_text("import requests\n" + first + SECOND.format(n=2))

    assert fastmigrate("--fix", "--client", library, cwd=tmp_path).code == 0
    second = (tmp_path / "main.py").read_text()
    assert second.count(f"{library}.AsyncClient(") == 3
    assert second.count("= request.state.unverified_client") == second.count("= request.state.proxied_client") == 2
    assert second.count("= request.state.custom_ca_client") == 2


@pytest.mark.parametrize(
    ("setting", "written"),
    [
        ("'ca.pem'", 'cafile="ca.pem"'),
        ("os.environ['CA'] + ''", None),
        ("os.path.join(FOLDER, 'ca.pem')", "cafile=os.path.join('certs', 'ca.pem')"),
    ],
)
def test_a_constant_of_another_file_is_written_as_its_value(setting: str, written: str | None, tmp_path: Path) -> None:
    routes = f"import os, requests\nfrom fastapi import APIRouter\nFOLDER = 'certs'\nCA = {setting}\n"
    routes += "router = APIRouter()\n@router.get('/')\nasync def f():\n    requests.get('http://x', verify=CA)\n"
    app = "from routes import router\nfrom fastapi import FastAPI\napp = FastAPI()\napp.include_router(router)\n"
    project(tmp_path, routes=routes, main=app)
    run = fastmigrate("--fix", "--unsafe-fixes", cwd=tmp_path)
    if written is None:
        assert "its client needs `CA` of routes.py, which main.py does not know" in run.stdout
        project(tmp_path, main=app.replace("import router", "import CA, router"))
        assert fastmigrate("--fix", "--unsafe-fixes", cwd=tmp_path).code == 0
        written = "cafile=CA"
    assert written.replace("'", '"') in (tmp_path / "main.py").read_text()


FORMS = {
    "requests.post(u, data=(('a', 1), ('b', 2)))": "client.post(u, data={'a': 1, 'b': 2})",
    "requests.get('http://x/' + u.strip('?#') + '/a?b=1', params={'c': 2})": None,
    "requests.get('http://x/a?b=1', {'c': 2}, timeout=5)": (
        "client.get('http://x/a?b=1&' + urlencode({'c': 2}), timeout=5)"
    ),
    "requests.get('http://x/a?b=1', params=[('c', u), ('c', None), ('d', 1)])": (
        "client.get('http://x/a?b=1&' + "
        "urlencode([(k, v) for k, v in [('c', u), ('c', None), ('d', 1)] if v is not None]))"
    ),
    "requests.delete(u, cookies={'a': u})": "client.delete(u, extensions={'cookies': httpx.Cookies({'a': u})})",
    "requests.get(u, headers={'A': 'é', **h})": "client.get(u, headers={'A': 'é'.encode('latin-1'), **h})",
    "requests.post(u, files={'a b': b'x', 'c': ('d', b'y', 'e/f')})": (
        "client.post(u, files={'a b': ('a b', b'x'), 'c': ('d', b'y', 'e/f')})"
    ),
    "requests.post(u, data=[('a', 1), ('a', 2)], headers={**h})": (
        "client.post(u, content=urlencode([('a', 1), ('a', 2)]), "
        "headers={**h, 'Content-Type': 'application/x-www-form-urlencoded'})"
    ),
    "requests.put(u, data=bytearray(4), verify=None, hooks=None)": "client.put(u, content=bytes(bytearray(4)))",
    "requests.post(u, data=u if u else '', json={})": "client.post(u, content=(u if u else '') or None, json={})",
}


@pytest.mark.parametrize("before", FORMS)
def test_forms(before: str, tmp_path: Path) -> None:
    body = f"@app.get('/')\nasync def f(u: str):\n    h = {{'B': u}}\n    {before}\n"
    project(tmp_path, main=HEAD + "app = FastAPI()\n" + body)
    fastmigrate("--fix", "--unsafe-fixes", cwd=tmp_path)
    after = FORMS[before]
    assert (f"await {after}" if after is not None else before) in (tmp_path / "main.py").read_text()


@pytest.mark.parametrize(
    ("other", "name"), [("def g():\n    import httpx\n    return httpx\n", "httpx"), ("def g(httpx): ...\n", "_httpx")]
)
def test_what_a_function_imports_for_itself_is_imported_under_its_own_name(
    other: str, name: str, tmp_path: Path
) -> None:
    operation = "import requests\nfrom fastapi import FastAPI\napp = FastAPI()\n@app.get('/')\nasync def f():\n"
    project(tmp_path, main=operation + "    return requests.get('http://x').json()\n" + other)
    assert fastmigrate("--fix", cwd=tmp_path).code == 0
    assert f"    client: {name}.AsyncClient = request.state.client\n" in (tmp_path / "main.py").read_text()


def test_comments_stay_with_their_arguments(tmp_path: Path) -> None:
    app = 'app = FastAPI(\n    title="x",  # the title\n    # which one\n    version="1",  # the version\n)\n'
    project(tmp_path, main=HEAD + app + ENDPOINT)
    assert fastmigrate("--fix", cwd=tmp_path).code == 0
    changed = app.replace("# the version\n", "# the version\n    lifespan=lifespan,\n")
    assert changed in (tmp_path / "main.py").read_text()
