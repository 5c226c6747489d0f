"""The members of `requests.Response`, each with its form on an `httpx.Response`."""

from __future__ import annotations

from fastmigrate.knowledge.parity import Parity, Row

__all__ = ["MEMBERS", "TRUTH"]

EXACT, PINNED, LOSSY, NONE = Parity.EXACT, Parity.PINNED, Parity.LOSSY, Parity.NONE

_NOT_READ_ELSEWHERE = "httpx gives header names in lower case when they are iterated over or copied"

TRUTH = Row(PINNED, "not is_error", "13.3")
"""A response that is tested for truth."""

MEMBERS: dict[tuple[str, str], Row] = {
    ("status_code", ""): Row(EXACT, "status_code", "13.1"),
    ("json", "called"): Row(EXACT, "json", "14.5, 14.11"),
    ("text", ""): Row(PINNED, "text", "14.1, 14.3"),
    ("content", ""): Row(EXACT, "content", "13.1, 15.1"),
    ("headers", "looked up"): Row(EXACT, "headers", "13.1, 13.16"),
    ("headers", ""): Row(LOSSY, "headers", "13.15", _NOT_READ_ELSEWHERE),
    ("ok", ""): Row(PINNED, "not is_error", "13.2"),
    ("raise_for_status", "statement"): Row(PINNED, "if is_error", "13.4, 13.5, 13.6"),
    ("raise_for_status", "called"): Row(
        NONE,
        "",
        "13.5, 13.6",
        "what `raise_for_status()` gives is used, and differs: make it a statement on a named response",
    ),
    ("reason", ""): Row(PINNED, "reason_phrase", "13.8"),
    ("history", "counted"): Row(EXACT, "history", "10.17"),
    ("links", ""): Row(EXACT, "links", "13.1"),
    ("encoding", "stored"): Row(EXACT, "encoding", "14.7"),
    ("elapsed", ""): Row(
        LOSSY,
        "elapsed",
        "13.20",
        "`elapsed` counts until the headers in requests, until the whole body in httpx",
    ),
}
"""(member, how it is used) → row. A form of one name renames the member; `not NAME` negates it; `if NAME` guards the
statement. What is not here is held."""
