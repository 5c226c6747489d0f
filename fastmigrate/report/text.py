"""Results for people: each finding with its way from the endpoint, and a summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fastmigrate.report.excerpt import excerpt
from fastmigrate.report.lines import Line
from fastmigrate.report.paths import shown
from fastmigrate.wording import count

if TYPE_CHECKING:
    from fastmigrate.model import Finding
    from fastmigrate.result import Result

__all__ = ["concise_report", "statistics_report", "summary", "text_report"]


def text_report(results: Sequence[Result], *, written: bool = True) -> list[Line]:
    """Every finding with its source, its endpoints, its chain and what a fix would do, then the summary."""
    blocks = [line for result in results for finding in result.findings for line in _block(finding, result)]
    return [*blocks, *_plain(summary(results, written=written))]


def concise_report(results: Sequence[Result]) -> list[Line]:
    """A line for each finding, then the summary."""
    lines = [_headline(finding, result.root) for result in results for finding in result.findings]
    return [*lines, *_plain(summary(results))]


def statistics_report(results: Sequence[Result]) -> list[Line]:
    """How many findings there are of each rule and how many of them have which fix, then the summary."""
    return _plain([*_statistics(results), *summary(results)])


def _plain(lines: Iterable[str]) -> list[Line]:
    return [[(line, "")] for line in lines]


def _statistics(results: Sequence[Result]) -> Iterator[str]:
    counts: Counter[tuple[str, str]] = Counter()
    fixes: Counter[tuple[str, str]] = Counter()
    for result in results:
        for finding in result.findings:
            counts[finding.code, finding.name] += 1
            fixes[finding.code, finding.fix.applicability] += 1
    for (code, name), number in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        safe, unsafe, held = (fixes[code, grade] for grade in ("safe", "unsafe", "none"))
        yield f"{number:6}  {code}  {name}  ({safe} safe, {unsafe} unsafe, {held} held)"


def summary(results: Sequence[Result], *, written: bool = True) -> Iterator[str]:
    """How many were fixed (or would be), how many are left, and why the rest is held."""
    findings = [finding for result in results for finding in result.findings]
    fixed = sum(len(result.fixed) for result in results)
    changed = sum(len(result.changes) for result in results)
    by_grade: dict[str, list[Finding]] = {"safe": [], "unsafe": [], "none": []}
    for finding in findings:
        by_grade[finding.fix.applicability].append(finding)
    if not findings and not fixed:
        new = "new " if any(result.comparison is not None for result in results) else ""
        yield f"No {new}findings in {count(sum(result.files for result in results), 'file')}."
    unreadable = sum(1 for finding in findings if not finding.is_in_code)
    safe, unsafe, held = (len(by_grade[grade]) for grade in ("safe", "unsafe", "none"))
    held -= unreadable
    parts = [f"{fixed} {'fixed' if written else 'would be fixed'} in {count(changed, 'file')}"] if fixed else []
    parts += [f"{safe} can be fixed with --fix"] if safe else []
    parts += [f"{held} held"] if held else []
    parts += [f"{unreadable} unreadable"] if unreadable else []
    parts += [f"{unsafe} {'needs' if unsafe == 1 else 'need'} --unsafe-fixes"] if unsafe else []
    if parts:
        yield f"{', '.join(parts)}." + (f" {count(len(findings), 'finding')} left." if findings else "")
    yield from _of_library(results, written=written)
    undeclared = [shown(result.root / path) for result in results for path in result.undeclared]
    if undeclared:
        library = next(result.library for result in results if result.undeclared)
        yield f"  note: {_first(undeclared)} now {_verb(undeclared)} {library}: declare it among the dependencies."
    for result in results:
        for path, comment in result.unused:
            what = f"that ignores {', '.join(sorted(comment.codes))}" if comment.codes else "names no rule, so it"
            yield f"  note: {shown(result.root / path)}:{comment.line}: the comment {what} silences nothing."
    coming = sum((result.coming for result in results), Counter[str]())
    if coming:
        codes = ", ".join(f"{code} ({number})" for code, number in sorted(coming.items()))
        yield f"  note: with these fixes come findings of what they make stale: {codes}."
    yield from _of_baseline(results)
    doubtful = (finding for result in results for finding in result.fixed if finding.fix.applicability == "unsafe")
    yield from _by_reason("look at" if written else "unsafe", doubtful)
    yield from _by_reason("held", (finding for finding in by_grade["none"] if finding.is_in_code))


def _of_baseline(results: Sequence[Result]) -> Iterator[str]:
    """What the baseline knows, what of it is gone, and which of its findings stall more than it says."""
    compared = [(result, result.comparison) for result in results if result.comparison is not None]
    known = sum(len(one.known) for _, one in compared)
    fixable = sum(finding.fix.applicability == "safe" for _, one in compared for finding in one.known)
    if known:
        could = f"; {fixable} could be fixed without it" if fixable else ""
        yield f"  note: {count(known, 'finding')} in the baseline{could}."
    for result, one in compared:
        for finding, names in one.grown.items():
            where = f"{shown(result.root / finding.path)}:{finding.place.line}"
            yield f"  note: {where} is in the baseline, but not for {', '.join(names)}."
    gone = [(one.file, entry) for _, one in compared for entry in one.gone]
    if gone:
        yield f"  note: {count(len(gone), 'finding')} of the baseline {'is' if len(gone) == 1 else 'are'} gone:"
        yield from (f"    {shown(file.parent / entry.path)}: {entry.code} {entry.call}" for file, entry in gone)
        yield f"    --write-baseline takes {'it' if len(gone) == 1 else 'them'} out."


def _by_reason(what: str, findings: Iterable[Finding]) -> Iterator[str]:
    """The reasons of findings, the most frequent ones first."""
    reasons = Counter(finding.fix.reason or "" for finding in findings)
    for reason, number in sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
        yield f"  {what} ({number}): {reason}"


def _of_library(results: Sequence[Result], *, written: bool) -> Iterator[str]:
    """Where the library was declared, and what is left to do for it."""
    for result in results:
        declared, by_hand, stale = (
            [shown(result.root / path) for path in paths] for paths in (result.declared, result.by_hand, result.stale)
        )
        if declared:
            verb = "was" if written else "would be"
            yield f"  note: {result.library} {verb} added to {' and '.join(declared)}."
        if by_hand:
            yield f"  note: declare {result.library} in {' and '.join(by_hand)}."
        if stale and declared:
            yield f"  note: {' and '.join(stale)} {'are' if len(stale) > 1 else 'is'} stale now: lock again."


def _block(finding: Finding, result: Result) -> Iterator[Line]:
    root = result.root
    yield _headline(finding, root)
    if finding.is_in_code:
        yield from excerpt(finding, result)
    for endpoint in finding.endpoints:
        route = endpoint.route or "not a path operation"
        yield [(f"    {route}", "bold"), (f"  {endpoint.name} ({shown(root / endpoint.path)}:{endpoint.line})", "")]
    if len(finding.chain) > 1:
        for hop in finding.chain:
            yield [("    -> ", "dim"), (f"{hop.name} ({shown(root / hop.path)}:{hop.line}:{hop.column})", "")]
    match finding.fix.applicability:
        case "safe":
            yield [("    fix: safe, with --fix", "green")]
        case "unsafe":
            yield [("    fix: unsafe, with --fix --unsafe-fixes", "yellow"), (f": {finding.fix.reason}", "")]
        case _:
            yield [("    no fix", "red"), (f": {finding.fix.reason}", "")]
    if finding in result.outlines:
        yield [(f"         it {result.outlines[finding]}", "")]
    yield []


def _headline(finding: Finding, root: Path) -> Line:
    where = f"{shown(root / finding.path)}:{finding.place.line}:{finding.place.column}: "
    return [(where, "bold"), (finding.code, "bold red"), (f" {finding.message}", "")]


def _first(paths: Sequence[str]) -> str:
    return paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"


def _verb(paths: Sequence[str]) -> str:
    return "needs" if len(paths) == 1 else "need"
