"""The benchmark of what a migration is worth: that it measures, and never what."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_all_apps_are_served_before_and_after(tmp_path: Path) -> None:
    plot = tmp_path / "bars.svg"
    command = [sys.executable, "benchmarks/serving.py", "--rounds", "1", "--seconds", "0.3", "--plot", str(plot)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in (ROOT / "benchmarks/apps").iterdir())
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == names
    assert plot.read_text(encoding="utf-8").count("<rect") == 4 * len(names)
