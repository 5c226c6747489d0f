"""Only what is new: findings that a change causes, wherever it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.copies import git
from tests.projects import project
from tests.run import fastmigrate

LIB = """
import requests

def fetch(name):
    return requests.get(f"http://x/{name}").json()

def other(name):
    return requests.get(f"http://x/{name}").json()
"""
MAIN = """
from fastapi import FastAPI
from lib import fetch, other
app = FastAPI()

@app.get("/a")
async def a():
    return fetch("a")
"""
NEW = """
@app.get("/b")
async def b():
    return {}("b")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    project(tmp_path / "repo" / "app", main=MAIN, lib=LIB)
    git(tmp_path / "repo", "init")
    git(tmp_path / "repo", "add", ".")
    git(tmp_path / "repo", "commit", "-m", "first")
    return tmp_path / "repo" / "app"


def found(folder: Path, revision: str = "HEAD") -> list[str]:
    run = fastmigrate("--since", revision, "--output-format", "concise", cwd=folder)
    assert run.stderr == "", run.stderr
    return [line.partition(" ")[0] for line in run.stdout.splitlines()[:-1] if line[0] != " "]


def test_nothing_is_new_without_a_change(folder: Path) -> None:
    assert found(folder) == []
    assert fastmigrate("--since", "HEAD", cwd=folder).code == 0
    assert fastmigrate(cwd=folder).code == 1


def test_a_changed_call_is_new(folder: Path) -> None:
    (folder / "lib.py").write_text(LIB.replace('get(f"http://x/{name}")', 'get(f"http://y/{name}")', 1))
    assert found(folder) == ["lib.py:5:12:"]


def test_a_line_above_makes_nothing_new(folder: Path) -> None:
    (folder / "lib.py").write_text("# a comment\n" + LIB)
    assert found(folder) == []


def test_a_changed_step_of_the_way_is_new(folder: Path) -> None:
    (folder / "main.py").write_text(MAIN.replace('fetch("a")', 'fetch("b")'))
    assert found(folder) == ["lib.py:5:12:"]


def test_a_new_endpoint_makes_an_old_helper_new(folder: Path) -> None:
    (folder / "main.py").write_text(MAIN + NEW.format("other"))
    assert found(folder) == ["lib.py:8:12:"]
    (folder / "main.py").write_text(MAIN + NEW.format("fetch"))  # whose shortest way is that of the old endpoint
    assert found(folder) == ["lib.py:5:12:"]


def test_a_changed_signature_is_no_new_endpoint(folder: Path) -> None:
    (folder / "main.py").write_text(MAIN.replace("def a()", "def a(x: int = 1)"))
    assert found(folder) == []


def test_a_new_endpoint_is_new_beside_a_line_that_changes(folder: Path) -> None:
    """As where it is appended to a file that had no line break at its end."""
    (folder / "main.py").write_text(MAIN.rstrip())
    git(folder, "commit", "-am", "no line break at the end")
    (folder / "main.py").write_text(MAIN.rstrip() + NEW.format("fetch"))
    assert found(folder) == ["lib.py:5:12:"]


WAYS = (
    MAIN
    + """
def middle():
    return 1

@app.get("/c")
async def c():
    return middle()
"""
)


def test_a_step_of_another_way_than_the_shortest_is_one(folder: Path) -> None:
    (folder / "main.py").write_text(WAYS)
    git(folder, "commit", "-am", "another endpoint")
    (folder / "main.py").write_text(WAYS.replace("return 1", 'return fetch("c")'))
    assert found(folder) == ["lib.py:5:12:"]


@pytest.mark.parametrize(
    ("old", "new"),
    [("async def b()", "def b()"), ('@app.get("/b")\n', ""), ('@app.get("/b")\n', "@other\n")],
    ids=["a function of threads", "one without a route", "one with another decorator"],
)
def test_a_function_that_becomes_an_endpoint_of_the_event_loop_is_new(folder: Path, old: str, new: str) -> None:
    after = MAIN + NEW.format("fetch")
    (folder / "main.py").write_text(after.replace(old, new))
    git(folder, "commit", "-am", "before")
    (folder / "main.py").write_text(after)
    assert found(folder) == ["lib.py:5:12:"]


def test_an_endpoint_that_loses_a_route_is_not_new(folder: Path) -> None:
    (folder / "main.py").write_text(MAIN.replace('@app.get("/a")', '@app.get("/a")\n@app.get("/z")'))
    git(folder, "commit", "-am", "two routes")
    (folder / "main.py").write_text(MAIN)
    assert found(folder) == []


@pytest.mark.parametrize("setting", ["diff.noprefix", "diff.mnemonicPrefix"])
def test_what_the_user_has_set_for_patches_does_not_matter(folder: Path, setting: str) -> None:
    git(folder, "config", setting, "true")
    (folder / "lib.py").write_text(LIB.replace('get(f"http://x/{name}")', 'get(f"http://y/{name}")', 1))
    assert found(folder) == ["lib.py:5:12:"]


def test_files_that_git_does_not_know_are_new(folder: Path) -> None:
    (folder / "more.py").write_text(MAIN.replace("fetch(", "other("))
    assert found(folder) == ["lib.py:8:12:"]


def test_a_branch_is_compared_with_where_it_began(folder: Path) -> None:
    git(folder, "checkout", "-b", "feature")
    (folder / "main.py").write_text(MAIN + NEW.format("other"))
    git(folder, "commit", "-am", "feature")
    git(folder, "checkout", "main")
    (folder / "lib.py").write_text(LIB.replace("http://x", "http://z"))
    git(folder, "commit", "-am", "main goes on")
    git(folder, "checkout", "feature")
    assert found(folder, "main") == ["lib.py:8:12:"]


def test_a_renamed_file_is_not_new(folder: Path) -> None:
    git(folder, "mv", "lib.py", "library.py")
    (folder / "main.py").write_text(MAIN.replace("from lib ", "from library "))
    git(folder, "add", ".")
    assert found(folder) == []


def test_a_work_tree_has_its_own_changes(folder: Path, tmp_path: Path) -> None:
    git(folder, "worktree", "add", "-b", "other", str(tmp_path / "tree"))
    (tmp_path / "tree/app/main.py").write_text(MAIN + NEW.format("other"))
    assert found(tmp_path / "tree/app", "main") == ["lib.py:8:12:"]
    assert found(folder) == []


def test_only_what_is_new_is_fixed(folder: Path) -> None:
    (folder / "main.py").write_text(MAIN + NEW.format("other"))
    run = fastmigrate("--since", "HEAD", "--fix", cwd=folder)
    assert run.code == 0, run.stdout
    text = (folder / "lib.py").read_text()
    assert "async def other(" in text
    assert "async def fetch(" not in text


@pytest.mark.parametrize(
    ("revision", "message"),
    [("nothing", "git knows no commit 'nothing'"), ("stranger", "have no common ancestor"), ("--help", "no commit")],
)
def test_what_cannot_be_compared(revision: str, message: str, folder: Path) -> None:
    git(folder, "checkout", "--orphan", "stranger")
    git(folder, "commit", "--allow-empty", "-m", "stranger")
    git(folder, "checkout", "main")
    run = fastmigrate(f"--since={revision}", cwd=folder)
    assert (run.code, run.stdout) == (2, "")
    assert message in run.stderr
    assert len(run.stderr.splitlines()) == 1


def test_no_repository_is_said(tmp_path: Path) -> None:
    run = fastmigrate(
        "--since", "main", cwd=project(tmp_path, main=MAIN, lib=LIB), GIT_CEILING_DIRECTORIES=str(tmp_path.parent)
    )
    assert run.code == 2
    assert "needs a git work tree" in run.stderr
