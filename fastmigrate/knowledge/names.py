"""Names of libraries: which of several dotted names is the one that the tables use."""

from __future__ import annotations

from fastmigrate.knowledge.threads import MADE_BY_POOLS

__all__ = [
    "APP_CLASSES",
    "FREE_OF_REQUESTS",
    "LIBRARIES",
    "MAKES",
    "REFUSALS",
    "REQUEST_CLASSES",
    "RESPONSE_CLASSES",
    "ROUTER_CLASSES",
    "STAR_NAMES",
    "TRUSTED_WITH_APP",
    "canonical",
]

LIBRARIES = frozenset(
    [
        "requests",
        "httpx",
        "httpx2",
        "urllib3",
        "fastapi",
        "starlette",
        "pydantic",
        "contextlib",
        "http",
        "typing",
        "enum",
        "mangum",
        "uvicorn",
    ]
)
"""Installed packages and standard modules that a folder of the project does not hide by accident."""

APP_CLASSES = frozenset({"fastapi.FastAPI", "starlette.applications.Starlette"})
ROUTER_CLASSES = frozenset({"fastapi.APIRouter", "starlette.routing.Router"})
TRUSTED_WITH_APP = (
    *("builtins.", "fastapi.", "starlette.", "uvicorn.", "gunicorn.", "hypercorn.", "mangum.", "httpx.", "httpx2."),
    *("asgi_lifespan.", "prometheus_fastapi_instrumentator.", "opentelemetry.", "sentry_sdk.", "slowapi."),
    *("fastapi_pagination.", "sqladmin.", "logging.", "logfire."),
)
"""Packages that may be given an app: they neither mount it nor register start-up handlers on it."""
FREE_OF_REQUESTS = frozenset(
    [
        *("builtins", "fastapi", "starlette", "pydantic", "pydantic_core", "httpx", "httpx2", "typing_extensions"),
        *("sqlalchemy", "sqlmodel", "redis", "aioredis", "asyncpg", "psycopg", "psycopg2", "pymongo", "motor"),
        *("jose", "jwt", "passlib", "cryptography", "orjson", "ujson", "yaml", "bs4", "lxml", "numpy", "pandas", "PIL"),
        *("loguru", "structlog", "anyio", "asyncio", "aiofiles", "aiohttp", "jinja2", "dateutil", "pytz"),
    ]
)
"""Packages from outside whose functions raise no errors of requests; nor does the standard library."""
REQUEST_CLASSES = frozenset({"fastapi.Request", "fastapi.WebSocket", "starlette.requests.HTTPConnection"})
"""Parameters of these are filled by FastAPI and carry `.state` (docs/facts/fastapi-lifecycle.md sections 5 and 7)."""

RESPONSE_CLASSES = frozenset(
    f"{module}.{name}"
    for module in ("fastapi", "fastapi.responses", "starlette.responses")
    for name in ("Response", "StreamingResponse", "JSONResponse", "PlainTextResponse", "HTMLResponse")
)
"""Answers of an app; they give their headers lower-case names (docs/facts/fastapi-lifecycle.md)."""

REFUSALS = frozenset(
    {"fastapi.HTTPException", "fastapi.exceptions.HTTPException", "starlette.exceptions.HTTPException"}
)
"""Exceptions that become answers."""

MAKES = {
    "requests.session": "requests.Session",
    "urllib.request.build_opener": "urllib.request.OpenerDirector",
    **MADE_BY_POOLS,
}
"""Functions and methods from outside, and the class whose instance they return."""

_ALIASES = {
    "builtins.IOError": "builtins.OSError",
    "builtins.EnvironmentError": "builtins.OSError",
    "socket.error": "builtins.OSError",
    "select.error": "builtins.OSError",
    "os.error": "builtins.OSError",
    "fastapi.concurrency.run_in_threadpool": "starlette.concurrency.run_in_threadpool",
    "concurrent.futures.thread.ThreadPoolExecutor": "concurrent.futures.ThreadPoolExecutor",
    "fastapi.applications.FastAPI": "fastapi.FastAPI",
    "fastapi.routing.APIRouter": "fastapi.APIRouter",
    "fastapi.background.BackgroundTasks": "fastapi.BackgroundTasks",
    "fastapi.requests.Request": "fastapi.Request",
    "starlette.requests.Request": "fastapi.Request",
    "fastapi.requests.HTTPConnection": "starlette.requests.HTTPConnection",
    "fastapi.websockets.WebSocket": "fastapi.WebSocket",
    "starlette.websockets.WebSocket": "fastapi.WebSocket",
    "fastapi.param_functions.Depends": "fastapi.Depends",
    "fastapi.params.Depends": "fastapi.Depends",
    "fastapi.middleware.Middleware": "starlette.middleware.Middleware",
    "requests.models.Response": "requests.Response",
    "requests.models.Request": "requests.Request",
    "pydantic.networks.HttpUrl": "pydantic.HttpUrl",
    "pydantic.networks.AnyUrl": "pydantic.AnyUrl",
    "pydantic.networks.AnyHttpUrl": "pydantic.AnyHttpUrl",
}
_EXCEPTIONS = frozenset(
    [
        "RequestException",
        "HTTPError",
        "ConnectionError",
        "Timeout",
        "ConnectTimeout",
        "ReadTimeout",
        "TooManyRedirects",
        "URLRequired",
        "JSONDecodeError",
        "FileModeWarning",
        "RequestsDependencyWarning",
    ]
)


STAR_NAMES = frozenset(
    [
        *(f"requests.{verb}" for verb in ("get", "options", "head", "post", "put", "patch", "delete", "request")),
        *("requests.Session", "requests.session", "requests.Response"),
        *(f"requests.{name}" for name in _EXCEPTIONS),
        *(f"requests.exceptions.{name}" for name in _EXCEPTIONS),
    ]
)
"""Names that `import *` brings."""


def canonical(name: str) -> str:
    """The name that the tables use for what `name` means: `requests.api.get` is `requests.get`."""
    for module in ("requests.api.", "requests.sessions."):
        if name.startswith(module):
            name = f"requests.{name.removeprefix(module)}"
    if name.startswith("requests.") and name.removeprefix("requests.") in _EXCEPTIONS:
        return f"requests.exceptions.{name.removeprefix('requests.')}"
    return _ALIASES.get(name, name)
