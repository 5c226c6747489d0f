"""What a session adds to the arguments of its calls, merged as requests merges it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from fastmigrate.facts.sites import Argument, Site
from fastmigrate.facts.terms import OPAQUE, SPREAD, Const, Display, Term
from fastmigrate.knowledge.parity import Parity, Row
from fastmigrate.knowledge.requests_calls import FUNCTIONS
from fastmigrate.knowledge.requests_sessions import METHODS
from fastmigrate.plan.arguments import JudgedCall, judge_arguments
from fastmigrate.project.project import Project
from fastmigrate.project.values import Scope
from fastmigrate.rewrite.intents import ArgumentEdit, NewArgument

__all__ = ["Default", "header_clash", "judge_with_defaults"]

_UNKNOWN_NAMES = Row(
    Parity.LOSSY,
    "",
    "6.1, 18.4",
    "the names of all headers are not known: one that is written in capitals in one place and not in the other is one "
    "header for requests, and would be sent twice",
)
_REMOVED = "a header of its session may be taken out by `None`, which only requests does with a header of the client"
_MERGED = ("params", "headers")


class Default(Struct, frozen=True):
    """What a session has for one parameter: what is known of it, and its name in the function.

    Without a name, the client has it. `sources` are the places where it comes from, each with what is put in there.
    """

    term: Term
    name: str = ""
    sources: tuple[Term, ...] = ()


def judge_with_defaults(
    project: Project, callee: str, site: Site, scope: Scope, defaults: Mapping[str, Default]
) -> JudgedCall:
    """Judge the arguments of a call of a session that has these defaults."""
    return _Merger(project, callee, site, scope, defaults).judge()


def header_clash(
    project: Project, scope: Scope, sources: Mapping[int, tuple[Term, Scope]] | list[Term]
) -> str | Row | None:
    """Whether headers from several places may be one for requests and two for a dict: a reason, a row, or None."""
    terms = list(sources.values()) if isinstance(sources, Mapping) else [(term, scope) for term in sources]
    spelled: dict[str, str] = {}
    unknown = False
    for term, home in terms:
        items = project.types.items(term, home)
        for key, _, _ in items if items is not None else [(OPAQUE, OPAQUE, home)]:
            if not isinstance(key, Const) or not isinstance(key.value, str):
                unknown = True
                continue
            other = spelled.setdefault(key.value.lower(), key.value)
            if other != key.value:
                return f"the headers `{other}` and `{key.value}` are one for requests: write them alike"
    return _UNKNOWN_NAMES if unknown and len(terms) > 1 else None


class _Merger:
    def __init__(
        self, project: Project, callee: str, site: Site, scope: Scope, defaults: Mapping[str, Default]
    ) -> None:
        self.project = project
        self.types = project.types
        self.callee = callee
        self.site = site
        self.scope = scope
        self.defaults = defaults
        self.arguments = list(site.arguments)
        self.named = self._named()
        self.inner: dict[int, str] = {}  # the argument at an index is made of this
        self.missing: str | None = None
        self.rows: list[Row] = []

    def _named(self) -> dict[str, int]:
        positional = iter((METHODS | FUNCTIONS)[self.callee].positional)
        found: dict[str, int] = {}
        for index, argument in enumerate(self.arguments):
            name = argument.keyword or (None if argument.star else next(positional, None))
            if name is not None:
                found[name] = index
        return found

    def judge(self) -> JudgedCall:
        for name in _MERGED:
            if name in self.defaults:
                self._merge(name, self.defaults[name])
        site = replace(self.site, arguments=tuple(self.arguments))
        judged = judge_arguments(self.project, self.callee, site, self.scope)
        judged.rows += self.rows
        judged.missing = judged.missing or self.missing
        judged.edits, added = list(self._edits(judged)), list(self._added(judged))
        judged.added += added
        for name in ("auth", "cookies"):
            if name in self.defaults:
                self._take_over(name, self.defaults[name].name, judged)
        return judged

    def _own(self, name: str) -> Argument | None:
        """What the call itself is given for a parameter, if that is not None."""
        index = self.named.get(name)
        argument = None if index is None else self.site.arguments[index]
        return None if argument is None or self.types.kinds(argument.term, self.scope) == {"none"} else argument

    # -- dicts

    def _merge(self, name: str, default: Default) -> None:
        own = self._own(name)
        sources = [*default.sources, *([own.term] if own is not None else [])]
        if name == "headers" and default.name:
            clash = header_clash(self.project, self.scope, sources)
            if isinstance(clash, Row):
                self.rows.append(clash)
            self.missing = self.missing or (clash if isinstance(clash, str) else None)
        if own is None:
            self._put(name, Argument(name, "", default.term, default.name, simple=True), default.name)
            return
        kinds = self.types.kinds(own.term, self.scope)
        if name == "params" and kinds - {"none"} != {"dict"}:
            self.missing = "`params` is not known to be a dict, with which those of the session could be merged"
        if not default.name:
            self._removal(default, own)
            return
        spread = "({} or {{}})" if kinds - {"dict"} else "{}"
        term = Display("dict", (SPREAD, SPREAD), (default.term, own.term))
        self._put(name, replace(own, term=term, simple=False, display=False), f"{{{{**{default.name}, **{spread}}}}}")

    def _put(self, name: str, argument: Argument, inner: str) -> None:
        index = self.named.get(name)
        if index is None:
            index = len(self.arguments)
            self.arguments.append(argument)
        else:
            self.arguments[index] = replace(argument, keyword=self.arguments[index].keyword)
        self.inner[index] = inner

    def _removal(self, default: Default, own: Argument) -> None:
        """Hold a `None` that takes out what the client has."""
        mine = {str(key.value).lower() for key in self._keys(default.term) if isinstance(key, Const)}
        items = self.types.items(own.term, self.scope)
        for key, value, home in items if items is not None else [(OPAQUE, OPAQUE, self.scope)]:
            if not self.types.kinds(value, home) & {"none", "unknown"}:
                continue
            if not isinstance(key, Const):
                self.rows.append(Row(Parity.LOSSY, "", "2.26, 6.2", _REMOVED))
            elif str(key.value).lower() in mine:
                self.missing = _REMOVED

    def _keys(self, term: Term) -> Iterator[Term]:
        for key, _, _ in self.types.items(term, self.scope) or ():
            yield key

    def _edits(self, judged: JudgedCall) -> Iterator[ArgumentEdit]:
        """The edits of the arguments that are written, what is merged into them included."""
        written = {index: inner for index, inner in self.inner.items() if index < len(self.site.arguments)}
        for edit in [replace(edit, value=self._with_merged(edit.value)) for edit in judged.edits]:
            if edit.index in written:
                inner = written.pop(edit.index)
                if inner and not edit.drop:
                    yield replace(edit, value=edit.value.replace("{}", inner))
                else:
                    yield replace(edit, drop=True)
            elif edit.index < len(self.site.arguments):
                yield edit
        names = {index: name for name, index in self.named.items()}
        for index, inner in written.items():
            yield ArgumentEdit(index, names[index], inner, drop=not inner)

    def _with_merged(self, form: str) -> str:
        """A form that is made of other arguments, with what is merged into these."""
        for index, inner in self.inner.items():
            other = f"{{argument_{index}}}"
            form = form.replace(other, inner.replace("{}", other))
        return form

    def _added(self, judged: JudgedCall) -> Iterator[NewArgument]:
        templates = {edit.index: edit.value for edit in judged.edits}
        dropped = {edit.index for edit in judged.edits if edit.drop}
        for index, inner in self.inner.items():
            if index >= len(self.site.arguments) and inner and index not in dropped:
                name = self.arguments[index].keyword
                yield NewArgument(name, templates.get(index, "{}").format(inner))

    # -- single values

    def _take_over(self, name: str, value: str, judged: JudgedCall) -> None:
        index = self.named.get(name)
        if self._own(name) is not None:
            if name == "cookies":
                judged.missing = "`cookies` of one call beside those of its session are not migrated yet"
            return
        judged.edits = [edit for edit in judged.edits if edit.index != index]
        if name == "cookies":
            if index is not None:
                judged.edits.append(ArgumentEdit(index, None, drop=True))
            if value:
                judged.added.append(NewArgument("extensions", f'{{"cookies": {value}}}'))
        elif index is not None:
            judged.edits.append(ArgumentEdit(index, "auth", value, drop=not value))
        elif value:
            judged.added.append(NewArgument("auth", value))
