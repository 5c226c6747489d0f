"""What plans make of files: their new bytes, and how these differ from the old ones."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from fastmigrate.edits import TextEdit, text_edits
from fastmigrate.plan.planner import Plan
from fastmigrate.rewrite.declaring import declared
from fastmigrate.rewrite.intents import Intent
from fastmigrate.rewrite.rewriter import RewriteError, rewrite
from fastmigrate.sources import Sources
from fastmigrate.write import Change

__all__ = ["Changes", "UneditableError"]


class UneditableError(Exception):
    """A file that cannot be edited as a plan wants; `path` says which, the message why."""

    def __init__(self, path: str, error: Exception) -> None:
        super().__init__(f"{path} could not be edited: {error}")
        self.path = path


class Changes:
    """The changes of plans for the files of `sources`, as bytes or as edits; what plans share is edited once."""

    def __init__(self, sources: Sources, library: str) -> None:
        self.sources = sources
        self.library = library
        self._source = cache(sources.decode)
        self._edits: dict[tuple[str, tuple[Intent, ...]], list[TextEdit]] = {}

    def of(self, plan: Plan, step: Callable[[], None]) -> dict[str, Change]:
        """The old and new bytes of all files that a plan changes; UneditableError if one of them does not work out.

        `step` is called for each file.
        """
        changes: dict[str, Change] = {}
        for path in plan.declaring:
            before = self.sources.read(path)
            changes[path] = Change(before, declared(path, before, self.library))
        for path, intents in plan.intents.items():
            source, before = self._source(path), self.sources.read(path)
            try:
                if source.encode(source.text) != before:
                    raise RewriteError(f"its bytes are not those that {source.encoding} gives for its text")
                changes[path] = Change(before, source.encode(rewrite(source.text, intents)))
            except (RewriteError, UnicodeEncodeError) as error:
                raise UneditableError(path, error) from error
            step()
        return changes

    def edits(self, plan: Plan) -> dict[str, list[TextEdit]]:
        """The same as replacements of lines; nothing if it does not work out."""
        found: dict[str, list[TextEdit]] = {}
        try:
            for path, intents in plan.intents.items():
                if (path, intents) not in self._edits:
                    source = self._source(path)
                    self._edits[path, intents] = text_edits(source.text, rewrite(source.text, intents))
                found[path] = self._edits[path, intents]
            for path in plan.declaring:
                before = self.sources.read(path)
                found[path] = text_edits(before.decode(), declared(path, before, self.library).decode())
        except (RewriteError, UnicodeDecodeError):
            return {}
        return found
