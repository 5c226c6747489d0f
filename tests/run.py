"""Runs the command as a user does: in a process of its own."""

from __future__ import annotations

import os
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
