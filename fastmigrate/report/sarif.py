"""Results as SARIF 2.1.0, as GitHub's code scanning takes it: see "SARIF support for code scanning" there."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any
from urllib.parse import quote

from fastmigrate import __version__
from fastmigrate.model import Finding
from fastmigrate.report.dumps import dumps
from fastmigrate.report.fingerprints import fingerprints, line_hashes
from fastmigrate.report.links import HOME, page_of
from fastmigrate.report.paths import shown
from fastmigrate.result import Result
from fastmigrate.rules import Rule, all_rules

__all__ = ["sarif_report"]

_TEXT = 1000  # characters that GitHub takes of a description
_HOPS = 100  # steps of a chain that it shows


def sarif_report(results: Sequence[Result]) -> str:
    """One run with all findings: each with the way from its endpoint, and its fix as replacements of lines."""
    codes = sorted({finding.code for result in results for finding in result.findings})
    hashes = fingerprints(results)
    run = {
        "tool": {
            "driver": {
                "name": "fastmigrate",
                "informationUri": HOME,
                "semanticVersion": __version__,
                "rules": [_rule(all_rules()[code]) for code in codes],
            }
        },
        "automationDetails": {"id": "fastmigrate/"},
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(finding, result, codes.index(finding.code), hashes[index, finding])
            for index, result in enumerate(results)
            for finding in result.findings
        ],
    }
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return dumps({"$schema": schema, "version": "2.1.0", "runs": [run]})


def _rule(rule: Rule) -> dict[str, Any]:
    what, why = (rule.section(title)[:_TEXT] for title in ("What it does", "Why is this bad"))
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": what},
        "fullDescription": {"text": why},
        "help": {"text": rule.doc, "markdown": rule.doc},
        "helpUri": page_of(rule.code),
        "defaultConfiguration": {"level": "error"},
        "properties": {"precision": "very-high", "problem.severity": "error", "tags": ["performance", "asyncio"]},
    }


def _result(finding: Finding, result: Result, rule: int, fingerprint: str) -> dict[str, Any]:
    place = finding.place
    end = place.end_column if place.end_line == place.line else None
    hashes = _hashes(result.text(finding.path))
    prints = {"fastmigrate/v1": fingerprint}
    if place.line <= len(hashes):
        prints["primaryLocationLineHash"] = hashes[place.line - 1]
    found: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": "error",
        "message": {"text": f"{finding.message}{_of_fix(finding)}"},
        "locations": [_location(result, finding.path, place.line, place.column, end)],
        "partialFingerprints": prints,
    }
    if len(finding.chain) > 1:
        steps = [
            {"location": {**_location(result, h.path, h.line, h.column), "message": {"text": h.name}}}
            for h in finding.chain[:_HOPS]
        ]
        found["codeFlows"] = [{"threadFlows": [{"locations": steps}]}]
    found["relatedLocations"] = [
        {**_location(result, e.path, e.line, 1), "id": number, "message": {"text": e.route or e.name}}
        for number, e in enumerate(finding.endpoints[:_HOPS])
    ]
    edits = result.edits.get(finding)
    if edits:
        changes = [
            {
                "artifactLocation": {"uri": _uri(result, path)},
                "replacements": [
                    {
                        "deletedRegion": {
                            "startLine": edit.line,
                            "startColumn": edit.column,
                            "endLine": edit.end_line,
                            "endColumn": edit.end_column,
                        },
                        "insertedContent": {"text": edit.text},
                    }
                    for edit in edits[path]
                ],
            }
            for path in edits
        ]
        how = "safe" if finding.fix.applicability == "safe" else f"unsafe: {finding.fix.reason}"
        found["fixes"] = [{"description": {"text": f"fastmigrate --fix ({how})"}, "artifactChanges": changes}]
    return found


def _of_fix(finding: Finding) -> str:
    match finding.fix.applicability:
        case "safe":
            return ". Fix: `fastmigrate --fix`"
        case "unsafe":
            return f". Fix: `fastmigrate --fix --unsafe-fixes` ({finding.fix.reason})"
    return f". No fix: {finding.fix.reason}" if finding.fix.reason else ""


def _location(result: Result, path: str, line: int, column: int, end: int | None = None) -> dict[str, Any]:
    region = {"startLine": line, "startColumn": column} | ({"endLine": line, "endColumn": end} if end else {})
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(result, path)}, "region": region}}


def _uri(result: Result, path: str) -> str:
    return quote(shown(result.root / path), errors="surrogateescape")


@cache
def _hashes(text: str) -> list[str]:
    return line_hashes(text)
