"""Each argument of a `requests` call: what is known of it decides which row of the tables it falls under."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fastmigrate.facts.sites import Argument, Site
from fastmigrate.facts.terms import Call, Const, Display, Either, Ref, Sum, Term, Text, Truthy
from fastmigrate.knowledge.parity import Parity, Row
from fastmigrate.knowledge.requests_calls import ARGUMENTS, FUNCTIONS
from fastmigrate.project.project import Project
from fastmigrate.project.resolve import External, Scope
from fastmigrate.rewrite.intents import ArgumentEdit, EditCall, NewArgument

__all__ = ["JudgedCall", "has_known_host", "judge_arguments"]

_BODIES = frozenset({"data", "json", "files"})
_PLAIN = frozenset({"text", "number", "plain", "url"})
_RENAMED = re.compile(r"(\w+)=(.*)", re.DOTALL)
_CLEAN_QUERY = re.compile(r"[\w.~-]+=[\w.~-]*(&[\w.~-]+=[\w.~-]*)*")


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


def has_known_host(project: Project, site: Site, scope: Scope) -> bool:
    """Whether the URL begins with a literal `http://host/` or `https://host/`: it then cannot be refused as invalid."""
    starts = (_leading_text(project, argument.term, scope) for argument in site.arguments)
    return any(re.match(r"https?://[\w.-]+(:\d+)?($|[/?#])", start) for start in starts)


class _Judge:
    def __init__(self, project: Project, callee: str, site: Site, scope: Scope) -> None:
        self.project = project
        self.types = project.types
        self.verb = FUNCTIONS[callee]
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
            self._query(named["url"], named["params"])
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
        if name == "auth" and isinstance(argument.term, Call) and row.form.startswith("httpx."):
            self.judged.nested.append(EditCall(argument.term.number, callee=row.form))
            return
        keyword, value = argument.keyword, row.form
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
        return "nothing" if argument.term in (Const(False), Const(None)) else "any"

    def _verify(self, argument: Argument) -> str:
        return "nothing" if argument.term in (Const(True), Const(None)) else "any"

    def _method(self, argument: Argument) -> str:
        return "text"

    def _url(self, argument: Argument) -> str:
        kinds = self._whole(argument)
        return "text" if kinds == {"text"} else "bytes" if kinds == {"bytes"} else "object"

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
        if "headers" in kinds:
            return "forwarded"
        values = self.types.value_kinds(argument.term, self.scope)
        return "plain" if values is not None and values <= _PLAIN | {"bytes"} else "none"

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
            if all(self.types.kinds(part, self.scope) <= {"text", "bytes"} for part in term.values):
                return "pair"
            return "unknown" if argument.simple else "pair of others"
        return "unknown"

    # -- `params` beside a URL that may have a query of its own

    def _query(self, url: tuple[int, Argument], params: tuple[int, Argument]) -> None:
        if self._params(params[1]) == "nothing" or self.judged.missing is not None:
            return
        known = "".join(_literals(self.project, url[1].term, self.scope))
        if known and "?" not in known:
            return
        if "?" in known and not self._merges(known, params[1].term):
            self.judged.missing = "`params` beside a URL with a query: httpx replaces the query, requests adds to it"
            return
        by_index = {edit.index: edit for edit in self.judged.edits}
        value = by_index[params[0]].value if params[0] in by_index else "{}"
        asked = value.format(params[1].code)
        address = by_index[url[0]].value if url[0] in by_index else "{}"
        escaped = asked.replace("{", "{{").replace("}", "}}")
        self.judged.edits = [edit for edit in self.judged.edits if edit.index not in {url[0], params[0]}]
        merged = f"httpx.URL({address}).copy_merge_params({escaped})"
        self.judged.edits.append(ArgumentEdit(url[0], url[1].keyword, merged))
        self.judged.edits.append(ArgumentEdit(params[0], None, drop=True))
        self.judged.rows.append(Row(Parity.PINNED, "httpx.URL({}).copy_merge_params(…)", "2.17, 2.18, 2.20, 2.21"))

    def _merges(self, known: str, params: Term) -> bool:
        """Whether the URL's own query is one that httpx keeps as it is, with keys that `params` has not."""
        query = known.partition("?")[2].partition("#")[0]
        items = self.types.items(params, self.scope)
        if not _CLEAN_QUERY.fullmatch(query) or items is None:
            return False
        own = {pair.partition("=")[0] for pair in query.split("&")}
        keys = {key.value for key, _, _ in items if isinstance(key, Const)}
        return len(keys) == len({key for key, _, _ in items}) and not own & keys


def _literals(project: Project, term: Term, scope: Scope, depth: int = 0) -> Iterator[str]:
    """The literal texts of which a term is made."""
    match term:
        case Const(str(value)):
            yield value
        case Text(parts) | Either(parts):
            for part in parts:
                yield from _literals(project, part, scope, depth)
        case Sum(left, right):
            yield from _literals(project, left, scope, depth)
            yield from _literals(project, right, scope, depth)
        case Truthy(of):
            yield from _literals(project, of, scope, depth)
        case Ref(name) if depth < 6:
            found = project.resolver.lookup(name, scope)
            for binding in found[0] if found is not None else ():
                if binding.kind == "value" and found is not None:
                    yield from _literals(project, binding.term, found[1], depth + 1)
        case Call(args=args) if len(args) == 2 and project.resolver.resolve(term.callee, scope) in (
            External("os.getenv"),
            External("os.environ.get"),
        ):
            yield from _literals(project, args[1], scope, depth)


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
        case Ref(name) if depth < 6:
            found = project.resolver.lookup(name, scope)
            if found is not None and len(found[0]) == 1 and found[0][0].kind == "value":
                return _leading_text(project, found[0][0].term, found[1], depth + 1)
    return ""
