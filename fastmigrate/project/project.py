"""The project as a whole: its files' facts on demand, its apps, and the blocking calls on its event loop."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from fastmigrate.facts.closers import Closer, read_closers
from fastmigrate.facts.made import Made, read_arguments, read_kept_in_state, read_made, read_names
from fastmigrate.facts.nodes import place_in_text
from fastmigrate.facts.sites import Argument, Site, read_sites
from fastmigrate.facts.terms import Call, Term
from fastmigrate.facts.values import Binding, ModuleLinks, Place
from fastmigrate.knowledge.blocking import BLOCKING_CALLS
from fastmigrate.knowledge.httpx_clients import ASYNC_CLIENTS, CLIENTS
from fastmigrate.knowledge.names import LIBRARIES, MAKES, STAR_NAMES, canonical
from fastmigrate.project.appmap import AppMap
from fastmigrate.project.apps import read_apps
from fastmigrate.project.blocking import BlockingCall, BlockingNames, blocking_calls_in
from fastmigrate.project.callgraph import CallGraph, Edge, Node
from fastmigrate.project.clients import MadeClient, made_clients
from fastmigrate.project.declarations import Declarations
from fastmigrate.project.jobs import Jobs
from fastmigrate.project.lifespans import Lifespans
from fastmigrate.project.modules import ModuleTree, name_of
from fastmigrate.project.names import Names
from fastmigrate.project.offloads import Offloads
from fastmigrate.project.pools import TOKENS as POOL_TOKENS
from fastmigrate.project.reach import Reach
from fastmigrate.project.reading import Reading
from fastmigrate.project.references import Reference, References
from fastmigrate.project.relevance import Importers, blocking_paths, serving_paths
from fastmigrate.project.resolve import Resolver
from fastmigrate.project.returned import ReturnedResponses
from fastmigrate.project.roots import find_roots
from fastmigrate.project.sharing import SharedUses, shared_uses
from fastmigrate.project.tasks import MisplacedImport, MisusedTask, misplaced_imports, misused_tasks
from fastmigrate.project.testing import TestingClients
from fastmigrate.project.types import Types
from fastmigrate.project.values import Scope
from fastmigrate.sources import SourceError, Sources, is_test_path

if TYPE_CHECKING:
    pass

__all__ = ["Project"]


class Project:
    """Everything that is known of a project.

    `library` is the one that calls are migrated to: "httpx", "httpx2", or None for the one that the project uses.
    `blocking_calls` are dotted names of what else blocks, `client_settings` the arguments that the user wants for the
    clients that are written. `reading` reads the files.
    """

    def __init__(
        self,
        sources: Sources,
        library: str | None = None,
        blocking_calls: Iterable[str] = (),
        client_settings: Iterable[tuple[str, str]] = (),
        reading: Reading | None = None,
    ) -> None:
        self.sources = sources
        self.reading = reading if reading is not None else Reading(sources)
        self.links = self.reading.links
        self.client_settings = dict(client_settings)
        self._library = library
        configured = {canonical(name) for name in blocking_calls}
        self.importers = Importers(sources)
        self.names = Names(sources, self.importers)
        self.declarations = Declarations(sources)
        self._parsed = lru_cache(maxsize=64)(lambda path: sources.parse(sources.decode(path)))
        self._references = References(self)
        self.jobs = Jobs(self)
        self._helper_sites: dict[str, dict[int, Site]] = {}
        self._made: dict[str, dict[int, Made]] = {}
        self._shared: dict[tuple[str, int], SharedUses] = {}
        self.tree = ModuleTree(sources.paths, LIBRARIES)
        known = {*STAR_NAMES, *BLOCKING_CALLS, *configured}
        self.resolver = Resolver(self.tree, self.links, canonical, MAKES, known)
        self.types = Types(self.resolver)
        self._blocking_names = BlockingNames(self.resolver, configured)
        self.blocking_paths = blocking_paths(sources, configured)
        self.reading.read_all(path for path in self.blocking_paths if not is_test_path(path))
        self.blocking_paths += sorted(set(self._naming_sessions()) - {*self.blocking_paths})

    def _naming_sessions(self) -> Iterator[str]:
        """The files that name a session which another module or its objects have: they need not name its library."""
        for path in self.blocking_paths:
            links = None if is_test_path(path) else self.links(path)
            if links is None:
                continue
            for name in self._sessions_in(links.bindings, path):
                yield from self.names.taking(name, path)
            attributes = {name for one in links.classes.values() for name in self._sessions_in(one.bindings, path)}
            near = self.names.near(path) if attributes else set()
            for name in attributes:
                yield from near.intersection(self.sources.saying(name))

    def _sessions_in(self, bindings: Mapping[str, Iterable[Binding]], path: str) -> set[str]:
        """The names that are bound to a session which is made there."""
        made = {
            (name, binding)
            for name, values in bindings.items()
            for binding in values
            if isinstance(binding.term, Call) and binding.kind == "value"
        }
        values = ((name, self.resolver.resolve_binding(binding, Scope(path))) for name, binding in made)
        return {name for name, value in values if self.resolver.is_a(value, {"requests.Session", *CLIENTS})}

    @property
    def unreadable(self) -> dict[str, SourceError]:
        """The files that cannot be read, and why."""
        return self.reading.unreadable

    @cached_property
    def library(self) -> str:
        """The library whose `AsyncClient` takes over: what was asked for, else what the project imports or declares."""
        if self._library is not None:
            return self._library
        for library, token in (("httpx", b"import httpx"), ("httpx2", b"import httpx2")):
            for path in self.sources.containing(token, token.replace(b"import", b"from")):
                if not is_test_path(path) and (links := self.links(path)) is not None and links.imported(library):
                    return library
        only_new = self.declarations.mention("x", "httpx2") and not self.declarations.mention("x", "httpx")
        return "httpx2" if only_new else "httpx"

    def tree_of(self, path: str) -> ast.Module:
        """The syntax tree of a file, which is for reading only: others get the same one."""
        return self._parsed(path)

    @cached_property
    def _app_paths(self) -> list[str]:
        """The files in which apps may be made, or told something."""
        return serving_paths(self.sources, self.importers)

    @cached_property
    def apps(self) -> AppMap:
        """The apps and routers of the project."""
        self.reading.read_all(self._app_paths)
        modules = {path: self.links(path) for path in self._app_paths}
        return read_apps({path: links for path, links in modules.items() if links is not None}, self.resolver)

    @cached_property
    def graph(self) -> CallGraph:
        """Who runs whom, among the files that can matter."""
        return CallGraph(self.resolver, self.relevant, self.jobs.has)

    @cached_property
    def relevant(self) -> set[str]:
        """The files that can matter: those that can block, and those that import them."""
        made = self.sources.containing(b"Client(", *POOL_TOKENS)
        served = self.apps.routes or self.apps.apps
        leading = self.importers.leading_to({*self.blocking_paths, *made}) if served else set()
        return {path for path in leading if not is_test_path(path)}

    @cached_property
    def reach(self) -> Reach:
        """What runs on the event loop."""
        modules = [links for path in self._app_paths if (links := self.links(path)) is not None]
        roots = [*find_roots(modules, self.apps, self.resolver)]
        if roots:
            self.reading.read_all(sorted(self.relevant))  # any of their classes may inherit from another one
        return Reach(self.graph, roots, self._moves)

    @cached_property
    def offloads(self) -> Offloads:
        """What is handed to threads."""
        return Offloads(self.graph, self.blocks)

    def _moves(self, caller: Node, edge: Edge) -> bool:
        """Whether a function that a thread runs could run on the event loop, if its HTTP did not block that."""
        if not self.offloads.http(edge.target) or self.offloads.in_the_way(edge.target) is not None:
            return False
        job = self.jobs.of(caller.scope.path, edge.call)
        if job is None:
            return not self.jobs.is_handed_by(caller.scope, edge.call)
        return not job[0].reason and self.resolver.defined(edge.target.scope).number >= 0

    @cached_property
    def blocking(self) -> tuple[BlockingCall, ...]:
        """The blocking calls on the event loop."""
        paths = (path for path in self.blocking_paths if not is_test_path(path))
        return tuple(call for path in paths for call in blocking_calls_in(self, path))

    def blocks(self, called: Term, scope: Scope) -> tuple[str, str] | None:
        """The code of the rule that a call breaks on the event loop and the name of what it calls, or None."""
        return self._blocking_names(called, scope)

    @cached_property
    def httpx_clients(self) -> tuple[MadeClient, ...]:
        """The clients of httpx that are made anywhere in the project."""
        return tuple(
            client
            for path in self.sources.containing(b"Client(")
            if not is_test_path(path) and (links := self.links(path)) is not None
            for client in made_clients(links, self.resolver, ASYNC_CLIENTS | CLIENTS)
        )

    @cached_property
    def testing(self) -> TestingClients:
        """The test clients of its apps."""
        return TestingClients(self)

    @cached_property
    def own_clients(self) -> tuple[MadeClient, ...]:
        """Those that are made on the event loop, for a request."""
        return tuple(
            client
            for client in self.httpx_clients
            if client.scope in self.reach and client.scope not in self.reach.offloaded
        )

    @cached_property
    def module_clients(self) -> tuple[MadeClient, ...]:
        """Those that modules make when they are imported."""
        return tuple(client for client in self.httpx_clients if not client.scope.qualname)

    def kept_in_state(self, path: str) -> set[int]:
        """The ordinals of the calls in a file whose results become attributes of some `state`."""
        return read_kept_in_state(self.tree_of(path))

    @cached_property
    def lifespans(self) -> Lifespans:
        """The lifespans of its apps."""
        return Lifespans(self)

    def mentions(self, *tokens: bytes) -> bool:
        """Whether any file holds one of the tokens: to be asked before what takes a parse of all files."""
        return bool(self.sources.containing(*tokens))

    def shared(self, client: MadeClient) -> SharedUses:
        """Who uses a client that a module makes."""
        if client.key not in self._shared:
            self._shared[client.key] = shared_uses(self, client)
        return self._shared[client.key]

    def closers(self, path: str) -> dict[int, Closer]:
        """The calls in a file that close something, by their ordinals."""
        return read_closers(self.tree_of(path))

    def arguments(self, client: MadeClient) -> tuple[Argument, ...]:
        """The arguments of a call that makes a client in a module."""
        return read_arguments(self.tree_of(client.scope.path), client.site.call.number)

    def names_beside(self, client: MadeClient) -> list[str]:
        """The names that are read in the statement of a module that makes a client."""
        return read_names(self.tree_of(client.scope.path), client.site.call.number)

    def made(self, client: MadeClient) -> Made:
        """What a path operation does with a client that it makes."""
        path = client.scope.path
        if path not in self._made:
            wanted = [other.site.call.number for other in self.own_clients if other.scope.path == path]
            self._made[path] = read_made(self.tree_of(path), wanted)
        return self._made[path][client.site.call.number]

    @cached_property
    def misused_tasks(self) -> tuple[MisusedTask, ...]:
        """The background tasks that are given a coroutine in place of a function."""
        return tuple(task for links in self._with_tasks for task in misused_tasks(links, self.resolver))

    @cached_property
    def misplaced_imports(self) -> tuple[MisplacedImport, ...]:
        """The imports of `BackgroundTask` from where it is not."""
        return tuple(
            found
            for links in self._with_tasks
            for found in misplaced_imports(links, self.resolver, partial(self.tree_of, links.path))
        )

    @cached_property
    def _with_tasks(self) -> list[ModuleLinks]:
        paths = (path for path in self.sources.containing(b"BackgroundTask") if not is_test_path(path))
        return [links for path in paths if (links := self.links(path)) is not None]

    def place_of(self, function: Scope) -> Place:
        """Where a function is defined: from `async` or `def` to its name, with its columns in characters."""
        line = self.resolver.defined(function).line
        text = self.sources.decode(function.path).text.splitlines()[line - 1]
        head = re.search(r"(?:async\s+)?def\s+\w+", text)
        start, end = head.span() if head is not None else (0, len(text))
        return Place(line, start + 1, line, end + 1)

    def place_in_text(self, path: str, place: Place) -> Place:
        """A place of a file's links with its columns in characters."""
        return place_in_text(place, self.sources.decode(path).text.encode().splitlines())

    def site(self, call: BlockingCall) -> Site:
        """All that is to be known of a blocking call before it can be rewritten.

        Of one that is handed to a thread, the arguments are those of what is handed over.
        """
        path, number = call.key
        if call.is_offloaded and self.jobs.of(path, number) is not None:
            return self.jobs.site(path, number)
        site = self.returned.sites[path][number]
        if not call.is_offloaded:
            return site
        callee = self.resolver.resolve(call.site.call.callee, call.function)
        way = self.graph.way_to_thread(call.site.call, callee)
        position = way[1] if way is not None else -1
        return replace(site, arguments=site.arguments[position + 1 :])

    @cached_property
    def returned(self) -> ReturnedResponses:
        """The responses that helpers return."""
        return ReturnedResponses(self)

    def handing(self, scope: Scope) -> tuple[Scope, Edge] | None:
        """The call that hands a lambda to a thread, and the function in which that stands; None for other functions."""
        function = self.resolver.function(scope)
        callers = self.reach.callers_of(scope) if function is not None and function.number < 0 else []
        return callers[0] if len(callers) == 1 and callers[0][1].how == "thread" else None

    def site_of(self, path: str, number: int) -> Site | None:
        """The same of any other call, by its ordinal: where a helper is called, say; None outside of functions."""
        if path not in self._helper_sites:
            wanted = {edge.call for calls in self.reach.callers.values() for s, edge in calls if s.path == path}
            self._helper_sites[path] = read_sites(self.tree_of(path), wanted | self.jobs.watched(path))
        return self._helper_sites[path].get(number)

    def is_imported(self, path: str, name: str) -> bool:
        """Whether another file imports a name from a file, under whichever name."""
        for other in self.sources.saying(name):
            links = self.links(other) if other != path else None
            for binding in (b for values in links.bindings.values() for b in values) if links is not None else ():
                imports = binding.kind == "from" and binding.name == name
                if imports and self.tree.find(other, binding.module, binding.level) == path:
                    return True
        return False

    def references(self, function: Scope) -> list[Reference]:
        """Where a function is used other than by its registration, tests included."""
        return self._references.of(function)

    @staticmethod
    def name_of(scope: Scope) -> str:
        """The dotted name of a function: `app.main.read_item`."""
        return name_of(scope)
