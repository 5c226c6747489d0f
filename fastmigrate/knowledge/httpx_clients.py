"""Clients of httpx: what their settings are, and which of their methods take them from call to call."""

from __future__ import annotations

__all__ = ["ASYNC_CLIENTS", "CLIENTS", "LIMITS", "METHODS", "OF_CALL", "OF_CLIENT", "OF_KIND", "REQUESTING"]

ASYNC_CLIENTS = frozenset({"httpx.AsyncClient", "httpx2.AsyncClient"})
CLIENTS = frozenset({"httpx.Client", "httpx2.Client"})

REQUESTING = frozenset({"get", "options", "head", "post", "put", "patch", "delete", "request", "stream"})
"""Methods that make a request and send it."""

METHODS = REQUESTING | {"build_request", "send"}
"""Methods that change nothing in a client."""

OF_CALL: dict[str, frozenset[str]] = {
    "timeout": REQUESTING | {"build_request"},
    "headers": REQUESTING | {"build_request"},
    "params": REQUESTING | {"build_request"},
    "extensions": REQUESTING | {"build_request"},
    "auth": REQUESTING | {"send"},
    "follow_redirects": REQUESTING | {"send"},
}
"""Settings that a call can be given instead of its client, with the same effect, and the methods that take them."""

OF_CLIENT: dict[str, tuple[str, str]] = {
    "base_url": ('""', "api_client"),
    "verify": ("True", "unverified_client"),
    "cert": ("None", "certified_client"),
    "proxy": ("None", "proxy_client"),
    "trust_env": ("True", "direct_client"),
    "http1": ("True", "client"),
    "http2": ("False", "http2_client"),
    "max_redirects": ("20", "client"),
    "default_encoding": ('"utf-8"', "client"),
}
"""Settings that only a client can have: what is the same as nothing, and the state key of a client with another value
(docs/facts/requests-to-httpx.md sections 10.5, 11.1 to 11.8, 14.3)."""

OF_KIND = frozenset({"transport", "mounts", "event_hooks"})
"""Settings of which synchronous and async clients have different ones."""

LIMITS = "limits"
"""The setting that bounds how many calls of a client run at once."""
