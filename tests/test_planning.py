"""Neither the order of files nor that of findings makes a difference to what is written."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from fastmigrate.plan.planner import Planner
from fastmigrate.project.project import Project
from fastmigrate.rewrite.rewriter import rewrite
from fastmigrate.rules import all_rules
from fastmigrate.sources import Sources

FIXTURES = Path(__file__).parent / "fixtures"
NAMES = ["a_shop", "twins_of_a_chain", "overridden_methods", "recursion", "response_through_two"]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "name", ["a_shop", "twins_of_a_chain", "overridden_methods", "recursion", "response_through_two"]
)
def test_order_does_not_matter(name: str, seed: int) -> None:
    folder, shuffle = FIXTURES / name / "before", random.Random(seed).shuffle
    sources = Sources(folder)
    shuffle(sources.paths)
    rules = list(all_rules().values())
    shuffle(rules)
    project = Project(sources)
    findings = [finding for rule in rules for finding in rule.find(project)]
    shuffle(findings)
    planner = Planner(project, findings)
    safe = [finding for finding in planner.judged() if finding.fix.applicability == "safe"]
    shuffle(safe)
    plan = planner.plan(safe)
    assert plan.intents
    for path, intents in plan.intents.items():
        after = FIXTURES / name / "after" / path
        assert rewrite(sources.decode(path).text, intents) == after.read_text(encoding="utf-8")
