"""Which files can matter: those that can block, and those that import them, directly or not, judged by bytes alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from fastmigrate.knowledge.tokens import BLOCKING, SLEEP
from fastmigrate.search import Groups, imported_words
from fastmigrate.sources import Sources, is_test_path

__all__ = ["Importers", "blocking_paths", "serving_paths"]

_APP_TOKENS = (
    *(b"fastapi", b"starlette", b"include_router(", b".mount("),
    *(b"on_event", b"on_startup", b"on_shutdown", b"add_event_handler", b"lifespan_context"),
)
"""What names the framework, or says something to an app that comes from elsewhere."""
_REGISTERS = re.compile(
    rb"^[ \t]*@[\w.]+\.(?:get|put|post|delete|options|head|patch|trace|api_route|route|websocket|websocket_route)\("
    rb"|\b(?:middleware|exception_handler|include_router|mount)\("
    rb"|\badd_(?:(?:api_)?(?:websocket_)?route|middleware|exception_handler|event_handler|task)\(",
    re.MULTILINE,
)
"""What registers a path operation, a middleware, a handler or a task."""


class Importers:
    """Knows for every file which others may import it, as far as bytes and folders tell."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources

    @cached_property
    def _importers(self) -> dict[bytes, list[str]]:
        found: dict[bytes, list[str]] = {}
        for path in self.sources.searched:
            for word in imported_words(self.sources.content(path)):
                found.setdefault(word, []).append(path)
        return found

    @cached_property
    def _importers_of(self) -> dict[bytes, set[str]]:
        return {word: set(paths) for word, paths in self._importers.items()}

    def leading_to(self, paths: Iterable[str]) -> set[str]:
        """The given files, and all that import one of them, directly or not."""
        found = set(paths)
        pending = list(found)
        while pending:
            for importer in self.importing(pending.pop()):
                if importer not in found:
                    found.add(importer)
                    pending.append(importer)
        return found

    def are_connected(self, path: str, other: str) -> bool:
        """Whether objects may come from one file to another: packages or folders between them import one another.

        Tests get theirs from fixtures, which need no import.
        """
        if is_test_path(path) or is_test_path(other):
            return True
        one, two = self._islands.get(self._groups.of(path)), self._islands.get(self._groups.of(other))
        return one is None or two is None or one == two

    @cached_property
    def _groups(self) -> Groups:
        return Groups(self.sources.searched)

    @cached_property
    def _islands(self) -> dict[str, int]:
        """The groups of files, each with a number that it shares with those that it is connected with."""
        inside = self._groups.split(self.sources.searched)
        beside: dict[str, set[str]] = {group: set() for group in inside}
        for group, paths in inside.items():
            named = (self._importers.get(name, ()) for name in self._groups.names(group, paths))
            for importer in {self._groups.of(path) for importers in named for path in importers}:
                beside[group].add(importer)
                beside[importer].add(group)
        found: dict[str, int] = {}
        for number, group in enumerate(beside):
            pending = [group]
            while pending:
                one = pending.pop()
                if one not in found:
                    found[one] = number
                    pending += beside[one]
        return found

    def importing_name(self, name: str) -> set[str]:
        """The files in whose imports a name stands, or which import all that is somewhere."""
        word = name.encode(errors="surrogateescape")
        return self._importers_of.get(word, set()) | {*self.sources.containing(b"import *")}

    def importing(self, path: str) -> Iterator[str]:
        """The files that may import one: by its name and that of its folder, or by its name alone from below that.

        An import root is a folder above the importing file, or a `src` beside it (`fastmigrate.project.modules`).
        """
        *folders, name = [part for part in _parts(path) if part != "src"] or ["src"]
        named = self._importers.get(name.encode(errors="surrogateescape"), ())
        if path.endswith("__init__.py"):
            named = [*named, *self._importers.get(b".", ())]
        beside = self._importers_of.get(folders[-1].encode(errors="surrogateescape"), set()) if folders else set()
        below = "/".join(folders)
        for importer in named:
            if importer in beside or not below or _without_src(importer).startswith(f"{below}/"):
                yield importer


def blocking_paths(sources: Sources, names: Iterable[str]) -> list[str]:
    """The files that can call what blocks; `names` are the dotted ones of what else does so."""
    own = sorted({name.rpartition(".")[2].encode() for name in names})
    found = {*sources.containing(*BLOCKING, *own)}
    for path in sources.containing(SLEEP):
        content = sources.content(path)
        if b".sleep" in content or SLEEP in imported_words(content) or b"import *" in content:
            found.add(path)
    return sorted(found)


def serving_paths(sources: Sources, importers: Importers) -> list[str]:
    """The files that name the framework, and those that register something with what comes from one of them."""
    naming = {path for path in sources.containing(*_APP_TOKENS) if not is_test_path(path)}
    others = importers.leading_to(naming) - naming
    more = (path for path in others if not is_test_path(path) and _REGISTERS.search(sources.content(path)))
    return sorted([*naming, *more])


def _parts(path: str) -> list[str]:
    """The folders of a module and its own name; a package is its folder."""
    parts = path.removesuffix(".py").split("/")
    return parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts


def _without_src(path: str) -> str:
    return "/".join(part for part in path.split("/") if part != "src")
