"""Steps for clients that a path operation makes for itself: one of the app's takes their place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from msgspec import Struct, field

from fastmigrate.facts.made import Made, MadeUse
from fastmigrate.facts.sites import Argument
from fastmigrate.facts.terms import Const, Ref, dotted
from fastmigrate.knowledge.httpx_clients import CLIENTS, LIMITS, METHODS, OF_CALL, OF_CLIENT, REQUESTING
from fastmigrate.knowledge.parity import Parity
from fastmigrate.plan.clients import Clients
from fastmigrate.plan.goals import (
    ClientAtHand,
    ClientInFunction,
    ClientShared,
    Goal,
    Held,
    Imported,
    Step,
    ThroughClient,
)
from fastmigrate.plan.names import fresh, imported
from fastmigrate.plan.settings import in_double_quotes, is_literal, is_of_module, is_repeatable
from fastmigrate.plan.specs import ClientSpec, as_template
from fastmigrate.project.clients import MadeClient
from fastmigrate.project.project import Project
from fastmigrate.project.values import Scope
from fastmigrate.rewrite.intents import EditCall, Intent, NewArgument, StatementBefore, Template, UnwrapWith
from fastmigrate.sources import is_test_path

__all__ = ["OwnClients"]

_SYNC_METHODS = REQUESTING - {"stream"}


class _Judged(Struct):
    """What becomes of a client's settings: those of the new client, those of each call, and names for some of these."""

    settings: dict[str, str] = field(default_factory=dict)
    of_calls: dict[str, str] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)  # name -> value
    home: str | None = None
    needs_cookies: bool = False
    held: str | None = None


_REPLACING = re.compile(rb"(?:patch(?:\.object)?|setattr)\s*\([^()]*AsyncClient[\"']")
"""What puts something in the place of `httpx.AsyncClient`, by its name."""


class OwnClients:
    """Makes the steps of the goals that concern clients that live for one request.

    `base` says what the clients that take their place are made to behave like.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self.base = "httpx"
        self.made = {client.key: client for client in project.own_clients}
        self._replaced = cache(self._find_replaced)
        self.judged = {key: self._judge(client, project.made(client)) for key, client in self.made.items()}

    @property
    def needs_cookies(self) -> bool:
        """Whether cookies matter to redirects, or to calls that belong together."""
        return any(judged.needs_cookies and judged.held is None for judged in self.judged.values())

    def specs(self) -> Iterator[ClientSpec]:
        """The clients of the app that are to take their place."""
        yield from (self._spec(judged) for judged in self.judged.values() if judged.held is None)

    def _spec(self, judged: _Judged) -> ClientSpec:
        keys = [OF_CLIENT[name][1] for name in OF_CLIENT if name in judged.settings]
        key = next((key for key in keys if key != "client"), "client")
        return ClientSpec(key, tuple(judged.settings.items()), base=self.base, home=judged.home)

    # -- what is in the way, and what becomes of the settings

    def _judge(self, client: MadeClient, made: Made) -> _Judged:
        judged = _Judged()
        library = client.made.partition(".")[0]
        if library != self.project.library:
            judged.held = f"it is a client of {library}, and the one that is written is of {self.project.library}"
        judged.held = judged.held or self._use_in_the_way(client, made)
        if judged.held is None:
            for argument in made.arguments:
                self._setting(argument, client, made, judged)
            self._cookies(client, made, judged)
        return judged

    def _use_in_the_way(self, client: MadeClient, made: Made) -> str | None:
        sync = client.made in CLIENTS
        entered = "with" if sync else "async with"
        if made.how == "other" or (made.how.endswith("with") and made.how != entered):
            return "it gets no name by which its uses could be followed"
        if made.mixed:
            return f"`{made.name}` may be something else where it is used"
        for use in made.uses:
            if not use.method:
                return f"the client is {use.described} in line {use.line}, where it is not followed"
            if use.method in {"aclose", "close"}:
                return f"it is closed by hand in line {use.line}: enter it with `{entered}` instead"
            if use.method == "send" and _has(use, "stream"):
                return f"a streamed answer is sent for in line {use.line}, which the end of the client's block closes"
            if use.method not in (_SYNC_METHODS if sync else METHODS):
                return f"`{use.method}` of the client is called in line {use.line}, which is not followed"
        return None

    def _setting(self, argument: Argument, client: MadeClient, made: Made, judged: _Judged) -> None:
        name, code = argument.keyword, in_double_quotes(argument.code)
        if name is None:
            judged.held = "what its `**` arguments hold is not known"
        elif name in OF_CALL:
            self._setting_of_calls(name, argument, made, judged)
        elif name == LIMITS and all(use.awaited for use in made.uses):
            pass  # one call after the other is never more than one at once
        elif name in OF_CLIENT:
            if code != OF_CLIENT[name][0]:
                judged.settings[name] = as_template(code)
            if not is_literal(code):
                if not is_of_module(self.project, code, client.scope):
                    judged.held = f"`{name}={code}` is computed for each request, and belongs to a client"
                judged.home = client.scope.path
        elif name != "cookies":
            why = "bounds the calls of one request" if name == LIMITS else "belongs to a client of its own"
            judged.held = f"`{name}` {why}: it would be shared by all requests"

    def _setting_of_calls(self, name: str, argument: Argument, made: Made, judged: _Judged) -> None:
        """What the client sets for all its calls is given to each of them that has no such argument."""
        takers = [use for use in made.uses if use.method in OF_CALL[name]]
        if any(one.star == "**" for use in takers for one in use.arguments):
            judged.held = f"its calls have `**` arguments, which may hold `{name}`"
        elif name in {"headers", "params"} and any(_has(use, name) for use in takers):
            judged.held = f"`{name}` of the client and of its calls would have to be merged"
        code = in_double_quotes(argument.code)
        times = sum(1 for use in takers if not _has(use, name))
        short = argument.simple or is_literal(code)
        if (times > 1 and not short) or (times == 1 and not is_repeatable(code, made.changing)):
            judged.named[name] = code
        judged.of_calls[name] = code

    def _cookies(self, client: MadeClient, made: Made, judged: _Judged) -> None:
        """Cookies live as long as the client did: where it made several calls, these share a jar."""
        given = next((argument for argument in made.arguments if argument.keyword == "cookies"), None)
        calls = [use for use in made.uses if use.method in REQUESTING | {"send"}]
        several = len(calls) > 1 or any(use.repeated for use in calls)
        everything = [*made.arguments, *(argument for use in made.uses for argument in use.arguments)]
        follows = [argument for argument in everything if argument.keyword == "follow_redirects"]
        judged.needs_cookies = several or given is not None or any(a.term != Const(False) for a in follows)
        if not several and given is None:
            return
        if any(_has(use, "extensions") for use in made.uses):
            judged.held = "its calls have `extensions`, through which they would have to share their cookies"
        judged.named["cookies"] = "" if given is None else in_double_quotes(given.code)

    # -- steps

    def shared(self, goal: ClientShared, clients: Clients) -> Step | Held:
        """A client of the app takes the place of the one that is made, and its calls take over what that was set to."""
        client = self.made[goal.path, goal.number]
        judged, made = self.judged[client.key], self.project.made(client)
        if judged.held is not None:
            return Held(judged.held)
        spec = self._spec(judged)
        function = self.project.resolver.function(client.scope)
        names = set(function.names) if function is not None else set()
        httpx, _ = imported(self.project, goal.path, self.project.library)
        known: dict[str, str] = {}  # what stands for each setting in the calls
        statements: list[str] = []
        for name, code in judged.named.items():
            known[name] = fresh(name, names, f"client_{name}")
            names.add(known[name])
            value = f"{httpx}.Cookies({code})" if name == "cookies" else code
            statements.append(f"{known[name]} = {value}")
        needs: list[Goal] = []
        if client.made in CLIENTS or "cookies" in known:
            needs.append(Imported(goal.path, self.project.library))
        intents: list[Intent] = []
        annotation = self._annotation(client, made, httpx)
        at_hand = clients.keys.at_hand(clients.request_name(client.scope), spec)
        callee = ""
        if made.how == "inline":
            needs.append(ClientInFunction(client.scope, spec))
            callee = clients.client_name(client.scope, spec)
            intents += [StatementBefore("call", goal.number, code) for code in statements]
        elif made.how in {"with", "async with"} and not clients.has_request(client.scope):  # a helper is given it
            needs.append(ClientInFunction(client.scope, spec))
            name = clients.client_name(client.scope, spec)
            callee = "" if name == made.name else name
            intents.append(UnwrapWith(made.block, made.item, tuple(statements), is_gone=True))
        else:
            needs.append(ClientAtHand(client.scope, spec))
            intents += self._in_its_place(client, made, annotation, at_hand, statements)
        intents += self._calls(client, made, judged, known, callee)
        if client.made in CLIENTS:
            needs += [ThroughClient(goal.path, use.call) for use in made.uses]
        shown = dotted(client.site.call.callee) or ""
        gone = ((goal.path, client.scope.qualname, Ref(shown.partition(".")[0])),) if annotation != shown else ()
        edits = tuple((goal.path, intent) for intent in intents)
        replaced = self._replaced(client.made.partition(".")[0])
        if replaced is not None:
            note = f"{replaced} replaces the class of the client, which is made before the test begins by then"
            return Step(tuple(needs), Parity.LOSSY, (note,), edits, gone)
        return Step(tuple(needs), Parity.PINNED, (), edits, gone)

    def _find_replaced(self, library: str) -> str | None:
        """Where a test puts something in the place of the class of a library's clients: `path:line`."""
        for path in self.project.sources.containing(b"AsyncClient"):
            content = self.project.sources.read(path) if is_test_path(path) else b""
            found = _REPLACING.search(content) if library.encode() in content else None
            if found is not None:
                line = content.count(b"\n", 0, found.start()) + 1
                return f"{path}:{line}"
        return None

    def freed(self, function: Scope) -> set[str]:
        """The names of the clients that a function makes, and is given instead."""
        made = (self.project.made(client) for client in self.made.values() if client.scope == function)
        return {one.name for one in made if one.how in {"with", "async with"}}

    def _in_its_place(
        self, client: MadeClient, made: Made, annotation: str, at_hand: str, statements: list[str]
    ) -> Iterator[Intent]:
        if made.how == "name":
            yield from (StatementBefore("call", made.number, code) for code in statements)
            yield Template("call", made.number, at_hand)
        else:
            name = f"{made.name}: {annotation}" if annotation else made.name
            yield UnwrapWith(made.block, made.item, (f"{name} = {at_hand}", *statements))

    def _annotation(self, client: MadeClient, made: Made, httpx: str) -> str:
        """How the new client's class is written beside its name; nothing where that has other values, too."""
        function = self.project.resolver.function(client.scope)
        once = function is not None and len(function.bindings.get(made.name, ())) == 1
        if not once or made.how not in {"with", "async with"}:
            return ""
        return f"{httpx}.AsyncClient" if client.made in CLIENTS else dotted(client.site.call.callee) or ""

    def _calls(
        self, client: MadeClient, made: Made, judged: _Judged, known: dict[str, str], callee: str
    ) -> Iterator[Intent]:
        for use in made.uses:
            added = [
                NewArgument(name, known.get(name, code))
                for name, code in judged.of_calls.items()
                if use.method in OF_CALL[name] and not _has(use, name)
            ]
            if "cookies" in known and use.method in OF_CALL["extensions"]:
                added.append(NewArgument("extensions", f'{{"cookies": {known["cookies"]}}}'))
            whole = f"{callee}.{use.method}" if callee else None
            sync = client.made in CLIENTS
            if added or whole is not None or sync:
                yield EditCall(use.call, whole, added=tuple(added), awaited=sync)


def _has(use: MadeUse, name: str) -> bool:
    return any(argument.keyword == name for argument in use.arguments)
