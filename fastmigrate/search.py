"""The byte search: which files can matter at all, told before any of them is parsed.

A package, or a folder that is none, matters if something in it imports the framework, or makes an async client of
httpx; then all that it imports matters, and all that imports it. Of the rest, only those files are looked at that
import what blocks, since it has to be said if one of them cannot be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from fastmigrate.forks import Asking, in_forks
from fastmigrate.knowledge.tokens import BLOCKING_PAIRS, BLOCKING_WORDS, CLIENT, CLIENT_WORDS, FRAMEWORK_WORDS
from fastmigrate.sources import Sources, is_test_path

__all__ = ["UNREADABLE", "Groups", "Search", "imported_words", "marks_of", "read_marks"]

_IMPORT = re.compile(
    rb"(?:^|[;:])[ \t]*(?:from([\w.\x80-\xff \t]+?)\bimport\b[ \t]*(\([^)#]*(?:#[^\n]*\n[^)#]*)*\)|[^\n#;]*)"
    rb"|import[ \t]+([^\n#;]*))",
    re.MULTILINE,
)
_WORD = re.compile(rb"[\w\x80-\xff]+")
_SEED, _BLOCKING_IMPORT = 1, 2
UNREADABLE = _BLOCKING_IMPORT
"""The mark of a file that cannot be read: nothing is known of it, and that has to be said."""


class Search:
    """The files of a project that can matter, in order.

    `admitted` are those that are analysed, `apart` the others that import what blocks, or cannot be opened. `marks` are
    those of all files, and `asking` asks more of them.
    """

    def __init__(self, sources: Sources, marks: Sequence[int], asking: Asking) -> None:
        self.sources = sources
        self.asking = asking
        self.groups = Groups(sources.paths)
        paths = sources.paths
        seeds = {path for path, found in zip(paths, marks, strict=True) if found & _SEED}
        self.admitted = self._connected(seeds) if seeds else []
        known = {*self.admitted}
        blocking = (path for path, found in zip(paths, marks, strict=True) if found & _BLOCKING_IMPORT)
        self.apart = [path for path in blocking if path not in known]

    def _connected(self, seeds: set[str]) -> list[str]:
        """The files of all groups that hold a seed, import one that does, or are imported by one."""
        groups = self.groups.split(self.sources.paths)
        names = {group: self.groups.names(group, paths) for group, paths in groups.items()}
        active: set[str] = set()
        pending = {self.groups.of(path) for path in seeds}
        while pending:
            active |= pending
            others = groups.keys() - active
            imported = self._imported([path for group in pending for path in groups[group]]) if others else set()
            known = {name for group in pending for name in names[group]}
            pending = {group for group in others if not names[group].isdisjoint(imported)}
            pending |= self._importing([path for group in others - pending for path in groups[group]], known)
        around = {folder for group in active for folder in _with_folders_above(group)}
        return [path for path in self.sources.paths if self.groups.of(path) in active or _tested(path) in around]

    def _imported(self, paths: Iterable[str]) -> set[bytes]:
        """The words in the imports of some files."""
        return {word for path in paths for word in imported_words(self.sources.content(path))}

    def _importing(self, paths: Sequence[str], names: set[bytes]) -> set[str]:
        """The groups of which files may import something of these names."""

        def is_importing(path: str) -> bool:
            content = self.sources.content(path)
            named = any(name in content for name in names)
            return named and not imported_words(content).isdisjoint(names)

        question = b" ".join(sorted(names)).decode(errors="surrogateescape")
        return {*map(self.groups.of, self.asking.which(f"imports {question}", paths, is_importing, 500))}


def read_marks(sources: Sources, jobs: int) -> bytes:
    """The marks of all files of a project, looked for by so many processes."""
    return in_forks(lambda path: bytes([_marks(sources, path)]), sources.paths, jobs, 500)


def _marks(sources: Sources, path: str) -> int:
    try:
        return marks_of(sources.read(path))
    except OSError:
        return UNREADABLE


def marks_of(content: bytes) -> int:
    """What the bytes of a file tell of it."""
    tokens = (b"fastapi", b"starlette", b"requests", b"urllib")
    if not any(token in content for token in tokens) and (
        b"http" not in content or (b"httpx" not in content and b"http.client" not in content)
    ):
        return 0
    found = 0
    words = imported_words(content)
    if words & FRAMEWORK_WORDS or (words & CLIENT_WORDS and CLIENT in content):
        found |= _SEED
    if words & BLOCKING_WORDS or any(words.issuperset(pair) for pair in BLOCKING_PAIRS):
        found |= _BLOCKING_IMPORT
    return found


def imported_words(content: bytes) -> frozenset[bytes]:
    """The words in the import statements of a file; "." for `from . import`, which names no module."""
    words: set[bytes] = set()
    content = _in_lines(content)
    done = 0
    hit = content.find(b"import")
    while hit >= 0:  # the pattern alone would look at each byte of the file
        start = max(content.rfind(b"\n", 0, hit) + 1, done)
        before = content[start:hit].strip()
        found = None
        if not before or before.startswith(b"from") or b";" in before or b":" in before:
            found = _IMPORT.search(content, start)
        if found is not None:
            module, names, plain = (part or b"" for part in found.groups())
            words.update(_WORD.findall(module + b" " + names + b" " + plain))
            if module and not module.strip(b". \t"):
                words.add(b".")
            done = found.end()
        hit = content.find(b"import", max(hit + 1, done))
    return frozenset(words)


def _in_lines(content: bytes) -> bytes:
    """The bytes of a file in which each statement begins at the start of a line, or behind blanks."""
    content = content.removeprefix(b"\xef\xbb\xbf")
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return content.replace(b"\\\n", b" ").replace(b"\f", b" ")


class Groups:
    """The groups of files that go together: whole packages, and what lies in one folder beside no `__init__.py`."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._packages = {path.rpartition("/")[0] for path in paths if path.rpartition("/")[2] == "__init__.py"}
        self._known: dict[str, str] = {}

    def of(self, path: str) -> str:
        """The folder of a file's group: that of the outermost package in which it lies, else its own."""
        folder = path.rpartition("/")[0]
        if folder not in self._known:
            outermost = (above for above in reversed(_with_folders_above(folder)) if above in self._packages)
            self._known[folder] = next(outermost, folder)
        return self._known[folder]

    def split(self, paths: Iterable[str]) -> dict[str, list[str]]:
        """The files of each group."""
        found: dict[str, list[str]] = {}
        for path in paths:
            found.setdefault(self.of(path), []).append(path)
        return found

    def names(self, group: str, paths: Iterable[str]) -> set[bytes]:
        """The names of which one stands in any import of something in a group from elsewhere."""
        found = {group.rpartition("/")[2]}
        if group not in self._packages:
            found.update(path.rpartition("/")[2].removesuffix(".py") for path in paths)
        return {name.encode(errors="surrogateescape") for name in found - {""}}


def _with_folders_above(folder: str) -> list[str]:
    """A folder and those above it, up to that of the project, which is ""."""
    found = [folder]
    while found[-1]:
        found.append(found[-1].rpartition("/")[0])
    return found


def _tested(path: str) -> str | None:
    """The folder in which lies what a test file tests, which need not import it: it may name it in the text of a patch.

    None for other files.
    """
    if not is_test_path(path):
        return None
    folder = path.rpartition("/")[0]
    return next((above for above in _with_folders_above(folder) if not is_test_path(f"{above}/x.py")), "")
