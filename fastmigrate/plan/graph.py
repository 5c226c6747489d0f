"""The goals that need each other: which of them cannot be reached, and what reaching some of them takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fastmigrate.knowledge.parity import Parity
from fastmigrate.plan.goals import Goal, Held, Step

__all__ = ["GoalGraph"]


class GoalGraph:
    """Goals with the steps to them.

    `reasons` are those for which a goal cannot be reached, which may be that of something it needs: its origin, in
    `origins`. `lossy` are the goals that cannot be reached without a possible difference.
    """

    def __init__(self, steps: Mapping[Goal, Step | Held]) -> None:
        self.steps = steps
        self._goals = list(steps)
        self._places = {goal: place for place, goal in enumerate(self._goals)}
        self._needs = [
            [self._places[need] for need in step.needs] if isinstance(step, Step) else [] for step in steps.values()
        ]
        self.origins: dict[Goal, Goal] = {}
        self.reasons = self._prune()
        self.lossy = {g for g, step in steps.items() if isinstance(step, Step) and step.parity is Parity.LOSSY}

    def _prune(self) -> dict[Goal, str]:
        reasons = {goal: step.reason for goal, step in self.steps.items() if isinstance(step, Held)}
        self.origins = {goal: goal for goal in reasons}
        pending = sorted(reasons, key=repr)
        users: dict[Goal, list[Goal]] = {}
        for goal, step in self.steps.items():
            for need in step.needs if isinstance(step, Step) else ():
                users.setdefault(need, []).append(goal)
        while pending:
            goal = pending.pop(0)
            for user in sorted(users.get(goal, ()), key=repr):
                if user not in reasons:
                    reasons[user] = reasons[goal]
                    self.origins[user] = self.origins[goal]
                    pending.append(user)
        return reasons

    def closure(self, goals: Iterable[Goal]) -> set[Goal]:
        """The goals and all that they need, directly or not."""
        seen: set[int] = set()
        pending = [self._places[goal] for goal in goals]
        while pending:
            place = pending.pop()
            if place not in seen:
                seen.add(place)
                pending += self._needs[place]
        return {self._goals[place] for place in seen}
