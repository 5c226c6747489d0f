"""Start-up and shutdown handlers: a new lifespan calls them, or comes to stand around the one that does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fastmigrate.facts.terms import Call, Member, Term
from fastmigrate.plan.goals import HandlersCalled, Held, LifespanWrapped, Step
from fastmigrate.plan.names import fresh
from fastmigrate.project.appmap import Event
from fastmigrate.project.project import Project
from fastmigrate.project.values import Instance, Scope
from fastmigrate.rewrite.intents import ArgumentEdit, EditCall, Intent, RemoveDecorator, RemoveStatement, StatementAfter

__all__ = ["Events"]


class Events:
    """Makes the steps of the goals that concern the handlers of an app which has no lifespan.

    A lifespan silences them (docs/facts/fastapi-lifecycle.md section 2), so a new one calls them, where all of them
    stand beside the app. Else a function wraps the lifespan that the app has by default: that runs them as before,
    however they were registered, those of routers included, as often as the version at hand does.
    """

    def __init__(self, project: Project) -> None:
        self.project = project

    def can_be_called(self, app: Instance, events: Iterable[Event]) -> bool:
        """Whether a lifespan can call these handlers itself: all of them stand beside the only app of a module."""
        apps = [other for other in self.project.apps.apps if other.scope.path == app.scope.path]
        return len(apps) == 1 and not app.scope.qualname and all(self._is_beside(event, app) for event in events)

    def _is_beside(self, event: Event, app: Instance) -> bool:
        """Whether a handler is a function of the app's module that takes nothing, registered there for sure."""
        links = self.project.links(app.scope.path)
        function = self.project.resolver.function(event.handler) if event.handler is not None else None
        if links is None or function is None or event.path != app.scope.path or event.kind == "" or event.call < 0:
            return False
        bindings = links.bindings.get(function.qualname, ())
        taken = function.qualname in {"app", "client", "lifespan"} or function.qualname.endswith("_client")
        if taken or not all(self._registers(decorator) for decorator in function.decorators):
            return False
        own = event.handler == Scope(app.scope.path, function.qualname) and not function.parent
        alone = len(bindings) == 1 and not bindings[0].guarded
        return (
            own and alone and function.number >= 0 and not function.parameters and not function.yields and event.plain
        )

    @staticmethod
    def _registers(decorator: Term) -> bool:
        """Whether a decorator only registers a handler, so that its function is what runs."""
        callee = decorator.callee if isinstance(decorator, Call) else decorator
        return isinstance(callee, Member) and callee.name == "on_event"

    def handlers_called(self, goal: HandlersCalled) -> Step:
        """The registrations of the handlers go: the lifespan calls them."""
        path = goal.app.scope.path
        intents: dict[tuple[str, Intent], None] = {}
        for event in goal.handlers:
            gone = RemoveDecorator(event.call) if event.decorates else RemoveStatement("call", event.call)
            intents[path, gone] = None
        return Step(intents=tuple(intents))

    def calls(self, goal: HandlersCalled, kind: str) -> Iterator[str]:
        """The calls of the handlers of one kind, in the order in which they were registered."""
        for event in goal.handlers:
            if event.kind == kind and event.handler is not None:
                function = self.project.resolver.defined(event.handler)
                yield f"{'await ' if function.is_async else ''}{function.qualname}()"

    def lifespan_wrapped(self, goal: LifespanWrapped) -> Step | Held:
        """The lifespan of an app comes to stand within another one."""
        path = goal.app.scope.path
        call = self.project.lifespans.construction(goal.app)
        given = [key for key, _ in call.keywords].index("lifespan") if call and call.keyword("lifespan") else -1
        if call is not None and given >= 0:
            edit = ArgumentEdit(len(call.args) + given, "lifespan", f"{self.wrapper_name(path)}({{}})")
            return Step(intents=((path, EditCall(call.number, arguments=(edit,))),))
        name = self._name_of(goal.app)
        if name is None:
            return Held(
                f"the app in {path} has start-up or shutdown handlers, and no name by which to wrap its lifespan"
            )
        code = f"{name}.router.lifespan_context = {self.wrapper_name(path)}({name}.router.lifespan_context)"
        return Step(intents=((path, StatementAfter(goal.app.number, code)),))

    def wrapper_name(self, path: str) -> str:
        """The name of the function of a file that wraps lifespans."""
        links = self.project.links(path)
        return fresh("with_client", links.names if links is not None else ())

    def _name_of(self, app: Instance) -> str | None:
        """The name that a plain assignment gives to an app where it is made."""
        links = self.project.links(app.scope.path)
        function = self.project.resolver.function(app.scope)
        bindings = function.bindings if function is not None else links.bindings if links is not None else {}
        for name, values in bindings.items():
            for binding in values:
                if binding.kind == "value" and getattr(binding.term, "number", None) == app.number:
                    return name
        return None
