"""The members of `requests.Response`, each with its form on an `httpx.Response`."""

from __future__ import annotations

from fastmigrate.knowledge.parity import Parity, Row

__all__ = ["MEMBERS", "STREAMED", "TRUTH"]

EXACT, PINNED, LOSSY, NONE = Parity.EXACT, Parity.PINNED, Parity.LOSSY, Parity.NONE

TRUTH = Row(PINNED, "not is_error", "13.3")
"""A response that is tested for truth."""

MEMBERS: dict[tuple[str, str], Row] = {
    ("status_code", ""): Row(EXACT, "status_code", "13.1"),
    ("status_code", "getattr"): Row(EXACT, "status_code", "13.1"),
    ("text", "getattr"): Row(EXACT, "text", "14.1, 14.3"),
    ("content", "getattr"): Row(EXACT, "content", "13.1"),
    ("json", "called"): Row(EXACT, "json", "14.5, 14.11"),
    ("text", ""): Row(PINNED, "text", "14.1, 14.3"),
    ("content", ""): Row(EXACT, "content", "13.1, 15.1"),
    ("headers", "item"): Row(EXACT, "headers", "13.1, 13.16"),
    ("headers", "get"): Row(EXACT, "headers", "13.1, 13.16"),
    ("headers", "in"): Row(EXACT, "headers", "13.1, 13.16"),
    ("headers", "of an answer"): Row(EXACT, "headers", "13.15"),
    ("headers", ""): Row(
        LOSSY, "headers", "13.15", "httpx gives header names in lower case when they are iterated over or copied"
    ),
    ("ok", ""): Row(PINNED, "not is_error", "13.2"),
    ("raise_for_status", "statement"): Row(PINNED, "if is_error", "13.4, 13.5, 13.6"),
    ("raise_for_status", "called"): Row(
        NONE,
        "",
        "13.5, 13.6",
        "what `raise_for_status()` gives is used, and differs: make it a statement on a named response",
    ),
    ("reason", ""): Row(PINNED, "reason_phrase", "13.8"),
    ("url", "of a path"): Row(PINNED, "str({of}.url)", "13.12, 13.13"),
    ("url", ""): Row(
        LOSSY, "str({of}.url)", "13.14", "requests adds a `/` to the URL of a bare host, and keeps a default port in it"
    ),
    ("history", "len"): Row(EXACT, "history", "10.17"),
    ("is_redirect", ""): Row(PINNED, "has_redirect_location", "13.10"),
    ("next", ""): Row(LOSSY, "next_request", "13.11", "`next` is a prepared request, `next_request` one of httpx"),
    ("links", ""): Row(EXACT, "links", "13.1"),
    ("encoding", "stored"): Row(EXACT, "encoding", "14.7"),
    ("encoding", ""): Row(
        LOSSY,
        "charset_encoding",
        "14.3, 14.6",
        "requests guesses an encoding from the type where none is declared, and keeps the case of a declared one",
    ),
    ("apparent_encoding", ""): Row(
        NONE, "", "14.10", "httpx does not guess encodings: name the one that the upstream uses, or decode `content`"
    ),
    ("cookies", "item"): Row(EXACT, "cookies", "7.17"),
    ("cookies", "get"): Row(EXACT, "cookies", "7.17"),
    ("cookies", "in"): Row(EXACT, "cookies", "7.17"),
    ("cookies", "len"): Row(EXACT, "cookies", "7.17"),
    ("cookies", "keys()"): Row(EXACT, "cookies", "7.17"),
    ("cookies", "values()"): Row(EXACT, "cookies", "7.17"),
    ("cookies", "items()"): Row(EXACT, "cookies", "7.17"),
    ("cookies", "dict"): Row(EXACT, "cookies", "7.17"),
    ("cookies", "get_dict()"): Row(PINNED, "dict({of})", "7.18"),
    ("cookies", "loop"): Row(PINNED, "{of}.cookies.jar", "7.19"),
    ("elapsed", ""): Row(
        LOSSY,
        "elapsed",
        "13.20",
        "`elapsed` counts until the headers in requests, until the whole body in httpx",
    ),
    ("request", "method"): Row(EXACT, "request", "13.21"),
    ("close", "statement"): Row(PINNED, "await {of}.aclose()", "13.25"),
    ("iter_content", "called"): Row(EXACT, "iter_bytes", "16.17"),
    ("iter_content", "called bare"): Row(PINNED, "{of}.iter_bytes(1)", "16.3"),
    ("iter_lines", "looped bare"): Row(PINNED, "{of}.content.splitlines()", "16.5, 16.6"),
    ("iter_lines", "called bare"): Row(PINNED, "iter({of}.content.splitlines())", "16.5, 16.6"),
    ("__iter__", "loop"): Row(PINNED, "{}.iter_bytes(128)", "13.27"),
    ("raw", ""): Row(NONE, "", "13.24", "`raw` is the connection's own file: httpx has none for a read response"),
    ("connection", ""): Row(NONE, "", "13.24", "`connection` is the adapter of requests: httpx has none"),
    ("is_permanent_redirect", ""): Row(
        NONE, "", "13.9", "httpx has no `is_permanent_redirect`: ask whether `status_code` is 301 or 308"
    ),
}
"""(member, how it is used) → row. What is not here is held.

A form of one name renames the member; `not NAME` negates it; `if NAME` guards the statement. Else the form is what
stands instead: `{of}` is the response, `{}` the member or its call.
"""

STREAMED: dict[tuple[str, str], Row] = {
    ("iter_content", "called"): Row(PINNED, "{of}.aiter_bytes()", "16.2, 16.3"),
    ("iter_content", "called bare"): Row(PINNED, "{of}.aiter_bytes(1)", "16.3"),
    ("iter_lines", "called"): Row(PINNED, "{iter_lines}({of})", "16.5, 16.6"),
    ("raw", "read()"): Row(PINNED, 'b"".join([chunk async for chunk in {response}.aiter_raw()])', "16.8"),
    ("raw", "to an answer"): Row(PINNED, "{of}.aiter_bytes()", "16.9"),
    ("__iter__", "loop"): Row(PINNED, "{}.aiter_bytes()", "13.27"),
    ("close", "statement"): Row(PINNED, "await {of}.aclose()", "13.25"),
    ("close", "to a task"): Row(PINNED, "aclose", "13.25"),
    ("elapsed", ""): Row(NONE, "", "13.20", "`elapsed` of a streamed answer is not known to httpx before its end"),
    ("iter_content", "called with more"): Row(
        NONE, "", "16.4", "`decode_unicode` has no counterpart: decode what comes with the encoding that it has"
    ),
    ("iter_lines", "called with more"): Row(
        NONE, "", "16.7", "`iter_lines` with a delimiter or decoded has no counterpart in httpx"
    ),
}
"""The members of a response that is read as it comes, where they differ from `MEMBERS`."""
