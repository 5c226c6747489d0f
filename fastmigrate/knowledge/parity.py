"""Parity: how faithfully the httpx form of a thing does what its requests form did."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

__all__ = ["Parity", "Row"]


class Parity(StrEnum):
    """From the best to the worst."""

    EXACT = "exact"
    """The same for every input."""
    PINNED = "pinned"
    """The same, because of what the rewrite writes."""
    LOSSY = "lossy"
    """A difference is possible that the project can meet; the row's note names it."""
    NONE = "none"
    """No faithful form; the row's note says why."""


class Row(Struct, frozen=True):
    """One row of the tables.

    `form` is the httpx form; `{}` stands for the expression as it was. `fact` is the row of
    docs/facts/requests-to-httpx.md that was measured. `note` names a difference, or what stands in the way.
    """

    parity: Parity
    form: str
    fact: str
    note: str = ""
