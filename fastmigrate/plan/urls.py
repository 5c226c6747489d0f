"""What is known of a URL: the texts that it is made of, its host, and whether it has a query."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from fastmigrate.facts.sites import Argument, Site
from fastmigrate.facts.terms import Call, Const, Either, Item, Member, Ref, Sum, Term, Text, Truthy
from fastmigrate.knowledge.requests_calls import FUNCTIONS
from fastmigrate.knowledge.requests_exceptions import Step
from fastmigrate.knowledge.requests_sessions import METHODS
from fastmigrate.project.project import Project
from fastmigrate.project.values import External, Instance, Module, Scope

__all__ = ["has_scheme", "is_odd", "is_read_back_as_given", "query_of", "value_of", "what_may_be_wrong"]

_ODD = re.compile(
    r"[\[\]|\\^`{}]"  # sent as they are by httpx, escaped by requests
    r"|%(?![0-9A-F]{2})|%(?:2[DE]|3[0-9]|4[1-9A-F]|5[0-9A]|5F|6[1-9A-F]|7[0-9A]|7E)"  # escapes that requests rewrites
)
"""In URLs (docs/facts/requests-to-httpx.md section 20)."""
_DEPTH = 6  # names followed from one to the next
_MANY = 200  # parts of a URL, after which nobody knows what it is


def value_of(project: Project, term: Term, scope: Scope) -> tuple[Term, Scope]:
    """The only value of a name, and where that stands; any other term is its own value."""
    bound = _value_of(project, term.name, scope) if isinstance(term, Ref) else None
    return (term, scope) if bound is None else bound


def what_may_be_wrong(project: Project, callee: str, site: Site, scope: Scope) -> Step | None:
    """What may be wrong with a call's URL: "url" if it may be malformed, "path" if what follows its host may be."""
    url = _url_of(callee, site)
    if url is not None and re.match(r"https?://[\w.-]+(:\d+)?($|[/?#])", _leading_text(project, url.term, scope)):
        return None if _is_literal(project, url, scope) else "path"
    return "url"


def is_read_back_as_given(project: Project, callee: str, site: Site, scope: Scope) -> bool:
    """Whether the URL is a literal one with a path, and not with the port that is the scheme's own."""
    url = _url_of(callee, site)
    start = _leading_text(project, url.term, scope) if url is not None else ""
    known = re.match(r"https?://[a-z0-9.-]+(:(?!80/|443/)\d+)?/", start) is not None
    return known and url is not None and _is_literal(project, url, scope) and not start.endswith(("?", "#"))


def _url_of(callee: str, site: Site) -> Argument | None:
    names = iter((FUNCTIONS | METHODS)[callee].positional)
    named = {argument.keyword or next(names, ""): argument for argument in site.arguments}
    return named.get("url")


def _is_literal(project: Project, url: Argument, scope: Scope) -> bool:
    """Whether a URL is made of literal texts and numbers."""
    parts = list(islice(_parts(project, url.term, scope), _MANY))
    return len(parts) < _MANY and all(
        isinstance(part, str) or project.types.kinds(*part) <= {"number"} for part in parts
    )


def has_scheme(project: Project, url: Term, scope: Scope) -> bool:
    """Whether a URL begins with a literal scheme."""
    first = next(_parts(project, url, scope), "")
    return isinstance(first, str) and "://" in first and not _has_choices(project, url, scope)


def is_odd(project: Project, url: Term, scope: Scope) -> bool:
    """Whether the literal texts of a URL hold what requests writes in another way."""
    parts = islice(_parts(project, url, scope), _MANY)
    return _ODD.search("".join(part for part in parts if isinstance(part, str))) is not None


def query_of(project: Project, url: Term, scope: Scope) -> str:
    """What is known of a URL's own query: "none", "open" (it has one, and more can be added), "some", or "unknown"."""
    parts = list(islice(_parts(project, url, scope), _MANY))
    if len(parts) == _MANY:
        return "unknown"
    texts = "".join(part if isinstance(part, str) else "x" for part in parts)
    known = _is_known(project, parts)
    if "?" not in texts:
        return "none" if known else "unknown"
    can_grow = texts.count("?") == 1 and "#" not in texts and not texts.endswith(("?", "&"))
    return "open" if known and can_grow and not _has_choices(project, url, scope) else "some"


def _is_known(project: Project, parts: Sequence[str | tuple[Term, Scope]]) -> bool:
    """Whether no unknown part of a URL can hold a query or a fragment."""
    return all(isinstance(part, str) or _is_part_of_path(project, part, after) for part, after in _with_next(parts))


def _has_choices(project: Project, url: Term, scope: Scope, depth: int = 0) -> bool:
    """Whether a URL is one of several."""
    match url:
        case Either():
            return True
        case Text(parts):
            return any(_has_choices(project, part, scope, depth) for part in parts)
        case Sum(left, right):
            return _has_choices(project, left, scope, depth) or _has_choices(project, right, scope, depth)
        case Truthy(of):
            return _has_choices(project, of, scope, depth)
        case Ref(name) if depth < _DEPTH and (bound := _value_of(project, name, scope)) is not None:
            return _has_choices(project, *bound, depth + 1)
    return False


def _is_part_of_path(project: Project, part: tuple[Term, Scope], after: object) -> bool:
    """A number is no query, and neither is a setting to which a path is added: it is the beginning of a URL."""
    term, scope = part
    if project.types.kinds(term, scope) <= {"number", "plain", "bool"}:
        return True
    is_setting = not scope.qualname and isinstance(term, Call | Item | Ref | Member)
    return is_setting and isinstance(after, str) and after.startswith("/")


def _with_next(parts: Sequence[object]) -> Iterator[tuple[Any, object]]:
    """Each part with the one after it."""
    yield from zip(parts, [*parts[1:], None], strict=True)


def _parts(project: Project, term: Term, scope: Scope, depth: int = 0) -> Iterator[str | tuple[Term, Scope]]:
    """What a text is made of: literal texts, and terms that are not known, with their scopes."""
    match term:
        case Const(str(value)):
            yield value
        case Text(parts) | Either(parts):
            for part in parts:
                yield from _parts(project, part, scope, depth)
        case Sum(left, right):
            yield from _parts(project, left, scope, depth)
            yield from _parts(project, right, scope, depth)
        case Truthy(of):
            yield from _parts(project, of, scope, depth)
        case Ref(name) if depth < _DEPTH and (bound := _value_of(project, name, scope)) is not None:
            yield from _parts(project, *bound, depth + 1)
        case Call(args=(_, default)) if project.resolver.resolve(term.callee, scope) in _GETTERS:
            yield from (part for part in _parts(project, default, scope, depth) if isinstance(part, str))
            yield (term, Scope(scope.path))  # a setting, whichever function reads it
        case Call() | Item() if _is_setting(project, term, scope):
            yield (term, Scope(scope.path))
        case Member() if isinstance(project.resolver.resolve(term.of, scope), Instance | Module):
            yield (term, Scope(scope.path))
        case _:
            yield (term, scope)


_GETTERS = (External("os.getenv"), External("os.environ.get"))


def _is_setting(project: Project, term: Call | Item, scope: Scope) -> bool:
    if isinstance(term, Call):
        return project.resolver.resolve(term.callee, scope) in _GETTERS
    return project.resolver.resolve(term.of, scope) == External("os.environ")


def _value_of(project: Project, name: str, scope: Scope) -> tuple[Term, Scope] | None:
    """The only value of a name, followed through imports, and where that stands; None if they run in a circle."""
    seen: set[Scope] = set()
    while (found := project.resolver.lookup(name, scope)) is not None and len(found[0]) == 1:
        binding, home = found[0][0], found[1]
        if binding.kind == "value":
            return binding.term, home
        module = project.resolver.imported(binding, home)
        if module is None or Scope(module.path, binding.name) in seen:
            return None
        seen.add(Scope(module.path, binding.name))
        name, scope = binding.name, module
    return None


def _leading_text(project: Project, term: Term, scope: Scope, depth: int = 0) -> str:
    """The literal text with which a term begins; nothing if a host's name may go on after it."""
    match term:
        case Const(str(value)):
            return value
        case Text((first, *rest)):
            text = _leading_text(project, first, scope, depth)
            ends_in_host = "/" not in text.partition("://")[2]
            match rest:
                case [Const(str(after)), *_] if ends_in_host:
                    return text + after
            return "" if ends_in_host and rest else text
        case Truthy(of):
            return _leading_text(project, of, scope, depth)
        case Ref(name) if depth < _DEPTH and (bound := _value_of(project, name, scope)) is not None:
            return _leading_text(project, *bound, depth + 1)
    return ""
