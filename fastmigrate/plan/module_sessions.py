"""Steps for the sessions of modules: each becomes a client in the lifespan, with its settings and a jar of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from msgspec import Struct
from msgspec.structs import replace

from fastmigrate.facts.literals import Written
from fastmigrate.facts.module_sessions import ModuleSession, Setting, read_module_session, read_uses
from fastmigrate.facts.sessions import SessionUse
from fastmigrate.facts.sites import Argument
from fastmigrate.facts.terms import OPAQUE, Call, Const, Member, Ref, Term
from fastmigrate.facts.values import ModuleLinks
from fastmigrate.knowledge.parity import Parity, Row
from fastmigrate.knowledge.requests_sessions import SETTINGS
from fastmigrate.plan.arguments import judge_arguments
from fastmigrate.plan.defaults import Default, header_clash
from fastmigrate.plan.goals import Goal, Held, SessionTakenOver, Step, ThroughClient
from fastmigrate.plan.names import imported
from fastmigrate.plan.session_uses import as_dict, cookie_kinds, is_request, made_by, row_of, use_in_the_way
from fastmigrate.plan.specs import SHARED, ClientSpec, as_template
from fastmigrate.project.blocking import BlockingCall
from fastmigrate.project.modules import module_name
from fastmigrate.project.project import Project
from fastmigrate.project.values import External, Instance, Method, Module, Scope
from fastmigrate.rewrite.intents import Intent, RemoveImport, ReplaceStatement
from fastmigrate.sources import is_test_path

__all__ = ["ModuleSessions"]

_GIVEN = frozenset({"assigned", "item", "update()"})
_SHORT = 60  # characters of a dict that stands on one line


class _Client(Struct, frozen=True):
    """The client that a session becomes: its settings as code, and what may differ."""

    session: ModuleSession
    settings: tuple[tuple[str, str], ...]
    modules: tuple[str, ...]
    notes: tuple[str, ...]


class ModuleSessions:
    """Knows the sessions that modules make and path operations use."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._sessions: dict[SessionTakenOver, ModuleSession | Held] = {}
        self._clients: dict[SessionTakenOver, _Client | Held] = {}

    @cached_property
    def calls(self) -> dict[SessionTakenOver, list[BlockingCall]]:
        """The blocking calls of each session that a module makes."""
        found: dict[SessionTakenOver, list[BlockingCall]] = {}
        for call in self.project.blocking:
            value = self.project.resolver.resolve(call.called, call.function)
            if call.code == "FM101" and isinstance(value, Method) and not value.of.scope.qualname:
                found.setdefault(SessionTakenOver(value.of.scope.path, value.of.number), []).append(call)
        return found

    # -- the client

    def spec(self, goal: SessionTakenOver) -> ClientSpec:
        """The client that a session becomes."""
        client = self._client(goal)
        if isinstance(client, Held):
            return SHARED
        return ClientSpec(self._keys[goal], client.settings, client.modules)

    @cached_property
    def _keys(self) -> dict[SessionTakenOver, str]:
        """The names of the clients: those of the sessions, in small letters."""
        names: dict[SessionTakenOver, str] = {}
        for goal in self.calls:
            session = self.session(goal)
            if isinstance(session, ModuleSession):
                name = session.name.strip("_").lower()
                names[goal] = "session" if name == "client" else name
        taken = list(names.values())
        return {
            goal: name if taken.count(name) == 1 else f"{module_name(goal.path).rpartition('.')[2]}_{name}"
            for goal, name in names.items()
        }

    def freed(self, function: Scope, spec: ClientSpec) -> set[str]:
        """The names in a function that stand for a session now, and for nothing once its calls are migrated."""
        links = self.project.resolver.function(function)
        roots = [
            root
            for goal, calls in self.calls.items()
            for call in calls
            if call.function == function and self.spec(goal) == spec
            for root in _receivers(call.called)
        ]
        return {name for name in roots if links is not None and links.loads.get(name) == roots.count(name)}

    def defaults(self, goal: SessionTakenOver) -> dict[str, Default] | Held:
        """What the client adds to every call: names, and no values, which mean nothing where the call stands."""
        client = self._client(goal)
        if isinstance(client, Held):
            return client
        session = client.session
        found = {"cookies": Default(OPAQUE)}
        for setting in {entry.use.member for entry in session.settings} & SETTINGS.keys():
            items = self.project.types.items(self._whole(session, setting), Scope(goal.path)) or []
            found[setting] = Default(
                as_dict((key if isinstance(key, Const) else OPAQUE, Const("")) for key, _, _ in items)
            )
        return found

    @staticmethod
    def _whole(session: ModuleSession, setting: str) -> Term:
        return as_dict(item for entry in session.settings if entry.use.member == setting for item in entry.use.items)

    def session(self, goal: SessionTakenOver) -> ModuleSession | Held:
        """The session that a module makes, if nothing that the module does with it stands in the way."""
        if goal not in self._sessions:
            session = read_module_session(self.project.tree_of(goal.path), goal.number)
            reason = f"its session is not made by a plain statement in {goal.path}"
            if session is not None:
                reason = self._in_the_way(goal, session) or ""
            self._sessions[goal] = Held(reason) if reason or session is None else session
        return self._sessions[goal]

    def _in_the_way(self, goal: SessionTakenOver, session: ModuleSession) -> str | None:
        if not session.simple:
            return f"`{session.name}` gets another value in {goal.path}, too: it may not be a session"
        for setting in session.settings:
            reason = use_in_the_way(self.project, session.name, setting.use, Scope(goal.path))
            row = row_of(setting.use)
            if reason is None and row is not None and row.form and setting.use.how not in _GIVEN:
                reason = (
                    f"`{session.name}.{setting.use.member}` in line {setting.use.line} is used in a way that is not "
                )
                reason += "migrated yet"
            if reason is not None:
                return reason
        return None

    def _client(self, goal: SessionTakenOver) -> _Client | Held:
        if goal not in self._clients:
            session = self.session(goal)
            self._clients[goal] = session if isinstance(session, Held) else self._written(goal, session)
        return self._clients[goal]

    # -- its settings, as code for the file of the app

    def _written(self, goal: SessionTakenOver, session: ModuleSession) -> _Client | Held:
        settings: list[tuple[str, str]] = []
        rows: list[Row] = []
        names: set[str] = set()
        for setting in SETTINGS:
            entries = [entry for entry in session.settings if entry.use.member == setting]
            if not entries:
                continue
            written = self._entries(goal, session, entries)
            if isinstance(written, Held):
                return written
            names |= {name for _, value in written for name in value.names}
            judged = self._judged(goal, session, setting, entries, _joined(setting, written))
            if isinstance(judged, Held):
                return judged
            code, found = judged
            settings.append((setting, as_template(code)))
            rows += found
        if "cookies" not in dict(settings):
            settings.append(("cookies", ""))
        modules = () if self._is_at_home(goal) else tuple(sorted(names))
        notes = [row.note for row in rows if row.parity is Parity.LOSSY]
        return _Client(session, tuple(settings), modules, tuple(notes))

    def _entries(
        self, goal: SessionTakenOver, session: ModuleSession, entries: list[Setting]
    ) -> list[tuple[str | None, Written]] | Held:
        """What is put into a setting, in this order; what is assigned later replaces what is there."""
        at_home = self._is_at_home(goal)
        found: list[tuple[str | None, Written]] = []
        for entry in entries:
            written = entry.own if at_home else entry.portable
            names = {name for _, value in written or () for name in value.names}
            if written is None or not all(self._is_known(goal, name, at_home) for name in names):
                where = "when the app starts" if at_home else "in the file of the app"
                return Held(
                    f"`{session.name}.{entry.use.member}` gets something in {goal.path}:{entry.use.line} that may not "
                    f"be the same {where}: literals, constants and settings of the environment are"
                )
            found = [*([] if entry.use.how == "assigned" else found), *written]
        return found

    def _is_known(self, goal: SessionTakenOver, name: str, at_home: bool) -> bool:
        """Whether a name means the same where the app is made, whenever that is."""
        links = self.project.links(goal.path)
        bindings = links.bindings.get(name, ()) if links is not None else ()
        if at_home:
            return links is not None and len(bindings) == 1 and name not in links.mutated
        means = self.project.resolver.resolve(Ref(name), Scope(goal.path))
        return means == External("os") and all(imported(self.project, p, "os")[0] == "os" for p in self._homes(goal))

    def _is_at_home(self, goal: SessionTakenOver) -> bool:
        """Whether the session is made in the file in which the lifespan makes the client."""
        return self._homes(goal) <= {goal.path}

    def _homes(self, goal: SessionTakenOver) -> set[str]:
        """The files of the apps that serve the path operations that use a session."""
        reach, apps = self.project.reach, self.project.apps
        roots = [
            root for call in self.calls[goal] for scope in reach.above(call.function) for root in reach.roots_of(scope)
        ]
        owners = {owner for root in roots for owner in root.owners if owner is not None}
        return {app.scope.path for owner in owners for app in apps.roots(owner) if app is not None}

    def _judged(
        self, goal: SessionTakenOver, session: ModuleSession, setting: str, entries: list[Setting], code: str
    ) -> tuple[str, list[Row]] | Held:
        """The code of a setting with the form that it needs, and the rows of the tables that it uses."""
        home = Scope(goal.path)
        uses = [entry.use for entry in entries]
        if setting == "cookies":
            plain = all(cookie_kinds(self.project, use, home) == {"text"} for use in uses)
            return (code, []) if plain else Held(f"a cookie of `{session.name}` in {goal.path} is not known to be text")
        rows: list[Row] = []
        if setting == "headers":
            clash = header_clash(self.project, home, [as_dict(use.items) for use in uses])
            if isinstance(clash, str):
                return Held(clash)
            rows += [clash] if clash is not None else []
        term = uses[-1].value if setting == "auth" else self._whole(session, setting)
        argument = Argument(setting, "", term, code, simple=setting == "auth")
        site = replace(self.project.site(self.calls[goal][0]), arguments=(argument,))
        judged = judge_arguments(self.project, "requests.get", site, home)
        refused = [row.note for row in judged.rows if row.parity is Parity.NONE]
        if judged.missing is not None or refused or judged.nested:
            return Held(f"{goal.path}:{uses[0].line}: {judged.missing or ', '.join(refused) or '`auth` is an object'}")
        template = judged.edits[0].value if judged.edits else "{}"
        return template.format(code), [*rows, *judged.rows]

    # -- taking a session over

    def taken_over(self, goal: SessionTakenOver, calls: list[BlockingCall]) -> Step | Held:
        """All calls of a session go through the client; the session goes, too, if nothing else uses it."""
        client = self._client(goal)
        if isinstance(client, Held):
            return client
        session = client.session
        needs: tuple[Goal, ...] = tuple(ThroughClient(*call.key) for call in calls)
        migrated = {call.key for call in calls}
        closing: list[tuple[str, SessionUse]] = []
        sharing: list[str] = []
        stays = self._is_named_elsewhere(goal, session)
        for path, use in self._uses(goal, session):
            where = f"{path}:{use.line}"
            if is_test_path(path):
                stays = True
            elif (path, use.call) in migrated:
                continue
            elif is_request(use):
                sharing.append(where)
            elif (use.member, use.how) == ("close", "called") and use.statement:
                closing.append((path, use))
            elif not use.member:
                return Held(f"`{session.name}` is {use.how} in {where}")
            else:
                return Held(f"`{session.name}.{use.member}` is used in {where}, while the app runs")
        notes = [*client.notes]
        if sharing:
            notes.append(
                f"`{session.name}` is used in {sharing[0]}, too, which is not migrated: it no longer has the cookies "
                "that the client gets, nor the client those of it"
            )
        parity = Parity.LOSSY if notes else Parity.PINNED
        if stays or sharing:
            return Step(needs, parity, tuple(notes))
        intents = tuple(self._removed(goal, session, closing))
        gone = tuple((goal.path, "", term) for term in (*made_by(self.project, goal), *session.annotated))
        return Step(needs, parity, tuple(notes), intents, gone)

    def _removed(
        self, goal: SessionTakenOver, session: ModuleSession, closing: Iterable[tuple[str, SessionUse]]
    ) -> Iterator[tuple[str, Intent]]:
        """The statements and imports that go with a session."""
        yield goal.path, ReplaceStatement("call", session.number)
        for setting in session.settings:
            if setting.use.call >= 0:
                yield goal.path, ReplaceStatement("call", setting.use.call)
            else:
                yield goal.path, ReplaceStatement("attribute", setting.use.number)
        for path, use in closing:
            yield path, ReplaceStatement("call", use.call)
        for path, links in self._mentioning(goal, session):
            for bound in self._bound(links, goal):
                if path != goal.path:
                    yield path, RemoveImport(bound)

    def _is_named_elsewhere(self, goal: SessionTakenOver, session: ModuleSession) -> bool:
        """Whether other code reaches for the session by its name: exports it, or patches it."""
        token = f"{module_name(goal.path).rpartition('.')[2]}.{session.name}"
        quoted = [f"{quote}{module_name(goal.path)}.{session.name}".encode() for quote in "\"'"]
        for path, links in self._mentioning(goal, session):
            if any(bound in links.exports for bound in [*self._bound(links, goal), session.name]):
                return True
            if path != goal.path and any(text in self.project.sources.read(path) for text in quoted):
                return True
        return any(map(is_test_path, self.project.sources.containing(token.encode())))

    def _uses(self, goal: SessionTakenOver, session: ModuleSession) -> Iterator[tuple[str, SessionUse]]:
        """All uses of a session in the project that do not set it up."""
        requests = (setting.use for setting in session.settings if is_request(setting.use))
        yield from ((goal.path, use) for use in (*session.uses, *requests))
        for path, links in self._mentioning(goal, session):
            if path == goal.path:
                continue
            starred = [session.name] if self.project.resolver.takes_all(links, goal.path) else []
            names = {*self._bound(links, goal), *starred}
            modules = {bound for bound in links.bindings if self._means(links, bound, Module(goal.path))}
            tree = self.project.tree_of(path)
            yield from ((path, use) for use in read_uses(tree, names, modules, session.name))
            for function in links.functions.values():
                if any(self._means(links, bound, self._value(goal), function.qualname) for bound in function.bindings):
                    yield path, SessionUse("", f"imported or named within `{function.qualname}`", function.line)

    def _mentioning(self, goal: SessionTakenOver, session: ModuleSession) -> Iterator[tuple[str, ModuleLinks]]:
        for path in self.project.names.mentioning(session.name, goal.path):
            links = self.project.links(path)
            if links is not None:
                yield path, links

    def _bound(self, links: ModuleLinks, goal: SessionTakenOver) -> list[str]:
        """The names under which a file imports a session."""
        return [
            bound
            for bound, bindings in links.bindings.items()
            if bindings[0].kind == "from" and self._means(links, bound, self._value(goal))
        ]

    @staticmethod
    def _value(goal: SessionTakenOver) -> Instance:
        return Instance(External("requests.Session"), Scope(goal.path), goal.number)

    def _means(self, links: ModuleLinks, bound: str, value: Instance | Module, qualname: str = "") -> bool:
        function = links.functions.get(qualname)
        bindings = (function.bindings if function is not None else links.bindings)[bound]
        scope = Scope(links.path, qualname)
        return any(self.project.resolver.resolve_binding(binding, scope) == value for binding in bindings)


def _joined(setting: str, entries: list[tuple[str | None, Written]]) -> str:
    """The code of a setting that gets these entries."""
    if setting == "auth" or (len(entries) == 1 and entries[0][0] is None):
        return entries[-1][1].code
    items: dict[str, str] = {}
    for key, value in entries:
        items.pop(key or "", None)
        if key is None:
            items[f"**{value.code}"] = ""
        else:
            items[key] = value.code
    lines = [f"{key}: {code}" if code else key for key, code in items.items()]
    if sum(map(len, lines)) <= _SHORT:
        return "{" + ", ".join(lines) + "}"
    return "{\n" + "".join(f"        {line},\n" for line in lines) + "    }"


def _receivers(callee: Term) -> Iterator[str]:
    """The name with which a chain of members and calls begins."""
    while isinstance(callee, Member | Call):
        callee = callee.of if isinstance(callee, Member) else callee.callee
    if isinstance(callee, Ref):
        yield callee.name
