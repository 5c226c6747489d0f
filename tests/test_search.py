"""The byte search: which files it admits, and that nothing is lost by it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fastmigrate.forks import Asking
from fastmigrate.search import Search, imported_words, read_marks
from fastmigrate.sources import Sources
from tests.projects import findings, project
from tests.run import fastmigrate

APP = "import requests\nfrom fastapi import FastAPI\napp = FastAPI()\n"
APP += "@app.get('/')\nasync def read():\n    return requests.get('http://x')\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import requests", "requests"),
        ("import os, requests as rq  # or httpx", "os requests as rq"),
        ("from a.b import (c,  # (())\n    e as f,\n)", "a b c e as f"),
        ("from a import(b)", "a b"),
        ("from.a import b", "a b"),
        ("from . import a", ". a"),
        ("from ..  import a, \\\n    b", ". a b"),
        ("import a, \\\r\n  b", "a b"),
        ("try: import a\nexcept ImportError: b = None", "a"),
        ("x = 1; import a; from b import c", "a b c"),
        ("def f():\n\timport a\n", "a"),
        ("if x:\r\n    from a import b\r\n", "a b"),
        ("important = 1\nfrom_ = 2\nimport_a(1)", ""),
        ("from a import *", "a"),
        ("\N{ZERO WIDTH NO-BREAK SPACE}import a", "a"),
        ("x = 1\rimport a\rimport b", "a b"),
        ("x = 1\n\x0cimport a", "a"),
        ("from \\\n a \\\n import b", "a b"),
        ("from .. a . b import c", "a b c"),
        ("from m\N{LATIN SMALL LETTER O WITH ACUTE}dulo import c", "m\N{LATIN SMALL LETTER O WITH ACUTE}dulo c"),
    ],
)
def test_words_of_imports(text: str, words: str) -> None:
    assert imported_words(text.encode()) - {b"as"} == {*words.encode().split()} - {b"as"}


def admitted(folder: Path) -> list[str]:
    sources = Sources(folder)
    return Search(sources, read_marks(sources, 1), Asking(1)).admitted


@pytest.mark.parametrize(
    ("files", "out"),
    [
        ({"app/main": APP, "other/a": "import json\n"}, ["other/a.py"]),
        ({"app/main": APP + "import other\n", "other/a": "import json\n"}, []),
        ({"app/main": APP, "other/a": "from app import main\n"}, []),
        ({"app/main": APP, "other/a": "import third.b\n", "third/b": "import app.main\n"}, []),
        ({"app/main": APP + "import third.b\n", "other/a": "x = 1\n", "third/b": "from other.a import x\n"}, []),
        ({"src/app/main": APP, "src/other/a": "x = 1\n"}, ["src/other/a.py"]),
        ({"src/app/main": APP + "from other.a import x\n", "src/other/a": "x = 1\n"}, []),
        ({"app/main": APP, "tests/test_it": "def test_it(monkeypatch):\n    pass\n"}, []),
        ({"app/main": APP, "other/tests/test_it": "x = 1\n"}, ["other/tests/test_it.py"]),
        ({"main": APP, "beside": "def f(client): client.get('/')\n", "other/a": "x = 1\n"}, ["other/a.py"]),
        ({"clients/a": "import httpx\nc = httpx.AsyncClient()\n", "other/a": "import requests\n"}, ["other/a.py"]),
        ({"a/x": "import requests\n", "b/x": "# fastapi\n"}, ["a/x.py", "b/x.py"]),
        (
            {"a/app/__init__": "", "a/app/main": APP, "a/lib/__init__": "", "a/lib/x": ""},
            ["a/lib/__init__.py", "a/lib/x.py"],
        ),
        ({"a/app/__init__": "", "a/app/main": APP, "a/app/in/x": "", "a/lib/x": ""}, ["a/lib/x.py"]),
        ({"a/main": APP + "from routes import x\n", "a/routes/x": "", "a/lib/y": ""}, ["a/lib/y.py"]),
        ({"a/main": APP, "a/routes/x": "import main\n", "a/lib/x": "from .. import routes\n"}, []),
        (
            {"a/main": APP, "a/tests/test_it": "", "b/tests/test_it": "", "b/test_it": ""},
            ["b/test_it.py", "b/tests/test_it.py"],
        ),
    ],
)
def test_what_has_nothing_to_do_with_an_app_is_left_out(files: dict[str, str], out: list[str], tmp_path: Path) -> None:
    root = project(tmp_path, **files)
    assert [path for path in Sources(root).paths if path not in admitted(root)] == out


@pytest.mark.parametrize(
    "helper",
    [
        "import requests\n",
        "try: import requests\nexcept ImportError: requests = None\n",
        "import os; import requests\n",
        "from compat import *\n",
        "import compat\nrequests = compat.requests\n",
        "from compat import \\\n    requests\n",
        "from compat import (  # (here)\n    requests,\n)\n",
    ],
)
def test_a_call_is_found_however_its_library_comes_there(helper: str, tmp_path: Path) -> None:
    main = "from fastapi import FastAPI\nfrom helper import load\napp = FastAPI()\n"
    main += "@app.get('/')\nasync def read():\n    return load()\n"
    helper += "def load():\n    return requests.get('http://x')\n"
    project(tmp_path, main=main, helper=helper, compat="import requests\n")
    assert [finding["path"] for finding in findings(tmp_path)] == ["helper.py"]


@pytest.mark.parametrize(
    ("compat", "helper"),
    [
        ("from time import sleep\n", "from compat import sleep\ndef load():\n    sleep(1)\n"),
        ("from time import sleep\n", "import compat\ndef load():\n    compat.sleep(1)\n"),
        ("import time as t\n", "from compat import t\ndef load():\n    t.sleep(1)\n"),
        ("from time import sleep\n", "from compat import *\ndef load():\n    sleep(1)\n"),
    ],
)
def test_a_sleep_is_found_however_it_comes_there(compat: str, helper: str, tmp_path: Path) -> None:
    main = "from fastapi import FastAPI\nfrom helper import load\napp = FastAPI()\n"
    main += "@app.get('/')\nasync def read():\n    return load()\n"
    project(tmp_path, main=main, helper=helper, compat=compat)
    assert [finding["code"] for finding in findings(tmp_path)] == ["FM104"]


@pytest.mark.parametrize("path", ["src/__init__.py", "__init__.py", "src.py"])
def test_packages_of_odd_names_are_read(path: str, tmp_path: Path) -> None:
    project(tmp_path, main=APP)
    file = tmp_path / path
    file.parent.mkdir(exist_ok=True)
    file.write_text("import requests\ndef load():\n    return requests.get('http://x')\n")
    assert [finding["path"] for finding in findings(tmp_path)] == ["main.py"]


def test_as_many_processes_find_the_same(tmp_path: Path) -> None:
    files = {f"p{number % 7}/m{number}": f"import requests\nx = {number}\n" for number in range(1200)}
    project(tmp_path, **files | {"p3/main": APP, "p5/m5": "import p3.main\n", "p6/broken": "import requests\n("})
    runs = [fastmigrate("--no-cache", "--output-format", "json", "--jobs", jobs, cwd=tmp_path) for jobs in "123"]
    assert len({run.raw for run in runs}) == 1
    assert {finding["path"] for finding in findings(tmp_path)} == {"p3/main.py", "p6/broken.py"}


@pytest.mark.parametrize("option", [["--jobs", "0"], ["--jobs", "x"], ["--jobs"]])
def test_a_wrong_number_of_processes(option: list[str], tmp_path: Path) -> None:
    run = fastmigrate(*option, cwd=tmp_path)
    assert run.code == 2
    assert "--jobs" in run.stderr


@pytest.mark.parametrize("value", ["0", "true", '"2"', "-1"])
def test_a_wrong_number_of_processes_in_the_configuration(value: str, tmp_path: Path) -> None:
    project(tmp_path, main=APP)
    (tmp_path / "pyproject.toml").write_text(f"[tool.fastmigrate]\njobs = {value}\n")
    run = fastmigrate(cwd=tmp_path)
    assert run.code == 2
    assert "jobs must be a whole number, 1 or more" in run.stderr


def test_what_does_not_matter_is_imported_for_nothing(tmp_path: Path) -> None:
    """A project without an app is looked through, and that is all."""
    project(tmp_path, main="import json\n", a__b="x = 1\n")
    code = "import sys\nfrom fastmigrate.cli import main\ntry: main(['--no-cache'])\n"
    code += "except SystemExit as end: assert end.code == 0\n"
    code += "print([m for m in ('libcst', 'rich', 'msgspec', 'pathspec', 'fastmigrate.run') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["No findings in 2 files.", "[]"]


def test_a_name_in_another_program_is_another_one(tmp_path: Path) -> None:
    """Two apps that import nothing of each other: what one calls `load` is nothing that the other one has."""
    main = "from fastapi import FastAPI\nfrom .lib import Shop\napp = FastAPI()\n"
    main += "@app.get('/')\nasync def read():\n    return Shop().load()\n"
    lib = "import requests\nclass Shop:\n    def load(self):\n        return requests.get('http://x', timeout=5).text\n"
    other = "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/')\ndef read(thing):\n    return thing.load()\n"
    project(tmp_path, one__main=main, one__lib=lib, two__main=other, one____init__="", two____init__="")
    assert "async def load(" in fastmigrate("--diff", cwd=tmp_path).stdout
    (tmp_path / "two/main.py").write_text(f"import one\n{other}")
    assert "async def load_async(" in fastmigrate("--diff", cwd=tmp_path).stdout
