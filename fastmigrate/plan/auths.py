"""What `auth` is: pairs, and the auth objects of requests and of the project."""

from __future__ import annotations

from fastmigrate.facts.sites import Argument
from fastmigrate.facts.terms import Call, Const, Display, Either, Member, Ref, Term
from fastmigrate.plan.urls import value_of
from fastmigrate.project.project import Project
from fastmigrate.project.values import Class, External, Function, Instance, Scope

__all__ = ["case_of_auth", "made_by"]

_BASIC, _DIGEST, _PROXY = (f"requests.auth.HTTP{kind}Auth" for kind in ("Basic", "Digest", "Proxy"))
_MISSING_IN_HTTPX = frozenset(
    ["body", "url", "path_url", "register_hook", "deregister_hook", "hooks", "copy", "_cookies", "_body_position"]
)
"""Members of a prepared request that an httpx request lacks, or has with another type."""


def case_of_auth(project: Project, argument: Argument, scope: Scope) -> str:
    """The case of a value of `auth`."""
    options = argument.term.options if isinstance(argument.term, Either) else (argument.term,)
    cases = {_case(project, option, argument, scope) for option in options if option != Const(None)}
    if not cases:
        return "nothing"
    if len(cases) == 1 and (
        len(options) == 1 or cases <= {"pair", "object that sets headers", "object that sets unknown headers"}
    ):
        return cases.pop()
    return "pair of unknown" if all(case.startswith("pair") for case in cases) else "unknown"


def made_by(term: Term) -> int:
    """The ordinal of the call that makes an auth object."""
    return term.number if isinstance(term, Call) else -1


def _case(project: Project, term: Term, argument: Argument, scope: Scope) -> str:
    pair, home = value_of(project, term, scope)
    if isinstance(pair, Display) and pair.kind == "tuple" and len(pair.values) == 2:
        kinds = frozenset[str]().union(*(project.types.kinds(part, home) for part in pair.values))
        if kinds <= {"text", "bytes"}:
            return "pair"
        return (
            "pair of others" if argument.display and kinds <= {"text", "number", "none", "plain"} else "pair of unknown"
        )
    if project.types.kinds(term, scope) == {"none"}:
        return "nothing"
    made = project.resolver.resolve(term, scope)
    match made:
        case Instance(of=External(name)) if name in {_BASIC, _DIGEST, _PROXY}:
            return _case_of_object(project, name, term, argument, scope)
        case Instance(of=Class()) if project.resolver.is_a(made, {"requests.auth.AuthBase"}):
            return _case_of_function(project, project.resolver.resolve(Member(term, "__call__"), scope))
        case Function():
            return _case_of_function(project, made)
    return "unknown"


def _case_of_object(project: Project, name: str, term: Term, argument: Argument, scope: Scope) -> str:
    """httpx has classes of its own for two of them; all but one work in httpx as they are."""
    is_call = isinstance(term, Call) and len(term.args) == 2
    written_here = is_call and "(" in argument.code
    if name == _BASIC and written_here and isinstance(term, Call):
        texts = all(project.types.kinds(part, scope) <= {"text", "bytes"} for part in term.args)
        return name if texts else "object that sets headers"
    if name == _DIGEST:
        function = project.resolver.function(scope)
        used_once = function is not None and function.loads.get(argument.code) == 1
        return name if is_call and (written_here or used_once) else "shared digest"
    return "object that sets headers"


def _case_of_function(project: Project, function: object) -> str:
    """Whether what is called with the request does nothing with it but set headers."""
    links = project.resolver.function(function.scope) if isinstance(function, Function) else None
    if links is None or not isinstance(function, Function) or links.is_async:
        return "unknown"
    own = links.parameters[1 if links.in_class else 0 :]
    if len(own) != 1 or not _MISSING_IN_HTTPX.isdisjoint(links.members):
        return "unknown"
    request = Ref(own[0].name)
    headers = Member(request, "headers")
    kinds = {kind for of, value in links.items if of == headers for kind in project.types.kinds(value, function.scope)}
    module = project.links(function.scope.path)
    for site in module.calls if module is not None else ():
        call = site.call
        if site.scope != function.scope.qualname:
            continue
        if request in call.given:
            return "unknown"
        if isinstance(call.callee, Member) and call.callee.of == headers:
            for given in call.args:
                kinds |= project.types.value_kinds(given, function.scope) or {"unknown"}
    return "object that sets headers" if kinds <= {"text", "bytes"} else "object that sets unknown headers"
