"""Grow the goals of all findings, prune what cannot be had with all that depends on it, lower the rest to intents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import get_args

from msgspec import Struct
from msgspec.structs import replace

from fastmigrate.model import Finding, Fix
from fastmigrate.plan.apps import Apps
from fastmigrate.plan.awaiting import Awaiting
from fastmigrate.plan.calls import Calls
from fastmigrate.plan.clients import Clients
from fastmigrate.plan.cures import CURES, goal_of, key_of
from fastmigrate.plan.escapes import Escapes
from fastmigrate.plan.fallback import HINT, Fallback
from fastmigrate.plan.goals import (
    ClientAroundLifespan,
    ClientAtHand,
    ClientHandedOn,
    ClientInFunction,
    ClientInLifespan,
    ClientInNewLifespan,
    ClientMoved,
    ClientOfApp,
    ClientShared,
    Coroutine,
    ErrorsPassed,
    Goal,
    Gone,
    HandlersCalled,
    Held,
    HelperRun,
    Imported,
    LibraryDeclared,
    LifespanDecorated,
    LifespanWrapped,
    LineReader,
    NewLifespan,
    Offloaded,
    PassedFunction,
    PoolReplaced,
    Promises,
    ReadResult,
    RequestHandedOn,
    RequestInFunction,
    ResponseReturned,
    SessionTakenOver,
    Slept,
    StateField,
    Step,
    TaskImported,
    TestClientEntered,
    Threaded,
    ThroughClient,
)
from fastmigrate.plan.graph import GoalGraph
from fastmigrate.plan.helpers import Helpers
from fastmigrate.plan.httpx_calls import HttpxCalls
from fastmigrate.plan.leftovers import unused_imports
from fastmigrate.plan.mocks import Mocks
from fastmigrate.plan.module_clients import ModuleClients
from fastmigrate.plan.offloading import Offloading
from fastmigrate.plan.outline import outline
from fastmigrate.plan.own_clients import OwnClients
from fastmigrate.plan.pools import Pools
from fastmigrate.plan.sleeps import Sleeps
from fastmigrate.plan.specs import ClientSpec
from fastmigrate.plan.tasks import Tasks
from fastmigrate.plan.urllib_calls import UrllibCalls
from fastmigrate.plan.users import Users
from fastmigrate.project.blocking import BlockingCall
from fastmigrate.project.declarations import minimum_of
from fastmigrate.project.project import Project
from fastmigrate.project.values import Instance, Scope
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


class Planner:
    """Knows for every finding what its fix needs, what that is worth, and which edits it takes.

    The goals of all findings are grown together, whichever of them are to be fixed: so a fix is judged alike on
    every run, and in any order of findings.
    """

    def __init__(
        self,
        project: Project,
        findings: Iterable[Finding],
        untouchable: Iterable[Finding] = (),
        *,
        falls_back: bool = False,
    ) -> None:
        self.project = project
        self.falls_back = falls_back
        self.threaded: set[tuple[str, int]] = set()  # the calls that no client can make
        self.blocking = {call.key: call for call in project.blocking}
        awaiting = Awaiting(project)
        users = Users(project)
        self.offloading = Offloading(project, self._cures_in)
        self.pools = Pools(project, awaiting, self.offloading)
        self.calls = Calls(project, awaiting, users, self._passed, self.offloading, self.pools)
        self.fallback = Fallback(project, awaiting)
        self.sleeps = Sleeps(project, awaiting)
        self.tasks = Tasks(project)
        self.httpx = HttpxCalls(project, awaiting)
        self.urllib = UrllibCalls(project, awaiting)
        self.own = OwnClients(project)
        if self.httpx.needs_cookies or self.own.needs_cookies:
            self.httpx.base = self.own.base = "httpx with cookies"
        self.modules = ModuleClients(project)
        self.clients = Clients(project, self._specs(), self._freed, users)
        self.mocks = Mocks(project)
        self.apps = Apps(project, self.clients.keys, self.clients.errors, self.modules.closed_by)
        self.helpers = Helpers(project, awaiting, users, self.clients, self._cures_in, self.offloading, self.pools)
        self.escapes = Escapes(project, self.calls.responses, self._migrations_in)
        silenced = Held("its finding is suppressed")
        self.silenced: dict[Goal, Held] = {
            goal: silenced for finding in untouchable if (goal := goal_of(finding)) is not None
        }
        self.findings = list(findings)
        self.step_makers = self._step_makers()
        self._grow_all()
        while falls_back and self._falls_back():
            self._grow_all()

    # -- grow and prune

    def _grow_all(self) -> None:
        """The steps of all goals that the findings need, and which of them cannot be reached."""
        self.steps: dict[Goal, Step | Held] = dict(self.silenced)
        self.roots = {key_of(f): self._or_thread(goal) for f in self.findings if (goal := goal_of(f)) is not None}
        self._grow(self.roots.values())
        held = (goal for goal in self.roots.values() if isinstance(goal, ThroughClient) and self._is_held(goal))
        self._grow(
            [Coroutine(self.blocking[goal.path, goal.number].function) for goal in held]
        )  # for a thread, perhaps
        self._grow([goal for app in self._served(self.steps) for goal in self.apps.testing.entered_for(app)])
        self.graph = GoalGraph(self.steps)

    def _is_held(self, goal: Goal) -> bool:
        return isinstance(self.steps[goal], Held)

    def _or_thread(self, goal: Goal) -> Goal:
        """The goal for a call: that it goes through a client, or, if none can make it, to a thread."""
        if isinstance(goal, ThroughClient) and (goal.path, goal.number) in self.threaded:
            return Threaded(goal.path, goal.number)
        return goal

    def _falls_back(self) -> bool:
        """Whether calls and pools turn out, for which there is no client, but threads."""
        held = {
            (g.path, g.number) for g in self.roots.values() if isinstance(g, ThroughClient) and g in self.graph.reasons
        }
        pools = {goal for goal in self.roots.values() if isinstance(goal, PoolReplaced) and goal in self.graph.reasons}
        known = len(self.threaded) + len(self.pools.in_threads)
        if held - self.threaded:
            self.threaded |= held
        else:  # with all calls in threads that can be, some are still in the way of a pool
            self.pools.in_threads |= pools
        return len(self.threaded) + len(self.pools.in_threads) > known

    def _freed(self, function: Scope, spec: ClientSpec) -> set[str]:
        """The names in a function that a client may take, since what has them goes."""
        given = self.own.freed(function) if not self.clients.has_request(function) else set()
        return self.calls.sessions.modules.freed(function, spec) | given

    def _maker(self, call: BlockingCall) -> Calls | HttpxCalls | UrllibCalls:
        """Who knows how a call goes through a client."""
        makers: dict[str, HttpxCalls | UrllibCalls] = {"FM102": self.httpx, "FM103": self.urllib}
        return makers.get(call.code, self.calls)

    def _specs(self) -> Iterator[ClientSpec]:
        """All clients that any finding asks for."""
        for call in self.project.blocking:
            spec = self._maker(call).spec(call) if CURES[call.code] is ThroughClient else None
            if spec is not None:
                yield spec
        yield from self.own.specs()
        yield from self.modules.specs()

    def _grow(self, goals: Iterable[Goal]) -> None:
        pending = list(goals)
        while pending:
            goal = pending.pop()
            if goal not in self.steps:
                step = self.steps[goal] = self._step(goal)
                if isinstance(step, Step):
                    pending += step.needs

    def _step(self, goal: Goal) -> Step | Held:
        match goal:
            case ThroughClient() | Slept() if (call := self.blocking[goal.path, goal.number]).is_handed_over:
                return Held(
                    f"`{call.callee}` is handed over to be called, where it cannot be awaited: call it yourself"
                )
            case ThroughClient() if (
                call := self.blocking[goal.path, goal.number]
            ).is_offloaded and call.code != "FM101":
                return Held(f"`{call.callee}` is handed to a thread: call it in a function, and hand that over")
            case Threaded():
                return self.fallback.threaded(goal, self.blocking[goal.path, goal.number])
            case ThroughClient():
                call = self.blocking[goal.path, goal.number]
                maker = self._maker(call)
                spec = maker.spec(call)
                name = "" if spec is None else self.clients.client_name(call.function, spec)
                return _within_coroutine(maker.through_client(call, name), call)
            case Slept():
                call = self.blocking[goal.path, goal.number]
                return _within_coroutine(self.sleeps.slept(call), call)
        return self.step_makers[type(goal)](goal)

    def _step_makers(self) -> dict[type, Callable[..., Step | Held]]:
        """Who makes the steps of each kind of goal."""
        return {
            ReadResult: self.calls.responses.read_result,
            ClientAtHand: self.clients.client_at_hand,
            ClientShared: partial(self.own.shared, clients=self.clients),
            ClientMoved: partial(self.modules.client_moved, clients=self.clients),
            ClientInFunction: self._client_in_function,
            ClientHandedOn: self.helpers.client_handed_on,
            Coroutine: self.helpers.coroutine,
            ErrorsPassed: self.escapes.errors_passed,
            HelperRun: self.helpers.helper_run,
            ResponseReturned: self.calls.responses.returned,
            RequestHandedOn: self.clients.request_handed_on,
            RequestInFunction: self.clients.request_in_function,
            TestClientEntered: self.apps.testing.entered,
            LibraryDeclared: self._library_declared,
            PassedFunction: self.tasks.passed_function,
            TaskImported: self.tasks.task_imported,
            ClientOfApp: self.apps.client_of_app,
            HandlersCalled: self.apps.lifespans.events.handlers_called,
            LifespanDecorated: self.apps.lifespans.lifespan_decorated,
            PoolReplaced: self.pools.replaced,
            Offloaded: self.offloading.brought_back,
            StateField: self.apps.lifespans.state_field,
            LifespanWrapped: self.apps.lifespans.events.lifespan_wrapped,
            ClientAroundLifespan: self.apps.lifespans.client_around_lifespan,
            NewLifespan: self.apps.lifespans.new_lifespan,
            ClientInNewLifespan: self.apps.lifespans.client_in_new_lifespan,
            ClientInLifespan: self.apps.lifespans.client_in_lifespan,
            LineReader: self.calls.streams.line_reader,
            Promises: self.apps.lifespans.promises,
            SessionTakenOver: self.calls.sessions.taken_over,
            Imported: self.clients.imported,
        }

    def _client_in_function(self, goal: ClientInFunction) -> Step | Held:
        """Who knows how a function comes to a client: by its request, or by those that run it."""
        if self.clients.has_request(goal.function):
            return self.clients.client_in_function(goal)
        return self.helpers.client_in_helper(goal)

    def _passed(self, function: Scope, steps: Iterable[str]) -> Iterator[Goal]:
        return self.escapes.passed(function, steps)

    def _cures_in(self, function: Scope) -> list[Goal]:
        """The goals of the calls that block in a function."""
        return [self._or_thread(goal) for goal in self._migrations_in(function)]

    def _migrations_in(self, function: Scope) -> list[Goal]:
        """The same, none of which may go to a thread."""
        calls = (call for call in self.project.blocking if call.function == function)
        return [CURES[call.code](*call.key) for call in calls]

    # -- what comes of it

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

    @staticmethod
    def _served(goals: Iterable[Goal]) -> set[Instance]:
        """The apps that get a client."""
        return {goal.app for goal in goals if isinstance(goal, ClientOfApp)}

    def plan(self, findings: Iterable[Finding], *, unsafe: bool = False) -> Plan:
        """The edits that fix these findings together; those without a fix must not be among them.

        If `unsafe`, tests come to run lifespans for which they may not be ready.
        """
        goals = self.graph.closure(self.roots[key_of(finding)] for finding in findings)
        if unsafe:
            tests = [goal for app in self._served(goals) for goal in self.apps.testing.entered_for(app)]
            goals |= self.graph.closure(goal for goal in tests if goal not in self.graph.reasons)
        intents: dict[str, list[Intent]] = {}
        migrated = {(goal.path, goal.number) for goal in goals if isinstance(goal, ThroughClient)}
        gone: list[Gone] = []
        for goal in sorted(goals, key=lambda goal: (_ORDER.index(type(goal)), repr(goal))):
            step = self.steps[goal]
            if isinstance(step, Step):
                gone += step.gone
                for path, intent in step.intents:
                    if intent not in intents.setdefault(path, []):
                        intents[path].append(intent)
        for path, lifespan in self.apps.lifespans.new_lifespans(goals).items():
            intents.setdefault(path, []).append(lifespan)
        for path, intent in [
            *self.apps.lifespans.wrappers(goals),
            *self.helpers.lowered(goals),
            *self.pools.lowered(goals),
        ]:
            if intent not in intents.setdefault(path, []):
                intents[path].append(intent)
        known = {**self.calls.guards, **self.escapes.guards}
        guards = [guard for goal in goals for guard in known.get(goal, ())]
        edits, replaced = self.calls.handlers.lowered(guards, migrated)
        for path, intent in edits:
            intents.setdefault(path, []).append(intent)
        needed = {(goal.path, goal.module) for goal in goals if isinstance(goal, Imported)}
        kept = [
            goal.function for goal in goals if isinstance(goal, Coroutine) and self.helpers.users.twin(goal.function)
        ]
        for path, intent, term in self.offloading.loops_left(intents):
            intents[path].append(intent)
            gone.append(term)
        mocked, unpatched = self.mocks.lowered(intents)
        for path, intent in mocked:
            if intent not in intents.setdefault(path, []):
                intents[path].append(intent)
        for path, intent in unused_imports(self.project, needed, intents, [*gone, *replaced], kept, unpatched):
            intents[path].append(intent)
        importing = {goal.path for goal in goals if isinstance(goal, Imported) and goal.module == self.project.library}
        importing |= {goal.path for goal in goals if isinstance(goal, LibraryDeclared)}
        asked = (self.project.declarations.missing(path, self.project.library) for path in sorted(importing))
        missing = [found for found in asked if found is not None]
        return Plan(
            {path: tuple(edits) for path, edits in sorted(intents.items()) if edits},
            tuple(dict.fromkeys(file for one in missing for file in one.files)),
            tuple(dict.fromkeys(file for one in missing for file in one.locks)),
            tuple(dict.fromkeys(file for one in missing for file in one.by_hand)),
        )

    def _library_declared(self, goal: LibraryDeclared) -> Step | Held:
        """A library is declared where its framework is."""
        missing = self.project.declarations.missing(goal.path, self.project.library)
        if missing is not None and not missing.files:
            return Held(f"declare `{minimum_of(self.project.library)}` in {', '.join(missing.by_hand)} by hand")
        return Step()


def _within_coroutine(step: Step | Held, call: BlockingCall) -> Step | Held:
    """A call can be awaited only in a coroutine function."""
    return step if isinstance(step, Held) else replace(step, needs=(*step.needs, Coroutine(call.function)))
