"""Responses that are read as they come (`stream=True`): how long they live, what reads them, who closes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from fastmigrate.facts.exits import Exit
from fastmigrate.facts.sites import Site
from fastmigrate.facts.terms import Call, Const, Member, Ref
from fastmigrate.facts.uses import Use
from fastmigrate.facts.values import CallSite, FunctionLinks, Place
from fastmigrate.knowledge.names import RESPONSE_CLASSES
from fastmigrate.knowledge.streaming import HARMLESS_FUNCTIONS, HARMLESS_METHODS
from fastmigrate.plan.goals import Goal, Imported, LineReader, Step
from fastmigrate.plan.names import fresh, imported
from fastmigrate.plan.texts import LINE_READER
from fastmigrate.plan.written import LINE_READER_NAME, is_written
from fastmigrate.project.blocking import BlockingCall
from fastmigrate.project.project import Project
from fastmigrate.project.values import External, Scope
from fastmigrate.rewrite.intents import (
    CloseAfterRest,
    EditCall,
    InsertBefore,
    Intent,
    MakeAsync,
    NewArgument,
    SplitWith,
    StatementBefore,
    WrapRest,
)

__all__ = ["BODY", "PIECES", "Stream", "Streams", "is_body_read_before", "is_streamed"]

PIECES = frozenset({"iter_content", "iter_lines", "raw"})
BODY = frozenset({"json", "text", "content"})


class Stream(Struct):
    """How a streamed call is written.

    In the form "with", its own `with` becomes `async with client.stream(…)`; in the form "rest", such a block is put
    around the rest of its block; in the form "send", it lives on in the answer that hands its pieces on.
    """

    form: Literal["with", "rest", "send"]
    name: str
    reason: str | None = None
    notes: list[str] | None = None
    intents: tuple[Intent, ...] = ()
    needs: tuple[Goal, ...] = ()


def is_streamed(site: Site) -> bool:
    """Whether a call says `stream=True`."""
    return any(argument.keyword == "stream" and argument.term == Const(True) for argument in site.arguments)


class Streams:
    """Judges streamed calls."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def judge(self, call: BlockingCall) -> Stream | None:
        """How a call is to be written, if it is a streamed one."""
        site = self.project.site(call)
        if not is_streamed(site) or (len(site.uses) == 1 and site.uses[0].name in BODY and not site.uses[0].receiver):
            return None  # all of it is read where it is asked for
        entered = next((use for use in site.uses if use.kind == "with"), None)
        if entered is not None:
            return self._entered(site, entered, call.function)
        if any(self._outlives(use, call.function) for use in site.uses):
            return self._sent(call, site)
        return self._opened(call, site)

    def _outlives(self, use: Use, scope: Scope) -> bool:
        """Whether a use reads the response when the path operation has returned."""
        return bool(use.within) or (use.name in PIECES and self.is_answer(use.to, scope))

    def is_answer(self, callee: object, scope: Scope) -> bool:
        """Whether a term is one of the response classes of Starlette."""
        value = self.project.resolver.resolve(callee, scope) if callee is not None else None  # type: ignore[arg-type]
        return isinstance(value, External) and value.name in RESPONSE_CLASSES

    def is_task(self, callee: object, scope: Scope) -> bool:
        """Whether a term is the class of background tasks."""
        value = self.project.resolver.resolve(callee, scope) if callee is not None else None  # type: ignore[arg-type]
        return value == External("starlette.background.BackgroundTask")

    # -- by lines

    def line_reader_name(self, path: str) -> str:
        """The name of the function that reads responses by lines: the one that is there, or a free one."""
        links = self.project.links(path)
        if links is None or is_written(self.project, path, LINE_READER_NAME):
            return LINE_READER_NAME
        return fresh(LINE_READER_NAME, links.names, "iter_response_lines")

    def line_reader(self, goal: LineReader) -> Step:
        """The function stands before the first one that may need it."""
        if is_written(self.project, goal.path, LINE_READER_NAME):
            return Step()
        links = self.project.links(goal.path)
        assert links is not None
        functions = [
            links.functions[c.function.qualname] for c in self.project.blocking if c.function.path == goal.path
        ]
        first = min(functions, key=lambda function: function.line)
        httpx, _ = imported(self.project, goal.path, self.project.library)
        code = LINE_READER.format(name=self.line_reader_name(goal.path), httpx=httpx)
        needs = (Imported(goal.path, self.project.library),)
        return Step(needs, intents=((goal.path, InsertBefore("function", first.number, code)),))

    # -- in a block of its own

    def _entered(self, site: Site, entered: Use, scope: Scope) -> Stream:
        stream = Stream("with", entered.name, notes=[], intents=(_made_async(entered),))
        for handler, uses in site.errors:
            first, last = handler.body
            if first <= entered.line <= last and any(use.name in BODY for use in uses) and stream.notes is not None:
                stream.notes.append(
                    f"the handler in line {handler.line} reads an answer that `with` has closed, and so nothing in "
                    "requests"
                )
        for use in site.uses:
            if self._outlives(use, scope):
                stream.reason = f"its `with` block has closed the response when it is read in line {use.line}"
            elif use.line > entered.ends and (use.name in PIECES | BODY or use.kind == "loop"):
                stream.reason = f"the response is read in line {use.line}, when its `with` block has closed it"
        return stream

    def _opened(self, call: BlockingCall, site: Site) -> Stream:
        rest = site.rest
        if rest is None:
            reason = "a streamed response has to be closed: open it by `with`, around all that reads it"
            return Stream("rest", "", reason)
        number = call.site.call.number
        if any(rest.after[0] <= use.line <= rest.after[1] for use in site.uses):
            read = {use.name for use in site.uses if rest.first <= use.line <= rest.last}
            close = f"await {rest.name}.aclose()"
            stream = Stream("send", rest.name, intents=(CloseAfterRest(number, close),))
            again = next((leaving for leaving in site.exits if leaving.kind == "again"), None)
            if again is not None:
                stream.reason = f"`{rest.name}` gets another value in line {again.line}, before the response is closed"
            if read - {"raise_for_status"}:
                where = f"in the `try` in which it is opened, and behind it, from line {rest.after[0]} on"
                stream.reason = f"the response is read {where}: read it in one of these places"
            return stream
        stream = Stream("rest", rest.name, intents=(WrapRest(number),))
        checked = any(use.name == "raise_for_status" and use.line <= rest.last for use in site.uses)
        for use in site.uses:
            told = use.in_handler and use.name not in PIECES and (checked or use.name not in BODY)
            if not rest.first <= use.line <= rest.last and not told and use.kind not in {"truth", "identity"}:
                stream.reason = (
                    f"the streamed response is used in line {use.line}, outside of the block that it is opened in: "
                    "open it by `with` there"
                )
        return stream

    # -- in an answer

    def _sent(self, call: BlockingCall, site: Site) -> Stream:
        scope = call.function
        name = next((use.receiver for use in site.uses if use.receiver), "")
        stream = Stream("send", name, notes=[])
        answers: dict[int, None] = {}
        intents: list[Intent] = []
        for use in site.uses:
            if use.within:
                self._generator(use, scope, stream, answers, intents)
            elif use.name in PIECES and self.is_answer(use.to, scope):
                answers[use.to_call] = None
        if not name:
            stream.reason = "a streamed response that is handed on has to be closed: give it a name"
        if stream.reason is not None:
            return stream
        task, _ = imported(self.project, scope.path, "starlette.background", "BackgroundTask")
        places, closes = [], Member(Ref(name), "close")
        for number in answers:
            answer = self._call_site(scope, number)
            places.append(answer.place)
            if number in site.conditional:
                stream.reason = f"line {answer.place.line} makes the answer on a condition: use an `if` statement"
            given = answer.call.argument(4, "background")
            if given is None:
                intents.append(EditCall(number, added=(NewArgument("background", f"{task}({name}.aclose)"),)))
            elif not (isinstance(given, Call) and self.is_task(given.callee, scope) and given.args == (closes,)):
                stream.reason = f"the answer in line {answer.place.line} has a background task already"
        intents += self._closings(site, name, places, stream)
        stream.intents = tuple(intents)
        if any(isinstance(intent, EditCall) for intent in intents):
            stream.needs = (Imported(scope.path, "starlette.background", "BackgroundTask"),)
        return stream

    def _call_site(self, scope: Scope, number: int) -> CallSite:
        links = self.project.links(scope.path)
        site = links.call(number) if links is not None else None
        assert site is not None
        return site

    @staticmethod
    def _closings(site: Site, name: str, answers: list[Place], stream: Stream) -> Iterator[Intent]:
        """What closes the response where the function leaves without handing it on, or having read it."""
        returns = [range(e.line, e.end_line + 1) for e in site.exits if e.kind == "return"]
        returned = [answer for answer in answers if any(answer.line in lines for lines in returns)]
        kept = [answer for answer in answers if answer not in returned]
        for answer in kept:
            if not any(e.line > answer.line and e.blocks == site.blocks_at(answer.line) for e in site.exits):
                stream.reason = f"the answer made in line {answer.line} is returned elsewhere: return it there"
        for leaving in site.exits:
            lines = range(leaving.line, leaving.end_line + 1)
            if leaving.kind == "return" and any(answer.line in lines for answer in returned):
                continue
            around = [site.blocks_at(answer.line) for answer in kept if answer.line < leaving.line]
            if any(leaving.blocks[: len(blocks)] == blocks for blocks in around) or _is_done_before(leaving, site):
                continue
            if leaving.kind == "again":
                stream.reason = f"`{name}` gets another value in line {leaving.line}, before the response is closed"
            elif leaving.kind == "leave" or not leaving.certain:
                stream.reason = f"the function may go on from line {leaving.line} without closing the response"
            else:
                yield StatementBefore(leaving.kind, leaving.number, f"await {name}.aclose()")

    # -- in a generator that feeds an answer

    def _generator(
        self, use: Use, scope: Scope, stream: Stream, answers: dict[int, None], intents: list[Intent]
    ) -> None:
        links = self.project.links(scope.path)
        functions = links.functions.values() if links is not None else ()
        generator = next((f for f in functions if f.number == use.within[0]), None)
        if links is None or generator is None or len(use.within) > 1 or not generator.yields:
            stream.reason = f"the response is used by a nested function in line {use.line}, which may run at any time"
            return
        name = generator.qualname.rpartition(".")[2].rstrip("'")
        fed = [
            site
            for site in links.calls
            if site.scope == scope.qualname
            and self.is_answer(site.call.callee, scope)
            and _is_call_of(site.call.argument(0, "content"), name)
        ]
        outer = links.functions[scope.qualname]
        if len(fed) != 1 or outer.loads.get(name) != 1:
            stream.reason = f"`{name}`, which reads the response in line {use.line}, is not just handed to an answer"
            return
        answers[fed[0].call.number] = None
        make = MakeAsync("function", generator.number)
        if not generator.is_async and make not in intents:
            intents.append(make)
            self._runs_on_the_loop(generator, scope, name, stream)

    def _runs_on_the_loop(self, generator: FunctionLinks, scope: Scope, name: str, stream: Stream) -> None:
        """What a generator that ran in a thread does besides must not block the event loop."""
        links = self.project.links(scope.path)
        inner = Scope(scope.path, generator.qualname)
        for site in links.calls if links is not None else ():
            if site.scope != generator.qualname:
                continue
            if self.project.blocks(site.call.callee, inner) is not None:
                stream.reason = f"`{name}` makes a blocking call of its own in line {site.place.line}"
            elif not self._is_harmless(site.call, inner) and stream.notes is not None:
                stream.notes.append(
                    f"`{name}` ran in a thread: what it calls in line {site.place.line} would run on the event loop"
                )

    def _is_harmless(self, call: Call, scope: Scope) -> bool:
        value = self.project.resolver.resolve(call.callee, scope)
        if isinstance(value, External) and value.name in HARMLESS_FUNCTIONS:
            return True
        return isinstance(call.callee, Member) and call.callee.name in HARMLESS_METHODS


def _made_async(entered: Use) -> Intent:
    """The `with` of a streamed response, which may have other items that stay as they are."""
    return MakeAsync("with", entered.number) if entered.item is None else SplitWith(entered.number, entered.item)


def _is_call_of(term: object, name: str) -> bool:
    return isinstance(term, Call) and term.callee == Ref(name)


def is_body_read_before(use: Use, uses: tuple[Use, ...]) -> bool:
    """Whether the whole body has been read on every way to a use."""
    return any(
        other.name in BODY
        and (other.line, other.number) < (use.line, use.number)
        and use.blocks[: len(other.blocks)] == other.blocks
        and other.within == use.within
        for other in uses
    )


def _is_done_before(leaving: Exit, site: Site) -> bool:
    """Whether the response has been read, or closed, on every way to an exit."""
    return any(
        use.name in {*BODY, "close"}
        and not use.within
        and use.line <= leaving.end_line
        and leaving.blocks[: len(use.blocks)] == use.blocks
        for use in site.uses
    )
