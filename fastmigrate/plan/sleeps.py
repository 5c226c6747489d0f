"""Steps for calls that sleep."""

from __future__ import annotations

from fastmigrate.facts.terms import Call, Const, Either, Item, Member, Ref, Sum, Term, Truthy
from fastmigrate.knowledge.parity import Parity
from fastmigrate.plan.awaiting import Awaiting
from fastmigrate.plan.goals import Held, Imported, Step
from fastmigrate.plan.names import imported
from fastmigrate.project.blocking import BlockingCall
from fastmigrate.project.project import Project
from fastmigrate.project.values import External, Scope
from fastmigrate.rewrite.intents import EditCall

__all__ = ["Sleeps"]

_NEVER_NEGATIVE = frozenset({"builtins.abs", "builtins.len", "os.getenv", "os.environ.get"})


class Sleeps:
    """Makes the steps of the goals that concern sleeping."""

    def __init__(self, project: Project, awaiting: Awaiting) -> None:
        self.project = project
        self.awaiting = awaiting

    def slept(self, call: BlockingCall) -> Step | Held:
        """`time.sleep(x)` becomes `await asyncio.sleep(x)`."""
        site = self.project.site(call)
        reason = self.awaiting.in_the_way(site, call.function)
        if reason is not None:
            return Held(reason)
        if len(site.arguments) != 1 or site.arguments[0].star or site.arguments[0].keyword is not None:
            return Held("`time.sleep` takes one positional argument, which is not what it gets here")
        [seconds] = site.arguments
        notes = list(self.awaiting.doubts(site, call.function))
        if self._may_be_negative(seconds.term, call.function):
            notes.append(
                f"`time.sleep` refuses a negative number, `asyncio.sleep` does not wait then: `max(0, {seconds.code})` "
                "would be the same in both"
            )
        path, number = call.key
        asyncio, _ = imported(self.project, path, "asyncio")
        edit = EditCall(number, f"{asyncio}.sleep", awaited=True)
        needs = (Imported(path, "asyncio"),)
        return Step(needs, Parity.LOSSY if notes else Parity.EXACT, tuple(notes), ((path, edit),))

    def _may_be_negative(self, term: Term, scope: Scope) -> bool:
        """Whether a number is a difference, or comes from outside: constants and settings are taken to be right."""
        match term:
            case Const(value):
                return not isinstance(value, int | float) or value < 0
            case Sum(left, right, less):
                return less or self._may_be_negative(left, scope) or self._may_be_negative(right, scope)
            case Either(options):
                return any(self._may_be_negative(option, scope) for option in options)
            case Truthy(of) | Member(of) | Item(of):
                return self._may_be_negative(of, scope)
            case Ref(name):
                found = self.project.resolver.lookup(name, scope)
                return found is not None and found[0][0].kind == "parameter" and name not in {"self", "cls"}
            case Call(callee, args):
                function = self.project.resolver.resolve(callee, scope)
                name = function.name if isinstance(function, External) else ""
                judged = [self._may_be_negative(arg, scope) for arg in args]
                if name == "builtins.max":
                    return all(judged)
                return name not in _NEVER_NEGATIVE and (any(judged) or self._may_be_negative(callee, scope))
        return False
