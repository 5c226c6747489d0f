"""Test suites of migrated projects: what passed before passes afterwards, by the same names."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.projects import findings, project
from tests.run import fastmigrate, outcomes

MAIN = """
import requests
from fastapi import FastAPI, WebSocket
app = FastAPI()
@app.get("/")
async def f():
    try:
        return requests.get("http://127.0.0.1:9/").text
    except requests.RequestException:
        return "refused"
@app.websocket("/ws")
async def g(socket: WebSocket):
    await socket.accept()
    try:
        text = requests.get("http://127.0.0.1:9/").text
    except requests.RequestException:
        text = "refused"
    await socket.send_text(text)
"""
HEAD = "import pytest\nfrom fastapi.testclient import TestClient\nfrom main import app\n"
ASKS = "assert client.get('/').json() == 'refused'"
FIXTURE = "@pytest.fixture\ndef client():\n"

SUITES = {
    "a module": f"client = TestClient(app)\ndef test_f():\n    {ASKS}\ndef test_g():\n    {ASKS}\n",
    "a module with classes": (
        f"client = TestClient(app)\ndef test_f(): ...\nclass TestF:\n    def test_g(self):\n        {ASKS}\n"
    ),
    "a fixture that returns": f"{FIXTURE}    return TestClient(app)\ndef test_f(client):\n    {ASKS}\n",
    "a fixture that yields": f"{FIXTURE}    yield TestClient(app)\ndef test_f(client):\n    {ASKS}\n",
    "a fixture with a name for it": (
        f"@pytest.fixture(scope='module')\ndef client():\n    made = TestClient(app)\n    made.headers['a'] = 'b'\n"
        f"    return made\ndef test_f(client):\n    {ASKS}\n"
    ),
    "a fixture that cleans up": (
        f"{FIXTURE}    made = TestClient(app)\n    yield made\n    app.dependency_overrides.clear()\n"
        f"def test_f(client):\n    {ASKS}\n"
    ),
    "a fixture for the app": (
        "@pytest.fixture\ndef served(): return app\n@pytest.fixture\ndef client(served):\n"
        f"    return TestClient(served)\ndef test_f(client):\n    {ASKS}\n"
    ),
    "a fixture on a line": f"@pytest.fixture\ndef client(): return TestClient(app)\ndef test_f(client):\n    {ASKS}\n",
    "a test": f"def test_f():\n    client = TestClient(app)\n    {ASKS}\n",
    "a test case": (
        "import unittest\nclass TestF(unittest.TestCase):\n    def setUp(self):\n"
        "        self.client = TestClient(app)\n    def test_f(self):\n        client = self.client\n        "
        + ASKS
        + "\n"
    ),
    "a test case on a line": (
        "import unittest\nclass TestF(unittest.TestCase):\n    def setUp(self): self.client = TestClient(app)\n"
        f"    def test_f(self):\n        client = self.client\n        {ASKS}\n"
    ),
    "one that is entered": f"def test_f():\n    with TestClient(app) as client:\n        {ASKS}\n",
    "a module with a websocket": (
        f"client = TestClient(app)\ndef test_f():\n    {ASKS}\ndef test_g():\n"
        "    with client.websocket_connect('/ws') as socket:\n        assert socket.receive_text() == 'refused'\n"
    ),
    "a module with a class of tests": (
        f"client = TestClient(app)\nclass TestF:\n    def test_g(self):\n        {ASKS}\n"
    ),
    "a module with two clients": (
        "client = TestClient(app)\nother = TestClient(app, raise_server_exceptions=False)\n"
        f"def test_f():\n    {ASKS}\ndef test_g():\n    client = other\n    {ASKS}\n"
    ),
    "one that is entered later": f"client = TestClient(app)\ndef test_f():\n    with client:\n        {ASKS}\n",
}


@pytest.mark.parametrize("name", SUITES)
def test_what_passed_passes(name: str, tmp_path: Path) -> None:
    project(tmp_path, main=MAIN, test_app=HEAD + SUITES[name])
    before = outcomes(tmp_path)
    assert set(before.values()) == {"PASSED"}
    run = fastmigrate("--fix", cwd=tmp_path)
    assert run.code == 0, run.stdout + run.stderr
    assert "request.state.client" in (tmp_path / "main.py").read_text()
    assert outcomes(tmp_path) == before
    assert fastmigrate("--fix", cwd=tmp_path).stdout.startswith("No findings")


LEFT = {
    "a transport": (
        "import httpx\nclient = httpx.AsyncClient(transport=httpx.ASGITransport(app=app))",
        "LifespanManager",
    ),
    "a helper": ("def make():\n    return TestClient(app)", "enter it by hand"),
    "a chain": ("def test_f():\n    TestClient(app).get('/')", "enter it by hand"),
    "an attribute of a class": (
        "class TestF:\n    client = TestClient(app)\n    def test_f(self): self.client.get('/')",
        "enter it by hand",
    ),
    "a fixture that may give out nothing": (
        "@pytest.fixture\ndef client():\n    if app.debug: return None\n    return TestClient(app)",
        "enter it by hand",
    ),
    "an asynchronous test": (
        "async def test_f():\n    client = TestClient(app)\n    client.get('/')",
        "enter it by hand",
    ),
    "two of a name": (
        "def test_f(a):\n    client = TestClient(app)\n    client = TestClient(app)",
        "enter it by hand",
    ),
}


@pytest.mark.parametrize("name", LEFT)
def test_what_is_left_is_found(name: str, tmp_path: Path) -> None:
    code, reason = LEFT[name]
    project(tmp_path, main=MAIN, test_app=f"{HEAD}{code}\n")
    assert {finding["code"] for finding in findings(tmp_path)} == {"FM101"}
    run = fastmigrate("--fix", cwd=tmp_path)
    assert "request.state.client" in (tmp_path / "main.py").read_text()
    assert reason in run.stdout
    assert {finding["code"] for finding in findings(tmp_path)} == {"FM501"}


def test_a_lifespan_that_does_more_takes_unsafe_fixes(tmp_path: Path) -> None:
    main = MAIN + "@app.on_event('startup')\ndef connect(): ...\n"
    project(tmp_path, main=main, test_app=HEAD + SUITES["a fixture that returns"])
    assert fastmigrate("--fix", cwd=tmp_path).code == 1
    [finding] = findings(tmp_path)
    assert (finding["code"], finding["fix"]["applicability"]) == ("FM501", "unsafe")
    assert fastmigrate("--fix", "--unsafe-fixes", cwd=tmp_path).code == 0
    assert fastmigrate("--fix", "--unsafe-fixes", cwd=tmp_path).stdout.startswith("No findings")
    assert "with TestClient(app) as client:\n        yield client" in (tmp_path / "test_app.py").read_text()


def test_apps_of_tests_and_apps_without_state_need_nothing(tmp_path: Path) -> None:
    own = "from fastapi import FastAPI\nother = FastAPI()\nclient = TestClient(other)\n"
    project(tmp_path, main=MAIN, test_app=HEAD + own)
    assert fastmigrate("--fix", cwd=tmp_path).code == 0
    assert (tmp_path / "test_app.py").read_text() == HEAD + own


def test_unsafe_fixes_enter_such_clients_at_once(tmp_path: Path) -> None:
    main = MAIN + "@app.on_event('startup')\ndef connect(): ...\n"
    project(tmp_path, main=main, test_app=HEAD + SUITES["a fixture that returns"])
    assert fastmigrate("--fix", "--unsafe-fixes", cwd=tmp_path).code == 0
    assert "with TestClient(app) as client:\n        yield client" in (tmp_path / "test_app.py").read_text()
    assert fastmigrate("--fix", "--unsafe-fixes", cwd=tmp_path).stdout.startswith("No findings")


def test_a_client_that_other_tests_import_is_left(tmp_path: Path) -> None:
    other = "from test_app import client\ndef test_g(): client.get('/')\n"
    project(tmp_path, main=MAIN, test_app=HEAD + SUITES["a module"], test_other=other)
    assert "other files import it" in fastmigrate("--fix", cwd=tmp_path).stdout


def test_an_app_that_tests_make_around_a_router_makes_the_fix_unsafe(tmp_path: Path) -> None:
    routes = "import requests\nfrom fastapi import APIRouter\nrouter = APIRouter()\n"
    routes += "@router.get('/')\nasync def f(): return requests.get('http://x').text\n"
    main = "from fastapi import FastAPI\nfrom routes import router\napp = FastAPI()\napp.include_router(router)\n"
    tests = "from fastapi import FastAPI\nfrom routes import router\napp = FastAPI()\napp.include_router(router)\n"
    [finding] = findings(project(tmp_path, routes=routes, main=main, test_app=tests))
    assert finding["fix"]["applicability"] == "unsafe"
    assert "test_app.py:4 makes an app of its own" in finding["fix"]["reason"]


def test_a_mounted_app_that_stands_first_knows_the_lifespan(tmp_path: Path) -> None:
    main = MAIN.replace("app = FastAPI()", "inner = FastAPI()").replace("@app.", "@inner.")
    main += "app = FastAPI()\napp.mount('/inner', inner)\n"
    tests = "from fastapi.testclient import TestClient\nfrom main import inner\n"
    tests += (
        "def test_f():\n    with TestClient(inner) as client:\n        assert client.get('/').json() == 'refused'\n"
    )
    project(tmp_path, main=main, test_app=tests)
    assert fastmigrate("--fix", cwd=tmp_path).code == 0
    assert set(outcomes(tmp_path).values()) == {"PASSED"}
