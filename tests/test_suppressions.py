"""Comments that silence findings, and those that silence nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.projects import findings, project
from tests.run import fastmigrate

MAIN = """
    import requests
    from fastapi import FastAPI

    app = FastAPI()

    @app.get("/")
    async def read():
        return requests.get("http://x").json()
"""


@pytest.mark.parametrize(
    "comment",
    ["# noqa: FM101", "# NOQA:E501,FM101", "# fastmigrate: ignore[FM101] it is local", "# x  # noqa: FM101, E1"],
)
def test_suppression(comment: str, tmp_path: Path) -> None:
    project(
        tmp_path, main=MAIN.replace('get("http://x").json()', f'get(\n            "http://x"  {comment}\n        )')
    )
    assert findings(tmp_path) == []
    before = (tmp_path / "main.py").read_bytes()
    assert fastmigrate("--fix", cwd=tmp_path).code == 0
    assert (tmp_path / "main.py").read_bytes() == before


@pytest.mark.parametrize("comment", ["# noqa: FM102", "# noqa", "# fastmigrate: ignore[FM1]", "'# noqa: FM101'"])
def test_no_suppression(comment: str, tmp_path: Path) -> None:
    project(tmp_path, main=MAIN.replace(".json()", f".json(), {comment}"))
    assert len(findings(tmp_path)) == 1


@pytest.mark.parametrize(
    "comment",
    ["# fastmigrate: ignore[FM101] it is local", "# noqa: FM101", "# why\n    # fastmigrate: ignore[FM101]\n    # so"],
)
def test_a_comment_above_is_about_the_line_of_code_below(comment: str, tmp_path: Path) -> None:
    lines = "return [\n        1,\n        requests.get('http://x').json(),\n    ]"
    text = (
        "import requests\nfrom fastapi import FastAPI\napp = FastAPI()\n@app.get('/')\nasync def f():\n"
        f"    {comment}\n\n    {lines}\n"
    )
    assert findings(project(tmp_path, main=text)) == []
    after = text.replace(lines, f"x = 1\n    {lines}")
    assert len(findings(project(tmp_path, main=after))) == 1


def test_a_comment_for_a_whole_file(tmp_path: Path) -> None:
    head = "# fastmigrate: ignore-file[FM101, FM104] a tool for developers\n"
    assert findings(project(tmp_path, main=head + MAIN.replace("\n    ", "\n"))) == []
    assert len(findings(project(tmp_path, main=head.replace("FM101, ", "") + MAIN.replace("\n    ", "\n")))) == 1


@pytest.mark.parametrize(
    ("code", "call"),
    [
        ("ASYNC210", "requests.get('http://x').json()"),
        ("ASYNC212", "httpx.get('http://x').json()"),
        ("ASYNC210", "urllib.request.urlopen('http://x').read()"),
        ("ASYNC251", "time.sleep(1)"),
    ],
)
def test_codes_of_other_linters_silence_what_they_are_about(code: str, call: str, tmp_path: Path) -> None:
    head = "import time, urllib.request\nimport httpx, requests\nfrom fastapi import FastAPI\napp = FastAPI()\n"
    direct = f"{head}@app.get('/')\nasync def f():\n    return {call}  # noqa: {code}\n"
    assert findings(project(tmp_path / "direct", main=direct)) == []
    helper = f"{head}def g():\n    return {call}  # noqa: {code}\n@app.get('/')\nasync def f():\n    return g()\n"
    assert len(findings(project(tmp_path / "helper", main=helper))) == 1


def test_comments_that_silence_nothing_are_named(tmp_path: Path) -> None:
    main = MAIN.replace(".json()", ".json()  # noqa: FM101, FM102")
    main = main.replace("    app = ", "    # fastmigrate: ignore[FM201]\n    app = ")
    project(tmp_path, main=main, other="x = 1  # noqa: FM101\ny = 2  # noqa: F401\nz = '# noqa: FM101'\n")
    run = fastmigrate(cwd=tmp_path)
    assert run.code == 0
    notes = [line.removeprefix("  note: ") for line in run.stdout.splitlines()[1:]]
    assert notes == [
        "main.py:5: the comment that ignores FM201 silences nothing.",
        "other.py:1: the comment that ignores FM101 silences nothing.",
    ]
    found = json.loads(fastmigrate("--output-format", "json", cwd=tmp_path).stdout)["unused_suppressions"]
    assert found[1] == {"path": "other.py", "line": 1, "codes": ["FM101"]}


@pytest.mark.parametrize(
    ("comment", "note"),
    [
        ("# fastmigrate: ignore", "the comment names no rule, so it silences nothing"),
        ("# fastmigrate: ignore[]", "the comment names no rule, so it silences nothing"),
        ("# fastmigrate: ignore[ALL]", "the comment names no rule, so it silences nothing"),
        ("# fastmigrate: ignore FM101", "the comment names no rule, so it silences nothing"),
        ("# fastmigrate: ignore[FM1]", "the comment that ignores FM1 silences nothing"),
        ("# fastmigrate: ignore[FM999]", "the comment that ignores FM999 silences nothing"),
        ("# fastmigrate: ignore[FM101, FM104]", None),
    ],
)
def test_comments_that_cannot_silence_are_named(comment: str, note: str | None, tmp_path: Path) -> None:
    project(tmp_path, main=MAIN.replace(".json()", f".json()  {comment}"))
    run = fastmigrate(cwd=tmp_path)
    assert (f"{note}." in run.stdout) == (note is not None), run.stdout
    assert (run.code == 0) == (note is None)


def test_rules_that_are_not_looked_at_leave_their_comments_alone(tmp_path: Path) -> None:
    main = "import fastapi\nx = 1  # noqa: FM101\ny = 2  # fastmigrate: ignore[FM303]\n"
    project(tmp_path, main=main, apart__other="z = 3  # noqa: FM101\n")  # which has nothing to do with an app
    assert "silences nothing" not in fastmigrate("--select", "FM2", cwd=tmp_path).stdout
    assert fastmigrate(cwd=tmp_path).stdout.count("silences nothing") == 1
