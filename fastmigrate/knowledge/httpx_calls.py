"""The synchronous API of httpx, each parameter with its form on an `AsyncClient` of the same library."""

from __future__ import annotations

from fastmigrate.knowledge.parity import Parity, Row

__all__ = ["ARGUMENTS", "FUNCTIONS", "LIBRARIES", "SYNC_ONLY"]

EXACT, PINNED, LOSSY, NONE = Parity.EXACT, Parity.PINNED, Parity.LOSSY, Parity.NONE

LIBRARIES = ("httpx", "httpx2")
_VERBS = ("get", "options", "head", "post", "put", "patch", "delete")

FUNCTIONS = {
    f"{library}.{name}": positional
    for library in LIBRARIES
    for name, positional in [*((verb, ("url",)) for verb in _VERBS), ("request", ("method", "url"))]
}
"""Functions that an `AsyncClient` has as coroutine methods, with their positional parameters."""

_UNKNOWN_BODY = "what `{}` holds is not known: files and generators are refused by an async client"

ARGUMENTS: dict[tuple[str, str], Row] = {
    ("content", "text"): Row(EXACT, "{}", "3.11"),
    ("content", "unknown"): Row(LOSSY, "{}", "3.14, 3.15", _UNKNOWN_BODY.format("content")),
    ("data", "fields"): Row(EXACT, "{}", "3.1"),
    ("data", "text"): Row(EXACT, "{}", "3.11"),
    ("data", "unknown"): Row(LOSSY, "{}", "3.8, 3.14", _UNKNOWN_BODY.format("data")),
    ("cookies", "nothing"): Row(EXACT, "", "1.16"),
    ("cookies", "any"): Row(PINNED, 'extensions={{"cookies": httpx.Cookies({})}}', "7.8, 7.9"),
}
"""(parameter, case) → row; what stands neither here nor among the settings of
a client (`knowledge/httpx_clients.py`) is passed on as it is."""

SYNC_ONLY = frozenset({"close", "iter_raw"})
"""Members of a response that fail on one that came through an async client."""
