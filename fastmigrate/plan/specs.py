"""Which client a call goes through: its settings, and how it is written in a lifespan."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass

from fastmigrate.plan.texts import REQUESTS_SETTINGS
from fastmigrate.project.resolve import Scope

__all__ = ["SHARED", "ClientSpec", "Constant"]


@dataclass(frozen=True, slots=True)
class Constant:
    """A name at the top of a module with one value for good; `value` is code that gives it anywhere, or None.

    `modules` are what that code needs imported; it says `{os}` for the name of a module `os`.
    """

    name: str
    home: Scope
    value: str | None
    modules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClientSpec:
    """A client that lives as long as an app; calls with equal needs share one.

    `key` is the state key that it should have, `settings` are the keyword arguments in which it differs from a
    client that behaves as `requests.get` does; an empty one is left out. They are templates: `{httpx}` is httpx's
    name, `{ssl}` that of one of `modules`, which must be imported, and `{constant_0}` the first of `constants`.
    """

    key: str
    settings: tuple[tuple[str, str], ...] = ()
    modules: tuple[str, ...] = ()
    constants: tuple[Constant, ...] = ()

    @property
    def other_key(self) -> str:
        """What it is called where its key is taken."""
        if self.key.endswith("client"):
            return f"{self.key.removesuffix('client')}http_client"
        return f"{self.key}_client"

    def manager(self, names: Mapping[str, str]) -> str:
        """The code that makes the client; `names` are those of httpx, the jar, its policy, the hooks, and its own."""
        own = dict(self.settings)
        base = [(name, own.pop(name, default)) for name, default in REQUESTS_SETTINGS]
        lines = [f"    {name}={value.format(**names)},\n" for name, value in (*own.items(), *base) if value]
        return f"{names['httpx']}.AsyncClient(\n{''.join(lines)})"

    def is_made_by(self, code: str) -> bool:
        """Whether a piece of code makes this very client, by whatever names it knows httpx and the others."""
        names = ["httpx", "jar", "policy", "request_hook", "response_hook"]
        names += [*self.modules, *(module for constant in self.constants for module in constant.modules)]
        names += [f"constant_{index}" for index in range(len(self.constants))]
        pattern = re.escape(ast.unparse(ast.parse(self.manager({name: f"__{name}__" for name in names}))))
        for index, constant in enumerate(self.constants):
            pattern = pattern.replace(f"__constant_{index}__", f"(?:{_pattern(constant)})")
        return re.fullmatch(re.sub(r"__\w+?__", r"[\\w.]+", pattern), code) is not None


def _pattern(constant: Constant) -> str:
    """What a constant may be written as: its name, or its value."""
    if constant.value is None:
        return constant.name
    value = constant.value.format(**{module: f"__{module}__" for module in constant.modules})
    return rf"{constant.name}|{re.escape(ast.unparse(ast.parse(value)))}"


SHARED = ClientSpec("client")
"""The client for all calls that ask for nothing special."""
