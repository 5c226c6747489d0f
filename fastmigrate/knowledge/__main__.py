"""Prints the tables as a page of the documentation: `python -m fastmigrate.knowledge > docs/migrated.md`."""

from __future__ import annotations

from fastmigrate.knowledge.page import page

if __name__ == "__main__":
    print(page(), end="")
