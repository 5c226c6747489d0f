"""What a long run tells: stages with `-v`, a bar in terminals, and an end at once on Ctrl-C."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fastmigrate import progress
from tests.projects import project
from tests.run import fastmigrate

APP = """
import requests
from fastapi import FastAPI

app = FastAPI()

@app.get("/{number}")
async def read(number: int):
    return requests.get("http://x", timeout=5).text
"""


def stages(stderr: str) -> list[str]:
    """The stages that were told, without their times."""
    return [re.sub(r"^ *\d+\.\d\d s  ", "", line) for line in stderr.splitlines()]


def test_stages_are_told_on_stderr(tmp_path: Path) -> None:
    project(tmp_path, main=APP, other="x = 1\n")
    run = fastmigrate("-v", cwd=tmp_path)
    assert stages(run.stderr) == [
        f"{tmp_path}:",
        "listing files",
        "looking for changes",
        "2 of 2 files can matter",
        "1 of 2 files read",
        "1 finding in all files, by all rules",
        "fixes planned with httpx",
    ]
    again = fastmigrate("-v", cwd=tmp_path)
    assert stages(again.stderr)[2:] == ["nothing has changed since the last look"]
    assert run.stdout == again.stdout == fastmigrate("--no-cache", cwd=tmp_path).stdout


def test_a_fix_tells_that_it_is_checked(tmp_path: Path) -> None:
    project(tmp_path, main=APP)
    told = stages(fastmigrate("--fix", "--verbose", cwd=tmp_path).stderr)
    assert told[told.index("fixes planned with httpx") + 1 :][:2] == [
        "1 file rewritten",
        "checking the migrated project:",
    ]


def test_nothing_is_told_unless_it_is_asked_for(tmp_path: Path) -> None:
    project(tmp_path, main=APP)
    assert fastmigrate("--fix", cwd=tmp_path).stderr == ""


@pytest.mark.parametrize("redirection", ["2>&-", ">&-", ">&- 2>&-"])
def test_streams_may_be_closed(tmp_path: Path, redirection: str) -> None:
    project(tmp_path, main=APP)
    command = f"exec {sys.executable} -m fastmigrate -v {redirection}"
    run = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stdout == (fastmigrate(cwd=tmp_path).stdout if redirection == "2>&-" else "")
    assert "internal error" not in run.stderr


def test_stages_have_their_own_totals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_PATIENCE", 3600)
    with progress.Progress(bar=True) as shown:
        shown._start()
        assert shown._bar is not None
        for doing, total in (("looking", 16), ("planning", None), ("rewriting", 3)):
            with shown.stage(doing, total) as stage:
                stage.step()
                task = shown._bar.tasks[0]
                assert (task.description, task.total, task.completed) == (doing, total, 1)


BAR = """
import sys
from fastmigrate import progress

progress._PATIENCE = {patience}
with progress.Progress(bar=True) as shown, shown.stage("rewriting files", 3) as stage:
    stage.step()
    sys.stdin.readline()
"""


@pytest.mark.parametrize("patience", [0, 3600])
def test_a_bar_is_there_once_it_takes_long(patience: int) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", BAR.format(patience=patience)],
        stdin=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
    ) as process:
        os.close(theirs)
        got = b""
        while patience == 0 and b"1/3" not in got:
            got += os.read(ours, 65536)
        process.communicate(b"\n", timeout=60)
        try:
            while part := os.read(ours, 65536):
                got += part
        except OSError:
            pass
    os.close(ours)
    assert process.returncode == 0
    assert (b"rewriting files" in got) == (patience == 0)
    if patience == 0:  # and gone in the end: its line is erased, and the cursor is there again
        assert got.rindex(b"\x1b[2K") > got.rindex(b"rewriting files")
        assert b"\x1b[?25h" in got


def test_ctrl_c_ends_a_run_at_once(tmp_path: Path) -> None:
    project(tmp_path, **{f"app{number}": APP for number in range(150)})
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with subprocess.Popen(
        [sys.executable, "-c", f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n{RUN}"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        assert any("listing files" in line for line in lines)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stdout == ""
    assert stderr.endswith("fastmigrate: interrupted; no file is left half written\n")
    assert "rewritten" not in stderr
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


RUN = "from fastmigrate.cli import main; main(['--fix', '-v'])"
