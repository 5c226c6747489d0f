"""What blocks the calling thread until a server has answered."""

from __future__ import annotations

__all__ = ["BLOCKING_FUNCTIONS", "BLOCKING_METHODS", "TOKENS"]

_VERBS = ("get", "options", "head", "post", "put", "patch", "delete", "request")

BLOCKING_FUNCTIONS = {f"requests.{verb}": "FM101" for verb in _VERBS}
"""Functions, and the code of the rule that they break."""

BLOCKING_METHODS = {("requests.Session", method): "FM101" for method in (*_VERBS, "send")}
"""Methods of classes, likewise."""

TOKENS = (b"requests",)
"""A file that holds none of these can make no blocking call of its own."""
