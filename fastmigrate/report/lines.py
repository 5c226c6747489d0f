"""Lines of a report for people, and how they are drawn: plain, or by rich where a terminal shows them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TextIO

__all__ = ["Line", "drawn", "is_styled"]

Line = Sequence[tuple[str, str]]
"""The parts of a line, each with the style that a terminal gives it ("" for none)."""


def is_styled(stream: TextIO) -> bool:
    """Whether a stream shows styles: a terminal does, unless `NO_COLOR` or `TERM=dumb` are set; `FORCE_COLOR` decides
    where it is no terminal."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty() or bool(os.environ.get("FORCE_COLOR"))


def drawn(lines: Iterable[Line], *, styled: bool) -> str:
    """The lines as one text. What it says is the same, styled or not."""
    if not styled:
        return "".join("".join(text for text, _ in line) + "\n" for line in lines)
    from rich.console import Console
    from rich.text import Text

    console = Console(force_terminal=True, highlight=False, soft_wrap=True)
    with console.capture() as captured:
        for line in lines:
            console.print(Text.assemble(*line), end="\n")
    return captured.get()
