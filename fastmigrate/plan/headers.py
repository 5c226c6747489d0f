"""What `headers` hold: values that httpx refuses, headers of the incoming request, a length that goes stale."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from fastmigrate.facts.sites import Argument, Site
from fastmigrate.facts.terms import SPREAD, Call, Const, Display, Either, Member, Sum, Term, Text, Truthy
from fastmigrate.plan.fields import PLAIN
from fastmigrate.plan.urls import value_of
from fastmigrate.project.project import Project
from fastmigrate.project.types import Types
from fastmigrate.project.values import Scope

__all__ = ["Headers", "is_latin", "knows_header", "read_headers"]

_LENGTH = "content-length"
_TEXT = frozenset({"text"})

_OF_CLIENTS = frozenset({"accept", "accept-encoding", "connection", "user-agent"})
"""The headers that a client sends by itself."""


class Headers(Struct, frozen=True):
    """The case of `headers`, others that apply too, and the new forms of single values where they are written."""

    case: str
    also: tuple[str, ...] = ()
    elements: tuple[tuple[int, str], ...] = ()


def knows_header(types: Types, term: Term, scope: Scope, name: str = "") -> bool:
    """Whether all names in a dict of headers are known, and `name` is among them if it is given."""
    items = types.items(term, scope)
    if items is None or not all(isinstance(key, Const) for key, _, _ in items):
        return False
    return not name or any(isinstance(key, Const) and _lower(key.value) == name.lower() for key, _, _ in items)


def read_headers(project: Project, argument: Argument, site: Site, scope: Scope, *, has_body: bool) -> Headers:
    """What is known of a value of `headers`."""
    types, term = project.types, argument.term
    if types.kinds(term, scope) == {"none"}:
        return Headers("nothing")
    items = types.items(term, scope) or []
    texts = [value.value for _, value, _ in items if isinstance(value, Const) and isinstance(value.value, str)]
    if any(text != text.rstrip(" ") for text in texts):
        return Headers("trailing space")
    own = (value for key, value, _ in items if isinstance(key, Const) and _lower(key.value) in _OF_CLIENTS)
    if any("none" in types.kinds(value, scope) for value in own):
        return Headers("none of the client's")
    values = types.value_kinds(term, scope)
    case = "plain" if values is not None and values <= PLAIN | {"bytes"} else "none"
    has_length = has_body and any(isinstance(key, Const) and _lower(key.value) == _LENGTH for key, _, _ in items)
    is_forwarded = _Forwarded(types, scope).holds(term)
    if has_length or (is_forwarded and _LENGTH not in set(_omitted(project, site, scope))):
        case = "with length" if case == "plain" else "with length, none"
    if not any(_needs_bytes(text) for text in texts):
        return Headers(case)
    written = term.values if argument.display and isinstance(term, Display) else ()
    elements = tuple((index, '{}.encode("latin-1")') for index, value in enumerate(written) if is_latin(value))
    if len(elements) == sum(is_latin(value) for _, value, _ in items):
        return Headers(case, ("latin-1",), elements)
    return Headers("latin-1" if case == "plain" and values == _TEXT else "latin-1 among others")


def is_latin(value: Term) -> bool:
    """Whether a text has a literal part that requests sends as Latin-1, and httpx refuses."""
    match value:
        case Const(str(text)):
            return _needs_bytes(text)
        case Text(parts):
            return any(is_latin(part) for part in parts)
        case Sum(left, right):
            return is_latin(left) or is_latin(right)
    return False


def _needs_bytes(text: str) -> bool:
    """Whether requests sends a text as Latin-1, and httpx refuses it; what is not even that fails in both."""
    return not text.isascii() and all(ord(character) < 256 for character in text)


def _lower(value: object) -> str:
    return str(value).lower()


def _omitted(project: Project, site: Site, scope: Scope) -> Iterator[str]:
    """The texts, in lower case, that a function leaves out of dicts."""
    for term in site.omitted:
        value = value_of(project, term, scope)[0]
        if isinstance(value, Call) and value.args:  # frozenset([…])
            value = value.args[0]
        parts = value.values if isinstance(value, Display) else (value,)
        yield from (_lower(part.value) for part in parts if isinstance(part, Const))


class _Forwarded:
    """Finds out whether headers are, or are made of, those of the incoming request."""

    def __init__(self, types: Types, scope: Scope) -> None:
        self.types = types
        self.scope = scope
        self.seen: set[int] = set()

    def holds(self, term: Term) -> bool:
        """Whether a term holds such headers."""
        if id(term) in self.seen:
            return False
        self.seen.add(id(term))
        if "headers" in self.types.kinds(term, self.scope):
            return True
        match term:
            case Display(keys=keys, values=values):
                return any(key == SPREAD and self.holds(v) for key, v in zip(keys, values, strict=False))
            case Either(options):
                return any(self.holds(option) for option in options)
            case Truthy(of) | Member(of):
                return self.holds(of)
            case Call(callee, args):
                return self.holds(callee) or any(self.holds(arg) for arg in args)
        return False
