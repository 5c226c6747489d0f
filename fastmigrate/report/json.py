"""Results as one JSON object (version 1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import asdict

from fastmigrate.edits import TextEdit
from fastmigrate.model import Finding
from fastmigrate.report.dumps import dumps
from fastmigrate.report.paths import shown
from fastmigrate.result import Result

__all__ = ["json_report"]


def json_report(results: Sequence[Result]) -> str:
    """All results in one object."""
    findings = [_finding(finding, result) for result in results for finding in result.findings]
    fixed = [_finding(finding, result) for result in results for finding in result.fixed]
    held = sum(1 for finding in findings if finding["fix"]["applicability"] == "none")
    report = {
        "version": 1,
        "findings": findings,
        "fixed": fixed,
        "changed": sorted(shown(result.root / path) for result in results for path in result.changes),
        "unused_suppressions": [
            {"path": shown(result.root / path), "line": comment.line, "codes": sorted(comment.codes)}
            for result in results
            for path, comment in result.unused
        ],
        **_of_baseline(results),
        "summary": {
            "files": sum(result.files for result in results),
            "findings": len(findings),
            "fixed": len(fixed),
            "held": held,
        },
    }
    return dumps(report)


def _of_baseline(results: Sequence[Result]) -> dict[str, Any]:
    compared = [result.comparison for result in results if result.comparison is not None]
    if not compared:
        return {}
    known = sum(len(one.known) for one in compared)
    return {"baseline": {"known": known, "gone": [asdict(entry) for one in compared for entry in one.gone]}}


def _finding(finding: Finding, result: Result) -> dict[str, Any]:
    place, root = finding.place, result.root
    return {
        "code": finding.code,
        "name": finding.name,
        "message": finding.message,
        "path": shown(root / finding.path),
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line,
        "end_column": place.end_column,
        "endpoints": [
            {"name": e.name, "route": e.route, "path": shown(root / e.path), "line": e.line} for e in finding.endpoints
        ],
        "chain": [
            {"name": hop.name, "path": shown(root / hop.path), "line": hop.line, "column": hop.column}
            for hop in finding.chain
        ],
        "fix": {"applicability": finding.fix.applicability, "reason": finding.fix.reason},
        "edits": {shown(root / path): [asdict(e) for e in edits] for path, edits in _edits(finding, result).items()},
    }


def _edits(finding: Finding, result: Result) -> Mapping[str, Sequence[TextEdit]]:
    return result.edits.get(finding, {})
