"""How messages count."""

from __future__ import annotations

__all__ = ["count"]


def count(number: int, what: str) -> str:
    """A number of things, as "1 file" or "3 files"."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
