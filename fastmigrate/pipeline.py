"""The way from paths to results: which files there are, which of them can matter, and what is found in those."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from fastmigrate.config import Config
from fastmigrate.progress import Progress
from fastmigrate.result import Result
from fastmigrate.search import Search
from fastmigrate.selection import Selection
from fastmigrate.sources import Sources
from fastmigrate.wording import count

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
    progress = progress or Progress()
    progress.say(f"{root}:")
    selection = Selection(root, paths, nested, config)
    with progress.stage("listing files"):
        sources = Sources(root, config.exclude)
        named = sources.add(paths)
    with progress.stage("searching files") as searching:
        search = Search(sources, os.cpu_count() or 1)
        doubtful = [path for path in dict.fromkeys([*named, *search.apart]) if not sources.is_plain(path)]
        searching.done = f"{len(search.admitted)} of {count(len(sources.paths), 'file')} can matter"
    result = Result(root, sum(map(selection.lies_in_paths, sources.paths)), [], sources)
    if not (search.admitted or doubtful or search.commented or config.baseline is not None):
        return result
    from fastmigrate.run import Run  # which takes longer to import than all that is done up to here

    sys.setrecursionlimit(max(sys.getrecursionlimit(), _NESTING))
    sources.searched = sorted({*search.admitted, *doubtful})
    return Run(result, selection, config, progress, doubtful, search.commented).run()
