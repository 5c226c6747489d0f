"""What tells a finding from all others, and stays when lines above it come and go."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence

from fastmigrate.model import Finding
from fastmigrate.report.paths import shown
from fastmigrate.result import Result

__all__ = ["fingerprints", "line_hashes"]


def fingerprints(results: Sequence[Result]) -> dict[tuple[int, Finding], str]:
    """A hash of each finding, by the index of its result.

    It is one of the rule, the file, the function, the text of the line, and of how many such findings stand before.
    """
    found: dict[tuple[int, Finding], str] = {}
    seen: Counter[tuple[str, ...]] = Counter()
    for index, result in enumerate(results):
        for finding in result.findings:
            function = finding.chain[-1].name if finding.chain else ""
            text = "".join(result.line(finding.path, finding.place.line).split())
            key = (finding.code, shown(result.root / finding.path), function, text)
            whole = "\0".join((*key, str(seen[key])))
            seen[key] += 1
            found[index, finding] = hashlib.sha256(whole.encode(errors="surrogateescape")).hexdigest()[:32]
    return found


_BLOCK = 100
_MOD = 37
_WORD = 2**64
_END = 65535


def line_hashes(text: str) -> list[str]:
    """The hash of each line of a text as GitHub's code scanning computes it: of the hundred characters from its
    beginning on, without spaces, and behind a colon how many lines before had the same, itself included."""
    first = pow(_MOD, _BLOCK, _WORD)
    window, lines = [0] * _BLOCK, [-1] * _BLOCK
    counts: Counter[str] = Counter()
    found: dict[int, str] = {}
    raw = index = 0

    def note() -> None:
        value = f"{raw:x}"
        counts[value] += 1
        found[lines[index]] = f"{value}:{counts[value]}"
        lines[index] = -1

    def push(character: int) -> None:
        nonlocal raw, index
        raw = (_MOD * raw + character - first * window[index]) % _WORD
        window[index] = character
        index = (index + 1) % _BLOCK

    for number, character in _characters(text):
        if lines[index] != -1:
            note()
        if number:
            lines[index] = number
        push(character)
    for _ in range(_BLOCK):
        if lines[index] != -1:
            note()
        push(0)
    return [found[number] for number in sorted(found)]


def _characters(text: str) -> Iterator[tuple[int, int]]:
    """The characters that count, as UTF-16 has them; the first one of a line with its number, others with 0."""
    number, starts, after_return = 0, True, False
    units = memoryview(text.encode("utf-16-le", "surrogatepass")).cast("H")
    for unit in (*units, _END):
        character = unit
        if character in (32, 9) or (after_return and character == 10):
            after_return = False
            continue
        after_return = character == 13
        if after_return:
            character = 10
        number += starts
        yield (number if starts else 0), character
        starts = character == 10
