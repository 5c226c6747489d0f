"""The GitHub action: its steps, run by bash as a runner does, in clones as `actions/checkout` makes them.

What is not run is GitHub's own: the upload to code scanning.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.copies import ROOT, commit_all, copy_project, git
from tests.projects import project

ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
DEFAULTS = {name: one.get("default", "") for name, one in ACTION["inputs"].items()}
LIB = "import requests\n\ndef fetch():\n    return requests.get('http://x', timeout=5).json()\n"
OLD = """
from fastapi import FastAPI
import lib
app = FastAPI()

@app.get("/old")
async def old():
    return lib.fetch()
"""
NEW = '\n@app.get("/new")\nasync def new():\n    return lib.fetch()\n'


@dataclass
class Runner:
    """A job that runs the action in a clone."""

    temporary: Path
    action: Path
    clone: Path
    event: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    stdout: str = ""
    code: int = 0

    def run(self, *, skip: str = "install", **inputs: str) -> None:
        """Run the steps that are scripts, until one fails."""
        given = DEFAULTS | inputs
        for step in ACTION["runs"]["steps"]:
            if "run" in step and step.get("id") != skip and self.code == 0:
                self._step(step, given)

    def _step(self, step: dict[str, Any], inputs: dict[str, str]) -> None:
        assert step["shell"] == "bash"
        assert "${{" not in step["run"], "what others write is handed over in the environment"
        output = self.temporary / f"output-{step['id']}"
        output.write_text("")
        environment = {
            "GITHUB_OUTPUT": str(output),
            "GITHUB_ACTION_PATH": str(self.action),
            "GITHUB_STEP_SUMMARY": str(self.temporary / "summary.md"),
            "RUNNER_TEMP": str(self.temporary),
            "GITHUB_REF": self.event.get("ref", "refs/heads/main"),
            "GITHUB_SHA": self.event.get("sha", ""),
            **{name: self._filled(str(text), inputs) for name, text in step["env"].items()},
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
            cwd=self.clone / self._filled(step.get("working-directory", "."), inputs),
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        self.code, self.stdout = done.returncode, done.stdout + done.stderr
        lines = output.read_text().splitlines()
        self.outputs[step["id"]] = dict(line.split("=", 1) for line in lines)

    def _filled(self, text: str, inputs: dict[str, str]) -> str:
        """A text of the environment, with the expressions in it as GitHub evaluates them."""

        def value(match: re.Match[str]) -> str:
            match match[1].split("."):
                case ["inputs", name]:
                    return inputs[name]
                case ["steps", step, "outputs", name]:
                    return self.outputs.get(step, {}).get(name, "")
            assert match[1] == "github.event.pull_request.base.sha || github.event.merge_group.base_sha"
            return self.event.get("base", "")

        return re.sub(r"\$\{\{ (.+?) \}\}", value, text)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """A runner that has gone through the step which installs this project."""
    folder = tmp_path_factory.mktemp("action")
    runner = Runner(folder, copy_project(folder / "action"), folder)
    runner.run(skip="", python=sys.executable)
    assert "command" in runner.outputs["install"], runner.stdout
    return runner


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """A repository with an old finding on main, a pull request that adds one, and its merge, while main went on."""
    folder = project(tmp_path / "work", main=OLD, lib=LIB)
    commit_all(folder, "old")
    git(folder, "checkout", "-qb", "feature")
    (folder / "main.py").write_text(OLD + NEW)
    commit_all(folder, "new endpoint")
    git(folder, "checkout", "-q", "main")
    project(folder, later=OLD.replace("lib.fetch()", "lib.fetch(), 1"))
    commit_all(folder, "main goes on")
    git(folder, "checkout", "-qb", "merged")
    git(folder, "merge", "-q", "--no-ff", "feature", "-m", "merge")
    git(folder, "update-ref", "refs/pull/1/merge", "HEAD")
    git(folder, "checkout", "-q", "main")
    git(folder, "config", "uploadpack.allowReachableSHA1InWant", "true")
    return folder


def check_out(runner: Runner, remote: Path, tmp_path: Path, ref: str, *options: str) -> Runner:
    """A clone of one commit, as `actions/checkout` makes it."""
    clone = tmp_path / "clone"
    clone.mkdir()
    git(clone, "init", "-q")
    git(clone, "remote", "add", "origin", f"file://{remote}")
    git(clone, "fetch", "-q", "--no-tags", *(options or ("--depth=1",)), "origin", f"+{ref}:refs/remotes/pull/1")
    git(clone, "checkout", "-q", "--force", "refs/remotes/pull/1")
    event = {"ref": "refs/pull/1/merge", "sha": git(remote, "rev-parse", "merged")}
    event["base"] = git(remote, "rev-parse", "main")
    return Runner(runner.temporary, runner.action, clone, event, {"install": runner.outputs["install"]})


def annotated(runner: Runner) -> list[str]:
    return re.findall(r"^::error .*?file=(.*?),line=(?:\d+)", runner.stdout, re.MULTILINE)


@pytest.mark.parametrize("depth", ["--depth=1", "--depth=2", "--depth=3", "--depth=50"])
def test_a_merge_is_compared_with_the_branch_that_it_goes_into(
    installed: Runner, remote: Path, tmp_path: Path, depth: str
) -> None:
    runner = check_out(installed, remote, tmp_path, "refs/pull/1/merge", depth)
    before = git(runner.clone, "rev-list", "HEAD").splitlines()
    runner.run()
    assert set(before) <= set(git(runner.clone, "rev-list", "HEAD").splitlines()), "no history is lost"
    assert runner.outputs["since"]["commit"] == git(remote, "rev-parse", "main"), runner.stdout
    assert runner.code == 1
    assert annotated(runner) == ["lib.py"]


@pytest.mark.parametrize("depth", ["--depth=1", "--depth=50"])
def test_a_branch_is_compared_with_what_it_has_in_common(
    installed: Runner, remote: Path, tmp_path: Path, depth: str
) -> None:
    runner = check_out(installed, remote, tmp_path, "refs/heads/feature", depth)
    runner.run()
    assert runner.outputs["since"]["commit"] == git(remote, "rev-parse", "main"), runner.stdout
    assert (runner.code, annotated(runner)) == (1, ["lib.py"]), runner.stdout


def test_a_branch_whose_last_commit_is_a_merge_is_a_branch(installed: Runner, remote: Path, tmp_path: Path) -> None:
    git(remote, "checkout", "-q", "feature")
    git(remote, "merge", "-q", "main", "-m", "main into feature")
    runner = check_out(installed, remote, tmp_path, "refs/heads/feature")
    runner.run()
    assert runner.outputs["since"]["commit"] == git(remote, "rev-parse", "main"), runner.stdout
    assert (runner.code, annotated(runner)) == (1, ["lib.py"]), runner.stdout


def test_a_pull_request_without_new_findings_passes(installed: Runner, remote: Path, tmp_path: Path) -> None:
    git(remote, "checkout", "-q", "-B", "merged", "main")
    git(remote, "commit", "-q", "--allow-empty", "-m", "nothing")
    git(remote, "update-ref", "refs/pull/1/merge", "HEAD")
    runner = check_out(installed, remote, tmp_path, "refs/pull/1/merge")
    runner.event["ref"] = "refs/heads/merged"
    runner.run()
    assert (runner.code, annotated(runner)) == (0, []), runner.stdout


def test_everything_is_reported_on_demand_and_without_a_pull_request(
    installed: Runner, remote: Path, tmp_path: Path
) -> None:
    runner = check_out(installed, remote, tmp_path, "refs/pull/1/merge")
    runner.run(since="all")
    assert runner.outputs["since"]["commit"] == ""
    everything = annotated(runner)
    runner.code, runner.event = 0, {}
    runner.run()
    assert everything == annotated(runner) == ["lib.py"]


def test_options_and_paths_are_handed_on(installed: Runner, remote: Path, tmp_path: Path) -> None:
    runner = check_out(installed, remote, tmp_path, "refs/pull/1/merge")
    runner.run(since="all", args="--ignore FM101 --statistics", paths="main.py\nlib.py")
    assert (runner.code, runner.stdout) == (0, "")


def test_lines_of_options_and_paths_are_all_handed_on(installed: Runner, remote: Path, tmp_path: Path) -> None:
    (remote / "a folder").mkdir()
    (remote / "a folder/other.py").write_text(OLD.replace("lib.fetch()", "time.sleep(1)").replace("lib", "time"))
    commit_all(remote)
    runner = check_out(installed, remote, tmp_path, "refs/heads/main")
    runner.run(since="all", args="--select\nFM1,FM2\n--ignore FM101\n", paths="\nmain.py\na folder\n")
    assert annotated(runner) == ["a folder/other.py"], runner.stdout


@pytest.mark.parametrize("since", ["origin/main", "COMMIT"])
def test_a_commit_that_is_named_is_fetched(installed: Runner, remote: Path, tmp_path: Path, since: str) -> None:
    runner = check_out(installed, remote, tmp_path, "refs/heads/feature")
    runner.run(since=git(remote, "rev-parse", "main") if since == "COMMIT" else since)
    assert (runner.code, annotated(runner)) == (1, ["lib.py"]), runner.stdout


def test_a_checkout_of_the_base_is_warned_of(installed: Runner, remote: Path, tmp_path: Path) -> None:
    runner = check_out(installed, remote, tmp_path, "refs/heads/main")
    runner.event["ref"] = "refs/heads/main"
    runner._step(next(step for step in ACTION["runs"]["steps"] if step.get("id") == "since"), DEFAULTS)
    assert runner.stdout.startswith("::warning title=fastmigrate::what is checked out is the branch")


def test_the_repository_may_be_checked_out_elsewhere(installed: Runner, remote: Path, tmp_path: Path) -> None:
    runner = check_out(installed, remote, tmp_path, "refs/pull/1/merge")
    runner.clone = tmp_path
    runner.run(**{"working-directory": "clone"})
    assert (runner.code, annotated(runner)) == (1, ["lib.py"]), runner.stdout


def test_sarif_is_for_code_scanning(installed: Runner, remote: Path, tmp_path: Path) -> None:
    runner = check_out(installed, remote, tmp_path, "refs/pull/1/merge")
    runner.run(format="sarif")
    assert runner.code == 0, runner.stdout
    assert runner.outputs["since"]["commit"] == ""
    report = json.loads(Path(runner.outputs["check"]["sarif-file"]).read_text(encoding="utf-8"))
    jsonschema.validate(report, json.loads((ROOT / "tests/schemas/sarif-2.1.0.json").read_text(encoding="utf-8")))
    assert len(report["runs"][0]["results"]) == 1


def test_another_format_is_refused(installed: Runner, remote: Path, tmp_path: Path) -> None:
    runner = check_out(installed, remote, tmp_path, "refs/pull/1/merge")
    runner.run(format="xml")
    assert runner.code == 2
    assert "::error title=fastmigrate::the format is annotations or sarif, not xml" in runner.stdout


def test_all_that_steps_name_is_there() -> None:
    """GitHub takes an unknown input or output for an empty one."""
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"\binputs\.([\w-]+)", text)) == set(ACTION["inputs"])
    written = set(re.findall(r'echo "([\w-]+)=', text))
    assert set(re.findall(r"steps\.\w+\.outputs\.([\w-]+)", text)) == written
