"""What is done in no time, and so may run on the event loop: functions that neither wait nor compute for long."""

from __future__ import annotations

__all__ = ["KEYED_METHODS", "QUICK_METHODS", "is_quick"]

_MODULES = frozenset(
    [
        *("json", "re", "datetime", "logging", "collections", "itertools", "functools", "math", "random"),
        *("string", "typing", "typing_extensions", "dataclasses", "enum", "uuid", "base64", "hashlib"),
        *("hmac", "copy", "operator", "decimal", "fractions", "statistics", "html", "textwrap", "contextlib"),
        *("warnings", "traceback", "secrets", "types", "abc", "numbers", "unicodedata", "urllib.parse"),
        *("http.HTTPStatus", "os.path", "time", "os.environ", "os.getenv", "inspect", "threading.local"),
        *("pydantic", "fastapi", "starlette", "orjson", "ujson", "loguru", "structlog", "dateutil"),
        *("pytz", "zoneinfo", "requests", "httpx", "httpx2", "urllib.request", "urllib.error", "urllib3"),
        *("http.client", "jwt", "jose", "tenacity", "backoff", "xml.etree", "bs4"),
    ]
)
_SLOW = frozenset(
    [
        *("time.sleep", "builtins.open", "builtins.input", "builtins.exec", "builtins.eval"),
        *("hashlib.pbkdf2_hmac", "hashlib.scrypt", "hashlib.file_digest"),
    ]
)
QUICK_METHODS = frozenset(
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
KEYED_METHODS = frozenset({"get", "join"})
"""Those of them that wait, without arguments, where they are methods of a queue or of a thread."""


def is_quick(name: str) -> bool:
    """Whether a function from outside, by its dotted name, is known to be done in no time."""
    if name in _SLOW:
        return False
    parts = name.split(".")
    return parts[0] == "builtins" or any(".".join(parts[:length]) in _MODULES for length in (1, 2))
