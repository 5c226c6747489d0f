"""The findings of all rules about calls that block the event loop."""

from __future__ import annotations

from collections.abc import Iterator

from fastmigrate.facts.values import Place
from fastmigrate.model import Endpoint, Finding, Hop
from fastmigrate.project.blocking import BlockingCall
from fastmigrate.project.project import Project
from fastmigrate.project.values import Scope

__all__ = ["blocking_findings", "chain_to", "endpoints_of"]


def blocking_findings(project: Project, code: str, name: str) -> Iterator[Finding]:
    """The blocking calls on the project's event loop that break the rule with this code and name."""
    for call in project.blocking:
        if call.code == code and not call.in_thread:
            yield _finding(project, call, name)


def _finding(project: Project, call: BlockingCall, rule: str) -> Finding:
    name = project.name_of(call.function)
    why = " (one of your `blocking-calls`)" if call.is_configured else ""
    message = f"`{call.callee}`{why} blocks the event loop in `{name}`: no other request is served until it returns"
    chain = chain_to(project, call.function, call.place)
    if len(chain) > 1:
        message += f"; `{chain[0].name}` reaches it"
    elif _could_be_plain(project, call.function):
        message += "; it awaits nothing, so a plain `def` would do as well"
    endpoints = endpoints_of(project, call.function)
    number = call.site.call.number
    return Finding(call.code, rule, message, call.function.path, call.place, endpoints, chain, call=number)


def _could_be_plain(project: Project, function: Scope) -> bool:
    """Whether a path operation need not be a coroutine function."""
    links = project.resolver.function(function)
    return links is not None and not links.awaits and function in project.apps.routes


def chain_to(project: Project, function: Scope, place: Place) -> tuple[Hop, ...]:
    """A shortest way from the event loop to a place in a function, or that function alone if it is not on the loop."""
    way = project.reach.chain(function) if function in project.reach else []
    hops = [(scope, project.place_in_text(scope.path, edge.place)) for scope, edge in way]
    return tuple(
        Hop(project.name_of(scope), scope.path, at.line, at.column) for scope, at in (*hops, (function, place))
    )


def endpoints_of(project: Project, function: Scope) -> tuple[Endpoint, ...]:
    """The path operations that a function stalls, with each of their routes; else the root of the way to it."""
    operations = project.reach.operations(function) if function in project.reach else [function]
    found = [
        _endpoint(project, operation, route)
        for operation in operations
        for registered in project.apps.routes.get(operation, ())
        for route in project.apps.full_routes(registered)
    ]
    if not found and function in project.reach:
        return (_endpoint(project, project.reach.start(function), None),)
    return tuple(found)


def _endpoint(project: Project, function: Scope, route: str | None) -> Endpoint:
    links = project.resolver.function(function)
    return Endpoint(project.name_of(function), route, function.path, links.line if links is not None else 0)
