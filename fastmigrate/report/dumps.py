"""JSON as the reports have it."""

from __future__ import annotations

import json

__all__ = ["dumps"]


def dumps(report: object) -> str:
    """A report with its names as they are, but for what is no text in them (odd file names): that is escaped."""
    text = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
    return text.encode(errors="backslashreplace").decode()
