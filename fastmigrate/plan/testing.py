"""Steps for test clients: they run the lifespan of their app, which hands out its clients."""

from __future__ import annotations

from collections.abc import Iterator

from fastmigrate.knowledge.parity import Parity
from fastmigrate.plan.goals import Goal, Held, Imported, Step, TestClientEntered
from fastmigrate.plan.names import fresh, imported
from fastmigrate.project.project import Project
from fastmigrate.project.testing import TestedApp
from fastmigrate.project.values import External, Function, Instance, Scope
from fastmigrate.rewrite.intents import EnterClient, Intent, ReturnToYield, StatementAfter, Template, WrapRest

__all__ = ["Testing"]

_FIXTURE = """\


@{pytest}.fixture(scope="{scope}", autouse=True)
def {name}():
    with {client}:
        yield
"""
_HARMLESS = ("httpx.", "httpx2.", "http.cookiejar.", "contextlib.")
_BY_HAND = {
    "TestClient": "enter it by hand: `with TestClient(app) as client:`",
    "ASGITransport": (
        "it runs no lifespan: give it `manager.app` of `async with asgi_lifespan.LifespanManager(app) as manager:`"
    ),
}


class Testing:
    """Makes the steps of the goals that concern test clients."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def of_app(self, app: Instance) -> Iterator[Goal]:
        """What the tests of an app need that gets a client in its lifespan."""
        yield from self.entered_for(app) if self._is_plain(app) else ()

    def entered_for(self, app: Instance) -> Iterator[Goal]:
        """The same, whatever else the lifespan does."""
        for client in self.project.testing.of(app):
            if not isinstance(self._intents(client), Held):
                yield TestClientEntered(*client.key)

    def entered(self, goal: TestClientEntered) -> Step | Held:
        """A test client runs the lifespan of its app."""
        client = self.project.testing.all[goal.path, goal.number]
        intents = self._intents(client)
        if isinstance(intents, Held):
            return intents
        needs = (Imported(goal.path, "pytest"),) if client.use.form == "module" else ()
        steps = tuple((goal.path, intent) for intent in intents)
        if client.app is not None and not self._is_plain(client.app):
            note = "the lifespan of the app does more than to make clients, which its tests have not run so far"
            return Step(needs, Parity.LOSSY, (note,), steps)
        return Step(needs, intents=steps)

    def _intents(self, client: TestedApp) -> list[Intent] | Held:
        number, use = client.site.call.number, client.use
        match use.form if client.made.endswith("TestClient") else "other":
            case "given":
                function = self.project.resolver.function(client.scope)
                taken = function.bindings if function is not None else ()
                return [EnterClient(number, fresh("client", taken))]
            case "local":
                given_back: list[Intent] = [ReturnToYield(use.returned)] if use.returned >= 0 else []
                return [WrapRest(number, is_async=False), *given_back]
            case "module" if use.tests and self.project.is_imported(client.scope.path, use.name):
                return Held("other files import it: enter it in a fixture of `conftest.py` that all of them use")
            case "module" if use.tests:
                return [StatementAfter(number, self._fixture(client))]
            case "set-up":
                leaving = f"self.addCleanup({use.name}.__exit__, None, None, None)"
                return [Template("call", number, "{}.__enter__()"), StatementAfter(number, leaving)]
        return Held(_BY_HAND[client.made.rpartition(".")[2]])

    def _fixture(self, client: TestedApp) -> str:
        """A fixture that enters the client of a module for all of its tests."""
        path = client.scope.path
        links = self.project.links(path)
        beside = [
            key for key, other in self.project.testing.all.items() if key[0] == path and other.use.form == "module"
        ]
        index = sorted(beside).index(client.key)
        wanted = "running_app" if index == 0 else f"running_app_{index + 1}"
        name = fresh(wanted, links.names if links is not None else ())
        pytest, _ = imported(self.project, path, "pytest")
        scope = "session" if path.endswith("conftest.py") else "module"
        return _FIXTURE.format(pytest=pytest, scope=scope, name=name, client=client.use.name)

    def _is_plain(self, app: Instance) -> bool:
        """Whether the lifespan of an app, if it has one, makes clients and does nothing else."""
        if any(self.project.apps.events.get(router) for router in self.project.apps.under(app)):
            return False
        call = self.project.lifespans.construction(app)
        if call is None or call.keyword("lifespan") is None:
            links = self.project.links(app.scope.path)
            return links is not None and "lifespan_context" not in links.stored
        lifespan = self.project.lifespans.given(app)
        links = self.project.links(lifespan.scope.path) if isinstance(lifespan, Function) else None
        if links is None or not isinstance(lifespan, Function):
            return False
        inside = [site for site in links.calls if site.scope == lifespan.scope.qualname]
        made = [self.project.resolver.resolve(s.call.callee, Scope(links.path, s.scope)) for s in inside]
        return all(isinstance(value, External) and value.name.startswith(_HARMLESS) for value in made)
