"""Adds a requirement to the files in which projects declare what they need; order, format and comments stay."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from fastmigrate.project.declarations import (
    is_listed,
    minimum_of,
    names_framework,
    requirement_lists,
    requirement_tables,
)

__all__ = ["declared"]


def declared(path: str, content: bytes, library: str) -> bytes:
    """The content of a file with a library beside its framework; as it was, if it does not name that."""
    mark = b"\xef\xbb\xbf" if content.startswith(b"\xef\xbb\xbf") else b""
    text = content.removeprefix(mark).decode()
    if path.endswith("pyproject.toml"):
        return mark + _in_toml(text, library).encode()
    return mark + _in_lines(text, library).encode()


def _place(names: Sequence[str], library: str) -> int:
    """Where a name comes among others: in its place, if they are sorted, else at the end."""
    plain = [re.split(r"[^\w.-]", name.strip(), maxsplit=1)[0].lower() for name in names]
    if plain == sorted(plain):
        return sum(name < library for name in plain)
    return len(plain)


def _in_lines(text: str, library: str) -> str:
    end = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines(keepends=True)
    listed = [index for index, line in enumerate(lines) if is_listed(line)]
    if not any(names_framework(lines[index]) for index in listed):
        return text
    place = _place([lines[index] for index in listed], library)
    at = listed[place] if place < len(listed) else listed[-1] + 1
    if at and not lines[at - 1].endswith("\n"):
        lines[at - 1] += end
    lines.insert(at, minimum_of(library) + end)
    return "".join(lines)


def _in_toml(text: str, library: str) -> str:
    import tomlkit  # noqa: PLC0415  # slow to import, and seldom needed

    document: Any = tomlkit.parse(text)
    for listed in requirement_lists(document):
        texts = [str(item) for item in listed if isinstance(item, str)]
        if any(map(names_framework, texts)):
            listed.insert(_place(texts, library) if len(texts) == len(listed) else len(listed), minimum_of(library))
    for table in requirement_tables(document):
        if any(map(names_framework, table)):
            table[library] = minimum_of(library).removeprefix(library)
    return tomlkit.dumps(document)
