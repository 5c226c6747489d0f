"""Plan: what can be done about each finding, and which edits the fixes of some of them take together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from typing import get_args

from msgspec import Struct
from msgspec.structs import replace

from fastmigrate.model import Finding, Fix
from fastmigrate.plan.cures import key_of
from fastmigrate.plan.fallback import HINT
from fastmigrate.plan.goals import (
    Coroutine,
    Goal,
    Imported,
    LibraryDeclared,
    PoolReplaced,
    Step,
    Threaded,
    ThroughClient,
)
from fastmigrate.plan.growth import Growth
from fastmigrate.plan.leftovers import unused_imports
from fastmigrate.plan.outline import outline
from fastmigrate.project.declarations import Missing
from fastmigrate.rewrite.intents import Intent

__all__ = ["Plan", "Planner"]

_ORDER: tuple[type, ...] = get_args(Goal)


class Plan(Struct, frozen=True):
    """The edits of each file that is to change, in the order in which they apply.

    `declaring` are the files to which the library is to be added, `stale` the lock files beside them, and `by_hand`
    those that have to be changed by hand.
    """

    intents: dict[str, tuple[Intent, ...]]
    declaring: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()


class Planner(Growth):
    """Knows for every finding what its fix needs, what that is worth, and which edits it takes."""

    def judged(self) -> list[Finding]:
        """The findings, each with what can be done about it."""
        return [replace(finding, fix=self._fix(finding)) for finding in self.findings]

    def _fix(self, finding: Finding) -> Fix:
        root = self.roots.get(key_of(finding))
        if root is None:
            return finding.fix
        if root in self.graph.reasons:
            hint = HINT if self._could_go_to_a_thread(root) else ""
            return Fix("none", f"{self._place(self.graph.origins[root], root)}{self.graph.reasons[root]}{hint}")
        lossy = self.graph.lossy.intersection(self.graph.closure([root]))
        if lossy:
            notes = (note for goal in sorted(lossy, key=repr) for note in self.steps[goal].notes)  # type: ignore[union-attr]
            return Fix("unsafe", "; ".join(dict.fromkeys(notes)))
        return Fix("safe")

    def _place(self, origin: Goal, root: Goal) -> str:
        """Where another call stands that holds a finding, to be put before the reason."""
        if origin == root or not isinstance(origin, ThroughClient | PoolReplaced):
            return ""
        links = self.project.links(origin.path)
        site = links.call(origin.number) if links is not None else None
        return f"{origin.path}:{site.place.line}: " if site is not None else ""

    def _could_go_to_a_thread(self, root: Goal) -> bool:
        """Whether a call for which there is no client is one that a thread could make."""
        if self.falls_back or root in self.silenced:
            return False
        if isinstance(root, PoolReplaced):
            return self.pools.could_stay_in_threads(root)
        if not isinstance(root, ThroughClient):
            return False
        call = self.blocking[root.path, root.number]
        step = self.fallback.threaded(Threaded(*call.key), call)
        needs = (Coroutine(call.function), *step.needs) if isinstance(step, Step) else ()
        return bool(needs) and self.graph.reasons.keys().isdisjoint(needs)

    def reached_with(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings that the fixes of these do away with: these, and what they need to be fixed for."""
        goals = self.graph.closure(self.roots[key_of(finding)] for finding in findings)
        return [finding for finding in self.findings if self.roots.get(key_of(finding)) in goals]

    def outline(self, finding: Finding) -> str:
        """What the fix of a finding does, in words; it must have one."""
        root = self.roots.get(key_of(finding))
        return "" if root is None else outline(self.graph.closure([root]), self.project, self.helpers.users)

    def plan(self, findings: Iterable[Finding], *, unsafe: bool = False) -> Plan:
        """The edits that fix these findings together; those without a fix must not be among them.

        If `unsafe`, tests come to run lifespans for which they may not be ready.
        """
        goals = self.graph.closure(self.roots[key_of(finding)] for finding in findings)
        if unsafe:
            tests = [goal for app in self.served(goals) for goal in self.apps.testing.entered_for(app)]
            goals |= self.graph.closure(goal for goal in tests if goal not in self.graph.reasons)
        missing = list(self._undeclared(goals))
        return Plan(
            {path: tuple(edits) for path, edits in sorted(self._lowered(goals).items()) if edits},
            tuple(dict.fromkeys(file for one in missing for file in one.files)),
            tuple(dict.fromkeys(file for one in missing for file in one.locks)),
            tuple(dict.fromkeys(file for one in missing for file in one.by_hand)),
        )

    def _lowered(self, goals: Set[Goal]) -> dict[str, list[Intent]]:
        """The intents by file: those of each step, then those that only all goals together tell."""
        intents: dict[str, list[Intent]] = {}
        steps = [self.steps[goal] for goal in sorted(goals, key=lambda goal: (_ORDER.index(type(goal)), repr(goal)))]
        gone = [term for step in steps if isinstance(step, Step) for term in step.gone]
        _add(intents, (pair for step in steps if isinstance(step, Step) for pair in step.intents))
        lifespans = self.apps.lifespans
        _add(intents, lifespans.new_lifespans(goals).items())
        _add(intents, (*lifespans.wrappers(goals), *self.helpers.lowered(goals), *self.pools.lowered(goals)))
        known = {**self.calls.guards, **self.escapes.guards}
        guards = [guard for goal in goals for guard in known.get(goal, ())]
        migrated = {(goal.path, goal.number) for goal in goals if isinstance(goal, ThroughClient)}
        edits, replaced = self.calls.handlers.lowered(guards, migrated)
        _add(intents, edits)
        for path, intent, term in self.offloading.loops_left(intents):
            intents[path].append(intent)
            gone.append(term)
        mocked, unpatched = self.mocks.lowered(intents)
        _add(intents, mocked)
        needed = {(goal.path, goal.module) for goal in goals if isinstance(goal, Imported)}
        coroutines = (goal.function for goal in goals if isinstance(goal, Coroutine))
        kept = [function for function in coroutines if self.helpers.users.twin(function)]
        unused = unused_imports(self.project, needed, intents, [*gone, *replaced], kept, unpatched)
        _add(intents, [*unused])
        return intents

    def _undeclared(self, goals: Iterable[Goal]) -> Iterator[Missing]:
        """Where the library is not declared yet, and will be needed."""
        library = self.project.library
        importing = {
            goal.path
            for goal in goals
            if isinstance(goal, LibraryDeclared) or (isinstance(goal, Imported) and goal.module == library)
        }
        for path in sorted(importing):
            missing = self.project.declarations.missing(path, library)
            if missing is not None:
                yield missing


def _add(intents: dict[str, list[Intent]], more: Iterable[tuple[str, Intent]]) -> None:
    """Add intents for files, each once."""
    for path, intent in more:
        if intent not in intents.setdefault(path, []):
            intents[path].append(intent)
