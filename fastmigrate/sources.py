"""The files of a project: which there are, what is in them, and what a fix would put there instead."""

from __future__ import annotations

import ast
import io
import os
import tokenize
import warnings
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from msgspec import Struct
from pathspec import GitIgnoreSpec

from fastmigrate.edits import lines_of

__all__ = ["Source", "SourceError", "Sources", "find_root"]

_SKIPPED = frozenset(
    ["__pycache__", "node_modules", "site-packages", "__pypackages__", "venv", "env", "build", "dist", ".tox", ".nox"]
)
_KEPT = 4096  # files whose content stays in memory: tokens are looked for in all of them, many times


class SourceError(Exception):
    """A file that cannot be decoded or parsed: what is wrong, and where."""

    def __init__(self, path: str, line: int, column: int, message: str) -> None:
        super().__init__(message)
        self.path = path
        self.line = line
        self.column = column
        self.message = message


class Source(Struct, frozen=True):
    """A decoded file: its text as it stands (line ends included), its encoding, and whether a BOM leads it."""

    path: str
    text: str
    encoding: str
    bom: bool

    def encode(self, text: str) -> bytes:
        """The bytes of another text in this file's own encoding; UnicodeEncodeError if it does not fit."""
        return (b"\xef\xbb\xbf" if self.bom else b"") + text.encode(self.encoding)


def find_root(path: Path) -> Path:
    """The project of a path: the nearest ancestor with a pyproject.toml, else with .git, else the path's folder."""
    folder = path if path.is_dir() else path.parent
    for marker in ("pyproject.toml", ".git"):
        for candidate in (folder, *folder.parents):
            if os.path.exists(candidate / marker):  # noqa: PTH110 - which takes what must not be looked at for missing
                return candidate
    return folder


class Sources:
    """The Python files below a project's root, by their POSIX path relative to it.

    `exclude` are patterns in gitignore's syntax. Files are read when they are asked for.
    """

    def __init__(self, root: Path, exclude: Iterable[str] = ()) -> None:
        self.root = root
        self.paths = sorted(_python_files(root, GitIgnoreSpec.from_lines(exclude)))
        self._changed: dict[str, bytes] = {}
        self._lines: dict[str, list[str]] = {}
        self._read = lru_cache(maxsize=_KEPT)(self._from_disk)

    def with_changes(self, changed: dict[str, bytes]) -> Sources:
        """The same files, some of them with other content."""
        other = object.__new__(Sources)
        other.root, other.paths = self.root, self.paths
        other._changed = {**self._changed, **changed}
        other._lines = {}
        other._read = self._read
        return other

    def read(self, path: str) -> bytes:
        """The bytes of a file; OSError if it cannot be read."""
        changed = self._changed.get(path)
        return self._read(path) if changed is None else changed

    def _from_disk(self, path: str) -> bytes:
        descriptor = os.open(self.root / path, os.O_RDONLY)
        try:
            size = os.fstat(descriptor).st_size
            content = os.read(descriptor, size + 1)
            while len(content) < size and (more := os.read(descriptor, size)):
                content += more
            return content
        finally:
            os.close(descriptor)

    def containing(self, *tokens: bytes) -> Iterator[str]:
        """The files that hold one of the tokens; a file that cannot be read is among them."""
        for path in self.paths:
            try:
                content = self.read(path)
            except OSError:
                yield path
                continue
            if any(token in content for token in tokens):
                yield path

    def decode(self, path: str) -> Source:
        """A file's text, decoded as Python would; SourceError if that fails."""
        try:
            content = self.read(path)
        except OSError as error:
            raise SourceError(path, 1, 1, f"cannot be read: {error.strerror}") from error
        bom = content.startswith(b"\xef\xbb\xbf")
        body = content[3:] if bom else content
        try:
            encoding, _ = tokenize.detect_encoding(io.BytesIO(body).readline)
            return Source(path, body.decode(encoding), encoding, bom)
        except (SyntaxError, UnicodeDecodeError, LookupError) as error:
            raise SourceError(path, 1, 1, f"cannot be decoded: {_reason(error)}") from error

    def lines(self, path: str) -> list[str]:
        """The lines of a file with their ends, split once; SourceError if it cannot be decoded."""
        if path not in self._lines:
            self._lines[path] = lines_of(self.decode(path).text)
        return self._lines[path]

    def parse(self, source: Source) -> ast.Module:
        """A file's tree; SourceError if it is not Python, or not that of this interpreter."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what Python thinks of the analysed code is not asked here
                return ast.parse(source.text, source.path)
        except SyntaxError as error:
            message = f"cannot be parsed: {error.msg}"
            raise SourceError(source.path, error.lineno or 1, max(error.offset or 1, 1), message) from error
        except (ValueError, RecursionError, MemoryError) as error:
            raise SourceError(source.path, 1, 1, f"cannot be parsed: {error}") from error


def _python_files(root: Path, exclude: GitIgnoreSpec) -> Iterator[str]:
    pending: list[tuple[str, list[tuple[str, GitIgnoreSpec]]]] = [("", [])]
    while pending:
        folder, specs = pending.pop()
        ignore = root / folder / ".gitignore"
        if os.access(ignore, os.R_OK):
            lines = ignore.read_text(encoding="utf-8", errors="replace").splitlines()
            specs = [*specs, (folder, GitIgnoreSpec.from_lines(lines))]
        try:
            entries = list(os.scandir(root / folder))
        except OSError:
            continue
        for entry in entries:
            path = f"{folder}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                hidden = entry.name in _SKIPPED or entry.name.startswith(".")
                if not hidden and not _ignored(f"{path}/", specs, exclude):
                    pending.append((f"{path}/", specs))
            elif entry.name.endswith(".py") and entry.is_file() and not _ignored(path, specs, exclude):
                yield path


def _ignored(path: str, specs: list[tuple[str, GitIgnoreSpec]], exclude: GitIgnoreSpec) -> bool:
    verdict = False
    for folder, spec in specs:
        checked = spec.check_file(path.removeprefix(folder))
        if checked.include is not None:
            verdict = checked.include
    return verdict or exclude.match_file(path)


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        line = error.object.count(b"\n", 0, error.start) + 1
        return f"byte 0x{error.object[error.start]:02x} in line {line} is not {error.encoding}"
    return str(error)
