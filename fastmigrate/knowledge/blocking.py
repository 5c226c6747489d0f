"""What blocks the calling thread: until a server has answered, or for a while."""

from __future__ import annotations

__all__ = ["BLOCKING_CALLS", "BLOCKING_FUNCTIONS", "TOKENS"]

_VERBS = ("get", "options", "head", "post", "put", "patch", "delete", "request")

BLOCKING_FUNCTIONS = {
    **{f"requests.{verb}": "FM101" for verb in _VERBS},
    **{f"{library}.{name}": "FM102" for library in ("httpx", "httpx2") for name in (*_VERBS, "stream")},
    "time.sleep": "FM104",
}
"""Functions, and the code of the rule that they break on the event loop."""

_METHODS = {
    **{f"requests.Session.{method}": "FM101" for method in (*_VERBS, "send")},
    **{
        f"{library}.Client.{method}": "FM102"
        for library in ("httpx", "httpx2")
        for method in (*_VERBS, "send", "stream")
    },
}

BLOCKING_CALLS = {**BLOCKING_FUNCTIONS, **_METHODS}
"""Functions and methods, likewise."""

TOKENS = (b"requests", b"httpx", b"sleep")
"""A file that holds none of these can make no blocking call of its own."""
