"""Both hooks, run by the real pre-commit in a repository of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.copies import commit_all, copy_project, git
from tests.projects import project
from tests.test_cli import MAIN


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """This project as it stands, committed to a repository that pre-commit can clone; and the commit."""
    folder = copy_project(tmp_path_factory.mktemp("hooks") / "fastmigrate")
    return folder, commit_all(folder)


def pre_commit(folder: Path, cache: Path, hook: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pre_commit", "run", hook, "--all-files"],
        cwd=folder,
        env={**os.environ, "PRE_COMMIT_HOME": str(cache)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_hooks(hooks: tuple[Path, str], tmp_path: Path) -> None:
    repository, revision = hooks
    folder = project(tmp_path / "project", main=MAIN)
    (folder / ".pre-commit-config.yaml").write_text(
        f"repos:\n- repo: {repository}\n  rev: {revision}\n  hooks:\n  - id: fastmigrate\n  - id: fastmigrate-fix\n"
    )
    commit_all(folder)

    checked = pre_commit(folder, tmp_path / "cache", "fastmigrate")
    assert checked.returncode == 1, checked.stdout + checked.stderr
    assert "main.py:10:12: FM101" in checked.stdout
    assert git(folder, "status", "--porcelain") == ""

    fixed = pre_commit(folder, tmp_path / "cache", "fastmigrate-fix")
    assert fixed.returncode == 1, fixed.stdout + fixed.stderr
    assert "files were modified by this hook" in fixed.stdout
    assert git(folder, "status", "--porcelain") == "M main.py"

    git(folder, "add", "-A")
    assert pre_commit(folder, tmp_path / "cache", "fastmigrate").returncode == 0
    assert pre_commit(folder, tmp_path / "cache", "fastmigrate-fix").returncode == 0


def test_a_hook_takes_options(hooks: tuple[Path, str], tmp_path: Path) -> None:
    """What is committed already is no concern of this hook; what is staged is."""
    repository, revision = hooks
    folder = project(tmp_path / "project", main=MAIN)
    (folder / ".pre-commit-config.yaml").write_text(
        f"repos:\n- repo: {repository}\n  rev: {revision}\n  hooks:\n  - id: fastmigrate\n    args: [--since, HEAD]\n"
    )
    commit_all(folder)
    assert pre_commit(folder, tmp_path / "cache", "fastmigrate").returncode == 0
    project(folder, other=MAIN)
    git(folder, "add", "-A")
    checked = pre_commit(folder, tmp_path / "cache", "fastmigrate")
    assert checked.returncode == 1
    assert "other.py:10:12: FM101" in checked.stdout
    assert "main.py" not in checked.stdout
