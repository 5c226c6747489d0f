"""Changes as a unified diff that `git apply` takes."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

from fastmigrate.report.paths import shown
from fastmigrate.write import Change

__all__ = ["unified_diff"]


def unified_diff(changes: Mapping[Path, Change]) -> bytes:
    """One diff of all changes, in the files' own bytes, with paths relative to the current folder."""
    return b"".join(_file_diff(shown(path).encode(), change) for path, change in changes.items())


def _file_diff(name: bytes, change: Change) -> bytes:
    lines = difflib.diff_bytes(
        difflib.unified_diff,
        _lines(change.before or b""),
        _lines(change.after),
        b"a/" + name,
        b"b/" + name,
        lineterm=b"\n",
    )
    return b"".join(line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n" for line in lines)


def _lines(content: bytes) -> list[bytes]:
    """Lines as git counts them: a lone carriage return or form feed ends none."""
    lines = content.split(b"\n")
    return [line + b"\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
