"""What a function does with a pool of threads that it makes, as values."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from fastmigrate.facts.sites import Argument

__all__ = ["Job", "MadePool", "PoolCall"]


class PoolCall(Struct, frozen=True):
    """A call about a pool or futures: its ordinal, its line and its arguments.

    `done` says of `future.result()` that the future has ended before.
    """

    call: int
    line: int
    arguments: tuple[Argument, ...] = ()
    done: bool = False


class Job(Struct, frozen=True):
    """A call that hands work to a pool.

    `count` tells how many jobs come of it, if that is known; `at_once` that its result is waited for right there;
    `name` is the one that its future gets, if that is all that its statement, one of the pool's block, does; `is_kept`,
    that its future may be cancelled before the job has ended, of which a thread takes no notice.
    """

    call: int
    how: Literal["submit", "map", "executor"]
    line: int
    arguments: tuple[Argument, ...]
    count: int | None
    at_once: bool
    name: str
    is_kept: bool = False

    @property
    def at(self) -> int:
        """The index of the argument that is the function."""
        return 1 if self.how == "executor" else 0


class MadePool(Struct):
    """What the call with the ordinal `number` makes: a pool.

    `block` is the ordinal of the `with` statement that enters it, or -1; `inline`, that it is made there. Jobs that are
    `in_a_row` are begun by statements of that block which stand together, right before what comes of them is read.
    `loops` run over what comes of jobs as it comes, `collected` are calls of `list` and `set` around such a thing,
    `whole` the `map`s of which something else needs all results, each with whether a loop runs over that. `results` are
    the calls of `future.result()`, `errors` those of `future.exception()`, `lists` the clauses of generators in which
    the former stand, and which can be lists. `others` are pools whose futures stand under the same names. `reason`
    tells what is done with the pool or with a future that cannot be followed.
    """

    number: int
    line: int
    arguments: tuple[Argument, ...]
    name: str = ""
    block: int = -1
    inline: bool = False
    in_a_row: bool = False
    jobs: list[Job] = field(default_factory=list)
    results: list[PoolCall] = field(default_factory=list)
    completions: list[PoolCall] = field(default_factory=list)
    waits: list[PoolCall] = field(default_factory=list)
    shutdowns: list[PoolCall] = field(default_factory=list)
    loops: list[tuple[str, int]] = field(default_factory=list)
    collected: list[int] = field(default_factory=list)
    whole: list[tuple[int, bool]] = field(default_factory=list)
    errors: list[PoolCall] = field(default_factory=list)
    lists: list[int] = field(default_factory=list)
    others: set[int] = field(default_factory=set)
    reason: str = ""

    @property
    def is_only_read(self) -> bool:
        """Whether all that is done with its futures is to ask each, by its name, for its result."""
        more = (self.completions, self.waits, self.shutdowns, self.loops, self.whole, self.collected, self.errors)
        named = all(job.how == "submit" and job.name for job in self.jobs)
        return named and not any(more) and not any(result.arguments for result in self.results)
