"""The look at one project in which something can matter: its findings, the plan of their fixes, the changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from fastmigrate.config import WITH_EDITS, Config
from fastmigrate.model import Finding, Fix
from fastmigrate.plan.planner import Plan, Planner
from fastmigrate.progress import Progress
from fastmigrate.project.project import Project
from fastmigrate.project.reading import Reading
from fastmigrate.result import Result
from fastmigrate.rules import all_rules
from fastmigrate.search import Groups
from fastmigrate.selection import Choice, Selection
from fastmigrate.sources import Sources
from fastmigrate.suppress import Suppression, read_suppressions, silencing
from fastmigrate.verify import VerificationError, compare_findings, key_of
from fastmigrate.wording import count

if TYPE_CHECKING:
    from fastmigrate.baseline import Comparison
    from fastmigrate.cache.facts import Facts
    from fastmigrate.edits import TextEdit
    from fastmigrate.write import Change

__all__ = ["Run"]


_ROUNDS = 4  # of fixing: some calls can be fixed once others are


class _Analysis(Struct):
    """One look at a project: all its findings, and those that the user asked for, each with its fix."""

    planner: Planner
    everything: list[Finding]
    used: set[tuple[str, Suppression]]  # the comments that silence something, by file
    chosen: list[Finding]
    comparison: Comparison | None  # with the baseline


class Run:
    """The run over the files of a project that can matter.

    `result` is filled, and what is read is kept in `facts`; `doubtful` gives further files, which may not
    be readable.
    """

    def __init__(
        self,
        result: Result,
        selection: Selection,
        config: Config,
        progress: Progress,
        facts: Facts | None,
        doubtful: Callable[[], Sequence[str]],
    ) -> None:
        self.result = result
        self.selection = selection
        self.config = config
        self.progress = progress
        self.facts = facts
        self.doubtful = doubtful
        self.broken: dict[Finding, str] = {}  # findings whose fix did not work out, and why

    def run(self) -> Result:
        """Look at the project, fix what is asked for, and tell what came of it."""
        result = self.result
        analysis = self._analyse(result.sources, self.selection.chosen)
        result.findings = analysis.chosen
        last = analysis
        if self.config.fix or self.config.diff:
            last = self._fix(result, analysis)
        result.unused = list(self._unused(last))
        result.comparison = last.comparison
        if self.config.write_baseline:
            left = (finding for finding in result.findings if finding.is_in_code)
            result.entries = [self.selection.entry(finding, result.sources) for finding in left]
            return result
        if self.config.output_format in WITH_EDITS:
            result.edits = self._edits(last, result.findings) | self._edits(analysis, result.fixed)
        if self.config.output_format == "text" and not self.config.statistics:
            fixable = (finding for finding in result.findings if finding.fix.applicability != "none")
            result.outlines = {finding: last.planner.outline(finding) for finding in fixable}
        return result

    # -- findings

    def _analyse(self, sources: Sources, choose: Choice) -> _Analysis:
        """Look at the project; `choose` tells which of its findings are asked for."""
        config, stage = self.config, self.progress.stage
        with stage("reading modules") as reading:
            settings = (config.client, config.blocking_calls, config.client_settings)
            jobs = config.processes
            project = Project(sources, *settings, Reading(sources, self.doubtful, reading.step, self.facts, jobs))
            project.graph  # noqa: B018 - which reads all that can matter
            reading.done = f"{reading.steps} of {count(len(sources.paths), 'file')} read"
        with stage("looking for findings", len(all_rules())) as looking:
            everything = sorted(self._everything(project, looking.step), key=lambda finding: finding.order)
            looking.done = f"{count(len(everything), 'finding')} in all files, by all rules"
        suppressed, used = _suppressed(sources, everything)
        wanted = [finding for finding in everything if finding not in suppressed]
        with stage("planning fixes") as planning:
            planner = Planner(project, wanted, suppressed, falls_back=config.fallback == "thread")
            judged = planner.judged()
            planning.done = f"fixes planned with {project.library}"
        if planner.falls_back:  # what has no better form than a thread is as it should be
            best = {f for f, found in zip(wanted, judged, strict=True) if _is_in_its_thread(found)}
            everything = [finding for finding in everything if finding not in best]
            judged = [finding for finding in judged if not _is_in_its_thread(finding)]
        chosen, comparison = choose(judged, project)
        return _Analysis(planner, everything, used, chosen, comparison)

    @staticmethod
    def _everything(project: Project, step: Callable[[], None]) -> Iterator[Finding]:
        for rule in all_rules().values():
            yield from rule.find(project)
            step()

    def _unused(self, analysis: _Analysis) -> Iterator[tuple[str, Suppression]]:
        """The comments that are meant for rules of ours, and silence nothing that is looked at."""
        sources = analysis.planner.project.sources
        for path in sources.containing(b"fastmigrate", b"noqa"):
            if path in analysis.planner.project.unreadable or not self.selection.lies_in_paths(path):
                continue
            if not any(token in sources.read(path) for token in (b"FM", b"fastmigrate")):
                continue
            for comment in read_suppressions(sources.decode(path).text):
                known = comment.codes & all_rules().keys()
                looked_at = all(self.selection.is_looked_for(code, path) for code in known)
                if comment.is_ours and looked_at and (path, comment) not in analysis.used:
                    yield path, comment

    # -- fixes

    def _edits(self, analysis: _Analysis, findings: Iterable[Finding]) -> dict[Finding, dict[str, list[TextEdit]]]:
        """What the fix of each finding changes by itself, in the files as that analysis has seen them."""
        from fastmigrate.changes import Changes  # LibCST is slow to import

        planner = analysis.planner
        changes = Changes(planner.project.sources, planner.project.library)
        judged = set(analysis.chosen)  # what a later round has fixed had no fix of its own before
        fixable = [finding for finding in findings if finding.fix.applicability != "none" and finding in judged]
        found: dict[Finding, dict[str, list[TextEdit]]] = {}
        with self.progress.stage("writing out each fix", len(fixable)) as stage:
            for finding in fixable:
                found[finding] = changes.edits(planner.plan([finding], unsafe=finding.fix.applicability == "unsafe"))
                stage.step()
            stage.done = f"{len(fixable)} fixes written out, each by itself"
        return found

    def _fix(self, result: Result, analysis: _Analysis) -> _Analysis:
        """Fix what can be, until nothing more can; the last analysis of the project is returned."""
        last = analysis
        rounds = 0
        while rounds < _ROUNDS:
            fixed, changed = self._rewritten(last)
            if not fixed:
                break
            after = self._verified(last, fixed, changed)
            if after is not None:  # else those that may be to blame are held, and the others have another try
                self._note(result, analysis, last, fixed, changed)
                last = after
                rounds += 1
        if not result.fixed:
            result.findings = [self._unless_broken(finding) for finding in analysis.chosen]
            return analysis
        if self.config.diff:  # the files stay as they are, and so do the places of what is left in them
            left = self._left(analysis, result.fixed)
            result.findings = [self._unless_broken(finding) for finding in left]
            coming = Counter(map(key_of, last.chosen)) - Counter(map(key_of, left))
            result.coming = Counter(code for code, *_ in coming.elements())
            return analysis
        result.findings = [self._unless_broken(finding) for finding in last.chosen]
        result.sources = last.planner.project.sources
        return last

    def _note(
        self,
        result: Result,
        first: _Analysis,
        last: _Analysis,
        fixed: list[Finding],
        changed: dict[str, Change],
    ) -> None:
        """Add what a round has fixed to the result, as it was before the first one."""
        from fastmigrate.write import Change  # of which a run that fixes nothing has no need

        left = self._left(first, result.fixed) if last is not first else fixed
        for finding in fixed:
            origin = next((one for one in left if key_of(one) == key_of(finding)), finding)
            left = [one for one in left if one is not origin]
            result.fixed.append(replace(origin, fix=finding.fix))
        for path, change in changed.items():
            before = result.changes.get(path, change).before
            result.changes[path] = Change(before, change.after)
        result.changes = dict(sorted(result.changes.items()))
        plan = last.planner.plan(fixed, unsafe=self.config.unsafe_fixes)
        self._note_library(result, plan, last.planner.project)

    @staticmethod
    def _left(analysis: _Analysis, fixed: Iterable[Finding]) -> list[Finding]:
        """The findings that were asked for, less those that go with these fixes."""
        reached = {finding.order for finding in analysis.planner.reached_with(fixed)}
        return [finding for finding in analysis.chosen if finding.order not in reached]

    def _note_library(self, result: Result, plan: Plan, project: Project) -> None:
        """Note where the library was declared, and where it could not be."""
        library = result.library = project.library
        result.declared += plan.declaring
        result.by_hand = [*dict.fromkeys([*result.by_hand, *plan.by_hand])]
        result.stale = [*dict.fromkeys([*result.stale, *plan.stale])]
        token = library.encode()
        changed = ((p, change) for p, change in result.changes.items() if p in plan.intents)
        new = [p for p, change in changed if token in change.after and token not in (change.before or b"")]
        if not result.declared and not result.by_hand:
            found = project.declarations
            unknown = (path for path in new if found.missing(path, library) is None)
            undeclared = [path for path in unknown if found.mention(path, library) is not True]
            result.undeclared = [*dict.fromkeys([*result.undeclared, *undeclared])]

    def _rewritten(self, analysis: _Analysis) -> tuple[list[Finding], dict[str, Change]]:
        """The findings whose fixes could be written, and the changes of all of these fixes."""
        from fastmigrate.changes import Changes, UneditableError  # LibCST is slow to import

        planner = analysis.planner
        changes = Changes(planner.project.sources, planner.project.library)
        grades = {"safe", "unsafe"} if self.config.unsafe_fixes else {"safe"}
        fixable = [f for f in analysis.chosen if f.fix.applicability in grades and f.is_in_code]
        fixable = [finding for finding in fixable if finding not in self.broken]
        while fixable:
            plan = planner.plan(fixable, unsafe=self.config.unsafe_fixes)
            try:
                with self.progress.stage("rewriting files", len(plan.intents)) as stage:
                    changed = changes.of(plan, stage.step)
                    stage.done = f"{count(len(changed), 'file')} rewritten"
            except UneditableError as error:
                touching = [f for f in fixable if error.path in planner.plan([f]).intents]
                self._break(touching or fixable, str(error))
                fixable = [finding for finding in fixable if finding not in self.broken]
            else:
                return fixable, changed
        return [], {}

    def _verified(self, analysis: _Analysis, fixed: list[Finding], changed: dict[str, Change]) -> _Analysis | None:
        """The analysis of the changed project, or None if it is not as it should be: then fixes of it are held."""
        self.progress.say("checking the migrated project:")
        before = analysis.planner.project.sources
        sources = before.with_changes({path: change.after for path, change in changed.items()})
        left = self._left(analysis, fixed)
        after = self._analyse(sources, partial(self.selection.left, before=left, everything=analysis.everything))
        try:
            compare_findings(analysis.everything, analysis.planner.reached_with(fixed), after.everything)
        except VerificationError as error:
            near = self._touching(analysis, fixed, error.path)
            self._break(near or fixed, f"the migrated project did not pass the check: {error}")
            return None
        return after

    @staticmethod
    def _touching(analysis: _Analysis, findings: list[Finding], path: str) -> list[Finding]:
        """Those whose fixes change something in the package of a file."""
        groups = Groups(analysis.planner.project.sources.paths)
        plans = {finding: analysis.planner.plan([finding], unsafe=True).intents for finding in findings}
        return [f for f, intents in plans.items() if any(groups.of(one) == groups.of(path) for one in intents)]

    def _break(self, findings: Iterable[Finding], reason: str) -> None:
        self.broken |= dict.fromkeys(findings, f"{reason}; please report this")

    def _unless_broken(self, finding: Finding) -> Finding:
        reason = self.broken.get(finding)
        return finding if reason is None else replace(finding, fix=Fix("none", reason))


def _is_in_its_thread(finding: Finding) -> bool:
    return finding.code == "FM202" and finding.fix.applicability == "none"


def _suppressed(sources: Sources, findings: Iterable[Finding]) -> tuple[set[Finding], set[tuple[str, Suppression]]]:
    """The findings that comments silence, and these comments, by file."""
    by_path: dict[str, list[Suppression]] = {}
    silenced: set[Finding] = set()
    used: set[tuple[str, Suppression]] = set()
    for finding in findings:
        if finding.code == "FM900":
            continue
        if finding.path not in by_path:
            by_path[finding.path] = read_suppressions(sources.decode(finding.path).text)
        comment = silencing(finding, by_path[finding.path])
        if comment is not None:
            silenced.add(finding)
            used.add((finding.path, comment))
    return silenced, used
