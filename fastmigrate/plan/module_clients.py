"""Steps for clients that a module makes: the lifespan of the app that uses them makes them instead."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from msgspec import Struct, field

from fastmigrate.facts.order import walk
from fastmigrate.facts.sites import Argument
from fastmigrate.facts.terms import Ref
from fastmigrate.facts.values import CallSite
from fastmigrate.knowledge.httpx_clients import CLIENTS, METHODS, OF_KIND, REQUESTING
from fastmigrate.knowledge.parity import Parity
from fastmigrate.plan.clients import Clients
from fastmigrate.plan.goals import ClientAtHand, ClientMoved, Goal, Held, Imported, Step, ThroughClient
from fastmigrate.plan.names import imported
from fastmigrate.plan.settings import in_double_quotes
from fastmigrate.plan.specs import ClientSpec, as_template
from fastmigrate.project.clients import MadeClient
from fastmigrate.project.project import Project
from fastmigrate.project.values import Scope
from fastmigrate.rewrite.intents import EditCall, InsertAtTop, Intent, RemoveImport, RemoveStatement

__all__ = ["ModuleClients"]


class _Moved(Struct):
    """What a client's move takes: its settings, the path operations that use it, and what closes it."""

    settings: dict[str, str] = field(default_factory=dict)
    home: str | None = None
    functions: list[Scope] = field(default_factory=list)
    calls: list[tuple[str, int]] = field(default_factory=list)  # those of a synchronous client that are to be awaited
    stays: bool = False  # other code uses the client in its module, too, and may do so
    closing: list[tuple[str, RemoveStatement]] = field(default_factory=list)
    handlers: set[Scope | tuple[str, int]] = field(default_factory=set)  # shutdown handlers that go
    held: str | None = None


class ModuleClients:
    """Makes the steps of the goals that concern clients of modules."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.clients = {client.key: client for client in project.module_clients}
        self.moved = {key: self._judge(client) for key, client in self.clients.items()}

    def specs(self) -> Iterator[ClientSpec]:
        """The clients of lifespans that take their place."""
        yield from (self._spec(self.clients[key], moved) for key, moved in self.moved.items() if moved.held is None)

    def closed_by(self, handler: Scope | tuple[str, int]) -> ClientMoved | None:
        """The client that moves, if that is all that a shutdown handler closes; by its function or its registration."""
        for key, moved in self.moved.items():
            if moved.held is None and handler in moved.handlers:
                return ClientMoved(*key)
        return None

    def _spec(self, client: MadeClient, moved: _Moved) -> ClientSpec:
        name = self.project.shared(client).name or "client"
        base = "httpx with one jar" if client.made in CLIENTS else "as it is"
        return ClientSpec(name, tuple(moved.settings.items()), base=base, home=moved.home)

    # -- what is in the way

    def _judge(self, client: MadeClient) -> _Moved:
        moved = _Moved()
        uses = self.project.shared(client)
        library = client.made.partition(".")[0]
        if library != self.project.library:
            moved.held = f"it is a client of {library}, and the one that is written is of {self.project.library}"
        elif uses.name is None:
            moved.held = "it is not bound to one name of its module"
        elif uses.stray is not None:
            moved.held = f"`{uses.name}` is used in {uses.stray} in other ways than by calls of its methods"
        if moved.held is None:
            for argument in self.project.arguments(client):
                self._setting(argument, client, moved)
            for scope, site, method in uses.calls:
                self._use(client, scope, site, method, moved)
        if moved.held is None and not moved.functions:
            moved.held = "no path operation uses it, so it is not known which app's lifespan should make it"
        return moved

    def _setting(self, argument: Argument, client: MadeClient, moved: _Moved) -> None:
        if argument.keyword is None:
            moved.held = "what its `**` arguments hold is not known"
            return
        if client.made in CLIENTS and argument.keyword in OF_KIND:
            moved.held = f"`{argument.keyword}` is one for synchronous clients"
        moved.settings[argument.keyword] = as_template(in_double_quotes(argument.code))
        for node in walk(ast.parse(argument.code, mode="eval")):
            if isinstance(node, ast.Name):
                moved.home = client.scope.path
                found = self.project.resolver.lookup(node.id, client.scope)
                if found is not None and len(found[0]) > 1:
                    moved.held = f"`{argument.keyword}` of the client depends on `{node.id}`, which has several values"

    def _use(self, client: MadeClient, scope: Scope, site: CallSite, method: str, moved: _Moved) -> None:
        function = self.project.resolver.function(scope)
        where = f"{scope.path}:{site.place.line}"
        sync = client.made in CLIENTS
        served = function is not None and scope in self.project.apps.routes
        if sync and (function is None or not served or not function.is_async):
            moved.stays = True
            return
        if method == "aclose":
            reason = self._closing(scope, site, moved)
        elif function is None or not served:
            reason = f"it is also used in {where}, outside of path operations, where no request leads to a lifespan"
        elif not function.is_async or method not in (REQUESTING - {"stream"} if sync else METHODS):
            reason = f"`{method}` of the client is called in {where}, which is not followed"
        else:
            reason = None
            moved.calls += [(scope.path, site.call.number)] if sync else []
            if scope not in moved.functions:
                moved.functions.append(scope)
        moved.held = moved.held or reason

    def _closing(self, scope: Scope, site: CallSite, moved: _Moved) -> str | None:
        """What closes the client goes with it, if it does nothing else."""
        path, number = scope.path, site.call.number
        events = [event for events in self.project.apps.events.values() for event in events]
        if any((event.path, event.call) == (path, number) for event in events):
            moved.closing.append((path, RemoveStatement("call", number)))
            moved.handlers.add((path, number))
            return None
        closer = self.project.closers(path).get(number)
        if closer is not None and closer.function >= 0 and any(event.handler == scope for event in events):
            moved.closing.append((path, RemoveStatement("function", closer.function)))
            moved.handlers.add(scope)
            return None
        if closer is not None and closer.statement and scope in self.project.lifespans.scopes:
            moved.closing.append((path, RemoveStatement("call", number)))
            return None
        return f"it is closed in {path}:{site.place.line}, by a function that does more than that"

    # -- steps

    def client_moved(self, goal: ClientMoved, clients: Clients) -> Step | Held:
        """The lifespan makes the client, and the path operations that use it get it from there."""
        client = self.clients[goal.path, goal.number]
        moved, uses = self.moved[client.key], self.project.shared(client)
        if moved.held is not None:
            return Held(moved.held)
        spec = self._spec(client, moved)
        needs: list[Goal] = []
        intents: list[tuple[str, Intent]] = [(path, EditCall(number, awaited=True)) for path, number in moved.calls]
        needs += [ThroughClient(path, number) for path, number in moved.calls]
        if not moved.stays:
            intents += [(goal.path, RemoveStatement("call", goal.number)), *moved.closing]
            intents += [(path, RemoveImport(name)) for path, name in uses.imports]
        local = dict(uses.imports) | {goal.path: uses.name}
        for scope in moved.functions:
            function = self.project.resolver.function(scope)
            assert function is not None
            annotation, there = imported(self.project, scope.path, self.project.library, "AsyncClient")
            if not there:
                module, _ = imported(self.project, scope.path, self.project.library)
                annotation = f"{module}.AsyncClient"
                needs.append(Imported(scope.path, self.project.library))
            request = clients.request_name(scope)
            code = f"{local[scope.path]}: {annotation} = {clients.keys.at_hand(request, spec)}"
            needs.append(ClientAtHand(scope, spec))
            intents.append((scope.path, InsertAtTop(function.number, code)))
        names = [] if moved.stays else self.project.names_beside(client)
        gone = tuple((goal.path, "", Ref(name)) for name in names)
        notes = tuple(self._doubts(client, moved))
        return Step(tuple(needs), Parity.LOSSY if notes else Parity.PINNED, notes, tuple(intents), gone)

    def _doubts(self, client: MadeClient, moved: _Moved) -> Iterator[str]:
        name = self.project.shared(client).name
        if moved.stays:
            yield f"`{name}` keeps cookies, which what stays on it and what goes through the new client no longer share"
        if client.made in CLIENTS and "limits" in moved.settings:
            yield f"`limits` of `{name}` bound calls that ran one by one: now some may wait for others, and fail"
