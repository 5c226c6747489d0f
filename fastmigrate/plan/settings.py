"""Settings of clients: which expressions mean the same where a lifespan makes the client."""

from __future__ import annotations

import ast

__all__ = ["is_literal"]


def is_literal(code: str) -> bool:
    """Whether an expression means the same wherever and whenever it stands."""
    try:
        ast.literal_eval(code)
    except (ValueError, SyntaxError, TypeError):
        return False
    return True
