"""The run, from paths to results: sources, project, findings, plan, changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pathspec import GitIgnoreSpec

from fastmigrate.config import Config
from fastmigrate.model import Finding, Fix
from fastmigrate.plan.planner import Planner
from fastmigrate.project.project import Project
from fastmigrate.rules import all_rules
from fastmigrate.sources import Sources
from fastmigrate.suppress import is_suppressed, read_suppressions
from fastmigrate.verify import VerificationError, compare_findings
from fastmigrate.write import Change

__all__ = ["Result", "run_project"]

_REPORT = "https://github.com/fastmigrate/fastmigrate-codemod/issues"


@dataclass(slots=True)
class Result:
    """What is left of the findings, what was fixed, and the files that this changes, by path below the root."""

    root: Path
    files: int
    findings: list[Finding]
    fixed: list[Finding] = field(default_factory=list)
    changes: dict[str, Change] = field(default_factory=dict)


@dataclass(slots=True)
class _Analysis:
    """One look at a project: all its findings, and those that the user asked for, each with its fix."""

    project: Project
    planner: Planner
    everything: list[Finding]
    chosen: list[Finding]


def run_project(root: Path, paths: Sequence[Path], config: Config) -> Result:
    """Analyse one project, and make the changes that the configuration asks for, in memory."""
    sources = Sources(root, config.exclude)
    named = _named(root, paths, sources, config)
    analysis = _analyse(sources, named, paths, config)
    files = sum(1 for path in sources.paths if _lies_in(root / path, paths))
    result = Result(root, files, analysis.chosen)
    if config.fix or config.diff:
        _fix(result, sources, analysis, named, paths, config)
    return result


def _named(root: Path, paths: Iterable[Path], sources: Sources, config: Config) -> list[str]:
    """The files that the user named: they are read whatever they hold, unless the configuration leaves them out."""
    excluded = GitIgnoreSpec.from_lines(config.exclude)
    named = [path.relative_to(root).as_posix() for path in paths if path.is_file()]
    named = [path for path in named if not excluded.match_file(path)]
    sources.paths = sorted({*sources.paths, *named})
    return named


def _analyse(sources: Sources, named: list[str], paths: Sequence[Path], config: Config) -> _Analysis:
    project = Project(sources, named)
    everything = sorted((f for rule in all_rules().values() for f in rule.find(project)), key=lambda f: f.order)
    suppressed = _suppressed(sources, everything)
    wanted = [finding for finding in everything if finding not in suppressed]
    planner = Planner(project, wanted, suppressed)
    judged = [replace(finding, fix=planner.fix(finding)) for finding in wanted]
    chosen = [f for f in judged if _is_chosen(f, sources.root, paths, config)]
    planner.roots = {new: planner.roots[old] for new, old in zip(judged, wanted, strict=True) if old in planner.roots}
    return _Analysis(project, planner, everything, chosen)


def _suppressed(sources: Sources, findings: Iterable[Finding]) -> set[Finding]:
    by_path: dict[str, dict[int, frozenset[str]]] = {}
    silenced: set[Finding] = set()
    for finding in findings:
        if finding.code == "FM900":
            continue
        if finding.path not in by_path:
            by_path[finding.path] = read_suppressions(sources.decode(finding.path).text)
        if is_suppressed(finding, by_path[finding.path]):
            silenced.add(finding)
    return silenced


def _is_chosen(finding: Finding, root: Path, paths: Sequence[Path], config: Config) -> bool:
    if not config.selects(finding.code) or not _lies_in(root / finding.path, paths):
        return False
    return finding.code == "FM900" or not any(
        GitIgnoreSpec.from_lines([pattern]).match_file(finding.path) and finding.code.startswith(codes)
        for pattern, codes in config.per_file_ignores.items()
    )


def _lies_in(path: Path, paths: Iterable[Path]) -> bool:
    return any(path == chosen or chosen in path.parents for chosen in paths)


# -- fixing


def _fix(
    result: Result, sources: Sources, analysis: _Analysis, named: list[str], paths: Sequence[Path], config: Config
) -> None:
    from fastmigrate.rewrite.rewriter import RewriteError, rewrite  # LibCST is slow to import

    grades = {"safe", "unsafe"} if config.unsafe_fixes else {"safe"}
    fixable = [f for f in analysis.chosen if f.fix.applicability in grades and f.call is not None]
    broken: dict[Finding, str] = {}
    changed: dict[str, bytes] = {}
    while fixable:
        plan = analysis.planner.plan(fixable)
        changed = {}
        try:
            for path, intents in plan.intents.items():
                source = sources.decode(path)
                changed[path] = source.encode(rewrite(source.text, intents))
            break
        except (RewriteError, UnicodeEncodeError) as error:
            touching = [f for f in fixable if path in analysis.planner.plan([f]).intents]
            broken |= dict.fromkeys(touching or fixable, f"{path} could not be edited: {error} (please report it: {_REPORT})")
            fixable = [finding for finding in fixable if finding not in broken]
    after = _verified(sources, analysis, fixable, changed, named, paths, config, broken) if fixable else None
    if after is None:
        result.findings = [_held(finding, broken) for finding in analysis.chosen]
        return
    result.findings = [_held(finding, broken) for finding in after.chosen]
    result.fixed = fixable
    result.changes = {path: Change(sources.read(path), content) for path, content in sorted(changed.items())}


def _verified(
    sources: Sources,
    analysis: _Analysis,
    fixable: list[Finding],
    changed: dict[str, bytes],
    named: list[str],
    paths: Sequence[Path],
    config: Config,
    broken: dict[Finding, str],
) -> _Analysis | None:
    """The analysis of the changed project, or None if it is not as it should be: then all its fixes are held."""
    after = _analyse(sources.with_changes(changed), named, paths, config)
    try:
        compare_findings(analysis.everything, fixable, after.everything)
        again = [f for f in after.chosen if f.fix.applicability == "safe" and f.call is not None and f not in broken]
        if again and not broken:
            raise VerificationError(f"{again[0].path}:{again[0].place.line} could be fixed only afterwards")
    except VerificationError as error:
        broken |= dict.fromkeys(fixable, f"the migrated project did not pass the check: {error} (please report it: {_REPORT})")
        return None
    return after


def _held(finding: Finding, broken: dict[Finding, str]) -> Finding:
    return replace(finding, fix=Fix("none", broken[finding])) if finding in broken else finding
