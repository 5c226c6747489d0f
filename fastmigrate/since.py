"""What has changed since a commit, as git tells it: whether a finding is new."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from fastmigrate.model import Finding

__all__ = ["Changed", "SinceError", "changed_since"]

_HUNK = re.compile(r"^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", re.MULTILINE)


class SinceError(Exception):
    """What has changed cannot be told; the message says why, and what to do."""


@dataclass(slots=True)
class Changed:
    """The lines that are new or different, by file below the root of a project; `added` are those that are new."""

    lines: dict[str, set[int]] = field(default_factory=dict)
    added: dict[str, set[int]] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)  # those that are new as a whole

    def causes(self, finding: Finding) -> bool:
        """Whether the change touches a call, a step of the way to it, or adds a path operation that comes to it."""
        called = range(finding.place.line, finding.place.end_line + 1)
        if any(self._touches(finding.path, line) for line in called):
            return True
        if any(self._touches(hop.path, hop.line) for hop in finding.chain):
            return True
        return any(e.path in self.files or e.line in self.added.get(e.path, ()) for e in finding.endpoints)

    def _touches(self, path: str, line: int) -> bool:
        return path in self.files or line in self.lines.get(path, ())


def changed_since(root: Path, revision: str) -> Changed:
    """What the files below `root` have that the last common ancestor of a revision and HEAD has not.

    Files that git does not know yet are new. SinceError if `root` lies in no work tree, if there is no such revision,
    or if the two have no common ancestor, as in a shallow clone.
    """
    try:
        top = Path(_git(root, "rev-parse", "--show-toplevel").strip())
    except SinceError as error:
        raise SinceError(f"--since needs a git work tree around {root}: {error}") from error
    try:
        _git(root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    except SinceError as error:
        raise SinceError(f"--since: git knows no commit {revision!r}; if it is one of a remote, fetch it") from error
    try:
        base = _git(root, "merge-base", revision, "HEAD").strip()
    except SinceError as error:
        reason = (
            f"--since: {revision} and HEAD have no common ancestor here; in a shallow clone, fetch more of the history"
        )
        raise SinceError(reason) from error
    changed = Changed()
    diff = _git(
        top, "-c", "core.quotepath=off", "diff", "--no-color", "--no-ext-diff", "--find-renames", "-U0", base, "--"
    )
    for part in re.split(r"^diff --git ", diff, flags=re.MULTILINE)[1:]:
        named = re.search(r'^\+\+\+ "?b/(.*?)"?\t?$', part, re.MULTILINE)
        path = _below(root, top, named[1]) if named is not None else None
        if path is not None:
            _note(changed, path, part)
    for name in _git(root, "ls-files", "-z", "--others", "--exclude-standard", "--full-name").split("\0"):
        path = _below(root, top, name) if name else None
        changed.files |= {path} if path is not None else set()
    return changed


def _note(changed: Changed, path: str, diff: str) -> None:
    for hunk in _HUNK.finditer(diff):
        before, first, count = (int(part) if part is not None else 1 for part in hunk.groups())
        lines = range(first, first + count)
        changed.lines.setdefault(path, set()).update(lines)
        if before == 0:
            changed.added.setdefault(path, set()).update(lines)


def _below(root: Path, top: Path, name: str) -> str | None:
    """A path of git below the root of the project, or None."""
    try:
        return (top / name).relative_to(root).as_posix()
    except ValueError:
        return None


def _git(folder: Path, *args: str) -> str:
    try:
        done = subprocess.run(["git", *args], cwd=folder, capture_output=True, check=True)
    except OSError as error:
        raise SinceError("git cannot be run") from error
    except subprocess.CalledProcessError as error:
        raise SinceError(error.stderr.decode(errors="replace").strip() or "git says no") from error
    return done.stdout.decode(errors="surrogateescape")
