"""Sessions: those of functions and objects become arguments of their calls, those of modules clients of the app."""

from __future__ import annotations

from fastmigrate.facts.sessions import LocalSession, read_local_session
from fastmigrate.facts.sites import Site
from fastmigrate.facts.terms import Member
from fastmigrate.knowledge.parity import Parity
from fastmigrate.knowledge.requests_calls import FUNCTIONS
from fastmigrate.knowledge.requests_sessions import METHODS, USES
from fastmigrate.plan.arguments import JudgedCall, judge_arguments
from fastmigrate.plan.connections import read_connection
from fastmigrate.plan.defaults import Default, judge_with_defaults
from fastmigrate.plan.goals import Goal, Held, SessionTakenOver, Step, ThroughClient
from fastmigrate.plan.held_sessions import HeldSessions
from fastmigrate.plan.kept_settings import KeptSettings, Mention
from fastmigrate.plan.module_sessions import ModuleSessions
from fastmigrate.plan.names import fresh
from fastmigrate.plan.session_uses import as_dict, is_request, made_by, use_in_the_way
from fastmigrate.plan.specs import SHARED, ClientSpec
from fastmigrate.plan.users import Users
from fastmigrate.project.blocking import BlockingCall
from fastmigrate.project.project import Project
from fastmigrate.project.values import External, Instance, Method, Scope

__all__ = ["Sessions"]


class Sessions:
    """Knows the session of each call, what it adds to the call's arguments, and how it is taken over."""

    def __init__(self, project: Project, users: Users) -> None:
        self.project = project
        self.modules = ModuleSessions(project)
        self.objects = HeldSessions(project, users)
        self._sessions: dict[tuple[str, int], LocalSession | Held] = {}

    # -- whose call it is

    def _made(self, call: BlockingCall) -> Instance | None:
        """The session of a call; None for the functions of requests, which need none."""
        value = self.project.resolver.resolve(call.called, call.function)
        return value.of if isinstance(value, Method) else None

    def _home(self, call: BlockingCall, made: Instance) -> tuple[str, int] | Held:
        """The path and the ordinal of the call that makes a session, if it can be taken over."""
        callee = call.called
        receiver = callee.of if isinstance(callee, Member) else callee
        if made.of != External("requests.Session"):
            return Held("its session is of a class of its own, which may send in another way")
        if made.number < 0:
            return Held("its session comes from a parameter, so who makes it and sets it up is not known")
        if made.scope.qualname and made.scope != call.function and not isinstance(receiver, Member):
            return Held(f"its session is made by `{made.scope.qualname}`, elsewhere than where it is used")
        return made.scope.path, made.number

    def goal(self, call: BlockingCall) -> SessionTakenOver | Held | None:
        """What a call needs of its session."""
        made = self._made(call)
        if made is None and call.callee in METHODS:
            return Held("its session is one of several with the same name: give each a name of its own")
        if made is None:
            return None
        home = self._home(call, made)
        if isinstance(home, Held):
            return home
        return SessionTakenOver(*home)

    def needs(self, call: BlockingCall) -> list[Goal]:
        """The goals that a call has for the sake of its session."""
        goal = self.goal(call)
        return [goal] if isinstance(goal, SessionTakenOver) else []

    def spec(self, call: BlockingCall) -> ClientSpec:
        """The client that a call needs."""
        goal = self.goal(call)
        if isinstance(goal, SessionTakenOver) and self._is_of_module(call):
            return self.modules.spec(goal)
        if isinstance(goal, Held) or call.callee not in FUNCTIONS | METHODS:
            return SHARED
        return self._connection(call)

    def _connection(self, call: BlockingCall) -> ClientSpec:
        """The client that a call's own `verify`, `cert` and `proxies` ask for."""
        return read_connection(self.project, self.project.site(call), call.function).spec

    def _is_of_module(self, call: BlockingCall) -> bool:
        made = self._made(call)
        return made is not None and not made.scope.qualname

    def _is_of_object(self, call: BlockingCall) -> bool:
        made, callee = self._made(call), call.called
        receiver = callee.of if isinstance(callee, Member) else callee
        return made is not None and bool(made.scope.qualname) and isinstance(receiver, Member)

    # -- arguments

    def judge(self, call: BlockingCall, site: Site) -> JudgedCall | Held:
        """Judge a call's arguments, those included that its session adds."""
        goal = self.goal(call)
        if isinstance(goal, Held):
            return goal
        if call.callee not in FUNCTIONS | METHODS:
            row = USES[call.callee.rpartition(".")[2], "called"]
            return Held(row.note.format(line=call.place.line))
        if goal is None:
            return judge_arguments(self.project, call.callee, site, call.function)
        if self._is_of_module(call) and self._connection(call) != SHARED:
            return Held("`verify`, `cert` and `proxies` of a call through a module's session: its client has its own")
        defaults = self._defaults(goal, call)
        if isinstance(defaults, Held):
            return defaults
        return judge_with_defaults(self.project, call.callee, site, call.function, defaults)

    def _defaults(self, goal: SessionTakenOver, call: BlockingCall) -> dict[str, Default] | Held:
        if self._is_of_module(call):
            return self.modules.defaults(goal)
        if self._is_of_object(call):
            return self.objects.defaults(goal, call)
        session = self._session(goal, call.function)
        if isinstance(session, Held):
            return session
        kept = self._kept(session, call.function)
        found: dict[str, Default] = {}
        for setting in kept.settings:
            sources = [as_dict(use.items) for use in session.uses if use.member == setting and use.items]
            term = as_dict(session.items(setting))
            found[setting] = Default(term, kept.name(session.name, setting), tuple(sources))
        return found

    # -- sessions of a function

    def _session(self, goal: SessionTakenOver, function: Scope) -> LocalSession | Held:
        key = goal.path, goal.number
        if key not in self._sessions:
            session = read_local_session(self.project.tree_of(goal.path), goal.number)
            reason = "where its session is made was not found"
            if session is not None:
                reason = self._in_the_way(session, function) or ""
            self._sessions[key] = Held(reason) if reason or session is None else session
        return self._sessions[key]

    def _in_the_way(self, session: LocalSession, function: Scope) -> str | None:
        if not session.manner:
            return f"the session that is made in line {session.line} is {session.how}"
        if session.rebound:
            return f"`{session.name}` has another value, too (line {session.rebound}): it may not be a session"
        for use in session.uses:
            if use.nested:
                return f"`{session.name}` is used in a function or class within this one, in line {use.line}"
            reason = use_in_the_way(self.project, session.name, use, function)
            if reason is not None:
                return reason
        return None

    def _kept(self, session: LocalSession, function: Scope) -> KeptSettings:
        """The settings of a session, in local variables."""
        links = self.project.resolver.function(function)
        taken = links.names if links is not None else ()
        requests = [use for use in session.uses if is_request(use)]
        return KeptSettings(
            self.project,
            function,
            session.number,
            session.name,
            tuple(Mention(function, session.name, use) for use in session.uses),
            keeps_cookies=len(requests) > 1 or any(use.looped for use in requests),
            name=lambda name, setting: fresh(f"{name}_{setting}", taken),
        )

    # -- taking a session over

    def taken_over(self, goal: SessionTakenOver) -> Step | Held:
        """All calls of a session are migrated, and what the session was goes with them."""
        calls = [call for call in self.project.blocking if self.goal(call) == goal]
        if self._is_of_module(calls[0]):
            return self.modules.taken_over(goal, calls)
        if self._is_of_object(calls[0]):
            return self.objects.taken_over(goal, calls)
        function = calls[0].function
        session = self._session(goal, function)
        if isinstance(session, Held):
            return session
        known = {call.site.call.number for call in calls}
        for use in session.uses:
            if is_request(use) and use.call not in known:
                return Held(f"the call of `{session.name}.{use.member}` in line {use.line} was not understood")
        needs: list[Goal] = [ThroughClient(*call.key) for call in calls]
        gone = tuple(
            (goal.path, function.qualname, term) for term in (*made_by(self.project, goal), *session.annotated)
        )
        if session.manner == "chained":
            return Step(tuple(needs), gone=gone)
        rewritten = self._kept(session, function).rewritten(self.project.site(calls[0]))
        if isinstance(rewritten, Held):
            return rewritten
        parity = Parity.LOSSY if rewritten.notes else Parity.PINNED
        return Step((*needs, *rewritten.needs), parity, rewritten.notes, rewritten.intents, gone)
