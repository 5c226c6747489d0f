"""Where the project and the pages of its rules are on the web."""

from __future__ import annotations

__all__ = ["HOME", "page_of"]

HOME = "https://github.com/fastmigrate/fastmigrate-codemod"


def page_of(code: str) -> str:
    """The page of a rule."""
    return f"{HOME}/blob/main/docs/rules/{code}.md"
