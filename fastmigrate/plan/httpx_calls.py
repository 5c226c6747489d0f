"""Steps for calls of the synchronous API of httpx: they go through an async client of the same library."""

from __future__ import annotations

from functools import cached_property

from msgspec import Struct, field
from msgspec.structs import replace

from fastmigrate.facts.sites import Argument, Site
from fastmigrate.facts.terms import Const
from fastmigrate.knowledge.httpx_calls import ARGUMENTS, FUNCTIONS, SYNC_ONLY
from fastmigrate.knowledge.httpx_clients import OF_CLIENT
from fastmigrate.knowledge.parity import Parity, Row
from fastmigrate.plan.awaiting import Awaiting
from fastmigrate.plan.goals import (
    ClientInFunction,
    ClientMoved,
    ClientShared,
    Goal,
    Held,
    Step,
)
from fastmigrate.plan.names import NewNames
from fastmigrate.plan.settings import in_double_quotes, is_literal
from fastmigrate.plan.specs import ClientSpec, as_template
from fastmigrate.project.blocking import BlockingCall
from fastmigrate.project.project import Project
from fastmigrate.project.values import Method, Scope
from fastmigrate.rewrite.intents import ArgumentEdit, EditCall

__all__ = ["HttpxCalls"]


class _Judged(Struct):
    """The rows that a call's arguments use, the edits that they ask for, and the client that they need."""

    rows: list[Row] = field(default_factory=list)
    edits: list[ArgumentEdit] = field(default_factory=list)
    settings: list[tuple[str, str]] = field(default_factory=list)
    held: str | None = None
    has_cookies: bool = False


class HttpxCalls:
    """Makes the steps of the goals that concern calls of httpx's functions, and of the methods of its clients.

    `base` says what the client of the functions is made to behave like.
    """

    def __init__(self, project: Project, awaiting: Awaiting) -> None:
        self.project = project
        self.base = "httpx"
        self.awaiting = awaiting

    @cached_property
    def _judged(self) -> dict[tuple[str, int], _Judged]:
        own = (call for call in self.project.blocking if call.code == "FM102")
        return {call.key: self._judge(call, self.project.site(call)) for call in own}

    @property
    def needs_cookies(self) -> bool:
        """Whether cookies matter to the redirects of a call."""
        return any(judged.has_cookies and judged.held is None for judged in self._judged.values())

    def spec(self, call: BlockingCall) -> ClientSpec | None:
        """The client that a call needs; None if it cannot go through one."""
        judged = self._judged[call.key]
        if judged.held is not None:
            return None
        key = OF_CLIENT[judged.settings[0][0]][1] if judged.settings else "client"
        return ClientSpec(key, tuple(judged.settings), base=self.base)

    def through_client(self, call: BlockingCall, client: str) -> Step | Held:
        """The step of a call: its edit, and all that must be so for it to be right."""
        site, spec = self.project.site(call), self.spec(call)
        judged = self._judged[call.key]
        owner = self._owner(call)
        held = judged.held if owner is None else None
        reason = self.awaiting.in_the_way(site, call.function) or held or self._in_the_way(site)
        if reason is not None:
            return Held(reason)
        notes = [row.note for row in judged.rows if row.parity is Parity.LOSSY]
        notes += self.awaiting.doubts(site, call.function)
        parity = Parity.LOSSY if notes else Parity.PINNED
        if owner is not None or spec is None:
            return Step((owner,) if owner is not None else (), parity, tuple(notes))
        needs: list[Goal] = [ClientInFunction(call.function, spec)]
        names = NewNames(self.project, call.function.path)
        edits = tuple(replace(edit, value=names.put_into(edit.value)) for edit in judged.edits)
        needs += names.needs
        method = call.callee.rpartition(".")[2]
        intent = EditCall(call.site.call.number, f"{client}.{method}", edits, awaited=True)
        return Step(tuple(needs), parity, tuple(notes), ((call.function.path, intent),))

    def _owner(self, call: BlockingCall) -> ClientShared | ClientMoved | None:
        """The client whose method is called, if a path operation or a module makes it."""
        method = self.project.resolver.resolve(call.site.call.callee, call.function)
        key = (method.of.scope.path, method.of.number) if isinstance(method, Method) else ("", -1)
        if any(client.key == key for client in self.project.own_clients):
            return ClientShared(*key)
        return ClientMoved(*key) if any(client.key == key for client in self.project.module_clients) else None

    def _in_the_way(self, site: Site) -> str | None:
        for use in site.uses:
            if use.kind == "member" and use.name in SYNC_ONLY:
                return f"`{use.name}` in line {use.line} is refused by a response that an async client gave"
        if site.sees_names:
            return "the function looks at its own names with `locals()` or the like, and would see new ones"
        return None

    # -- arguments

    def _judge(self, call: BlockingCall, site: Site) -> _Judged:
        judged = _Judged()
        if call.callee not in FUNCTIONS:
            judged.held = f"`{call.callee}` is not migrated yet: clients that a path operation or a module makes are"
            bodies = [argument for argument in site.arguments if argument.keyword in {"content", "data"}]
            judged.rows += [ARGUMENTS[a.keyword or "", self._case(a.keyword or "", a, call.function)] for a in bodies]
            return judged
        library = call.callee.partition(".")[0]
        if library != self.project.library:
            judged.held = f"it is a call of {library}, and the client that is written is one of {self.project.library}"
        positional = iter(FUNCTIONS[call.callee])
        for index, argument in enumerate(site.arguments):
            name = argument.keyword or next(positional, None)
            if argument.star or name is None:
                judged.held = f"`{argument.star}` arguments: what they hold is not known"
                return judged
            self._argument(name, index, argument, call.function, judged)
        if judged.has_cookies and site.in_fstring:
            judged.held = "it stands in an f-string, where its new form would need other quotes"
        return judged

    def _argument(self, name: str, index: int, argument: Argument, scope: Scope, judged: _Judged) -> None:
        if name in OF_CLIENT:
            judged.edits.append(ArgumentEdit(index, None, drop=True))
            code = in_double_quotes(argument.code)
            if code != OF_CLIENT[name][0]:
                judged.settings.append((name, as_template(code)))
            if not is_literal(argument.code):
                judged.held = f"`{name}` belongs to a client, which is made once: only a literal can be given to that"
        elif name == "follow_redirects":
            judged.has_cookies |= argument.term != Const(False)  # a hop may set a cookie for the next one
        elif name in {"content", "data", "cookies"}:
            row = ARGUMENTS[name, self._case(name, argument, scope)]
            judged.rows.append(row)
            if not row.form:
                judged.edits.append(ArgumentEdit(index, None, drop=True))
            elif name == "cookies":
                judged.has_cookies = True
                keyword, _, value = row.form.partition("=")
                judged.edits.append(ArgumentEdit(index, keyword, value))

    def _case(self, name: str, argument: Argument, scope: Scope) -> str:
        kinds = self.project.types.kinds(argument.term, scope)
        if name == "cookies":
            return "nothing" if kinds == {"none"} else "any"
        if kinds <= {"text", "bytes", "none"}:
            return "text"
        fields = name == "data" and self.project.types.value_kinds(argument.term, scope) is not None
        return "fields" if fields else "unknown"
