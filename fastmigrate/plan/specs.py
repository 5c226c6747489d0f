"""Which client a call goes through: its settings, and how it is written in a lifespan."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass

from fastmigrate.plan.texts import BASES

__all__ = ["SHARED", "ClientSpec"]

_NAMES = {"httpx": "H", "jar": "J", "policy": "P"}
_NAMES |= {"request_hook": "Q", "response_hook": "R", "send_hook": "S", "keep_hook": "K"}
_LINE = 60  # characters of a client that may stand on one line


@dataclass(frozen=True, slots=True)
class ClientSpec:
    """A client that lives as long as an app; calls with equal needs share one.

    `key` is the state key that it should have, `settings` are the keyword arguments in which it differs from a
    client that behaves as its `base` says (see `texts.BASES`); an empty one is left out. `modules` are what these
    settings need imported, `home` is the file whose names they use, if they use any.
    """

    key: str
    settings: tuple[tuple[str, str], ...] = ()
    modules: tuple[str, ...] = ()
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

    def manager(self, names: Mapping[str, str]) -> str:
        """The code that makes the client; `names` are those of httpx, the cookie jar, its policy and the hooks."""
        own = dict(self.settings)
        base = [(name, own.pop(name, default.format(**names))) for name, default in BASES[self.base]]
        given = [f"{name}={value}" for name, value in (*own.items(), *base) if value]
        line = f"{names['httpx']}.AsyncClient({', '.join(given)})"
        if len(line) <= _LINE and "\n" not in line:
            return line
        lines = "".join(f"    {argument},\n" for argument in given)
        return f"{names['httpx']}.AsyncClient(\n{lines})"

    def is_made_by(self, code: str) -> bool:
        """Whether a piece of code makes this very client, by whatever names it knows httpx and the others."""
        own = re.escape(ast.unparse(ast.parse(self.manager(_NAMES))))
        for placeholder in ("H\\.", "=J\\(", "\\(P\\(", *(f"\\[{hook}\\]" for hook in "QRSK")):
            own = own.replace(placeholder, re.sub("[A-Z]", r"[\\w.]+", placeholder))
        return re.fullmatch(own, code) is not None


SHARED = ClientSpec("client")
"""The client for all calls that ask for nothing special."""
