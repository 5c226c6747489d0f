"""Which client a call goes through: its settings, and how it is written in a lifespan."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass

from fastmigrate.plan.texts import REQUESTS_SETTINGS

__all__ = ["SHARED", "ClientSpec"]

_NAMES = {"httpx": "H", "jar": "J", "policy": "P", "request_hook": "Q", "response_hook": "R"}


@dataclass(frozen=True, slots=True)
class ClientSpec:
    """A client that lives as long as an app; calls with equal needs share one.

    `key` is the state key that it should have, `settings` are the keyword arguments in which it differs from a
    client that behaves as `requests.get` does; an empty one is left out. `modules` are what these settings need
    imported.
    """

    key: str
    settings: tuple[tuple[str, str], ...] = ()
    modules: tuple[str, ...] = ()

    @property
    def other_key(self) -> str:
        """What it is called where its key is taken."""
        if self.key.endswith("client"):
            return f"{self.key.removesuffix('client')}http_client"
        return f"{self.key}_client"

    def manager(self, names: Mapping[str, str]) -> str:
        """The code that makes the client; `names` are those of httpx, the cookie jar, its policy and the hooks."""
        own = dict(self.settings)
        base = [(name, own.pop(name, default.format(**names))) for name, default in REQUESTS_SETTINGS]
        lines = [f"    {name}={value},\n" for name, value in (*own.items(), *base) if value]
        return f"{names['httpx']}.AsyncClient(\n{''.join(lines)})"

    def is_made_by(self, code: str) -> bool:
        """Whether a piece of code makes this very client, by whatever names it knows httpx and the others."""
        own = re.escape(ast.unparse(ast.parse(self.manager(_NAMES))))
        for placeholder in ("H\\.", "=J\\(", "\\(P\\(", "\\[Q\\]", "\\[R\\]"):
            own = own.replace(placeholder, re.sub("[A-Z]", r"[\\w.]+", placeholder))
        return re.fullmatch(own, code) is not None


SHARED = ClientSpec("client")
"""The client for all calls that ask for nothing special."""
