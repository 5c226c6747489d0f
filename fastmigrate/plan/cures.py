"""Cures: the goals that are reached once findings are fixed."""

from __future__ import annotations

from collections.abc import Callable

from fastmigrate.model import Finding
from fastmigrate.plan.goals import (
    ClientMoved,
    ClientShared,
    Goal,
    LibraryDeclared,
    LifespanDecorated,
    Offloaded,
    PassedFunction,
    PoolReplaced,
    Slept,
    TaskImported,
    TestClientEntered,
    ThroughClient,
)
from fastmigrate.project.values import Scope

__all__ = ["CURES", "goal_of", "key_of"]

CURES: dict[str, Callable[[str, int], Goal]] = {
    "FM101": ThroughClient,
    "FM102": ThroughClient,
    "FM103": ThroughClient,
    "FM104": Slept,
    "FM201": PoolReplaced,
    "FM202": Offloaded,
    "FM301": ClientShared,
    "FM302": ClientMoved,
    "FM403": PassedFunction,
    "FM501": TestClientEntered,
    "FM601": LibraryDeclared,
}
"""What has to be reached for the findings of each rule about calls."""


def goal_of(finding: Finding) -> Goal | None:
    """The goal that is reached once a finding is fixed; None if there is none."""
    if finding.imported is not None:
        return TaskImported(finding.path, *finding.imported)
    if finding.function is not None:
        return LifespanDecorated(Scope(finding.path, finding.function))
    cure = CURES.get(finding.code)
    return None if finding.call is None or cure is None else cure(finding.path, finding.call)


def key_of(finding: Finding) -> tuple[str, str, int | None, tuple[str, str] | str | None]:
    """What tells a finding from all others of its rule and its file."""
    return finding.code, finding.path, finding.call, finding.imported or finding.function
