"""What terms stand for: modules, functions, classes and their instances, of the project or from outside."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Class", "External", "Function", "Instance", "Method", "Module", "Scope", "Value"]


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a term stands: a file and the qualified name of a function or class in it ("" for the module)."""

    path: str
    qualname: str = ""

    @property
    def name(self) -> str:
        """The name of the function or class, without what is around it."""
        return self.qualname.rpartition(".")[2].rstrip("'")


@dataclass(frozen=True, slots=True)
class External:
    """Something from outside of the project, by its canonical dotted name."""

    name: str


@dataclass(frozen=True, slots=True)
class Module:
    """A file of the project, or a folder of it (with a final "/")."""

    path: str


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the project."""

    scope: Scope


@dataclass(frozen=True, slots=True)
class Class:
    """A class of the project."""

    scope: Scope


@dataclass(frozen=True, slots=True)
class Instance:
    """What the call with ordinal `number` in a file made; -1 for a parameter, of which the class alone is known."""

    of: External | Class
    scope: Scope
    number: int


@dataclass(frozen=True, slots=True)
class Method:
    """A member of an instance of a class from outside."""

    of: Instance
    name: str


Value = External | Module | Function | Class | Instance | Method
