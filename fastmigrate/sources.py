"""The files of a project: which there are, what is in them, and what a fix would put there instead."""

from __future__ import annotations

import ast
import io
import os
import re
import symtable
import tokenize
import warnings
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fastmigrate.knowledge.declaring import may_declare

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec


__all__ = ["Source", "SourceError", "Sources", "find_root", "is_test_path", "lines_of"]

_SKIPPED = frozenset(
    ["__pycache__", "node_modules", "site-packages", "__pypackages__", "venv", "env", "build", "dist", ".tox", ".nox"]
)
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_IN_WORDS = frozenset(bytes([code]) for code in b"0123456789_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_RENAMED = re.compile(rb"[ \t]+as[ \t]+(\w+)")
_ASSIGNED = re.compile(rb"[ \t]*(?:[\w.]+\.)?(\w+)[ \t]*(?::[^=]*)?=[ \t(]*(?:\w+[ \t]*\.[ \t]*)*")
_ENDED = re.compile(rb"[ \t]*(?:[\r\n#;)]|(?:if|or)\b|\Z)")
_KEPT = 4096  # files whose content stays in memory: tokens are looked for in all of them, many times


class SourceError(Exception):
    """A file that cannot be decoded or parsed: what is wrong, and where."""

    def __init__(self, path: str, line: int, column: int, message: str) -> None:
        super().__init__(message)
        self.path = path
        self.line = line
        self.column = column
        self.message = message


class Source(NamedTuple):
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


def is_test_path(path: str) -> bool:
    """Whether a path, relative to its project, is that of test code."""
    if "test" not in path:
        return False
    *folders, name = path.split("/")
    return (
        not {"test", "tests", "testing"}.isdisjoint(folders)
        or name.startswith("test_")
        or (name.rpartition(".")[0] or name).endswith("_test")
        or name == "conftest.py"
    )


class Sources:
    """The Python files below a project's root, by their POSIX path relative to it.

    `exclude` are patterns in gitignore's syntax. Files are read when they are asked for. Tokens are looked for in those
    that are `searched`: in all, until it is known which ones can matter.
    """

    def __init__(self, root: Path, exclude: Iterable[str] = ()) -> None:
        self.root = root
        self._folder = f"{root}/"
        self._excluded = _spec(exclude)
        self.reads_beside = False  # whether files matter that are not among these
        self.reads_apart = False  # whether some of these matter that are not searched
        self.declaring: list[str] = []  # the files that may declare what the project needs
        self.paths = sorted(_python_files(str(root), self._excluded, self.declaring))
        self.searched = self.paths
        self._changed: dict[str, bytes] = {}
        self._lines: dict[str, list[str]] = {}
        self._containing: dict[tuple[bytes, ...], list[str]] = {}
        self._saying: dict[str, list[str]] = {}
        self._contents: list[tuple[str, bytes | None]] | None = None
        self._read = lru_cache(maxsize=_KEPT)(self.from_disk)

    def search_in(self, paths: Iterable[str]) -> None:
        """From now on, look for tokens in these files alone."""
        self.searched = sorted(paths)
        self._containing, self._saying, self._contents = {}, {}, None

    def add(self, paths: Iterable[Path]) -> list[str]:
        """Take in files that the user named, whatever leaves them out but the configuration; they are returned."""
        named = [path.relative_to(self.root).as_posix() for path in paths if path.is_file()]
        named = [path for path in named if self._excluded is None or not self._excluded.match_file(path)]
        if not {*named}.issubset(self.paths):
            self.paths = sorted({*self.paths, *named})
            self.search_in(self.paths)
        return named

    def with_changes(self, changed: dict[str, bytes]) -> Sources:
        """The same files, some of them with other content."""
        other = object.__new__(Sources)
        other.declaring = self.declaring
        other.reads_beside, other.reads_apart = self.reads_beside, self.reads_apart
        other.root, other.paths, other.searched, other._excluded = self.root, self.paths, self.searched, self._excluded
        other._changed = {**self._changed, **changed}
        other._lines, other._containing, other._saying, other._contents = {}, {}, {}, None
        other._read = self._read
        return other

    def read(self, path: str) -> bytes:
        """The bytes of a file; OSError if it cannot be read."""
        changed = self._changed.get(path)
        return self._read(path) if changed is None else changed

    def content(self, path: str) -> bytes:
        """The bytes of a file; none of one that cannot be read."""
        try:
            return self.read(path)
        except OSError:
            return b""

    def from_disk(self, path: str) -> bytes:
        """The bytes of a file as they are there now; OSError if it cannot be read."""
        descriptor = os.open(f"{self._folder}{path}", os.O_RDONLY)
        try:
            size = os.fstat(descriptor).st_size
            content = os.read(descriptor, size + 1)
            while len(content) < size and (more := os.read(descriptor, size)):
                content += more
            return content
        finally:
            os.close(descriptor)

    def containing(self, *tokens: bytes) -> list[str]:
        """The files that hold one of the tokens, among those that are searched; one that cannot be read is one, too."""
        found = self._containing.get(tokens)
        if found is None:
            each = self._each()
            found = [path for path, content in each if content is None or any(map(content.__contains__, tokens))]
            self._containing[tokens] = found
        return found

    def saying(self, name: str) -> list[str]:
        """Those in which a name stands as a word of its own."""
        if name not in self._saying:
            word = name.encode(errors="surrogateescape")
            contents = ((path, self.content(path)) for path in self.containing(word))
            found = [path for path, content in contents if not content or any(True for _ in _places(content, word))]
            self._saying[name] = found
        return self._saying[name]

    def other_names(self, path: str, name: str) -> set[str]:
        """What else a file calls what it knows by a name: `x as y`, `y = x`, `self.y = a.x`."""
        word, content = name.encode(errors="surrogateescape"), self.content(path)
        found: set[str] = set()
        for start, end in _places(content, word):
            other = _RENAMED.match(content, end)
            if other is None and _ENDED.match(content, end) is not None:
                other = _ASSIGNED.fullmatch(content, content.rfind(b"\n", 0, start) + 1, start)
            if other is not None:
                found.add(other[1].decode(errors="surrogateescape"))
        return found - {name}

    def _each(self) -> Iterable[tuple[str, bytes | None]]:
        """The files that are searched, and what is in them; None of one that cannot be read."""
        if self._contents is None:
            each = ((path, self._or_none(path)) for path in self.searched)
            if len(self.searched) > _KEPT:
                return each
            self._contents = [*each]
        return self._contents

    def _or_none(self, path: str) -> bytes | None:
        try:
            return self.read(path)
        except OSError:
            return None

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

    def is_plain(self, path: str) -> bool:
        """Whether a file is Python for all that a quick look at it tells."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                symtable.symtable(self.decode(path).text, path, "exec")
        except (SourceError, SyntaxError, ValueError, RecursionError, MemoryError):
            return False
        return True

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


def _places(content: bytes, word: bytes) -> Iterator[tuple[int, int]]:
    """Where a word stands by itself; what is not ASCII may or may not be part of one."""
    start = content.find(word)
    while start >= 0:
        end = start + len(word)
        if content[start - 1 : start] not in _IN_WORDS and content[end : end + 1] not in _IN_WORDS:
            yield start, end
        start = content.find(word, start + 1)


def lines_of(text: str) -> list[str]:
    """The lines of a text with their ends, as editors and Python count them: a form feed ends none."""
    return _LINE.findall(text)


def _spec(patterns: Iterable[str]) -> GitIgnoreSpec | None:
    patterns = [pattern for pattern in patterns if pattern.strip() and not pattern.startswith("#")]
    if not patterns:
        return None
    from pathspec import GitIgnoreSpec  # which many projects can do without

    return GitIgnoreSpec.from_lines(patterns)


def _python_files(root: str, exclude: GitIgnoreSpec | None, declaring: list[str]) -> Iterator[str]:
    pending: list[tuple[str, list[tuple[str, GitIgnoreSpec]]]] = [("", [])]
    while pending:
        folder, specs = pending.pop()
        try:
            entries = list(os.scandir(f"{root}/{folder}"))
        except OSError:
            continue
        if any(entry.name == ".gitignore" for entry in entries):
            spec = _spec(_ignored_in(f"{root}/{folder}.gitignore"))
            specs = [*specs, (folder, spec)] if spec is not None else specs
        for entry in entries:
            path = f"{folder}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                hidden = entry.name in _SKIPPED or entry.name.startswith(".")
                if not hidden and not _ignored(f"{path}/", specs, exclude):
                    pending.append((f"{path}/", specs))
                continue
            if may_declare(path):
                declaring.append(path)
            if entry.name.endswith(".py") and entry.is_file() and not _ignored(path, specs, exclude):
                yield path


def _ignored_in(file: str) -> list[str]:
    try:
        return Path(file).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _ignored(path: str, specs: list[tuple[str, GitIgnoreSpec]], exclude: GitIgnoreSpec | None) -> bool:
    verdict = False
    for folder, spec in specs:
        checked = spec.check_file(path.removeprefix(folder))
        if checked.include is not None:
            verdict = checked.include
    return verdict or (exclude is not None and exclude.match_file(path))


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        line = error.object.count(b"\n", 0, error.start) + 1
        return f"byte 0x{error.object[error.start]:02x} in line {line} is not {error.encoding}"
    return str(error)
