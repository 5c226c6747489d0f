"""Steps for a call that goes through the client, and for the reads of what it returns."""

from __future__ import annotations

from collections.abc import Iterator

from fastmigrate.facts.sites import Site
from fastmigrate.facts.uses import Use
from fastmigrate.facts.values import Handler
from fastmigrate.knowledge.parity import Parity, Row
from fastmigrate.knowledge.requests_calls import FUNCTIONS
from fastmigrate.knowledge.requests_responses import MEMBERS, TRUTH
from fastmigrate.plan.arguments import JudgedCall, has_known_host, judge_arguments
from fastmigrate.plan.awaiting import Awaiting
from fastmigrate.plan.goals import ClientInFunction, Goal, Held, Imported, ReadResult, Step, ThroughClient
from fastmigrate.plan.names import imported
from fastmigrate.plan.specs import SHARED, ClientSpec
from fastmigrate.project.project import BlockingCall, Project
from fastmigrate.project.resolve import Class, External, Scope
from fastmigrate.rewrite.intents import (
    ArgumentEdit,
    EditCall,
    GuardStatement,
    Intent,
    RenameMember,
    TestMember,
)

__all__ = ["Calls"]


class Calls:
    """Makes the steps of the goals that concern calls; `client_name` tells the client's name in a function."""

    def __init__(self, project: Project, awaiting: Awaiting) -> None:
        self.project = project
        self.awaiting = awaiting
        self.calls = {(call.function.path, call.site.call.number): call for call in project.blocking}
        self.uses: dict[ReadResult, tuple[Use, Scope]] = {}

    # -- the call

    def spec(self, call: BlockingCall) -> ClientSpec:
        """The client that a call needs."""
        return SHARED

    def through_client(self, goal: ThroughClient, client: str) -> Step | Held:
        """The step of a call: its edit, and all that must be so for it to be right."""
        call = self.calls[goal.path, goal.number]
        if call.is_configured:
            return Held(f"`{call.callee}` is one of your `blocking-calls`: what would take its place is not known")
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
        for use in site.uses:
            if use.kind in {"member", "truth"}:
                read = ReadResult(goal.path, use.number, use.name if use.kind == "truth" else "")
                self.uses[read] = use, call.function
                needs.append(read)
        intents, more = self._edits(call, judged, client)
        parity = Parity.LOSSY if notes else Parity.PINNED
        return Step(tuple(needs + more), parity, tuple(notes), intents)

    def _in_the_way(self, call: BlockingCall, site: Site, judged: JudgedCall) -> str | None:
        reason = self.awaiting.in_the_way(site, call.function)
        if reason is not None:
            return reason
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
        for name in ("str", "isinstance"):
            if f"{name}(" in judged.code and self._means_something_else(name, site, call.function):
                return f"`{name}` has another meaning there, and the new code needs it"
        return self._handled(site.handlers, call.function)

    def _means_something_else(self, name: str, site: Site, scope: Scope) -> bool:
        return name in site.bound or self.project.resolver.lookup(name, scope) is not None

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
        yield from self.awaiting.doubts(site, scope)
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
        httpx, _ = imported(self.project, path, self.project.library)
        uses_httpx = "httpx." in judged.code or any("httpx." in (edit.callee or "") for edit in judged.nested)
        edits = tuple(
            ArgumentEdit(edit.index, edit.keyword, edit.value.replace("httpx.", f"{httpx}."), edit.drop)
            for edit in judged.edits
        )
        whole = EditCall(call.site.call.number, f"{client}.{judged.method}", edits, tuple(judged.added), awaited=True)
        nested = [
            EditCall(edit.number, callee=(edit.callee or "").replace("httpx.", f"{httpx}.")) for edit in judged.nested
        ]
        needs: list[Goal] = [Imported(path, self.project.library)] if uses_httpx else []
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
