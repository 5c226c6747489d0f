"""Steps for what is handed to threads: it is called where it was handed over, and awaited there as before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from fastmigrate.facts.nodes import assigned_alone, binding_lambdas
from fastmigrate.facts.order import number_nodes
from fastmigrate.facts.sites import Argument, Site
from fastmigrate.facts.terms import Call, Const, Member, Ref, Term, dotted
from fastmigrate.plan.goals import Goal, Gone, Held, Imported, Offloaded, Step, ThroughClient
from fastmigrate.plan.names import imported
from fastmigrate.project.callgraph import Edge
from fastmigrate.project.project import Project
from fastmigrate.project.values import External, Scope
from fastmigrate.rewrite.intents import (
    ArgumentEdit,
    EditCall,
    Intent,
    NewArgument,
    RemoveStatement,
    Template,
    WithoutThread,
)

__all__ = ["Offloading"]

_MADE = "what is handed to a thread is made in that call: hand the function over, and its arguments after it"
_LOOPS = frozenset({"asyncio.get_running_loop", "asyncio.get_event_loop"})


class Offloading:
    """Makes the steps of calls such as `asyncio.to_thread(f, …)`.

    `cures` are the goals of the findings in a function.
    """

    def __init__(self, project: Project, cures: Callable[[Scope], list[Goal]]) -> None:
        self.project = project
        self.cures = cures

    def brought_back(self, goal: Offloaded) -> Step | Held:
        """All blocking HTTP behind a call that hands it to a thread goes through a client."""
        needs: dict[Goal, None] = {}
        if any(call.key == (goal.path, goal.number) for call in self.project.blocking if call.is_offloaded):
            needs[ThroughClient(goal.path, goal.number)] = None
        for node, edge in self.project.reach.handed:
            if (node.scope.path, edge.call) == (goal.path, goal.number):
                behind = self.behind(edge)
                if isinstance(behind, Held):
                    return behind
                needs |= dict.fromkeys(behind)
        if not needs:
            return Held("what it hands to a thread is only known when it does so")
        return Step(tuple(needs))

    def behind(self, edge: Edge) -> list[Goal] | Held:
        """What must be so for a function that a thread runs to run on the event loop: nothing in it blocks that."""
        reason = self.project.offloads.in_the_way(edge.target)
        if reason is not None:
            return Held(f"{reason}: it stays in its thread")
        return [cure for scope in self.project.offloads.blocking(edge.target) for cure in self.cures(scope)]

    def in_the_way(self, caller: Scope, edge: Edge) -> str | None:
        """Why a call cannot take the place of one that hands a function to a thread, or None."""
        site = self.project.site_of(caller.path, edge.call)
        call = self.project.resolver.call_at(caller.path, edge.call)
        where = f"{caller.path}:{edge.place.line}"
        if site is None or call is None:
            return f"{where} hands it to a thread in a lambda, where nothing can be awaited"
        function = self.project.resolver.defined(edge.target.scope)
        if function.number < 0:
            if edge.target.scope.name in binding_lambdas(self.project.tree_of(caller.path)):
                return "the lambda that goes to a thread gives a name a value, which would be one of its function then"
            alone = site.waited == "await" and not function.parameters and self._is_last(caller, call, site)
            return None if alone else "the lambda that goes to a thread takes arguments, or is not awaited there"
        partial = self.project.offloads.partial(call, caller)
        if partial is not None:
            named = dotted(partial.args[0]) is not None and self._is_last(caller, call, site)
            return self._of_thread(caller, call, site) if named else _MADE
        return self.of_site(caller, call, site)

    def _is_last(self, caller: Scope, call: Call, site: Site) -> bool:
        """Whether a call hands over a function without arguments."""
        _, position, keywords = self._way(call, caller)
        others = [argument for argument in site.arguments if argument.keyword not in keywords]
        return len(call.args) == position + 1 == len(others)

    def unwrapped(self, caller: Scope, edge: Edge) -> Iterator[tuple[str, Intent]]:
        """The edit of a call whose argument takes its place: a lambda, or a `partial`."""
        call = self.project.resolver.call_at(caller.path, edge.call)
        if call is None:
            return
        if (
            self.project.handing(edge.target.scope) is not None
            or self.project.offloads.partial(call, caller) is not None
        ):
            yield caller.path, WithoutThread(edge.call, self._way(call, caller)[1])

    def of_site(self, caller: Scope, call: Call, site: Site) -> str | None:
        """The same, of a call and its site."""
        _, position, _ = self._way(call, caller)
        given = site.arguments
        if any(argument.star for argument in given[: position + 1]) or len(call.args) <= position:
            return "the function is not the first argument of what hands it to a thread"
        if isinstance(given[position].term, Call):
            return _MADE
        return self._of_thread(caller, call, site)

    def shielded(self, caller: Scope, call: int) -> Step:
        """A job whose time may be over goes on, as in a thread: what waits for it is cancelled, and it is not."""
        site = self.project.site_of(caller.path, call)
        if site is None or site.waited != "timed":
            return Step()
        asyncio, _ = imported(self.project, caller.path, "asyncio")
        shield = Template("call", call, f"{asyncio}.shield({{}})")
        return Step((Imported(caller.path, "asyncio"),), intents=((caller.path, shield),))

    def _of_thread(self, caller: Scope, call: Call, site: Site) -> str | None:
        """Why a thread cannot be done without: it is bounded, or what comes of it is kept."""
        in_executor = self._way(call, caller)[1] > 0
        given = site.arguments
        if call.keyword("limiter") not in {None, Const(None)}:
            return "its `limiter` bounds how many run at once: use a semaphore"
        if in_executor and given[0].term != Const(None):
            return "it runs in a pool of its own, which bounds how many run at once"
        if site.waited == "" or (site.waited == "task" and in_executor):
            return "what hands it to a thread is not awaited there"
        return None

    def function(self, caller: Scope, edge: Edge) -> Term | None:
        """What names the function that a call hands to a thread."""
        call = self.project.resolver.call_at(caller.path, edge.call)
        return None if call is None else self.project.offloads.function(call, caller)

    def edit(self, caller: Scope, edge: Edge, clients: list[str], renamed: str | None) -> EditCall:
        """The call of the function itself, with clients before its other arguments."""
        site = self.project.site_of(caller.path, edge.call)
        call = self.project.resolver.call_at(caller.path, edge.call)
        assert site is not None and call is not None
        partial = self.project.offloads.partial(call, caller)
        number = edge.call if partial is None else partial.number
        if partial is None:
            callee, dropped = self.without_thread(caller, call, site.arguments)
        else:
            callee, dropped = dotted(partial.args[0]) or "", (ArgumentEdit(0, None, drop=True),)
        if renamed is not None:
            callee = f"{callee.rpartition('.')[0]}.{renamed}".lstrip(".")
        added = tuple(NewArgument(None, client) for client in clients)
        return EditCall(number, callee=callee, arguments=dropped, added=added)

    def without_thread(
        self, caller: Scope, call: Call, arguments: tuple[Argument, ...]
    ) -> tuple[str, tuple[ArgumentEdit, ...]]:
        """The code of the function that a call hands to a thread, and the arguments that go with the thread."""
        _, position, keywords = self._way(call, caller)
        going = [index for index, a in enumerate(arguments) if index <= position or a.keyword in keywords]
        return arguments[position].code, tuple(ArgumentEdit(index, None, drop=True) for index in going)

    def loops_left(self, intents: Mapping[str, list[Intent]]) -> Iterator[tuple[str, Intent, Gone]]:
        """The statements that get an event loop, by file, where all that it was asked to do goes with these edits."""
        for path, edits in intents.items():
            links = self.project.links(path)
            edited = {edit.number for edit in edits if isinstance(edit, EditCall) and edit.callee is not None}
            edited |= {edit.number for edit in edits if isinstance(edit, WithoutThread)}
            asked: Counter[tuple[str, str]] = Counter()
            for site in links.calls if links is not None else ():
                callee = site.call.callee
                if site.call.number in edited and isinstance(callee, Member) and callee.name == "run_in_executor":
                    asked[site.scope, callee.of.name if isinstance(callee.of, Ref) else ""] += 1
            alone = self._alone(path) if asked else set()
            for (scope, name), count in asked.items():
                function = links.functions.get(scope) if links is not None else None
                bindings = function.bindings.get(name, ()) if function is not None else ()
                if function is None or len(bindings) != 1 or function.loads.get(name) != count:
                    continue
                term = bindings[0].term
                value = (
                    self.project.resolver.resolve(term.callee, Scope(path, scope)) if isinstance(term, Call) else None
                )
                removable = isinstance(term, Call) and term.number in alone
                if removable and isinstance(term, Call) and isinstance(value, External) and value.name in _LOOPS:
                    yield path, RemoveStatement("call", term.number), (path, scope, term.callee)

    def _alone(self, path: str) -> set[int]:
        """The calls in a file whose statements could go with them."""
        tree = self.project.tree_of(path)
        return assigned_alone(tree, number_nodes(tree))

    def _way(self, call: Call, scope: Scope) -> tuple[str, int, frozenset[str]]:
        """How a call takes the function that it hands to a thread (see `OFFLOADING`); LookupError if it does not."""
        way = self.project.graph.way_to_thread(call, self.project.resolver.resolve(call.callee, scope))
        if way is None:
            raise LookupError(call)
        return way
