"""The keys under which lifespans hand out clients: those that are there, and new ones that are free."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from fastmigrate.facts.terms import Ref, items_of
from fastmigrate.facts.values import Yield
from fastmigrate.plan.names import fresh
from fastmigrate.plan.specs import ClientSpec
from fastmigrate.project.project import Project
from fastmigrate.project.values import Instance

__all__ = ["Keys"]


class Keys:
    """Gives each client its key in the lifespans' state: the same one in the whole project.

    `specs` are all clients that the project's calls ask for, in the order of the calls: so the keys do not depend on
    which of them are fixed.
    """

    def __init__(self, project: Project, specs: Iterable[ClientSpec]) -> None:
        self.project = project
        self.specs = list(dict.fromkeys(specs))

    def of(self, spec: ClientSpec) -> str:
        """The key of a client."""
        return self._all[spec]

    def at_hand(self, request: str, spec: ClientSpec) -> str:
        """The code that gives a client by a request: out of its own state, or that of its app."""
        return f"{request}.app.state.{self.on_app[spec]}" if spec in self.on_app else f"{request}.state.{self.of(spec)}"

    def in_scope(self, scope: str, spec: ClientSpec) -> str:
        """The same by the scope of an ASGI app."""
        if spec in self.on_app:
            return f'{scope}["app"].state.{self.on_app[spec]}'
        return f'{scope}["state"]["{self.of(spec)}"]'

    @cached_property
    def on_app(self) -> dict[ClientSpec, str]:
        """The names under which the lifespan of the only app keeps clients in the app's own state."""
        apps = list(self.project.apps.apps)
        scopes = self.project.lifespans.of(apps[0]) if len(apps) == 1 else ()
        kept = [pair for scope in scopes for pair in self.project.lifespans.on_app(scope)]
        found: dict[ClientSpec, str] = {}
        for spec in self.specs:
            names = [name for name, code in kept if spec.is_made_by(code, self.project.client_settings)]
            if names and self._in_state(apps[0], spec) is None:
                found[spec] = names[0]
        return found

    @cached_property
    def _all(self) -> dict[ClientSpec, str]:
        found: dict[ClientSpec, str] = {}
        for spec in self.specs:
            there = {key for app in self.project.apps.apps if (key := self.existing(app, spec)) is not None}
            if there:
                found[spec] = min(there)
        taken = {*self._taken, *found.values()}
        for spec in self.specs:
            if spec not in found:
                wanted, *others = _candidates(spec)
                found[spec] = fresh(wanted, taken, *others)
                taken.add(found[spec])
        return found

    @cached_property
    def _taken(self) -> set[str]:
        """The state keys of the files that mention one of the wanted names: no other file can have taken one."""
        taken: set[str] = set()
        wanted = {name for spec in self.specs for name in _candidates(spec)}
        mentioning = {path for name in wanted for path in self.project.sources.saying(name)}
        for path in sorted(mentioning & {*self.project.sources.containing(b"state", b"yield ")}):
            links = self.project.links(path)
            if links is None:
                continue
            taken |= links.state_names | links.stored
            for function in links.functions.values():
                for item in function.yields:
                    value = item.value
                    if isinstance(value, Ref) and value.name in function.bindings:
                        value = function.bindings[value.name][0].term
                    taken |= {key for key, _ in items_of(value)}
        return taken

    def existing(self, app: Instance, spec: ClientSpec) -> str | None:
        """The key under which an app's lifespan hands out, or keeps, this very client already, or None."""
        return self.on_app.get(spec) or self._in_state(app, spec)

    def _in_state(self, app: Instance, spec: ClientSpec) -> str | None:
        for scope in self.project.lifespans.of(app):
            for item in self.project.resolver.defined(scope).yields:
                found = _key_of_client(item, spec, self.project.client_settings)
                if found is not None:
                    return found
        return None


def _candidates(spec: ClientSpec) -> tuple[str, ...]:
    """The keys that a client may get, the best first; the last one with a number if need be."""
    return (spec.key, "http_client", "shared_http_client") if spec.key == "client" else (spec.key, spec.other_key)


def _key_of_client(item: Yield, spec: ClientSpec, wanted: Mapping[str, str]) -> str | None:
    """The key under which a `yield` hands out a client with exactly the settings that are written here."""
    names = {name for name, manager in item.around if name is not None and spec.is_made_by(manager, wanted)}
    return next((key for key, value in items_of(item.value) if isinstance(value, Ref) and value.name in names), None)
