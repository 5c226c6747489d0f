"""Each rule's documentation is true: its example is flagged, its fix is what stands under "Use instead"."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from fastmigrate.rules import Rule, all_rules
from tests.projects import PYPROJECT
from tests.run import fastmigrate

SECTIONS = ["What it does", "Why is this bad", "Example", "Use instead", "Fix"]


@pytest.mark.parametrize("rule", all_rules().values(), ids=lambda rule: rule.code)
def test_documentation(rule: Rule, tmp_path: Path) -> None:
    assert rule.doc.splitlines()[0] == f"{rule.code} {rule.name}"
    assert re.findall(r"^(.+)\n-+$", rule.doc, re.MULTILINE) == SECTIONS
    example, instead = re.findall(r"```python\n(.*?)```", rule.doc, re.DOTALL)
    settings = re.findall(r"```toml\n(.*?)```", rule.doc, re.DOTALL)
    pyproject = tmp_path / "pyproject.toml"
    pyproject.write_text(settings[0] if settings else PYPROJECT)
    main = tmp_path / "main.py"

    main.write_text(example)
    chosen = [] if rule.is_on else ["--select", rule.code]
    run = fastmigrate("--fix", "--output-format", "json", *chosen, cwd=tmp_path)
    result = json.loads(run.stdout)
    assert [finding["code"] for finding in result["findings"] + result["fixed"]] == [rule.code]
    if result["fixed"]:
        assert main.read_text() == instead
        assert not settings or pyproject.read_text() == settings[1]

    main.write_text(instead)
    assert fastmigrate(*chosen, cwd=tmp_path).code == 0
