"""Names in the files that are to be edited: which are there to be used, and which are free."""

from __future__ import annotations

from collections.abc import Container

from fastmigrate.facts.values import FunctionLinks
from fastmigrate.knowledge.names import REQUEST_CLASSES
from fastmigrate.project.project import Project
from fastmigrate.project.resolve import External, Scope

__all__ = ["fresh", "imported", "request_parameter"]


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
    """How a file refers to a module, or to a name of it, and whether it imports that already."""
    links = project.links(path)
    bindings = links.bindings if links is not None else {}
    target = External(project.resolver.canonical(module if name is None else f"{module}.{name}"))
    parent = External(project.resolver.canonical(module))
    through_module: str | None = None
    taken = set(links.loads) if links is not None else set()
    for bound, values in sorted(bindings.items()):
        taken.add(bound)
        usable = len(values) == 1 and not values[0].guarded and values[0].kind in {"import", "from"}
        if not usable or values[0].line > _first_use(project, path):
            continue
        value = project.resolver.resolve_binding(values[0], Scope(path))
        if value == target:
            return bound, True
        if value == parent and name is not None and module in {"fastapi", "contextlib"}:
            through_module = through_module or f"{bound}.{name}"
    if through_module is not None:
        return through_module, True
    wanted = name or module
    return fresh(
        wanted, taken - _typing_only(project, path, target), f"{module.partition('.')[0].title()}{wanted}"
    ), False


def _first_use(project: Project, path: str) -> int:
    """An import helps only those who come after it: the first function of a file is the earliest who may need it."""
    links = project.links(path)
    lines = [function.line for function in links.functions.values()] if links is not None else []
    return min(lines, default=10**9)


def _typing_only(project: Project, path: str, target: External) -> set[str]:
    """Names that an import for type checkers gives to the same thing: to import it for real takes nothing away."""
    links = project.links(path)
    return {
        bound
        for bound, values in (links.bindings.items() if links is not None else ())
        if all(v.typing_only and project.resolver.resolve_binding(v, Scope(path)) == target for v in values)
    }


def request_parameter(project: Project, function: FunctionLinks, scope: Scope) -> str | None:
    """The parameter that FastAPI fills with the request, or None."""
    for parameter in function.parameters:
        kind = project.resolver.annotated(parameter.annotation, scope)
        if kind is not None and any(
            isinstance(base, External) and base.name in REQUEST_CLASSES
            for base in project.resolver.bases(kind)  # type: ignore[arg-type]
        ):
            return parameter.name
    return None
