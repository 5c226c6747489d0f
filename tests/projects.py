"""Small projects made on the spot."""

from __future__ import annotations

import json
from contextlib import chdir
from pathlib import Path
from textwrap import dedent
from typing import Any

from fastmigrate.config import load_config
from fastmigrate.pipeline import run_project
from fastmigrate.report.json import json_report
from tests.run import fastmigrate

PYPROJECT = '[project]\nname = "x"\nversion = "0"\n'


def project(folder: Path, **files: str) -> Path:
    """Write a project: `main` is `main.py`, `app__routes` or `app/routes` is `app/routes.py`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(PYPROJECT)
    for name, text in files.items():
        path = folder / f"{name if '/' in name else name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
    return folder


def findings(folder: Path, *options: str) -> list[dict[str, Any]]:
    """What the tool finds there; without options in this process, since starting one for each project takes long."""
    if options:
        run = fastmigrate("--output-format", "json", *options, cwd=folder)
        assert run.stderr == "", run.stderr
        asked: list[dict[str, Any]] = json.loads(run.stdout)["findings"]
        return asked
    with chdir(folder):
        settings = load_config(folder / "pyproject.toml", {})
        report = json_report([run_project(folder, [folder], settings)])
    found: list[dict[str, Any]] = json.loads(report)["findings"]
    return found


def only(folder: Path) -> dict[str, Any]:
    """The only finding there."""
    found = findings(folder)
    assert len(found) == 1, found
    return found[0]
