"""Comments that silence findings: on a line of the call, above it, or for a whole file."""

from __future__ import annotations

import io
import re
import tokenize

from msgspec import Struct

from fastmigrate.model import Finding

__all__ = ["Suppression", "read_suppressions", "silencing"]

_NOQA = re.compile(r"#\s*noqa\s*:\s*(?P<codes>[A-Z]+[0-9]+(?:[\s,]+[A-Z]+[0-9]+)*)", re.IGNORECASE)
_IGNORE = re.compile(r"#\s*fastmigrate\s*:\s*ignore(?P<file>-file)?\[(?P<codes>[^\]]*)\]", re.IGNORECASE)
_MEANT = re.compile(r"#\s*fastmigrate\s*:", re.IGNORECASE)
_CODE = re.compile(r"[A-Za-z]+[0-9]+")
_ALIASES = {"FM101": "ASYNC210", "FM102": "ASYNC212", "FM103": "ASYNC210", "FM104": "ASYNC251"}
"""The codes under which ruff and flake8-async know a call that a coroutine function makes itself."""
_BESIDE_CODE = frozenset({tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING})


class Suppression(Struct, frozen=True):
    """A comment in line `line` that silences findings with these codes from line `first` to line `last`.

    It has no codes if it is meant for this, and names none.
    """

    line: int
    codes: frozenset[str]
    first: int
    last: int

    def silences(self, finding: Finding) -> bool:
        """Whether a finding is one that it is about."""
        if finding.place.end_line < self.first or self.last < finding.place.line:
            return False
        is_direct = len(finding.chain) <= 1
        return finding.code in self.codes or (is_direct and _ALIASES.get(finding.code) in self.codes)

    @property
    def is_ours(self) -> bool:
        """Whether it names codes of ours alone, of findings that can be silenced."""
        return all(code.startswith("FM") and code != "FM900" for code in self.codes)


def read_suppressions(text: str) -> list[Suppression]:
    """The suppressions in a file. One that stands alone in its line is about the next line of code, however long."""
    found: list[Suppression] = []
    above: list[tuple[int, frozenset[str]]] = []  # those that wait for the code below them
    begun = 0  # the first line of the logical line that is being read
    try:
        for token in tokenize.generate_tokens(io.StringIO(text, newline=None).readline):
            line = token.start[0]
            if token.type not in _BESIDE_CODE and token.type != tokenize.NEWLINE:
                begun = begun or line
            if token.type == tokenize.NEWLINE:
                found += [Suppression(at, codes, begun, line) for at, codes in above]
                above, begun = [], 0
            if token.type == tokenize.COMMENT:
                for codes, whole_file in _codes(token.string):
                    if whole_file:
                        found.append(Suppression(line, codes, 1, 2**31))
                    elif token.line.lstrip().startswith("#") and not begun:
                        above.append((line, codes))
                    else:
                        found.append(Suppression(line, codes, line, line))
    except (tokenize.TokenError, SyntaxError):  # what stands before the error still counts
        pass
    return found


def _codes(comment: str) -> list[tuple[frozenset[str], bool]]:
    """The codes that a comment silences, and whether it does so in the whole file."""
    marks = [(match, False) for match in _NOQA.finditer(comment)]
    marks += [(match, match["file"] is not None) for match in _IGNORE.finditer(comment)]
    named = [(frozenset(code.upper() for code in _CODE.findall(match["codes"])), whole) for match, whole in marks]
    found = [(codes, whole) for codes, whole in named if codes]
    return found or ([(frozenset(), False)] if _MEANT.search(comment) else [])


def silencing(finding: Finding, suppressions: list[Suppression]) -> Suppression | None:
    """The first suppression that silences a finding."""
    return next((one for one in suppressions if one.silences(finding)), None)
