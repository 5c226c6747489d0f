"""Steps for calls of `urlopen`: those of a plain form go through an async client that behaves alike."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastmigrate.facts.sites import Argument, Site
from fastmigrate.facts.terms import Call, Const, Item, Member, Ref, Term, Text, Truthy
from fastmigrate.facts.uses import Use
from fastmigrate.facts.values import Handler
from fastmigrate.knowledge.parity import Parity
from fastmigrate.knowledge.urllib_calls import ERRORS, ESCAPED, MEMBERS, PLAIN, POSITIONAL, POSTED, REPEATED, URLOPEN
from fastmigrate.plan.awaiting import Awaiting
from fastmigrate.plan.goals import ClientInFunction, Goal, Held, Step, ThroughClient
from fastmigrate.plan.specs import ClientSpec
from fastmigrate.project.blocking import BlockingCall
from fastmigrate.project.project import Project
from fastmigrate.project.values import Class, External, Scope
from fastmigrate.rewrite.intents import ArgumentEdit, EditCall, Intent, NewArgument, Template, UnwrapWith

__all__ = ["UrllibCalls"]

_SPEC = ClientSpec("client", base="urllib")
_FORM = '{"Content-Type": "application/x-www-form-urlencoded"}'
_OWN_URL = (
    "`urlopen` refuses a URL with spaces or letters beyond ASCII, where httpx escapes them, and opens `file:` URLs, "
    "too: a URL that begins with a literal or a setting, and quotes what comes into it, makes the fix safe"
)


class UrllibCalls:
    """Makes the steps of the goals that concern `urlopen`; other calls of the kind are held."""

    def __init__(self, project: Project, awaiting: Awaiting) -> None:
        self.project = project
        self.awaiting = awaiting

    def spec(self, call: BlockingCall) -> ClientSpec | None:
        """The client that a call needs; None if it cannot go through one."""
        return _SPEC if call.callee == URLOPEN else None

    def through_client(self, call: BlockingCall, client: str) -> Step | Held:
        """`urlopen(url)` becomes `(await client.get(url)).raise_for_status()`: both raise for what is no success."""
        if call.callee.startswith("urllib3."):
            return Held(REPEATED)
        if call.callee != URLOPEN:
            return Held(f"`{call.callee}` is not migrated: ask for it with an `httpx.AsyncClient`, or in a thread")
        site = self.project.site(call)
        named = self._named(site)
        if isinstance(named, str):
            return Held(named)
        url = named["url"][1]
        plain = self._is_plain(url.term, call.function)
        reason = self.awaiting.in_the_way(site, call.function) or self._in_the_way(site, named, plain, call.function)
        if reason is not None:
            return Held(reason)
        notes = [] if plain else [_OWN_URL]
        notes += self.awaiting.doubts(site, call.function)
        edits = [ArgumentEdit(i, name) for name, (i, a) in named.items() if name == "timeout" and a.keyword is None]
        method = "get"
        added: tuple[NewArgument, ...] = ()
        if "data" in named:
            index, data = named["data"]
            kinds = self.project.types.kinds(data.term, call.function)
            if kinds not in ({"bytes"}, {"none"}):
                return Held("`data` is not known to be bytes, without which `urlopen` sends a GET")
            if kinds == {"none"}:
                edits.append(ArgumentEdit(index, None, drop=True))
            else:
                method, added = "post", (NewArgument("headers", _FORM),)
                edits.append(ArgumentEdit(index, "content"))
                notes.append(POSTED)
        path, number = call.key
        edit = EditCall(number, f"{client}.{method}", tuple(edits), added, awaited=True)
        intents: list[Intent] = [edit, Template("call", number, "{}.raise_for_status()")]
        intents += [intent for use in site.uses for intent in self._read(use, call.function)]
        needs: list[Goal] = [ClientInFunction(call.function, _SPEC)]
        needs += [ThroughClient(path, other) for use in site.uses for other in sorted(use.results)]
        parity = Parity.LOSSY if notes else Parity.PINNED
        return Step(tuple(needs), parity, tuple(notes), tuple((path, intent) for intent in intents))

    def _named(self, site: Site) -> dict[str, tuple[int, Argument]] | str:
        """The arguments by the names of the parameters, or why they are not known."""
        positional = iter(POSITIONAL)
        named: dict[str, tuple[int, Argument]] = {}
        for index, argument in enumerate(site.arguments):
            name = argument.keyword or next(positional, None)
            if argument.star or name not in POSITIONAL:
                return f"`{argument.star or name or ''}` arguments of `urlopen` are not migrated"
            named[name] = index, argument
        return named if "url" in named else "`urlopen` gets no URL"

    # -- what is in the way

    def _in_the_way(self, site: Site, named: dict[str, tuple[int, Argument]], plain: bool, scope: Scope) -> str | None:
        kinds = self.project.types.kinds(named["url"][1].term, scope)
        if kinds - {"text", "unknown"} or self._is_request(named["url"][1].term, scope):
            return "what it opens is a `Request`: pass its URL, its headers and its data to the client by hand"
        if site.in_fstring or site.sees_names:
            return "it stands in an f-string, or beside `locals()`: give its result a name first"
        reads = [use for use in site.uses if use.name == "read" or use.to is not None]
        if len(reads) > 1 or any(use.mixed for use in site.uses):
            return "what it gives is read twice, or may be something else: the second `read()` gives nothing"
        for use in site.uses:
            if not self._is_followed(use, scope):
                shown = f"`{use.name}`" if use.kind == "member" else use.name
                return f"what it gives is {shown} in line {use.line}, which is not migrated"
        for handled in self.project.apps.handlers.values():
            for term, home, line in handled:
                value = self.project.resolver.resolve(term, home)
                if isinstance(value, External) and value.name.startswith("urllib."):
                    return f"an exception handler of the app waits for `{value.name}` ({home.path}:{line})"
        return next((reason for h in site.handlers for reason in self._waits(h, plain, scope)), None)

    def _is_request(self, term: Term, scope: Scope) -> bool:
        made = self.project.resolver.resolve(term.callee, scope) if isinstance(term, Call) else None
        return made == External("urllib.request.Request")

    def _is_followed(self, use: Use, scope: Scope) -> bool:
        if use.kind == "with":
            return True
        if use.kind == "member":
            return (use.name, self._case(use)) in MEMBERS and not use.stored
        return self._is_json(use, scope) if use.kind == "other" else use.kind == "identity"

    @staticmethod
    def _case(use: Use) -> str:
        if use.called:
            if use.then == "statement" and (use.name, "statement") in MEMBERS:
                return "statement"
            return "called bare" if use.argument == "" and (use.name, "called bare") in MEMBERS else "called"
        return use.then if use.name == "headers" else ""

    def _is_json(self, use: Use, scope: Scope) -> bool:
        """Whether the response is what `json.load` reads."""
        of_module = isinstance(use.to, Member) and use.keyword == "0"
        return of_module and self.project.resolver.resolve(use.to, scope) == External("json.load")

    def _waits(self, handler: Handler, plain: bool, scope: Scope) -> Iterator[str]:
        """Why a handler would wait in vain, or would not find what it reads."""
        for term in (*handler.classes, *(part for question in handler.asked for part in question.classes)):
            value = self.project.resolver.resolve(term, scope)
            if not isinstance(value, External | Class):
                yield f"what the handler in line {handler.line} catches is not known"
                return
            for base in self.project.resolver.bases(value):
                name = base.name if isinstance(base, External) else ""
                library = name.startswith(("urllib.", "http.", "socket."))
                if library or name in ERRORS or (name == "builtins.ValueError" and not plain):
                    shown = name.removeprefix("builtins.")
                    yield f"the handler in line {handler.line} catches `{shown}`, which httpx does not raise"
        if handler.reads:
            yield f"the handler in line {handler.line} reads `{min(handler.reads)}` from the error, which httpx's lack"

    # -- URLs

    def _is_plain(self, term: Term, scope: Scope) -> bool:
        """Whether a URL is one of HTTP for certain, of characters that both send as they stand."""
        match term:
            case Const(str(text)):
                return _starts_well(text)
            case Text():
                return self._is_plain_text(list(_flat(term)), scope)
            case Truthy(of):
                return self._is_plain(of, scope)
            case Ref(name):
                found = self.project.resolver.lookup(name, scope)
                binding = found[0][0] if found is not None and len(found[0]) == 1 else None
                if found is None or binding is None or binding.kind != "value":
                    return False
                return self._is_plain(binding.term, found[1])
        return False

    def _is_plain_text(self, parts: list[Term], scope: Scope) -> bool:
        match parts:
            case [Const(str(text)), *rest]:
                begins = _starts_well(text)
            case [first, Const(str(text)), *rest]:
                begins = self._is_setting(first, scope) and text.startswith("/")
                rest = [Const(text), *rest]
            case _:
                return False
        return begins and all(self._is_harmless(part, scope) for part in rest)

    def _is_harmless(self, part: Term, scope: Scope) -> bool:
        if isinstance(part, Const):
            return not isinstance(part.value, str) or re.fullmatch(PLAIN, part.value, re.ASCII) is not None
        made = self.project.resolver.resolve(part.callee, scope) if isinstance(part, Call) else None
        quoted = isinstance(made, External) and made.name in ESCAPED
        return quoted or self.project.types.kinds(part, scope) <= {"number"} or self._is_setting(part, scope)

    def _is_setting(self, term: Term, scope: Scope) -> bool:
        """Whether a term is a name of the module, or read from the environment: not what a caller can choose."""
        match term:
            case Ref(name):
                found = self.project.resolver.lookup(name, scope)
                return found is not None and not found[1].qualname
            case Member(of) | Item(of) | Truthy(of) | Call(callee=of):
                return self._is_setting(of, scope)
        return False

    # -- edits

    def _read(self, use: Use, scope: Scope) -> Iterator[Intent]:
        """The edits of what is done with a response."""
        if use.kind == "with":
            yield UnwrapWith(use.number, use.item or 0)
        elif use.kind == "member":
            row = MEMBERS[use.name, self._case(use)]
            whole = use.called and use.name != "getheader"
            if row.parity is not Parity.EXACT:
                yield Template("call" if whole else "attribute", use.call if whole else use.number, row.form)
        elif self._is_json(use, scope) and isinstance(use.to, Member):
            module = use.to.of.name if isinstance(use.to.of, Ref) else "json"
            yield EditCall(use.to_call, f"{module}.loads", (ArgumentEdit(0, None, "{}.content"),))


def _flat(text: Text) -> Iterator[Term]:
    for part in text.parts:
        yield from _flat(part) if isinstance(part, Text) else (part,)


def _starts_well(text: str) -> bool:
    return text.startswith(("http://", "https://")) and re.fullmatch(PLAIN, text, re.ASCII) is not None
