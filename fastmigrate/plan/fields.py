"""What `params` and `data` hold: dicts, pairs, text, bytes, files; each a case of the tables."""

from __future__ import annotations

import re

from msgspec import Struct

from fastmigrate.facts.terms import OPAQUE, SPREAD, Call, Const, Display, Member, Term, Truthy
from fastmigrate.knowledge.requests_calls import DICTS, LISTS
from fastmigrate.project.types import Types
from fastmigrate.project.values import Scope

__all__ = ["PLAIN", "case_of_data", "case_of_params", "is_never_empty", "pairs_of", "urlencodes"]

PLAIN = frozenset({"text", "number", "plain", "several", "url"})
"""Kinds of values that both libraries send alike in a query and in a form."""
_IN_PARTS = frozenset({"text", "number", "several", "bytes"})
"""Kinds of values that both libraries send alike in a form beside files."""
_SINGLE = frozenset({"text", "number", "plain", "url", "bool", "bytes"})
_UNRESERVED = re.compile(r"[\w.~-]+=[\w.~-]*(&[\w.~-]+=[\w.~-]*)*", re.ASCII)
_FILES = frozenset({"file", "nameless file"})


def case_of_params(types: Types, term: Term, scope: Scope) -> str:
    """The case of a value of `params`."""
    kinds = types.kinds(term, scope)
    if kinds == {"none"}:
        return "nothing"
    if kinds and kinds <= {"text", "bytes", "none"}:
        return "text" if _is_sent_as_it_is(term) else "odd text"
    pairs = pairs_of(types, term, scope)
    if pairs is not None:
        if not _is_view(term) and pairs.order == "mixed":
            return "list of mixed pairs"
        return f"{'pairs' if _is_view(term) else 'list of pairs'}, {_values_case(pairs.kinds)}"
    return _dict_case(types, term, scope)


def case_of_data(types: Types, term: Term, scope: Scope, beside: frozenset[str]) -> str:
    """The case of a value of `data` that stands beside other parameters, of which `json` and `files` matter."""
    kinds = types.kinds(term, scope)
    if kinds == {"none"}:
        return "nothing"
    whole = kinds - {"none"}
    if whole <= {"text", "bytes"}:
        if "files" in beside:
            return "text beside files"
        return "text beside json" if "json" in beside else "text"
    if whole <= _FILES | {"bytearray", "text file", "generator"}:
        if beside & {"json", "files"} or "none" in kinds:
            return "not a dict"
        return "file" if whole <= _FILES else min(whole) if len(whole) == 1 else "not a dict"
    pairs = pairs_of(types, term, scope)
    if pairs is None:
        return _beside(types, term, scope, beside, _dict_case(types, term, scope))
    if pairs.order == "distinct":
        sent_alike = "files" not in beside or pairs.kinds <= _IN_PARTS | {"none", "bool"}
        case = f"pairs, {_values_case(pairs.kinds)}" if sent_alike else "not a dict"
        return _beside(types, term, scope, beside - {"files"}, case)
    if beside & {"json", "files"}:
        return "not a dict"
    if pairs.kinds <= _SINGLE | {"none"} and pairs.certain:
        return f"repeated pairs, {'none' if 'none' in pairs.kinds else 'plain'}"
    return "repeated pairs, unknown"


def _beside(types: Types, term: Term, scope: Scope, beside: frozenset[str], case: str) -> str:
    """The case of a dict or of pairs that stand beside other parameters."""
    if case in {"unknown whole", "not a dict"}:
        return "unknown beside json" if "json" in beside else case
    if "files" in beside:
        values = types.value_kinds(term, scope) or frozenset({"unknown"})
        if not values <= _IN_PARTS | {"none", "bool"}:
            return "objects beside files" if values <= _SINGLE | {"none"} - {"bytes"} else "unknown beside files"
    if "json" in beside and case.rpartition(", ")[2] != "plain" and not is_never_empty(types, term, scope):
        return "unknown beside json"
    return case


def _dict_case(types: Types, term: Term, scope: Scope) -> str:
    values = types.value_kinds(term, scope)
    if values is None:
        return "unknown whole" if "unknown" in types.kinds(term, scope) else "not a dict"
    return _values_case(values)


def _values_case(values: frozenset[str]) -> str:
    if not values <= PLAIN | {"none", "bool"}:
        return "unknown"
    return ", ".join(kind for kind in ("none", "bool") if kind in values) or "plain"


def is_never_empty(types: Types, term: Term, scope: Scope) -> bool:
    """Whether a dict or a list of pairs holds at least one value that is sent."""
    match term:
        case Display(kind="dict", keys=keys, values=values):
            all_keys = [key for key, _, _ in types.items(term, scope) or []]
            own = zip(keys, values, strict=True)
            certain = [(key, value) for key, value in own if all_keys.count(key) == 1]  # never overwritten
        case Display(kind="list" | "tuple", keys=(), values=pairs):
            certain = [(p.values[0], p.values[1]) for p in pairs if isinstance(p, Display) and len(p.values) == 2]
        case Truthy(of):
            return is_never_empty(types, of, scope)
        case _:
            return False
    return any(isinstance(key, Const) and types.kinds(value, scope) <= PLAIN - {"several"} for key, value in certain)


def urlencodes(types: Types, term: Term, scope: Scope) -> str | None:
    """The code that encodes a dict or a list of pairs as requests does, or None if what they hold is not known."""
    pairs = None if _is_view(term) else pairs_of(types, term, scope)
    values = types.value_kinds(term, scope) if pairs is None else pairs.kinds
    if values is None or not values <= _SINGLE | {"several", "none"}:
        return None
    forms = DICTS if pairs is None else LISTS
    given = forms["none" if "none" in values else "plain"]
    return f"urlencode({given}{', doseq=True' if 'several' in values else ''})"


def _is_sent_as_it_is(term: Term) -> bool:
    """Whether a text of parameters is a literal that httpx takes apart and puts together without a change."""
    if not isinstance(term, Const) or not isinstance(term.value, str | bytes):
        return False
    text = term.value if isinstance(term.value, str) else term.value.decode("latin-1")
    names = [pair.partition("=")[0] for pair in text.split("&")]
    return _UNRESERVED.fullmatch(text) is not None and _order(names) != "mixed"


# -- pairs


class _Pairs(Struct, frozen=True):
    """Pairs: whether their names are "distinct", stand in "groups", or are "mixed"; and the kinds of their values.

    `certain` says that there is at least one.
    """

    order: str
    kinds: frozenset[str]
    certain: bool


def pairs_of(types: Types, term: Term, scope: Scope) -> _Pairs | None:
    """What is known of a list of pairs, or of the view that `.items()` gives; None for anything else."""
    if _is_view(term) and isinstance(term, Call) and isinstance(term.callee, Member):
        values = types.value_kinds(term.callee.of, scope)
        return None if values is None else _Pairs("distinct", values, certain=False)
    if not isinstance(term, Display) or term.kind not in {"list", "tuple"} or not term.values:
        return None
    pairs = [pair for pair in term.values if isinstance(pair, Display) and len(pair.values) == 2]
    if not pairs:
        unknown = frozenset({"unknown"})
        return _Pairs("mixed", unknown, certain=False) if OPAQUE in {*term.keys, *term.values} else None
    names: list[object] = []
    kinds: set[str] = set()
    for pair in pairs:
        key, value = pair.values
        names.append(key.value if isinstance(key, Const) else object())
        kinds |= types.items_kinds(value, scope)
    whole = len(pairs) == len(term.values) and OPAQUE not in term.keys
    if term.keys == (SPREAD,) and whole:  # a comprehension
        one_name = isinstance(names[0], str)
        return _Pairs("groups" if one_name else "mixed", frozenset(kinds), certain=False)
    if not whole or not all(isinstance(name, str) for name in names):
        return _Pairs("mixed", frozenset(kinds if whole else {*kinds, "unknown"}), certain=True)
    return _Pairs(_order(names), frozenset(kinds), certain=True)


def _order(names: list[object] | list[str]) -> str:
    if len(set(names)) == len(names):
        return "distinct"
    groups = [name for index, name in enumerate(names) if index == 0 or names[index - 1] != name]
    return "groups" if len(set(groups)) == len(groups) else "mixed"


def _is_view(term: Term) -> bool:
    return isinstance(term, Call) and isinstance(term.callee, Member) and term.callee.name == "items" and not term.args
