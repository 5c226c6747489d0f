"""What a generator that feeds an answer may call on the event loop without anyone noticing."""

from __future__ import annotations

__all__ = ["HARMLESS_FUNCTIONS", "HARMLESS_METHODS"]

_BUILTINS = (
    "bool bytes dict enumerate float getattr hex int isinstance iter len list max min next print range repr str type"
)
_METHODS = (
    "iter_content iter_lines close decode encode strip lstrip rstrip split splitlines startswith endswith replace "
    "removeprefix removesuffix join format lower upper get append extend update items keys values pop hex find "
    "partition debug info warning error exception"
)

HARMLESS_FUNCTIONS = frozenset(
    [
        *(f"builtins.{name}" for name in _BUILTINS.split()),
        *("json.loads", "json.dumps", "time.time", "time.monotonic", "time.perf_counter"),
    ]
)
"""Functions that neither wait nor compute for long."""

HARMLESS_METHODS = frozenset(_METHODS.split())
"""Methods of responses, text, bytes, dicts, lists and loggers, likewise."""
