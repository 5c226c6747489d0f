"""Results as workflow commands of GitHub Actions, and as the summary of the job."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from fastmigrate.model import Finding
from fastmigrate.report.lines import visible
from fastmigrate.report.paths import shown
from fastmigrate.result import Result

__all__ = ["github_report"]

_SHOWN = 10  # annotations of each kind that a step may have


def github_report(results: Sequence[Result]) -> str:
    """An annotation for each finding; all of them go to the summary of the job, too, where there is one."""
    findings = [(finding, result) for result in results for finding in result.findings]
    lines = [_annotation(finding, result) for finding, result in findings]
    if len(findings) > _SHOWN:
        more = (
            f"{len(findings)} findings, of which GitHub shows the first {_SHOWN}: the summary of the job has them all"
        )
        lines.append(f"::notice title=fastmigrate::{more}")
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary and findings:
        with Path(summary).open("a", encoding="utf-8", errors="surrogateescape") as file:
            file.write(_summary(findings))
    return "".join(f"{line}\n" for line in lines)


def _annotation(finding: Finding, result: Result) -> str:
    place, path = finding.place, shown(result.root / finding.path)
    where = [f"file={_property(path)}", f"line={place.line}", f"endLine={place.end_line}", f"col={place.column}"]
    if place.end_line == place.line:  # columns count only within one line
        where.append(f"endColumn={place.end_column}")
    title = _property(f"fastmigrate ({finding.code})")
    way = [f"{hop.name} ({shown(result.root / hop.path)}:{hop.line})" for hop in finding.chain]
    text = "\n".join(
        [f"{path}:{place.line}:{place.column}: {finding.code} {finding.message}", *_ways(way), _fix(finding)]
    )
    return f"::error title={title},{','.join(where)}::{_data(text)}"


def _ways(way: list[str]) -> list[str]:
    return [f"  {' -> '.join(way)}"] if len(way) > 1 else []


def _fix(finding: Finding) -> str:
    match finding.fix.applicability:
        case "safe":
            return "  fix: fastmigrate --fix"
        case "unsafe":
            return f"  fix: fastmigrate --fix --unsafe-fixes ({finding.fix.reason})"
    return f"  no fix: {finding.fix.reason}"


def _summary(findings: Sequence[tuple[Finding, Result]]) -> str:
    """A Markdown table."""
    rows = [
        f"| {f.code} | `{shown(r.root / f.path)}:{f.place.line}` | {_cell(f.message)} | {_cell(_fix(f).strip())} |\n"
        for f, r in findings
    ]
    head = "### fastmigrate\n\n| code | where | what | fix |\n|---|---|---|---|\n"
    return f"{head}{''.join(rows)}\n"


def _cell(text: str) -> str:
    return visible(text.replace("\n", " ")).replace("|", "\\|")


def _data(text: str) -> str:
    return "%0A".join(visible(line).replace("%", "%25") for line in text.split("\n"))


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
