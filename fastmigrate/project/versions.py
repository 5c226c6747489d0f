"""Versions to which a project is pinned, and whether a lifespan can hand out state there."""

from __future__ import annotations

import re

from fastmigrate.project.declarations import Declarations

__all__ = ["runs_below", "too_old"]

_MINIMUM = {"fastapi": (0, 94, 0), "starlette": (0, 26, 0), "uvicorn": (0, 21, 0)}
"""Below these, a lifespan yields nothing to `request.state` (docs/facts/fastapi-lifecycle.md sections 0 and 1)."""

_REQUIREMENT = re.compile(
    r"""^[\s"']*(?P<name>fastapi|starlette|uvicorn)(?:\[[^\]]*\])?["']?\s*(?:=\s*["']|(?:=\s*\{[^}]*version\s*=\s*["']))?"""
    r"""(?P<specifiers>[\^~=<>!][^;#"'}\n]*|\d[\d.]*)""",
    re.MULTILINE | re.IGNORECASE,
)
_SPECIFIER = re.compile(r"(\^|~=|~|===|==|<=|<|>=|>|!=|)\s*v?(\d+(?:\.\d+)*)")


_PYTHON = re.compile(
    r"""^\s*(?:requires-python|python_requires|python)\s*=\s*["'][^"'\n]*?[>~^]=?\s*3\.(\d+)""", re.MULTILINE
)


def runs_below(declarations: Declarations, path: str, minor: int) -> bool:
    """Whether the project of a file says that it runs on a Python before 3.`minor`."""
    files = (file for folder in declarations.near(path) for file in folder)
    said = (found for file in files for found in _PYTHON.findall(declarations.text(file)))
    return any(int(found) < minor for found in said)


def too_old(declarations: Declarations, path: str) -> str | None:
    """Why the framework that serves the file `path` is too old, by the nearest files that pin it; or None."""
    for file in (file for folder in declarations.near(path) for file in folder):
        text = declarations.text(file)
        for found in _REQUIREMENT.finditer(text):
            name = found["name"].lower()
            newest = _newest(found["specifiers"].partition(" --")[0])
            if newest is not None and newest < _MINIMUM[name]:
                line = text.count("\n", 0, found.start("name")) + 1
                minimum = ".".join(map(str, _MINIMUM[name][:2]))
                return f"{name} is pinned below {minimum} in {file}:{line}, where a lifespan cannot hand out state"
    return None


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
