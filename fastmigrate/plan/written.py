"""Functions that new code brings along: their names, and whether an earlier migration has left them in a file."""

from __future__ import annotations

import ast
from functools import cache

from fastmigrate.facts.links import read_links
from fastmigrate.facts.values import FunctionLinks
from fastmigrate.plan.texts import LINE_READER, PROMISES
from fastmigrate.project.project import Project

__all__ = ["HOOKS", "LINE_READER_NAME", "is_written"]

HOOKS = {
    "request_hook": "keep_request_promises",
    "response_hook": "keep_response_promises",
    "send_hook": "send_cookies",
    "keep_hook": "keep_cookies",
}
"""The names of the hooks, by the places that `texts.PROMISES` has for them."""
LINE_READER_NAME = "iter_lines"


def is_written(project: Project, path: str, name: str) -> bool:
    """Whether a file has the function of this name, as it is written here."""
    links = project.links(path)
    there = links.functions.get(name) if links is not None else None
    written = _as_written()[name]
    return (
        there is not None
        and there.is_async
        and there.members == written.members
        and [parameter.name for parameter in there.parameters] == [parameter.name for parameter in written.parameters]
    )


@cache
def _as_written() -> dict[str, FunctionLinks]:
    """The functions by their names, as they are written where all names are free."""
    texts = [*PROMISES.values(), LINE_READER]
    code = "\n".join(text.format(httpx="httpx", name=LINE_READER_NAME, **HOOKS) for text in texts)
    return read_links("", ast.parse(code)).functions
