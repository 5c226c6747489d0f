"""Background tasks: what takes a function for later, and which functions from outside are coroutine functions."""

from __future__ import annotations

__all__ = ["COROUTINES", "MISPLACED_TASKS", "TAKERS", "TASK_HOME"]

TASK_HOME = "starlette.background"
"""The module that has `BackgroundTask`."""

MISPLACED_TASKS = frozenset({"fastapi.BackgroundTask", "fastapi.background.BackgroundTask"})
"""Names under which `BackgroundTask` is looked for, and not to be found."""

TAKERS = frozenset(
    [
        f"{TASK_HOME}.BackgroundTask",
        f"{TASK_HOME}.BackgroundTasks.add_task",
        "fastapi.BackgroundTasks.add_task",
        *MISPLACED_TASKS,
    ]
)
"""What is given a function, and what to call it with later."""

_OF_CLIENT = ("get", "options", "head", "post", "put", "patch", "delete", "request", "send", "aclose")
COROUTINES = frozenset(
    [
        "asyncio.sleep",
        *(f"{library}.AsyncClient.{name}" for library in ("httpx", "httpx2") for name in _OF_CLIENT),
        *(f"{library}.Response.{name}" for library in ("httpx", "httpx2") for name in ("aclose", "aread")),
    ]
)
"""Functions and methods whose call gives a coroutine."""
