"""What is done in no time, and so may run on the event loop: functions that neither wait nor compute for long."""

from __future__ import annotations

from fastmigrate.facts.terms import Call, Member

__all__ = ["is_quick", "is_quick_method"]

_MODULES = frozenset(
    [
        *("json", "re", "datetime", "logging", "collections", "itertools", "functools", "math", "random", "string"),
        *(
            "typing",
            "typing_extensions",
            "dataclasses",
            "enum",
            "uuid",
            "base64",
            "hashlib",
            "hmac",
            "copy",
            "operator",
        ),
        *("decimal", "fractions", "statistics", "html", "textwrap", "contextlib", "warnings", "traceback", "secrets"),
        *("types", "abc", "numbers", "unicodedata", "urllib.parse", "http.HTTPStatus", "os.path", "os.environ", "time"),
        *("os.getenv", "inspect", "threading.local", "pydantic", "fastapi", "starlette", "orjson", "ujson", "loguru"),
        *("structlog", "dateutil", "pytz", "zoneinfo", "requests", "httpx", "httpx2", "urllib.request", "urllib.error"),
        *("urllib3", "http.client", "jwt", "jose", "tenacity", "backoff", "xml.etree", "bs4"),
    ]
)
_SLOW = frozenset(
    [
        *("time.sleep", "builtins.open", "builtins.input", "builtins.exec", "builtins.eval"),
        *("hashlib.pbkdf2_hmac", "hashlib.scrypt", "hashlib.file_digest"),
    ]
)
_METHODS = frozenset(
    name for kind in (dict, list, set, str, bytes, int, float, tuple) for name in dir(kind) if name[0] != "_"
) | frozenset(
    [
        *("json", "raise_for_status", "iter_content", "iter_lines", "info", "debug", "warning", "error", "exception"),
        *("critical", "log", "isoformat", "strftime", "timestamp", "date", "time", "total_seconds", "astimezone"),
        *("group", "groups", "groupdict", "match", "search", "findall", "finditer", "sub", "fullmatch", "span"),
        *("find_all", "select", "select_one", "get_text", "model_dump", "model_dump_json", "dict", "appendleft"),
    ]
)
"""Methods of plain values, of responses, loggers, dates and matches."""


def is_quick(name: str) -> bool:
    """Whether a function from outside, by its dotted name, is known to be done in no time."""
    if name in _SLOW:
        return False
    parts = name.split(".")
    return parts[0] == "builtins" or any(".".join(parts[:length]) in _MODULES for length in (1, 2))


def is_quick_method(call: Call) -> bool:
    """Whether a method of something unknown is done in no time, by its name, and by how it is called.

    `get` and `join` wait where they are those of a queue and of a thread.
    """
    name = call.callee.name if isinstance(call.callee, Member) else ""
    if name in {"get", "join"}:
        return len(call.args) > 0 and not call.keywords
    return name in _METHODS
