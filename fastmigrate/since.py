"""What has changed since a commit, as git tells it: whether a finding is new."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

from msgspec import Struct, field

from fastmigrate.config import ConfigError
from fastmigrate.model import Endpoint, Finding
from fastmigrate.project.modules import qualname_of
from fastmigrate.project.project import Project
from fastmigrate.project.values import Scope

__all__ = ["Changed", "SinceError", "changed_since"]

_HUNK = re.compile(r"^@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@", re.MULTILINE)


class SinceError(ConfigError):
    """What has changed cannot be told; the message says why, and what to do."""


class Changed(Struct):
    """The lines that are new or different, by file below the root of a project, and what these files were before."""

    root: Path
    base: str
    lines: dict[str, set[int]] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)  # those that are new as a whole
    before: dict[str, str] = field(default_factory=dict)  # the paths of the others at the base, below the work tree
    _functions: dict[str, tuple[_Functions, _Functions | None]] = field(default_factory=dict)  # now, and before

    def causes(self, finding: Finding, project: Project) -> bool:
        """Whether the change touches a call, a step of any way to it, or adds a path operation that comes to it."""
        called = range(finding.place.line, finding.place.end_line + 1)
        if any(self._touches(finding.path, line) for line in called):
            return True
        if any(self._touches(hop.path, hop.line) for hop in finding.chain) or self._leads(finding, project):
            return True
        return any(self._is_new(endpoint, project) for endpoint in finding.endpoints)

    def _touches(self, path: str, line: int) -> bool:
        return path in self.files or line in self.lines.get(path, ())

    def _leads(self, finding: Finding, project: Project) -> bool:
        """Whether the change touches a step of one of the ways on which the event loop comes to a finding."""
        pending = [Scope(hop.path, qualname_of(hop.name, hop.path)) for hop in finding.chain[-1:]]
        seen: set[Scope] = set()
        while pending:
            function = pending.pop()
            if function in seen:
                continue
            seen.add(function)
            for caller, edge in project.reach.callers_of(function):
                if self._touches(caller.path, edge.place.line):
                    return True
                pending.append(caller)
        return False

    def _is_new(self, endpoint: Endpoint, project: Project) -> bool:
        """Whether a path operation was none before, was no coroutine function, or had fewer decorators."""
        if endpoint.path in self.files:
            return True
        if endpoint.path not in self.lines:
            return False
        if endpoint.path not in self._functions:
            there = _functions_of(project.tree_of(endpoint.path))
            self._functions[endpoint.path] = there, self._functions_before(endpoint.path)
        functions, others = self._functions[endpoint.path]
        if others is None:  # it could not be read then
            return endpoint.line in self.lines[endpoint.path]
        name = qualname_of(endpoint.name, endpoint.path)
        now, before = functions.get(name), others.get(name)
        if now is None or before is None:
            return before is None
        return (now.is_async and not before.is_async) or not now.decorators <= before.decorators

    def _functions_before(self, path: str) -> _Functions | None:
        try:
            return _functions_of(ast.parse(_git(self.root, "show", f"{self.base}:{self.before[path]}")))
        except (SinceError, SyntaxError, ValueError, RecursionError):
            return None


class _Function(Struct, frozen=True):
    """What makes a function a path operation: whether it is a coroutine function, and the code of its decorators."""

    is_async: bool
    decorators: frozenset[str]


_Functions = dict[str, _Function]
"""Functions by their qualified names."""


def _functions_of(tree: ast.Module) -> _Functions:
    """The functions of a file by their qualified names."""
    found: _Functions = {}
    pending: list[tuple[str, ast.AST]] = [("", tree)]
    while pending:
        prefix, node = pending.pop()
        for child in ast.iter_child_nodes(node):
            inner = prefix
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                inner = f"{prefix}{child.name}."
                decorators = frozenset(map(ast.unparse, child.decorator_list))
                found[inner[:-1]] = _Function(isinstance(child, ast.AsyncFunctionDef), decorators)
            pending.append((inner, child))
    return found


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
    changed = Changed(top, base)
    plain = ("--no-color", "--no-ext-diff", "--find-renames", "--src-prefix=a/", "--dst-prefix=b/", "-U0")
    diff = _git(top, "-c", "core.quotepath=off", "diff", *plain, base, "--")
    for part in re.split(r"^diff --git ", diff, flags=re.MULTILINE)[1:]:
        named = re.search(r'^\+\+\+ "?b/(.*?)"?\t?$', part, re.MULTILINE)
        path = _below(root, top, named[1]) if named is not None else None
        if path is None:
            continue
        before = re.search(r'^--- "?a/(.*?)"?\t?$', part, re.MULTILINE)
        if before is None:
            changed.files.add(path)
        else:
            changed.before[path] = before[1]
            changed.lines[path] = {line for hunk in _HUNK.finditer(part) for line in _lines(hunk)}
    for name in _git(root, "ls-files", "-z", "--others", "--exclude-standard", "--full-name").split("\0"):
        path = _below(root, top, name) if name else None
        changed.files |= {path} if path is not None else set()
    return changed


def _lines(hunk: re.Match[str]) -> range:
    """The lines that a hunk adds."""
    first, count = (int(part) if part is not None else 1 for part in hunk.groups())
    return range(first, first + count)


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
