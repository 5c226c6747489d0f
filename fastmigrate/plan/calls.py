"""Steps for a call that goes through a client."""

from __future__ import annotations

from collections.abc import Iterator

from fastmigrate.facts.sites import Site
from fastmigrate.knowledge.parity import Parity
from fastmigrate.knowledge.requests_calls import FUNCTIONS
from fastmigrate.plan.arguments import JudgedCall, has_known_host, judge_arguments
from fastmigrate.plan.awaiting import Awaiting
from fastmigrate.plan.goals import ClientInFunction, Goal, Held, Imported, Step, ThroughClient
from fastmigrate.plan.handlers import Guard, Handlers
from fastmigrate.plan.names import imported
from fastmigrate.plan.responses import Responses
from fastmigrate.plan.specs import SHARED, ClientSpec
from fastmigrate.project.project import BlockingCall, Project
from fastmigrate.project.resolve import Scope
from fastmigrate.rewrite.intents import (
    ArgumentEdit,
    EditCall,
    Intent,
)

__all__ = ["Calls"]


class Calls:
    """Makes the steps of the goals that concern calls; `client_name` tells the client's name in a function."""

    def __init__(self, project: Project, awaiting: Awaiting) -> None:
        self.project = project
        self.awaiting = awaiting
        own = [call for call in project.blocking if call.code == "FM101"]
        self.calls = {(call.function.path, call.site.call.number): call for call in own}
        self.handlers = Handlers(project)
        self.responses = Responses(project, self.calls, self.handlers)
        self.guards: dict[Goal, list[Guard]] = self.responses.guards

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
        knows_host = has_known_host(self.project, site, call.function)
        handled = self.handlers.judge(site.handlers, ["call"] if knows_host else ["call", "url"], call.function)
        if handled.reason is not None:
            return Held(handled.reason)
        self.guards[goal] = handled.guards
        notes = [row.note for row in judged.rows if row.parity is Parity.LOSSY]
        notes += [*handled.notes, *self.awaiting.doubts(site, call.function)]
        needs: list[Goal] = [ClientInFunction(call.function, self.spec(call)), *self.handlers.needs(handled.guards)]
        needs += self.responses.reads(site.uses, call.function)
        needs += self._responses_of_errors(call, site)
        intents, more = self._edits(call, judged, client)
        parity = Parity.LOSSY if notes else Parity.PINNED
        return Step(tuple(needs + more), parity, tuple(notes), intents)

    def _responses_of_errors(self, call: BlockingCall, site: Site) -> Iterator[Goal]:
        """The reads of `error.response` in the function's handlers: it comes from whichever call raised the error."""
        scope = call.function
        lines = {call.place.line, *(use.line for use in site.uses if use.name == "raise_for_status")}
        for handler, uses in site.errors:
            first, last = handler.body
            if any(first <= line <= last for line in lines):
                others = [c for c in self.calls.values() if c.function == scope and first <= c.place.line <= last]
                also = tuple(ThroughClient(scope.path, other.site.call.number) for other in others)
                yield from self.responses.reads(uses, scope, also)

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
        for use in [*site.uses, *(use for _, uses in site.errors for use in uses)]:
            if use.kind == "other":
                return f"the response is {use.name} in line {use.line}, where it is not followed yet"
        if site.sees_names:
            return "the function looks at its own names with `locals()` or the like, and would see new ones"
        for name in ("str", "isinstance"):
            if f"{name}(" in judged.code and self._means_something_else(name, site, call.function):
                return f"`{name}` has another meaning there, and the new code needs it"
        return None

    def _means_something_else(self, name: str, site: Site, scope: Scope) -> bool:
        return name in site.bound or self.project.resolver.lookup(name, scope) is not None

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
