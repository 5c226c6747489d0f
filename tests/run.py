"""Runs the command, and the tests of projects, as a user does: in processes of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """What a run of the command gave."""

    code: int
    stdout: str
    stderr: str
    raw: bytes


def fastmigrate(*args: str, cwd: Path, **environment: str) -> Run:
    """Run `python -m fastmigrate` in a folder."""
    done = subprocess.run(
        [sys.executable, "-m", "fastmigrate", *args],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )
    return Run(
        done.returncode,
        done.stdout.decode(errors="replace"),
        done.stderr.decode(errors="replace"),
        done.stdout,
    )


def outcomes(folder: Path, environment: dict[str, str] | None = None) -> dict[str, str]:
    """Run the tests of a project; their outcomes, by their names."""
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "-o", "addopts="],
        cwd=folder,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    found = dict(re.findall(r"^(\S+::\S+) (PASSED|FAILED|ERROR)", run.stdout, re.MULTILINE))
    assert found, run.stdout + run.stderr
    return found
