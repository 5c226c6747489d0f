"""The lines of source in which a finding stands, with marks below what it is about."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING

from fastmigrate.report.lines import Line, visible

if TYPE_CHECKING:
    from fastmigrate.model import Finding
    from fastmigrate.result import Result

__all__ = ["excerpt"]

_LINES = 4  # of a call; of a longer one, the last lines are left out
_TAB = "    "
_LONG = 200  # characters of a call in its line
_AROUND = 100  # characters of its line on each side of it


def excerpt(finding: Finding, result: Result) -> Iterator[Line]:
    """The lines of a finding's place, as they stand but for tabs and control characters, each with its number; marks
    stand below the first one."""
    place = finding.place
    last = min(place.end_line, place.line + _LINES - 1)
    width = len(str(last))
    for number in range(place.line, last + 1):
        line = result.line(finding.path, number)
        start = place.column - 1 if number == place.line else 0
        end = place.end_column - 1 if number == place.end_line else len(line)
        before, marked, after = _cut(
            *(visible(p.replace("\t", _TAB)) for p in (line[:start], line[start:end], line[end:]))
        )
        yield [("    ", ""), (f"{number:{width}} |", "dim"), (f" {before}", ""), (marked, "bold"), (after, "")]
        if number == place.line:
            marks = (f" {' ' * _width(before)}{'^' * _width(marked)}", "bold red")
            yield [("    ", ""), (" " * width + " |", "dim"), marks]
    if last < place.end_line:
        yield [("    ", ""), (" " * width + " |", "dim"), (" ...", "dim")]


def _cut(before: str, marked: str, after: str) -> tuple[str, str, str]:
    """The parts of a line, without most of what would make it too long to look at."""
    if len(before) > _AROUND:
        before = f"...{before[-_AROUND:]}"
    if len(marked) > _LONG:
        marked = f"{marked[:_LONG]}..."
    return before, marked, after if len(after) <= _AROUND else f"{after[:_AROUND]}..."


def _width(text: str) -> int:
    """The cells that a text takes in a terminal."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
