"""Steps for a call that goes through the client, and for the reads of what it returns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from fastmigrate.facts.sites import Site
from fastmigrate.facts.terms import Await, Call, Item, Member, Ref, Term, Truthy
from fastmigrate.facts.uses import Use
from fastmigrate.facts.values import Handler
from fastmigrate.knowledge.parity import Parity, Row
from fastmigrate.knowledge.requests_calls import FUNCTIONS
from fastmigrate.knowledge.requests_responses import MEMBERS, TRUTH
from fastmigrate.plan.arguments import JudgedCall, judge_arguments
from fastmigrate.plan.connections import read_connection
from fastmigrate.plan.goals import ClientInFunction, Goal, Held, Imported, ReadResult, Step, ThroughClient
from fastmigrate.plan.names import imported
from fastmigrate.plan.specs import SHARED, ClientSpec
from fastmigrate.plan.urls import has_known_host
from fastmigrate.project.project import BlockingCall, Project
from fastmigrate.project.resolve import Class, External, Instance, Scope
from fastmigrate.rewrite.intents import (
    EditCall,
    GuardStatement,
    Intent,
    RenameMember,
    TestMember,
)

__all__ = ["Calls"]

_BUILTINS = ("str", "isinstance", "dict", "bytes")

_LOCKS = frozenset(
    f"{module}.{name}"
    for module in ("threading", "multiprocessing")
    for name in ("Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition")
)
_OBSTACLES = {
    "generator": "it stands in a generator expression, which an `await` would make asynchronous: use a list instead",
    "class body": "it stands in the body of a class, where nothing can be awaited",
    "lambda": "it stands in a lambda, where nothing can be awaited",
}


class Calls:
    """Makes the steps of the goals that concern calls; `client_name` tells the client's name in a function."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.calls = {(call.function.path, call.site.call.number): call for call in project.blocking}
        self.uses: dict[ReadResult, tuple[Use, Scope]] = {}

    # -- the call

    def spec(self, call: BlockingCall) -> ClientSpec:
        """The client that a call needs."""
        if call.callee not in FUNCTIONS:
            return SHARED
        return read_connection(self.project, self.project.site(call), call.function).spec

    def through_client(self, goal: ThroughClient, client: str) -> Step | Held:
        """The step of a call: its edit, and all that must be so for it to be right."""
        call = self.calls[goal.path, goal.number]
        if call.callee not in FUNCTIONS:
            return Held(f"`{call.callee}` is not migrated yet: a session's headers, cookies and adapters go with it")
        site = self.project.site(call)
        judged = judge_arguments(self.project, call.callee, site, call.function)
        reason = self._in_the_way(call, site, judged)
        if reason is not None:
            return Held(reason)
        notes = [row.note for row in judged.rows if row.parity is Parity.LOSSY]
        notes += self._doubts(site, call.function)
        needs: list[Goal] = [ClientInFunction(call.function, self.spec(call))]
        needs += [ThroughClient(goal.path, number) for number in judged.results]
        for use in site.uses:
            if use.kind in {"member", "truth"}:
                read = ReadResult(goal.path, use.number, use.name if use.kind == "truth" else "")
                self.uses[read] = use, call.function
                needs.append(read)
        intents, more = self._edits(call, judged, client)
        parity = Parity.LOSSY if notes else Parity.PINNED
        return Step(tuple(needs + more), parity, tuple(notes), intents)

    def _in_the_way(self, call: BlockingCall, site: Site, judged: JudgedCall) -> str | None:
        if site.obstacle in _OBSTACLES:
            return _OBSTACLES[site.obstacle]
        if judged.missing is not None:
            return judged.missing
        for row in judged.rows:
            if row.parity is Parity.NONE:
                return row.note
        if site.in_fstring and '"' in judged.code:
            return "it stands in an f-string, where its new form would need other quotes: give its result a name first"
        for use in site.uses:
            if use.kind == "other":
                return f"the response is {use.name} in line {use.line}, where it is not followed yet"
        if site.sees_names:
            return "the function looks at its own names with `locals()` or the like, and would see new ones"
        for name in _BUILTINS:
            if re.search(rf"\b{name}\(", judged.code) and self._means_something_else(name, site, call.function):
                return f"`{name}` has another meaning there, and the new code needs it"
        for term in (*site.guards, *site.acquired):
            if self._is_lock(term, call.function):
                return "a thread lock is held around it: across an `await`, it would stop every other task"
        return self._handled(site.handlers, call.function)

    def _means_something_else(self, name: str, site: Site, scope: Scope) -> bool:
        return name in site.bound or self.project.resolver.lookup(name, scope) is not None

    def _is_lock(self, term: Term, scope: Scope) -> bool:
        """Whether a term is a lock of threads, is called so, or locks something when it is entered."""
        value = self.project.resolver.resolve(term, scope)
        if isinstance(value, Instance):
            for base in self.project.resolver.bases(value.of):
                if isinstance(base, External) and base.name in _LOCKS:
                    return True
                if isinstance(base, Class):
                    entered = Scope(base.scope.path, f"{base.scope.qualname}.__enter__")
                    function = self.project.resolver.function(entered)
                    if function is not None and "acquire" in function.members:
                        return True
            return False
        name = _last_name(term)
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().split("_")
        return not {"lock", "locks", "rlock", "mutex", "semaphore"}.isdisjoint(words)

    def _handled(self, handlers: tuple[Handler, ...], scope: Scope) -> str | None:
        for handler in handlers:
            unknown = handler.reads & {"response", "request"}
            if unknown:
                return (
                    f"the handler in line {handler.line} reads `{min(unknown)}` from the error, which httpx gives to "
                    "other errors than requests"
                )
            for name in (*self.caught(handler, scope), *self._asked(handler, scope)):
                if name.startswith("requests."):
                    return f"the handler in line {handler.line} catches `{name}`, which httpx does not raise"
                if name == "builtins.OSError":
                    return (
                        f"the handler in line {handler.line} catches `OSError`: errors of requests are of that class, "
                        "those of httpx are not"
                    )
        return None

    def _asked(self, handler: Handler, scope: Scope) -> Iterator[str]:
        for term in handler.asked:
            value = self.project.resolver.resolve(term, scope)
            if isinstance(value, External) and value.name.startswith("requests."):
                yield value.name

    def caught(self, handler: Handler, scope: Scope) -> Iterator[str]:
        """The canonical names of the classes from outside that a handler catches; "" for what is not known."""
        for term in handler.classes:
            value = self.project.resolver.resolve(term, scope)
            if isinstance(value, External | Class):
                yield from (base.name for base in self.project.resolver.bases(value) if isinstance(base, External))
            else:
                yield ""

    def _doubts(self, site: Site, scope: Scope) -> Iterator[str]:
        if site.obstacle == "nested comprehension":
            yield "an `await` in a nested comprehension needs Python 3.11 or newer"
        links = self.project.links(scope.path)
        for name in site.looped:
            if links is not None and name in links.mutated:
                yield f"the loop around it runs over `{name}`, which another request may change meanwhile"
        for state in site.stale:
            yield f"`{state}` is read before the call and written after it: another request may change it meanwhile"
        for handler in site.handlers:
            names = set(self.caught(handler, scope))
            if "" in names:
                yield f"what the handler in line {handler.line} catches is not known"
            if "builtins.ValueError" in names and not has_known_host(self.project, site, scope):
                yield (
                    f"the handler in line {handler.line} catches `ValueError`, which requests raises for a malformed "
                    "URL, and httpx does not"
                )

    def _edits(
        self, call: BlockingCall, judged: JudgedCall, client: str
    ) -> tuple[tuple[tuple[str, Intent], ...], list[Goal]]:
        path = call.function.path
        names = _Names(self.project, path)
        edits = tuple(
            replace(
                edit,
                value=names.put_into(edit.value),
                elements=tuple((index, names.put_into(form)) for index, form in edit.elements),
            )
            for edit in judged.edits
        )
        whole = EditCall(call.site.call.number, f"{client}.{judged.method}", edits, tuple(judged.added), awaited=True)
        nested = [EditCall(edit.number, callee=names.put_into(edit.callee or "")) for edit in judged.nested]
        needs: list[Goal] = [*names.needs]
        return tuple((path, edit) for edit in (whole, *nested)), needs

    # -- what it returns

    def read_result(self, goal: ReadResult) -> Step | Held:
        """The step of a read of the response: its edit, and that all calls it may come from are migrated."""
        use, scope = self.uses[goal]
        row = TRUTH if use.kind == "truth" else _row(use)
        if row is None:
            return Held(f"`response.{use.name}` in line {use.line} is not migrated yet")
        if row.parity is Parity.NONE:
            return Held(f"line {use.line}: {row.note}")
        intents = _read_edits(goal, use, row)
        if use.mixed and intents:
            return Held(f"what line {use.line} reads may be something else than this response")
        if use.name == "encoding" and any(
            other.name in {"text", "json"} and other.line <= use.line and other.results & use.results
            for other, _ in self.uses.values()
        ):
            return Held(
                f"`encoding` is set in line {use.line} when the text has been read already, which httpx refuses"
            )
        if use.name in {"json", "raise_for_status"}:
            reason = self._handled(use.handlers, scope)
            if reason is not None:
                return Held(reason)
        if use.name == "raise_for_status" and intents and not use.receiver:
            return Held(f"`raise_for_status()` in line {use.line} does not stand after a name: give the response one")
        needs = tuple(ThroughClient(goal.path, number) for number in sorted(use.results))
        return Step(needs, row.parity, (row.note,) if row.parity is Parity.LOSSY else (), intents)


class _Names:
    """Puts the names that a file has for what new code uses into that code; `needs` are the imports that it takes."""

    def __init__(self, project: Project, path: str) -> None:
        self.needs: dict[Imported, None] = {}
        self.project = project
        self.path = path
        self.used = {
            "httpx.": Imported(path, project.library),
            "urlencode(": Imported(path, "urllib.parse", "urlencode"),
        }

    def put_into(self, code: str) -> str:
        """The code with the names that the file has."""
        for word, goal in self.used.items():
            if word in code:
                self.needs[goal] = None
                name, _ = imported(self.project, self.path, goal.module, goal.name)
                code = code.replace(word, f"{name}{word[-1]}")
        return code


def _last_name(term: Term) -> str:
    """The name of what is called, subscripted or read, without what it is given."""
    match term:
        case Ref(name) | Member(_, name):
            return name
        case Call(callee=inner) | Item(of=inner) | Await(of=inner) | Truthy(of=inner):
            return _last_name(inner)
    return ""


def _row(use: Use) -> Row | None:
    if use.stored:
        return MEMBERS.get((use.name, "stored"))
    if use.name == "headers":
        looked_up = use.then in {"item", "in", "get"}
        return MEMBERS["headers", "looked up" if looked_up else ""]
    if use.then == "len" and (use.name, "counted") in MEMBERS:
        return MEMBERS[use.name, "counted"]
    if use.called:
        case = "statement" if use.then == "statement" and (use.name, "statement") in MEMBERS else "called"
        return MEMBERS.get((use.name, case))
    return MEMBERS.get((use.name, ""))


def _read_edits(goal: ReadResult, use: Use, row: Row) -> tuple[tuple[str, Intent], ...]:
    """A form of one name renames, `not NAME` negates too, `if NAME` guards the statement."""
    word, _, name = row.form.rpartition(" ")
    if use.kind == "truth":
        return ((goal.path, TestMember(use.name, use.number, name, use.optional)),)
    if word == "if":
        if use.failed:  # what the guard asks for is known there
            return ()
        return ((goal.path, GuardStatement(use.call, f"{use.receiver}.{name}")),)
    if name != use.name:
        return ((goal.path, RenameMember(goal.number, name, negated=word == "not")),)
    return ()
