"""This project as others get it: its files in a repository, or in a folder from which it can be installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent
_FILES = ("pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml", "action.yml")


def copy_project(folder: Path) -> Path:
    """Put what is needed to install this project into a new folder."""
    shutil.copytree(ROOT / "fastmigrate", folder / "fastmigrate", ignore=shutil.ignore_patterns("__pycache__"))
    for name in _FILES:
        shutil.copy(ROOT / name, folder / name)
    return folder


def git(folder: Path, *args: str) -> str:
    """Run git there as a user with a name; what it prints."""
    identity = ["-c", "user.name=Tester", "-c", "user.email=tester@example.org"]
    settings = ["-c", "commit.gpgsign=false", "-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always"]
    done = subprocess.run(["git", *identity, *settings, *args], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def commit_all(folder: Path, message: str = "all") -> str:
    """Commit everything in a folder, which becomes a repository if it is none; the commit."""
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", message)
    return git(folder, "rev-parse", "HEAD")
