"""What runs code of the project that it is given: at once, on the event loop, or never there."""

from __future__ import annotations

__all__ = [
    "BACKGROUND_TASKS",
    "CONTEXT_MANAGERS",
    "DEPENDS",
    "ENDPOINT_CLASSES",
    "ENTERING",
    "IN_PLACE",
    "ITERATING",
    "KEYED",
    "LAZY",
    "MAPPING",
    "MIDDLEWARE_BASES",
    "OFFLOADING",
    "SCHEDULING",
]

DEPENDS = frozenset({"fastapi.Depends", "fastapi.Security"})
"""What names a dependency."""

KEYED = frozenset({"builtins.sorted", "builtins.min", "builtins.max"})
"""Functions that call their `key`; so does `list.sort`."""
MAPPING = frozenset({"builtins.map", "builtins.filter", "functools.reduce"})
"""Functions that call their first argument."""
ENTERING = frozenset({"contextlib.ExitStack.enter_context", "contextlib.AsyncExitStack.enter_context"})
"""Functions that enter the block that they are given."""
ITERATING = frozenset(
    f"builtins.{name}"
    for name in ("list", "tuple", "set", "frozenset", "dict", "sum", "min", "max", "any", "all", "sorted", "next")
)
"""Functions that run over what they are given; so does `str.join`."""
LAZY = frozenset({"builtins.enumerate", "builtins.zip", "builtins.map", "builtins.filter", "builtins.reversed"})
"""Functions whose result runs over what they are given, once something runs over it."""

BACKGROUND_TASKS = frozenset(
    {"fastapi.BackgroundTasks.add_task", "starlette.background.BackgroundTasks.add_task"}
    | {"starlette.background.BackgroundTask"}
)
"""Run a coroutine function on the event loop, and any other in a thread."""
SCHEDULING = frozenset(
    {"call_soon", "call_soon_threadsafe", "call_later", "call_at", "start_soon", "add_done_callback"}
)
"""Methods of event loops, tasks and task groups that run a function on the event loop."""

CONTEXT_MANAGERS = frozenset({"contextlib.contextmanager", "contextlib.asynccontextmanager"})
IN_PLACE = frozenset(
    [
        *(f"builtins.{name}" for name in ("staticmethod", "classmethod", "property")),
        *(f"functools.{name}" for name in ("lru_cache", "cache", "cached_property", "wraps", "singledispatch")),
        *("abc.abstractmethod", "typing.overload", "typing.override", "typing_extensions.override", "typing.final"),
        *("typing.no_type_check", "typing_extensions.deprecated", "warnings.deprecated", "atexit.register"),
        *("cachetools.cached", "cachetools.func.ttl_cache", "cachetools.func.lru_cache", "cachetools.cachedmethod"),
        *("tenacity.retry", "backoff.on_exception", "backoff.on_predicate", "retry.retry", "retrying.retry"),
        *("pydantic.validate_call", "pydantic.field_validator", "pydantic.model_validator", "pydantic.validator"),
        *("pydantic.root_validator", "pydantic.computed_field", "typeguard.typechecked", "beartype.beartype"),
        *("ratelimit.limits", "ratelimit.sleep_and_retry", "celery.shared_task", "langchain_core.tools.tool"),
        *CONTEXT_MANAGERS,
    ]
)
"""Decorators from outside whose function still runs where it is called."""

OFFLOADING = {
    "asyncio.to_thread": ("func", 0, frozenset[str]()),
    "starlette.concurrency.run_in_threadpool": ("func", 0, frozenset[str]()),
    "anyio.to_thread.run_sync": ("func", 0, frozenset({"abandon_on_cancel", "cancellable", "limiter"})),
    "run_in_executor": ("func", 1, frozenset[str]()),
}
"""What hands a function to a thread, to be awaited: the name of the parameter that gets it and its position, behind
which are its own arguments, and the keywords that are not handed on. `run_in_executor` is a method of event loops.
"""

MIDDLEWARE_BASES = frozenset({"starlette.middleware.base.BaseHTTPMiddleware"})
ENDPOINT_CLASSES = {
    "starlette.endpoints.HTTPEndpoint": ("get", "head", "post", "put", "patch", "delete", "options"),
    "starlette.endpoints.WebSocketEndpoint": ("on_connect", "on_receive", "on_disconnect"),
}
"""Classes whose methods are path operations."""
