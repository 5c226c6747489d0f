"""What earlier runs have asked of files, and of which of them it was true."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b

import msgspec
from msgspec import Struct

from fastmigrate.cache.contents import Contents, is_text
from fastmigrate.cache.folder import Folder, unpacked
from fastmigrate.forks import Asking

__all__ = ["Answers"]

_FILE = "answers"


class _Kept(Struct, frozen=True, array_like=True):
    """The answers by their questions: the files of which it was true; `stamp` tells which contents they had."""

    stamp: bytes
    answers: dict[bytes, list[str]]


_decoder = msgspec.msgpack.Decoder(_Kept)


class Answers(Asking):
    """Asks files that have changed, and those that were not asked before."""

    def __init__(self, folder: Folder, contents: Contents, jobs: int) -> None:
        super().__init__(jobs)
        self.folder = folder
        self.contents = contents
        kept = unpacked(_decoder, folder.load(_FILE))
        self._before = kept if kept is not None and kept.stamp == contents.stamp_before else _Kept(b"", {})
        self._now: dict[bytes, list[str]] = {}

    def which(self, question: str, paths: Sequence[str], holds: Callable[[str], bool], worth: int) -> set[str]:
        """The files of which something is true: as far as they have not changed, as it was before."""
        whole = "\0".join((question, *paths)).encode(errors="surrogateescape")
        key = blake2b(whole, digest_size=16).digest()
        known = self._before.answers.get(key)
        if known is None:
            found = super().which(question, paths, holds, worth)
        else:
            changed = [path for path in paths if path not in self.contents.same]
            found = {*known}.difference(changed) | super().which(question, changed, holds, worth)
        if all(map(is_text, found)):
            self._now[key] = sorted(found)
        return found

    def begun(
        self, question: str, paths: Sequence[str], holds: Callable[[str], bool], worth: int
    ) -> Callable[[], set[str]]:
        """The same, asked now: what has changed is seldom much."""
        found = self.which(question, paths, holds, worth)
        return lambda: found

    def save(self) -> None:
        """Keep what this run has asked for, and nothing else."""
        now = _Kept(self.contents.stamp, self._now)
        if now != self._before:
            self.folder.save(_FILE, msgspec.msgpack.encode(now))
