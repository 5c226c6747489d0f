"""What the documentation shows is what happens: every command is run, every file that it shows is taken."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from fastmigrate import __version__
from fastmigrate.config import load_config
from fastmigrate.report.links import HOME
from tests.copies import ROOT, commit_all, copy_project, git
from tests.run import fastmigrate
from tests.test_action import ACTION

PAGES = sorted(path for path in (ROOT / "docs").rglob("*.md") if "facts" not in path.parts)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INSTALL = f"git+{HOME}@v{__version__}"


def blocks(page: Path, language: str) -> list[str]:
    """The blocks of a page in one language."""
    return [text for name, text in BLOCK.findall(page.read_text(encoding="utf-8")) if name == language]


@dataclass(frozen=True)
class Command:
    """A command, and what the page shows of its output, if it does."""

    line: str
    output: str | None


def commands(block: str) -> list[Command]:
    """Those of a block: with `$` before each, if it shows output, else a line for each."""
    if "$ " not in block:
        return [Command(line, None) for line in block.splitlines()]
    parts = re.split(r"^\$ (.+)\n", block, flags=re.MULTILINE)[1:]
    return [Command(line, output) for line, output in zip(parts[::2], parts[1::2], strict=True)]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A service in a repository whose remote has its main branch."""
    folder = tmp_path / "shop"
    shutil.copytree(ROOT / "tests/fixtures/a_shop/before", folder, ignore=shutil.ignore_patterns("__pycache__"))
    commit = commit_all(folder)
    git(folder, "update-ref", "refs/remotes/origin/main", commit)
    return folder


def environment(folder: Path) -> dict[str, str]:
    """One with this project's command, and with a stand-in for reviewdog, which takes JSON."""
    stand_ins = folder / "bin"
    stand_ins.mkdir(parents=True)
    (stand_ins / "reviewdog").write_text(f"#!/bin/sh\nexec {sys.executable} -m json.tool\n")
    (stand_ins / "reviewdog").chmod(0o755)
    path = os.pathsep.join([str(stand_ins), str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path}


def run(line: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


SHOWN = [page for page in [*PAGES, ROOT / "README.md"] if blocks(page, "console")]


@pytest.mark.parametrize("page", SHOWN, ids=lambda page: page.stem)
def test_commands_do_what_the_page_shows(page: Path, shop: Path, tmp_path: Path) -> None:
    known = environment(tmp_path)
    for command in (command for block in blocks(page, "console") for command in commands(block)):
        if "-m venv" in command.line:  # see below
            continue
        done = run(command.line, shop, known)
        good = (0, 1) if command.line.startswith("fastmigrate") else (0,)
        assert done.returncode in good, f"{command.line}: {done.stdout}{done.stderr}"
        if command.output is not None:
            assert done.stdout == command.output


def test_there_are_commands_in_the_pages_that_should_have_some() -> None:
    assert {page.stem for page in SHOWN} >= {"README", "index", "adopting", "ci", "formats"}


def test_the_first_command_of_the_readme_shows_a_migration(tmp_path: Path) -> None:
    first, tests = (block for block in blocks(ROOT / "README.md", "console") if "-m venv" in block)
    folder = copy_project(tmp_path / "clone")
    fixture = "tests/fixtures/routers_and_state/before"
    shutil.copytree(ROOT / fixture, folder / fixture)
    done = run(first.strip(), folder, {**os.environ, "PATH": environment(tmp_path)["PATH"]})
    assert done.returncode == 0, done.stderr
    assert re.search(r"^\+.*await \w+\.get\(", done.stdout, re.MULTILINE)
    assert tests.split("&&")[-1].split()[1:] == ["-m", "pytest"], "what `.ci/run` does, too"


def test_a_clean_project_ends_with_0(shop: Path) -> None:
    """As the last step of the guide says."""
    assert fastmigrate(cwd=shop).code == 1
    fastmigrate("--fix", cwd=shop)
    assert fastmigrate(cwd=shop).code == 0


# -- files


def documents(page: Path) -> list[Any]:
    return [yaml.safe_load(block) for block in blocks(page, "yaml")]


EVERY = [(page, found) for page in [*PAGES, ROOT / "README.md"] for found in documents(page)]


def test_hooks_are_those_that_are_there() -> None:
    hooks = {hook["id"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))}
    shown = [repo for _, found in EVERY if isinstance(found, dict) for repo in found.get("repos", ())]
    assert len(shown) >= 3
    for repo in shown:
        assert (repo["repo"], repo["rev"]) == (HOME, f"v{__version__}")
        assert {hook["id"] for hook in repo["hooks"]} <= hooks


def test_the_options_of_hooks_are_options(shop: Path) -> None:
    given = [
        hook["args"]
        for _, found in EVERY
        if isinstance(found, dict)
        for repo in found.get("repos", ())
        for hook in repo["hooks"]
        if "args" in hook
    ]
    assert given
    for args in given:
        assert fastmigrate(*args, cwd=shop).code == 0


def steps() -> list[dict[str, Any]]:
    """The steps of the workflows that are shown."""
    lists = [found for _, found in EVERY if isinstance(found, list)]
    jobs = [job for _, found in EVERY if isinstance(found, dict) for job in found.get("jobs", {}).values()]
    return [step for found in (*lists, *(job["steps"] for job in jobs)) for step in found]


def test_workflows_use_the_action_as_it_is() -> None:
    ours = [step for step in steps() if step.get("uses", "").startswith("fastmigrate")]
    assert len(ours) >= 3
    for step in ours:
        assert step["uses"] == f"{HOME.removeprefix('https://github.com/')}@v{__version__}"
        assert set(step.get("with", {})) <= set(ACTION["inputs"])


def test_the_inputs_of_the_action_are_documented() -> None:
    section = (ROOT / "docs/ci.md").read_text(encoding="utf-8").partition("## GitHub: annotations")[2]
    rows = re.findall(r"^\| `([\w-]+)` \|", section.partition("\n## ")[0], re.MULTILINE)
    assert rows == list(ACTION["inputs"])


def test_the_gitlab_job_is_the_one_that_can_be_included() -> None:
    shown = [block for block in blocks(ROOT / "docs/ci.md", "yaml") if "gl-code-quality-report" in block]
    assert shown == [(ROOT / "docs/gitlab-ci.yml").read_text(encoding="utf-8")]


@pytest.mark.parametrize("is_new", [False, True])
def test_the_gitlab_job(shop: Path, tmp_path: Path, *, is_new: bool) -> None:
    base = git(shop, "rev-parse", "HEAD")
    if is_new:
        with (shop / "shop/api/routers/health.py").open("a") as file:
            file.write('\n\n@router.get("/new")\nasync def new():\n    import time\n    time.sleep(1)\n')
        commit_all(shop)
    job = yaml.safe_load((ROOT / "docs/gitlab-ci.yml").read_text(encoding="utf-8"))["fastmigrate"]
    install, *script = job["script"]
    assert install == f"pip install --quiet {INSTALL}"
    merge_request = {**environment(tmp_path), "CI_MERGE_REQUEST_DIFF_BASE_SHA": base}
    if is_new:  # a pipeline of merged results: the branch has gone on, and what it has got there is not ours
        git(shop, "checkout", "-q", "-b", "target", base)
        (shop / "shop/other.py").write_text("import requests\n")
        merge_request["CI_MERGE_REQUEST_TARGET_BRANCH_SHA"] = commit_all(shop)
        git(shop, "checkout", "-q", "-")
        git(shop, "merge", "-q", "target", "-m", "merged")
    done = run("\n".join(["set -e", *script]), shop, merge_request)
    assert done.returncode == is_new, done.stderr
    assert ("health.py" in done.stdout) == is_new
    report = json.loads((shop / job["artifacts"]["reports"]["codequality"]).read_text(encoding="utf-8"))
    assert len(report) == 8 + is_new
    alone = run("\n".join(["set -e", *script]), shop, environment(tmp_path / "alone"))
    assert alone.returncode == 0, "a branch of its own shows its findings, and fails on none"


def test_settings_are_taken(tmp_path: Path) -> None:
    shown = [block for page in [*PAGES, ROOT / "README.md"] for block in blocks(page, "toml")]
    assert len(shown) >= 2
    for block in shown:
        (tmp_path / "pyproject.toml").write_text(block)
        load_config(tmp_path / "pyproject.toml", {})


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str, tmp_path: Path) -> None:
    assert f"_FASTMIGRATE_COMPLETE={shell}_source" in (ROOT / "docs/command.md").read_text(encoding="utf-8")
    known = environment(tmp_path)
    done = run(f"_FASTMIGRATE_COMPLETE={shell}_source fastmigrate", tmp_path, known)
    assert f"{shell}_complete" in done.stdout, done.stderr
    words = {"COMP_WORDS": "fastmigrate --select FM101,FM2", "COMP_CWORD": "FM101,FM2" if shell == "fish" else "2"}
    done = run(f"_FASTMIGRATE_COMPLETE={shell}_complete fastmigrate", tmp_path, {**known, **words})
    assert re.findall(r"FM101,FM\d+", done.stdout) == ["FM101,FM201", "FM101,FM202"], done.stderr
