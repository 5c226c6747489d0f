"""Pools of threads, what they give, and what waits for them."""

from __future__ import annotations

__all__ = [
    "EXECUTOR",
    "JOBS",
    "MADE_BY_POOLS",
    "POOLS",
    "THREAD",
    "WAITING_FOR_ALL",
    "WAITS_OF_FUTURES",
    "WAITS_OF_POOLS",
]

EXECUTOR = "concurrent.futures.ThreadPoolExecutor"
POOLS = frozenset({EXECUTOR, "multiprocessing.pool.ThreadPool", "multiprocessing.dummy.Pool"})
THREAD = "threading.Thread"

JOBS = {
    f"{EXECUTOR}.submit": ("fn", 0, frozenset[str]()),
    f"{EXECUTOR}.map": ("fn", 0, frozenset({"timeout", "chunksize"})),
}
"""Methods of pools that are given a function to run, in the form of `OFFLOADING`."""
_FUTURE = "concurrent.futures.Future"
_RESULT = "multiprocessing.pool.AsyncResult"
MADE_BY_POOLS = {
    f"{EXECUTOR}.submit": _FUTURE,
    **{
        f"{pool}.{name}": _RESULT
        for pool in ("multiprocessing.pool.ThreadPool", "multiprocessing.dummy.Pool")
        for name in ("apply_async", "map_async", "starmap_async")
    },
}
"""Methods of pools, and the class of what they return."""
WAITS_OF_FUTURES = frozenset({f"{_FUTURE}.result", f"{_FUTURE}.exception", f"{_RESULT}.get", f"{_RESULT}.wait"})
"""Methods that wait until a job has run."""
WAITING_FOR_ALL = frozenset({"concurrent.futures.wait", "concurrent.futures.as_completed"})
"""Functions that wait for the futures that they are given."""
WAITS_OF_POOLS = frozenset(
    f"{pool}.{name}"
    for pool in POOLS
    for name in ("map", "shutdown", "apply", "starmap", "imap", "imap_unordered", "join")
)
"""Methods of pools that wait for their threads, at once or as their results are read."""
