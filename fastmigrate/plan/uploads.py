"""What `files` holds: the parts of an upload, each of which is a case of the tables."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from fastmigrate.facts.sites import Argument, Site
from fastmigrate.facts.terms import OPAQUE, SPREAD, Const, Display, Either, Member, Term, Truthy
from fastmigrate.plan.texts import quoted
from fastmigrate.project.types import Types
from fastmigrate.project.values import Scope

__all__ = ["Upload", "read_upload"]

_FILES = frozenset({"file", "nameless file"})
_CONTENT = frozenset({"text", "bytes"})
_EXACT = frozenset({"typed", "plain field", "with none"})


class Upload(Struct, frozen=True):
    """The cases of the parts of an upload; `elements` are new forms for parts, by their place where they are written.

    `whole` says that the row of the one case there is has a form for all parts together.
    """

    cases: tuple[str, ...]
    elements: tuple[tuple[int, str], ...] = ()
    whole: bool = False


def read_upload(types: Types, argument: Argument, site: Site, scope: Scope) -> Upload:
    """What is known of a value of `files`."""
    kinds = types.kinds(argument.term, scope)
    if kinds == {"none"}:
        return Upload(("nothing",), whole=True)
    reader = _Reader(types, site, scope)
    parts = list(reader.parts(argument.term))
    if not parts or "none" in kinds:
        return Upload(("unknown whole",))
    cases = [reader.case(part) for _, part in parts]
    only = tuple(dict.fromkeys(cases))
    if "with none" in only and _EXACT.issuperset(only):
        return Upload(("with none",), whole=True)
    if only == ("content",) and not argument.display:
        return Upload(only, whole=True)
    is_written = argument.display and isinstance(argument.term, Display) and SPREAD not in argument.term.keys
    elements: list[tuple[int, str]] = []
    for index, (name, _) in enumerate(parts):
        form = _form(cases[index], name, argument.term) if is_written else None
        if form is not None:
            elements.append((index, form))
            cases[index] = _PINNED.get(cases[index], cases[index])
        elif cases[index] in {"content", "with none"}:
            cases[index] = "unknown"
    return Upload(tuple(dict.fromkeys(cases)), tuple(elements))


_PINNED = {"typed, read before": "typed"}
"""What a new form of a part makes of its case."""


def _form(case: str, name: Term, whole: Term) -> str | None:
    """The new form of a part that stands in a dict, or of a pair in a list."""
    in_dict = isinstance(whole, Display) and whole.kind == "dict"
    if case == "content" and isinstance(name, Const) and isinstance(name.value, str):
        return f"({quoted(name.value)}, {{}})" if in_dict else "({0}, ({0}, {1}))"
    if case == "typed, read before" and in_dict:
        return "({0}, {1}.read(), {2})"
    return None


class _Reader:
    def __init__(self, types: Types, site: Site, scope: Scope) -> None:
        self.types = types
        self.site = site
        self.scope = scope

    def parts(self, term: Term) -> Iterator[tuple[Term, Term]]:
        """The name and the value of each part; nothing if they are not known."""
        match term:
            case Display(kind="dict", keys=keys, values=values):
                for key, value in zip(keys, values, strict=True):
                    inner = list(self.parts(value)) if key == SPREAD else [(key, value)]
                    yield from inner or [(OPAQUE, OPAQUE)]
            case Display(kind="list" | "tuple", values=pairs):
                for pair in pairs:
                    if isinstance(pair, Display) and len(pair.values) == 2:
                        yield pair.values[0], pair.values[1]
                    else:
                        yield OPAQUE, OPAQUE
            case Truthy(of):
                yield from self.parts(of)

    def case(self, part: Term) -> str:
        """The case of one part."""
        if isinstance(part, Display) and part.kind in {"tuple", "list"}:
            return self._case_of_tuple(part.values)
        if isinstance(part, Either) and Const(None) in part.options:
            others = {self.case(option) for option in part.options if option != Const(None)}
            return "with none" if others <= {"typed", "plain field"} else "unknown"
        kinds = self.types.kinds(part, self.scope)
        if kinds <= _CONTENT or kinds == {"nameless file"}:
            return "content"
        known = {"file": "file", "text file": "text file", "upload": "upload"}
        return known.get(next(iter(kinds)), "unknown") if len(kinds) == 1 else "unknown"

    def _case_of_tuple(self, values: tuple[Term, ...]) -> str:
        if len(values) not in {2, 3}:
            return "unknown"
        names, content = self.types.kinds(values[0], self.scope), self.types.kinds(values[1], self.scope)
        if content == {"text file"}:
            return "text file"
        if not names <= {"text", "none"} or not content <= _CONTENT | _FILES:
            return "unknown"
        read = self._may_be_read(values[1], content)
        if names == {"none"} and len(values) == 2:
            return "plain field" if content <= _CONTENT else "unknown"
        if len(values) == 2 or self.types.kinds(values[2], self.scope) == {"none"}:
            return "named"
        types = self.types.kinds(values[2], self.scope)
        if not types <= {"text", "none"}:
            return "unknown"
        if "none" in types:
            return "perhaps typed"
        return "typed, read before" if read else "typed"

    def _may_be_read(self, content: Term, kinds: frozenset[str]) -> bool:
        """Whether a file may have been read from before: it, or the upload that it is the file of."""
        if kinds <= _CONTENT:
            return False
        owner = content.of if isinstance(content, Member) else None
        return any(touched in (content, owner) for touched in self.site.touched)
