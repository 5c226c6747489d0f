"""Paths as they are shown: POSIX, relative to the current folder."""

from __future__ import annotations

import os
from pathlib import Path, PurePath

__all__ = ["shown"]


def shown(path: Path) -> str:
    """A path relative to the current folder, also where that lies beside or below it."""
    return PurePath(os.path.relpath(path)).as_posix()
