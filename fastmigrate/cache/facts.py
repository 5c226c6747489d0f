"""The facts of files that earlier runs have read, each by the path and the content of its file."""

from __future__ import annotations

import zlib
from contextlib import suppress

import msgspec

from fastmigrate.cache.contents import digest_of, is_text
from fastmigrate.cache.folder import Folder, unpacked
from fastmigrate.facts.values import ModuleLinks

__all__ = ["Facts"]

_FILE = "facts"
_LARGEST = 128 * 2**20  # bytes of all facts of a project
_pack = msgspec.msgpack.Decoder(dict[str, tuple[bytes, bytes]])
_links = msgspec.msgpack.Decoder(ModuleLinks)


class Facts:
    """Gives the links of files that were read before, and keeps those of others."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self._before = unpacked(_pack, folder.load(_FILE)) or {}
        self._now: dict[str, tuple[bytes, bytes]] = {}

    def links(self, path: str, content: bytes) -> ModuleLinks | None:
        """The links of a file with this content, or None if they are not known."""
        digest, packed = self._before.get(path, (b"", b""))
        if not packed or digest != digest_of(content):
            return None
        with suppress(zlib.error):
            found = unpacked(_links, zlib.decompress(packed))
            if found is not None and found.path == path:
                self._now[path] = digest, packed
                return found
        return None

    def keep(self, links: ModuleLinks, content: bytes) -> None:
        """Remember the links of a file with this content."""
        if not is_text(links.path):
            return
        try:
            packed = zlib.compress(msgspec.msgpack.encode(links), 1)
        except (OverflowError, RecursionError, TypeError, ValueError):  # a number of more than 64 bits, say
            return
        self._now[links.path] = digest_of(content), packed

    def save(self) -> None:
        """Keep what this run has asked for, and nothing else."""
        if self._now == self._before:
            return
        if sum(len(packed) for _, packed in self._now.values()) <= _LARGEST:
            self.folder.save(_FILE, msgspec.msgpack.encode(self._now))
