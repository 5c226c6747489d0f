"""What waits for errors of requests in the function of a call: `except` clauses, `suppress`, `isinstance`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from fastmigrate.facts.errors import only_shows_parameter
from fastmigrate.facts.terms import Term
from fastmigrate.facts.values import Handed, Handler
from fastmigrate.knowledge.parity import Parity, Row
from fastmigrate.knowledge.requests_exceptions import EXCEPTIONS, SITUATIONS, Situation, Step, is_caught_by
from fastmigrate.plan.goals import Goal, Gone, Imported
from fastmigrate.plan.names import imported
from fastmigrate.plan.raising import Raising
from fastmigrate.project.project import Project
from fastmigrate.project.values import Class, External, Function, Scope
from fastmigrate.rewrite.intents import ArgumentEdit, EditCall, EditHandler, Intent, NewArgument, Template

__all__ = ["Guard", "Handlers", "Judged"]

Steps = frozenset[Step]
_ONLY_OF_OSERROR = frozenset({"errno", "strerror", "filename", "request"})
"""What handlers may read from errors of requests, and not from those of httpx."""


class Guard(Struct, frozen=True):
    """A handler, the function that it stands in, and what can go wrong in migrated calls that it is first to catch."""

    handler: Handler
    scope: Scope
    steps: Steps


class Judged(Struct):
    """What the handlers around something that may fail need; `reason` is why they cannot have it."""

    guards: list[Guard] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    reason: str | None = None
    escaping: frozenset[Step] = frozenset()  # the steps in which something may go wrong that none of them catches


class Handlers:
    """Judges handlers, and makes the edits that they need."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.raising = Raising(project)

    # -- judging

    def judge(self, handlers: Sequence[Handler], steps: Iterable[Step], scope: Scope) -> Judged:
        """What the handlers around something need, from the inside out, if what is done there are these steps."""
        judged = Judged()
        steps = set(steps)
        live = [situation for situation in SITUATIONS if situation.step in steps]
        while handlers and judged.reason is None:
            block = [h for h in handlers if (h.first, h.call) == (handlers[0].first, handlers[0].call)]
            handlers = [handler for handler in handlers if handler not in block]
            guards = len(judged.guards)
            live = self._judge_block(block, live, scope, judged)
            if "path" in steps:  # where the call is caught, its URL is, too
                new = [replace(g, steps=g.steps | {"path"}) if "call" in g.steps else g for g in judged.guards[guards:]]
                judged.guards[guards:] = new
        judged.escaping = frozenset(situation.step for situation in live)
        if "path" in steps and "call" in judged.escaping:
            judged.escaping |= {"path"}
        return judged

    def _judge_block(
        self, block: Sequence[Handler], live: list[Situation], scope: Scope, judged: Judged
    ) -> list[Situation]:
        """Judge the clauses of one `try`; what they let pass is left."""
        names = [list(self.caught(handler, scope)) for handler in block]
        first = {situation: _catcher(situation.requests, names) for situation in live}
        steps = [frozenset(s.step for s, catcher in first.items() if catcher == index) for index in range(len(block))]
        new = [[*own, *_instead(own, at)] for own, at in zip(names, steps, strict=True)]
        for handler, own in zip(block, names, strict=True):
            self._doubt(handler, own, judged)
        for situation, before in first.items():
            after = _catcher(situation.httpx, new)
            exact = not any(EXCEPTIONS[n].parity is Parity.LOSSY for own in names for n in own if n in EXCEPTIONS)
            if before != after and exact:
                judged.reason = judged.reason or (
                    f"the handlers from line {block[0].line} on tell errors apart that httpx does not: {situation.name}"
                )
            read = block[after].reads & _ONLY_OF_OSERROR if after is not None else set()
            if after is not None and read:
                judged.reason = judged.reason or (
                    f"the handler in line {block[after].line} reads `{min(read)}` from the error, which httpx does not "
                    "give to all of its errors"
                )
        for handler, at in zip(block, steps, strict=True):
            doubts = [*handler.doubts, *self._handed_on(handler, scope)] if at else []
            judged.notes += [f"the handler in line {handler.line} {doubt}" for doubt in doubts]
        judged.guards += [Guard(handler, scope, at) for handler, at in zip(block, steps, strict=True)]
        return [situation for situation, at in first.items() if at is None or block[at].raises_again]

    def _handed_on(self, handler: Handler, scope: Scope) -> Iterator[str]:
        """Where a handler hands its error to something that may do more with it than to show it."""
        for handed in handler.handed:
            if not self._only_shows(handed, scope):
                line = handed.line
                yield f"hands the error on in line {line}, where it may be asked for its class or its `response`"

    def _only_shows(self, handed: Handed, scope: Scope) -> bool:
        value = self.project.resolver.resolve(handed.callee, scope)
        function = self.project.resolver.function(value.scope) if isinstance(value, Function) else None
        if function is None or not isinstance(value, Function) or (function.in_class and function.number >= 0):
            return False
        tree = self.project.tree_of(value.scope.path)
        return only_shows_parameter(tree, function.line, handed.position, is_lambda=function.number < 0)

    @staticmethod
    def _doubt(handler: Handler, names: list[str], judged: Judged) -> None:
        where = f"the handler in line {handler.line}"
        rows = [EXCEPTIONS[name] for name in names if name in EXCEPTIONS]
        judged.notes += [f"{where}: {row.note}" for row in rows if row.parity is Parity.LOSSY]
        if "" in names:
            judged.notes.append(f"what {where} catches is not known")
        for row in rows:
            if row.parity is Parity.NONE:
                judged.reason = judged.reason or f"{where}: {row.note}"
        unnamed = any(row.form for row in rows) and not handler.codes
        if unnamed or any(not question.codes for question in handler.asked):
            judged.reason = judged.reason or f"{where} names its classes by a name of its own: write them out"

    def caught(self, handler: Handler, scope: Scope) -> Iterator[str]:
        """The canonical names of the classes that a handler catches; "" for what is not known."""
        if not handler.classes and handler.number >= 0:
            yield "builtins.BaseException"
        yield from (self._name(term, scope) for term in handler.classes)

    def _name(self, term: Term, scope: Scope) -> str:
        value = self.project.resolver.resolve(term, scope)
        if isinstance(value, External):
            return value.name
        return "a class of the project" if isinstance(value, Class) else ""

    # -- what is needed

    def needs(self, guards: Iterable[Guard]) -> list[Goal]:
        """The imports that the new clauses need."""
        found: dict[Goal, None] = {}
        for guard in guards:
            for name in self._all_new(guard):
                module = name.partition(".")[0]
                found[Imported(guard.scope.path, self.project.library if module == "httpx" else module)] = None
        return list(found)

    def _all_new(self, guard: Guard) -> Iterator[str]:
        yield from _instead([self._name(term, guard.scope) for term in guard.handler.classes], guard.steps)
        for question in guard.handler.asked:
            yield from _instead([self._name(term, guard.scope) for term in question.classes], guard.steps)

    # -- lowering

    def lowered(
        self, guards: Iterable[Guard], migrated: set[tuple[str, int]]
    ) -> tuple[list[tuple[str, Intent]], list[Gone]]:
        """The edits of handlers, each with its file, and the terms that they do away with.

        A handler that guards something else that may raise errors of requests goes on catching these, too.
        """
        steps: dict[tuple[Scope, Handler], Steps] = {}
        for guard in guards:
            key = guard.scope, guard.handler
            steps[key] = steps.get(key, frozenset()) | guard.steps
        edits: list[tuple[str, Intent]] = []
        gone: list[Gone] = []
        for (scope, handler), joined in steps.items():
            guard = Guard(handler, scope, joined)
            keep = self.raising.in_block(handler, scope, migrated)
            new = [*self._clause(guard, keep, gone), *self._questions(guard, keep, gone), *self._shown(guard)]
            edits += [(scope.path, intent) for intent in new]
        return edits, gone

    def _clause(self, guard: Guard, keep: bool, gone: list[Gone]) -> Iterator[Intent]:
        handler = guard.handler
        codes = self._rewritten(handler.classes, handler.codes, guard, keep, gone)
        if codes == list(handler.codes):
            return
        if handler.number >= 0:
            yield EditHandler(handler.number, _joined(codes))
        else:  # suppress(A, B)
            *new, last = codes
            dropped = [ArgumentEdit(index, None, drop=True) for index in range(1, len(handler.codes))]
            added = tuple(NewArgument(None, code) for code in reversed(new))
            yield EditCall(handler.call, arguments=(ArgumentEdit(0, None, last), *dropped), added=added)

    def _rewritten(
        self, terms: Sequence[Term], codes: Sequence[str], guard: Guard, keep: bool, gone: list[Gone]
    ) -> list[str]:
        """The code of classes: the own ones, without those of requests unless these stay, and the new ones."""
        names = [self._name(term, guard.scope) for term in terms]
        new = [self._local(name, guard.scope.path) for name in _instead(names, guard.steps)]
        written: list[str] = []
        for term, code, name in zip(terms, codes, names, strict=False):
            if keep or not (name.startswith("requests.") and name in EXCEPTIONS and EXCEPTIONS[name].form):
                written.append(code)
            else:  # the new ones take its place
                gone.append((guard.scope.path, guard.scope.qualname, term))
                written += new
                new = []
        return [*written, *new]

    def _questions(self, guard: Guard, keep: bool, gone: list[Gone]) -> Iterator[Intent]:
        for question in guard.handler.asked:
            codes = self._rewritten(question.classes, question.codes, guard, keep, gone)
            if question.codes and codes != list(question.codes):
                yield EditCall(question.call, arguments=(ArgumentEdit(1, None, _joined(codes)),))

    def _shown(self, guard: Guard) -> Iterator[Intent]:
        """Timeouts and resets of httpx have no text of their own (docs/facts/requests-to-httpx.md row 9.15)."""
        handler = guard.handler
        if not any(_may_be_mute(name) for name in self._all_new(guard)):
            return
        for kind, number in handler.shown:
            code = f"str({handler.name}) or repr({handler.name})"
            yield Template(kind, number, code, handler.name if kind == "name" else "")
        for handed in handler.handed:
            if self._only_shows(handed, guard.scope):
                yield Template("name", handed.number, f"str({handler.name}) or repr({handler.name})", handler.name)

    def _local(self, name: str, path: str) -> str:
        module, _, cls = name.partition(".")
        bound, _ = imported(self.project, path, self.project.library if module == "httpx" else module)
        return f"{bound}.{cls}"


def _instead(names: Iterable[str], steps: Steps) -> list[str]:
    """The classes of httpx that a clause needs beside the builtin ones that it names, for what may go wrong there."""
    names = list(names)
    found: dict[str, None] = {}
    for name in names:
        row = EXCEPTIONS.get(name)
        if row is not None and (name.startswith("requests.") or steps & _steps_of(name)):
            found |= dict.fromkeys(_of_row(row, steps))
    needed = [new for new in found if not any(is_caught_by(new, name) for name in names)]
    return [new for new in needed if not any(other != new and is_caught_by(new, other) for other in needed)]


_LONG = 80  # characters of a tuple of classes that may stand on one line
_STEP_OF = {"httpx.InvalidURL": "url", "httpx.UnsupportedProtocol": "url", "json.JSONDecodeError": "json"}


def _of_row(row: Row, steps: Steps) -> list[str]:
    """The classes of a row that have to do with what may go wrong; all of them if nothing can."""
    names = [name for name in row.form.split(", ") if name]
    live = {*steps, "call", *(["url"] if "path" in steps and "httpx.HTTPError" in names else [])}
    return [name for name in names if _STEP_OF.get(name, "call") in live] or names


def _steps_of(clause: str) -> Steps:
    """The steps in which something goes wrong that a clause catches in requests, and not in httpx."""
    return frozenset(s.step for s in SITUATIONS if is_caught_by(s.requests, clause) > is_caught_by(s.httpx, clause))


def _catcher(raised: str, clauses: Sequence[Sequence[str]]) -> int | None:
    """The first clause that catches an error."""
    for index, names in enumerate(clauses):
        if any(is_caught_by(raised, name) for name in names):
            return index
    return None


def _joined(codes: Sequence[str]) -> str:
    """The code of one class, or of a tuple of them: on a line each, if they are many."""
    if len(codes) == 1:
        return codes[0]
    line = f"({', '.join(codes)})"
    return line if len(line) <= _LONG else "(\n" + "".join(f"    {code},\n" for code in codes) + ")"


def _may_be_mute(name: str) -> bool:
    mute = ("httpx.ReadTimeout", "httpx.ConnectTimeout", "httpx.ReadError")
    return any(is_caught_by(raised, name) for raised in mute)
