"""The facts of files that earlier runs have read, each by the path and the content of its file."""

from __future__ import annotations

import msgspec

from fastmigrate.cache.contents import digest_of, is_text
from fastmigrate.cache.folder import Folder, unpacked
from fastmigrate.facts.packing import unpack
from fastmigrate.facts.values import ModuleLinks

__all__ = ["Facts"]

_FILE = "facts"
_LARGEST = 128 * 2**20  # bytes of all facts of a project
_kept = msgspec.msgpack.Decoder(dict[str, tuple[bytes, bytes]])


class Facts:
    """Gives the links of files that were read before, and keeps those of others."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self._before = unpacked(_kept, folder.load(_FILE)) or {}
        self._now: dict[str, tuple[bytes, bytes]] = {}

    def has(self, path: str, content: bytes) -> bool:
        """Whether the links of a file with this content seem to be known."""
        digest, packed = self._before.get(path, (b"", b""))
        return bool(packed) and digest == digest_of(content)

    def links(self, path: str, content: bytes) -> ModuleLinks | None:
        """The links of a file with this content, or None if they are not known."""
        found = unpack(self._before[path][1]) if self.has(path, content) else None
        if found is None or found.path != path:
            return None
        self._now[path] = self._before[path]
        return found

    def keep(self, path: str, content: bytes, packed: bytes) -> None:
        """Remember the links of a file with this content, as `pack` has packed them."""
        if packed and is_text(path):
            self._now[path] = digest_of(content), packed

    def save(self) -> None:
        """Keep what this run has asked for, and nothing else."""
        if self._now == self._before:
            return
        if sum(len(packed) for _, packed in self._now.values()) <= _LARGEST:
            self.folder.save(_FILE, msgspec.msgpack.encode(self._now))
