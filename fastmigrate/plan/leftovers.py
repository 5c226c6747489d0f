"""What nothing uses any more once the calls are migrated: imports of what they called."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping

from fastmigrate.facts.terms import Member, Ref, Term
from fastmigrate.facts.values import Binding, ModuleLinks
from fastmigrate.knowledge.blocking import BLOCKING_CALLS
from fastmigrate.knowledge.running import OFFLOADING
from fastmigrate.knowledge.threads import EXECUTOR
from fastmigrate.plan.goals import Gone
from fastmigrate.project.modules import module_name
from fastmigrate.project.project import Project
from fastmigrate.project.values import External, Module, Scope
from fastmigrate.rewrite.intents import EditCall, Intent, RemoveImport, WithoutThread

__all__ = ["unused_imports"]


_MODULES = frozenset(name.partition(".")[0] for name in (*BLOCKING_CALLS, *OFFLOADING, EXECUTOR, "functools.partial"))
"""What is imported for calls that go: modules of what blocks, and of what hands it to threads."""


def unused_imports(
    project: Project,
    needed: Container[tuple[str, str]],
    intents: dict[str, list[Intent]],
    replaced: Iterable[Gone],
    kept: Iterable[Scope] = (),
    unpatched: Mapping[tuple[str, str], int] | None = None,
) -> Iterator[tuple[str, RemoveImport]]:
    """The imports of blocking modules, by file, whose last use was in a replaced callee, or in another such term.

    `needed` are the modules that new code uses, by file; `kept` are functions that stay as they are, beside a twin;
    `unpatched` tells how often a file names a name of a module (`main.requests`) for a replacement that goes.
    """
    staying = [(scope.path, f"{scope.qualname}.") for scope in kept]
    gone: dict[str, Counter[tuple[str, str]]] = {}
    for path, edits in intents.items():
        edited = {edit.number for edit in edits if isinstance(edit, EditCall) and edit.callee is not None}
        edited |= {edit.number for edit in edits if isinstance(edit, WithoutThread)}
        links = project.links(path) if edited else None
        for site in links.calls if links is not None else ():
            stays = any(path == at and f"{site.scope}.".startswith(inside) for at, inside in staying)
            root = _root(site.call.callee) if site.call.number in edited and not stays else None
            if root is not None:
                gone.setdefault(path, Counter())[site.scope, root] += 1
    for path, scope, term in replaced:
        root = _root(term)
        if root is not None and not any(path == at and f"{scope}.".startswith(inside) for at, inside in staying):
            gone.setdefault(path, Counter())[scope, root] += 1
    for path, names in sorted(gone.items()):
        links = project.links(path)
        if links is not None:
            for intent in _unused(project, links, names, unpatched or {}):
                bindings = links.bindings.get(intent.bound, ())
                if intent.function is not None or not any(
                    (path, b.module) in needed and b.kind == "import" for b in bindings
                ):
                    yield path, intent


def _unused(
    project: Project, links: ModuleLinks, gone: Counter[tuple[str, str]], unpatched: Mapping[tuple[str, str], int]
) -> Iterator[RemoveImport]:
    for name in sorted({name for _, name in gone}):
        local = {
            function.qualname
            for function in links.functions.values()
            if name in function.bindings and links.functions.get(function.parent) is None
        }
        for qualname in sorted(local):
            function = links.functions[qualname]
            used = gone[qualname, name]
            if used and used == function.loads.get(name) and _removable(project, function.bindings[name], links.path):
                yield RemoveImport(name, function.number)
        used = sum(count for (scope, bound), count in gone.items() if bound == name and scope not in local)
        loads = links.loads.get(name, 0) - sum(links.functions[q].loads.get(name, 0) for q in local)
        if (
            used
            and used == loads
            and name not in links.exports
            and _removable(project, links.bindings.get(name, ()), links.path)
            and not _used_elsewhere(project, links.path, name, unpatched)
        ):
            yield RemoveImport(name)


def _removable(project: Project, bindings: tuple[Binding, ...], path: str) -> bool:
    if len(bindings) != 1 or bindings[0].guarded or bindings[0].kind not in {"import", "from"}:
        return False
    value = project.resolver.resolve_binding(bindings[0], Scope(path))
    return isinstance(value, External) and value.name.partition(".")[0] in _MODULES


def _used_elsewhere(project: Project, path: str, name: str, unpatched: Mapping[tuple[str, str], int]) -> bool:
    """Whether another file reaches for the name in this one: imports it from here, or patches it here."""
    module = module_name(path)
    last = module.rpartition(".")[2]
    patched = f"{last}.{name}"
    named = re.compile(rf"([\w.]*\b{re.escape(last)})\.{re.escape(name)}\b".encode())
    for other in project.sources.saying(name):
        if other == path:
            continue
        said = (found[1].decode() for found in named.finditer(project.sources.read(other)))
        here = sum(f".{module}".endswith(f".{dotted}") for dotted in said)
        if here > unpatched.get((other, patched), 0):
            return True
        links = project.links(other)
        if links is not None and _imports_module(project, links, path, name):
            return True
    return project.is_imported(path, name)


def _root(term: Term) -> str | None:
    while isinstance(term, Member):
        term = term.of
    return term.name if isinstance(term, Ref) else None


def _imports_module(project: Project, links: ModuleLinks, path: str, name: str) -> bool:
    """Whether a file imports everything of another one, or all of it and reaches for the name in it."""
    if project.resolver.takes_all(links, path):
        return True
    text = project.sources.read(links.path)
    anywhere = not name.isascii() or any(token.encode() in text for token in (f'"{name}"', f"'{name}'"))
    reaching = {found.decode() for found in re.findall(rb"(\w+)\s*\.\s*" + re.escape(name).encode() + rb"\b", text)}
    scopes = [links.bindings, *(function.bindings for function in links.functions.values())]
    for bound, bindings in ((bound, values) for scope in scopes for bound, values in scope.items()):
        reaches = anywhere or bound in reaching or not bound.isascii()
        if reaches and any(b.kind in {"import", "from"} and _means(project, b, links.path, path) for b in bindings):
            return True
    return False


def _means(project: Project, binding: Binding, importer: str, path: str) -> bool:
    return project.resolver.resolve_binding(binding, Scope(importer)) == Module(path)
