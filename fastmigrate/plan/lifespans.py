"""Steps for lifespans: a new one for a file's apps, or the client in one that is there, and the hooks before both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from textwrap import indent

from fastmigrate.facts.terms import Call, Display, Item, Term
from fastmigrate.facts.values import FunctionLinks
from fastmigrate.plan.connections import constant_in
from fastmigrate.plan.events import Events
from fastmigrate.plan.goals import (
    ClientAroundLifespan,
    ClientInLifespan,
    ClientInNewLifespan,
    Goal,
    HandlersCalled,
    Held,
    Imported,
    LifespanDecorated,
    NewLifespan,
    Promises,
    StateField,
    Step,
)
from fastmigrate.plan.keys import Keys
from fastmigrate.plan.names import fresh, imported
from fastmigrate.plan.specs import ClientSpec
from fastmigrate.plan.texts import BASES, LIFESPAN, PROMISES, WRAPPER
from fastmigrate.plan.written import HOOKS, is_written
from fastmigrate.project.project import Project
from fastmigrate.project.values import Class, External, Function, Instance, Scope
from fastmigrate.rewrite.intents import AddDecorator, AddField, InsertBefore, Intent, WrapYield

__all__ = ["Lifespans"]

_TYPED_DICTS = frozenset({"typing.TypedDict", "typing_extensions.TypedDict"})


class Lifespans:
    """Makes the steps of the goals that concern lifespans; `keys` names the clients that they hand out."""

    def __init__(self, project: Project, keys: Keys) -> None:
        self.project = project
        self.apps = project.apps
        self.keys = keys
        self.events = Events(project)

    # -- names

    def name(self, path: str) -> str:
        """The name of a file's new lifespan."""
        return fresh("lifespan", self._taken(path), "client_lifespan")

    def _taken(self, path: str) -> set[str]:
        links = self.project.links(path)
        return set() if links is None else links.names

    def _names(self, path: str, specs: Iterable[ClientSpec] = ()) -> dict[str, str]:
        """What the code of clients needs, by the names that a file has for it."""
        taken = self._taken(path)
        modules = {module for spec in specs for module in self._modules(path, spec)}
        return {
            **{module: imported(self.project, path, module)[0] for module in modules},
            "httpx": imported(self.project, path, self.project.library)[0],
            "jar": imported(self.project, path, "http.cookiejar", "CookieJar")[0],
            "policy": imported(self.project, path, "http.cookiejar", "DefaultCookiePolicy")[0],
            **{place: self._hook(path, name, taken) for place, name in HOOKS.items()},
        }

    def _modules(self, path: str, spec: ClientSpec) -> list[str]:
        """The modules that the settings of a client need in a file."""
        inlined = [constant for constant in spec.constants if not constant_in(self.project, path, constant)]
        return [*spec.modules, *(module for constant in inlined for module in constant.modules)]

    def _manager(self, path: str, spec: ClientSpec) -> str:
        """The code that makes a client in a file."""
        names = self._names(path, [spec])
        for index, constant in enumerate(spec.constants):
            there = constant_in(self.project, path, constant)
            names[f"constant_{index}"] = constant.name if there else str(constant.value).format(**names)
        return spec.manager(names, self.project.client_settings)

    def _unknown(self, path: str, spec: ClientSpec) -> Held | None:
        """Why a file cannot make a client: it does not know a name, which stands for no plain value."""
        for constant in spec.constants:
            if constant.value is None and not constant_in(self.project, path, constant):
                return Held(f"its client needs `{constant.name}` of {constant.home.path}, which {path} does not know")
        return None

    def _needs(self, path: str, spec: ClientSpec) -> tuple[Goal, ...]:
        """What the code of a client needs, as goals."""
        needs: list[Goal] = [Imported(path, self.project.library)]
        asked = {**dict(BASES[spec.base]), **dict(spec.settings)}
        if "{jar}" in asked.get("cookies", ""):
            needs += [Imported(path, "http.cookiejar", name) for name in ("CookieJar", "DefaultCookiePolicy")]
        if spec.base in PROMISES:
            needs.append(Promises(path, spec.base))
        needs += [Imported(path, module) for module in self._modules(path, spec)]
        return tuple(needs)

    # -- a new lifespan

    def new_lifespan(self, goal: NewLifespan) -> Step:
        """A file gets a lifespan; `new_lifespans` writes it, once it is known which clients it makes."""
        first = self._first_app(goal.path)
        return Step((Imported(goal.path, "contextlib", "asynccontextmanager"), Imported(goal.path, *_class_of(first))))

    def client_around_lifespan(self, goal: ClientAroundLifespan) -> Step | Held:
        """A function that wraps lifespans makes a client."""
        if goal.spec.home not in {None, goal.path}:
            return Held(_far_from(goal.spec, goal.path))
        first = self._first_app(goal.path)
        needs = (Imported(goal.path, "contextlib", "asynccontextmanager"), Imported(goal.path, *_class_of(first)))
        return self._unknown(goal.path, goal.spec) or Step((*needs, *self._needs(goal.path, goal.spec)))

    def client_in_new_lifespan(self, goal: ClientInNewLifespan) -> Step | Held:
        """A new lifespan makes a client."""
        if goal.spec.home not in {None, goal.path}:
            return Held(_far_from(goal.spec, goal.path))
        return self._unknown(goal.path, goal.spec) or Step((NewLifespan(goal.path), *self._needs(goal.path, goal.spec)))

    def new_lifespans(self, goals: Iterable[Goal]) -> dict[str, InsertBefore]:
        """The new lifespans with all clients that these goals ask of them, by file."""
        specs: dict[str, set[ClientSpec]] = {}
        called: dict[str, HandlersCalled] = {}
        for goal in goals:
            if isinstance(goal, ClientInNewLifespan):
                specs.setdefault(goal.path, set()).add(goal.spec)
            elif isinstance(goal, HandlersCalled):
                called[goal.app.scope.path] = goal
        return {path: self._written(path, self._ordered(own), called.get(path)) for path, own in specs.items()}

    def _ordered(self, specs: set[ClientSpec]) -> list[ClientSpec]:
        return [spec for spec in self.keys.specs if spec in specs]

    def _written(self, path: str, specs: list[ClientSpec], called: HandlersCalled | None) -> InsertBefore:
        """The lifespan that a file's apps share stands before the first of them."""
        state = self._state(specs)
        body = f"yield {{{state}}}"
        if called is not None:
            before, after = (list(self.events.calls(called, kind)) for kind in ("startup", "shutdown"))
            body = "\n".join([*before, body, *after])
        first = self._first_app(path)
        code = LIFESPAN.format(
            decorator=imported(self.project, path, "contextlib", "asynccontextmanager")[0],
            name=self.name(path),
            app_class=imported(self.project, path, *_class_of(first))[0],
            body=indent(self._within(path, specs, body), "    "),
        )
        return InsertBefore("call", first.number, code)

    def wrappers(self, goals: Iterable[Goal]) -> Iterator[tuple[str, InsertBefore]]:
        """The functions that wrap lifespans, with all clients that these goals ask of them, by file."""
        specs: dict[str, set[ClientSpec]] = {}
        for goal in goals:
            if isinstance(goal, ClientAroundLifespan):
                specs.setdefault(goal.path, set()).add(goal.spec)
        for path, own in specs.items():
            first = self._first_app(path)
            ordered = self._ordered(own)
            inner = f"async with inner(app) as state:\n    yield {{**(state or {{}}), {self._state(ordered)}}}"
            code = WRAPPER.format(
                name=self.events.wrapper_name(path),
                decorator=imported(self.project, path, "contextlib", "asynccontextmanager")[0],
                app_class=imported(self.project, path, *_class_of(first))[0],
                body=indent(self._within(path, ordered, inner), "        "),
            )
            yield path, InsertBefore("call", first.number, code)

    def _locals(self, specs: list[ClientSpec]) -> list[str]:
        """What the clients are called in a new lifespan."""
        found: list[str] = []
        for spec in specs:
            found.append("client" if spec.key == "client" and "client" not in found else self.keys.of(spec))
        return found

    def _state(self, specs: list[ClientSpec]) -> str:
        """What a new lifespan yields, as the items of a dict."""
        pairs = zip(specs, self._locals(specs), strict=True)
        items = [f'"{self.keys.of(spec)}": {name}' for spec, name in pairs]
        return ", ".join(items) if len(items) < 3 else "\n    " + "".join(f"{item},\n    " for item in items)[:-4]

    def _within(self, path: str, specs: list[ClientSpec], body: str) -> str:
        """Code within the blocks that open these clients."""
        for spec, name in reversed(list(zip(specs, self._locals(specs), strict=True))):
            body = f"async with {self._manager(path, spec)} as {name}:\n{indent(body, '    ')}"
        return body

    def _first_app(self, path: str) -> Instance:
        """The first app of a file, less those that are mounted, whose lifespans run in tests at best."""
        here = [app for app in self.apps.apps if app.scope.path == path]
        run = [app for app in here if app in self.apps.roots(app) or app in self.project.testing.apps]
        return min(run or here, key=lambda app: app.number)

    # -- a lifespan that is there

    def made_manager(self, function: Scope) -> tuple[Goal, ...] | Held:
        """What a lifespan needs to be one that `async with` can enter."""
        links = self.project.resolver.defined(function)
        if not links.decorators and not links.is_async:
            return Held(f"the lifespan `{links.qualname}` in {function.path} is a plain generator: make it `async def`")
        if not links.decorators:
            return (LifespanDecorated(function),)
        if any(self._is_context_manager(decorator, function) for decorator in links.decorators):
            return ()
        return Held(f"the lifespan `{links.qualname}` in {function.path} is not decorated with `@asynccontextmanager`")

    def has_several_yields(self, function: Scope) -> bool:
        """Whether a lifespan yields in more places than one, each of which would need the client."""
        links = self.project.resolver.function(function)
        return links is not None and len(links.yields) > 1

    def client_in_lifespan(self, goal: ClientInLifespan) -> Step | Held:
        """The client is opened around the `yield` of the app's own lifespan."""
        links = self.project.resolver.defined(goal.function)
        managed = self.made_manager(goal.function)
        if isinstance(managed, Held):
            return managed
        if not links.is_async or len(links.yields) != 1 or not links.yields[0].statement:
            where = f"the lifespan `{links.qualname}` in {goal.function.path}"
            return Held(f"{where} does not have one `yield` statement")
        item = links.yields[0]
        path = goal.function.path
        unknown = self._unknown(path, goal.spec)
        if unknown is not None:
            return unknown
        if goal.spec.home not in {None, path}:
            return Held(_far_from(goal.spec, path))
        key = self.keys.of(goal.spec)
        name = self._client_names(links)[goal.spec]
        kinds = self.project.types.kinds(item.value, goal.function) if item.value is not None else frozenset({"none"})
        manager = self._manager(path, goal.spec)
        state = self._state_class(links, goal.function)
        made = item.value.callee if isinstance(item.value, Call) else None
        typed = state is not None and self.project.resolver.resolve(made, goal.function) == state
        intent: Intent = WrapYield(item.number, manager, name, key, kinds != {"dict"} and not typed, typed)
        fields = (StateField(state.scope, key),) if state is not None else ()
        return Step((*self._needs(path, goal.spec), *managed, *fields), intents=((path, intent),))

    def _state_class(self, lifespan: FunctionLinks, scope: Scope) -> Class | None:
        """The `TypedDict` that a lifespan yields, as its annotation or the `yield` itself says."""
        value = lifespan.yields[0].value
        said: list[Term | None] = [value.callee if isinstance(value, Call) else None]
        if isinstance(lifespan.returned, Item):  # AsyncIterator[State], AsyncGenerator[State, None]
            key = lifespan.returned.key
            said.append(key.values[0] if isinstance(key, Display) and key.values else key)
        for term in said:
            found = self.project.resolver.resolve(term, Scope(scope.path)) if term is not None else None
            if isinstance(found, Class):
                bases = self.project.resolver.bases(found)
                if any(isinstance(base, External) and base.name in _TYPED_DICTS for base in bases):
                    return found
        return None

    def state_field(self, goal: StateField) -> Step:
        """The class gets a field, in its file's own name for the library."""
        owner = self.project.resolver.class_(Class(goal.owner))
        if owner is None or goal.key in owner.annotations:
            return Step()
        path = goal.owner.path
        httpx, _ = imported(self.project, path, self.project.library)
        field = AddField(owner.number, f"{goal.key}: {httpx}.AsyncClient")
        return Step((Imported(path, self.project.library),), intents=((path, field),))

    def lifespan_decorated(self, goal: LifespanDecorated) -> Step | Held:
        """A bare asynchronous generator becomes what Starlette would make of it."""
        links = self.project.resolver.defined(goal.function)
        path = goal.function.path
        if not links.is_async:
            return Held("it is a plain generator: make it `async def`, and decorate it")
        name, _ = imported(self.project, path, "contextlib", "asynccontextmanager")
        return Step(
            (Imported(path, "contextlib", "asynccontextmanager"),), intents=((path, AddDecorator(links.number, name)),)
        )

    def _client_names(self, lifespan: FunctionLinks) -> dict[ClientSpec, str]:
        """The names of all clients in a lifespan, so that no two share one."""
        found: dict[ClientSpec, str] = {}
        for spec in self.keys.specs:
            own = {spec.key} if spec.base == "as it is" else set()  # what it closes so far is this client itself
            wanted = "client" if spec.key == "client" else self.keys.of(spec)
            found[spec] = fresh(wanted, {*(lifespan.names - own), *found.values()}, spec.other_key)
        return found

    def _is_context_manager(self, decorator: Term, scope: Scope) -> bool:
        value = self.project.resolver.resolve(decorator, Scope(scope.path))
        return value == External("contextlib.asynccontextmanager")

    # -- the hooks

    def _hook(self, path: str, name: str, taken: set[str]) -> str:
        """The name of a hook: of the one that is there from an earlier migration, or a free one."""
        return name if is_written(self.project, path, name) else fresh(name, taken)

    def promises(self, goal: Promises) -> Step:
        """The hooks stand before the lifespan that uses them."""
        hooks = [name for place, name in HOOKS.items() if place in PROMISES[goal.base]]
        if all(is_written(self.project, goal.path, name) for name in hooks):
            return Step()
        kind, number = self._anchor(goal.path)
        code = PROMISES[goal.base].format(**self._names(goal.path))
        needs = (Imported(goal.path, self.project.library),)
        return Step(needs, intents=((goal.path, InsertBefore(kind, number, code)),))

    def _anchor(self, path: str) -> tuple[str, int]:
        """The first of a file's apps and lifespans."""
        links = self.project.links(path)
        found: list[tuple[int, str, int]] = []
        for app in self.apps.apps:
            lifespan = self.project.lifespans.given(app)
            if isinstance(lifespan, Function) and lifespan.scope.path == path:
                function = self.project.resolver.defined(lifespan.scope)
                found.append((function.line, "function", function.number))
        for site in links.calls if links is not None else ():
            if any((app.scope.path, app.number) == (path, site.call.number) for app in self.apps.apps):
                found.append((site.place.line, "call", site.call.number))
        _, kind, number = min(found)
        return kind, number


def _far_from(spec: ClientSpec, path: str) -> str:
    return f"the client's settings use names of {spec.home}, and the lifespan that is to make it stands in {path}"


def _class_of(app: Instance) -> tuple[str, str]:
    module, _, name = app.of.name.rpartition(".") if isinstance(app.of, External) else ("fastapi", "", "FastAPI")
    return module, name
