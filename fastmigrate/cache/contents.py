"""What the files of a project hold: the digest of each and what its bytes tell, found anew where a file has changed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
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
        before = unpacked(_decoder, saved) or {}
        self._found = {path: _stat(sources, path) for path in (*sources.paths, *sources.declaring)}
        now = ((path, found) for path, found in self._found.items() if found is not None and path in before)
        known = {path: before[path] for path, found in now if before[path].is_still(found)}
        self.same = known.keys()
        looked_at = self._look_at([path for path in self._found if path not in known], jobs)
        told = {path: (one.digest, one.marks) for path, one in known.items()} | looked_at
        self.digests = {path: digest for path, (digest, _) in told.items() if any(digest)}
        self.marks = [told[path][1] for path in sources.paths]
        self.stamp = self.stamp_before = digest_of(saved) if saved is not None else b""
        kept = known | self._sure(looked_at, begun)
        if kept != before:
            packed = msgspec.msgpack.encode(kept)
            self.stamp = digest_of(packed)
            folder.save(_FILE, packed)

    def _look_at(self, paths: Sequence[str], jobs: int) -> dict[str, tuple[bytes, int]]:
        """The digests and marks of files as they are now; a digest of zeros for one that cannot be read."""
        size = _DIGEST + 1
        records = in_forks(self._look, paths, jobs, 500, size)
        parts = (records[start : start + size] for start in range(0, len(records), size))
        return {path: (record[:_DIGEST], record[_DIGEST]) for path, record in zip(paths, parts, strict=True)}

    def _look(self, path: str) -> bytes:
        try:
            content = self.sources.from_disk(path)
        except OSError:
            return bytes([*bytes(_DIGEST), UNREADABLE])
        return digest_of(content) + bytes([marks_of(content)])

    def _sure(self, looked_at: Mapping[str, tuple[bytes, int]], begun: int) -> dict[str, _Known]:
        """Those of the files that were looked at of which any later change would show."""
        found: dict[str, _Known] = {}
        for path, (digest, marks) in looked_at.items():
            now = self._found[path]
            if now is None or not any(digest) or not is_text(path):
                continue
            if max(now.st_mtime_ns, now.st_ctime_ns) < begun - _UNSURE:
                found[path] = _Known(now.st_size, now.st_mtime_ns, now.st_ctime_ns, now.st_ino, digest, marks)
        return found

    def are_still(self) -> bool:
        """Whether no file has changed while it was looked at: else what was found need not be about these contents."""
        now = ((before, _stat(self.sources, path)) for path, before in self._found.items())
        return all(_times(before) == _times(after) for before, after in now)

    def key(self, beside: Iterable[str], *more: object) -> bytes | None:
        """A digest of the contents of the files that are searched, of those beside, of all names, and of what is given.

        None if there is a file that cannot be read.
        """
        searched = {*self.sources.searched, *self.sources.declaring, *beside}
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
