"""A baseline: what a team lives with for now is not reported, what is new is, and what is gone is told."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.copies import commit_all
from tests.projects import project
from tests.run import Run, fastmigrate
from tests.test_cli import SCHEMA

LIB = """
import requests

def fetch(name):
    return requests.get(f"http://x/{name}", timeout=5).json()

def other(name):
    return requests.post(f"http://x/{name}", timeout=5).json()
"""
MAIN = """
from fastapi import FastAPI
from lib import fetch, other
app = FastAPI()

@app.get("/a")
async def a():
    return fetch("a")
"""
ENDPOINT = """
@app.get("/b")
async def b():
    return {}("b")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with one finding, which is in its baseline."""
    project(tmp_path, main=MAIN, lib=LIB)
    run = fastmigrate("--write-baseline", cwd=tmp_path)
    assert (run.code, run.stdout) == (
        0,
        "No new findings in 2 files.\n  note: 1 finding in the baseline; 1 could be fixed without it.\n",
    )
    assert run.stderr == "fastmigrate: 1 finding in fastmigrate-baseline.json now\n"
    return tmp_path


def check(folder: Path, *options: str) -> Run:
    return fastmigrate("--baseline", "fastmigrate-baseline.json", *options, cwd=folder)


def new(folder: Path, *options: str) -> list[tuple[str, int]]:
    run = check(folder, "--output-format", "json", *options)
    report = json.loads(run.stdout)
    jsonschema.validate(report, SCHEMA)
    assert run.code == (1 if report["findings"] else 0)
    return [(finding["path"], finding["line"]) for finding in report["findings"]]


def entries(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / "fastmigrate-baseline.json").read_text())["findings"]
    return found


def edit(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))


def test_an_entry_says_what_it_is_about(folder: Path) -> None:
    assert entries(folder) == [
        {
            "path": "lib.py",
            "function": "fetch",
            "code": "FM101",
            "call": "requests.get(f'http://x/{name}', timeout=5)",
            "endpoints": ["main.py:a"],
        }
    ]


def test_what_is_in_the_baseline_is_not_reported(folder: Path) -> None:
    run = check(folder)
    assert (run.code, run.stdout) == (
        0,
        "No new findings in 2 files.\n  note: 1 finding in the baseline; 1 could be fixed without it.\n",
    )


@pytest.mark.parametrize(
    "layout",
    [
        '# a comment above\n\n    return requests.get(f"http://x/{name}", timeout=5).json()',
        'return requests.get(\n        f"http://x/{name}",\n        timeout=5,\n    ).json()',
        'data = requests.get(f"http://x/{name}", timeout=5)\n    return data.json()',
        "return requests.get(f'http://x/{name}', timeout=5).json()",
        'return requests.get(f"http://x/{name}",  # the address\n        timeout = 5).json()',
    ],
    ids=["moved", "over lines", "another statement", "other quotes", "a comment"],
)
def test_it_is_recognised_where_it_has_moved_to(folder: Path, layout: str) -> None:
    edit(folder, "lib.py", 'return requests.get(f"http://x/{name}", timeout=5).json()', layout)
    assert new(folder) == []


@pytest.mark.parametrize(
    "call",
    [
        'requests.get(f"http://x/{name}", timeout=9)',
        'requests.get(f"http://x/ {name}", timeout=5)',
        'requests.get((f"http://x/{name}", timeout)[5])',
    ],
)
def test_another_call_is_new(folder: Path, call: str) -> None:
    edit(folder, "lib.py", 'requests.get(f"http://x/{name}", timeout=5)', call)
    assert new(folder) == [("lib.py", 5)]


def test_the_same_call_once_more_is_new(folder: Path) -> None:
    call = 'requests.get(f"http://x/{name}", timeout=5).json()'
    edit(folder, "lib.py", f"return {call}", f"return {call}, {call}")
    assert len(new(folder)) == 1


def test_a_call_of_another_function_is_new(folder: Path) -> None:
    with (folder / "main.py").open("a") as file:
        file.write(ENDPOINT.format("other"))
    assert new(folder) == [("lib.py", 8)]


def test_an_endpoint_that_comes_to_a_known_call_is_new(folder: Path) -> None:
    with (folder / "main.py").open("a") as file:
        file.write(ENDPOINT.format("fetch"))
    assert new(folder) == [("lib.py", 5)]
    assert "  note: lib.py:5 is in the baseline, but not for main.py:b.\n" in check(folder).stdout


def test_an_endpoint_that_is_gone_is_no_finding(folder: Path) -> None:
    with (folder / "main.py").open("a") as file:
        file.write(ENDPOINT.format("fetch"))
    fastmigrate("--write-baseline", cwd=folder)
    edit(folder, "main.py", ENDPOINT.format("fetch"), "")
    assert new(folder) == []


def test_the_baseline_never_grows_by_itself(folder: Path) -> None:
    before = (folder / "fastmigrate-baseline.json").read_bytes()
    with (folder / "main.py").open("a") as file:
        file.write(ENDPOINT.format("other"))
    for options in ([], ["--fix"], ["--diff"], ["--exit-zero"]):
        check(folder, *options)
        assert (folder / "fastmigrate-baseline.json").read_bytes() == before


def test_what_is_gone_is_told(folder: Path) -> None:
    edit(folder, "main.py", 'fetch("a")', "{}")
    run = check(folder)
    assert run.code == 0
    assert run.stdout == (
        "No new findings in 2 files.\n"
        "  note: 1 finding of the baseline is gone:\n"
        "    lib.py: FM101 requests.get(f'http://x/{name}', timeout=5)\n"
        "    --write-baseline takes it out.\n"
    )
    report = json.loads(check(folder, "--output-format", "json").stdout)
    assert report["baseline"] == {"known": 0, "gone": entries(folder)}
    fastmigrate("--write-baseline", cwd=folder)
    assert entries(folder) == []


def test_what_is_not_looked_at_is_not_gone(folder: Path) -> None:
    for options in (["main.py"], ["--ignore", "FM1"], ["--select", "FM2"]):
        assert "gone" not in check(folder, *options).stdout


def test_what_is_not_looked_at_stays(folder: Path) -> None:
    before = entries(folder)
    with (folder / "main.py").open("a") as file:
        file.write('\n@app.get("/c")\nasync def c():\n    import time\n    time.sleep(1)\n')
    fastmigrate("--write-baseline", "main.py", cwd=folder)
    assert [entry["code"] for entry in entries(folder)] == ["FM101", "FM104"]
    fastmigrate("--write-baseline", "--select", "FM1", "lib.py", cwd=folder)
    assert [entry["code"] for entry in entries(folder)] == ["FM101", "FM104"]
    assert before[0] in entries(folder)


def test_only_what_is_new_is_fixed(folder: Path) -> None:
    with (folder / "main.py").open("a") as file:
        file.write(ENDPOINT.format("other"))
    run = check(folder, "--fix")
    assert run.code == 0, run.stdout
    text = (folder / "lib.py").read_text()
    assert "requests.get(" in text
    assert "client.post(" in text


def test_fixing_leaves_the_rest_to_the_baseline(tmp_path: Path) -> None:
    held = "\n@app.get('/held')\nasync def held():\n    return requests.get('http://x')\n"
    project(tmp_path, main=f"import requests\n{MAIN}{held}", lib=LIB)
    run = fastmigrate("--fix", "--write-baseline", cwd=tmp_path)
    assert run.code == 0
    assert "1 fixed in 2 files" in run.stdout
    assert [entry["path"] for entry in entries(tmp_path)] == ["main.py"]


def test_with_since_both_count(folder: Path) -> None:
    """What is new to the baseline, and old to git, is not reported; nor what is known, and touched by the change."""
    with (folder / "main.py").open("a") as file:
        file.write(ENDPOINT.format("other"))
    assert new(folder) == [("lib.py", 8)]
    commit_all(folder)
    assert new(folder, "--since", "HEAD") == []
    assert "but not for" not in check(folder, "--since", "HEAD").stdout
    edit(folder, "lib.py", "def fetch(name):\n    return", "def fetch(name):\n    return  ")
    assert new(folder, "--since", "HEAD") == []
    edit(folder, "lib.py", "def other(name):\n    return", "def other(name):\n    return  ")
    assert new(folder, "--since", "HEAD") == [("lib.py", 8)]


def test_the_configuration_names_it_and_can_be_overruled(folder: Path) -> None:
    (folder / "pyproject.toml").write_text('[tool.fastmigrate]\nbaseline = "fastmigrate-baseline.json"\n')
    (folder / "sub").mkdir()
    assert fastmigrate("..", cwd=folder / "sub").code == 0
    assert fastmigrate("--no-baseline", cwd=folder).code == 1


def test_paths_are_those_of_the_baseline(tmp_path: Path) -> None:
    for name in ("one", "two"):
        project(tmp_path / name, main=MAIN, lib=LIB)
    fastmigrate("--baseline", "known.json", "--write-baseline", "one", "two", cwd=tmp_path)
    found = json.loads((tmp_path / "known.json").read_text())["findings"]
    assert [entry["path"] for entry in found] == ["one/lib.py", "two/lib.py"]
    assert fastmigrate("--baseline", "known.json", "one", "two", cwd=tmp_path).code == 0
    assert fastmigrate("--baseline", "../known.json", ".", cwd=tmp_path / "one").code == 0
    shutil.rmtree(tmp_path / "two")
    fastmigrate("--baseline", "known.json", "--write-baseline", "one", cwd=tmp_path)
    assert len(json.loads((tmp_path / "known.json").read_text())["findings"]) == 2


def test_files_that_cannot_be_read_are_always_reported(tmp_path: Path) -> None:
    project(tmp_path, main=f"{MAIN}    return (", lib=LIB)
    run = fastmigrate("--write-baseline", cwd=tmp_path)
    assert run.code == 1
    assert "FM900" in run.stdout
    assert "FM900" in check(tmp_path).stdout


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "known.json: there is no such baseline; --write-baseline makes it"),
        ("{", "known.json:1:2: the baseline is no JSON: Expecting property name enclosed in double quotes"),
        ("[]", "known.json: this is no baseline of fastmigrate"),
        ('{"version": 1, "findings": [{}]}', "known.json: this is no baseline of fastmigrate"),
        ('{"version": 1, "findings": ["x"]}', "known.json: this is no baseline of fastmigrate"),
        ('{"version": 2}', "known.json: the baseline is of another version: --write-baseline writes it anew"),
        (b"\xff", "known.json: the baseline is not UTF-8"),
    ],
)
def test_a_baseline_that_cannot_be_read_is_an_error(tmp_path: Path, content: str | bytes | None, message: str) -> None:
    project(tmp_path, main=MAIN, lib=LIB)
    if content is not None:
        (tmp_path / "known.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    run = fastmigrate("--baseline", "known.json", cwd=tmp_path)
    assert run.code == 2
    assert run.stderr.startswith("fastmigrate: ")
    assert message in run.stderr
    assert run.stderr.count("\n") == 1


def test_a_baseline_that_cannot_be_written_leaves_all_as_it_was(tmp_path: Path) -> None:
    project(tmp_path, main=MAIN, lib=LIB)
    run = fastmigrate("--fix", "--baseline", "missing/known.json", "--write-baseline", cwd=tmp_path)
    assert run.code == 2
    assert "missing/known.json" in run.stderr
    assert " now\n" not in run.stderr
    assert "requests.get(" in (tmp_path / "lib.py").read_text()


@pytest.mark.parametrize("option", [["--diff"], ["--since", "HEAD"]])
def test_what_would_leave_something_out_is_refused(folder: Path, option: list[str]) -> None:
    run = fastmigrate("--write-baseline", *option, cwd=folder)
    assert (run.code, run.stderr) == (2, f"fastmigrate: --write-baseline does not go with {option[0]}\n")


# -- what makes a path operation another one


@pytest.mark.parametrize(
    "more",
    [
        '\n@app.get("/expensive")\nasync def a():\n    return fetch("b")\n',
        '\n@app.get("/c")\nasync def c():\n    return await a()\n',
    ],
    ids=["a function of the same name", "one that calls the known one"],
)
def test_path_operations_are_counted(folder: Path, more: str) -> None:
    with (folder / "main.py").open("a") as file:
        file.write(more)
    assert new(folder) == [("lib.py", 5)]


def test_another_route_of_a_known_function_is_new(folder: Path) -> None:
    edit(folder, "main.py", '@app.get("/a")', '@app.get("/a")\n@app.post("/other")')
    assert new(folder) == [("lib.py", 5)]


def test_another_prefix_is_not(folder: Path) -> None:
    edit(folder, "main.py", '@app.get("/a")', '@app.get("/v2/a")')
    assert new(folder) == []


# -- several projects, several baselines


def test_each_project_has_the_baseline_that_it_names(tmp_path: Path) -> None:
    for name in ("one", "two"):
        project(tmp_path / name, main=MAIN, lib=LIB)
        (tmp_path / name / "pyproject.toml").write_text('[tool.fastmigrate]\nbaseline = "known.json"\n')
    run = fastmigrate("--write-baseline", "one", "two", cwd=tmp_path)
    assert run.stderr == "fastmigrate: 1 finding in one/known.json now\nfastmigrate: 1 finding in two/known.json now\n"
    assert fastmigrate("one", "two", cwd=tmp_path).code == 0
    fastmigrate("--select", "FM2", "--write-baseline", "one", "two", cwd=tmp_path)
    for name in ("one", "two"):
        assert len(json.loads((tmp_path / name / "known.json").read_text())["findings"]) == 1


def test_it_does_not_matter_from_which_project_a_file_is_seen(tmp_path: Path) -> None:
    project(tmp_path)
    project(tmp_path / "sub", main=MAIN, lib=LIB)
    fastmigrate("--write-baseline", cwd=tmp_path)
    assert check(tmp_path).code == 0
    assert check(tmp_path, "sub").code == 0
    fastmigrate("--write-baseline", "sub", cwd=tmp_path)
    assert check(tmp_path).code == 0


# -- files that are not read


def test_what_cannot_be_read_is_not_gone(folder: Path) -> None:
    before = entries(folder)
    with (folder / "lib.py").open("a") as file:
        file.write("def (:\n")
    run = check(folder)
    assert "FM900" in run.stdout
    assert "gone" not in run.stdout
    fastmigrate("--write-baseline", cwd=folder)
    assert entries(folder) == before


def test_what_is_left_out_is_not_gone(folder: Path) -> None:
    (folder / "pyproject.toml").write_text('[tool.fastmigrate]\nexclude = ["lib.py"]\n')
    assert "gone" not in check(folder).stdout


def test_what_is_deleted_is_gone(folder: Path) -> None:
    (folder / "lib.py").unlink()
    assert "1 finding of the baseline is gone" in check(folder).stdout


def test_file_names_may_be_odd(tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"d\xff")
    project(tmp_path)
    project(odd, main=MAIN, lib=LIB)
    (odd / "pyproject.toml").unlink()
    fastmigrate("--write-baseline", cwd=tmp_path)
    assert check(tmp_path).code == 0
    assert json.loads(fastmigrate("--output-format", "json", cwd=tmp_path).raw)["summary"]["findings"] == 1


# -- fixes beside known findings


def test_a_known_call_that_a_fix_changes_stays_known(folder: Path) -> None:
    edit(folder, "lib.py", "def fetch(name):", "def base(name):\n    return name\n\ndef fetch(name):")
    edit(folder, "lib.py", 'requests.get(f"http://x/{name}", timeout=5)', "requests.get(base(name), timeout=5)")
    fastmigrate("--write-baseline", cwd=folder)
    edit(folder, "lib.py", "    return name\n", "    return requests.get(name, timeout=5).text\n")
    assert new(folder) == [("lib.py", 5)]
    run = check(folder, "--fix")
    assert (run.code, run.stdout.splitlines()[0]) == (0, "1 fixed in 2 files."), run.stdout
    assert "  note: 1 finding in the baseline" in run.stdout
    assert "gone" not in run.stdout
    assert "await base(client, name)" in (folder / "lib.py").read_text()


def test_after_a_fix_the_baseline_is_told_as_it_is_then(folder: Path) -> None:
    with (folder / "main.py").open("a") as file:
        file.write(ENDPOINT.format("fetch"))
    run = check(folder, "--fix")
    assert run.code == 0
    assert "but not for" not in run.stdout
    assert "1 finding of the baseline is gone" in run.stdout


# -- what is written


@pytest.mark.parametrize("broken", ['{"version": 2, "findings": []}', '<<<<<<< HEAD\n{"version": 1, "findings": ['])
def test_a_broken_baseline_can_be_written_anew(folder: Path, broken: str) -> None:
    before = entries(folder)
    (folder / "fastmigrate-baseline.json").write_text(broken)
    assert check(folder).code == 2
    assert fastmigrate("--write-baseline", cwd=folder).code == 0
    assert entries(folder) == before


def test_another_file_is_not_taken_for_a_baseline(folder: Path) -> None:
    before = (folder / "lib.py").read_bytes()
    run = fastmigrate("--write-baseline", "--baseline", "lib.py", cwd=folder)
    assert run.code == 2
    assert "lib.py" in run.stderr
    assert (folder / "lib.py").read_bytes() == before


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_mode_that_the_user_gives_files(tmp_path: Path, mask: int) -> None:
    project(tmp_path, main=MAIN, lib=LIB)
    code = f"import os; os.umask({mask})\nfrom fastmigrate.cli import main\nmain(['--write-baseline'])"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)
    assert stat.S_IMODE((tmp_path / "fastmigrate-baseline.json").stat().st_mode) == 0o666 & ~mask


@pytest.mark.parametrize("option", [["--baseline", "a.json"], ["--write-baseline"]])
def test_options_that_contradict_each_other_are_refused(folder: Path, option: list[str]) -> None:
    run = fastmigrate("--no-baseline", *option, cwd=folder)
    assert (run.code, run.stderr) == (2, f"fastmigrate: --no-baseline does not go with {option[0]}\n")
