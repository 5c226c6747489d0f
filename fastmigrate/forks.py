"""Work that is shared by processes: small results for many items, from forks that inherit all they need."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence

__all__ = ["Asking", "begun", "forked", "in_forks", "shares"]


def in_forks(function: Callable[[str], bytes], items: Sequence[str], jobs: int, worth: int, size: int = 1) -> bytes:
    """What a function gives for each item, in the order of the items: always so many bytes.

    The items are shared by `jobs` processes where there are forks, but each gets so many that it is `worth` it.
    """
    own, *others = shares(items, min(jobs, len(items) // worth)) or [items]
    waiting = [_begun(function, share, size) for share in others]
    return _put_back([b"".join(map(function, own)), *(wait() for wait in waiting)], size)


def begun(
    function: Callable[[str], bytes], items: Sequence[str], forks: int, worth: int, size: int = 1
) -> Callable[[], bytes]:
    """The same in forks alone, which have begun with it: what is returned waits for them."""
    waiting = [_begun(function, share, size) for share in shares(items, min(forks, len(items) // worth))]
    return lambda: _put_back([wait() for wait in waiting] or [b"".join(map(function, items))], size)


def shares(items: Sequence[str], number: int) -> list[Sequence[str]]:
    """As many shares of the items, dealt out in turns, since large ones lie side by side; none without forks."""
    return [items[first::number] for first in range(number)] if hasattr(os, "fork") else []


def _put_back(found: Sequence[bytes], size: int) -> bytes:
    """What was found for shares, in the order of what was shared."""
    ordered = [b""] * (sum(map(len, found)) // size)
    for first, share in enumerate(found):
        ordered[first :: len(found)] = [share[start : start + size] for start in range(0, len(share), size)]
    return b"".join(ordered)


def _begun(function: Callable[[str], bytes], items: Sequence[str], size: int) -> Callable[[], bytes]:
    """A fork that has begun; what is returned waits for what it finds, or finds it here if that fails."""
    wait = forked(lambda: b"".join(map(function, items)))

    def found() -> bytes:
        given = wait()
        return given if len(given) == len(items) * size else b"".join(map(function, items))

    return found


def forked(work: Callable[[], bytes]) -> Callable[[], bytes]:
    """Begin some work in a fork; what is returned waits for what comes of it: less than all of it, if it fails."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads, which a fork does not have: it needs none
        process = os.fork()
    if process:
        os.close(writing)
        return lambda: _all_of(process, reading)
    try:
        os.close(reading)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in {1, 2} - {writing}:  # who reads these need not wait for forks of a run that is ended
            os.dup2(nowhere, stream)
        with os.fdopen(writing, "wb") as answers:
            answers.write(work())
    finally:
        os._exit(0)


def _all_of(process: int, pipe: int) -> bytes:
    with os.fdopen(pipe, "rb") as answers:
        given = answers.read()
    os.waitpid(process, 0)
    return given


class Asking:
    """Asks the same of many files, in so many processes."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs

    def which(self, question: str, paths: Sequence[str], holds: Callable[[str], bool], worth: int) -> set[str]:
        """The files of which something is true; `question` is all that this depends on besides them."""
        found = in_forks(lambda path: bytes([holds(path)]), paths, self.jobs, worth)
        return {path for path, answer in zip(paths, found, strict=True) if answer}

    def begun(
        self, question: str, paths: Sequence[str], holds: Callable[[str], bool], worth: int
    ) -> Callable[[], set[str]]:
        """The same, asked while this process goes on: what is returned waits for the answers."""
        del question
        wait = begun(lambda path: bytes([holds(path)]), paths, self.jobs - 1, worth)
        return lambda: {path for path, answer in zip(paths, wait(), strict=True) if answer}
