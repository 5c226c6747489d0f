"""Background tasks that are given the result of a call instead of a function, and imports of what is elsewhere."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from msgspec import Struct

from fastmigrate.facts.nodes import read_place
from fastmigrate.facts.order import walk
from fastmigrate.facts.terms import Await, Call, Const, Member, Ref, Term
from fastmigrate.facts.values import Binding, CallSite, FunctionLinks, ModuleLinks, Place
from fastmigrate.knowledge.background import COROUTINES, MISPLACED_TASKS, TAKERS
from fastmigrate.project.resolve import Resolver
from fastmigrate.project.values import Function, Scope

__all__ = ["MisplacedImport", "MisusedTask", "misplaced_imports", "misused_tasks"]


class MisusedTask(Struct, frozen=True):
    """A call that is given a coroutine in place of a function; `place` counts bytes.

    `index` is that of the argument, `is_certain` says that what is called in it is known to be a coroutine function.
    """

    function: Scope
    site: CallSite
    taker: str
    given: Call
    index: int
    is_certain: bool


class MisplacedImport(Struct, frozen=True):
    """An import of `BackgroundTask` from where it is not; `function` is the one in which it stands."""

    scope: Scope
    function: FunctionLinks | None
    bound: str
    module: str
    place: Place


def misused_tasks(links: ModuleLinks, resolver: Resolver) -> Iterator[MisusedTask]:
    """The tasks in a file that are given a coroutine."""
    for site in links.calls:
        scope = Scope(links.path, site.scope)
        given = site.call.argument(0, "func")
        if not isinstance(given, Call):
            continue
        callee = resolver.resolve(site.call.callee, scope)
        taker = next((name for name in resolver.called_names(callee) if name in TAKERS), "")
        certain = _gives_coroutine(given, scope, resolver) if taker else None
        if certain is not None:
            keys = [key for key, _ in site.call.keywords]
            index = 0 if site.call.args else keys.index("func")
            yield MisusedTask(scope, site, taker, given, index, certain)


def _gives_coroutine(call: Call, scope: Scope, resolver: Resolver) -> bool | None:
    """Whether it is certain that a call gives a coroutine, or only likely; None if it is neither."""
    callee = resolver.resolve(call.callee, scope)
    if isinstance(callee, Function):
        function = resolver.function(callee.scope)
        plain = function is not None and not function.yields and not function.decorators
        return True if plain and function is not None and function.is_async else None
    if any(name in COROUTINES for name in resolver.called_names(callee)):
        return True
    if isinstance(call.callee, Member) and call.callee.name == "aclose" and not call.args and not call.keywords:
        return _is_streamed(call.callee.of, scope, resolver)
    return None


def _is_streamed(term: Term, scope: Scope, resolver: Resolver) -> bool:
    """Whether a name stands for what `await client.send(…, stream=True)` gave."""
    found = resolver.lookup(term.name, scope) if isinstance(term, Ref) else None
    for binding in found[0] if found is not None else ():
        match binding.term:
            case Await(Call(callee=Member(name="send")) as call) if call.keyword("stream") == Const(True):
                continue
        return False
    return found is not None


def misplaced_imports(
    links: ModuleLinks, resolver: Resolver, tree: Callable[[], ast.Module]
) -> Iterator[MisplacedImport]:
    """The imports in a file that look for `BackgroundTask` where it is not."""
    scopes: list[tuple[Scope, FunctionLinks | None, dict[str, tuple[Binding, ...]]]]
    scopes = [(Scope(links.path), None, links.bindings)]
    scopes += [(Scope(links.path, name), function, function.bindings) for name, function in links.functions.items()]
    for scope, function, bindings in scopes:
        for bound, values in bindings.items():
            for binding in values:
                name = f"{binding.module}.{binding.name}"
                if binding.kind != "from" or binding.guarded or binding.typing_only or name not in MISPLACED_TASKS:
                    continue
                if resolver.tree.find(links.path, binding.module, binding.level) is None:
                    place = _place_of_import(tree(), binding.line, bound)
                    yield MisplacedImport(scope, function, bound, binding.module, place)


def _place_of_import(tree: ast.Module, line: int, bound: str) -> Place:
    for node in walk(tree):
        if isinstance(node, ast.ImportFrom) and node.lineno == line:
            for alias in node.names:
                if (alias.asname or alias.name) == bound:
                    return read_place(alias)
    return Place(line, 0, line, 0)
