"""The call graph: which functions of the project a function runs, once for all classes that make no difference."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from fastmigrate.project.resolve import Resolver
from fastmigrate.project.runs import ITSELF, Edge, Node, Runs

__all__ = ["CallGraph", "Edge", "Node"]


class CallGraph(Runs):
    """Leads from each function to those that it runs."""

    def __init__(
        self,
        resolver: Resolver,
        relevant: Iterable[str],
        is_job: Callable[[str, int], bool] = lambda *_: False,
    ) -> None:
        super().__init__(resolver, relevant, is_job)
        self._edges: dict[Node, tuple[Edge, ...]] = {}
        self._members: dict[Node, frozenset[str] | None] = {}

    def edges(self, node: Node) -> tuple[Edge, ...]:
        """The functions that a function runs, in the order of the places.

        Their receivers are the topmost classes for which they run the same: a hundred classes that inherit a method
        and override nothing that it uses are one.
        """
        if node not in self._edges:
            found = (self._with_topmost(edge) for edge in self.edges_and_members(node)[0])
            self._edges[node] = tuple(dict.fromkeys(found))
        return self._edges[node]

    def _with_topmost(self, edge: Edge) -> Edge:
        scope, receiver = edge.target.scope, edge.target.receiver
        for base in self.receivers.between(receiver, scope)[:-1] if receiver is not None else ():
            members = self._members_below(Node(scope, base))
            if members is not None and receiver is not None and self.receivers.are_alike(receiver, base, members):
                return replace(edge, target=Node(scope, base))
        return edge

    def _members_below(self, node: Node) -> frozenset[str] | None:
        """The members of `self` on which depends what a function runs, and what that runs with the same `self`.

        None if it depends on what `self` is by itself.
        """
        if node not in self._members:
            reached = {node: None}
            members: set[str] = set()
            for one in (pending := [node]):  # grows as it goes
                edges, asked_for = self.edges_and_members(one)
                members |= asked_for
                if ITSELF in members:
                    break
                same = (edge.target for edge in edges if edge.target.receiver == node.receiver)
                new = [target for target in dict.fromkeys(same) if target not in reached]
                reached |= dict.fromkeys(new)
                pending += new
            self._members[node] = None if ITSELF in members else frozenset(members)
        return self._members[node]
