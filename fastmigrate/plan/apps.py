"""Steps for apps: how each comes to a lifespan that makes a client, or why it cannot."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from fastmigrate.facts.terms import Call, Const, Display, Either, Ref, Term
from fastmigrate.knowledge.names import APP_CLASSES
from fastmigrate.knowledge.parity import Parity
from fastmigrate.plan.errors import Errors
from fastmigrate.plan.goals import (
    ClientAroundLifespan,
    ClientInLifespan,
    ClientInNewLifespan,
    ClientMoved,
    ClientOfApp,
    Goal,
    HandlersCalled,
    Held,
    LifespanWrapped,
    Step,
)
from fastmigrate.plan.keys import Keys
from fastmigrate.plan.lifespans import Lifespans
from fastmigrate.plan.specs import ClientSpec
from fastmigrate.plan.testing import Testing
from fastmigrate.project.appmap import Event
from fastmigrate.project.project import Project
from fastmigrate.project.values import Class, External, Function, Instance, Scope
from fastmigrate.project.versions import too_old
from fastmigrate.rewrite.intents import ArgumentEdit, EditCall, NewArgument
from fastmigrate.sources import is_test_path

__all__ = ["Apps"]


class Apps:
    """Makes the steps of the goals that concern apps.

    `closed_by` tells the client that moves into a lifespan, and so needs a shutdown handler no longer that closes
    nothing else.
    """

    def __init__(
        self,
        project: Project,
        keys: Keys,
        errors: Errors,
        closed_by: Callable[[Scope | tuple[str, int]], ClientMoved | None],
    ) -> None:
        self.project = project
        self.apps = project.apps
        self.keys = keys
        self.errors = errors
        self.closed_by = closed_by
        self.lifespans = Lifespans(project, keys)
        self.testing = Testing(project)

    def client_of_app(self, goal: ClientOfApp) -> Step | Held:
        """An app's lifespan yields the client: a new one, or the one that it has."""
        app = goal.app
        if self.keys.existing(app, goal.spec) is not None:
            return self._held_by_errors(goal) or Step(tuple(self.testing.of_app(app)))
        call = self.project.lifespans.construction(app)
        reason = self._app_in_the_way(app, call) or self._held_by_errors(goal)
        if reason is not None or call is None:
            return reason or Held("where its app is made was not found")
        given = call.keyword("lifespan")
        if given is not None and given != Const(None):
            return self._in_given_lifespan(goal, given)
        wrapper = next(self.project.lifespans.of(app), None)
        if wrapper is not None:
            return Step((ClientInLifespan(wrapper, goal.spec), *self.testing.of_app(app)))
        moved: list[Goal] = list(self.testing.of_app(app))
        left: list[tuple[Instance, Event]] = []
        for router in self.apps.under(app):
            for event in self.apps.events.get(router, ()):
                client = self.closed_by(event.handler or (event.path, event.call))
                if client is None:
                    left.append((router, event))
                else:
                    moved.append(client)
        own = tuple(event for _, event in left)
        if left and not (all(one == app for one, _ in left) and self.lifespans.events.can_be_called(app, own)):
            return Step((LifespanWrapped(app), ClientAroundLifespan(app.scope.path, goal.spec), *moved))
        if left:
            moved.append(HandlersCalled(app, own))
        step = self._with_new_lifespan(app, call, goal.spec)
        return replace(step, needs=(*step.needs, *moved))

    def _in_given_lifespan(self, goal: ClientOfApp, given: Term) -> Step | Held:
        """The client comes into the lifespan that an app is given, or around it."""
        app = goal.app
        if self._may_be_none(given, app.scope):
            return Held(f"the lifespan of the app in {app.scope.path} may be None")
        lifespan = self.project.lifespans.given(app)
        if isinstance(lifespan, Class):
            return Held(f"the lifespan of the app in {app.scope.path} is a class, not an `@asynccontextmanager`")
        links = self.project.resolver.function(lifespan.scope) if isinstance(lifespan, Function) else None
        if not isinstance(lifespan, Function) or links is None or links.number < 0:
            return Held(f"the lifespan of the app in {app.scope.path} is not a function of the project")
        if not self.lifespans.has_several_yields(lifespan.scope):
            return Step((ClientInLifespan(lifespan.scope, goal.spec), *self.testing.of_app(app)))
        managed = self.lifespans.made_manager(lifespan.scope)
        if isinstance(managed, Held):
            return managed
        around = (LifespanWrapped(app), ClientAroundLifespan(app.scope.path, goal.spec))
        return Step((*around, *managed, *self.testing.of_app(app)))

    def _may_be_none(self, term: Term, scope: Scope) -> bool:
        if isinstance(term, Either):
            return True
        found = self.project.resolver.lookup(term.name, scope) if isinstance(term, Ref) else None
        return found is not None and (len(found[0]) > 1 or any(b.term == Const(None) for b in found[0]))

    def _with_new_lifespan(self, app: Instance, call: Call, spec: ClientSpec) -> Step:
        path = app.scope.path
        name = self.lifespans.name(path)
        index = next((i for i, (key, _) in enumerate(call.keywords) if key == "lifespan"), None)
        if index is None:
            edit = EditCall(call.number, added=(NewArgument("lifespan", name),))
        else:  # lifespan=None
            edit = EditCall(call.number, arguments=(ArgumentEdit(len(call.args) + index, "lifespan", name),))
        needs: tuple[Goal, ...] = (ClientInNewLifespan(path, spec),)
        if app in self.apps.strangers:
            note = f"the app is {self.apps.strangers[app]}, which may mount it or register start-up handlers"
            return Step(needs, Parity.LOSSY, (note,), ((path, edit),))
        return Step(needs, intents=((path, edit),))

    def _app_in_the_way(self, app: Instance, call: Call | None) -> Held | None:
        old = too_old(self.project.declarations, app.scope.path)
        if app in self.apps.lifeless or old is not None:
            return Held(self.apps.lifeless.get(app) or old or "")
        if isinstance(app.of, Class) and not self._is_plain_app_class(app.of):
            return Held("its app is made by a class of its own, which may not take a lifespan")
        spread = [value for key, value in call.keywords if key is None] if call is not None else []
        if not all(self._holds_no_lifespan(value, app.scope) for value in spread):
            return Held(f"the app in {app.scope.path} is made with `**` arguments, which may hold a lifespan")
        wrapped = next(self.project.lifespans.of(app), None)
        for path in self.project.sources.containing(b"lifespan_context", b"on_startup", b"on_shutdown"):
            own = path == app.scope.path and wrapped is not None
            links = None if is_test_path(path) or own else self.project.links(path)
            replaced = links.stored & {"lifespan_context", "on_startup", "on_shutdown"} if links is not None else set()
            if replaced:
                return Held(f"`{min(replaced)}` is replaced in {path}")
        return None

    def _is_plain_app_class(self, kind: Class) -> bool:
        """Whether a class leaves it to the framework to make its objects."""
        bases = list(self.project.resolver.bases(kind))
        own = [links for base in bases if isinstance(base, Class) and (links := self.project.resolver.class_(base))]
        outside = {base.name for base in bases if isinstance(base, External)}
        return outside <= APP_CLASSES and not any(links.bindings.keys() & {"__init__", "__new__"} for links in own)

    def _holds_no_lifespan(self, given: Term, scope: Scope) -> bool:
        """Whether `**given` is a dict display that has no lifespan, and gets none later."""
        term, home = self.project.resolver.behind(given, scope)
        links = self.project.links(home.path)
        if not isinstance(term, Display) or term.kind != "dict" or links is None:
            return False
        changed = isinstance(given, Ref) and given.name in links.mutated
        keys = [key.value if isinstance(key, Const) else "lifespan" for key in term.keys]
        return not changed and "lifespan" not in keys

    def _held_by_errors(self, goal: ClientOfApp) -> Held | None:
        reason = self.errors.above(goal.app) if goal.spec.raises_other_errors else None
        return None if reason is None else Held(reason)
