"""Which files can matter: those that can block, and those that import them, directly or not, judged by bytes alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from fastmigrate.project.modules import module_name
from fastmigrate.sources import Sources

__all__ = ["Importers"]

_IMPORT = re.compile(
    rb"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n#]*)|import[ \t]+([^\n#]*))", re.MULTILINE
)
_WORD = re.compile(rb"\w+")


class Importers:
    """Knows for every file which others import it by its name, as far as bytes tell."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources

    @cached_property
    def _importers(self) -> dict[bytes, list[str]]:
        found: dict[bytes, list[str]] = {}
        for path in self.sources.paths:
            for word in _imported(self.sources, path):
                found.setdefault(word, []).append(path)
        return found

    def leading_to(self, paths: Iterable[str]) -> set[str]:
        """The given files, and all that import one of them, directly or not."""
        found = set(paths)
        pending = list(found)
        while pending:
            path = pending.pop()
            name = module_name(path).rpartition(".")[2].encode()
            relative = [b"."] if path.endswith("__init__.py") else []
            for importer in (i for word in (name, *relative) for i in self._importers.get(word, ())):
                if importer not in found:
                    found.add(importer)
                    pending.append(importer)
        return found


def _imported(sources: Sources, path: str) -> Iterator[bytes]:
    """The words in the imports of a file; "." for `from . import`, which names no module."""
    try:
        content = sources.read(path)
    except OSError:
        return
    words: set[bytes] = set()
    for module, names, plain in _IMPORT.findall(content):
        words.update(_WORD.findall(module + b" " + names + b" " + plain))
        if module.strip(b".") == b"":
            words.add(b".")
    yield from words
