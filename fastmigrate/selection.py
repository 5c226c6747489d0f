"""Which findings the user asked for: in which files, by which rules, since when, and beyond which baseline."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fastmigrate.config import Config
from fastmigrate.sources import Sources

if TYPE_CHECKING:
    from fastmigrate.baseline import Baseline, Comparison, Entry
    from fastmigrate.model import Finding
    from fastmigrate.project.project import Project

__all__ = ["Choice", "Selection"]

Choice = Callable[["list[Finding]", "Project"], "tuple[list[Finding], Comparison | None]"]
"""Tells which findings of a project are asked for, and how they compare with the baseline."""


class Selection:
    """Chooses among the findings of the project at `root`.

    `paths` are the files and folders that the user named, less what lies in `nested` projects. BaselineError and
    SinceError if the baseline cannot be read, or git cannot tell what has changed.
    """

    def __init__(self, root: Path, paths: Sequence[Path], nested: Sequence[Path], config: Config) -> None:
        self.root = root
        self.paths = tuple(_below(root, path) for path in paths)
        self.nested = tuple(_below(root, path) for path in nested)
        self.config = config
        self.changed = None
        self.baseline: Baseline | None = None
        if config.since is not None:
            from fastmigrate.since import changed_since

            self.changed = changed_since(root, config.since)
        if config.baseline is not None:
            from fastmigrate.baseline import load_baseline

            file = config.baseline.parent.resolve() / config.baseline.name
            self.baseline = load_baseline(file, is_written=config.write_baseline)

    def lies_in_paths(self, path: str) -> bool:
        """Whether a file is one of those whose findings are wanted."""
        own = f"{path}/"
        return own.startswith(self.paths) and not own.startswith(self.nested)

    def is_looked_for(self, code: str, path: str) -> bool:
        """Whether the configuration asks for findings of a rule in a file."""
        if not self.config.selects(code):
            return False
        if not self.config.per_file_ignores:
            return True
        from pathspec import GitIgnoreSpec

        return not any(
            code.startswith(codes) and GitIgnoreSpec.from_lines([pattern]).match_file(path)
            for pattern, codes in self.config.per_file_ignores.items()
        )

    def chosen(self, findings: Iterable[Finding], project: Project) -> tuple[list[Finding], Comparison | None]:
        """The findings that are wanted, and how they compare with the baseline."""
        wanted = [f for f in findings if self.lies_in_paths(f.path) and self.is_looked_for(f.code, f.path)]
        comparison = self._compared(wanted, project)
        if comparison is not None and not self.config.write_baseline:
            known = set(comparison.known)
            wanted = [finding for finding in wanted if finding not in known]
        if self.changed is not None:
            wanted = [finding for finding in wanted if self.changed.causes(finding, project)]
            self._forget_others(comparison, wanted)
        return wanted, comparison

    def left(
        self, findings: Iterable[Finding], project: Project, before: Iterable[Finding], everything: Iterable[Finding]
    ) -> tuple[list[Finding], Comparison | None]:
        """Those of a migrated project that were wanted `before`, and what has come that was not among `everything`.

        A fix moves lines and rewrites what stands in a call, so neither says any more whether that is new.
        """
        wanted = [f for f in findings if self.lies_in_paths(f.path) and self.is_looked_for(f.code, f.path)]
        comparison = self._compared(wanted, project)
        if self.changed is None and (comparison is None or self.config.write_baseline):
            return wanted, comparison
        from fastmigrate.verify import key_of

        known = set() if comparison is None else set(comparison.known)
        budget = Counter(key_of(finding) for finding in before)
        there = {key_of(finding) for finding in everything}
        chosen: list[Finding] = []
        changed: list[Finding] = []
        for finding in wanted:
            key = key_of(finding)
            if finding not in known and (budget[key] or key not in there):
                budget[key] -= key in there
                chosen.append(finding)
            elif finding not in known:
                changed.append(finding)
        if comparison is not None and self.changed is None:
            comparison.take_for_known((f, self.entry(f, project.sources)) for f in changed if f.is_in_code)
        self._forget_others(comparison, chosen)
        return chosen, comparison

    @staticmethod
    def _forget_others(comparison: Comparison | None, chosen: list[Finding]) -> None:
        """What has grown is told of the findings that are reported."""
        if comparison is not None:
            comparison.grown = {finding: more for finding, more in comparison.grown.items() if finding in chosen}

    def entry(self, finding: Finding, sources: Sources) -> Entry:
        """The entry of a finding for the baseline."""
        assert self.baseline is not None
        place = finding.place
        lines = sources.lines(finding.path)[place.line - 1 : place.end_line]
        lines[-1] = lines[-1][: place.end_column - 1]
        lines[0] = lines[0][place.column - 1 :]
        return self.baseline.entry(finding, self.root, "".join(lines))

    def _compared(self, findings: Iterable[Finding], project: Project) -> Comparison | None:
        if self.baseline is None:
            return None
        in_code = ((f, self.entry(f, project.sources)) for f in findings if f.is_in_code)
        return self.baseline.compare(in_code, lambda entry: self._covers(entry, project))

    def _covers(self, entry: Entry, project: Project) -> bool:
        """Whether the finding of an entry in the baseline would be found, if it was still there."""
        from fastmigrate.rules import all_rules

        assert self.baseline is not None
        whole = Path(os.path.normpath(self.baseline.file.parent / entry.path))
        if entry.code not in all_rules() or self.root not in whole.parents:
            return False
        path = whole.relative_to(self.root).as_posix()
        is_read = path in project.tree.paths and path not in project.unreadable
        return (is_read or not whole.exists()) and self.lies_in_paths(path) and self.is_looked_for(entry.code, path)


def _below(root: Path, path: Path) -> str:
    """The beginning of all paths in a folder or of a file, as they are relative to the root, with a final "/"."""
    relative = path.relative_to(root).as_posix()
    return "" if relative == "." else f"{relative}/"
