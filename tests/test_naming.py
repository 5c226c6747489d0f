"""What has another name somewhere is what it is: a fix reaches all that use it, by whichever name, or is held."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fastmigrate.sources import Sources
from tests.projects import project
from tests.run import fastmigrate

SERVICE = """
import httpx
import requests

session = requests.Session()
session.headers["x"] = "y"
client = httpx.AsyncClient()

def fetch():
    return requests.get("http://x", timeout=5).json()
"""
MAIN = """
from fastapi import FastAPI
from service import NAME
import cli

app = FastAPI()

@app.get("/")
async def read():
    return USE
"""
USES = {
    "fetch": ("fetch()", "OTHER()", "def main():"),
    "session": ('session.get("http://x", timeout=5).json()', 'OTHER.get("http://x", timeout=5)', "def main():"),
    "client": ('(await client.get("http://x")).json()', 'await OTHER.get("http://x")', "async def main():"),
}
COMPAT = {
    "imported so": "from service import NAME as OTHER\n",
    "imported so, in a list": "from service import (\n    NAME as OTHER,\n)\n",
    "assigned": "from service import NAME\nOTHER = NAME\n",
    "assigned, of a module": "import service\nOTHER = service.NAME  # as it is\n",
    "assigned, with a type": "import typing\nimport service\nOTHER: typing.Any = service.NAME\n",
    "in two steps": "from service import NAME as other_one\nOTHER = other_one\n",
}


@pytest.mark.parametrize("kind", USES)
@pytest.mark.parametrize("form", COMPAT)
@pytest.mark.parametrize("other", ["c", "http_NAME"])
def test_a_fix_leaves_nothing_behind_that_has_another_name(kind: str, form: str, other: str, tmp_path: Path) -> None:
    use, elsewhere, head = USES[kind]
    other = other.replace("NAME", kind)
    texts = {
        "service": SERVICE,
        "compat": COMPAT[form].replace("NAME", kind).replace("OTHER", other),
        "cli": f"from compat import {other}\n\n\n{head}\n    return {elsewhere.replace('OTHER', other)}\n",
        "main": MAIN.replace("NAME", kind).replace("USE", use),
    }
    root = project(tmp_path, **texts)
    assert fastmigrate("--fix", cwd=root).code in {0, 1}
    # what is on the event loop may wait for another function now: what cli.py uses must be there, and in its old form
    asked = f"import inspect, main, cli, compat; print(inspect.iscoroutinefunction(compat.{other}))"
    done = subprocess.run([sys.executable, "-c", asked], cwd=root, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("False\n", "")


@pytest.mark.parametrize("folder", ["api", "store"])  # one of them is in `fastapi`
def test_a_client_of_a_package_is_taken_over_with_all_that_take_it_from_there(folder: str, tmp_path: Path) -> None:
    routes = "from fastapi import APIRouter\nfrom . import client\nrouter = APIRouter()\n"
    routes += '@router.get("/")\nasync def read():\n    return (await client.get("http://x")).json()\n'
    main = f"from fastapi import FastAPI\nfrom {folder} import client\nfrom {folder}.routes import router\n"
    main += 'app = FastAPI()\napp.include_router(router)\n@app.get("/own")\nasync def own():\n'
    main += '    return (await client.get("http://y")).json()\n'
    root = project(tmp_path, main=main)
    (root / folder).mkdir()
    (root / folder / "__init__.py").write_text("import httpx\nclient = httpx.AsyncClient()\n")
    (root / folder / "routes.py").write_text(routes)
    assert fastmigrate("--fix", cwd=root).code == 0
    done = subprocess.run([sys.executable, "-c", "import main"], cwd=root, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert "from . import client" not in (root / folder / "routes.py").read_text()


@pytest.mark.parametrize("folder", ["api", "store"])
def test_a_session_of_a_package_is_found_where_it_is_used(folder: str, tmp_path: Path) -> None:
    routes = "from fastapi import APIRouter\nfrom . import session\nrouter = APIRouter()\n"
    routes += '@router.get("/")\nasync def read():\n    return session.get("http://x").json()\n'
    main = f"from fastapi import FastAPI\nfrom {folder}.routes import router\napp = FastAPI()\n"
    main += "app.include_router(router)\n"
    root = project(tmp_path, main=main)
    (root / folder).mkdir()
    (root / folder / "__init__.py").write_text("import requests\nsession = requests.Session()\n")
    (root / folder / "routes.py").write_text(routes)
    assert "FM101" in fastmigrate(cwd=root).stdout


@pytest.mark.parametrize("home", ["leaf", "tests/test_leaf"])
def test_an_override_is_found_that_does_not_name_the_first_of_its_bases(home: str, tmp_path: Path) -> None:
    base = "import requests\nclass Base:\n    def fetch(self, name):\n"
    base += '        return requests.get(f"http://x/{name}", timeout=5).text\n'
    main = "from fastapi import FastAPI\nfrom base import Base\napp = FastAPI()\n"
    main += '@app.get("/")\nasync def read(one: Base):\n    return one.fetch("x")\n'
    leaf = "from mid import Mid\nclass Leaf(Mid):\n    def fetch(self, name):\n        return name\n"
    root = project(
        tmp_path, **{"base": base, "mid": "from base import Base\nclass Mid(Base):\n    size = 1\n", home: leaf}
    )
    project(tmp_path, main=main)
    assert fastmigrate("--fix", cwd=root).code == 0
    assert "async def fetch(self, client: httpx.AsyncClient, name)" in (root / "base.py").read_text()
    assert "async def fetch(self, client: httpx.AsyncClient, name)" in (root / f"{home}.py").read_text()


@pytest.mark.parametrize(
    ("text", "is_named"),
    [
        ("fetch()\n", True),
        ("x.fetch\n", True),
        ("fetch", True),
        ("'fetch'\n", True),
        ("éfetch\n", True),  # for all that its bytes tell
        ("prefetch()\nfetching = 1\nfetch_1 = _fetch\n", False),
        ("", False),
    ],
)
def test_names_are_words(text: str, is_named: bool, tmp_path: Path) -> None:
    sources = Sources(project(tmp_path, one=text, two="x = 1\n"))
    assert sources.saying("fetch") == (["one.py"] if is_named else [])


@pytest.mark.parametrize(
    "text",
    [
        *(
            "from a import fetch as g\n",
            "import fetch  as  g\n",
            "g = fetch\n",
            "  g = fetch # so\n",
            "g: X = a.b.fetch;\n",
        ),
        *("self.g = fetch\r\n", "a.b.g=fetch", "g = (fetch)\n", "g = fetch if x else y\n", "g = fetch or y\n"),
    ],
)
def test_other_names_are_known(text: str, tmp_path: Path) -> None:
    root = project(tmp_path)
    (root / "one.py").write_bytes(text.encode())
    assert Sources(root).other_names("one.py", "fetch") == {"g"}


@pytest.mark.parametrize(
    "text",
    ["g = fetch()\n", "g = fetch.x\n", "g == fetch\n", "f(\n    g=fetch,\n)\n", "g = fetch + 1\n", "g = x.fetcher\n"],
)
def test_what_is_made_of_it_is_something_else(text: str, tmp_path: Path) -> None:
    assert Sources(project(tmp_path, one=text)).other_names("one.py", "fetch") == set()
