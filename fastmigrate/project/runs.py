"""What a function runs: other functions of the project, in its own thread or in others, and where it does so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Literal

from msgspec import Struct

from fastmigrate.facts.terms import Call, Display, Member, Ref, Term, last_name
from fastmigrate.facts.values import CallSite, Place, Touch
from fastmigrate.knowledge.running import (
    BACKGROUND_TASKS,
    CONTEXT_MANAGERS,
    ENTERING,
    ITERATING,
    KEYED,
    LAZY,
    MAPPING,
    OFFLOADING,
    SCHEDULING,
)
from fastmigrate.knowledge.threads import JOBS
from fastmigrate.project.alternatives import Alternatives
from fastmigrate.project.choices import Choices
from fastmigrate.project.decorators import Decorators
from fastmigrate.project.receivers import Receivers
from fastmigrate.project.resolve import Resolver
from fastmigrate.project.values import Class, External, Function, Instance, Method, Scope, Value

__all__ = ["ITSELF", "Edge", "How", "Node", "Runs"]

How = Literal["call", "task", "callback", "thread", "read", "with", "for"]
ITSELF = ""
"""Stands among the members of a receiver for all that it is."""
_MADE_BY = ("__new__", "__init__", "__post_init__")
_ITERATED = ("__iter__", "__next__", "__aiter__", "__anext__")
_ENTERED = {"with": ("__enter__", "__exit__"), "async with": ("__aenter__", "__aexit__")}


class Node(Struct, frozen=True):
    """A function as it runs; `receiver` is the class of its `self`, which may be one below that of the method."""

    scope: Scope
    receiver: Class | None = None


class Edge(Struct, frozen=True):
    """A place where one function runs another: by the call with this ordinal, or (-1) without one.

    "task", "callback" and "thread" stand for a function that is handed over to be run, the last one off the event loop;
    `place` counts bytes.
    """

    target: Node
    how: How
    place: Place
    call: int = -1


class Runs:
    """Tells what a function with a certain receiver runs, and what it hands to threads and waits for.

    `relevant` are the files that can matter: what the others define is not followed, unless a class of a relevant file
    inherits it. `is_job` tells of a call in a file whether it hands a job to a pool, under whichever name.
    """

    def __init__(
        self,
        resolver: Resolver,
        relevant: Iterable[str],
        is_job: Callable[[str, int], bool] = lambda *_: False,
    ) -> None:
        self.resolver = resolver
        self.is_job = is_job
        self.relevant = frozenset(relevant)
        self.decorators = Decorators(resolver)
        self._alternatives = Alternatives(resolver)
        self.receivers = Receivers(resolver, self.relevant)
        self._found: dict[Node, tuple[tuple[Edge, ...], frozenset[str]]] = {}
        self._asked_for: set[str] = set()  # the members of `self` on which depends what is being found
        self._asked_in: dict[Scope, frozenset[Term]] = {}
        self._inside: dict[str, dict[str, list[CallSite | Touch]]] = {}

    def edges_and_members(self, node: Node) -> tuple[tuple[Edge, ...], frozenset[str]]:
        """The places where a function runs others, and the members of its receiver on which they depend."""
        if node not in self._found:
            before, self._asked_for = self._asked_for, set()
            edges = tuple(dict.fromkeys(self._find(node)))
            self._found[node] = edges, frozenset(self._asked_for)
            self._asked_for = before
        return self._found[node]

    def _find(self, node: Node) -> Iterator[Edge]:
        for item in self._sites(node.scope):
            if isinstance(item, Touch):
                yield from self._by_touch(item, node)
            else:
                yield from self._by_call(item, node)

    def _sites(self, scope: Scope) -> list[CallSite | Touch]:
        """Where a function calls or touches something."""
        links = self.resolver.links(scope.path)
        if links is None:
            return []
        if links.path not in self._inside:
            self._inside[links.path] = {}
            everything: tuple[CallSite | Touch, ...] = (*links.calls, *links.touches)
            for item in everything:
                self._inside[links.path].setdefault(item.scope, []).append(item)
        return self._inside[links.path].get(scope.qualname, [])

    # -- calls

    def _by_call(self, site: CallSite, node: Node) -> Iterator[Edge]:
        call = site.call
        is_asked = site.awaited and call.callee in self._asked(node.scope)
        for target in self.callees(call.callee, node):
            if not self._is_lazy(target) and (not is_asked or self.resolver.is_async(target.scope)):
                yield Edge(target, "call", site.place, call.number)
        value = self.value(call.callee, node)
        names = set(self.resolver.called_names(value))
        how, given = self._handed_over(call, value, node)
        for function in given:
            for target in self.callees(function, node):
                runs = how == "callback" or self.resolver.is_async(target.scope)
                if runs and (how == "task" or not self._is_lazy(target)):
                    yield Edge(target, how, site.place, call.number)
        offloaded = self.offloaded(call, value, node.scope.path)
        is_asked = offloaded is not None and offloaded in self._asked(node.scope)
        for target in self.callees(offloaded, node) if offloaded is not None else ():
            if not self._is_lazy(target) and not (is_asked and self.resolver.is_async(target.scope)):
                yield Edge(target, "thread", site.place, call.number)
        for term in call.args[:1] if names & ENTERING else ():
            yield from self._by_touch(Touch("with", term, site.scope, site.place), node)
        joins = isinstance(call.callee, Member) and call.callee.name == "join"
        if names & ITERATING or (joins and value is None):
            for term in call.args:
                number = term.number if isinstance(term, Call) else -1
                yield from (Edge(t, "for", site.place, number) for t in self._iterated(term, node))

    def _asked(self, scope: Scope) -> frozenset[Term]:
        """What a function asks whether it is a coroutine function: only then is it awaited, and else handed over."""
        if scope not in self._asked_in:
            calls = (item.call for item in self._sites(scope) if isinstance(item, CallSite))
            asking = (call for call in calls if call.args and last_name(call.callee) == "iscoroutinefunction")
            self._asked_in[scope] = frozenset(call.args[0] for call in asking)
        return self._asked_in[scope]

    def called_back(self, site: CallSite, node: Node) -> list[Term]:
        """What a call calls of what it is given: `map(f, …)`, `partial(f, …)(…)`, a function of the project."""
        value = self.value(site.call.callee, node)
        match value:
            case Instance(of=External("functools.partial"), scope=home, number=number):
                call = self.resolver.call_at(home.path, number)
                return list(call.args[:1]) if call is not None and home == node.scope else []
        how, given = self._handed_over(site.call, value, node)
        return given if how == "callback" else []

    def _handed_over(self, call: Call, value: Value | None, node: Node) -> tuple[How, list[Term]]:
        """The functions that a call is given to run on the event loop."""
        names = set(self.resolver.called_names(value))
        if names & BACKGROUND_TASKS:
            given = call.argument(0, "func")
            return "task", [given] if given is not None else []
        if isinstance(value, Method) and value.name in SCHEDULING:
            index = 1 if value.name in {"call_later", "call_at"} else 0
            return "callback", list(call.args[index : index + 1])
        if isinstance(value, Function):
            return "callback", list(self._called_there(call, value.scope, node))
        key = call.keyword("key")
        if names & KEYED or (isinstance(call.callee, Member) and call.callee.name == "sort"):
            return "callback", [key] if key is not None else []
        return "callback", list(call.args[:1]) if names & MAPPING else []

    def offloaded(self, call: Call, value: Value | None, path: str) -> Term | None:
        """The function that a call in a file hands to a thread, or to a pool of such; `value` is what is called."""
        way = self.way_to_thread(call, value)
        named = isinstance(call.callee, Member) and call.callee.name in {"submit", "map"}
        if way is None and value is None and named and self.is_job(path, call.number):
            return call.argument(0, "fn")
        return None if way is None else call.argument(way[1], way[0])

    @staticmethod
    def way_to_thread(call: Call, value: Value | None) -> tuple[str, int, frozenset[str]] | None:
        """How a call takes the function that it hands to a thread (see `OFFLOADING`), if it does so."""
        if isinstance(value, External) and value.name in OFFLOADING:
            return OFFLOADING[value.name]
        if isinstance(value, Method) and isinstance(value.of.of, External) and value.name in {"submit", "map"}:
            return JOBS.get(f"{value.of.of.name}.{value.name}")
        named = call.callee.name if isinstance(call.callee, Member) else ""
        return OFFLOADING[named] if named == "run_in_executor" and not isinstance(value, Function) else None

    def _called_there(self, call: Call, scope: Scope, node: Node) -> Iterator[Term]:
        """The arguments of a call that the function which gets them calls in its turn."""
        function = self.resolver.function(scope)
        for position, parameter in enumerate(function.parameters if function is not None else ()):
            bound = function is not None and function.in_class and isinstance(call.callee, Member)
            given = call.argument(position - bound, parameter.name) if position >= bound else None
            if given is None or parameter.name not in self._called_in(scope):
                continue
            if not self._is_told_apart(parameter.name, scope) or self._is_coroutine(given, node):
                yield given

    def _is_coroutine(self, term: Term, node: Node) -> bool:
        value = self.value(term, node)
        return isinstance(value, Function) and self.resolver.is_async(value.scope)

    def _is_told_apart(self, name: str, scope: Scope) -> bool:
        """Whether a function that calls a name does more with it: asks what it is, hands it to a thread, replaces it.

        What is no coroutine function may then never be called there.
        """
        function = self.resolver.function(scope)
        if function is not None and len(function.bindings.get(name, ())) > 1:
            return True
        sites = (item.call for item in self._sites(scope) if isinstance(item, CallSite))
        return any(Ref(name) in call.given for call in sites)

    def _called_in(self, scope: Scope) -> set[str]:
        """The names that a function calls by themselves."""
        sites = self._sites(scope)
        return {
            item.call.callee.name for item in sites if isinstance(item, CallSite) and isinstance(item.call.callee, Ref)
        }

    def callees(self, callee: Term, node: Node) -> list[Node]:
        """The functions of the project that calling a term runs, generators and coroutines included."""
        values = [self.value(callee, node)]
        if values == [None]:
            values = [*self._choices(node).of(callee, node.scope)]
            if isinstance(callee, Ref) and self._is_told_apart(callee.name, node.scope):
                values = [v for v in values if isinstance(v, Function) and self.resolver.is_async(v.scope)]
        found: dict[Node, None] = {}
        for value in values:
            found |= dict.fromkeys(t for t in self._run_by(value, callee, node) if self._is_followed(t))
        return list(found)

    def _run_by(self, value: Value | None, callee: Term, node: Node) -> Iterator[Node]:
        match value:
            case Function(scope) if self._is_super(callee, node):
                yield from self._decorated(Node(scope, node.receiver))
            case Function(scope):
                for receiver, name in self._receivers(scope, callee, node):
                    yield from self._decorated(Node(self.receivers.method(receiver, scope, name), receiver))
            case Class():
                self._ask(value, _MADE_BY, node)
                for name in _MADE_BY:
                    made = self.resolver.class_member(value, name)
                    if isinstance(made, Function):
                        yield Node(made.scope, value)
            case Instance(of=Class() as kind):
                self._ask(kind, ["__call__"], node)
                for receiver in self._possible(value, callee, node):
                    called = self.resolver.class_member(receiver, "__call__")
                    if isinstance(called, Function):
                        yield from self._decorated(Node(called.scope, receiver))
            case Instance(of=External("functools.partial"), scope=home, number=number):
                call = self.resolver.call_at(home.path, number)
                given = call.args[0] if call is not None and call.args else None
                if given is not None and given != callee:  # `f = partial(f, …)`
                    yield from self.callees(given, Node(home, node.receiver))

    def _is_super(self, callee: Term, node: Node) -> bool:
        """`super().method`, which runs that of a base for whatever `self` is."""
        match callee:
            case Member(of=Call(callee=inner)):
                return self.value(inner, node) == External("builtins.super")
        return False

    def _receivers(self, scope: Scope, callee: Term, node: Node) -> list[tuple[Class | None, str]]:
        """The classes of which `self` may be in a function that is called, and the name by which these have it."""
        function = self.resolver.function(scope)
        if function is None or not function.in_class:
            inner = scope.path == node.scope.path and scope.qualname.startswith(f"{node.scope.qualname}.")
            return [(node.receiver if inner else None, scope.name)]
        own = Class(Scope(scope.path, function.parent))
        if isinstance(callee, Member):
            kinds = self._owners(scope, callee, node)
            below = [(kind, callee.name) for kind in kinds if own in self.resolver.bases(kind)]
            if below:
                return [*below]
        return [(own, scope.name)]

    def _owners(self, scope: Scope, callee: Member, node: Node) -> list[Class]:
        """The classes that what stands before the name of a method may be of."""
        owner = self.value(callee.of, node)
        match owner:
            case None:  # one of several objects
                several = self._choices(node).of(callee.of, node.scope)
                kinds = [one.of for one in several if isinstance(one, Instance) and isinstance(one.of, Class)]
                return [kind for kind in kinds if self.receivers.method(kind, scope, callee.name) == scope]
            case Class():
                return [owner]
            case Instance(of=Class()):
                return self._possible(owner, callee.of, node)
        return []

    def _possible(self, instance: Instance, term: Term, node: Node) -> list[Class]:
        """The classes that an instance, for which a term stands, may be of; `self` is of no other than the receiver."""
        assert isinstance(instance.of, Class)
        if instance.number >= 0 or (term == Ref("self") and node.receiver is not None):
            return [instance.of]
        self._ask(instance.of, [ITSELF], node)
        return [instance.of, *self.receivers.below.get(instance.of, ())]

    def _choices(self, node: Node) -> Choices:
        """What one of several things may be in a function."""
        return Choices(
            self.resolver,
            lambda term, scope: self.value(term, Node(scope, node.receiver)),
            self._alternatives,
            lambda kind, name: self._ask(kind, [name], node),
        )

    # -- what runs without a call

    def _by_touch(self, touch: Touch, node: Node) -> Iterator[Edge]:
        if touch.kind == "for":
            number = touch.term.number if isinstance(touch.term, Call) else -1
            yield from (Edge(target, "for", touch.place, number) for target in self._iterated(touch.term, node))
            return
        if touch.kind == "read":
            assert isinstance(touch.term, Member)
            owner = self.value(touch.term.of, node) if touch.term.name in self._properties else None
            if isinstance(owner, Instance) and isinstance(owner.of, Class):
                self._ask(owner.of, [touch.term.name], node)
                for receiver in self._possible(owner, touch.term.of, node):
                    read = self.resolver.class_member(receiver, touch.term.name)
                    if isinstance(read, Function) and self.resolver.is_property(read.scope):
                        yield Edge(Node(read.scope, receiver), "read", touch.place)
            return
        if isinstance(touch.term, Call):
            for target in self.callees(touch.term.callee, node):
                if self._is_lazy(target) and self.decorators.has(target.scope, CONTEXT_MANAGERS):
                    yield Edge(target, "with", touch.place, touch.term.number)
        entered = self.value(touch.term, node)
        if isinstance(entered, Instance) and isinstance(entered.of, Class):
            self._ask(entered.of, _ENTERED[touch.kind], node)
            yield from self._named(entered.of, _ENTERED[touch.kind], "with", touch.place)

    def _named(self, kind: Class, names: Iterable[str], how: How, place: Place) -> Iterator[Edge]:
        for name in names:
            found = self.resolver.class_member(kind, name)
            if isinstance(found, Function) and self._is_followed(Node(found.scope, kind)):
                yield Edge(Node(found.scope, kind), how, place)

    def _iterated(self, term: Term, node: Node, depth: int = 0) -> Iterator[Node]:
        """The generators, and the methods of iterators, that run when something runs over a term."""
        match term:
            case Call() as call:
                names = set(self.resolver.called_names(self.value(call.callee, node)))
                if names & LAZY:
                    for inner in call.args:
                        yield from self._iterated(inner, node, depth)
                yield from (target for target in self.callees(call.callee, node) if self._is_lazy(target))
            case Display(kind="generator", values=values):
                for inner in values:
                    yield from self._iterated(inner, node, depth)
            case Ref(name) if depth < 5:
                found = self.resolver.lookup(name, node.scope)
                for binding in found[0] if found is not None else ():
                    if binding.kind == "value" and isinstance(binding.term, Call) and found is not None:
                        yield from self._iterated(binding.term, Node(found[1], node.receiver), depth + 1)
        value = self.value(term, node)
        if isinstance(value, Instance) and isinstance(value.of, Class):
            self._ask(value.of, _ITERATED, node)
            yield from (edge.target for edge in self._named(value.of, _ITERATED, "for", Place(0, 0, 0, 0)))

    @cached_property
    def _properties(self) -> frozenset[str]:
        return frozenset(
            qualname.rpartition(".")[2]
            for path in self.relevant
            if (links := self.resolver.links(path)) is not None
            for qualname, function in links.functions.items()
            if function.in_class and self.resolver.is_property(Scope(path, qualname))
        )

    # -- values

    def value(self, term: Term | None, node: Node) -> Value | None:
        """What a term stands for in a function that runs with a known receiver."""
        own = self._of_receiver(term, node) if node.receiver is not None else None
        return self.resolver.resolve(term, node.scope) if own is None else own

    def _ask(self, kind: Class, names: Iterable[str], node: Node) -> None:
        """Remember that what runs depends on these members of a class, if that is the receiver."""
        if kind == node.receiver:
            self._asked_for.update(names)

    def _of_receiver(self, term: Term | None, node: Node) -> Value | None:
        match term:
            case Ref("self" | "cls" as name) if node.receiver is not None:
                plain = self.resolver.resolve(term, node.scope)
                is_own = isinstance(plain, Class) or (isinstance(plain, Instance) and plain.number == -1)
                if not is_own:
                    return None
                return node.receiver if name == "cls" else Instance(node.receiver, node.scope, -1)
            case Member(of, name):
                owner = self._of_receiver(of, node)
                if owner is None:
                    return None
                if isinstance(of, Ref):
                    self._asked_for.add(name)
                return self.resolver.member(owner, name)
        return None

    # -- functions

    def _is_followed(self, node: Node) -> bool:
        paths = {node.scope.path} | ({node.receiver.scope.path} if node.receiver is not None else set())
        return not paths.isdisjoint(self.relevant)

    def _is_lazy(self, node: Node) -> bool:
        """Whether a call alone runs nothing of a function: it is a generator."""
        function = self.resolver.function(node.scope)
        is_generator = function is not None and (bool(function.yields) or function.delegates)
        return is_generator and function is not None and not function.is_async

    def _decorated(self, node: Node) -> Iterator[Node]:
        """A function, and what its decorators put around it; nothing, if they may run it elsewhere."""
        around = self.decorators.around(node.scope)
        yield from (*(Node(wrapper) for wrapper in around), node) if around is not None else ()
