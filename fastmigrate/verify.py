"""A migration is checked in memory before a byte is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from fastmigrate.model import Finding

__all__ = ["VerificationError", "compare_findings", "key_of"]


class VerificationError(Exception):
    """The migrated project is not what was meant; the message says why, and `path` is the file where it shows."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path} {message}")
        self.path = path


_MOVING = frozenset({"FM303", "FM501", "FM502", "FM601"})
"""Rules whose findings go wherever a fix moves what they are about, or are about what a fix makes true."""


def compare_findings(before: Iterable[Finding], fixed: Iterable[Finding], after: Iterable[Finding]) -> None:
    """The findings that were fixed are gone, and there is none that was not there before; else VerificationError."""
    expected = _counted(before) - _counted(fixed)
    left = _counted(after)
    for key in left - expected:
        raise VerificationError(key[1], f"would still have, or newly have, {key[0]}")
    for key in expected - left:
        raise VerificationError(key[1], f"would lose {key[0]}, which was not to be fixed")


def _counted(findings: Iterable[Finding]) -> Counter[tuple[str, str, str]]:
    return Counter(key_of(finding) for finding in findings if finding.code not in _MOVING)


def key_of(finding: Finding) -> tuple[str, str, str]:
    """What a finding has in common with itself after an edit that moves it."""
    return finding.code, finding.path, finding.message.partition(":")[0]
