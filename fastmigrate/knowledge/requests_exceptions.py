"""The exceptions of requests, the classes of httpx that a handler needs instead, and what raises which."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from fastmigrate.knowledge.parity import Parity, Row

__all__ = ["BASES", "EXCEPTIONS", "SITUATIONS", "Situation", "Step", "is_caught_by"]

Step = Literal["call", "url", "path", "status", "json"]

EXACT, PINNED, LOSSY, NONE = Parity.EXACT, Parity.PINNED, Parity.LOSSY, Parity.NONE

_CONNECTION = (
    "httpx.NetworkError, httpx.ConnectTimeout, httpx.WriteTimeout, httpx.ProxyError, httpx.RemoteProtocolError"
)
_ALL = "httpx.HTTPError, httpx.InvalidURL, json.JSONDecodeError"

EXCEPTIONS: dict[str, Row] = {
    "requests.exceptions.RequestException": Row(PINNED, _ALL, "17.2"),
    "requests.exceptions.HTTPError": Row(PINNED, "httpx.HTTPStatusError", "17.2"),
    "requests.exceptions.ConnectionError": Row(PINNED, _CONNECTION, "17.2"),
    "requests.exceptions.ConnectTimeout": Row(PINNED, "httpx.ConnectTimeout", "17.1, 17.2"),
    "requests.exceptions.ReadTimeout": Row(PINNED, "httpx.ReadTimeout", "17.1, 17.2"),
    "requests.exceptions.Timeout": Row(PINNED, "httpx.TimeoutException", "17.2"),
    "requests.exceptions.TooManyRedirects": Row(PINNED, "httpx.TooManyRedirects", "17.1, 17.2"),
    "requests.exceptions.ContentDecodingError": Row(PINNED, "httpx.DecodingError", "17.1, 17.2"),
    "requests.exceptions.JSONDecodeError": Row(PINNED, "json.JSONDecodeError", "14.12, 17.2"),
    "requests.exceptions.InvalidJSONError": Row(PINNED, "json.JSONDecodeError", "4.5, 14.12"),
    "requests.exceptions.InvalidURL": Row(PINNED, "httpx.InvalidURL", "17.1, 17.2"),
    "requests.exceptions.StreamConsumedError": Row(PINNED, "httpx.StreamConsumed", "16.13, 17.1"),
    "requests.exceptions.ChunkedEncodingError": Row(
        LOSSY,
        "httpx.RemoteProtocolError, httpx.ReadError",
        "17.1, 17.2",
        "httpx raises the same errors when an answer breaks off as when there is none",
    ),
    "requests.exceptions.MissingSchema": Row(
        LOSSY, "httpx.UnsupportedProtocol", "17.1, 17.2", "httpx raises the same error for a URL of another scheme"
    ),
    "requests.exceptions.InvalidSchema": Row(
        LOSSY, "httpx.UnsupportedProtocol", "17.1, 17.2", "httpx raises the same error for a URL without a scheme"
    ),
    "requests.exceptions.ProxyError": Row(
        LOSSY, "httpx.ProxyError", "11.25, 17.1", "for a proxy that cannot be reached, httpx raises `ConnectError`"
    ),
    "requests.exceptions.InvalidHeader": Row(
        LOSSY, "httpx.LocalProtocolError", "6.3, 6.7", "for a header of a wrong type, httpx raises `TypeError`"
    ),
    "requests.exceptions.SSLError": Row(
        NONE, "", "17.1, 17.2", "httpx raises `ConnectError` for it, as for a refused connection"
    ),
    # Raised by what a migrated call has no part in: they stay as they are.
    "requests.exceptions.RetryError": Row(EXACT, "", "12.11"),
    "requests.exceptions.UnrewindableBodyError": Row(EXACT, "", "10.9"),
    "requests.exceptions.URLRequired": Row(EXACT, "", "17.2"),
    "requests.exceptions.InvalidProxyURL": Row(EXACT, "", "11.28"),
    "requests.exceptions.RequestsWarning": Row(EXACT, "", "17.2"),
    "requests.exceptions.FileModeWarning": Row(EXACT, "", "17.2"),
    "requests.exceptions.RequestsDependencyWarning": Row(EXACT, "", "17.2"),
    # Builtin classes that errors of requests inherit from, and those of httpx do not.
    "builtins.OSError": Row(PINNED, _ALL, "17.2"),
    "builtins.ValueError": Row(PINNED, "httpx.InvalidURL, httpx.UnsupportedProtocol", "17.2"),
}
"""What an `except` clause (or `isinstance`) names → the classes of httpx that catch the same, by their names.

An empty form adds nothing. What a clause names beside these is not touched.
"""


class Situation(Struct, frozen=True):
    """Something that goes wrong: what requests raises then, what httpx raises, and in which step.

    A "call" is the request itself, "url" its URL where that is not known to be a good one, "path" the rest of a URL
    with a good beginning (which only httpx may refuse), "status" is `raise_for_status()`, and "json" is `json()`.
    """

    name: str
    requests: str
    httpx: str
    step: Step


SITUATIONS: tuple[Situation, ...] = (
    Situation("refused connection", "requests.exceptions.ConnectionError", "httpx.ConnectError", "call"),
    Situation("connect timeout", "requests.exceptions.ConnectTimeout", "httpx.ConnectTimeout", "call"),
    Situation("read timeout", "requests.exceptions.ReadTimeout", "httpx.ReadTimeout", "call"),
    Situation("closed without an answer", "requests.exceptions.ConnectionError", "httpx.RemoteProtocolError", "call"),
    Situation("reset without an answer", "requests.exceptions.ConnectionError", "httpx.ReadError", "call"),
    Situation("too many redirects", "requests.exceptions.TooManyRedirects", "httpx.TooManyRedirects", "call"),
    Situation("broken compression", "requests.exceptions.ContentDecodingError", "httpx.DecodingError", "call"),
    Situation("URL without a scheme", "requests.exceptions.MissingSchema", "httpx.UnsupportedProtocol", "url"),
    Situation("URL of another scheme", "requests.exceptions.InvalidSchema", "httpx.UnsupportedProtocol", "url"),
    Situation("malformed URL", "requests.exceptions.InvalidURL", "httpx.InvalidURL", "url"),
    Situation("error status", "requests.exceptions.HTTPError", "httpx.HTTPStatusError", "status"),
    Situation("no JSON", "requests.exceptions.JSONDecodeError", "json.JSONDecodeError", "json"),
)

BASES: dict[str, tuple[str, ...]] = {
    "requests.exceptions.RequestException": ("builtins.OSError",),
    "requests.exceptions.HTTPError": ("requests.exceptions.RequestException",),
    "requests.exceptions.ConnectionError": ("requests.exceptions.RequestException",),
    "requests.exceptions.ProxyError": ("requests.exceptions.ConnectionError",),
    "requests.exceptions.SSLError": ("requests.exceptions.ConnectionError",),
    "requests.exceptions.Timeout": ("requests.exceptions.RequestException",),
    "requests.exceptions.ConnectTimeout": ("requests.exceptions.ConnectionError", "requests.exceptions.Timeout"),
    "requests.exceptions.ReadTimeout": ("requests.exceptions.Timeout",),
    "requests.exceptions.TooManyRedirects": ("requests.exceptions.RequestException",),
    "requests.exceptions.ContentDecodingError": ("requests.exceptions.RequestException",),
    "requests.exceptions.ChunkedEncodingError": ("requests.exceptions.RequestException",),
    "requests.exceptions.MissingSchema": ("requests.exceptions.RequestException", "builtins.ValueError"),
    "requests.exceptions.InvalidSchema": ("requests.exceptions.RequestException", "builtins.ValueError"),
    "requests.exceptions.InvalidURL": ("requests.exceptions.RequestException", "builtins.ValueError"),
    "requests.exceptions.InvalidJSONError": ("requests.exceptions.RequestException",),
    "requests.exceptions.JSONDecodeError": ("requests.exceptions.InvalidJSONError", "json.JSONDecodeError"),
    "requests.exceptions.StreamConsumedError": ("requests.exceptions.RequestException",),
    "requests.exceptions.InvalidHeader": ("requests.exceptions.RequestException", "builtins.ValueError"),
    "requests.exceptions.RetryError": ("requests.exceptions.RequestException",),
    "requests.exceptions.UnrewindableBodyError": ("requests.exceptions.RequestException",),
    "requests.exceptions.URLRequired": ("requests.exceptions.RequestException",),
    "requests.exceptions.InvalidProxyURL": ("requests.exceptions.InvalidURL",),
    "requests.exceptions.RequestsWarning": ("builtins.Exception",),
    "requests.exceptions.FileModeWarning": ("requests.exceptions.RequestsWarning",),
    "requests.exceptions.RequestsDependencyWarning": ("requests.exceptions.RequestsWarning",),
    "json.JSONDecodeError": ("builtins.ValueError",),
    "httpx.HTTPError": ("builtins.Exception",),
    "httpx.InvalidURL": ("builtins.Exception",),
    "httpx.StreamConsumed": ("builtins.Exception",),
    "httpx.HTTPStatusError": ("httpx.HTTPError",),
    "httpx.RequestError": ("httpx.HTTPError",),
    "httpx.TooManyRedirects": ("httpx.RequestError",),
    "httpx.DecodingError": ("httpx.RequestError",),
    "httpx.TransportError": ("httpx.RequestError",),
    "httpx.TimeoutException": ("httpx.TransportError",),
    "httpx.ConnectTimeout": ("httpx.TimeoutException",),
    "httpx.ReadTimeout": ("httpx.TimeoutException",),
    "httpx.WriteTimeout": ("httpx.TimeoutException",),
    "httpx.NetworkError": ("httpx.TransportError",),
    "httpx.ConnectError": ("httpx.NetworkError",),
    "httpx.ReadError": ("httpx.NetworkError",),
    "httpx.ProtocolError": ("httpx.TransportError",),
    "httpx.RemoteProtocolError": ("httpx.ProtocolError",),
    "httpx.LocalProtocolError": ("httpx.ProtocolError",),
    "httpx.ProxyError": ("httpx.TransportError",),
    "httpx.UnsupportedProtocol": ("httpx.TransportError",),
    "builtins.ValueError": ("builtins.Exception",),
    "builtins.OSError": ("builtins.Exception",),
    "builtins.Exception": ("builtins.BaseException",),
}
"""A class → its bases, as far as handlers can tell them apart."""


def is_caught_by(raised: str, clause: str) -> bool:
    """Whether `except clause` catches what is of the class `raised`; both by their canonical names."""
    return raised == clause or any(is_caught_by(base, clause) for base in BASES.get(raised, ()))
