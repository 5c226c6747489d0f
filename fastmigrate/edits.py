"""What a fix changes in a file, as replacements of lines."""

from __future__ import annotations

from msgspec import Struct

from fastmigrate.sources import lines_of

__all__ = ["TextEdit", "text_edits"]


class TextEdit(Struct, frozen=True):
    """A range of whole lines, and the text that takes its place.

    Lines and columns count from 1, the end is exclusive: it is the first column of the line behind the last one, or the
    end of a last line that no line end follows.
    """

    line: int
    column: int
    end_line: int
    end_column: int
    text: str


def text_edits(before: str, after: str) -> list[TextEdit]:
    """The edits that make one text another one, from the top down; none overlap."""
    from difflib import SequenceMatcher  # which many runs can do without

    old, new = lines_of(before), lines_of(after)
    found: list[TextEdit] = []
    for tag, first, last, new_first, new_last in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            end = (last + 1, 1)
            if last == len(old) and old and old[-1] == old[-1].rstrip("\r\n"):
                end = (last, len(old[-1]) + 1)
            start = (first + 1, 1) if first < last or first < len(old) else end
            found.append(TextEdit(*start, *end, "".join(new[new_first:new_last])))
    return found
