"""Work that is shared by processes: small results for many items, from forks that inherit all they need."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

__all__ = ["in_forks"]

_WORTH_IT = 500
"""Items below which a fork takes longer than it saves."""


def in_forks(function: Callable[[str], int], items: Sequence[str], jobs: int) -> bytes:
    """A byte for each item, as the function gives it; in `jobs` processes, where there are forks and many items."""
    jobs = min(jobs, len(items) // _WORTH_IT)
    if jobs < 2 or not hasattr(os, "fork"):
        return bytes(map(function, items))
    forks = [_fork(function, items[start::jobs]) for start in range(1, jobs)]
    found = bytearray(len(items))
    found[::jobs] = bytes(map(function, items[::jobs]))
    for start, (process, pipe) in enumerate(forks, 1):
        share = items[start::jobs]
        with os.fdopen(pipe, "rb") as answers:
            given = answers.read()
        os.waitpid(process, 0)
        found[start::jobs] = given if len(given) == len(share) else bytes(map(function, share))
    return bytes(found)


def _fork(function: Callable[[str], int], items: Sequence[str]) -> tuple[int, int]:
    """A process that does its share, and the pipe from which that is read: less than all of it, if something fails."""
    reading, writing = os.pipe()
    process = os.fork()
    if process:
        os.close(writing)
        return process, reading
    try:
        os.close(reading)
        with os.fdopen(writing, "wb") as answers:
            answers.write(bytes(map(function, items)))
    finally:
        os._exit(0)
