"""Names in the files that are to be edited: which are there to be used, and which are free."""

from __future__ import annotations

from collections.abc import Container

from fastmigrate.facts.terms import Const, Ref
from fastmigrate.facts.values import FunctionLinks, ModuleLinks
from fastmigrate.knowledge.names import REQUEST_CLASSES
from fastmigrate.plan.goals import Imported
from fastmigrate.project.project import Project
from fastmigrate.project.values import External, Scope, Value

__all__ = ["NewNames", "fresh", "imported", "request_parameter", "takes_object"]


def fresh(wanted: str, taken: Container[str], *others: str) -> str:
    """The first of the wanted names that is not taken; the last one gets a number if need be."""
    for name in (wanted, *others):
        if name not in taken:
            return name
    number = 2
    while (name := f"{(wanted, *others)[-1]}_{number}") in taken:
        number += 1
    return name


def imported(project: Project, path: str, module: str, name: str | None = None) -> tuple[str, bool]:
    """How a file refers to a module, or to a name of it, and whether it imports that where all can use it."""
    links = project.links(path)
    if links is None:
        return name or module, False
    first_use = _first_use(project, links)
    means = {bound: _meaning(project, path, links, bound) for bound in links.bindings}
    target = External(project.resolver.canonical(module if name is None else f"{module}.{name}"))
    usable = [
        bound
        for bound, values in sorted(links.bindings.items())
        if len(values) == 1
        and values[0].kind in {"import", "from"}
        and not values[0].guarded
        and values[0].line < first_use
        and not _hidden(project, path, links, bound, means[bound])
    ]
    for bound in usable:
        if means[bound] == target:
            return bound, True
    for bound in usable:
        if name is not None and module in _SHORT and means[bound] == External(project.resolver.canonical(module)):
            return f"{bound}.{name}", True
    wanted = name or module
    same = {bound for bound, value in means.items() if value == target}  # to import it once more takes nothing away
    inner = {bound for function in links.functions.values() for bound in function.bindings}
    if wanted in inner and wanted not in links.bindings and not links.stars:  # functions import it for themselves
        same.add(wanted)
    taken = {*links.loads, *links.bindings, *inner} - {b for b in same if not _hidden(project, path, links, b, target)}
    return fresh(wanted, taken, *([_ALIASES[wanted]] if wanted in _ALIASES else []), f"_{wanted}"), False


class NewNames:
    """Puts the names that a file has for what new code uses into that code; `needs` are the imports that it takes."""

    def __init__(self, project: Project, path: str) -> None:
        self.needs: dict[Imported, None] = {}
        self.project = project
        self.path = path
        self.used = {
            "httpx.": Imported(path, project.library),
            "urlencode(": Imported(path, "urllib.parse", "urlencode"),
        }

    def put_into(self, code: str) -> str:
        """The code with the names that the file has."""
        for word, goal in self.used.items():
            if word in code:
                self.needs[goal] = None
                name, _ = imported(self.project, self.path, goal.module, goal.name)
                code = code.replace(word, f"{name}{word[-1]}")
        return code


_SHORT = frozenset({"fastapi", "contextlib", "starlette.applications"})
"""Modules of which it is usual to write `module.name`."""
_ALIASES = {"Request": "FastAPIRequest", "FastAPI": "FastAPIApp"}


def _first_use(project: Project, links: ModuleLinks) -> int:
    """An import helps only what comes after it: a file's first function, or the first app that it makes."""
    apps = {app.number for app in project.apps.apps if app.scope.path == links.path}
    made = [site.place.line for site in links.calls if site.call.number in apps]
    return min([function.line for function in links.functions.values()] + made, default=10**9)


def _meaning(project: Project, path: str, links: ModuleLinks, bound: str) -> Value | None:
    """What a module's name stands for, however often it is imported."""
    values = {
        project.resolver.resolve_binding(binding, Scope(path))
        for binding in links.bindings[bound]
        if binding.term != Const(None)
    }
    return values.pop() if len(values) == 1 else None


def _hidden(project: Project, path: str, links: ModuleLinks, bound: str, meaning: Value | None) -> bool:
    """Whether a function of the file gives the name a meaning of its own."""
    return any(
        project.resolver.resolve_binding(binding, Scope(path, function.qualname)) != meaning
        for function in links.functions.values()
        for binding in function.bindings.get(bound, ())
    )


def _first(function: FunctionLinks) -> str | None:
    """The first parameter, but for `self`."""
    own = function.parameters[1 if function.in_class else 0 :]
    return own[0].name if own else None


def takes_object(function: FunctionLinks) -> bool:
    """Whether a function's first parameter is its object or class, which no call passes."""
    return function.in_class and Ref("staticmethod") not in function.decorators


def request_parameter(project: Project, function: FunctionLinks, scope: Scope) -> str | None:
    """The parameter that gets the request, or None."""
    if any(route.plain for route in project.apps.routes.get(scope, ())):  # Starlette passes it, and nothing else
        return _first(function)
    if any(root.kind in {"middleware", "handler"} for root in project.reach.roots_of(scope)):
        return _first(function)
    for parameter in function.parameters:
        kind = project.resolver.annotated(parameter.annotation, scope)
        if kind is not None and any(
            isinstance(base, External) and base.name in REQUEST_CLASSES
            for base in project.resolver.bases(kind)  # type: ignore[arg-type]
        ):
            return parameter.name
    return None
