"""What the files of a project hold: the digest of each and what its bytes tell, found anew where a file has changed."""

from __future__ import annotations

import os
import time
from hashlib import blake2b

import msgspec
from msgspec import Struct

from fastmigrate.cache.folder import Folder, unpacked
from fastmigrate.forks import in_forks
from fastmigrate.search import UNREADABLE, marks_of
from fastmigrate.sources import Sources

__all__ = ["Contents", "digest_of", "is_text"]

_FILE = "contents"
_DIGEST = 16  # bytes
_UNSURE = 2_000_000_000  # nanoseconds: a file that changed this short ago may change again and show no sign of it


class _Known(Struct, frozen=True, array_like=True):
    """A file as it was: its size, when it was modified, when anything of it changed (nanoseconds), and its inode."""

    size: int
    modified: int
    changed: int
    inode: int
    digest: bytes
    marks: int

    def is_still(self, found: os.stat_result) -> bool:
        """Whether nothing shows that the file is another one by now."""
        return _times(found) == (self.size, self.modified, self.changed, self.inode)


_decoder = msgspec.msgpack.Decoder(dict[str, _Known])


class Contents:
    """The digests of the Python files of a project and of those that declare its needs; and the marks of the former.

    `digests` has none for a file that cannot be read. `same` are the files that have not changed since they were kept,
    `stamp_before` and `stamp` stand for all that was kept, and is now.
    """

    def __init__(self, sources: Sources, folder: Folder, jobs: int) -> None:
        self.sources = sources
        begun = time.time_ns()
        saved = folder.load(_FILE)
        self.stamp_before = digest_of(saved) if saved is not None else b""
        before = unpacked(_decoder, saved) or {}
        self._found = found = {path: _stat(sources, path) for path in (*sources.paths, *sources.declaring)}
        same = {p: known for p, known in before.items() if (now := found.get(p)) is not None and known.is_still(now)}
        others = [path for path in found if path not in same]
        records = in_forks(self._look, others, jobs, 500, _DIGEST + 1)
        self.same = same.keys()
        self.digests = {path: known.digest for path, known in same.items()}
        marks = {path: known.marks for path, known in same.items()}
        kept = dict(same)
        for index, path in enumerate(others):
            record = records[index * (_DIGEST + 1) : (index + 1) * (_DIGEST + 1)]
            digest, marks[path] = record[:_DIGEST], record[_DIGEST]
            now = found[path]
            if now is None or not any(digest):
                continue
            self.digests[path] = digest
            if max(now.st_mtime_ns, now.st_ctime_ns) < begun - _UNSURE and is_text(path):
                kept[path] = _Known(now.st_size, now.st_mtime_ns, now.st_ctime_ns, now.st_ino, digest, marks[path])
        self.marks = [marks[path] for path in sources.paths]
        self.stamp = self.stamp_before
        if kept != before:
            packed = msgspec.msgpack.encode(kept)
            self.stamp = digest_of(packed)
            folder.save(_FILE, packed)

    def _look(self, path: str) -> bytes:
        try:
            content = self.sources.from_disk(path)
        except OSError:
            return bytes([*bytes(_DIGEST), UNREADABLE])
        return digest_of(content) + bytes([marks_of(content)])

    def are_still(self) -> bool:
        """Whether no file has changed while it was looked at: else what was found need not be about these contents."""
        now = ((before, _stat(self.sources, path)) for path, before in self._found.items())
        return all(_times(before) == _times(after) for before, after in now)

    def key(self, *more: object) -> bytes | None:
        """A digest of the contents of the files that are searched, of the names of all, and of what else decides.

        None if there is a file that cannot be read.
        """
        searched = {*self.sources.searched, *self.sources.declaring}
        if any(path not in self.digests for path in searched):
            return None
        whole = blake2b(repr(more).encode(errors="surrogateescape"), digest_size=32)
        for path in (*self.sources.paths, *self.sources.declaring):
            digest = self.digests[path] if path in searched else bytes(_DIGEST)
            whole.update(path.encode(errors="surrogateescape") + b"\0" + digest)
        return whole.digest()


def _times(found: os.stat_result | None) -> tuple[int, ...]:
    return () if found is None else (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def is_text(path: str) -> bool:
    """Whether a path can be kept: others have names that are no text to the platform."""
    try:
        return bool(path.encode())
    except UnicodeEncodeError:
        return False


def digest_of(content: bytes) -> bytes:
    """The digest of a file's content."""
    return blake2b(content, digest_size=_DIGEST).digest()


def _stat(sources: Sources, path: str) -> os.stat_result | None:
    try:
        return os.stat(f"{sources.root}/{path}")  # noqa: PTH116 - which takes a third as long as a Path does
    except OSError:
        return None
