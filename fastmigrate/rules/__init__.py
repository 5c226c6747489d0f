"""The rules: one module each, found by being here under a name without an underscore before it.

A rule's module has a CODE, a NAME, and a function `find(project)` that yields its findings, without their fixes. If it
says `ON = False`, the rule is off unless it is selected.
Its docstring is what `--explain` prints, with the sections "What it does", "Why is this bad", "Example",
"Use instead" and "Fix".
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from functools import cache

from msgspec import Struct

from fastmigrate.model import Finding
from fastmigrate.project.project import Project

__all__ = ["Rule", "all_rules"]


class Rule(Struct, frozen=True):
    """A rule: its code, its readable name, its documentation, and how its findings are found."""

    code: str
    name: str
    doc: str
    find: Callable[[Project], Iterator[Finding]]
    is_on: bool = True

    def section(self, title: str) -> str:
        """A section of its documentation, as one line."""
        text = self.doc.partition(f"\n{title}\n{'-' * len(title)}\n")[2]
        return " ".join(re.split(r"\n\n.+\n-+\n", text)[0].split())


@cache
def all_rules() -> dict[str, Rule]:
    """All rules by their code, in order."""
    modules = [
        importlib.import_module(f"{__name__}.{found.name}")
        for found in pkgutil.iter_modules(__path__)
        if found.name[0] != "_"
    ]
    rules = [
        Rule(module.CODE, module.NAME, inspect.getdoc(module) or "", module.find, getattr(module, "ON", True))
        for module in modules
    ]
    return {rule.code: rule for rule in sorted(rules, key=lambda rule: rule.code)}
