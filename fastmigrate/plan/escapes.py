"""Steps for errors that pass out of functions: the handlers around the calls of these see to them, up to the root."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from fastmigrate.facts.uses import Use
from fastmigrate.facts.values import Handler
from fastmigrate.knowledge.parity import Parity
from fastmigrate.plan.errors import Errors
from fastmigrate.plan.goals import ErrorsPassed, Goal, Held, Step
from fastmigrate.plan.handlers import Guard
from fastmigrate.plan.responses import Responses
from fastmigrate.project.callgraph import Edge
from fastmigrate.project.project import Project
from fastmigrate.project.values import Scope

__all__ = ["Escapes"]

_ERRORS = re.compile(rb"\b(?:RequestException|HTTPError|ConnectionError|\w*Timeout|TooManyRedirects|JSONDecodeError)\b")


class Escapes:
    """Makes the steps of the goals that concern errors; `cures` are the goals of the findings in a function."""

    def __init__(self, project: Project, responses: Responses, cures: Callable[[Scope], list[Goal]]) -> None:
        self.project = project
        self.errors = Errors(project)
        self.responses = responses
        self.handlers = responses.handlers
        self.cures = cures
        self.guards: dict[Goal, list[Guard]] = {}

    def passed(self, function: Scope, steps: Iterable[str]) -> Iterator[Goal]:
        """What errors need that pass out of a function in these steps."""
        if self.project.reach.callers_of(function):
            for step in sorted(steps):
                yield ErrorsPassed(function, step)  # type: ignore[arg-type]

    def errors_passed(self, goal: ErrorsPassed) -> Step | Held:
        """The handlers around the calls of a function see to the errors that pass out of it."""
        needs: list[Goal] = []
        notes: list[str] = []
        guards: list[Guard] = []
        for caller, edge in self.project.reach.callers_of(goal.function):
            if edge.call < 0 or edge.how == "task":
                continue
            line = self.project.jobs.asked_for_its_error(caller.path, edge.call)
            if line is not None:
                return Held(f"{caller.path}:{line} asks a future for its error, which would be one of httpx")
            for number in self.project.jobs.outlets(caller.path, edge.call):
                passed = self._passed_at(goal, caller, edge, number, guards)
                if isinstance(passed, Held):
                    return passed
                needs += passed.needs
                notes += passed.notes
        self.guards[goal] = guards
        return Step(tuple(dict.fromkeys(needs)), Parity.LOSSY if notes else Parity.EXACT, tuple(notes))

    def _passed_at(
        self, goal: ErrorsPassed, caller: Scope, edge: Edge, number: int, guards: list[Guard]
    ) -> Step | Held:
        """The same where they come out: at the call of the function, or where what became of it is waited for."""
        site = self.project.site_of(caller.path, number)
        links = self.project.links(caller.path)
        at = links.call(number) if links is not None else None
        if site is None or at is None:
            return Step()
        where = f"{caller.path}:{at.place.line}"
        for term in site.guards:
            reason = self.errors.of_context_manager(term, caller, {h.call for h in site.handlers})
            if reason is not None:
                return Held(f"{where}: {reason}")
        notes: list[str] = []
        coroutine = edge.how == "thread" or self.project.resolver.is_async(edge.target.scope)
        followed = number != edge.call or self.project.jobs.is_handed_by(caller, number)
        if coroutine and not followed and site.waited in {"task", ""} and self._names_errors(caller.path):
            notes.append(
                f"the errors of what begins in {where} come out elsewhere, where they may be asked for by class"
            )
        judged = self.handlers.judge(site.handlers, [goal.step], caller)
        if judged.reason is not None:
            return Held(f"{caller.path}: {judged.reason}")
        needs: list[Goal] = []
        for handler, uses in site.errors:
            first, last = handler.body
            if first <= at.place.line <= last:
                read = self._responses_read(goal.function, handler, uses, caller)
                if isinstance(read, Held):
                    return read
                needs += read
        guards += judged.guards
        needs += [*self.handlers.needs(judged.guards), *self.passed(caller, judged.escaping)]
        return Step(tuple(needs), notes=(*notes, *judged.notes))

    def _names_errors(self, path: str) -> bool:
        """Whether a file names an error of requests."""
        return _ERRORS.search(self.project.sources.read(path)) is not None

    def _responses_read(
        self, function: Scope, handler: Handler, uses: Iterable[Use], caller: Scope
    ) -> list[Goal] | Held:
        """What a handler needs that reads the response of an error that passes out of a function."""
        always = set(self.handlers.caught(handler, caller)) == {"requests.exceptions.HTTPError"}
        read = [use for use in uses if use.kind != "error" or not always]  # else there may be no response
        where = f"the handler in {caller.path}:{handler.line}"
        for use in read:
            if use.kind == "other":
                return Held(f"{where} does more with the `response` of its error than to read it: it is {use.name}")
        if any(use.kind in {"member", "truth", "loop"} for use in read):
            everything = {call.key for call in self.project.blocking}
            if self.handlers.raising.in_block(handler, caller, everything):
                return Held(f"{where} reads the `response` of its error, which may still be one of requests")
        behind = self.project.reach.below(function)
        also = tuple(goal for scope in behind for goal in self.cures(scope))
        return list(self.responses.reads(read, caller, also))
