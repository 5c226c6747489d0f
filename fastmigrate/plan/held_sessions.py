"""Steps for the sessions that objects hold: the settings stay with the object, and its methods take the client."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

from msgspec import Struct

from fastmigrate.facts.held_sessions import HeldSession, MemberUse, read_held_session, read_member_uses
from fastmigrate.facts.terms import OPAQUE, SPREAD, Const, Either, Member, Term, dotted
from fastmigrate.facts.values import ModuleLinks
from fastmigrate.knowledge.parity import Parity
from fastmigrate.knowledge.requests_sessions import METHODS, SETTINGS, USES
from fastmigrate.plan.defaults import Default
from fastmigrate.plan.goals import Held, SessionTakenOver, Step, ThroughClient
from fastmigrate.plan.kept_settings import KeptSettings, Mention
from fastmigrate.plan.names import fresh
from fastmigrate.plan.session_uses import as_dict, is_request, made_by, use_in_the_way
from fastmigrate.plan.users import Users
from fastmigrate.project.alternatives import Alternatives
from fastmigrate.project.blocking import BlockingCall
from fastmigrate.project.project import Project
from fastmigrate.project.values import Class, External, Instance, Scope
from fastmigrate.sources import is_test_path

__all__ = ["HeldSessions"]

_OPEN_BASES = frozenset(["builtins.object", "abc.ABC", "typing.Generic", "typing.Protocol"])
"""Bases from outside that let an object have any attribute."""
_OF_SESSIONS = {name.rpartition(".")[2] for name in METHODS} | {member for member, _ in USES}
_COMMON = frozenset({"get", "close", "delete"})
"""Members that sessions of databases have, too."""
_OWN_HEADERS: list[tuple[Term, Term]] = [
    (Const(name), Const("")) for name in ("User-Agent", "Accept-Encoding", "Accept", "Connection")
]
"""The headers that any session has from the start (docs/facts/requests-to-httpx.md section 6)."""
_KINDS: dict[str, Term] = {
    "text": Const(""),
    "bytes": Const(b""),
    "number": Const(0),
    "bool": Const(True),
    "none": Const(None),
}


class _Session(Struct, frozen=True):
    """A session of an object.

    `names` are what it is called, by the path and the ordinal of the call that uses it. It `stays` if code off the
    event loop uses it, too. `tested` is where a test uses it, and `late` where it is set up later than it is made.
    """

    held: HeldSession
    kept: KeptSettings
    names: dict[tuple[str, int], str]
    stays: bool
    tested: str | None
    late: str | None


class HeldSessions:
    """Knows the sessions that objects hold and path operations use."""

    def __init__(self, project: Project, users: Users) -> None:
        self.project = project
        self.users = users
        self._sessions: dict[SessionTakenOver, _Session | Held] = {}

    def defaults(self, goal: SessionTakenOver, call: BlockingCall) -> dict[str, Default] | Held:
        """What the object has for each call of its session."""
        session = self._session(goal)
        if isinstance(session, Held):
            return session
        kept = session.kept
        found: dict[str, Default] = {}
        for setting in kept.settings:
            sources = [_OWN_HEADERS] if session.stays and setting == "headers" else []
            sources += [self._known(m) for m in kept.mentions if m.use.member == setting and m.use.items]
            items = [item for source in sources for item in source]
            name = self._name(session, session.names[call.key], setting)
            found[setting] = Default(as_dict(items), name, tuple(as_dict(source) for source in sources))
        return found

    @staticmethod
    def _name(session: _Session, code: str, setting: str) -> str:
        """What has a setting: the session itself, where that stays."""
        if not session.stays:
            return session.kept.name(code, setting)
        own = f"{code}.{setting}"
        return f"httpx.Cookies({own})" if setting == "cookies" else own

    def _known(self, mention: Mention) -> list[tuple[Term, Term]]:
        """What is put in, as far as it means the same in any function: constant keys, and the kinds of values."""
        types = self.project.types
        items = types.items(as_dict(mention.use.items), mention.scope)
        if items is None:
            return [(SPREAD, OPAQUE)]
        found: list[tuple[Term, Term]] = []
        for key, value, home in items:
            kinds = types.kinds(value, home)
            known = [_KINDS[kind] for kind in sorted(kinds) if kind in _KINDS]
            term = Either(tuple(known)) if known and len(known) == len(kinds) else OPAQUE
            found.append((key if isinstance(key, Const) else OPAQUE, term))
        return found

    # -- the session

    def _session(self, goal: SessionTakenOver) -> _Session | Held:
        if goal not in self._sessions:
            self._sessions[goal] = self._read(goal)
        return self._sessions[goal]

    def _read(self, goal: SessionTakenOver) -> _Session | Held:
        held = read_held_session(self.project.tree_of(goal.path), goal.number)
        site = self.project.links(goal.path).call(goal.number)  # type: ignore[union-attr]
        home = Scope(goal.path, "" if site is None else site.scope)
        function = self.project.resolver.function(home)
        if held is None or function is None or not function.in_class or held.name.startswith("__"):
            return Held(
                f"its session, made in {goal.path}, is not made by a plain assignment to an attribute of `self`"
            )
        owner = Class(Scope(goal.path, function.parent))
        related = self._related(owner)
        reason = next((reason for one in related if (reason := self._odd(one, owner, held.name))), None)
        if reason is not None:
            return Held(reason)
        return self._used(goal, held, home, related)

    def _related(self, owner: Class) -> list[Class]:
        """A class, all that inherit from it, and all that any of these inherit from."""
        family = [owner, *self.project.graph.receivers.below.get(owner, ())]
        above = (base for one in family for base in self.project.resolver.bases(one) if isinstance(base, Class))
        return list(dict.fromkeys([*family, *above]))

    def _odd(self, one: Class, owner: Class, name: str) -> str | None:
        """Why objects of a class cannot keep the settings of the session, or None."""
        links = self.project.resolver.class_(one)
        shown = self.project.name_of(one.scope)
        bindings = links.bindings.get(name, ()) if links is not None else ()
        values = [binding for binding in bindings if binding.kind != "parameter"]  # `session: requests.Session`
        if any(binding.kind != "value" for binding in values) or len(values) > (one == owner):
            return f"`{name}` of `{shown}` gets several values, so it may not be the session that is used"
        for base in self.project.resolver.bases(one):
            own = self.project.resolver.class_(base) if isinstance(base, Class) else None
            if own is not None and "__slots__" in own.bindings:
                return f"objects of `{shown}` have `__slots__`, so they cannot keep the settings of their session"
            if isinstance(base, External) and base.name not in _OPEN_BASES:
                return f"`{shown}` has a base from outside (`{base.name}`), which may use its session, too"
        return None

    def _used(self, goal: SessionTakenOver, held: HeldSession, home: Scope, related: list[Class]) -> _Session | Held:
        mentions: list[Mention] = []
        names: dict[tuple[str, int], str] = {}
        tested = None
        near = self.project.importers.leading_to([goal.path])
        for path, links in self._mentioning(held.name):
            made = goal.number if path == goal.path else None
            for found in read_member_uses(self.project.tree_of(path), held.name, made):
                scope = _scope(links, found)
                reason = None
                if self._is_it(found, scope, goal):
                    if is_test_path(path):
                        tested = tested or f"{path}:{found.use.line}"
                        continue
                    reason = self._in_the_way(found, scope)
                    mentions.append(Mention(scope, found.code, found.use))
                    names[path, found.use.call] = found.code
                elif self._may_be_it(found, scope, related, is_near=path in near):
                    if is_test_path(path):
                        tested = tested or f"{path}:{found.use.line}"
                        continue
                    reason = f"`{found.code}` in {path}:{found.use.line} may be its session: of what is not known"
                if reason is not None:
                    return Held(reason)
            asking = self._asked_for(links, held.name) if path in near else None
            if asking is not None and is_test_path(path):
                tested = tested or asking
            elif asking is not None:
                return Held(f"`{held.name}` is asked for by its name in {asking}")
        mentions.sort(key=lambda mention: (mention.scope != home, mention.scope.path))
        kept = KeptSettings(
            self.project,
            home,
            goal.number,
            f"self.{held.name}",
            tuple(mentions),
            keeps_cookies=True,
            name=self._namer(held.name),
        )
        stays = any(is_request(mention.use) and self._is_off_loop(mention) for mention in mentions)
        return _Session(held, kept, names, stays, tested, self._set_later(mentions, home))

    def _is_off_loop(self, mention: Mention) -> bool:
        """Whether code off the event loop makes a request."""
        return (mention.scope.path, mention.use.call) not in self._on_loop or self.users.stays(mention.scope)

    @staticmethod
    def _set_later(mentions: Iterable[Mention], home: Scope) -> str | None:
        """Where a session is made or set up after its object was."""
        if home.name != "__init__":
            return f"`self` in {home.path}:{home.name}, which makes the session,"
        for mention in mentions:
            if mention.scope.name != "__init__" and not is_request(mention.use) and mention.use.member != "close":
                return f"`{mention.session}.{mention.use.member}` in {mention.scope.path}:{mention.use.line}"
        return None

    def _namer(self, attribute: str) -> Callable[[str, str], str]:
        """Names the settings of a session after it: `self.session` has `self.session_headers`."""
        wanted = {f"{attribute}_{setting}" for setting in SETTINGS}
        taken = {name for name in wanted if self.project.sources.saying(name)}
        return lambda session, setting: session.removesuffix(attribute) + fresh(f"{attribute}_{setting}", taken)

    def _mentioning(self, name: str) -> Iterator[tuple[str, ModuleLinks]]:
        """The files that name such an attribute."""
        for path in self.project.sources.containing(f".{name}".encode(), f'"{name}"'.encode(), f"'{name}'".encode()):
            links = self.project.links(path)
            if links is not None:
                yield path, links

    def _is_it(self, found: MemberUse, scope: Scope, goal: SessionTakenOver) -> bool:
        """Whether an attribute is the session."""
        name = found.code.rpartition(".")[2]
        values = [self.project.resolver.resolve(Member(found.owner, name), scope)]
        if values == [None]:
            values = [*Alternatives(self.project.resolver).of(Member(found.owner, name), scope)]
        return any(isinstance(v, Instance) and (v.scope.path, v.number) == (goal.path, goal.number) for v in values)

    def _may_be_it(self, found: MemberUse, scope: Scope, related: list[Class], *, is_near: bool) -> bool:
        """Whether an attribute may be the session after all: of a class above, a protocol, or what is not known.

        In files that do not lead to the session's own, it takes a member that little else has.
        """
        owner = self.project.resolver.resolve(found.owner, scope)
        kind = owner.of if isinstance(owner, Instance) else owner
        if isinstance(kind, Class):
            bases = set(self.project.resolver.bases(kind))
            return kind in related or any(isinstance(b, External) and b.name.endswith(".Protocol") for b in bases)
        unbound = isinstance(kind, External) and kind.name in {"builtins.self", "builtins.cls"}
        if owner is not None and not unbound:
            return False
        kinds = self.project.types.kinds(found.owner, scope)
        unknown = not kinds or "unknown" in kinds
        member = found.use.member
        return unknown and (member in _OF_SESSIONS or not member if is_near else member in _OF_SESSIONS - _COMMON)

    def _asked_for(self, links: ModuleLinks, name: str) -> str | None:
        """Where code asks for an attribute of this name: `getattr(self, "session")`, `patch.object(x, "session")`."""
        for site in links.calls:
            if Const(name) in site.call.args:
                return f"{links.path}:{site.place.line}"
        content = self.project.sources.read(links.path)
        return links.path if b"__dict__" in content or b"vars(self)" in content else None

    def _in_the_way(self, found: MemberUse, scope: Scope) -> str | None:
        use = found.use
        if not is_request(use):
            reason = use_in_the_way(self.project, found.code, use, scope)
            return None if reason is None else f"{scope.path}: {reason}"
        if dotted(found.owner) is None:
            return f"`{found.code}` in {scope.path}:{use.line} is an attribute of something that has no name"
        return None

    @cached_property
    def _on_loop(self) -> set[tuple[str, int]]:
        return {call.key for call in self.project.blocking}

    # -- taking it over

    def taken_over(self, goal: SessionTakenOver, calls: list[BlockingCall]) -> Step | Held:
        """All calls of a session go through the client of the app, with the settings that the object has."""
        session = self._session(goal)
        if isinstance(session, Held):
            return session
        rewritten = session.kept.rewritten(self.project.site(calls[0]))
        if isinstance(rewritten, Held):
            return rewritten
        notes = list(rewritten.notes)
        if session.tested is not None and not session.stays:
            notes.append(f"{session.tested} uses the session `{session.held.name}`, which is gone")
        if session.late is not None:
            notes.append(
                f"{session.late} changes what all users of the object share: another request may do so while this one "
                "waits"
            )
        parity = Parity.LOSSY if notes else Parity.PINNED
        calls_of_it = tuple(ThroughClient(*call.key) for call in calls)
        if session.stays:
            return Step(calls_of_it, parity, tuple(notes))
        home = session.kept.home
        terms = (*made_by(self.project, goal), *session.held.annotated)
        gone = tuple((goal.path, home.qualname, term) for term in terms)
        return Step((*calls_of_it, *rewritten.needs), parity, tuple(notes), rewritten.intents, gone)


def _scope(links: ModuleLinks, found: MemberUse) -> Scope:
    """The function in which a use stands."""
    qualnames = (name for name, function in links.functions.items() if function.number == found.function)
    return Scope(links.path, "" if found.function < 0 else next(qualnames, ""))
