"""Steps for a call that goes through a client."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec.structs import replace

from fastmigrate.facts.sites import Site
from fastmigrate.facts.uses import Use
from fastmigrate.facts.values import Handler
from fastmigrate.knowledge.parity import Parity
from fastmigrate.knowledge.requests_exceptions import Step as Failure
from fastmigrate.plan.arguments import JudgedCall
from fastmigrate.plan.awaiting import Awaiting
from fastmigrate.plan.errors import Errors
from fastmigrate.plan.goals import ClientInFunction, Goal, Held, PoolReplaced, ResponseReturned, Step, ThroughClient
from fastmigrate.plan.handlers import Guard, Handlers
from fastmigrate.plan.names import NewNames
from fastmigrate.plan.offloading import Offloading
from fastmigrate.plan.pools import Pools
from fastmigrate.plan.responses import Passed, Responses
from fastmigrate.plan.sessions import Sessions
from fastmigrate.plan.settings import in_double_quotes
from fastmigrate.plan.specs import ClientSpec
from fastmigrate.plan.streams import Stream, Streams
from fastmigrate.plan.urls import what_may_be_wrong
from fastmigrate.plan.users import Users
from fastmigrate.project.blocking import BlockingCall
from fastmigrate.project.project import Project
from fastmigrate.project.values import Scope
from fastmigrate.rewrite.intents import (
    ArgumentEdit,
    EditCall,
    Intent,
    NewArgument,
    Template,
)

__all__ = ["Calls"]

_BUILTINS = ("str", "isinstance", "dict", "bytes")
_OF_SEND = frozenset({"follow_redirects"})
"""Keywords that belong to `send`, and not to `build_request`."""


class Calls:
    """Makes the steps of the goals that concern calls; `passed` tells what errors need that pass out of a function."""

    def __init__(
        self, project: Project, awaiting: Awaiting, users: Users, passed: Passed, offloading: Offloading, pools: Pools
    ) -> None:
        self.project = project
        self.awaiting = awaiting
        self.calls = {call.key: call for call in project.blocking if call.code == "FM101"}
        self.sessions = Sessions(project, users)
        self.offloading = offloading
        self.pools = pools
        self.errors = Errors(project)
        self.handlers = Handlers(project)
        self.streams = Streams(project)
        self.responses = Responses(project, self.calls, self.handlers, self.streams, passed)
        self.guards: dict[Goal, list[Guard]] = self.responses.guards
        self.passed = passed

    # -- the call

    def spec(self, call: BlockingCall) -> ClientSpec:
        """The client that a call needs."""
        return self.sessions.spec(call)

    def through_client(self, call: BlockingCall, client: str) -> Step | Held:
        """The step of a call: its edit, and all that must be so for it to be right."""
        if call.is_configured:
            return Held(f"`{call.callee}` is one of your `blocking-calls`: what would take its place is not known")
        reason = self._in_thread(call)
        if reason is not None:
            return Held(reason)
        site = self.project.site(call)
        judged = self.sessions.judge(call, site)
        if isinstance(judged, Held):
            return judged
        reason = self._in_the_way(call, site, judged)
        if reason is not None:
            return Held(reason)
        stream = self.streams.judge(call)
        if stream is not None and stream.reason is not None:
            return Held(stream.reason)
        made_auth = judged.nested or any(site.arguments[edit.index].keyword == "auth" for edit in judged.edits)
        if stream is not None and stream.form == "send" and made_auth:
            return Held("`auth` is made in the call of a streamed answer: make it in a line before")
        doubtful = what_may_be_wrong(self.project, call.callee, site, call.function)
        steps: list[Failure] = ["call"] if doubtful is None else ["call", doubtful]
        handled = self.handlers.judge(site.handlers, steps, call.function)
        if handled.reason is not None:
            return Held(handled.reason)
        self.guards[ThroughClient(*call.key)] = handled.guards
        notes = [row.note for row in judged.rows if row.parity is Parity.LOSSY]
        notes += [*handled.notes, *self.awaiting.doubts(site, call.function), *((stream and stream.notes) or ())]
        needs: list[Goal] = [ClientInFunction(call.function, self.spec(call)), *self.handlers.needs(handled.guards)]
        needs += [ThroughClient(call.function.path, number) for number in judged.results]
        needs += self.responses.reads(site.uses, call.function)
        needs += [*self._responses_of_errors(call, site), *self.sessions.needs(call)]
        needs += self.passed(call.function, handled.escaping)
        job = self.project.jobs.of(*call.key) if call.is_offloaded else None
        needs += [PoolReplaced(call.function.path, job[0].number)] if job is not None else []
        if any(use.kind == "other" for use in site.uses):
            needs.append(ResponseReturned(call.function))
        intents, more = self._edits(call, judged, client, stream)
        parity = Parity.LOSSY if notes else Parity.PINNED
        gone = ((call.function.path, call.function.qualname, call.offloaded),) if call.offloaded is not None else ()
        return Step(tuple(needs + more), parity, tuple(notes), intents, gone)

    def _in_thread(self, call: BlockingCall) -> str | None:
        """Why a call that is handed to a thread cannot be made where it is handed over, or None."""
        if not call.is_offloaded:
            return None
        if self.project.jobs.is_handed_by(call.function, call.site.call.number):
            return self.pools.direct_in_the_way(call)
        site = self.project.returned.sites[call.function.path][call.site.call.number]
        if any(argument.keyword == "stream" for argument in site.arguments):
            return "its answer is streamed, and read in threads"
        if call.callee.startswith("requests.Session."):
            return "a method of a session is handed to a thread: call it in a function, and hand that over"
        return self.offloading.of_site(call.function, call.site.call, site)

    def _responses_of_errors(self, call: BlockingCall, site: Site) -> Iterator[Goal]:
        """The reads of `error.response` in the function's handlers: it comes from whichever call raised the error."""
        scope = call.function
        for handler, uses in self._errors(call, site):
            first, last = handler.body
            others = [c for c in self.calls.values() if c.function == scope and first <= c.place.line <= last]
            also = tuple(ThroughClient(*other.key) for other in others)
            always = set(self.handlers.caught(handler, scope)) == {"requests.exceptions.HTTPError"}
            read = (use for use in uses if use.kind != "error" or not always)  # else there may be no response
            yield from self.responses.reads(read, scope, also)

    @staticmethod
    def _errors(call: BlockingCall, site: Site) -> Iterator[tuple[Handler, tuple[Use, ...]]]:
        """The handlers that read the response of an error which the call, or what it returns, may have raised."""
        lines = {call.place.line, *(use.line for use in site.uses if use.name == "raise_for_status")}
        for handler, uses in site.errors:
            first, last = handler.body
            if any(first <= line <= last for line in lines):
                yield handler, uses

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
        for use in [*site.uses, *(use for _, uses in self._errors(call, site) for use in uses)]:
            if use.kind == "other" and (use.name != "returned" or call.function in self.project.reach.roots):
                return f"the response is {use.name} in line {use.line}, where it is not followed yet"
        everything = set(self.calls)
        for handler, uses in self._errors(call, site):
            read = any(use.kind in {"member", "truth", "loop"} for use in uses)
            if read and self.handlers.raising.in_block(handler, call.function, everything):
                return (
                    f"the handler in line {handler.line} reads the `response` of its error, which may still be one of "
                    "requests: what else it guards calls requests, or is not known"
                )
        if site.sees_names:
            return "the function looks at its own names with `locals()` or the like, and would see new ones"
        for name in _BUILTINS:
            if re.search(rf"\b{name}\(", judged.code) and self._means_something_else(name, site, call.function):
                return f"`{name}` has another meaning there, and the new code needs it"
        rewritten = {handler.call for handler in site.handlers}
        for term in site.guards:
            reason = self.errors.of_context_manager(term, call.function, rewritten)
            if reason is not None:
                return reason
        return None

    def _means_something_else(self, name: str, site: Site, scope: Scope) -> bool:
        return name in site.bound or self.project.resolver.lookup(name, scope) is not None

    def _edits(
        self, call: BlockingCall, judged: JudgedCall, client: str, stream: Stream | None
    ) -> tuple[tuple[tuple[str, Intent], ...], list[Goal]]:
        path = call.function.path
        names = NewNames(self.project, path)
        edits = tuple(
            replace(
                edit,
                value=names.put_into(edit.value),
                elements=tuple((index, names.put_into(form)) for index, form in edit.elements),
            )
            for edit in judged.edits
        )
        added = [replace(new, value=names.put_into(new.value)) for new in judged.added]
        whole: tuple[Intent, ...] = (
            EditCall(call.site.call.number, f"{client}.{judged.method}", edits, tuple(added), awaited=True),
        )
        job = self.project.jobs.of(path, call.site.call.number) if call.is_offloaded else None
        if job is not None:
            whole = tuple(self.pools.direct(path, *job, f"{client}.{judged.method}", edits, added))
        elif call.is_offloaded:
            whole = (self._without_thread(call, f"{client}.{judged.method}", edits, added),)
        if stream is not None:
            whole = (*self._streamed(call, judged.method, edits, added, client, stream), *stream.intents)
        nested = [EditCall(edit.number, callee=names.put_into(edit.callee or "")) for edit in judged.nested]
        needs: list[Goal] = [*names.needs, *(stream.needs if stream is not None else ())]
        return tuple((path, edit) for edit in (*whole, *nested)), needs

    def _without_thread(
        self, call: BlockingCall, callee: str, edits: tuple[ArgumentEdit, ...], added: list[NewArgument]
    ) -> EditCall:
        """`client.get(url)` for `asyncio.to_thread(requests.get, url)`, which is awaited already."""
        arguments = self.project.returned.sites[call.function.path][call.site.call.number].arguments
        _, dropped = self.offloading.without_thread(call.function, call.site.call, arguments)
        before = len(arguments) - len(self.project.site(call).arguments)
        shifted = tuple(replace(edit, index=edit.index + before) for edit in edits)
        return EditCall(call.site.call.number, callee, (*dropped, *shifted), tuple(added))

    def _streamed(
        self,
        call: BlockingCall,
        method: str,
        edits: tuple[ArgumentEdit, ...],
        added: list[NewArgument],
        client: str,
        stream: Stream,
    ) -> Iterator[Intent]:
        """`client.stream("GET", …)`, or `await client.send(client.build_request("GET", …), stream=True)`."""
        number = call.site.call.number
        if method != "request":
            added = [NewArgument(None, f'"{method.upper()}"'), *added]
        if stream.form != "send":
            yield EditCall(number, f"{client}.stream", edits, tuple(added))
            return
        site = self.project.site(call)
        sent = [f"{new.keyword}={new.value}" for new in added if new.keyword in {*_OF_SEND, "auth"}]
        sent += [f"{e.keyword}={site.arguments[e.index].code}" for e in edits if e.keyword in _OF_SEND]
        of_auth = [(i, a) for i, a in enumerate(site.arguments) if a.keyword == "auth"]
        sent += [f"auth={in_double_quotes(argument.code)}" for _, argument in of_auth]
        kept = [ArgumentEdit(e.index, None, drop=True) if e.keyword in _OF_SEND else e for e in edits]
        kept += [ArgumentEdit(index, None, drop=True) for index, _ in of_auth]
        remaining = tuple(new for new in added if new.keyword not in {*_OF_SEND, "auth"})
        yield EditCall(number, f"{client}.build_request", tuple(kept), remaining)
        yield Template("call", number, f"await {client}.send({{}}, {', '.join(['stream=True', *sent])})")
