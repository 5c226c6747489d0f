"""Which client a call goes through: its settings, and how it is written in a lifespan."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from fastmigrate.plan.texts import BASES
from fastmigrate.project.values import Scope

__all__ = ["SHARED", "ClientSpec", "Constant", "as_template"]

_NOTHING: Mapping[str, str] = MappingProxyType({})
_LINE = 60  # characters of a client that may stand on one line


class Constant(Struct, frozen=True):
    """A name at the top of a module with one value for good; `value` is code that gives it anywhere, or None.

    `modules` are what that code needs imported; it says `{os}` for the name of a module `os`.
    """

    name: str
    home: Scope
    value: str | None
    modules: tuple[str, ...] = ()


class ClientSpec(Struct, frozen=True):
    """A client that lives as long as an app; calls with equal needs share one.

    `key` is the state key that it should have, `settings` are the keyword arguments in which it differs from a
    client that behaves as its `base` says (see `texts.BASES`); an empty one is left out. They are templates: `{httpx}`
    is httpx's name, `{ssl}` that of one of `modules`, which must be imported, and `{constant_0}` the first of
    `constants`. `home` is the file whose names they use, if they use any.
    """

    key: str
    settings: tuple[tuple[str, str], ...] = ()
    modules: tuple[str, ...] = ()
    constants: tuple[Constant, ...] = ()
    base: str = "requests"
    home: str | None = None

    @property
    def raises_other_errors(self) -> bool:
        """Whether its errors are not those of the calls that it takes over."""
        return self.base in {"requests", "urllib"}

    @property
    def other_key(self) -> str:
        """What it is called where its key is taken."""
        if self.key.endswith("client"):
            return f"{self.key.removesuffix('client')}http_client"
        return f"{self.key}_client"

    def manager(self, names: Mapping[str, str], wanted: Mapping[str, str] = _NOTHING) -> str:
        """The code that makes the client; `names` are those of httpx, the jar, its policy, the hooks, and its own.

        `wanted` are the user's settings for all clients: those of the client itself go before them.
        """
        own = {**(wanted if self.base != "as it is" else {}), **dict(self.settings)}
        base = [(name, own.pop(name, default)) for name, default in BASES[self.base]]
        given = [f"{name}={value.format(**names)}" for name, value in (*own.items(), *base) if value]
        line = f"{names['httpx']}.AsyncClient({', '.join(given)})"
        if len(line) <= _LINE and "\n" not in line:
            return line
        lines = "".join(f"    {argument},\n" for argument in given)
        return f"{names['httpx']}.AsyncClient(\n{lines})"

    def is_made_by(self, code: str, wanted: Mapping[str, str]) -> bool:
        """Whether a piece of code makes this very client, by whatever names it knows httpx and the others."""
        return any(re.fullmatch(self._pattern(settings), code) is not None for settings in (wanted, _NOTHING))

    def _pattern(self, wanted: Mapping[str, str]) -> str:
        names = ["httpx", "jar", "policy", "request_hook", "response_hook", "send_hook", "keep_hook"]
        names += [*self.modules, *(module for constant in self.constants for module in constant.modules)]
        names += [f"constant_{index}" for index in range(len(self.constants))]
        made = self.manager({name: f"__{name}__" for name in names}, wanted)
        pattern = re.escape(ast.unparse(ast.parse(made)))
        for index, constant in enumerate(self.constants):
            pattern = pattern.replace(f"__constant_{index}__", f"(?:{_pattern(constant)})")
        return re.sub(r"__\w+?__", r"[\\w.]+", pattern)


def _pattern(constant: Constant) -> str:
    """What a constant may be written as: its name, or its value."""
    if constant.value is None:
        return constant.name
    value = constant.value.format(**{module: f"__{module}__" for module in constant.modules})
    return rf"{constant.name}|{re.escape(ast.unparse(ast.parse(value)))}"


def as_template(code: str) -> str:
    """Code as a setting of a client, with nothing in it to be filled in."""
    return code.replace("{", "{{").replace("}", "}}")


SHARED = ClientSpec("client")
"""The client for all calls that ask for nothing special."""
