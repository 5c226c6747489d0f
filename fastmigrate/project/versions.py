"""Versions to which a project is pinned, and whether a lifespan can hand out state there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

__all__ = ["declares", "too_old"]

_MINIMUM = {"fastapi": (0, 94, 0), "starlette": (0, 26, 0), "uvicorn": (0, 21, 0)}
"""Below these, a lifespan yields nothing to `request.state` (docs/facts/fastapi-lifecycle.md sections 0 and 1)."""

_FILES = (
    *("requirements*.txt", "requirements*.in", "requirements/*.txt"),
    *("pyproject.toml", "Pipfile", "setup.cfg", "setup.py"),
)
_REQUIREMENT = re.compile(
    r"""^[\s"']*(?P<name>fastapi|starlette|uvicorn)(?:\[[^\]]*\])?["']?\s*(?:=\s*["']|(?:=\s*\{[^}]*version\s*=\s*["']))?"""
    r"""(?P<specifiers>[\^~=<>!][^;#"'}\n]*|\d[\d.]*)""",
    re.MULTILINE | re.IGNORECASE,
)
_SPECIFIER = re.compile(r"(\^|~=|~|===|==|<=|<|>=|>|!=|)\s*v?(\d+(?:\.\d+)*)")


def too_old(root: Path, path: str) -> str | None:
    """Why the framework that serves the file `path` is too old, by the nearest files that pin it; or None."""
    for file in _requirement_files(root, path):
        text = _text(file)
        for found in _REQUIREMENT.finditer(text):
            name = found["name"].lower()
            newest = _newest(found["specifiers"])
            if newest is not None and newest < _MINIMUM[name]:
                line = text.count("\n", 0, found.start("name")) + 1
                minimum = ".".join(map(str, _MINIMUM[name][:2]))
                where = file.relative_to(root).as_posix()
                return f"{name} is pinned below {minimum} in {where}:{line}, where a lifespan cannot hand out state"
    return None


def declares(root: Path, path: str, name: str) -> bool | None:
    """Whether a package is named where the project of a file declares what it needs; None if nothing is declared."""
    files = list(_requirement_files(root, path))
    word = re.compile(rf"""(?<![\w-]){re.escape(name)}(?![\w-])""", re.IGNORECASE)
    return any(word.search(_text(file)) for file in files) if files else None


def _text(file: Path) -> str:
    """The text of a file, which some shells write as UTF-16."""
    content = file.read_bytes()
    utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    return content.decode("utf-16" if utf16 else "utf-8", errors="replace").replace("\r\n", "\n")


def _requirement_files(root: Path, path: str) -> Iterator[Path]:
    for folder in PurePosixPath(path).parents:
        for pattern in _FILES:
            yield from sorted(found for found in (root / folder).glob(pattern) if found.is_file())


def _newest(specifiers: str) -> tuple[int, ...] | None:
    """An upper bound of the versions that are allowed; None if there is none."""
    bounds: list[tuple[int, ...]] = []
    for operator, text in _SPECIFIER.findall(specifiers):
        given = [int(part) for part in text.split(".")]
        version = tuple([*given, 0, 0][: max(3, len(given))])
        if operator in {"==", "===", "<=", ""}:
            bounds.append(version)
        elif operator == "<":
            bounds.append((*version[:-1], version[-1] - 1))
        elif operator in {"^", "~", "~="}:
            fixed = 2 if operator == "^" and version[0] == 0 else 1
            fixed = len(given) - 1 if operator == "~=" else 2 if operator == "~" else fixed
            bounds.append((*version[:fixed], 999))
    return min(bounds, default=None)
