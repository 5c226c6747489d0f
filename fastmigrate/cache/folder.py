"""Where the cache is kept: files of the user's own that are whole and of this very program, or else not there."""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

from msgspec import MsgspecError
from msgspec.msgpack import Decoder

from fastmigrate import __version__

__all__ = ["Folder", "cache_of", "unpacked"]

Kept = TypeVar("Kept")

_NAME = "fastmigrate"
_PROGRAM = Path(__file__).parent.parent
_DIGEST = 32  # bytes
_NAMED = 16  # bytes of the digest that names a folder
_LARGEST = 256 * 2**20  # bytes of a file
_ABANDONED = 3600  # seconds after which a file that was begun is that of a run which was killed
_PROJECTS = 32  # of which something is kept: the ones looked at last


class Folder:
    """The files that are kept for one project, by their names. What cannot be read or written there is not there.

    A file is taken for none if it is not whole, was written for another project or by another version of this program
    or of Python, or could have been written by somebody else.
    """

    def __init__(self, path: Path, project: Path) -> None:
        self.path = path
        self._purpose = f"{_fingerprint()}\0{project}\0".encode(errors="surrogateescape")

    def load(self, name: str) -> bytes | None:
        """What was saved under a name, or None."""
        try:
            if not _is_ours(os.lstat(self.path), stat.S_ISDIR):
                return None
            descriptor = os.open(self.path / name, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
            with os.fdopen(descriptor, "rb") as file:
                found = os.fstat(descriptor)
                whole = file.read(_LARGEST) if _is_ours(found, stat.S_ISREG) and found.st_size <= _LARGEST else b""
        except (OSError, ValueError):
            return None
        payload = whole[_DIGEST:]
        return payload if whole[:_DIGEST] == self._digest(name, payload) else None

    def touch(self) -> None:
        """Note that this project is among those that were looked at last."""
        with suppress(OSError):
            os.utime(self.path)

    def save(self, name: str, payload: bytes) -> None:
        """Keep something under a name, in place of what was there: other runs see the one or the other."""
        if len(payload) + _DIGEST > _LARGEST:
            return
        staged = self.path / f"{name}.{os.urandom(8).hex()}"
        try:
            self._make()
            descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError:
            return
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(self._digest(name, payload) + payload)
            staged.replace(self.path / name)
        except OSError:
            staged.unlink(missing_ok=True)

    def _digest(self, name: str, payload: bytes) -> bytes:
        return blake2b(self._purpose + name.encode() + b"\0" + payload, digest_size=_DIGEST).digest()

    def _make(self) -> None:
        if not self.path.is_dir():
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _forget_oldest(self.path.parent)
            self.path.mkdir(mode=0o700, exist_ok=True)
        if not _is_ours(os.lstat(self.path), stat.S_ISDIR):
            raise OSError("somebody else can write there")
        self.touch()
        for file in self.path.iterdir():
            if "." in file.name and file.stat().st_mtime < time.time() - _ABANDONED:
                file.unlink()


def unpacked(decoder: Decoder[Kept], packed: bytes | None) -> Kept | None:
    """What was packed, if something was, and it is what the decoder expects."""
    try:
        return decoder.decode(packed) if packed is not None else None
    except MsgspecError:
        return None


def cache_of(project: Path) -> Folder | None:
    """The part of the user's cache that is for a project; None if there is no place for one."""
    base = _base()
    if base is None:
        return None
    name = blake2b(os.fsencode(project), digest_size=_NAMED).hexdigest()
    return Folder(base / name, project)


def _base() -> Path | None:
    """The folder that `FASTMIGRATE_CACHE_DIR` names, or that of this program where the platform keeps caches."""
    named = os.environ.get("FASTMIGRATE_CACHE_DIR")
    if named:
        return Path(named).absolute()
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / _NAME / "Cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / _NAME
    chosen = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (chosen if chosen.is_absolute() else home / ".cache") / _NAME


def _is_ours(found: os.stat_result, is_kind: Callable[[int], bool]) -> bool:
    """Whether a file or folder is of the kind that is meant, and nobody else can write to it."""
    if not is_kind(found.st_mode):
        return False
    return not hasattr(os, "getuid") or (found.st_uid == os.getuid() and not found.st_mode & 0o022)


def _fingerprint() -> str:
    """What the same content need not mean the same to: another version of this program, or of Python.

    Where the program is being worked on, it changes without a version.
    """
    version = ".".join(map(str, sys.version_info))
    installed = not {"site-packages", "dist-packages"}.isdisjoint(_PROGRAM.parts)
    modules = () if installed else sorted((p, at.st_size, at.st_mtime_ns) for p, at in _modules(str(_PROGRAM)))
    return f"{__version__} {version} {sys.implementation.name} {modules}"


def _modules(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    """The modules of this program."""
    try:
        entries = list(os.scandir(folder))
    except OSError:  # in an archive, say
        return
    for entry in entries:
        if entry.name.endswith(".py"):
            yield entry.path, entry.stat()
        elif "." not in entry.name and entry.name != "__pycache__" and entry.is_dir():
            yield from _modules(entry.path)


def _forget_oldest(base: Path) -> None:
    """Make room for one more project."""
    kept = sorted((path.lstat().st_mtime, path) for path in base.iterdir() if _is_of_project(path))
    for _, path in kept[: max(0, len(kept) - _PROJECTS + 1)]:
        with suppress(OSError):  # somebody has put something else there
            for file in path.iterdir():
                file.unlink()
            path.rmdir()


def _is_of_project(path: Path) -> bool:
    named = len(path.name) == 2 * _NAMED and not path.name.strip("0123456789abcdef")
    return named and path.is_dir() and not path.is_symlink()
