"""Results as a Code Quality report of GitLab."""

from __future__ import annotations

from collections.abc import Sequence

from fastmigrate.report.dumps import dumps
from fastmigrate.report.fingerprints import fingerprints
from fastmigrate.report.paths import shown
from fastmigrate.result import Result

__all__ = ["gitlab_report"]


def gitlab_report(results: Sequence[Result]) -> str:
    """A JSON array with one issue for each finding."""
    hashes = fingerprints(results)
    issues = [
        {
            "description": f"{finding.code} {finding.message}",
            "check_name": finding.code,
            "fingerprint": hashes[index, finding],
            "severity": "major",
            "location": {
                "path": shown(result.root / finding.path),
                "positions": {
                    "begin": {"line": finding.place.line, "column": finding.place.column},
                    "end": {"line": finding.place.end_line, "column": finding.place.end_column},
                },
                "lines": {"begin": finding.place.line, "end": finding.place.end_line},
            },
        }
        for index, result in enumerate(results)
        for finding in result.findings
    ]
    return dumps(issues)
