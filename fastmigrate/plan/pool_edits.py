"""The edits with which coroutines take the place of the threads of a pool."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from fastmigrate.facts.made_pools import Job, MadePool
from fastmigrate.facts.sites import Argument
from fastmigrate.rewrite.intents import (
    AddImport,
    ArgumentEdit,
    AsList,
    Collect,
    EditCall,
    Intent,
    MakeAsync,
    NewArgument,
    StatementAfter,
    Template,
    UnwrapWith,
)

__all__ = [
    "Form",
    "How",
    "added_import",
    "around",
    "as_coroutine",
    "as_method",
    "in_thread",
    "reads",
    "with_pool",
    "without_pool",
    "workers",
]

How = Literal["call", "task", "pool"]


class Form(Struct, frozen=True):
    """What takes the place of a pool: one call after the other, tasks by themselves, or a pool of tasks.

    `name` is that of the class of pools of tasks, the others are those of `asyncio`, `run_in_threadpool` and `partial`
    in the file.
    """

    how: How
    name: str
    asyncio: str
    thread: str
    partial: str


# -- jobs


def around(job: Job, form: Form) -> Iterator[Intent]:
    """What stands around a job that is a call by now."""
    if form.how == "task":
        yield Template("call", job.call, f"{form.asyncio}.create_task({{}})")
    elif form.how == "pool" and job.is_kept:
        yield Template("call", job.call, f"{form.asyncio}.shield({{}})")


def in_thread(job: Job, pool: MadePool, form: Form) -> EditCall:
    """The call that hands over what stays in a thread."""
    dropped = _first(job.at)
    if form.how != "pool":
        return EditCall(job.call, form.thread, dropped)
    if job.how == "map":
        given = ArgumentEdit(0, None, f"{form.partial}({form.thread}, {{}})")
        return EditCall(job.call, arguments=(given, *_in_chunks(job)))
    added = (NewArgument(None, form.thread),)
    if job.how == "executor":
        return EditCall(job.call, f"{pool.name}.submit", dropped, added)
    return EditCall(job.call, added=added)


def as_coroutine(
    job: Job, pool: MadePool, form: Form, clients: list[str], renamed: str | None, partial: int | None
) -> Iterator[Intent]:
    """The call that hands over a coroutine function, clients before its arguments.

    `renamed` is what the function is called by now, if it has another name, and `partial` the ordinal of the call in
    which it stands with some of its arguments.
    """
    at = job.at
    code = job.arguments[at].code
    if partial is not None:
        added = tuple(NewArgument(None, client, after=1) for client in clients)
        renaming = (ArgumentEdit(0, None, _renamed("{}", renamed)),) if renamed is not None else ()
        yield EditCall(partial, arguments=renaming, added=added)
        clients = []
    elif form.how != "pool":
        added = tuple(NewArgument(None, client) for client in clients)
        dropped = _first(at + 1)
        yield EditCall(job.call, _renamed(code, renamed), dropped, added)
        return
    given: tuple[ArgumentEdit, ...] = _first(at)
    if partial is None and job.how == "map" and clients:
        given = (ArgumentEdit(0, None, f"{form.partial}({', '.join([_renamed(code, renamed), *clients])})"),)
        clients = []
        yield added_import("functools", form.partial, "partial")
    elif partial is None and renamed is not None:
        given = (*given, ArgumentEdit(at, None, _renamed(code, renamed)))
    given = (*given, *_in_chunks(job))
    if at or given or clients:
        added = tuple(NewArgument(None, client, after=1) for client in clients)
        yield EditCall(job.call, f"{pool.name}.submit" if at else None, given, added)


def as_method(
    job: Job, pool: MadePool, form: Form, callee: str, changes: Sequence[ArgumentEdit], added: list[NewArgument]
) -> Iterator[Intent]:
    """The call that hands over a method of the client; `changes` count the arguments behind it."""
    given: tuple[ArgumentEdit, ...]
    at = job.at
    shifted = tuple(replace(edit, index=edit.index + at + 1) for edit in changes)
    if form.how != "pool":
        dropped = _first(at + 1)
        yield EditCall(job.call, callee, (*dropped, *shifted), tuple(added))
    elif job.how == "map" and (added or changes):
        given = (ArgumentEdit(0, None, _lambda(job, callee, changes, added)), *_in_chunks(job))
        yield EditCall(job.call, arguments=given)
    else:
        given = (*_first(at), ArgumentEdit(at, None, callee), *shifted, *_in_chunks(job))
        yield EditCall(job.call, f"{pool.name}.submit" if at else None, given, tuple(added))


# -- what comes of jobs


def reads(pool: MadePool, form: Form) -> Iterator[Intent]:
    """What comes of jobs is awaited where it was waited for."""
    for result in pool.results:
        timeout = next((argument.code for argument in result.arguments), None)
        if form.how == "task" or (result.done and timeout is None):
            continue
        if result.done:
            yield EditCall(result.call, arguments=_first(1))
        elif timeout is not None and timeout != "None":
            asyncio = form.asyncio
            yield Template("call", result.call, f"await {asyncio}.wait_for({asyncio}.shield({{of}}), {timeout})")
        else:
            yield Template("call", result.call, "await {of}")
    for call in pool.completions:
        yield EditCall(call.call, f"{pool.name}.as_completed")
    for call in pool.waits:
        yield EditCall(call.call, f"{pool.name}.wait", awaited=True)
    for call in pool.shutdowns:
        dropped = _first(len(call.arguments))
        yield EditCall(call.call, arguments=dropped, awaited=True)
    yield from (AsList(number) for number in dict.fromkeys(pool.lists))
    yield from (MakeAsync(kind, number) for kind, number in dict.fromkeys(pool.loops))
    yield from (Collect(number) for number in pool.collected)
    yield from (Template("call", number, "[result async for result in {}]") for number, _ in pool.whole)


# -- the pool


def without_pool(pool: MadePool, form: Form) -> Iterator[Intent]:
    """No pool is made; tasks have all ended before what comes of one is read."""
    yield UnwrapWith(pool.block, is_gone=True)
    if not all(job.at_once for job in pool.jobs):
        last = max(pool.jobs, key=lambda job: job.line)
        names = ", ".join(job.name for job in pool.jobs)
        yield StatementAfter(last.call, f"await {form.asyncio}.gather({names}, return_exceptions=True)")


def with_pool(pool: MadePool, form: Form, *, bounded: bool) -> Iterator[Intent]:
    """A pool of tasks is made, which knows how many workers it has if it is `bounded`."""
    dropped = tuple(
        ArgumentEdit(index, None, drop=True)
        for index, argument in enumerate(pool.arguments)
        if argument.keyword == "thread_name_prefix" or not bounded or argument.code == "None"
    )
    yield EditCall(pool.number, form.name, dropped)
    if pool.block >= 0:
        yield MakeAsync("with", pool.block)


def added_import(module: str, bound: str, name: str | None = None) -> AddImport:
    """The import of a module, or of a name of it, under a name that is free."""
    return AddImport(module, name, None if bound == (name or module) else bound)


def workers(pool: MadePool) -> Argument | None:
    """The argument that tells how many workers a pool has."""
    return next((a for a in pool.arguments if a.keyword in {None, "max_workers"}), None)


def _first(count: int) -> tuple[ArgumentEdit, ...]:
    """The first arguments go."""
    return tuple(ArgumentEdit(index, None, drop=True) for index in range(count))


def _in_chunks(job: Job) -> Iterator[ArgumentEdit]:
    """The `chunksize` of `map` goes: pools of threads take no notice of it."""
    chunks = (index for index, argument in enumerate(job.arguments) if argument.keyword == "chunksize")
    yield from (ArgumentEdit(index, None, drop=True) for index in chunks if job.how == "map")


def _lambda(job: Job, callee: str, changes: Sequence[ArgumentEdit], added: Sequence[NewArgument]) -> str:
    """`lambda url: client.get(str(url))`: what `map` is to do with one element of each of its iterables."""
    names = ["url", *(f"argument_{index}" for index in range(1, len(job.arguments) - 1))]
    given = list(names)
    for edit in changes:
        value = edit.value.replace("{}", names[edit.index])
        given[edit.index] = value if edit.keyword is None else f"{edit.keyword}={value}"
    given += [new.value if new.keyword is None else f"{new.keyword}={new.value}" for new in added]
    return f"lambda {', '.join(names)}: {callee}({', '.join(given)})"


def _renamed(code: str, name: str | None) -> str:
    return code if name is None else f"{code.rpartition('.')[0]}.{name}".lstrip(".")
