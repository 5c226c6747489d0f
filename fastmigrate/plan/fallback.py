"""Steps for calls that no client can make: they are awaited in a thread, as they are."""

from __future__ import annotations

from fastmigrate.facts.terms import dotted
from fastmigrate.knowledge.parity import Parity
from fastmigrate.plan.awaiting import Awaiting
from fastmigrate.plan.goals import Coroutine, Held, Imported, Step, Threaded
from fastmigrate.plan.names import imported
from fastmigrate.project.blocking import BlockingCall
from fastmigrate.project.project import Project
from fastmigrate.rewrite.intents import EditCall, NewArgument

__all__ = ["HINT", "THREAD", "Fallback"]

THREAD = ("fastapi.concurrency", "run_in_threadpool")
"""What runs a function in a thread and is awaited: its module, and its name."""
HINT = '; with `fallback = "thread"`, it would go to a thread'
"""What is said beside the reason of a fix that is held, where a thread would do."""
_IN_PARTS = ("urllib.request.urlopen", ".stream", "OpenerDirector.open")
"""What gives an answer that is still to be read."""


class Fallback:
    """Makes the steps of calls that go to threads."""

    def __init__(self, project: Project, awaiting: Awaiting) -> None:
        self.project = project
        self.awaiting = awaiting

    def threaded(self, goal: Threaded, call: BlockingCall) -> Step | Held:
        """`await run_in_threadpool(session.get, url)`."""
        site = self.project.returned.sites[goal.path].get(goal.number)
        if site is None or call.in_thread or call.is_handed_over:
            return Held(f"`{call.callee}` is handed over to be called: call it yourself")
        if call.callee.endswith(_IN_PARTS) or any(argument.keyword == "stream" for argument in site.arguments):
            return Held("its answer is read bit by bit: call and read it in a function, and hand that to a thread")
        callee = dotted(call.site.call.callee)
        if callee is None:
            return Held("what it calls has no name: give it one, to hand it to a thread")
        reason = self.awaiting.in_the_way(site, call.function)
        if reason is not None:
            return Held(reason)
        notes = tuple(self.awaiting.doubts(site, call.function))
        thread, _ = imported(self.project, goal.path, *THREAD)
        edit = EditCall(goal.number, thread, added=(NewArgument(None, callee),), awaited=True)
        needs = (Coroutine(call.function), Imported(goal.path, *THREAD))
        return Step(needs, Parity.LOSSY if notes else Parity.EXACT, notes, ((goal.path, edit),))
