"""Steps for what is done with a response: the reads of its members, tests of its truth, loops over it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from fastmigrate.facts.uses import Use
from fastmigrate.knowledge.names import RESPONSE_CLASSES
from fastmigrate.knowledge.parity import Parity, Row
from fastmigrate.knowledge.requests_exceptions import Step as Failure
from fastmigrate.knowledge.requests_responses import MEMBERS, TRUTH
from fastmigrate.plan.arguments import has_known_path
from fastmigrate.plan.goals import Goal, Held, Imported, ReadResult, Step, ThroughClient
from fastmigrate.plan.handlers import Guard, Handlers
from fastmigrate.plan.names import imported
from fastmigrate.project.project import BlockingCall, Project
from fastmigrate.project.resolve import External, Scope
from fastmigrate.rewrite.intents import GuardStatement, Intent, RenameMember, Template, TestMember, UnwrapWith

__all__ = ["Responses"]

READ = frozenset({"member", "truth", "annotation", "with", "loop", "error"})
"""The kinds of uses that can be followed."""


class Responses:
    """Makes the steps of the reads of responses; `calls` are the blocking calls by file and ordinal."""

    def __init__(self, project: Project, calls: Mapping[tuple[str, int], BlockingCall], handlers: Handlers) -> None:
        self.project = project
        self.calls = calls
        self.handlers = handlers
        self.uses: dict[ReadResult, tuple[Use, Scope, tuple[Goal, ...]]] = {}
        self.guards: dict[Goal, list[Guard]] = {}

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
        row = self._row(use, scope)
        if row is None:
            shown = "is iterated over" if use.kind == "loop" else f".{use.name}"
            return Held(
                f"`response{shown}` in line {use.line} is not migrated yet".replace("responseis", "response is")
            )
        if row.parity is Parity.NONE:
            return Held(f"line {use.line}: {row.note}")
        intents = self._edits(goal, use, row)
        if use.mixed and intents:
            return Held(f"what line {use.line} reads may be something else than this response")
        if use.name == "encoding" and use.stored and self._read_before(use):
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
        notes = [*([row.note] if row.parity is Parity.LOSSY else []), *judged.notes]
        return Step(tuple(needs), Parity.LOSSY if notes else row.parity, tuple(notes), intents)

    @staticmethod
    def _sources(goal: ReadResult, use: Use) -> Iterator[Goal]:
        """The calls that a response may come from."""
        return (ThroughClient(goal.path, number) for number in sorted(use.results) if number >= 0)

    def _read_before(self, use: Use) -> bool:
        return any(
            other.name in {"text", "json"} and other.line <= use.line and other.results & use.results
            for other, _, _ in self.uses.values()
        )

    def _annotation(self, goal: ReadResult, use: Use, scope: Scope) -> Step | Held:
        if self.project.resolver.resolve(use.to, scope) != External("requests.Response"):
            return Held(f"the response is annotated in line {use.line} as something else than `requests.Response`")
        httpx, _ = imported(self.project, goal.path, self.project.library)
        needs: list[Goal] = [Imported(goal.path, self.project.library), *self._sources(goal, use)]
        return Step(tuple(needs), intents=((goal.path, Template(use.node, use.number, f"{httpx}.Response", use.name)),))

    # -- rows

    def _row(self, use: Use, scope: Scope) -> Row | None:
        if use.kind == "truth":
            return TRUTH
        if use.kind == "with":
            return Row(Parity.PINNED, "", "13.26")
        if use.kind == "error":
            return Row(Parity.PINNED, 'getattr({of}, "response", None)', "17.3")
        if use.kind == "loop":
            return MEMBERS["__iter__", "loop"]
        return next((MEMBERS[use.name, case] for case in self.cases(use, scope) if (use.name, case) in MEMBERS), None)

    def cases(self, use: Use, scope: Scope) -> Iterator[str]:
        """What is known of a use of a member, the most telling first."""
        if use.stored:
            yield "stored"
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
        if use.keyword == "headers" and self.is_answer(use, scope):
            yield "of an answer"
        if use.name == "url" and self._has_path(use, scope):
            yield "of a path"
        yield use.then
        if not use.then or use.name not in {"cookies", "history", "request"}:
            yield ""

    def is_answer(self, use: Use, scope: Scope) -> bool:
        """Whether a member is passed to a response of Starlette."""
        value = self.project.resolver.resolve(use.to, scope) if use.to is not None else None
        return isinstance(value, External) and value.name in RESPONSE_CLASSES

    def _has_path(self, use: Use, scope: Scope) -> bool:
        return all(
            number >= 0 and has_known_path(self.project, self.project.site(self.calls[scope.path, number]), scope)
            for number in use.results
        )

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
        elif "{" in row.form:
            kind, number = (use.node, use.number) if not use.called else ("call", use.call)
            if use.then == "get_dict":
                kind, number = "call", use.then_call
            intent = Template(kind, number, row.form, use.name if use.kind == "loop" else "")
        elif word == "if":  # what the guard asks for is known under `if not response.ok`
            intent = None if use.failed else GuardStatement(use.call, f"{use.receiver}.{name}")
        elif name != use.name:
            intent = RenameMember(goal.number, name, negated=word == "not")
        return () if intent is None else ((goal.path, intent),)


_STEPS: dict[str, tuple[Failure, ...]] = {"json": ("json",), "raise_for_status": ("status",)}
