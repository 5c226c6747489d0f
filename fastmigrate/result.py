"""What a run comes to, for one project: findings, fixes and changes, from which reports are made."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fastmigrate.sources import SourceError, Sources

if TYPE_CHECKING:
    from fastmigrate.baseline import Comparison, Entry
    from fastmigrate.edits import TextEdit
    from fastmigrate.model import Finding
    from fastmigrate.suppress import Suppression
    from fastmigrate.write import Change

__all__ = ["Result"]


@dataclass(slots=True)
class Result:
    """What is left of the findings, what was fixed, and the files that this changes, by path below the root."""

    root: Path
    files: int
    findings: list[Finding]
    sources: Sources
    fixed: list[Finding] = field(default_factory=list)
    changes: dict[str, Change] = field(default_factory=dict)
    library: str = "httpx"
    undeclared: list[str] = field(default_factory=list)  # changed files that import the library, which nothing declares
    declared: list[str] = field(default_factory=list)  # files to which it was added
    by_hand: list[str] = field(default_factory=list)  # files to which it has to be added by hand
    stale: list[str] = field(default_factory=list)  # lock files beside them
    edits: dict[Finding, dict[str, list[TextEdit]]] = field(default_factory=dict)  # of each fix, by file
    outlines: dict[Finding, str] = field(default_factory=dict)  # what each fix would do, in words
    coming: Counter[str] = field(default_factory=Counter)  # by code, what a patch would bring with it: stale tests, say
    unused: list[tuple[str, Suppression]] = field(default_factory=list)  # comments that silence nothing, by file
    comparison: Comparison | None = None  # with the baseline
    entries: list[Entry] = field(default_factory=list)  # for what is left, in the baseline that is to be written

    def text(self, path: str) -> str:
        """The text of a file, in which the findings stand; none, if it cannot be decoded."""
        try:
            return self.sources.decode(path).text
        except SourceError:
            return ""

    def line(self, path: str, number: int) -> str:
        """A line of a file, without its end."""
        try:
            lines = self.sources.lines(path)
        except SourceError:
            return ""
        return lines[number - 1].rstrip("\r\n") if number <= len(lines) else ""

    def take_all_for_known(self) -> None:
        """The findings that are left are in the baseline by now, but for files that cannot be read."""
        assert self.comparison is not None
        known = [finding for finding in self.findings if finding.is_in_code]
        self.findings = [finding for finding in self.findings if not finding.is_in_code]
        self.comparison = type(self.comparison)(self.comparison.file, known=known)
