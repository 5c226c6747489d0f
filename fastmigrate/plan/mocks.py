"""Tests that replace a function of requests: they come to replace the method of the client that takes over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property

from fastmigrate.facts.patches import Patch, read_patches
from fastmigrate.plan.names import imported
from fastmigrate.plan.settings import in_double_quotes
from fastmigrate.project.mocks import Mock, mocks_of_requests
from fastmigrate.project.modules import module_name
from fastmigrate.project.project import Project
from fastmigrate.project.values import Scope
from fastmigrate.rewrite.intents import AddImport, ArgumentEdit, EditCall, Intent, NewArgument
from fastmigrate.sources import is_test_path

__all__ = ["Mocks"]

_VERBS = frozenset({"get", "options", "head", "post", "put", "patch", "delete"})
_OTHERWISE = frozenset(
    [
        *("ok", "reason", "raw", "links", "elapsed", "apparent_encoding", "next", "is_redirect"),
        *("is_permanent_redirect", "iter_content", "iter_lines", "AsyncClient"),
    ]
)
"""Members of a response of requests that one of httpx has not, or not as requests has it, and the test's own client."""


class Mocks:
    """Rewrites the replacements that can be rewritten without a thought: the rest is for the author of the test."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def lowered(self, intents: Mapping[str, list[Intent]]) -> tuple[list[tuple[str, Intent]], Counter[tuple[str, str]]]:
        """The edits of tests that go with these edits, and how often each file stops to name something by a string."""
        rewritten = {
            (path, edit.number): str(edit.callee).rpartition(".")[2]
            for path, edits in intents.items()
            for edit in edits
            if isinstance(edit, EditCall) and edit.callee is not None and edit.awaited
        }
        found: list[tuple[str, Intent]] = []
        gone: Counter[tuple[str, str]] = Counter()
        for mock, patch in self._patches if rewritten else ():
            home, _, verb = mock.target.rpartition("requests.")
            home = home.removesuffix(".")
            if self._is_plain(patch, verb) and self._takes_over(home, verb, rewritten):
                found += self._edits(mock, patch, verb)
                gone[mock.path, f"{home.rpartition('.')[2]}.requests"] += 1
        return found, gone

    @cached_property
    def _patches(self) -> list[tuple[Mock, Patch]]:
        """The replacements by `patch`, each with how its test uses it."""
        mocks: dict[str, dict[int, Mock]] = {}
        for mock in mocks_of_requests(self.project):
            if mock.is_patch:
                mocks.setdefault(mock.path, {})[mock.number] = mock
        return [
            (own[patch.number], patch)
            for path, own in mocks.items()
            for patch in read_patches(self.project.tree_of(path), set(own))
        ]

    @staticmethod
    def _is_plain(patch: Patch, verb: str) -> bool:
        """Whether a mock of the client's method does in a test what that of the function did."""
        mentions = patch.names & {"requests"} or patch.members & _OTHERWISE
        return patch.is_plain and not patch.is_looked_at and not mentions and verb in _VERBS

    def _takes_over(self, home: str, verb: str, rewritten: Mapping[tuple[str, int], str]) -> bool:
        """Whether all calls of a function, in one module or in all, become calls of the client's method."""
        found = False
        for path in self.project.sources.containing(b"requests"):
            links = None if is_test_path(path) or home not in {"", module_name(path)} else self.project.links(path)
            for site in links.calls if links is not None else ():
                callee = self.project.resolver.resolve(site.call.callee, Scope(path, site.scope))
                if f"requests.{verb}" in self.project.resolver.called_names(callee):
                    found = True
                    if rewritten.get((path, site.call.number)) != verb:
                        return False
        return found

    def _edits(self, mock: Mock, patch: Patch, verb: str) -> Iterator[tuple[str, Intent]]:
        library = self.project.library
        target = ArgumentEdit(0, None, in_double_quotes(f"'{library}.AsyncClient.{verb}'"))
        if patch.has_result:
            yield mock.path, EditCall(patch.number, arguments=(target,))
            return
        names: dict[str, str] = {}
        for name in ("AsyncMock", "MagicMock"):
            names[name], there = imported(self.project, mock.path, "unittest.mock", name)
            if not there:
                alias = None if names[name] == name else names[name]
                yield mock.path, AddImport("unittest.mock", name, alias)
        made = f"lambda: {names['AsyncMock']}(return_value={names['MagicMock']}())"
        yield mock.path, EditCall(patch.number, arguments=(target,), added=(NewArgument("new_callable", made),))
