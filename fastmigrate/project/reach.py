"""What runs on the event loop: all that a root reaches, by the shortest way, and the path operations behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from fastmigrate.project.callgraph import CallGraph, Edge, Node
from fastmigrate.project.roots import Root
from fastmigrate.project.values import Scope

__all__ = ["Reach"]


class Reach:
    """The functions that the roots reach.

    `callers` are the edges that lead to each function, from functions on the event loop; `threaded` are the functions
    that the framework runs in threads, `offloaded` those that run in none but threads to which code on the event loop
    hands them (`handed`); of these, the ones of which `moves` says that they may run on the event loop, handed over as
    they are.
    """

    def __init__(self, graph: CallGraph, roots: Iterable[Root], moves: Callable[[Node, Edge], bool]) -> None:
        self.graph = graph
        self.roots: dict[Scope, list[Root]] = {}
        self.nodes: dict[Scope, list[Node]] = {}
        self.callers: dict[Scope, dict[tuple[Scope, Edge], None]] = {}
        self._before: dict[Node, tuple[Node, Edge] | None] = {}
        self._stalled: dict[Scope, list[Scope]] = {}
        self._into: dict[Node, list[Node]] = {}
        self._operations: dict[Node, dict[Scope, None]] = {}
        pending: list[Node] = []
        self.threaded: set[Scope] = set()
        for root in roots:
            function = graph.resolver.function(root.node.scope)
            if function is None or not (function.is_async or root.awaited):
                self.threaded.add(root.node.scope)
                continue
            self.roots.setdefault(root.node.scope, []).append(root)
            self._operations.setdefault(root.node, {}).update(dict.fromkeys(root.operations))
            if root.node not in self._before:
                self._before[root.node] = None
                pending.append(root.node)
        handed = self._follow(pending)
        on_loop = set(self.nodes)
        self.handed = handed
        moving = [(node, edge) for node, edge in handed if moves(node, edge)]
        for node, edge in moving:
            self._note_caller(node, edge)
        self._follow([edge.target for node, edge in moving if self._is_new(node, edge)], in_threads=True)
        self.offloaded = set(self.nodes) - on_loop

    def _follow(self, pending: list[Node], *, in_threads: bool = False) -> list[tuple[Node, Edge]]:
        """Take in these nodes and all that they run in their own thread; what they hand to others is returned."""
        handed: list[tuple[Node, Edge]] = []
        for node in pending:  # grows as it goes: the nearest come first
            self.nodes.setdefault(node.scope, []).append(node)
            for edge in self.graph.edges(node):
                if edge.how == "thread":
                    handed.append((node, edge))
                    continue
                self._note_caller(node, edge)
                if not in_threads or edge.target.scope not in self.nodes:
                    self._into.setdefault(edge.target, []).append(node)
                if self._is_new(node, edge):
                    pending.append(edge.target)
        return handed

    def _note_caller(self, node: Node, edge: Edge) -> None:
        self.callers.setdefault(edge.target.scope, {})[node.scope, edge] = None

    def _is_new(self, node: Node, edge: Edge) -> bool:
        """Whether an edge is the first that leads to its target; then that is remembered."""
        if edge.target in self._before:
            return False
        self._before[edge.target] = node, edge
        return True

    def __contains__(self, scope: Scope) -> bool:
        return scope in self.nodes

    def callers_of(self, scope: Scope) -> list[tuple[Scope, Edge]]:
        """Where functions on the event loop run a function."""
        return list(self.callers.get(scope, ()))

    def chain(self, scope: Scope) -> list[tuple[Scope, Edge]]:
        """A shortest way to a function: the functions before it, each with the place where it runs the next one."""
        node = self.nodes[scope][0]
        found: list[tuple[Scope, Edge]] = []
        while (step := self._before[node]) is not None:
            node, edge = step
            found.insert(0, (node.scope, edge))
        return found

    def below(self, scope: Scope) -> list[Scope]:
        """A function, and all functions that it reaches."""
        found = self._walk(scope, lambda node: (edge.target for edge in self.graph.edges(node)))
        return list(dict.fromkeys(node.scope for node in found))

    def start(self, scope: Scope) -> Scope:
        """The root of the shortest way to a function."""
        chain = self.chain(scope)
        return chain[0][0] if chain else scope

    def operations(self, scope: Scope) -> list[Scope]:
        """The path operations that a blocking call in a function stalls, in order."""
        if scope not in self._stalled:
            above = self._above(scope)
            found = {operation for node in above for operation in self._operations.get(node, ())}
            self._stalled[scope] = sorted(found, key=lambda found: (found.path, found.qualname))
        return self._stalled[scope]

    def above(self, scope: Scope) -> set[Scope]:
        """A function, and all functions on the event loop that reach it."""
        return {node.scope for node in self._above(scope)}

    def _above(self, scope: Scope) -> Iterable[Node]:
        return self._walk(scope, lambda node: self._into.get(node, ()))

    def _walk(self, scope: Scope, following: Callable[[Node], Iterable[Node]]) -> Iterable[Node]:
        """All nodes to which one comes from a function, step by step."""
        found = dict.fromkeys(self.nodes.get(scope, ()))
        pending = list(found)
        for node in pending:  # grows as it goes
            new = [after for after in dict.fromkeys(following(node)) if after not in found]
            found |= dict.fromkeys(new)
            pending += new
        return found

    def edges(self, scope: Scope) -> Iterator[Edge]:
        """The edges that lead away from a function, whatever receiver it has."""
        for node in self.nodes.get(scope, ()):
            yield from self.graph.edges(node)

    def roots_of(self, scope: Scope) -> Iterator[Root]:
        """The roots that are a function itself."""
        yield from self.roots.get(scope, ())
