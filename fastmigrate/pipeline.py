"""The way from paths to results: which files there are, which of them can matter, and what is found in those."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from fastmigrate.config import WITH_EDITS, Config
from fastmigrate.forks import Asking
from fastmigrate.progress import Progress
from fastmigrate.project.relevance import blocking_paths
from fastmigrate.result import Result
from fastmigrate.search import Search, read_marks
from fastmigrate.selection import Selection
from fastmigrate.sources import Sources, is_test_path
from fastmigrate.wording import count

if TYPE_CHECKING:
    from fastmigrate.cache.contents import Contents
    from fastmigrate.cache.facts import Facts
    from fastmigrate.cache.folder import Folder

__all__ = ["run_project"]

_NESTING = 20_000  # frames: long chains of `elif`, calls or operators are deeply nested trees


def run_project(
    root: Path,
    paths: Sequence[Path],
    config: Config,
    nested: Sequence[Path] = (),
    progress: Progress | None = None,
) -> Result:
    """Analyse one project, and make the changes that the configuration asks for, in memory.

    `paths` choose the findings: absolute paths of files and folders below `root`, less what lies in one of the
    `nested` projects, which have a run of their own.
    """
    return _Pipeline(root, paths, config, nested, progress or Progress()).run()


class _Pipeline:
    def __init__(
        self, root: Path, paths: Sequence[Path], config: Config, nested: Sequence[Path], progress: Progress
    ) -> None:
        self.config = config
        self.progress = progress
        progress.say(f"{root}:")
        self.selection = Selection(root, paths, nested, config)
        with progress.stage("listing files"):
            self.sources = Sources(root, config.exclude)
            self.named = self.sources.add(paths)
        self.doubtful: Callable[[], Sequence[str]]
        files = sum(map(self.selection.lies_in_paths, self.sources.paths))
        self.result = Result(root, files, [], self.sources)

    def run(self) -> Result:
        folder = None
        if not self.config.no_cache:
            from fastmigrate.cache.folder import cache_of

            folder = cache_of(self.sources.root)
        if folder is not None:
            return self._cached(folder)
        with self.progress.stage("looking into files"):
            marks = read_marks(self.sources, self.config.processes)
        self._search(marks, Asking(self.config.processes))
        return self._looked_at()

    def _cached(self, folder: Folder) -> Result:
        """What an earlier run has found, if nothing that decides has changed since; else what this one finds."""
        from fastmigrate.cache.answers import Answers
        from fastmigrate.cache.contents import Contents
        from fastmigrate.cache.results import Results

        with self.progress.stage("looking for changes") as looking:
            contents = Contents(self.sources, folder, self.config.processes)
            results = Results(folder)
            keys = [self._key(contents)]
            folder.touch()
            if results.fill(self.result, keys[0]):
                looking.done = "nothing has changed since the last look"
                return self.result
        answers = Answers(folder, contents, self.config.processes)
        self._search(contents.marks, answers)
        keys.append(self._key(contents, self.doubtful()))
        if results.fill(self.result, keys[1]):
            self.progress.say("nothing that can matter has changed since the last look")
        else:
            from fastmigrate.cache.facts import Facts

            facts = Facts(folder)
            self._looked_at(facts)
            facts.save()
        if not contents.are_still():
            return self.result
        answers.save()
        if not self.sources.reads_beside:
            results.keep(self.result, keys[:1] if self.sources.reads_apart else keys)
        return self.result

    def _key(self, contents: Contents, doubtful: Sequence[str] = ()) -> bytes | None:
        """What decides the result; None if that is more than can be told."""
        config = self.config
        if config.fix or config.diff or config.since is not None or config.baseline is not None:
            return None
        reported = "edits" if config.output_format in WITH_EDITS else config.output_format == "text"
        settings = replace(config, jobs=None, output_format=str(reported), output_file=None, exit_zero=False)
        return contents.key(doubtful, settings, self.selection.paths, self.selection.nested)

    def _search(self, marks: Sequence[int], asking: Asking) -> None:
        """Find the files that can matter, which are searched from now on, and the others that may not be readable."""
        with self.progress.stage("searching files") as searching:
            search = Search(self.sources, marks, asking)
            self.sources.search_in(search.admitted)
            blocking = blocking_paths(self.sources, self.config.blocking_calls)
            tests = filter(is_test_path, blocking)  # which are seldom parsed for more than to tell whether they can be
            looked_at = [*dict.fromkeys([*self.named, *search.apart, *tests])]
            plain = asking.begun("is plain", looked_at, self.sources.is_plain, 8)
            self.doubtful = cache(lambda: sorted({*looked_at}.difference(plain())))
            searching.done = f"{len(search.admitted)} of {count(len(self.sources.paths), 'file')} can matter"

    def _looked_at(self, facts: Facts | None = None) -> Result:
        """Look at the files that can matter, if there are some."""
        if self.sources.searched or self.config.baseline is not None or self.doubtful():
            from fastmigrate.run import Run  # which takes longer to import than all that is done up to here

            sys.setrecursionlimit(max(sys.getrecursionlimit(), _NESTING))
            Run(self.result, self.selection, self.config, self.progress, facts, self.doubtful).run()
        return self.result
