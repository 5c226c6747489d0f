"""Replacements of requests in tests, where the code of the project no longer uses requests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from fastmigrate.facts.patches import read_member_assignments
from fastmigrate.facts.terms import Call, Const, Member, Ref, Term
from fastmigrate.facts.values import Place
from fastmigrate.knowledge.httpx_clients import ASYNC_CLIENTS
from fastmigrate.project.modules import module_name
from fastmigrate.project.values import External, Module, Scope
from fastmigrate.sources import is_test_path

if TYPE_CHECKING:
    from fastmigrate.project.project import Project

__all__ = ["Mock", "mocks_of_requests", "stale_mocks"]

_PATCHING = frozenset({"patch", "setattr", "object"})
_LIBRARIES = ("responses.", "requests_mock.")


class Mock(Struct, frozen=True):
    """Where a test puts something in the place of `target`: in the call with this ordinal, or by assignment (-1).

    `is_patch` says that the call is one of `patch("…")`; `place` counts bytes.
    """

    path: str
    place: Place
    target: str
    number: int = -1
    is_patch: bool = False


def mocks_of_requests(project: Project) -> Iterator[Mock]:
    """What replaces requests, or a part of it."""
    for path in project.sources.containing(b"requests", b"responses"):
        links = project.links(path)
        for site in links.calls if links is not None else ():
            target = _replaced(project, site.call, Scope(path, site.scope))
            if target is not None:
                is_patch = _is_patch(project, site.call, Scope(path, site.scope))
                yield Mock(path, site.place, target, site.call.number, is_patch)
        if is_test_path(path) and links is not None:
            for owner, name, place in read_member_assignments(project.tree_of(path)):
                assigned = _member(project, owner, name, Scope(path))
                if assigned is not None:
                    yield Mock(path, place, assigned)


def stale_mocks(project: Project) -> Iterator[tuple[Mock, str]]:
    """Those for code that uses a client of a lifespan, each with what does not use requests any more."""
    clients = (client for client in project.httpx_clients if client.made in ASYNC_CLIENTS)
    if not any(client.scope in project.lifespans.scopes for client in clients):
        return
    using = {path for path in project.sources.containing(b"requests") if not is_test_path(path)}
    anywhere = any(_uses_requests(project, path) for path in using)
    modules = {module_name(path): path for path in project.sources.paths}
    for mock in mocks_of_requests(project):
        home, _, _ = mock.target.partition(".requests")
        if home in modules and not _uses_requests(project, modules[home]):
            yield mock, f"`{home}`"
        elif not anywhere and mock.target.startswith(("requests.", *_LIBRARIES)):
            yield mock, "this project"


def _uses_requests(project: Project, path: str) -> bool:
    """Whether a file reads a name that it imports from requests, and does not keep it for its tests alone."""
    links = project.links(path)
    names = links.imported("requests") if links is not None else set()
    return links is not None and any(links.loads.get(name, 0) > 0 or name in links.exports for name in names)


def _is_patch(project: Project, call: Call, scope: Scope) -> bool:
    """Whether a call is one of `patch` itself: of unittest.mock, or of pytest-mock."""
    if call.callee == Member(Ref("mocker"), "patch"):
        return True
    return project.resolver.resolve(call.callee, scope) == External("unittest.mock.patch")


def _replaced(project: Project, call: Call, scope: Scope) -> str | None:
    """The dotted name of what a call replaces; None for other calls."""
    value = project.resolver.resolve(call.callee, scope)
    if isinstance(value, External) and value.name.startswith(_LIBRARIES):
        return value.name
    name = call.callee.name if isinstance(call.callee, Member) else ""
    patches = name in _PATCHING or (isinstance(value, External) and value.name == "unittest.mock.patch")
    first = call.args[0] if patches and call.args else None
    if isinstance(first, Const) and isinstance(first.value, str):
        return first.value if "requests" in first.value.split(".") else None
    attribute = call.args[1] if len(call.args) > 1 else None
    if not isinstance(attribute, Const) or not isinstance(attribute.value, str):
        return None
    return _member(project, first, attribute.value, scope)


def _member(project: Project, of: Term | None, name: str, scope: Scope) -> str | None:
    """The dotted name of a member of requests, or of a module that is requests itself; None for other members."""
    owner = project.resolver.resolve(of, scope)
    if isinstance(owner, External) and owner.name.partition(".")[0] == "requests":
        return f"{owner.name}.{name}"
    if isinstance(owner, Module) and name == "requests":
        return f"{module_name(owner.path)}.requests"
    return None
