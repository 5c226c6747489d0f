"""Results as diagnostics of reviewdog."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastmigrate.model import Finding
from fastmigrate.report.dumps import dumps
from fastmigrate.report.links import HOME, page_of
from fastmigrate.report.paths import shown
from fastmigrate.result import Result

__all__ = ["rdjson_report"]


def rdjson_report(results: Sequence[Result]) -> str:
    """One object with a diagnostic for each finding; fixes that edit its file alone are suggestions."""
    diagnostics = [_diagnostic(finding, result) for result in results for finding in result.findings]
    report = {"source": {"name": "fastmigrate", "url": HOME}, "severity": "ERROR", "diagnostics": diagnostics}
    return dumps(report)


def _diagnostic(finding: Finding, result: Result) -> dict[str, Any]:
    place, path = finding.place, finding.path
    start = {"line": place.line, "column": _byte_column(result, path, place.line, place.column)}
    end = {"line": place.end_line, "column": _byte_column(result, path, place.end_line, place.end_column)}
    reason = f" ({finding.fix.reason})" if finding.fix.reason else ""
    found: dict[str, Any] = {
        "message": f"{finding.message}. Fix: {finding.fix.applicability}{reason}",
        "location": {"path": shown(result.root / path), "range": {"start": start, "end": end}},
        "severity": "ERROR",
        "code": {"value": finding.code, "url": page_of(finding.code)},
        "related_locations": [
            {
                "message": hop.name,
                "location": {
                    "path": shown(result.root / hop.path),
                    "range": {
                        "start": {"line": hop.line, "column": _byte_column(result, hop.path, hop.line, hop.column)}
                    },
                },
            }
            for hop in finding.chain[:-1]
        ],
    }
    edits = result.edits.get(finding, {})
    if set(edits) == {path}:  # a suggestion can edit nothing but the file of its diagnostic
        found["suggestions"] = [
            {
                "range": {
                    "start": {"line": edit.line, "column": edit.column},
                    "end": {"line": edit.end_line, "column": edit.end_column},
                },
                "text": edit.text,
            }
            for edit in edits[path]
        ]
    return found


def _byte_column(result: Result, path: str, line: int, column: int) -> int:
    """A column in bytes of UTF-8, from 1."""
    return len(result.line(path, line)[: column - 1].encode(errors="surrogateescape")) + 1
