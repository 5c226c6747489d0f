"""Uses of sessions: the row of the tables for each, and what there is in the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fastmigrate.facts.sessions import SessionUse
from fastmigrate.facts.terms import Call, Display, Term
from fastmigrate.knowledge.parity import Parity, Row
from fastmigrate.knowledge.requests_sessions import METHODS, USES
from fastmigrate.plan.goals import SessionTakenOver
from fastmigrate.project.project import Project
from fastmigrate.project.values import Scope

__all__ = ["as_dict", "cookie_kinds", "is_request", "made_by", "row_of", "use_in_the_way"]

_VERBS = frozenset(name.rpartition(".")[2] for name in METHODS)
_EXPRESSIONS = frozenset({"assigned", "item", "get()"})


def made_by(project: Project, goal: SessionTakenOver) -> Iterator[Term]:
    """What is called to make a session."""
    links = project.links(goal.path)
    site = links.call(goal.number) if links is not None else None
    if site is not None:
        yield site.call.callee


def is_request(use: SessionUse) -> bool:
    """Whether a use makes a request."""
    return use.how == "called" and use.member in _VERBS


def row_of(use: SessionUse) -> Row | None:
    """The row under which a use falls; None for a request, and for what is not in the tables."""
    return USES.get((use.member, use.how)) or USES.get((use.member, ""))


def as_dict(items: Iterable[tuple[Term, Term]]) -> Display:
    """The dict that these items make."""
    pairs = tuple(items)
    return Display("dict", tuple(key for key, _ in pairs), tuple(value for _, value in pairs))


def use_in_the_way(project: Project, name: str, use: SessionUse, scope: Scope) -> str | None:
    """Why a session called `name` cannot be taken over if it is used like this, or None."""
    if not use.member:
        return f"`{name}` is {use.how} in line {use.line}"
    if is_request(use):
        return None
    where = f"`{name}.{use.member}` in line {use.line}"
    row = row_of(use)
    if row is None or (use.how == "set()" and not use.items):
        return f"{where} is used in a way that is not migrated yet"
    if row.parity is Parity.NONE:
        return row.note.format(line=use.line)
    if use.how not in _EXPRESSIONS and not use.statement:
        return f"what {where} gives is used"
    if use.member == "timeout" and isinstance(use.value, Call):
        return f"{where} is given the result of a call, which would go with it"
    is_whole = use.how == "assigned" and use.member in {"headers", "params"}
    if is_whole and project.types.kinds(use.value, scope) != {"dict"}:
        return f"{where} is given something that is not known to be a dict"
    if use.member == "cookies" and use.items and "none" in cookie_kinds(project, use, scope):
        return f"a cookie in line {use.line} may be None, which takes it out of a session, and which httpx refuses"
    return None


def cookie_kinds(project: Project, use: SessionUse, scope: Scope) -> frozenset[str]:
    """The kinds of the values that a use puts into the cookies of its session."""
    return project.types.value_kinds(as_dict(use.items), scope) or frozenset({"unknown"})
