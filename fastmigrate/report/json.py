"""Results as one JSON object (version 1)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastmigrate.model import Finding
from fastmigrate.pipeline import Result
from fastmigrate.report.paths import shown

__all__ = ["json_report"]


def json_report(results: Sequence[Result]) -> str:
    """All results in one object."""
    findings = [_finding(finding, result.root) for result in results for finding in result.findings]
    fixed = [_finding(finding, result.root) for result in results for finding in result.fixed]
    held = sum(1 for finding in findings if finding["fix"]["applicability"] == "none")
    report = {
        "version": 1,
        "findings": findings,
        "fixed": fixed,
        "changed": sorted(shown(result.root / path) for result in results for path in result.changes),
        "summary": {
            "files": sum(result.files for result in results),
            "findings": len(findings),
            "fixed": len(fixed),
            "held": held,
        },
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def _finding(finding: Finding, root: Path) -> dict[str, Any]:
    place = finding.place
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
    }
