"""The findings of all rules about calls that block the event loop."""

from __future__ import annotations

from collections.abc import Iterator

from fastmigrate.model import Endpoint, Finding, Hop
from fastmigrate.project.project import BlockingCall, Project
from fastmigrate.project.resolve import Scope

__all__ = ["blocking_findings", "endpoints_of"]


def blocking_findings(project: Project, code: str, name: str) -> Iterator[Finding]:
    """The blocking calls on the project's event loop that break the rule with this code and name."""
    for call in project.blocking:
        if call.code == code:
            yield _finding(project, call, name)


def _finding(project: Project, call: BlockingCall, rule: str) -> Finding:
    function = project.resolver.function(call.function)
    name = project.name_of(call.function)
    why = " (one of your `blocking-calls`)" if call.is_configured else ""
    message = f"`{call.callee}`{why} blocks the event loop in `{name}`: no other request is served until it returns"
    if function is not None and not function.awaits:
        message += "; it awaits nothing, so a plain `def` would do as well"
    chain = (Hop(name, call.function.path, call.place.line, call.place.column),)
    endpoints = endpoints_of(project, call.function)
    number = call.site.call.number
    return Finding(call.code, rule, message, call.function.path, call.place, endpoints, chain, call=number)


def endpoints_of(project: Project, function: Scope) -> tuple[Endpoint, ...]:
    """A path operation with each of its routes; nothing for any other function."""
    links = project.resolver.function(function)
    return tuple(
        Endpoint(project.name_of(function), route, function.path, links.line if links is not None else 0)
        for registered in project.apps.routes.get(function, ())
        for route in project.apps.full_routes(registered)
    )
