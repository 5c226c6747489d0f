"""Work that is shared by processes: small results for many items, from forks that inherit all they need."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from itertools import pairwise

__all__ = ["Asking", "in_forks"]


def in_forks(function: Callable[[str], bytes], items: Sequence[str], jobs: int, worth: int, size: int = 1) -> bytes:
    """What a function gives for each item, in the order of the items: always so many bytes.

    The items are shared by `jobs` processes where there are forks, but each gets so many that it is `worth` it.
    """
    jobs = min(jobs, len(items) // worth)
    if jobs < 2 or not hasattr(os, "fork"):
        return b"".join(map(function, items))
    bounds = [len(items) * index // jobs for index in range(jobs + 1)]
    shares = [items[first:last] for first, last in pairwise(bounds)]
    forks = [_fork(function, share) for share in shares[1:]]
    found = [b"".join(map(function, shares[0]))]
    for share, (process, pipe) in zip(shares[1:], forks, strict=True):
        with os.fdopen(pipe, "rb") as answers:
            given = answers.read()
        os.waitpid(process, 0)
        found.append(given if len(given) == len(share) * size else b"".join(map(function, share)))
    return b"".join(found)


def _fork(function: Callable[[str], bytes], items: Sequence[str]) -> tuple[int, int]:
    """A process that does its share, and the pipe from which that is read: less than all of it, if something fails."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads, which a fork does not have: it needs none
        process = os.fork()
    if process:
        os.close(writing)
        return process, reading
    try:
        os.close(reading)
        with os.fdopen(writing, "wb") as answers:
            answers.write(b"".join(map(function, items)))
    finally:
        os._exit(0)


class Asking:
    """Asks the same of many files, in so many processes."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs

    def which(self, question: str, paths: Sequence[str], holds: Callable[[str], bool], worth: int) -> set[str]:
        """The files of which something is true; `question` is all that this depends on besides them."""
        found = in_forks(lambda path: bytes([holds(path)]), paths, self.jobs, worth)
        return {path for path, answer in zip(paths, found, strict=True) if answer}
