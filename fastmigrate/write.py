"""Writing: all changed files, or none of them, with not a byte lost on the way."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

__all__ = ["Change", "WriteError", "write_changes"]


class WriteError(Exception):
    """Files that cannot be written; none has been changed."""


class Change(Struct, frozen=True):
    """The bytes that a file had when it was read, or None if there was none, and those that it shall have."""

    before: bytes | None
    after: bytes


def write_changes(changes: Mapping[Path, Change]) -> None:
    """Write all changes; WriteError if one of them is not possible.

    Each file is staged beside its target and renamed over it, so that a reader sees the old file or the new one.
    What has been renamed is put back if a later one fails, or on Ctrl-C. Symbolic links and modes stay.
    """
    targets = {Path(os.path.realpath(path)): change for path, change in changes.items()}
    for target, change in targets.items():
        _check(target, change)
    staged: dict[Path, Path] = {}
    done: list[Path] = []
    try:
        for target, change in targets.items():
            staged[target] = _stage(target, change.after)
        for target, temporary in staged.items():
            _check(target, targets[target])
            done.append(target)
            temporary.replace(target)
    except BaseException as error:
        for target in done:
            before = targets[target].before
            if before is None:
                _take_back(target, targets[target].after)
            elif target.read_bytes() != before:
                _stage(target, before).replace(target)
        if isinstance(error, OSError):
            raise WriteError(f"{error.filename}: {error.strerror}; nothing was changed") from error
        raise
    finally:
        for temporary in staged.values():
            with contextlib.suppress(FileNotFoundError):
                temporary.unlink()


def _take_back(target: Path, content: bytes) -> None:
    """Remove a file that is new, unless somebody else has made it meanwhile."""
    if target.exists() and target.read_bytes() == content:
        target.unlink()


def _check(target: Path, change: Change) -> None:
    try:
        current = target.read_bytes()
        mode = target.stat().st_mode
    except FileNotFoundError as error:
        if change.before is not None or not target.parent.is_dir():
            raise WriteError(f"{target}: {error.strerror}; nothing was changed") from error
        current, mode = None, stat.S_IWUSR
    except OSError as error:
        raise WriteError(f"{target}: {error.strerror}; nothing was changed") from error
    if current != change.before:
        raise WriteError(f"{target}: changed while fastmigrate was running; nothing was changed, please run it again")
    # a rename would replace a read-only file, too: its owner said not to
    is_writable = current is None or os.access(target, os.W_OK)
    if not mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH) or not is_writable:
        raise WriteError(f"{target}: is read-only; nothing was changed")
    if not os.access(target.parent, os.W_OK):
        raise WriteError(f"{target.parent}: no file can be written in this folder; nothing was changed")


def _stage(target: Path, content: bytes) -> Path:
    status = target.stat() if target.exists() else None
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".fastmigrate", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask() if status is None else stat.S_IMODE(status.st_mode))
        if status is not None:
            with contextlib.suppress(OSError):  # keeping the owner takes rights that one may not have
                os.chown(temporary, status.st_uid, status.st_gid)
    except BaseException:
        temporary.unlink()
        raise
    return temporary


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
