"""What blocks the calling thread: until a server has answered, or for a while."""

from __future__ import annotations

from fastmigrate.knowledge import urllib_calls

__all__ = ["BLOCKING_CALLS", "BLOCKING_FUNCTIONS"]

_VERBS = ("get", "options", "head", "post", "put", "patch", "delete", "request")

BLOCKING_FUNCTIONS = {
    **{f"requests.{verb}": "FM101" for verb in _VERBS},
    **{f"{library}.{name}": "FM102" for library in ("httpx", "httpx2") for name in (*_VERBS, "stream")},
    **dict.fromkeys(urllib_calls.FUNCTIONS, "FM103"),
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
    **dict.fromkeys(urllib_calls.METHODS, "FM103"),
}

BLOCKING_CALLS = {**BLOCKING_FUNCTIONS, **_METHODS}
"""Functions and methods, likewise."""
