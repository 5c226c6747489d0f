"""The byte search: which files can matter at all, told before any of them is parsed.

A folder at the top of the project matters if something in it imports the framework, or makes an async client of httpx;
then all that it imports matters, and all that imports it. Of the rest, only those files are looked at that import what
blocks, since it has to be said if one of them cannot be read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from fastmigrate.forks import in_forks
from fastmigrate.sources import Sources, is_test_path

__all__ = ["Search", "imported_words", "marks_of", "read_marks"]

_IMPORT = re.compile(
    rb"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n#]*)|import[ \t]+([^\n#]*))", re.MULTILINE
)
_WORD = re.compile(rb"\w+")
_FRAMEWORK = frozenset({b"fastapi", b"starlette"})
_CLIENT = b"AsyncClient"
_CLIENT_LIBRARIES = frozenset({b"httpx", b"httpx2"})
_BLOCKING = frozenset({b"requests", b"httpx", b"httpx2", b"urllib3", b"urlopen", b"urlretrieve"})
_PAIRS = ((b"urllib", b"request"), (b"http", b"client"))


_SEED, _BLOCKING_IMPORT = 1, 2


class Search:
    """The files of a project that can matter, in order.

    `admitted` are those that are analysed, `apart` the others that import what blocks, or cannot be opened. `marks` are
    those of all files.
    """

    def __init__(self, sources: Sources, marks: Sequence[int]) -> None:
        self.sources = sources
        paths = sources.paths
        seeds = {path for path, found in zip(paths, marks, strict=True) if found & _SEED}
        self.admitted = self._connected(seeds) if seeds else []
        known = {*self.admitted}
        blocking = (path for path, found in zip(paths, marks, strict=True) if found & _BLOCKING_IMPORT)
        self.apart = [path for path in blocking if path not in known]

    def _connected(self, seeds: set[str]) -> list[str]:
        """The files of all folders at the top that hold a seed, import one that does, or are imported by one."""
        groups: dict[bytes, list[str]] = {}
        for path in self.sources.paths:
            groups.setdefault(_group(path), []).append(path)
        active: set[bytes] = set()
        pending = {_group(path) for path in seeds}
        while pending:
            active |= pending
            others = groups.keys() - active
            pending = self._imported(pending, groups, others) | self._importing(pending, groups, others)
        return [path for path in self.sources.paths if _group(path) in active or _is_apart_test(path)]

    def _imported(self, names: set[bytes], groups: dict[bytes, list[str]], others: set[bytes]) -> set[bytes]:
        """Which other groups the files of some groups import."""
        found: set[bytes] = set()
        for path in (path for name in names for path in groups[name]) if others else ():
            content = _content(self.sources, path)
            found |= imported_words(content) & others if content is not None else set()
        return found

    def _importing(self, names: set[bytes], groups: dict[bytes, list[str]], others: set[bytes]) -> set[bytes]:
        """In which other groups files import some groups."""
        return {
            other
            for other in others
            if any(
                content is not None and any(name in content for name in names) and imported_words(content) & names
                for content in (_content(self.sources, path) for path in groups[other])
            )
        }


def read_marks(sources: Sources, jobs: int) -> bytes:
    """The marks of all files of a project, looked for by so many processes."""
    return in_forks(lambda path: bytes([marks_of(_content(sources, path))]), sources.paths, jobs, 500)


def marks_of(content: bytes | None) -> int:
    """What the bytes of a file tell of it."""
    if content is None:  # nothing is known of it: that has to be said
        return _BLOCKING_IMPORT
    tokens = (b"fastapi", b"starlette", b"requests", b"urllib")
    if not any(token in content for token in tokens) and (
        b"http" not in content or (b"httpx" not in content and b"http.client" not in content)
    ):
        return 0
    found = 0
    words = imported_words(content)
    if words & _FRAMEWORK or (words & _CLIENT_LIBRARIES and _CLIENT in content):
        found |= _SEED
    if words & _BLOCKING or any(words.issuperset(pair) for pair in _PAIRS):
        found |= _BLOCKING_IMPORT
    return found


def _content(sources: Sources, path: str) -> bytes | None:
    try:
        return sources.read(path)
    except OSError:
        return None


def imported_words(content: bytes) -> frozenset[bytes]:
    """The words in the import statements of a file; "." for `from . import`, which names no module."""
    words: set[bytes] = set()
    for module, names, plain in _IMPORT.findall(content):
        words.update(_WORD.findall(module + b" " + names + b" " + plain))
        if module.strip(b".") == b"":
            words.add(b".")
    return frozenset(words)


def _group(path: str) -> bytes:
    """The name under which what lies in another folder at the top imports a file: that of its own such folder.

    What lies in a `src` is imported without that.
    """
    first, _, rest = path.partition("/")
    if first == "src" and rest:
        first, _, rest = rest.partition("/")
    return (first if rest else first.removesuffix(".py")).encode(errors="surrogateescape")


def _is_apart_test(path: str) -> bool:
    """Whether a file is a test that need not import what it tests: it may name it in the text of a patch."""
    first, _, rest = path.partition("/")
    return is_test_path(path) and (not rest or is_test_path(f"{first}/x.py"))
