"""The values that leave the analysis: findings, their chains and endpoints, and what a fix of them is worth."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from fastmigrate.facts.values import Place

__all__ = ["Applicability", "Endpoint", "Finding", "Fix", "Hop"]

Applicability = Literal["safe", "unsafe", "none"]


class Endpoint(Struct, frozen=True):
    """What a finding stalls: a path operation with its full route; `line` is that of its `def`."""

    name: str
    route: str | None
    path: str
    line: int


class Hop(Struct, frozen=True):
    """A function on the way to a blocking call, and where it makes the next call."""

    name: str
    path: str
    line: int
    column: int


class Fix(Struct, frozen=True):
    """What can be done about a finding; `reason` says why a fix is unsafe, or why there is none."""

    applicability: Applicability
    reason: str | None = None


class Finding(Struct, frozen=True):
    """One defect. Paths are POSIX and relative to the project.

    `call` is the ordinal of the call in its file that it is about, `function` the qualified name of the function, and
    `imported` are the scope and the name, where that is an import.
    """

    code: str
    name: str
    message: str
    path: str
    place: Place
    endpoints: tuple[Endpoint, ...] = ()
    chain: tuple[Hop, ...] = ()
    fix: Fix = Fix("none")
    call: int | None = None
    imported: tuple[str, str] | None = None
    function: str | None = None
    is_in_code: bool = True

    @property
    def order(self) -> tuple[str, int, int, str]:
        """Findings are reported in this order."""
        return self.path, self.place.line, self.place.column, self.code
