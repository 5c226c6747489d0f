"""What terms stand for: modules, functions, classes and their instances, of the project or from outside."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

__all__ = ["Class", "External", "Function", "Instance", "Method", "Module", "Scope", "Value", "only"]


class Scope(Struct, frozen=True):
    """Where a term stands: a file and the qualified name of a function or class in it ("" for the module)."""

    path: str
    qualname: str = ""

    @property
    def name(self) -> str:
        """The name of the function or class, without what is around it."""
        return self.qualname.rpartition(".")[2].rstrip("'")


class External(Struct, frozen=True):
    """Something from outside of the project, by its canonical dotted name."""

    name: str


class Module(Struct, frozen=True):
    """A file of the project, or a folder of it (with a final "/")."""

    path: str


class Function(Struct, frozen=True):
    """A function of the project."""

    scope: Scope


class Class(Struct, frozen=True):
    """A class of the project."""

    scope: Scope


class Instance(Struct, frozen=True):
    """What the call with ordinal `number` in a file made; -1 for a parameter, of which the class alone is known."""

    of: External | Class
    scope: Scope
    number: int


class Method(Struct, frozen=True):
    """A member of an instance of a class from outside."""

    of: Instance
    name: str


Value = External | Module | Function | Class | Instance | Method


def only(values: Iterable[Value | None]) -> Value | None:
    """The one value among several equal ones; of instances of one class of the project, that they are such."""
    found = set(values)
    if len(found) > 1:
        kinds = {(value.of, value.scope) if isinstance(value, Instance) else None for value in found}
        classes = {kind[0] for kind in kinds if kind is not None and isinstance(kind[0], Class)}
        if len(classes) == 1 and None not in kinds and len({kind[0] for kind in kinds if kind}) == 1:
            return Instance(classes.pop(), min((kind[1] for kind in kinds if kind), key=repr), -1)
    return found.pop() if len(found) == 1 else None
