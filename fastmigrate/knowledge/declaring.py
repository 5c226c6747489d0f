"""The files in which projects say what they need, and the lock files beside them."""

from __future__ import annotations

import re

__all__ = ["DECLARING", "LOCKS", "OTHER_LAYOUTS", "may_declare"]

OTHER_LAYOUTS = ("setup.py", "setup.cfg", "Pipfile", "environment.yml")
DECLARING = (
    *("pyproject.toml", "requirements*.txt", "requirements*.in", "requirements/*.txt", "requirements/*.in"),
    *OTHER_LAYOUTS,
)
LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml")
_NAMED = frozenset({"pyproject.toml", *OTHER_LAYOUTS, *LOCKS})
_LISTS = re.compile(r"(?:^|/)requirements(?:[^/]*|/[^/]+)\.(?:txt|in)$")


def may_declare(path: str) -> bool:
    """Whether a file, by its path, may be one of them."""
    return path.rpartition("/")[2] in _NAMED or (path.endswith((".txt", ".in")) and _LISTS.search(path) is not None)
