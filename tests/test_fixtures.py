"""Each fixture project, migrated and run: the same answers, the same upstream requests, and a free event loop.

A fixture has a project `before`, its migrated form `after`, and a `scenario.toml`:

    app = "main:app"            uvicorn's name of the app; with "()" behind it, of its factory
    [environment]               variables for both apps; UPSTREAM is always set
    tls = true                  the upstream speaks TLS
    unsafe = true               fixed with --unsafe-fixes
    left = 1                    findings that are left after the fix (0 if not given)
    blocked = "/slow"           calls the upstream's /barrier: blocked before, free afterwards (a path, or a call)
    free = "/slow"              calls it, too: neither of them is blocked
    [crowds]                    paths that ask the upstream for something below /crowd, each with how many of their
                                requests are in flight at once, before and after
    [[call]]                    what is asked of both apps, in this order (the keys: RunningApp.call)
    send = ["…", "…"]           in a call: it opens a websocket, and sends these texts, each when the last was answered
    disconnect = true           in a call: it reads the start of the answer, and goes away
    at_once = true              in a call: the app asks its upstream for several things at once, in no certain order
    [answers."/path"]           what the upstream answers (the keys: Upstream); it echoes the request elsewhere

Where a project has tests of its own, they pass before and after, by the same names.

With `hold`, an answer of the upstream shows whether an app passes on what has arrived: both must, or neither. One that
is `endless` is for a call that disconnects, upon which the migrated app must let go of its upstream.
"""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.harness.app import Answer, RunningApp
from tests.harness.upstream import Recorded, Upstream
from tests.run import fastmigrate, outcomes

FIXTURES = Path(__file__).parent / "fixtures"
NAMES = sorted(path.name for path in FIXTURES.iterdir() if (path / "scenario.toml").is_file())
GATE = 4
SCHEMA = {"path": "/openapi.json"}


def scenario_of(name: str) -> dict[str, Any]:
    return tomllib.loads((FIXTURES / name / "scenario.toml").read_text(encoding="utf-8"))


def disconnecting(scenario: dict[str, Any]) -> list[dict[str, Any]]:
    return [call for call in scenario["call"] if call.get("disconnect")]


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize("name", NAMES)
def test_is_migrated_to_what_a_maintainer_would_write(name: str, tmp_path: Path) -> None:
    scenario = scenario_of(name)
    project = tmp_path / "project"
    shutil.copytree(FIXTURES / name / "before", project)
    unsafe = ["--unsafe-fixes"] if scenario.get("unsafe") else []

    run = fastmigrate("--fix", *unsafe, "--output-format", "json", cwd=project)

    assert files_of(project) == files_of(FIXTURES / name / "after"), run.stdout + run.stderr
    left = json.loads(run.stdout)["findings"]
    assert len(left) == scenario.get("left", 0), left
    assert run.code == (1 if left else 0)

    again = fastmigrate("--fix", *unsafe, "--output-format", "json", cwd=project)
    assert files_of(project) == files_of(FIXTURES / name / "after")
    assert json.loads(again.stdout)["changed"] == []
    assert json.loads(again.stdout)["findings"] == left


@pytest.mark.parametrize("name", NAMES)
def test_behaves_as_before(name: str) -> None:
    scenario = scenario_of(name)

    before, asked_before = behaviour(FIXTURES / name / "before", scenario)
    after, asked_after = behaviour(FIXTURES / name / "after", scenario)

    assert scenario["call"], "a scenario without calls proves nothing"
    for call, old, new in zip([*scenario["call"], SCHEMA], before, after, strict=True):
        assert new == old, call
    assert asked_after == asked_before
    assert asked_before, "the upstream was never asked"


@pytest.mark.parametrize("name", [name for name in NAMES if "blocked" in scenario_of(name)])
def test_frees_the_event_loop(name: str) -> None:
    scenario = scenario_of(name)

    blocked = statuses_at_once(FIXTURES / name / "before", scenario)
    free = statuses_at_once(FIXTURES / name / "after", scenario)

    assert b"gave up" in b"".join(answer.body for answer in blocked)
    assert [answer.status for answer in free] == [200] * GATE
    assert all(b"all arrived" in answer.body for answer in free)


@pytest.mark.parametrize("name", [name for name in NAMES if "free" in scenario_of(name)])
def test_keeps_the_event_loop_free(name: str) -> None:
    scenario = scenario_of(name)
    for form in ("before", "after"):
        free = statuses_at_once(FIXTURES / name / form, {**scenario, "blocked": scenario["free"]})
        assert [answer.status for answer in free] == [200] * GATE
        assert all(b"all arrived" in answer.body for answer in free)


@pytest.mark.parametrize("name", [name for name in NAMES if "crowds" in scenario_of(name)])
@pytest.mark.parametrize("form", ["before", "after"])
def test_has_as_many_calls_in_flight_as_its_pools_had_threads(name: str, form: str) -> None:
    scenario = scenario_of(name)
    with running(FIXTURES / name / form, scenario) as (app, upstream):
        for path, crowd in scenario["crowds"].items():
            upstream.crowd, upstream.peak = crowd, 0
            assert app.call({"path": path}).status == 200
            assert upstream.peak == crowd, path


# Only `after`: where requests streams, its connection stays open until the garbage collector finds it.
@pytest.mark.parametrize("name", [name for name in NAMES if disconnecting(scenario_of(name))])
def test_lets_go_of_its_upstream_when_its_caller_goes_away(name: str) -> None:
    scenario = scenario_of(name)
    with running(FIXTURES / name / "after", scenario) as (app, upstream):
        for call in disconnecting(scenario):
            upstream.abandoned.clear()
            app.call(call)
            assert upstream.is_abandoned(), f"{call}: the app still holds its connection to the upstream"


@pytest.mark.parametrize("name", [name for name in NAMES if any((FIXTURES / name / "before").rglob("test_*.py"))])
def test_passes_its_own_tests(name: str, tmp_path: Path) -> None:
    with Upstream() as upstream:
        before, after = (
            outcomes(shutil.copytree(FIXTURES / name / form, tmp_path / form), {"UPSTREAM": upstream.url})
            for form in ("before", "after")
        )
    assert set(before.values()) == {"PASSED"}
    assert after == before


def behaviour(folder: Path, scenario: dict[str, Any]) -> tuple[list[Answer], list[Recorded]]:
    """What an app answers to the calls, and what it asks its upstream; its schema stands among the answers, too."""
    calls = [*scenario["call"], SCHEMA]
    with running(folder, scenario) as (app, upstream):
        answers: list[Answer] = []
        for call in calls:
            first = len(upstream.recorded)
            answers.append(app.call(call, upstream.passed_on.set))
            if call.get("at_once"):
                upstream.recorded[first:] = sorted(upstream.recorded[first:], key=repr)
        url = upstream.url.encode()
        return [replace(answer, body=answer.body.replace(url, b"UPSTREAM")) for answer in answers], upstream.recorded


def statuses_at_once(folder: Path, scenario: dict[str, Any]) -> list[Answer]:
    with running(folder, scenario) as (app, _):
        app.call({"path": "/openapi.json"})
        blocked = scenario["blocked"]
        return app.call_at_once({"path": blocked} if isinstance(blocked, str) else blocked, GATE)


@contextmanager
def running(folder: Path, scenario: dict[str, Any]) -> Iterator[tuple[RunningApp, Upstream]]:
    with Upstream(scenario.get("answers", {}), GATE, tls=scenario.get("tls", False)) as upstream:
        environment = {"UPSTREAM": upstream.url, **scenario.get("environment", {})}
        with RunningApp(folder, scenario["app"], environment) as app:
            try:
                yield app, upstream
            finally:
                upstream.end_streams()
