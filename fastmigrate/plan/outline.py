"""What a fix does, in words for people: the goals that change what they know of their code, not every edit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fastmigrate.plan.goals import (
    ClientAroundLifespan,
    ClientInLifespan,
    ClientInNewLifespan,
    ClientMoved,
    Coroutine,
    Goal,
    LifespanDecorated,
    Offloaded,
    PoolReplaced,
    Slept,
    TestClientEntered,
    Threaded,
    ThroughClient,
)
from fastmigrate.plan.users import Users
from fastmigrate.project.project import Project
from fastmigrate.wording import count

__all__ = ["outline"]

_NAMED = 3  # of functions or files of one kind; more are counted


def outline(goals: Iterable[Goal], project: Project, users: Users) -> str:
    """What it takes to reach these goals, as `<what>; <what>`: calls, functions, lifespans, tests."""
    goals = sorted(goals, key=repr)
    return "; ".join(part for part in (*_calls(goals), *_functions(goals, project, users), *_apps(goals)) if part)


def _calls(goals: list[Goal]) -> Iterator[str]:
    through, pools, offloaded, slept, threaded = (
        sum(isinstance(goal, kind) for goal in goals)
        for kind in (ThroughClient, PoolReplaced, Offloaded, Slept, Threaded)
    )
    yield f"awaits {_the(through, 'call')} through the app's client" if through else ""
    yield f"awaits {_the(threaded, 'call')} in threads" if threaded else ""
    yield "awaits `asyncio.sleep`" if slept else ""
    yield f"starts coroutines in place of {_the(pools, 'pool')} of threads" if pools else ""
    yield f"takes {_the(offloaded, 'call')} back from threads" if offloaded else ""


def _functions(goals: list[Goal], project: Project, users: Users) -> Iterator[str]:
    changed: list[str] = []
    twins: list[str] = []
    for function in (goal.function for goal in goals if isinstance(goal, Coroutine)):
        twin = users.twin(function)
        if twin is not None:
            twins.append(f"`{twin}` beside `{function.name}` ({function.path})")
        elif not project.resolver.is_async(function) and project.handing(function) is None:
            changed.append(f"`{function.name}` ({function.path})")
    yield f"makes {_listed(changed, 'function')} async" if changed else ""
    yield f"writes {_listed(twins, 'async twin')}" if twins else ""


def _apps(goals: list[Goal]) -> Iterator[str]:
    new = [goal.path for goal in goals if isinstance(goal, ClientInNewLifespan | ClientAroundLifespan)]
    yield f"gives the app a lifespan with the client ({_listed(new, 'file')})" if new else ""
    old = [f"`{goal.function.name}` ({goal.function.path})" for goal in goals if isinstance(goal, ClientInLifespan)]
    yield f"adds the client to {_listed(old, 'lifespan')}" if old else ""
    moved = [goal.path for goal in goals if isinstance(goal, ClientMoved)]
    yield f"moves the client of {_listed(moved, 'module')} into the lifespan" if moved else ""
    decorated = [f"`{goal.function.name}`" for goal in goals if isinstance(goal, LifespanDecorated)]
    yield f"decorates {_listed(decorated, 'lifespan')} with `@asynccontextmanager`" if decorated else ""
    tests = [goal.path for goal in goals if isinstance(goal, TestClientEntered)]
    yield f"enters the test clients of {_listed(tests, 'file')}" if tests else ""


def _listed(names: list[str], what: str) -> str:
    """The names, or how many there are of them."""
    names = list(dict.fromkeys(names))
    if len(names) > _NAMED:
        return count(len(names), what)
    return " and ".join(", ".join(names).rsplit(", ", 1))


def _the(number: int, what: str) -> str:
    return f"the {what}" if number == 1 else count(number, what)
