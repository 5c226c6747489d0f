"""How a call wants to connect: its `verify`, `cert` and `proxies`, which are settings of a client in httpx.

They need values that are known when the app starts: literals, and names at the top of a module.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from fastmigrate.facts.sites import Argument, Site
from fastmigrate.facts.terms import Call, Const, Display, Item, Member, Ref, Term, Truthy
from fastmigrate.plan.specs import SHARED, ClientSpec, Constant
from fastmigrate.plan.texts import BASES, quoted
from fastmigrate.plan.urls import has_scheme
from fastmigrate.project.project import Project
from fastmigrate.project.values import Class, External, Instance, Scope

__all__ = ["Connection", "constant_in", "read_connection"]

_SOURCES = frozenset(
    [
        *("os.getenv", "os.environ", "os.environ.get", "os.path.join", "os.path.expanduser", "os.path.abspath"),
        *("certifi.where", "builtins.str", "builtins.bool", "builtins.int"),
    ]
)
"""What gives the same value wherever and whenever it is asked."""
_SCHEMES = frozenset({"http", "https", "all"})
_CA_FILES = (".pem", ".crt", ".cer", ".ca-bundle")
_DEPTH = 6  # imports followed from one file to the next
_LIMITS = dict(BASES["requests"])["limits"]


class Connection(Struct, frozen=True):
    """The client that a call needs, and the cases under which the parameters that ask for it fall."""

    spec: ClientSpec
    cases: Mapping[str, str]


def read_connection(project: Project, site: Site, scope: Scope) -> Connection:
    """The client that a call needs for the sake of its connection."""
    return _Reader(project, scope).read(site)


def constant_in(project: Project, path: str, constant: Constant) -> bool:
    """Whether a file knows a constant by its name."""
    return _home(project, constant.name, Scope(path)) == constant.home


class _NotKnownError(Exception):
    """A value is not known when the app starts."""


class _Reader:
    def __init__(self, project: Project, scope: Scope) -> None:
        self.project = project
        self.scope = scope
        self.words: list[str] = []
        self.settings: list[tuple[str, str]] = []
        self.modules: list[str] = []
        self.constants: list[Constant] = []

    def read(self, site: Site) -> Connection:
        given = {argument.keyword: argument for argument in site.arguments if argument.keyword}
        cases: dict[str, str] = {}
        for name, judge in (("verify", self._verify), ("cert", self._cert), ("proxies", self._proxies)):
            if name in given and given[name].term != Const(None):
                try:
                    cases[name] = judge(given[name])
                except _NotKnownError:
                    cases[name] = "varying"
        if cases.get("verify") == "file" and cases.get("cert") == "files":
            cases["cert"] = "beside a file"
        known = bool(self.words) and not {"varying", "beside a file"} & set(cases.values())
        if not known:
            return Connection(SHARED, cases)
        key = "_".join([*self.words, "client"])
        modules = tuple(dict.fromkeys(self.modules))
        return Connection(ClientSpec(key, tuple(self.settings), modules, tuple(self.constants)), cases)

    # -- the parameters

    def _verify(self, argument: Argument) -> str:
        term = argument.term
        if term == Const(True):
            return "nothing"
        kinds = self.project.types.kinds(term, self.scope)
        if term == Const(False) or kinds == {"bool"}:
            code = self._code(term)
            self.settings.append(("verify", code))
            self.words.append("unverified" if term == Const(False) else "tls")
            return "flag"
        code = self._code(term)
        if kinds != {"text"}:
            return "unknown"
        self.modules.append("ssl")
        self.settings.append(("verify", f"{{ssl}}.create_default_context(cafile={code})"))
        self.words.append("custom_ca")
        file = self._text(term)
        certifi = isinstance(term, Call) and self._external(term.callee) == "certifi.where"
        return "file" if certifi or (file is not None and file.endswith(_CA_FILES)) else "file or folder"

    def _cert(self, argument: Argument) -> str:
        parts = self._followed(argument.term)
        paths = parts.values if isinstance(parts, Display) and parts.kind == "tuple" else (argument.term,)
        if len(paths) > 2 or any(self.project.types.kinds(path, self.scope) != {"text"} for path in paths):
            return "unknown"
        code = self._code(argument.term)
        self.settings.append(("cert", code))
        self.words.append("certified")
        return "files"

    def _proxies(self, argument: Argument) -> str:
        display = self._followed(argument.term)
        if not isinstance(display, Display) or display.kind != "dict":
            return "unknown"
        proxies: dict[str, str | None] = {}
        certain = True
        for key, value in zip(display.keys, display.values, strict=True):
            if not isinstance(key, Const) or not isinstance(key.value, str) or key.value in proxies:
                return "unknown"
            if key.value not in _SCHEMES and "://" not in key.value:  # no_proxy, say
                return "unknown"
            proxies[key.value], known = self._proxy(value)
            certain = certain and known
        if not proxies:
            return "nothing"
        self._mount(proxies)
        if any(str(self._text(value)).startswith("socks") for value in display.values):
            return "given, over SOCKS"
        return "given" if certain else "given, perhaps without a scheme"

    def _proxy(self, term: Term) -> tuple[str | None, bool]:
        """The code of a proxy's URL, None for none at all, and whether it is certain to be a URL."""
        text = self._text(term)
        if term == Const(None) or text == "":
            return None, True
        if isinstance(term, Const) and text is not None and "://" not in text:
            return quoted(f"http://{text}"), True
        if not self.project.types.kinds(term, self.scope) <= {"text", "none"}:
            raise _NotKnownError
        return self._code(term), has_scheme(self.project, term, self.scope)

    def _mount(self, proxies: Mapping[str, str | None]) -> None:
        urls = set(proxies.values())
        self.words.append("direct" if urls == {None} else "proxied")
        only = proxies.get("http")
        if only is not None and urls == {only} and proxies.keys() == {"http", "https"}:
            self.settings.append(("proxy", only))
            return
        tls = [f"{name}={value}" for name, value in self.settings]
        lines = [f"        {quoted(_pattern(scheme))}: {_transport(url, tls)},\n" for scheme, url in proxies.items()]
        self.settings.append(("mounts", "{{\n" + "".join(lines) + "    }}"))

    # -- their values, as they can be written in a lifespan

    def _code(self, term: Term) -> str:
        """The code of a value that is known when the app starts, as a template."""
        match term:
            case Truthy(of):
                return self._code(of)
            case Display(kind="tuple", values=(first, second)):
                return f"({self._code(first)}, {self._code(second)})"
            case Ref(name):
                return self._constant(name)
            case Member(Ref(name), attribute) if self._is_setting(term, attribute):
                return f"{self._constant(name)}.{attribute}"
        return _Source(self.project, self.scope, self.modules).code(term)

    def _is_setting(self, term: Member, attribute: str) -> bool:
        """Whether a term is a field of an object of the project, to which nobody assigns anything."""
        owner = self.project.resolver.resolve(term.of, self.scope)
        if not isinstance(owner, Instance) or not isinstance(owner.of, Class):
            return False
        linked = (self.project.links(path) for path in self.project.sources.containing(f".{attribute}".encode()))
        return not any(links is not None and attribute in links.stored for links in linked)

    def _constant(self, name: str) -> str:
        home = _home(self.project, name, self.scope)
        if home is None:
            raise _NotKnownError
        modules: list[str] = []
        value: str | None
        try:
            value = _Source(self.project, home, modules).code(Ref(name))
        except _NotKnownError:
            value = None
        constant = Constant(name, home, value, tuple(modules))
        if constant not in self.constants:
            self.constants.append(constant)
        return f"{{constant_{self.constants.index(constant)}}}"

    def _followed(self, term: Term) -> Term:
        """The value of a name at the top of a module, or the term itself."""
        home = _home(self.project, term.name, self.scope) if isinstance(term, Ref) else None
        if home is None or not isinstance(term, Ref):
            return term
        found = self.project.resolver.lookup(term.name, home)
        return found[0][0].term if found is not None else term

    def _text(self, term: Term) -> str | None:
        value = self._followed(term)
        return value.value if isinstance(value, Const) and isinstance(value.value, str) else None

    def _external(self, term: Term) -> str:
        value = self.project.resolver.resolve(term, self.scope)
        return value.name if isinstance(value, External) else ""


class _Source:
    """Writes values so that they can stand in any file; `modules` gets what they need imported there."""

    def __init__(self, project: Project, scope: Scope, modules: list[str]) -> None:
        self.project = project
        self.scope = scope
        self.modules = modules

    def code(self, term: Term) -> str:
        match term:
            case Const(str(value)):
                return quoted(value)
            case Const(value):
                return repr(value)
            case Ref(name) if (home := _home(self.project, name, self.scope)) is not None:
                found = self.project.resolver.lookup(name, home)
                if found is not None:
                    return _Source(self.project, home, self.modules).code(found[0][0].term)
            case Call(callee, args, ()):
                return f"{self._name(callee)}({', '.join(self.code(arg) for arg in args)})"
            case Item(of, key):
                return f"{self._name(of)}[{self.code(key)}]"
            case Display(kind="tuple", values=(first, second)):
                return f"({self.code(first)}, {self.code(second)})"
        raise _NotKnownError

    def _name(self, term: Term) -> str:
        value = self.project.resolver.resolve(term, self.scope)
        if not isinstance(value, External) or value.name not in _SOURCES:
            raise _NotKnownError
        module, _, name = value.name.partition(".")
        if module == "builtins":
            return name
        self.modules.append(module)
        return f"{{{module}}}.{name}"


def _home(project: Project, name: str, scope: Scope, depth: int = 0) -> Scope | None:
    """The module in which a name gets its only value, as seen from a scope; None if there is no such thing."""
    found = project.resolver.lookup(name, scope)
    if found is None or len(found[0]) != 1 or found[0][0].guarded or depth > _DEPTH:
        return None
    binding, home = found[0][0], found[1]
    if binding.kind == "value" and not home.qualname and not binding.name:
        links = project.links(home.path)
        return None if links is None or name in links.mutated else home
    module = project.resolver.imported(binding, home)
    return None if module is None or binding.name != name else _home(project, name, module, depth + 1)


def _pattern(scheme: str) -> str:
    """The key of httpx's `mounts` for one of requests' `proxies`."""
    return scheme if "://" in scheme else f"{scheme}://"


def _transport(url: str | None, tls: list[str]) -> str:
    """What takes the calls for which a proxy is given; None is no proxy, whatever the environment says."""
    if url is None:
        return "None"
    settings = [f"proxy={url}", *tls, f"limits={_LIMITS}"]
    return "{httpx}.AsyncHTTPTransport(\n" + "".join(f"            {line},\n" for line in settings) + "        )"
