"""What the documentation says is what the program knows."""

from __future__ import annotations

import re
from pathlib import Path

from fastmigrate.config import FORMATS, KEYS
from fastmigrate.knowledge.page import page
from fastmigrate.rules import all_rules

ROOT = Path(__file__).parent.parent


def test_the_page_of_the_tables_is_that_of_the_tables() -> None:
    assert (ROOT / "docs/migrated.md").read_text(encoding="utf-8") == page(), (
        "run `python -m fastmigrate.knowledge > docs/migrated.md`"
    )


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


def test_every_setting_is_named_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [key for key in KEYS if f"`{key}`" not in text] == []
