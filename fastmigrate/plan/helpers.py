"""Steps for helpers: functions between the event loop and a call become coroutine functions that take the client."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from fastmigrate.facts.terms import Call, Item, Member, Ref, Term, dotted
from fastmigrate.facts.values import FunctionLinks
from fastmigrate.knowledge.parity import Parity
from fastmigrate.plan.awaiting import Awaiting
from fastmigrate.plan.goals import (
    ClientHandedOn,
    ClientInFunction,
    Coroutine,
    Goal,
    Held,
    HelperRun,
    Imported,
    Offloaded,
    Step,
)
from fastmigrate.plan.names import imported, takes_object
from fastmigrate.plan.offloading import Offloading
from fastmigrate.plan.pools import Pools
from fastmigrate.plan.specs import ClientSpec
from fastmigrate.plan.twins import Named, TwinImport, Twins, call_of
from fastmigrate.plan.users import Users
from fastmigrate.project.callgraph import Edge, Node
from fastmigrate.project.project import Project
from fastmigrate.project.values import Class, External, Function, Instance, Scope
from fastmigrate.rewrite.intents import (
    AddParameter,
    Annotate,
    Collect,
    EditCall,
    Intent,
    MakeAsync,
    NewArgument,
    RemoveImport,
    Twin,
)

if TYPE_CHECKING:
    from fastmigrate.plan.clients import Clients

__all__ = ["Helpers"]

_ASYNC_CAPABLE = frozenset(
    [
        *("builtins.staticmethod", "builtins.classmethod", "abc.abstractmethod", "typing.override"),
        *("typing_extensions.override", "typing.final", "tenacity.retry", "backoff.on_exception"),
        *("backoff.on_predicate", "typing.overload"),
    ]
)
"""Decorators from outside that do for a coroutine function what they do for any other."""
_COLLECTING = frozenset({External("builtins.list"), External("builtins.set")})
_WHY_NOT: dict[str, str] = {
    "read": "is a property, and reading it cannot be awaited",
    "with": "is entered by `with`, which cannot be awaited",
}


class Helpers:
    """Makes the steps of the goals that concern helpers.

    `cures` are the goals of the findings in a function.
    """

    def __init__(
        self,
        project: Project,
        awaiting: Awaiting,
        users: Users,
        clients: Clients,
        cures: Callable[[Scope], list[Goal]],
        offloading: Offloading,
        pools: Pools,
    ) -> None:
        self.project = project
        self.awaiting = awaiting
        self.clients = clients
        self.cures = cures
        self.users = users
        self.offloading = offloading
        self.pools = pools
        self.twins = Twins(project, users, self.offloading)

    # -- a function becomes a coroutine function

    def coroutine(self, goal: Coroutine) -> Step | Held:
        """A function becomes a coroutine function, or its twin does, and all that runs it awaits it."""
        links = self.project.resolver.defined(goal.function)
        if links.is_async:
            return Step()
        handing = self.project.handing(goal.function)
        if handing is not None:
            return Step((HelperRun(*handing),))
        reason = self._in_the_way(goal.function, links)
        if reason is not None:
            return Held(reason)
        needs: list[Goal] = [HelperRun(caller, edge) for caller, edge in self.project.reach.callers_of(goal.function)]
        needs += [Coroutine(member) for member in self.users.family(goal.function) if member != goal.function]
        path = goal.function.path
        intents: list[Intent] = [MakeAsync("function", links.number)]
        annotation = self._async_annotation(goal.function, links) if links.yields else None
        if annotation is not None:
            needs.append(annotation)
            intents.append(Annotate(links.number, imported(self.project, path, annotation.module, annotation.name)[0]))
            if self._is_last_use(goal.function, links):
                intents.append(RemoveImport(dotted(links.returned.of) or ""))  # type: ignore[union-attr]
        twin = self.users.twin(goal.function)
        if twin is not None:
            if links.in_class and goal.function.name.startswith("__"):
                return Held(f"`{links.qualname}` is used by code off the event loop, too: give it a name of its own")
            intents.append(Twin(links.number, twin))
            needs += self.cures(goal.function)
        notes = self._notes(goal.function)
        parity = Parity.LOSSY if notes else Parity.EXACT
        return Step(tuple(needs), parity, notes, tuple((path, intent) for intent in intents))

    def _notes(self, function: Scope) -> tuple[str, ...]:
        replaced = self.users.replaced(function)
        return () if replaced is None else (replaced,)

    def _in_the_way(self, function: Scope, links: FunctionLinks) -> str | None:
        name = function.name
        where = f"`{self.project.name_of(function)}`"
        if links.number < 0:
            return f"{where} is a lambda, which cannot be a coroutine function"
        if name.startswith("__") and name.endswith("__") and name != "__call__":
            return f"{where} cannot be a coroutine function: Python calls it"
        if links.delegates:
            return f"{where} cannot be an asynchronous generator: it has `yield from`"
        if links.yields and any(item.value is None and not item.statement for item in links.yields):
            return f"{where} is a generator that is sent values"
        for decorator in links.decorators:
            reason = self._decorator_in_the_way(decorator, function, links)
            if reason is not None:
                return f"{where} cannot be a coroutine function: {reason}"
        return None

    def _decorator_in_the_way(self, decorator: Term, function: Scope, links: FunctionLinks) -> str | None:
        callee = decorator.callee if isinstance(decorator, Call) else decorator
        value = self.project.resolver.resolve(callee, Scope(function.path, links.parent))
        if isinstance(value, External) and value.name in _ASYNC_CAPABLE:
            return self.clients.errors.of_decorator(decorator, function)
        if isinstance(value, Function) and self._is_capable(value.scope, links):
            return self.clients.errors.of_decorator(decorator, function)
        shown = dotted(callee) or "…"
        if function in self.project.apps.routes:
            return "it is a path operation, too"
        if isinstance(value, External) and value.name.endswith(("property", "cache")):
            is_property = value.name.endswith("property")
            kept = "is read like an attribute" if is_property else "would be kept, and awaited twice"
            return f"what `@{shown}` gives {kept}"
        return f"it is not known what its decorator `@{shown}` does with one"

    def _async_annotation(self, function: Scope, links: FunctionLinks) -> Imported | None:
        """What the annotation of a generator becomes: `Iterator[X]` is `AsyncIterator[X]`."""
        if not isinstance(links.returned, Item):
            return None
        kind = self.project.resolver.resolve(links.returned.of, Scope(function.path))
        module, _, name = kind.name.rpartition(".") if isinstance(kind, External) else ("", "", "")
        is_iterator = module in {"typing", "collections.abc"} and name in {"Iterator", "Iterable", "Generator"}
        return Imported(function.path, module, f"Async{name}") if is_iterator else None

    def _is_last_use(self, function: Scope, links: FunctionLinks) -> bool:
        """Whether nothing but the annotation of a function names what it names, so that its import goes."""
        home = self.project.links(function.path)
        name = dotted(links.returned.of) if isinstance(links.returned, Item) else None
        return home is not None and home.loads.get(name or "") == 1 and self.users.twin(function) is None

    def _is_capable(self, decorator: Scope, links: FunctionLinks) -> bool:
        """Whether a decorator of the project hands arguments on, and does so for coroutine functions, too."""
        home = self.project.resolver.function(decorator)
        asks = home is not None and "iscoroutinefunction" in home.members | home.names
        wrappers = self.project.graph.decorators.wrappers(decorator)
        kinds = {wrapper.is_async for wrapper in wrappers}
        fits = kinds == {True, False} if not links.is_async else True in kinds
        return fits and (asks or links.is_async) and self.clients.hands_arguments_on(decorator)

    # -- a function on the event loop awaits another one

    def helper_run(self, goal: HelperRun) -> Step | Held:
        """Where a function runs another one that becomes a coroutine function, it awaits it."""
        edge, caller = goal.edge, goal.caller
        name = self.project.name_of(edge.target.scope)
        links = self.project.resolver.defined(edge.target.scope)
        where = f"{caller.path}:{edge.place.line}"
        if edge.how in _WHY_NOT:
            return Held(f"`{name}` {_WHY_NOT[edge.how]} ({where})")
        if edge.how == "callback" and not links.is_async:
            return Held(f"`{name}` is handed over in {where} to be called, where it cannot be awaited")
        if edge.call < 0 or not self._is_direct(goal):
            return Held(f"which function {where} runs is only known when it does: it may be `{name}`")
        if self._names_its_class(goal):
            return Held(f"{where} calls `{name}` by its class, with `self` as an argument: use `super()`, or an object")
        twin = self.twins.named(caller, edge)
        if isinstance(twin, str):
            return Held(twin)
        if links.is_async:
            return Step()
        if self.project.jobs.of(caller.path, edge.call) is not None:
            return self.pools.job_run(caller, edge)
        if edge.how == "thread":
            reason = self.offloading.in_the_way(caller, edge)
            if reason is not None:
                return Held(reason)
            shielded = self.offloading.shielded(caller, edge.call)
            unwrapped = self.offloading.unwrapped(caller, edge)
            needs = (Coroutine(caller), Offloaded(caller.path, edge.call), *shielded.needs)
            return Step(needs, intents=(*unwrapped, *shielded.intents))
        site = self.project.site_of(caller.path, edge.call)
        if site is None:
            return Held(f"`{name}` is called in a lambda in {where}, where it cannot be awaited")
        reason = self.awaiting.in_the_way(site, caller)
        if reason is not None:
            return Held(f"the call of `{name}` in {where} cannot be awaited: {reason}")
        if site.sees_names:
            return Held(f"`{self.project.name_of(caller)}` looks at its own names with `locals()` or the like")
        notes = tuple(self.awaiting.doubts(site, caller))
        intents: tuple[tuple[str, Intent], ...] = ()
        if links.yields:
            taken = self.project.resolver.resolve(site.passed[0], caller)
            if site.loop is not None and site.loop[0] != "generator":
                intents = ((caller.path, MakeAsync(*site.loop)),)
            elif taken in _COLLECTING:
                intents = ((caller.path, Collect(site.passed[1])),)
            else:
                return Held(f"the generator `{name}` is not just looped over in {where}")
        return Step((Coroutine(caller),), Parity.LOSSY if notes else Parity.EXACT, notes, intents)

    def _names_its_class(self, goal: HelperRun) -> bool:
        """`Base.method(self, …)`."""
        callee = call_of(self.project, goal.caller, goal.edge).callee if goal.edge.how == "call" else None
        links = self.project.resolver.defined(goal.edge.target.scope)
        if not isinstance(callee, Member) or not links.in_class:
            return False
        bound = {Ref("staticmethod"), Ref("classmethod")}
        owner = self.project.resolver.resolve(callee.of, goal.caller)
        return isinstance(owner, Class) and bound.isdisjoint(links.decorators)

    def _is_direct(self, goal: HelperRun) -> bool:
        """Whether a call names the function that it runs, or is given it to run."""
        call = self.project.resolver.call_at(goal.caller.path, goal.edge.call)
        if call is None:
            return False
        node = next((n for n in self.project.reach.nodes[goal.caller] if n.receiver is not None), Node(goal.caller))
        term = call.argument(0, "func") if goal.edge.how == "task" else call.callee
        if goal.edge.how == "thread":
            term = self.offloading.function(goal.caller, goal.edge)
        value = self.project.graph.value(term, node)
        family = {goal.edge.target.scope, *self.users.family(goal.edge.target.scope)}
        if isinstance(value, Function):
            return value.scope in family
        if isinstance(value, Instance):
            return self.project.resolver.defined(goal.edge.target.scope).qualname.endswith(".__call__")
        return False

    # -- the client

    def client_in_helper(self, goal: ClientInFunction) -> Step | Held:
        """A helper gets the client as its first parameter, and all that runs it hand theirs on."""
        links = self.project.resolver.defined(goal.function)
        outer = self.clients.outer(goal.function)
        if outer is not None and outer in self.project.reach and self._is_used_within(goal.function, outer):
            return Step((ClientInFunction(outer, goal.spec),))
        if outer is not None:
            return Held(f"`{self.project.name_of(goal.function)}` is defined within a function that has no client")
        callers = self.project.reach.callers_of(goal.function)
        if self.clients.present.handed(goal.function, goal.spec) is not None:
            return Step(tuple(ClientInFunction(caller, goal.spec) for caller, _ in callers))
        stranger = self.users.stranger(goal.function) if links.is_async else None
        if stranger is not None:
            return Held(
                f"`{self.project.name_of(goal.function)}` is also called, or referred to, in {stranger}, which has no "
                "client to hand on"
            )
        for decorator in links.decorators:
            reason = self._decorator_in_the_way(decorator, goal.function, links)
            if reason is not None:
                return Held(f"`{self.project.name_of(goal.function)}` cannot take a client: {reason}")
        needs: list[Goal] = [Coroutine(goal.function), Imported(goal.function.path, self.project.library)]
        needs += [ClientHandedOn(caller, edge, goal.spec) for caller, edge in callers]
        family = self.users.family(goal.function)
        needs += [ClientInFunction(member, goal.spec) for member in family if member != goal.function]
        notes = self._notes(goal.function)
        return Step(tuple(needs), Parity.LOSSY if notes else Parity.EXACT, notes)

    def _is_used_within(self, function: Scope, outer: Scope) -> bool:
        inside = f"{outer.qualname}."
        return all(
            caller.path == outer.path and f"{caller.qualname}.".startswith(inside)
            for caller, _ in self.project.reach.callers_of(function)
        )

    def client_handed_on(self, goal: ClientHandedOn) -> Step | Held:
        """A function hands its client on."""
        edge = goal.edge
        where = f"{goal.caller.path}:{edge.place.line}"
        if edge.how == "callback":
            name = self.project.name_of(edge.target.scope)
            return Held(f"`{name}` is handed over in {where} to be called, where no client can be handed on to it")
        if edge.how == "task" and not call_of(self.project, goal.caller, edge).args:
            return Held(f"the function is not the first argument in {where}")
        return Step((ClientInFunction(goal.caller, goal.spec), HelperRun(goal.caller, edge)))

    # -- lowering

    def lowered(self, goals: Iterable[Goal]) -> Iterator[tuple[str, Intent]]:
        """The parameters, the calls and the imports, once it is known which clients go where."""
        goals = list(goals)
        order = self.clients.keys.specs
        taken: dict[Scope, set[ClientSpec]] = {}
        handed: dict[tuple[Scope, Edge], set[ClientSpec]] = {}
        made = {goal.function for goal in goals if isinstance(goal, Coroutine)}
        for goal in goals:
            if isinstance(goal, ClientInFunction) and self._gets(goal):
                taken.setdefault(goal.function, set()).add(goal.spec)
            elif isinstance(goal, HelperRun):
                handed.setdefault((goal.caller, goal.edge), set())
            elif isinstance(goal, ClientHandedOn):
                handed.setdefault((goal.caller, goal.edge), set()).add(goal.spec)
        for function, specs in taken.items():
            yield from self._parameters(function, [spec for spec in reversed(order) if spec in specs])
        calls: dict[tuple[Scope, int], tuple[Edge, set[ClientSpec]]] = {}
        for (caller, edge), specs in handed.items():
            if edge.target.scope in made or specs:
                calls.setdefault((caller, edge.call), (edge, set()))[1].update(specs)
        imports: dict[TwinImport, None] = {}
        for (caller, _), (edge, specs) in sorted(calls.items(), key=repr):
            if self.project.handing(edge.target.scope) is not None:  # a lambda, whose body stays
                continue
            given = [spec for spec in reversed(order) if spec in specs]
            yield from ((caller.path, intent) for intent in self._call(caller, edge, given))
            twin = self.twins.named(caller, edge)
            imports |= dict.fromkeys(twin.imports if isinstance(twin, Named) else ())
        yield from self.twins.imported(imports, calls)

    def _gets(self, goal: ClientInFunction) -> bool:
        """Whether a function gets a new parameter for the client."""
        there = self.clients.present.handed(goal.function, goal.spec)
        return self.is_given(goal.function) and there is None

    def is_given(self, function: Scope) -> bool:
        """Whether a function gets its client as a parameter: it has no request, and no function around it has one."""
        return self.clients.outer(function) is None and not self.clients.has_request(function)

    def _parameters(self, function: Scope, specs: list[ClientSpec]) -> Iterator[tuple[str, Intent]]:
        links = self.project.resolver.defined(function)
        httpx, _ = imported(self.project, function.path, self.project.library)
        is_method = takes_object(links)
        for spec in specs:
            code = f"{self.clients.client_name(function, spec)}: {httpx}.AsyncClient"
            yield function.path, AddParameter(links.number, code, is_method)

    def _call(self, caller: Scope, edge: Edge, specs: list[ClientSpec]) -> Iterator[Intent]:
        after = 1 if edge.how == "task" else 0
        added = tuple(NewArgument(None, self.clients.client_name(caller, spec), after) for spec in specs)
        links = self.project.resolver.defined(edge.target.scope)
        awaited = not links.is_async and edge.how == "call" and not links.yields
        twin = self.twins.named(caller, edge)
        renamed = twin.name if isinstance(twin, Named) else None
        clients = [new.value for new in added]
        if self.project.jobs.of(caller.path, edge.call) is not None:
            yield from self.pools.edits(caller, edge, clients, renamed)
        elif edge.how == "thread":
            yield self.offloading.edit(caller, edge, clients, renamed)
        else:
            yield EditCall(edge.call, added=added, awaited=awaited, renamed=renamed)
