"""Each argument of a `requests` call: what is known of it decides which row of the tables it falls under."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from msgspec import Struct, field

from fastmigrate.facts.sites import Argument, Site
from fastmigrate.facts.terms import Const, Display, Either, Member
from fastmigrate.knowledge.parity import Parity, Row
from fastmigrate.knowledge.requests_calls import ARGUMENTS, FORM_TYPE, FUNCTIONS
from fastmigrate.knowledge.requests_sessions import METHODS
from fastmigrate.plan.auths import case_of_auth, made_by
from fastmigrate.plan.connections import read_connection
from fastmigrate.plan.fields import case_of_data, case_of_params, is_never_empty, urlencodes
from fastmigrate.plan.headers import Headers, is_latin, knows_header, read_headers
from fastmigrate.plan.uploads import read_upload
from fastmigrate.plan.urls import is_odd, query_of, value_of
from fastmigrate.project.project import Project
from fastmigrate.project.values import External, Instance, Scope
from fastmigrate.rewrite.intents import ArgumentEdit, EditCall, NewArgument

__all__ = ["JudgedCall", "judge_arguments"]

_BODIES = frozenset({"data", "json", "files"})
_RENAMED = re.compile(r"(\w+)=(.*)", re.DOTALL)
_IN_SPREAD = -1
"""The index of an argument that stands in a `**` argument, where nothing can be changed."""


class JudgedCall(Struct):
    """The rows that a call's arguments use, and the edits that they ask for; `missing` names what has no row.

    `results` are the ordinals of other calls of which a response of httpx is needed.
    """

    rows: list[Row] = field(default_factory=list)
    edits: list[ArgumentEdit] = field(default_factory=list)
    added: list[NewArgument] = field(default_factory=list)
    nested: list[EditCall] = field(default_factory=list)
    results: list[int] = field(default_factory=list)
    missing: str | None = None
    method: str = ""

    @property
    def code(self) -> str:
        """All code that the edits bring in."""
        forms = [form for edit in self.edits for form in (edit.value, *(form for _, form in edit.elements))]
        return " ".join([*forms, *(new.value for new in self.added)])


def judge_arguments(project: Project, callee: str, site: Site, scope: Scope) -> JudgedCall:
    """Judge all arguments of a call of the requests function `callee` that stands in `scope`."""
    return _Judge(project, callee, site, scope).judge()


class _Judge:
    def __init__(self, project: Project, callee: str, site: Site, scope: Scope) -> None:
        self.project = project
        self.types = project.types
        self.verb = (FUNCTIONS | METHODS)[callee]
        self.site = site
        self.scope = scope
        self.judged = JudgedCall(method=self.verb.method)
        self.named: dict[str, tuple[int, Argument]] = {}
        self.connection = read_connection(project, site, scope)

    def judge(self) -> JudgedCall:
        for name, index, argument in self._arguments():
            if name in self.named:
                self.judged.missing = f"`{name}` is given twice"
            self.named[name] = index, argument
        if self.judged.missing is not None:
            return self.judged
        for name, (index, argument) in self.named.items():
            self._argument(name, index, argument)
        if not self.verb.takes_body and self.named.keys() & _BODIES:
            self.judged.method = "request"
            self.judged.added.insert(0, NewArgument(None, f'"{self.verb.method.upper()}"'))
        if self.verb.method == "head" and "allow_redirects" not in self.named:
            self.judged.added.append(NewArgument("follow_redirects", "False"))
        return self.judged

    def _arguments(self) -> Iterator[tuple[str, int, Argument]]:
        """The arguments by the names of requests' parameters, in the order in which they are written."""
        positional = iter(self.verb.positional)
        for index, argument in enumerate(self.site.arguments):
            if argument.star == "**":
                yield from self._spread(argument)
                continue
            name = argument.keyword or next(positional, None)
            if argument.star:
                self.judged.missing = "`*` arguments: what they hold is not known"
            elif name is None:
                self.judged.missing = "more positional arguments than the function takes"
            else:
                yield name, index, argument

    def _spread(self, spread: Argument) -> Iterator[tuple[str, int, Argument]]:
        """The arguments in a `**` argument, if it is a dict that the function makes itself."""
        values: dict[str, list[Argument]] = {}
        for key, value, home in self.types.items(spread.term, self.scope) or [(spread.term, spread.term, self.scope)]:
            if not isinstance(key, Const) or not isinstance(key.value, str) or home != self.scope:
                self.judged.missing = "`**` arguments: what they hold is not known"
                return
            values.setdefault(key.value, []).append(Argument(key.value, "", value, "", simple=False))
        for name, given in values.items():
            terms = tuple(argument.term for argument in given)
            term = terms[0] if len(terms) == 1 else Either(terms)
            yield name, _IN_SPREAD, Argument(name, "", term, "", simple=False)

    # -- one argument

    def _argument(self, name: str, index: int, argument: Argument) -> None:
        special: Callable[[int, Argument], None] | None = getattr(self, f"_judge_{name}", None)
        if special is not None:
            special(index, argument)
            return
        classify: Callable[[Argument], str] = getattr(self, f"_{name}", self._any)
        self._use(name, classify(argument), index, argument)

    def _use(self, name: str, case: str, index: int, argument: Argument, elements: _Elements = ()) -> None:
        """Use the row of a case, and make the edit that it asks for."""
        row = ARGUMENTS.get((name, case))
        if row is None:
            self.judged.missing = f"`{name}={argument.code}` is not migrated yet"
            return
        self.judged.rows.append(row)
        if row.parity is not Parity.NONE:
            self._edit(name, index, argument, row.form, elements)

    def _edit(self, name: str, index: int, argument: Argument, form: str, elements: _Elements = ()) -> None:
        keyword, value = argument.keyword, form
        renamed = _RENAMED.fullmatch(form)
        if renamed is not None:
            keyword, value = renamed.groups()
        elif keyword is None and name not in {"url", "method"}:
            keyword = name
        if ".items()" in value and self._may_be_nothing(name, argument):
            value = value.replace("{}.items()", "({} or {{}}).items()")
        if (keyword, value) == (argument.keyword, "{}") and not elements:
            return
        if index == _IN_SPREAD:
            self.judged.missing = f"the `**` arguments hold `{name}`, which httpx takes in another way: write it out"
        self.judged.edits.append(
            ArgumentEdit(index, keyword, value, drop=True)
            if not form
            else ArgumentEdit(index, keyword, value, elements=elements)
        )

    def _may_be_nothing(self, name: str, argument: Argument) -> bool:
        kinds = self.types.kinds(argument.term, self.scope)
        if name == "headers":
            return not kinds <= {"dict", "headers"}
        return "none" in kinds

    # -- what is known of an argument, as a case of the tables

    def _any(self, argument: Argument) -> str:
        return "any"

    def _connection(self, name: str) -> str:
        return self.connection.cases.get(name, "nothing")

    def _verify(self, argument: Argument) -> str:
        return self._connection("verify")

    def _cert(self, argument: Argument) -> str:
        return self._connection("cert")

    def _proxies(self, argument: Argument) -> str:
        return self._connection("proxies")

    def _hooks(self, argument: Argument) -> str:
        return "nothing" if self.types.kinds(argument.term, self.scope) == {"none"} else "any"

    def _stream(self, argument: Argument) -> str:
        if argument.term == Const(True):
            return "true"
        return "nothing" if argument.term in (Const(False), Const(None)) else "any"

    def _method(self, argument: Argument) -> str:
        return "text"

    def _url(self, argument: Argument) -> str:
        kinds = self.types.kinds(argument.term, self.scope)
        if kinds == {"text"}:
            return "odd" if is_odd(self.project, argument.term, self.scope) else "text"
        return "bytes" if kinds == {"bytes"} else "object"

    def _json(self, argument: Argument) -> str:
        return "dumped" if argument.code in self.site.dumped else "any"

    def _cookies(self, argument: Argument) -> str:
        if self.types.kinds(argument.term, self.scope) == {"none"}:
            return "nothing"
        answer = self._answer_of(argument)
        if answer is not None:  # httpx copies jars of its own, and no others
            self.judged.results.append(answer)
            return "text"
        values = self.types.value_kinds(argument.term, self.scope)
        items = self.types.items(argument.term, self.scope) or []
        plain = values is not None and values <= {"text", "none"} and not any(is_latin(value) for _, value, _ in items)
        return "text" if plain else "unknown"

    def _answer_of(self, argument: Argument) -> int | None:
        """The ordinal of the call in this function whose cookies an argument is, as in `cookies=login.cookies`."""
        if not isinstance(argument.term, Member) or argument.term.name != "cookies":
            return None
        answer = self.project.resolver.resolve(argument.term.of, self.scope)
        calls = {call.site.call.number for call in self.project.blocking if call.function == self.scope}
        if not isinstance(answer, Instance) or answer.scope != self.scope:
            return None
        return answer.number if answer.number in calls else None

    def _timeout(self, argument: Argument) -> str:
        term = argument.term
        followed = value_of(self.project, term, self.scope)[0]
        match followed:
            case Const(bool()):
                return "wrong"
            case Const(int() | float() as seconds) if seconds <= 0:
                return "wrong"
            case Display(kind="tuple", values=(_, _)):
                return "named pair" if argument.simple else "pair" if argument.display else "unknown"
        kinds = self.types.kinds(term, self.scope)
        if kinds == {"none"}:
            return "nothing"
        made = self.project.resolver.resolve(term, self.scope)
        if isinstance(made, Instance) and isinstance(made.of, External) and made.of.name.startswith("urllib3."):
            return "object"
        return "number" if kinds <= {"number", "none"} else "unknown"

    def _judge_auth(self, index: int, argument: Argument) -> None:
        case = case_of_auth(self.project, argument, self.scope)
        row = ARGUMENTS["auth", case]
        if row.form.startswith("httpx."):
            self.judged.rows.append(row)
            self.judged.nested.append(EditCall(made_by(argument.term), callee=row.form))
        elif case == "pair of others" and isinstance(argument.term, Display):
            self.judged.rows.append(row)
            first, second = (self.types.kinds(part, self.scope) == {"text"} for part in argument.term.values)
            form = f"({'{0}' if first else 'str({0})'}, {'{1}' if second else 'str({1})'})"
            self._edit("auth", index, argument, form)
        else:
            self._use("auth", case, index, argument)

    # -- what goes into the URL and into the body

    def _judge_params(self, index: int, argument: Argument) -> None:
        case = case_of_params(self.types, argument.term, self.scope)
        url_index, url = self.named.get("url", (_IN_SPREAD, None))
        if url is None or case == "nothing":
            self._use("params", case, index, argument)
            return
        query = query_of(self.project, url.term, self.scope)
        known = argument.display or not self.site.omitted
        can_move = known and _IN_SPREAD not in (index, url_index) and self._url(url) == "text"
        can_move = can_move and is_never_empty(self.types, argument.term, self.scope)
        form = urlencodes(self.types, argument.term, self.scope) if can_move else None
        if form is not None and (query == "open" or (query == "none" and case == "list of mixed pairs")):
            row = ARGUMENTS["params", "added to a query" if query == "open" else "made a query"]
            self.judged.rows.append(row)
            moved = form.replace("{}", f"{{argument_{index}}}")
            value = row.form.partition("=")[2].replace("urlencode({})", moved).replace("{url}", "{}")
            self.judged.edits.append(ArgumentEdit(url_index, url.keyword, value))
            self.judged.edits.append(ArgumentEdit(index, None, drop=True))
            return
        self._use("params", case, index, argument)
        if query in {"open", "some"}:
            self.judged.rows.append(ARGUMENTS["params", "beside a query"])
        elif query == "unknown":
            self.judged.rows.append(ARGUMENTS["params", "beside an unknown query"])

    def _judge_data(self, index: int, argument: Argument) -> None:
        beside = frozenset(self.named)
        case = case_of_data(self.types, argument.term, self.scope, beside)
        if case.startswith("repeated pairs"):
            _, headers = self.named.get("headers", (0, None))
            if headers is not None and not knows_header(self.types, headers.term, self.scope):
                case = "pairs beside headers"
            elif headers is None:
                self.judged.added.append(NewArgument("headers", f'{{"{FORM_TYPE[0]}": "{FORM_TYPE[1]}"}}'))
        self._use("data", case, index, argument)

    def _judge_files(self, index: int, argument: Argument) -> None:
        upload = read_upload(self.types, argument, self.site, self.scope)
        rows = [ARGUMENTS["files", case] for case in upload.cases]
        self.judged.rows += rows
        if all(row.parity is not Parity.NONE for row in rows):
            self._edit("files", index, argument, rows[0].form if upload.whole else "{}", upload.elements)

    def _judge_headers(self, index: int, argument: Argument) -> None:
        beside = frozenset(self.named)
        data = self.named.get("data")
        case = "" if data is None else case_of_data(self.types, data[1].term, self.scope, beside)
        headers = read_headers(self.project, argument, self.site, self.scope, has_body=bool(beside & _BODIES))
        has_type = knows_header(self.types, argument.term, self.scope, FORM_TYPE[0])
        if case.startswith("repeated pairs") and not has_type:
            if headers == Headers("plain"):
                self._use("headers", "of a form", index, argument)
            else:
                self.judged.rows.append(ARGUMENTS["data", "pairs beside headers"])
            return
        for latin in headers.also:
            self.judged.rows.append(ARGUMENTS["headers", latin])
        self._use("headers", headers.case, index, argument, headers.elements)


_Elements = tuple[tuple[int, str], ...]
