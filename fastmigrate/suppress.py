"""Comments that silence findings: `# noqa: FM101` and `# fastmigrate: ignore[FM101] reason`."""

from __future__ import annotations

import io
import re
import tokenize

from fastmigrate.model import Finding

__all__ = ["is_suppressed", "read_suppressions"]

_NOQA = re.compile(r"#\s*noqa\s*:\s*(?P<codes>[A-Z]+[0-9]+(?:[\s,]+[A-Z]+[0-9]+)*)", re.IGNORECASE)
_IGNORE = re.compile(r"#\s*fastmigrate\s*:\s*ignore\[(?P<codes>[^\]]*)\]", re.IGNORECASE)


def read_suppressions(text: str) -> dict[int, frozenset[str]]:
    """The codes that comments silence, by line."""
    found: dict[int, frozenset[str]] = {}
    try:
        for token in tokenize.generate_tokens(io.StringIO(text, newline=None).readline):
            if token.type == tokenize.COMMENT:
                codes = {
                    code.upper()
                    for pattern in (_NOQA, _IGNORE)
                    for match in pattern.finditer(token.string)
                    for code in re.findall(r"[A-Za-z]+[0-9]+", match["codes"])
                }
                if codes:
                    found[token.start[0]] = frozenset(codes)
    except (tokenize.TokenError, SyntaxError):  # what stands before the error still counts
        pass
    return found


def is_suppressed(finding: Finding, suppressions: dict[int, frozenset[str]]) -> bool:
    """Whether a comment on one of the lines of the finding silences it."""
    lines = range(finding.place.line, finding.place.end_line + 1)
    return any(finding.code in suppressions.get(line, ()) for line in lines)
