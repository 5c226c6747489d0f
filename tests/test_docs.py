"""What the documentation says is what the program knows."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fastmigrate.config import FORMATS, KEYS
from fastmigrate.knowledge.page import page
from fastmigrate.rules import all_rules
from tests.projects import findings

ROOT = Path(__file__).parent.parent


def test_pages_are_what_the_code_says() -> None:
    pages = runpy.run_path(str(ROOT / "docs/pages.py"))["pages"]()
    there = {path: (ROOT / "docs" / path).read_text(encoding="utf-8") for path in pages}
    assert there == pages, "run `python docs/pages.py`"
    assert {path.name for path in (ROOT / "docs/rules").iterdir()} == {Path(path).name for path in pages if "/" in path}


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-d", tmp_path / "trees"]
    run = subprocess.run([*command, ROOT / "docs", tmp_path / "site"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "blocking-requests-call" in (tmp_path / "site/rules/FM101.html").read_text(encoding="utf-8")


def test_files_that_the_readme_leads_to_are_there() -> None:
    leads = re.findall(r"\]\((?!http)([^)#]+)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert [path for path in leads if not (ROOT / path).exists()] == []


def test_every_rule_is_named_in_the_readme() -> None:
    assert set(re.findall(r"\bFM\d{3}\b", (ROOT / "README.md").read_text(encoding="utf-8"))) >= all_rules().keys()


def test_measurements_that_the_tables_name_are_there() -> None:
    facts = (ROOT / "docs/facts/requests-to-httpx.md").read_text(encoding="utf-8")
    there = set(re.findall(r"^\|\s*(\d+\.\d+)\s*\|", facts, re.MULTILINE)) | set(
        re.findall(r"^###? (\d+(?:\.\d+)?)", facts, re.MULTILINE)
    )
    last = [line.rpartition(" | ")[2] for line in page().splitlines()]
    named = {fact for column in last for fact in re.findall(r"(\d+(?:\.\d+)?)(?=,| \||$)", column)}
    assert named <= there, named - there


def test_every_format_is_documented() -> None:
    text = (ROOT / "docs/formats.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE) == list(FORMATS)


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.+?`) \| ", text, re.MULTILINE)
    named = [key for row in rows for key in re.findall(r"`([a-z-]+)`", row)]
    assert sorted(named) == sorted(KEYS)


def test_every_case_of_the_comparison_is_in_its_table() -> None:
    cases = runpy.run_path(str(ROOT / "benchmarks/detection.py"))["CASES"]
    text = (ROOT / "docs/comparison.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+?) \| (found|silent) \|", text, re.MULTILINE)
    assert rows == [(case.name, "found" if case.finds else "silent") for case in cases]


@pytest.mark.parametrize(
    "case", runpy.run_path(str(ROOT / "benchmarks/detection.py"))["CASES"], ids=lambda case: case.name
)
def test_the_comparison_says_the_truth_of_us(case: Any, tmp_path: Path) -> None:
    runpy.run_path(str(ROOT / "benchmarks/detection.py"))["write"](case, tmp_path)
    assert bool(findings(tmp_path, "--select", "FM1,FM2")) == case.finds
