"""Each argument of a `requests` call: what is known of it decides which row of the tables it falls under."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from fastmigrate.facts.sites import Argument, Site
from fastmigrate.facts.terms import SPREAD, Call, Const, Display, Either, Item, Member, Ref, Sum, Term, Text, Truthy
from fastmigrate.knowledge.parity import Parity, Row
from fastmigrate.knowledge.requests_calls import ARGUMENTS, FUNCTIONS
from fastmigrate.knowledge.requests_exceptions import Step
from fastmigrate.knowledge.requests_sessions import METHODS
from fastmigrate.project.project import Project
from fastmigrate.project.resolve import External, Instance, Module, Scope
from fastmigrate.rewrite.intents import ArgumentEdit, EditCall, NewArgument

__all__ = ["JudgedCall", "is_read_back_as_given", "judge_arguments", "what_may_be_wrong_with_url"]

_ODD = re.compile(
    r"[\[\]|\\^`{}]"  # sent as they are by httpx, escaped by requests
    r"|%(?![0-9A-F]{2})|%(?:2[DE]|3[0-9]|4[1-9A-F]|5[0-9A]|5F|6[1-9A-F]|7[0-9A]|7E)"  # escapes that requests rewrites
)
"""In URLs (docs/facts/requests-to-httpx.md section 20)."""
_MANY = 200  # parts of a URL, after which nobody knows what it is
_BODIES = frozenset({"data", "json", "files"})
_PLAIN = frozenset({"text", "number", "plain", "url"})
_RENAMED = re.compile(r"(\w+)=(.*)", re.DOTALL)


@dataclass(slots=True)
class JudgedCall:
    """The rows that a call's arguments use, and the edits that they ask for; `missing` names what has no row."""

    rows: list[Row]
    edits: list[ArgumentEdit]
    added: list[NewArgument]
    nested: list[EditCall]
    missing: str | None = None
    method: str = ""

    @property
    def code(self) -> str:
        """All code that the edits bring in."""
        return " ".join([*(edit.value for edit in self.edits), *(new.value for new in self.added)])


def judge_arguments(project: Project, callee: str, site: Site, scope: Scope) -> JudgedCall:
    """Judge all arguments of a call of the requests function `callee` that stands in `scope`."""
    return _Judge(project, callee, site, scope).judge()


def what_may_be_wrong_with_url(project: Project, callee: str, site: Site, scope: Scope) -> Step | None:
    """ "url" if it may be malformed, "path" if what follows its literal `https://host/` may be; None if nothing may."""
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


class _Judge:
    def __init__(self, project: Project, callee: str, site: Site, scope: Scope) -> None:
        self.project = project
        self.types = project.types
        self.verb = (FUNCTIONS | METHODS)[callee]
        self.site = site
        self.scope = scope
        self.judged = JudgedCall([], [], [], [], method=self.verb.method)

    def judge(self) -> JudgedCall:
        named = self._named()
        if named is None:
            return self.judged
        for name, (index, argument) in named.items():
            self._argument(name, index, argument)
        if not self.verb.takes_body and named.keys() & _BODIES:
            self.judged.method = "request"
            self.judged.added.append(NewArgument(None, f'"{self.verb.method.upper()}"'))
        if self.verb.method == "head" and "allow_redirects" not in named:
            self.judged.added.append(NewArgument("follow_redirects", "False"))
        if "params" in named and "url" in named:
            self._query(named["url"][1], named["params"][1])
        if {"data", "json"} <= named.keys() and self._data(named["data"][1]) not in {"nothing", "plain"}:
            self.judged.missing = (
                "`data` and `json` together: which of them requests sends depends on whether `data` is empty"
            )
        return self.judged

    def _named(self) -> dict[str, tuple[int, Argument]] | None:
        """The arguments by the names of requests' parameters, in the order in which they are written."""
        positional = iter(self.verb.positional)
        named: dict[str, tuple[int, Argument]] = {}
        for index, argument in enumerate(self.site.arguments):
            if argument.star:
                self.judged.missing = f"`{argument.star}` arguments: what they hold is not known"
                return None
            name = argument.keyword or next(positional, None)
            if name is None:
                self.judged.missing = "more positional arguments than the function takes"
                return None
            named[name] = index, argument
        return named

    # -- one argument

    def _argument(self, name: str, index: int, argument: Argument) -> None:
        classify: Callable[[Argument], str] = getattr(self, f"_{name}", self._any)
        case = classify(argument)
        row = ARGUMENTS.get((name, case))
        if row is None:
            self.judged.missing = f"`{name}={argument.code}` is not migrated yet"
            return
        self.judged.rows.append(row)
        if row.parity is not Parity.NONE:
            self._edit(name, index, argument, row)

    def _edit(self, name: str, index: int, argument: Argument, row: Row) -> None:
        keyword, value = argument.keyword, row.form
        if value == ARGUMENTS["auth", "pair of others"].form and isinstance(argument.term, Display):
            first, second = (self.types.kinds(part, self.scope) == {"text"} for part in argument.term.values)
            value = f"({'{0}' if first else 'str({0})'}, {'{1}' if second else 'str({1})'})"
        if name == "auth" and isinstance(argument.term, Call) and row.form.startswith("httpx."):
            self.judged.nested.append(EditCall(argument.term.number, callee=row.form))
            return
        renamed = _RENAMED.fullmatch(row.form)
        if renamed is not None and "{{" not in row.form and not row.form.startswith("httpx."):
            keyword, value = renamed.groups()
        elif keyword is None and name not in {"url", "method"}:
            keyword = name
        if (".items()" in value and "none" in self.types.kinds(argument.term, self.scope)) or (
            name == "headers" and ".items()" in value and self._whole(argument) - {"dict"}
        ):
            value = value.replace("{}.items()", "({} or {{}}).items()")
        if not row.form:
            self.judged.edits.append(ArgumentEdit(index, None, drop=True))
        elif (keyword, value) != (argument.keyword, "{}"):
            self.judged.edits.append(ArgumentEdit(index, keyword, value))

    # -- what is known of an argument, as a case of the tables

    def _whole(self, argument: Argument) -> frozenset[str]:
        return self.types.kinds(argument.term, self.scope)

    def _any(self, argument: Argument) -> str:
        return "any"

    def _or_nothing(self, argument: Argument) -> str:
        return "nothing" if self._whole(argument) == {"none"} else "any"

    _cert = _proxies = _hooks = _files = _cookies = _or_nothing

    def _stream(self, argument: Argument) -> str:
        if argument.term == Const(True):
            return "true"
        return "nothing" if argument.term in (Const(False), Const(None)) else "any"

    def _verify(self, argument: Argument) -> str:
        return "nothing" if argument.term in (Const(True), Const(None)) else "any"

    def _method(self, argument: Argument) -> str:
        return "text"

    def _url(self, argument: Argument) -> str:
        kinds = self._whole(argument)
        if kinds == {"text"}:
            return "odd" if _is_odd(list(islice(_parts(self.project, argument.term, self.scope), _MANY))) else "text"
        return "bytes" if kinds == {"bytes"} else "object"

    def _json(self, argument: Argument) -> str:
        return "dumped" if argument.code in self.site.dumped else "any"

    def _params(self, argument: Argument) -> str:
        return self._fields(argument)

    def _data(self, argument: Argument) -> str:
        kinds = self._whole(argument)
        if kinds != {"none"} and kinds <= {"text", "bytes", "none"}:
            return "text"
        return self._fields(argument)

    def _fields(self, argument: Argument) -> str:
        kinds = self._whole(argument)
        if kinds == {"none"}:
            return "nothing"
        values = self.types.value_kinds(argument.term, self.scope)
        if values is None:
            return "unknown whole" if "unknown" in kinds else "not a dict"
        if not values <= _PLAIN | {"none", "bool"}:
            return "unknown"
        return ", ".join(kind for kind in ("none", "bool") if kind in values) or "plain"

    def _headers(self, argument: Argument) -> str:
        kinds = self._whole(argument)
        if kinds == {"none"}:
            return "nothing"
        if self._is_forwarded(argument.term):
            return "forwarded"
        items = self.types.items(argument.term, self.scope) or []
        if any(isinstance(v, Const) and isinstance(v.value, str) and _is_refused(v.value) for _, v, _ in items):
            return "odd"
        values = self.types.value_kinds(argument.term, self.scope)
        return "plain" if values is not None and values <= _PLAIN | {"bytes"} else "none"

    def _is_forwarded(self, term: Term, seen: set[int] | None = None) -> bool:
        """Whether headers are, or are made of, those of the incoming request."""
        seen = set() if seen is None else seen
        if id(term) in seen:
            return False
        seen.add(id(term))
        if "headers" in self.types.kinds(term, self.scope):
            return True
        match term:
            case Display(keys=keys, values=values):
                return any(key == SPREAD and self._is_forwarded(v, seen) for key, v in zip(keys, values, strict=False))
            case Either(options):
                return any(self._is_forwarded(option, seen) for option in options)
            case Truthy(of) | Member(of):
                return self._is_forwarded(of, seen)
            case Call(callee, args):
                return self._is_forwarded(callee, seen) or any(self._is_forwarded(arg, seen) for arg in args)
        return False

    def _timeout(self, argument: Argument) -> str:
        match argument.term:
            case Const(bool()):
                return "wrong"
            case Const(int() | float() as seconds) if seconds <= 0:
                return "wrong"
            case Display(kind="tuple", values=(_, _)):
                return "pair" if not argument.simple else "named pair"
        kinds = self._whole(argument)
        if kinds == {"none"}:
            return "nothing"
        return "number" if kinds <= {"number", "none"} else "unknown"

    def _auth(self, argument: Argument) -> str:
        term = argument.term
        if self._whole(argument) == {"none"}:
            return "nothing"
        if isinstance(term, Call):
            made = self.project.resolver.resolve(term.callee, self.scope)
            texts = all(self.types.kinds(part, self.scope) <= {"text", "bytes"} for part in term.args)
            written_here = "(" in argument.code
            if isinstance(made, External) and len(term.args) == 2 and texts and written_here:
                return made.name
        if isinstance(term, Display) and term.kind == "tuple" and len(term.values) == 2:
            kinds = frozenset[str]().union(*(self.types.kinds(part, self.scope) for part in term.values))
            if kinds <= {"text", "bytes"}:
                return "pair"
            certain = kinds <= {"text", "number", "none", "plain"} and not argument.simple
            return "pair of others" if certain else "pair of unknown"
        return "unknown"

    # -- `params` beside a URL that may have a query of its own

    def _query(self, url: Argument, params: Argument) -> None:
        if self._params(params) == "nothing":
            return
        parts = list(islice(_parts(self.project, url.term, self.scope), _MANY))
        if len(parts) == _MANY:
            self.judged.rows.append(ARGUMENTS["params", "beside an unknown query"])
        elif any(isinstance(part, str) and "?" in part for part in parts):
            self.judged.rows.append(ARGUMENTS["params", "beside a query"])
        elif not all(
            isinstance(part, str) or self._cannot_hold_a_query(part, after) for part, after in _with_next(parts)
        ):
            self.judged.rows.append(ARGUMENTS["params", "beside an unknown query"])

    def _cannot_hold_a_query(self, part: tuple[Term, Scope], after: object) -> bool:
        """A number cannot, and neither can a setting to which a path is added: it is the beginning of a URL."""
        term, scope = part
        if self.types.kinds(term, scope) <= {"number", "plain", "bool"}:
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
        case Ref(name) if depth < 6 and (bound := _value_of(project, name, scope)) is not None:
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
    """The only value of a name, followed through an import; and where that stands."""
    found = project.resolver.lookup(name, scope)
    if found is None or len(found[0]) != 1:
        return None
    binding, home = found[0][0], found[1]
    if binding.kind == "value":
        return binding.term, home
    if binding.kind == "from":
        path = project.tree.find(home.path, binding.module, binding.level)
        if path is not None and not path.endswith("/"):
            return _value_of(project, binding.name, Scope(path))
    return None


def _is_refused(header: str) -> bool:
    return not header.isascii() or header != header.rstrip(" ")


def _is_odd(url: Sequence[str | tuple[Term, Scope]]) -> bool:
    """Whether the literal texts of a URL hold what requests writes in another way."""
    return _ODD.search("".join(part for part in url if isinstance(part, str))) is not None


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
        case Ref(name) if depth < 6 and (bound := _value_of(project, name, scope)) is not None:
            return _leading_text(project, *bound, depth + 1)
    return ""
