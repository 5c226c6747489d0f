"""Reports for people: source excerpts, what a fix does in words, styles in terminals and nowhere else."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tests.projects import project
from tests.run import fastmigrate

APP = "import requests\nfrom fastapi import FastAPI\n\napp = FastAPI()\n\n\n@app.get('/')\nasync def read():\n"
STYLE = re.compile(r"\x1b\[[0-9;]*m")


def in_terminal(folder: Path, *args: str, **environment: str) -> str:
    """What a terminal gets from the command."""
    ours, theirs = pty.openpty()
    env = {"TERM": "xterm-256color", **{k: v for k, v in os.environ.items() if k != "NO_COLOR"}, **environment}
    with subprocess.Popen(
        [sys.executable, "-m", "fastmigrate", *args], cwd=folder, env=env, stdout=theirs, stderr=subprocess.PIPE
    ):
        os.close(theirs)
        got = b""
        try:
            while part := os.read(ours, 65536):
                got += part
        except OSError:  # Linux says so where others say nothing more
            pass
    os.close(ours)
    return got.decode().replace("\r\n", "\n")


def test_the_call_is_shown_in_its_lines(tmp_path: Path) -> None:
    project(tmp_path, main=f"{APP}    return requests.get('http://x', timeout=5).text\n")
    assert (
        "    9 |     return requests.get('http://x', timeout=5).text\n"
        "      |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
        "    GET /  main.read (main.py:8)\n"
    ) in fastmigrate(cwd=tmp_path).stdout


def test_a_call_over_lines_is_shown_from_its_beginning(tmp_path: Path) -> None:
    arguments = "".join(f"        {name}=None,\n" for name in ("params", "data", "headers", "cookies"))
    project(tmp_path, main=f"{APP}    return requests.get(\n        'http://x',\n{arguments}    )\n")
    assert (
        "     9 |     return requests.get(\n"
        "       |            ^^^^^^^^^^^^^\n"
        "    10 |         'http://x',\n"
        "    11 |         params=None,\n"
        "    12 |         data=None,\n"
        "       | ...\n"
    ) in fastmigrate(cwd=tmp_path).stdout


@pytest.mark.parametrize(
    ("line", "shown", "before"),
    [
        ("\treturn requests.get('http://x')", "    return requests.get('http://x')", 11),
        ("    return '日本', requests.get('http://x')", "    return '日本', requests.get('http://x')", 19),
        ("    return 'e\u0301', requests.get('http://x')", "    return 'e\u0301', requests.get('http://x')", 16),
        ("    return '\x1b[2J', requests.get('http://x')", "    return '\ufffd[2J', requests.get('http://x')", 19),
    ],
    ids=["tab", "wide", "combining", "control"],
)
def test_marks_stand_below_the_call(tmp_path: Path, line: str, shown: str, before: int) -> None:
    project(tmp_path, main=f"{APP}{line}\n")
    marks = "^" * len("requests.get('http://x')")
    assert f"    9 | {shown}\n      | {' ' * before}{marks}\n" in fastmigrate(cwd=tmp_path).stdout


def test_a_file_that_cannot_be_read_has_no_excerpt(tmp_path: Path) -> None:
    project(tmp_path, main=f"{APP}    return requests.get(\n")
    run = fastmigrate(cwd=tmp_path)
    assert "main.py:9:24: FM900" in run.stdout
    assert " | " not in run.stdout


def outlines(folder: Path, *options: str) -> list[str]:
    return re.findall(r"^ {9}it (.*)$", fastmigrate(*options, cwd=folder).stdout, re.MULTILINE)


def test_a_fix_is_told_in_words(tmp_path: Path) -> None:
    helper = "import requests\n\n\ndef load(url):\n    return requests.get(url).text\n"
    main = "from fastapi import FastAPI\nfrom helper import load\n\napp = FastAPI()\n\n\n"
    endpoint = "@app.get('/')\nasync def read():\n    return load('http://x')\n"
    project(tmp_path, main=main + endpoint, helper=helper)
    assert outlines(tmp_path) == [
        "awaits the call through the app's client; makes `load` (helper.py) async; "
        "gives the app a lifespan with the client (main.py)"
    ]
    used = "\n\nif __name__ == '__main__':\n    load('http://y')\n"
    project(tmp_path, main=main + endpoint, helper=helper + used)
    assert outlines(tmp_path) == [
        "awaits the call through the app's client; writes `load_async` beside `load` (helper.py); "
        "gives the app a lifespan with the client (main.py)"
    ]


def test_a_fix_of_sleep_and_pools_is_told_in_words(tmp_path: Path) -> None:
    project(
        tmp_path,
        main="""
            import time
            from concurrent.futures import ThreadPoolExecutor
            from contextlib import asynccontextmanager

            import requests
            from fastapi import FastAPI

            @asynccontextmanager
            async def lifespan(app: FastAPI):
                yield

            app = FastAPI(lifespan=lifespan)

            def fetch(url: str):
                return requests.get(url, timeout=5).text

            @app.get("/")
            async def read():
                time.sleep(1)
                with ThreadPoolExecutor() as pool:
                    return list(pool.map(fetch, ["http://x/a", "http://x/b"]))
        """,
    )
    assert outlines(tmp_path) == [
        "awaits `asyncio.sleep`",
        "awaits the call through the app's client; starts coroutines in place of the pool of threads; "
        "makes `fetch` (main.py) async; adds the client to `lifespan` (main.py)",
    ]


def test_what_is_held_is_not_told_in_words(tmp_path: Path) -> None:
    project(tmp_path, main=f"{APP}    return requests.get('http://x')\n")
    assert outlines(tmp_path) == []


def test_a_terminal_gets_styles_and_the_same_words(tmp_path: Path) -> None:
    project(tmp_path, main=f"{APP}    return [requests.get('http://日本', timeout=5).text, {'1, ' * 100}]\n")
    plain = fastmigrate(cwd=tmp_path).stdout
    styled = in_terminal(tmp_path)
    assert "\x1b[1;31mFM101\x1b[0m" in styled
    assert STYLE.sub("", styled) == plain


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"NO_COLOR": "1", "FORCE_COLOR": "1"}])
def test_a_terminal_that_wants_no_styles_gets_none(tmp_path: Path, environment: dict[str, str]) -> None:
    project(tmp_path, main=f"{APP}    return requests.get('http://x', timeout=5).text\n")
    assert in_terminal(tmp_path, **environment) == fastmigrate(cwd=tmp_path).stdout


def test_styles_can_be_forced_but_not_into_files(tmp_path: Path) -> None:
    project(tmp_path, main=f"{APP}    return requests.get('http://x', timeout=5).text\n")
    assert "\x1b[" in fastmigrate(cwd=tmp_path, FORCE_COLOR="1", TERM="xterm").stdout
    fastmigrate("--output-file", "report", cwd=tmp_path, FORCE_COLOR="1", TERM="xterm")
    assert "\x1b[" not in (tmp_path / "report").read_text()


def test_a_patch_has_no_styles(tmp_path: Path) -> None:
    project(tmp_path, main=f"{APP}    return requests.get('http://x', timeout=5).text\n")
    run = fastmigrate("--diff", cwd=tmp_path, FORCE_COLOR="1", TERM="xterm")
    assert "\x1b[" not in run.stdout


def test_a_plain_report_does_without_rich(tmp_path: Path) -> None:
    project(tmp_path, main=f"{APP}    return requests.get('http://x', timeout=5).text\n")
    code = (
        "import sys\nfrom fastmigrate.cli import main\ntry:\n    main([])\nfinally:\n    print('rich' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.stdout.endswith("False\n")


def test_names_do_not_move_the_cursor(tmp_path: Path) -> None:
    """Nor do they begin a line, which the log of a CI job might take for a command."""
    folder = tmp_path / "e\x1b[2J\n::error::x"
    project(tmp_path)
    project(
        folder,
        main=APP.replace("'/'", "'/\\x1b[31mRED\\x07\\r'") + "    return requests.get('http://x', timeout=5).text\n",
    )
    (folder / "pyproject.toml").unlink()
    for options in (["--output-format", "concise"], [], ["--output-format", "github"]):
        run = fastmigrate(*options, cwd=tmp_path, FORCE_COLOR="")
        assert run.code == 1
        assert not re.search(r"[\x00-\x09\x0b-\x1f]", run.stdout)
        assert not re.search(r"^::error::", run.stdout, re.MULTILINE)


def test_long_lines_are_cut(tmp_path: Path) -> None:
    long = "x" * 5000
    project(tmp_path, main=f"{APP}    return '{long}', requests.get('http://{long}', timeout=5), '{long}'\n")
    lines = fastmigrate(cwd=tmp_path).stdout.splitlines()
    source, marks = next(pair for pair in pairwise(lines) if pair[0].startswith("    9 |"))
    assert len(source) < 500
    start = marks.index("^")
    assert source[start:].startswith("requests.get('http://xxx")
    assert source[start + marks.count("^") - 3 :].startswith("...")
