"""What the standard library and urllib3 ask of the network, and the plain forms of `urlopen` on an `AsyncClient`."""

from __future__ import annotations

from fastmigrate.knowledge.parity import Parity, Row

__all__ = [
    "ERRORS",
    "ESCAPED",
    "FUNCTIONS",
    "MEMBERS",
    "METHODS",
    "PLAIN",
    "POSITIONAL",
    "POSTED",
    "REPEATED",
    "URLOPEN",
]

URLOPEN = "urllib.request.urlopen"
FUNCTIONS = (URLOPEN, "urllib.request.urlretrieve", "urllib3.request")
_POOL = ("request", "request_encode_url", "request_encode_body", "urlopen")
_CONNECTION = ("connect", "request", "endheaders", "getresponse")
METHODS = (
    "urllib.request.OpenerDirector.open",
    *(f"urllib3.{kind}.{name}" for kind in ("PoolManager", "ProxyManager") for name in _POOL),
    *(f"urllib3.{kind}.{name}" for kind in ("HTTPConnectionPool", "HTTPSConnectionPool") for name in _POOL),
    *(f"http.client.{kind}.{name}" for kind in ("HTTPConnection", "HTTPSConnection") for name in _CONNECTION),
)

REPEATED = (
    "urllib3 asks up to four times for what fails, which no client of httpx does: ask with an `httpx.AsyncClient` if "
    "once is enough, or in a thread"
)
"""Why calls of urllib3 have no faithful form: `Retry.DEFAULT` is three retries of what may be repeated."""

POSITIONAL = ("url", "data", "timeout")
"""The positional parameters of `urlopen`."""

MEMBERS: dict[tuple[str, str], Row] = {
    ("read", "called bare"): Row(Parity.PINNED, "{of}.content", ""),
    ("status", ""): Row(Parity.PINNED, "{of}.status_code", ""),
    ("code", ""): Row(Parity.PINNED, "{of}.status_code", ""),
    ("getcode", "called bare"): Row(Parity.PINNED, "{of}.status_code", ""),
    ("getheader", "called"): Row(Parity.PINNED, "{of}.headers.get", ""),
    ("reason", ""): Row(Parity.PINNED, "{of}.reason_phrase", ""),
    ("headers", "get"): Row(Parity.EXACT, "{of}.headers", ""),
    ("close", "statement"): Row(Parity.PINNED, "await {of}.aclose()", ""),
}
"""The members of what `urlopen` gives; what is not here is held. `{of}` is the response."""

PLAIN = r"[\w.~:/?#@!$&'()*+,;=%-]*"
"""Text that both put on the wire as it stands."""

ESCAPED = frozenset({"urllib.parse.quote", "urllib.parse.quote_plus", "urllib.parse.urlencode"})
"""Functions that make such text."""

ERRORS = frozenset({"builtins.OSError", "builtins.ConnectionError", "builtins.TimeoutError"})
"""Builtin classes that errors of urllib are of, and those of httpx are not."""

POSTED = (
    "a POST that is answered with 307 or 308 is sent again by httpx, which `urlopen` refuses to do; other redirects "
    "of it are followed by both"
)
