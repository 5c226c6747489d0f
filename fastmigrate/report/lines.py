"""Lines of a report for people, and how they are drawn: plain, or by rich where a terminal shows them."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TextIO

__all__ = ["Line", "drawn", "is_styled", "is_terminal", "visible"]

_MOVING = frozenset(["Cc", "Cf", "Zl", "Zp"])

Line = Sequence[tuple[str, str]]
"""The parts of a line, each with the style that a terminal gives it ("" for none)."""


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a stream, which may be closed, is a terminal that understands more than text."""
    return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"


def is_styled(stream: TextIO | None) -> bool:
    """Whether a stream shows styles: a terminal does, unless `NO_COLOR` is set; elsewhere `FORCE_COLOR` decides."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return is_terminal(stream) or bool(os.environ.get("FORCE_COLOR"))


def visible(text: str) -> str:
    """A text without what moves the cursor of a terminal, or begins a new line: names of files and routes may."""
    if text.isprintable():
        return text
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in _MOVING else c for c in text)


def drawn(lines: Iterable[Line], *, styled: bool) -> str:
    """The lines as one text. What it says is the same, styled or not."""
    lines = ([(visible(text), style) for text, style in line] for line in lines)
    if not styled:
        return "".join("".join(text for text, _ in line) + "\n" for line in lines)
    from rich.console import Console
    from rich.text import Text

    console = Console(force_terminal=True, highlight=False, soft_wrap=True)
    with console.capture() as captured:
        for line in lines:
            console.print(Text.assemble(*line), end="\n")
    return captured.get()
