"""Tests that replace requests where the code uses it no longer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.projects import findings, project
from tests.run import fastmigrate, outcomes

MAIN = """
import requests
from fastapi import FastAPI
app = FastAPI()
@app.get("/")
async def f(): return requests.get("http://x").text
"""
STALE = {
    "a patch that is asked for its arguments": (
        "@patch('main.requests.get')\ndef test_f(get):\n    get.assert_called_once_with('http://x')",
        "main.requests.get",
    ),
    "a patch with an error": (
        "@patch('main.requests.get', side_effect=requests.Timeout)\ndef test_f(get): ...",
        "main.requests.get",
    ),
    "a patch with what only requests has": (
        "@patch('main.requests.get')\ndef test_f(get):\n    get.return_value.ok = False",
        "main.requests.get",
    ),
    "a patch beside a client of its own": (
        "import httpx\nCLIENT = httpx.AsyncClient\n@patch('main.requests.get')\ndef test_f(get): ...",
        "main.requests.get",
    ),
    "a patch with something else": ("@patch('main.requests.get', print)\ndef test_f(): ...", "main.requests.get"),
    "a patch of a class": (
        "@patch('main.requests.get')\nclass TestF:\n    def test_f(self, get): ...",
        "main.requests.get",
    ),
    "a patch of the module's name": ("@patch('main.requests')\ndef test_f(get): ...", "main.requests"),
    "a patch of the library": ("@patch('requests.get')\ndef test_f(get): get.call_args", "requests.get"),
    "a patch of an object": (
        "def test_f():\n    with patch.object(requests, 'get'): ...",
        "requests.get",
    ),
    "monkeypatch": ("def test_f(monkeypatch):\n    monkeypatch.setattr(requests, 'get', None)", "requests.get"),
    "monkeypatch of the module": (
        "def test_f(monkeypatch):\n    monkeypatch.setattr(main, 'requests', None)",
        "main.requests",
    ),
    "an assignment": ("requests.get = lambda url: None\ndef test_f(): ...", "requests.get"),
    "an assignment by the module": ("def test_f():\n    main.requests.get = lambda url: None", "requests.get"),
    "an assignment to the module": ("def test_f():\n    main.requests = None", "main.requests"),
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


REPLACED = {
    "a result that is changed": (
        "@patch('main.requests.get')\ndef test_f(get, client):\n    get.return_value.text = 'mocked'\n"
        "    assert client.get('/').json() == 'mocked'",
        "@patch('httpx.AsyncClient.get', new_callable=lambda: AsyncMock(return_value=MagicMock()))",
    ),
    "a result": (
        "@patch('main.requests.get')\ndef test_f(get, client):\n    get.return_value = Mock(text='mocked')\n"
        "    assert client.get('/').json() == 'mocked'\n    assert get.called",
        "@patch('httpx.AsyncClient.get')",
    ),
    "a result that is passed": (
        "def test_f(client):\n    with patch('main.requests.get', return_value=Mock(text='mocked')):\n"
        "        assert client.get('/').json() == 'mocked'",
        "with patch('httpx.AsyncClient.get', return_value=Mock(text='mocked')):",
    ),
    "several results": (
        "@patch('requests.get', side_effect=[Mock(text='a'), Mock(text='b')])\ndef test_f(get, client):\n"
        "    assert [client.get('/').json() for _ in 'ab'] == ['a', 'b']\n    assert get.call_count == 2",
        "@patch('httpx.AsyncClient.get', side_effect=[Mock(text='a'), Mock(text='b')])",
    ),
    "a function": (
        "def fake(url, **kwargs): return Mock(text=url)\n"
        "class TestF:\n    @patch('main.requests.get', side_effect=fake)\n    def test_f(self, get, client):\n"
        "        assert client.get('/').json() == 'http://x'",
        "@patch('httpx.AsyncClient.get', side_effect=fake)",
    ),
    "a fixture": (
        "@pytest.fixture\ndef fake():\n    with patch('main.requests.get') as get:\n"
        "        get.return_value.text = 'mocked'\n        yield get\n"
        "def test_f(fake, client):\n    assert client.get('/').json() == 'mocked'",
        "AsyncMock(return_value=MagicMock())",
    ),
}
CLIENT = """
import pytest
from unittest.mock import Mock, patch
from fastapi.testclient import TestClient
from main import app
@pytest.fixture
def client(): return TestClient(app)
"""


@pytest.mark.parametrize("name", REPLACED)
def test_a_plain_patch_comes_to_replace_the_method_of_the_client(name: str, tmp_path: Path) -> None:
    code, expected = REPLACED[name]
    project(tmp_path, main=MAIN, test_main=f"{CLIENT}{code}\n")
    before = outcomes(tmp_path)
    assert set(before.values()) == {"PASSED"}
    run = fastmigrate("--fix", cwd=tmp_path)
    assert run.code == 0, run.stdout + run.stderr
    assert expected.replace("'", '"') in (tmp_path / "test_main.py").read_text().replace("'", '"')
    assert "requests" not in (tmp_path / "main.py").read_text().replace("requests promises", "")
    assert outcomes(tmp_path) == before
    assert fastmigrate("--fix", cwd=tmp_path).stdout.startswith("No findings")


def test_a_patch_stays_while_some_call_does(tmp_path: Path) -> None:
    main = MAIN + "def g(): return requests.get('http://y')\n"
    code = "@patch('main.requests.get')\ndef test_f(get, client): ...\n"
    project(tmp_path, main=main, test_main=CLIENT + code)
    assert fastmigrate("--fix", cwd=tmp_path).code == 0
    assert code in (tmp_path / "test_main.py").read_text()
    assert "import requests" in (tmp_path / "main.py").read_text()


def test_a_patch_of_another_module_of_that_name_keeps_no_import(tmp_path: Path) -> None:
    code = "@patch('a.main.requests.get')\ndef test_f(get):\n    get.assert_called_once_with('http://x')\n"
    project(
        tmp_path,
        a__main=MAIN,
        b__main=MAIN,
        a____init__="",
        b____init__="",
        test_main=HEAD.replace("import main\n", "") + code,
    )
    fastmigrate("--fix", cwd=tmp_path)
    assert "import requests" in (tmp_path / "a" / "main.py").read_text()
    assert "import requests" not in (tmp_path / "b" / "main.py").read_text()
