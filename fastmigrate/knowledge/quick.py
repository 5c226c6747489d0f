"""What is done in no time, and so may run on the event loop: functions that neither wait nor compute for long."""

from __future__ import annotations

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
        *("urllib3", "http.client", "jwt", "jose", "tenacity", "backoff", "xml.etree", "bs4", "contextvars"),
    ]
)
_SLOW = frozenset({"time.sleep", "builtins.open", "builtins.input", "builtins.exec", "builtins.eval"})
_WAITING = frozenset(
    [
        *("execute", "executemany", "commit", "rollback", "query", "fetchall", "fetchone", "scalars", "scalar"),
        *(
            "save",
            "upload",
            "download",
            "read",
            "readlines",
            "write",
            "writelines",
            "run",
            "wait",
            "acquire",
            "connect",
        ),
        *("send", "recv", "sendmail", "submit", "result", "read_text", "write_text", "read_bytes", "write_bytes"),
        *("communicate", "predict", "fit", "transform", "encode_batch", "find_one", "insert_one", "update_one"),
    ]
)
"""Methods of which something is known to wait for files, databases, processes or a computation."""


def is_quick(name: str) -> bool:
    """Whether a function from outside, by its dotted name, is known to be done in no time."""
    if name in _SLOW:
        return False
    parts = name.split(".")
    return parts[0] == "builtins" or any(".".join(parts[:length]) in _MODULES for length in (1, 2))


def is_quick_method(name: str) -> bool:
    """Whether a method of something unknown is likely to be done in no time, by its name."""
    return name not in _WAITING
