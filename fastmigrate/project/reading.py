"""Reading: the links of files, each read once: by an earlier run, by this process, or by several at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from fastmigrate.facts.links import read_links
from fastmigrate.facts.packing import pack, unpack
from fastmigrate.facts.values import ModuleLinks
from fastmigrate.forks import forked, shares
from fastmigrate.sources import SourceError, Sources

if TYPE_CHECKING:
    from fastmigrate.cache.facts import Facts

__all__ = ["Reading"]

_WORTH = 30  # files for a process of their own
_packs = msgspec.msgpack.Decoder(list[bytes])


class Reading:
    """Reads files when their links are asked for.

    `doubtful` gives files that may not be readable, and are not asked for otherwise. `told` is called whenever a file
    has been read, `facts` know files from earlier runs, `jobs` processes may read at once.
    """

    def __init__(
        self,
        sources: Sources,
        doubtful: Callable[[], Iterable[str]] = tuple,
        told: Callable[[], None] = lambda: None,
        facts: Facts | None = None,
        jobs: int = 1,
    ) -> None:
        self.sources = sources
        self.facts = facts
        self.jobs = jobs
        self._doubtful = doubtful
        self._told = told
        self._links: dict[str, ModuleLinks | None] = {}
        self._unreadable: dict[str, SourceError] = {}
        self._expected = {*sources.searched}

    @property
    def unreadable(self) -> dict[str, SourceError]:
        """The files that cannot be read, and why: of those that were asked for, and of the doubtful ones."""
        doubtful = [*self._doubtful()]
        self._expected |= {*doubtful}
        for path in doubtful:
            self.links(path)
        return self._unreadable

    def links(self, path: str) -> ModuleLinks | None:
        """The links of a file, or None if it cannot be read; then `unreadable` says why."""
        if path not in self._links:
            self.sources.reads_apart |= path not in self._expected
            self._links[path] = None  # what a file that is being read says of itself is not known yet
            try:
                self._links[path] = self._find(path)
                self._told()
            except SourceError as error:
                self._unreadable[path] = error
            except RecursionError:
                self._unreadable[path] = SourceError(path, 1, 1, "cannot be parsed: its code is nested too deeply")
        return self._links[path]

    def _find(self, path: str) -> ModuleLinks:
        """The links of a file as an earlier run has read them, or this one; SourceError if it cannot be read."""
        content = self.sources.content(path)
        links = self.facts.links(path, content) if self.facts is not None and content else None
        if links is None:
            links = self._read(path)
            if self.facts is not None:
                self.facts.keep(path, content, pack(links))
        return links

    def _read(self, path: str) -> ModuleLinks:
        return read_links(path, self.sources.parse(self.sources.decode(path)))

    def read_all(self, paths: Iterable[str]) -> None:
        """Read files all of which will be asked for, in several processes if that is worth it."""
        asked = [path for path in paths if path not in self._links]
        new = [path for path in asked if self.facts is None or not self.facts.has(path, self.sources.content(path))]
        others = shares(new, min(self.jobs, len(new) // _WORTH))[1:]
        waiting = [(share, forked(partial(self._packed, share))) for share in others]
        elsewhere = {path for share in others for path in share}
        for path in asked:
            if path not in elsewhere:
                self.links(path)
        for share, wait in waiting:
            self._take(share, wait())

    def _packed(self, paths: Sequence[str]) -> bytes:
        """The links of files for another process: nothing for those that this one cannot read."""
        return msgspec.msgpack.encode([self._packed_one(path) for path in paths])

    def _packed_one(self, path: str) -> bytes:
        try:
            return pack(self._read(path), 0 if self.facts is None else 1)
        except (SourceError, RecursionError):
            return b""

    def _take(self, paths: Sequence[str], given: bytes) -> None:
        """Take over what another process has read; what it could not is read here."""
        try:
            packs = _packs.decode(given)
        except msgspec.DecodeError:  # it has ended early
            packs = []
        for path, packed in zip(paths, packs, strict=False):
            links = unpack(packed) if path not in self._links else None
            if links is not None and links.path == path:
                self._links[path] = links
                self._told()
                if self.facts is not None:
                    self.facts.keep(path, self.sources.content(path), packed)
        for path in paths:
            self.links(path)
