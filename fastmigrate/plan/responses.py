"""Steps for what is done with a response: the reads of its members, tests of its truth, loops over it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec.structs import replace

from fastmigrate.facts.uses import Use
from fastmigrate.knowledge.names import REFUSALS
from fastmigrate.knowledge.parity import Parity, Row
from fastmigrate.knowledge.requests_exceptions import Step as Failure
from fastmigrate.knowledge.requests_responses import MEMBERS, STREAMED, TRUTH
from fastmigrate.plan.goals import (
    Goal,
    Held,
    HelperRun,
    Imported,
    LineReader,
    ReadResult,
    ResponseReturned,
    Step,
    ThroughClient,
)
from fastmigrate.plan.handlers import Guard, Handlers
from fastmigrate.plan.names import imported
from fastmigrate.plan.streams import BODY, PIECES, Streams, is_body_read_before
from fastmigrate.plan.urls import is_read_back_as_given
from fastmigrate.project.blocking import BlockingCall
from fastmigrate.project.project import Project
from fastmigrate.project.values import External, Scope
from fastmigrate.rewrite.intents import (
    GuardStatement,
    Intent,
    MakeAsync,
    RenameMember,
    StatementBefore,
    Template,
    TestMember,
    UnwrapWith,
)

__all__ = ["Passed", "Responses"]

Passed = Callable[[Scope, Iterable[str]], Iterator[Goal]]
"""What errors need that pass out of a function in these steps."""

READ = frozenset({"member", "truth", "annotation", "with", "loop", "error"})
"""The kinds of uses that can be followed."""


class Responses:
    """Makes the steps of the reads of responses; `calls` are the blocking calls by file and ordinal."""

    def __init__(
        self,
        project: Project,
        calls: Mapping[tuple[str, int], BlockingCall],
        handlers: Handlers,
        streams: Streams,
        passed: Passed,
    ) -> None:
        self.streams = streams
        self.project = project
        self.calls = calls
        self.handlers = handlers
        self.uses: dict[ReadResult, tuple[Use, Scope, tuple[Goal, ...]]] = {}
        self.guards: dict[Goal, list[Guard]] = {}
        self.passed = passed

    def reads(self, uses: Iterable[Use], scope: Scope, also: tuple[Goal, ...] = ()) -> Iterator[ReadResult]:
        """The goals of these uses; `also` is what each of them needs besides the calls that it may come from."""
        for use in uses:
            if use.kind in READ:
                read = ReadResult(scope.path, use.kind, use.number, use.name if use.node == "name" else "")
                self.uses[read] = use, scope, also
                yield read

    def read_result(self, goal: ReadResult) -> Step | Held:
        """The step of a read of the response: its edit, and that all calls it may come from are migrated."""
        use, scope, also = self.uses[goal]
        if use.kind == "annotation":
            return self._annotation(goal, use, scope)
        calls = list(self._calls(goal.path, use))
        streams = [self.streams.judge(call) for call in calls]
        stream = streams[0] if streams else None
        if stream is not None and None in streams:
            return Held(f"what line {use.line} reads is a streamed response, or one that is not")
        if stream is not None and any(call.function != scope for call in calls):
            return Held(f"what line {use.line} reads is a streamed response that another function asks for")
        row = self._row(use, scope, streamed=stream is not None)
        if row is None:
            shown = " is iterated over" if use.kind == "loop" else f".{use.name}"
            return Held(f"`response{shown}` in line {use.line} is not migrated yet")
        if row.parity is Parity.NONE:
            return Held(f"line {use.line}: {row.note}")
        if stream is not None:
            return self._streamed(goal, use, scope, row)
        if use.within and use.name in {"json", "raise_for_status", "close"}:
            return Held(f"`{use.name}()` stands in a nested function in line {use.line}, which may run at any time")
        if use.item is not None:
            return Held(f"line {use.line} enters the response by `with` beside others: give it a block of its own")
        intents = self._edits(goal, use, row)
        if use.mixed and intents:
            return Held(f"what line {use.line} reads may be something else than this response")
        if use.name == "encoding" and use.stored and self._read_before(use, goal.path):
            return Held(
                f"`encoding` is set in line {use.line} when the text has been read already, which httpx refuses"
            )
        if use.name == "raise_for_status" and intents and not use.receiver:
            return Held(f"`raise_for_status()` in line {use.line} does not stand after a name: give the response one")
        judged = self.handlers.judge(use.handlers, _STEPS.get(use.name, ()), scope)
        if judged.reason is not None:
            return Held(judged.reason)
        self.guards[goal] = judged.guards
        needs: list[Goal] = [*also, *self._sources(goal, use), *self.handlers.needs(judged.guards)]
        needs += self.passed(scope, judged.escaping)
        notes = [*([row.note] if row.parity is Parity.LOSSY else []), *judged.notes]
        return Step(tuple(needs), Parity.LOSSY if notes else row.parity, tuple(notes), intents)

    def _calls(self, path: str, use: Use) -> Iterator[BlockingCall]:
        """The blocking calls that a response may come from, here or in helpers that return it."""
        for number in sorted(use.results):
            for key in sorted(self.project.returned.sources(path, number)) if number >= 0 else ():
                if key in self.calls:
                    yield self.calls[key]

    def _sources(self, goal: ReadResult, use: Use) -> Iterator[Goal]:
        """The calls that a response may come from."""
        return (ThroughClient(*call.key) for call in self._calls(goal.path, use))

    def returned(self, goal: ResponseReturned) -> Step | Held:
        """All that a function's callers do with the response that it returns can be done with one of httpx."""
        name = self.project.name_of(goal.function)
        callers = self.project.reach.callers_of(goal.function)
        if goal.function in self.project.reach.roots:
            return Held(f"the response is returned by `{name}`, whose caller is not known")
        if goal.function in self.project.returned.mixed:
            return Held(f"`{name}` returns responses and other things")
        needs: list[Goal] = []
        for caller, edge in callers:
            needs.append(HelperRun(caller, edge))
            for number in self.project.jobs.outlets(caller.path, edge.call):
                site = self.project.returned.sites.get(caller.path, {}).get(number)
                if site is None:
                    return Held(
                        f"what {caller.path}:{edge.place.line} does with the response of `{name}` is not followed"
                    )
                for use in site.uses:
                    if use.kind == "other" and use.name != "returned":
                        where = f"{caller.path}:{use.line}"
                        return Held(f"the response of `{name}` is {use.name} in {where}, where it is not followed yet")
                needs += self.reads(site.uses, caller)
                if any(use.name == "returned" for use in site.uses):
                    needs.append(ResponseReturned(caller))
        return Step(tuple(needs))

    def _read_before(self, use: Use, path: str) -> bool:
        """Whether the text has been read when its encoding is set: before, or on an earlier turn of a loop."""
        calls = [call for call in self._calls(path, use) if call.function.path == path]
        if any(use.loops > self.project.site(call).loops for call in calls):
            return True
        return any(
            other.name in {"text", "json"} and other.line <= use.line and other.results & use.results
            for other, _, _ in self.uses.values()
        )

    def _annotation(self, goal: ReadResult, use: Use, scope: Scope) -> Step:
        if use.to is None or self.project.resolver.resolve(use.to, scope) != External("requests.Response"):
            return Step()
        httpx, _ = imported(self.project, goal.path, self.project.library)
        needs: list[Goal] = [Imported(goal.path, self.project.library), *self._sources(goal, use)]
        new = Template(use.node, use.number, f"{httpx}.Response", use.name)
        return Step(tuple(needs), intents=((goal.path, new),), gone=((scope.path, scope.qualname, use.to),))

    # -- rows

    def _row(self, use: Use, scope: Scope, *, streamed: bool) -> Row | None:
        if use.kind == "truth":
            return TRUTH
        if use.kind == "with":
            return Row(Parity.PINNED, "", "13.26")
        if use.kind == "error":
            return Row(Parity.PINNED, 'getattr({of}, "response", None)', "17.3")
        table = _OF_STREAMS if streamed else MEMBERS
        if use.kind == "loop":
            return table["__iter__", "loop"]
        return next((table[use.name, case] for case in self.cases(use, scope) if (use.name, case) in table), None)

    def cases(self, use: Use, scope: Scope) -> Iterator[str]:
        """What is known of a use of a member, the most telling first."""
        if use.stored:
            yield "stored"
            return
        if use.then == "getattr":
            yield "getattr"
            return
        if use.called:
            if use.then == "statement":
                yield "statement"
            bare = {"": " bare", None: " with more"}.get(use.argument, "")
            if use.then == "loop":
                yield f"looped{bare}"
            yield f"called{bare}"
            if bare != " with more" or use.name not in {"iter_content", "iter_lines"}:
                yield "called"
            return
        if use.to is not None and self.streams.is_task(use.to, scope):
            yield "to a task"
        if use.to is not None and self.streams.is_answer(use.to, scope):
            yield "of an answer" if use.keyword in {"headers", "2"} else "to an answer"
        if use.keyword == "headers" and self._is_refusal(use, scope):
            yield "of an answer"
        if use.name == "url" and self._has_path(use, scope):
            yield "of a path"
        yield use.then
        if not use.then or use.then.removesuffix("()") in _OWN_MEMBERS.get(use.name, {use.then.removesuffix("()")}):
            yield ""

    def _is_refusal(self, use: Use, scope: Scope) -> bool:
        """Whether a member is passed to an exception that becomes an answer."""
        value = self.project.resolver.resolve(use.to, scope) if use.to is not None else None
        return isinstance(value, External) and value.name in REFUSALS

    def _has_path(self, use: Use, scope: Scope) -> bool:
        return all(
            is_read_back_as_given(self.project, call.callee, self.project.site(call), call.function)
            for call in self._calls(scope.path, use)
        )

    # -- streamed responses

    def _streamed(self, goal: ReadResult, use: Use, scope: Scope, row: Row) -> Step | Held:
        """The step of a read of a response that is read as it comes."""
        reads = use.kind == "loop" or use.name in PIECES | BODY
        failures: tuple[Failure, ...] = ("call",) if reads else ()
        judged = self.handlers.judge(use.handlers, (*failures, *_STEPS.get(use.name, ())), scope)
        reason = judged.reason or self._stream_in_the_way(use, scope)
        if use.mixed:
            reason = reason or f"what line {use.line} reads may be something else than this response"
        if reason is not None:
            return Held(reason)
        self.guards[goal] = judged.guards
        needs: list[Goal] = [*self._sources(goal, use), *self.handlers.needs(judged.guards)]
        needs += self.passed(scope, judged.escaping)
        notes = [*([row.note] if row.parity is Parity.LOSSY else []), *judged.notes]
        intents = [intent for _, intent in self._edits(goal, use, self._named(row, use, goal.path, notes))]
        if use.kind == "with":
            intents = []
        if "iter_lines" in row.form:
            needs.append(LineReader(goal.path))
        if use.loop is not None and ("aiter" in row.form or "iter_lines" in row.form):
            intents.append(MakeAsync(*use.loop))
        calls = self._calls(goal.path, use)
        if not any(is_body_read_before(use, self.project.site(call).uses) for call in calls):
            intents += self._body_read(use, intents)
        steps = tuple((goal.path, intent) for intent in intents)
        return Step(tuple(needs), Parity.LOSSY if notes else row.parity, tuple(notes), steps)

    def _stream_in_the_way(self, use: Use, scope: Scope) -> str | None:
        where = f"in line {use.line}"
        if use.name in BODY | {"raise_for_status"}:
            if not use.receiver:
                return f"the body is read {where} from a streamed response without a name: give it one"
            if use.in_elif:
                return f"the body is read {where} in an `elif`, before which it cannot be awaited"
            if use.within:
                return f"the body is read {where} in a nested function, where it cannot be awaited"
        if use.loop is not None and use.loop[0] == "generator":
            return f"the response is read {where} by a generator expression, which would become asynchronous"
        pieces = use.name in {"iter_content", "iter_lines"} and use.loop is None
        if pieces and not self.streams.is_answer(use.to, scope):
            return f"the pieces of the response are not just looped over {where}"
        return None

    def _named(self, row: Row, use: Use, path: str, notes: list[str]) -> Row:
        """The row with the names that its form needs; pieces whose size is looked at keep that size."""
        form = row.form.replace("{response}", use.receiver)
        if "{iter_lines}" in form:
            form = form.replace("{iter_lines}", self.streams.line_reader_name(path))
        pieces = use.kind == "loop" or use.name == "iter_content"
        if pieces and use.loop is not None and not use.passed_on:
            size = "128" if use.kind == "loop" else "1" if use.argument == "" else use.argument
            if size not in {"None", None}:
                form = f"{'{}' if use.kind == 'loop' else '{of}'}.aiter_bytes({size})"
                notes.append(f"the pieces in line {use.line} come as they are in requests, and full in httpx")
        elif use.name == "iter_content":
            form = "{of}.aiter_bytes()"
        return replace(row, form=form)

    @staticmethod
    def _body_read(use: Use, intents: list[Intent]) -> Iterator[Intent]:
        """The body is read before it is asked for, and before a bad status is raised: handlers may ask for it."""
        read = f"await {use.receiver}.aread()"
        for index, intent in enumerate(intents):
            if isinstance(intent, GuardStatement):
                intents[index] = replace(intent, first=read)
        if use.name == "raise_for_status" and use.failed:
            yield StatementBefore("call", use.call, read)
        if use.name in BODY:
            yield StatementBefore("attribute", use.number, read)

    # -- edits

    @staticmethod
    def _edits(goal: ReadResult, use: Use, row: Row) -> tuple[tuple[str, Intent], ...]:
        intent: Intent | None = None
        word, _, name = row.form.rpartition(" ")
        if use.kind == "truth" and use.node == "name":
            intent = TestMember(use.name, use.number, name, use.optional)
        elif use.kind == "truth":
            code = 'getattr({of}, "response", None) is not None and not {of}.response.is_error'
            intent = Template("attribute", use.number, code)
        elif use.kind == "with":
            intent = UnwrapWith(use.number)
        elif not name.isidentifier():
            kind, number = (use.node, use.number) if not use.called else ("call", use.call)
            if use.then_call >= 0 and use.then in {"get_dict()", "read()"}:
                kind, number = "call", use.then_call
            intent = Template(kind, number, row.form, use.name if use.kind == "loop" else "")
        elif word == "if":  # what the guard asks for is known under `if not response.ok`
            intent = None if use.failed else GuardStatement(use.call, f"{use.receiver}.{name}")
        elif name != use.name:
            intent = RenameMember(goal.number, name, negated=word == "not")
        return () if intent is None else ((goal.path, intent),)


_OWN_MEMBERS: dict[str, frozenset[str]] = {
    "headers": frozenset({"dict", "items", "keys", "values", "loop"}),
    "cookies": frozenset(),
    "history": frozenset(),
    "request": frozenset(),
    "next": frozenset(),
    "elapsed": frozenset({"total_seconds", "microseconds", "seconds", "days"}),
}
"""Members of requests' own classes, and what may be read of them as it is."""
_STREAMED_NAMES = {name for name, _ in STREAMED}
_OF_STREAMS = {**{key: row for key, row in MEMBERS.items() if key[0] not in _STREAMED_NAMES}, **STREAMED}
_STEPS: dict[str, tuple[Failure, ...]] = {"json": ("json",), "raise_for_status": ("status",)}
