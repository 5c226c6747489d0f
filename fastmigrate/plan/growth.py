"""Growth: what the fixes of all findings need, step by step, until all of it is known to be had or not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from msgspec.structs import replace

from fastmigrate.model import Finding
from fastmigrate.plan.apps import Apps
from fastmigrate.plan.awaiting import Awaiting
from fastmigrate.plan.calls import Calls
from fastmigrate.plan.clients import Clients
from fastmigrate.plan.cures import CURES, goal_of, key_of
from fastmigrate.plan.escapes import Escapes
from fastmigrate.plan.fallback import Fallback
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
from fastmigrate.plan.mocks import Mocks
from fastmigrate.plan.module_clients import ModuleClients
from fastmigrate.plan.offloading import Offloading
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

__all__ = ["Growth"]


class Growth:
    """The goals of all findings, their steps, and which of them cannot be reached.

    They are grown together, whichever findings are to be fixed: so a fix is judged alike on every run, and in any order
    of findings.
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

    def _grow_all(self) -> None:
        """The steps of all goals that the findings need, and which of them cannot be reached."""
        self.steps: dict[Goal, Step | Held] = dict(self.silenced)
        self.roots = {key_of(f): self._or_thread(goal) for f in self.findings if (goal := goal_of(f)) is not None}
        self._grow(self.roots.values())
        held = (goal for goal in self.roots.values() if isinstance(goal, ThroughClient) and self._is_held(goal))
        self._grow(
            [Coroutine(self.blocking[goal.path, goal.number].function) for goal in held]
        )  # for a thread, perhaps
        self._grow([goal for app in self.served(self.steps) for goal in self.apps.testing.entered_for(app)])
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

    @staticmethod
    def served(goals: Iterable[Goal]) -> set[Instance]:
        """The apps that get a client."""
        return {goal.app for goal in goals if isinstance(goal, ClientOfApp)}

    def _library_declared(self, goal: LibraryDeclared) -> Step | Held:
        """A library is declared where its framework is."""
        missing = self.project.declarations.missing(goal.path, self.project.library)
        if missing is not None and not missing.files:
            return Held(f"declare `{minimum_of(self.project.library)}` in {', '.join(missing.by_hand)} by hand")
        return Step()


def _within_coroutine(step: Step | Held, call: BlockingCall) -> Step | Held:
    """A call can be awaited only in a coroutine function."""
    return step if isinstance(step, Held) else replace(step, needs=(*step.needs, Coroutine(call.function)))
