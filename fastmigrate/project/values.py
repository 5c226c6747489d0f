"""What terms stand for: modules, functions, classes and their instances, of the project or from outside."""

from __future__ import annotations

from msgspec import Struct

__all__ = ["Class", "External", "Function", "Instance", "Method", "Module", "Scope", "Value"]


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
