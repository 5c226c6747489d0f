"""What kind of value a term has, as far as the code proves it: literals, annotations, assignments, return values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fastmigrate.facts.terms import (
    OPAQUE,
    SPREAD,
    Await,
    Call,
    Const,
    Display,
    Either,
    Item,
    Member,
    Ref,
    Sum,
    Term,
    Text,
    Truthy,
)
from fastmigrate.knowledge.blocking import BLOCKING_FUNCTIONS
from fastmigrate.knowledge.kinds import (
    AWAITED,
    KIND_OF_CLASS,
    KIND_OF_RESULT,
    MAPPINGS_OF_TEXT,
    OF_REQUEST,
    OF_RESPONSE,
    OF_UPLOAD,
    TEXT_METHODS,
)
from fastmigrate.project.resolve import Resolver
from fastmigrate.project.values import Class, External, Function, Instance, Method, Module, Scope, Value

__all__ = ["Types"]

Kinds = frozenset[str]
UNKNOWN: Kinds = frozenset({"unknown"})

_PARAMETER_FUNCTIONS = frozenset(
    f"fastapi.{name}" for name in ("Query", "Path", "Header", "Cookie", "Form", "Body", "Depends", "Security", "File")
) | {"pydantic.Field"}
_WRAPPERS = frozenset({"typing.Optional", "typing.Union"})
_LIMIT = 30


class Types:
    """Answers about terms: their kinds, and those of the items in a dict.

    Kinds are "text", "bytes", "bytearray", "number", "bool", "none", "plain" (what both libraries send as its text),
    "dict", "list", "several" (a list of which both libraries send each item as its text), "tuple", "generator", "url"
    (a pydantic URL), "file" (a binary one with a name), "nameless file", "text file", "request", "upload", "headers",
    "query params", "cookies" and "form" (those of a request), and "unknown".
    """

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self._depth = 0
        self._known: dict[tuple[int, Scope], tuple[Term, Kinds]] = {}
        self._busy: set[tuple[int, Scope]] = set()

    def kinds(self, term: Term | None, scope: Scope) -> Kinds:
        """All kinds that the value of a term may have; "unknown" among them if that is not certain."""
        if term is None or self._depth > _LIMIT:
            return UNKNOWN
        known = self._known.get((id(term), scope))
        if known is not None:
            return known[1]
        self._depth += 1
        self._known[id(term), scope] = term, UNKNOWN  # what leads back here is not known
        try:
            kinds = self._kinds(term, scope)
        finally:
            self._depth -= 1
        self._known[id(term), scope] = term, kinds  # the term is kept, so that its id stays its own
        return kinds

    def items(self, term: Term | None, scope: Scope) -> list[tuple[Term, Term, Scope]] | None:
        """The (key, value, scope of the value) of all that a dict may hold, or None if that is not known."""
        key = id(term), scope
        if term is None or self._depth > _LIMIT or key in self._busy:
            return None
        self._depth += 1
        self._busy.add(key)
        try:
            match term:
                case Display(kind="dict", keys=keys, values=values):
                    return self._display_items(zip(keys, values, strict=True), scope)
                case Either(options):
                    return self._all_items((option, scope) for option in options if option != Const(None))
                case Truthy(of) | Await(of):
                    return self.items(of, scope)
                case Ref() | Member() | Call():
                    definitions = list(self._definitions(term, scope))
                    return self._all_items(definitions) if definitions else None
            return None
        finally:
            self._busy.discard(key)
            self._depth -= 1

    def value_kinds(self, term: Term, scope: Scope) -> Kinds | None:
        """The kinds of the values in a dict, lists of known items being as good as these; None if no dict is known."""
        kinds = self.kinds(term, scope)
        if kinds and kinds <= {*MAPPINGS_OF_TEXT, "form"}:
            return frozenset({"text"})
        items = self.items(term, scope)
        dumped = self._dumped_kinds(term, scope)
        if dumped is not None:
            return dumped
        if items is not None:
            found: set[str] = set()
            for key, value, home in items:
                found |= self.items_kinds(value, home)
                if self.kinds(key, home) & {"bytes", "bool", "none"}:
                    found.add("unknown")
            return frozenset(found)
        annotation = self._annotation(term, scope)
        if annotation is not None:
            match annotation:
                case Item(of, Display(values=(_, value))), home if self._names(of, home) == {"dict"}:
                    return self.annotation_kinds(value, home)
        return UNKNOWN if self.kinds(term, scope) - {"none"} == {"dict"} else None

    # -- kinds

    def _kinds(self, term: Term, scope: Scope) -> Kinds:
        match term:
            case Const(value):
                return frozenset({_kind_of_constant(value)})
            case Text():
                return frozenset({"text"})
            case Sum(left, right):
                both = self.kinds(left, scope), self.kinds(right, scope)
                return next((kinds for kinds in both if kinds in ({"text"}, {"bytes"})), both[0] & both[1] or UNKNOWN)
            case Display(kind):
                return frozenset({kind})
            case Either(options):
                return frozenset().union(*(self.kinds(option, scope) for option in options))
            case Truthy(of):
                return self.kinds(of, scope) - {"none"}
            case Await(Call(callee=Member(of, name))) if self._awaited(of, name, scope):
                return self._awaited(of, name, scope)
            case Await(of):
                return self.kinds(of, scope)
            case Ref() | Member():
                return self._named(term, scope)
            case Call(callee=callee):
                return self._result(term, callee, scope)
            case Item(of):
                if self._of_request(of, scope):
                    return frozenset({"text"})
                environ = self.resolver.resolve(of, scope)
                return frozenset({"text"}) if environ == External("os.environ") else UNKNOWN
        return UNKNOWN

    def _awaited(self, of: Term, method: str, scope: Scope) -> Kinds:
        """The kind of what an asynchronous method of FastAPI gives; nothing for any other method."""
        return frozenset(AWAITED[kind, method] for kind in self.kinds(of, scope) if (kind, method) in AWAITED)

    def _named(self, term: Ref | Member, scope: Scope) -> Kinds:
        if isinstance(term, Member):
            owner = self.kinds(term.of, scope)
            if owner == {"request"} and term.name in OF_REQUEST:
                return frozenset({OF_REQUEST[term.name]})
            if owner == {"upload"} and term.name in OF_UPLOAD:
                return OF_UPLOAD[term.name]
            if term.name in OF_RESPONSE and self._is_response(term.of, scope):
                return frozenset({OF_RESPONSE[term.name]})
        annotation = self._annotation(term, scope)
        if annotation is not None:
            return self.annotation_kinds(*annotation) | self._default_kinds(term, scope)
        definitions = list(self._definitions(term, scope))
        if not definitions:
            return UNKNOWN
        return frozenset().union(*(self.kinds(found, home) for found, home in definitions))

    def _is_response(self, term: Term, scope: Scope) -> bool:
        """Whether a term is what a function of requests gives."""
        value = self.resolver.resolve(term, scope)
        name = value.of.name if isinstance(value, Instance) and isinstance(value.of, External) else ""
        return name in BLOCKING_FUNCTIONS and name.startswith("requests.")

    def _result_of_method(self, call: Call, callee: Member, scope: Scope) -> Kinds | None:
        """What a method gives that only text, bytes, files or a model has; None for any other."""
        receiver = self.kinds(callee.of, scope)
        if callee.name in TEXT_METHODS or (callee.name == "replace" and receiver == {"text"}):
            return receiver if receiver == {"bytes"} and callee.name not in {"decode", "hex"} else frozenset({"text"})
        if callee.name == "encode":
            return frozenset({"bytes"})
        if callee.name == "read" and receiver and receiver <= {"file", "nameless file"}:
            return frozenset({"bytes"})
        if callee.name == "open" and _is_binary(call.argument(0, "mode")):
            return frozenset({"nameless file"})
        return frozenset({"dict"}) if callee.name in {"dict", "model_dump"} else None

    def _of_request(self, term: Term, scope: Scope) -> bool:
        """Whether a term is the headers or the query of a request: mappings of text to text."""
        kinds = self.kinds(term, scope)
        return len(kinds) == 1 and kinds <= set(MAPPINGS_OF_TEXT)

    def _result(self, call: Call, callee: Term, scope: Scope) -> Kinds:
        value = self.resolver.resolve(callee, scope)
        if isinstance(callee, Member) and (value is None or isinstance(value, Method)):
            of_method = self._result_of_method(call, callee, scope)
            if of_method is not None:
                return of_method
        if isinstance(callee, Member) and callee.name == "get" and self._of_request(callee.of, scope):
            return frozenset({"text"}) | (self.kinds(call.args[1], scope) if len(call.args) > 1 else {"none"})
        match value:
            case External("os.getenv" | "os.environ.get"):
                return frozenset({"text"}) | (self.kinds(call.args[1], scope) if len(call.args) > 1 else {"none"})
            case External("builtins.dict"):
                inner = self.kinds(call.args[0], scope) if call.args else frozenset({"dict"})
                return inner if inner and inner <= {*MAPPINGS_OF_TEXT, "form"} else frozenset({"dict"})
            case External("builtins.open" | "io.open"):
                return self._opened(call, scope)
            case External(name) if name in KIND_OF_RESULT or name in KIND_OF_CLASS:
                return frozenset({KIND_OF_RESULT.get(name) or KIND_OF_CLASS[name]})
            case Function(home):
                function = self.resolver.function(home)
                if function is not None and function.yields:
                    return frozenset({"generator"}) if not function.is_async else UNKNOWN
                if function is not None and function.returned is not None:
                    return self.annotation_kinds(function.returned, home)
        definitions = list(self._definitions(call, scope))
        if definitions:
            return frozenset().union(*(self.kinds(found, home) for found, home in definitions))
        return UNKNOWN

    def _opened(self, call: Call, scope: Scope) -> Kinds:
        """What `open` gives: a file whose name is the path that it was given, if that is text."""
        mode = call.argument(1, "mode")
        if mode is None or (isinstance(mode, Const) and "b" not in str(mode.value)):
            return frozenset({"text file"})
        if not _is_binary(mode):
            return UNKNOWN
        return frozenset({"file"}) if self.kinds(call.argument(0, "file"), scope) == {"text"} else UNKNOWN

    def annotation_kinds(self, term: Term, scope: Scope) -> Kinds:
        """The kinds that an annotation admits."""
        match term:
            case Const(None):
                return frozenset({"none"})
            case Either(options):
                return frozenset().union(*(self.annotation_kinds(option, scope) for option in options))
            case Item(of, key):
                wrapper = self.resolver.resolve(of, scope)
                name = wrapper.name if isinstance(wrapper, External) else ""
                parts = key.values if isinstance(key, Display) else (key,)
                if name in {"typing.Annotated", "typing_extensions.Annotated"}:
                    return self.annotation_kinds(parts[0], scope)
                if name in _WRAPPERS:
                    inner = frozenset[str]().union(*(self.annotation_kinds(part, scope) for part in parts))
                    return inner | {"none"} if name == "typing.Optional" else inner
                if name in {"typing.Literal", "typing_extensions.Literal"}:
                    return frozenset().union(*(self.kinds(part, scope) for part in parts))
                if name in {"builtins.list", "typing.List", "typing.Sequence", "collections.abc.Sequence"}:
                    inner = self.annotation_kinds(parts[0], scope)
                    return frozenset({"several"}) if inner <= {"text", "number", "plain"} else UNKNOWN
                return self._names(of, scope)
            case Ref(name):
                found = self.resolver.lookup(name, scope)
                if found is not None and len(found[0]) == 1 and found[0][0].kind == "value":  # `Name = str | None`
                    return self.annotation_kinds(found[0][0].term, found[1])
        return self._names(term, scope)

    def _names(self, term: Term, scope: Scope) -> Kinds:
        value = self.resolver.resolve(term, scope)
        if isinstance(value, External | Class):
            for base in self.resolver.bases(value):
                if isinstance(base, External) and base.name in KIND_OF_CLASS:
                    # `class Colour(str, Enum)` is text for Python, and is not sent as such
                    subclass = isinstance(value, Class) and base.name == "builtins.str"
                    return UNKNOWN if subclass else frozenset({KIND_OF_CLASS[base.name]})
        return UNKNOWN

    # -- where a value comes from

    def _annotation(self, term: Term, scope: Scope) -> tuple[Term, Scope] | None:
        """The annotation of a parameter or of a field that a term names, and where it stands."""
        match term:
            case Ref(name):
                found = self.resolver.lookup(name, scope)
                if found is not None:
                    bindings, home = found
                    if bindings[0].kind == "parameter" and len(bindings) == 1 and bindings[0].term != OPAQUE:
                        return bindings[0].term, home
            case Member(of, name):
                field = self._field(self.resolver.resolve(of, scope), name)
                return None if field is None else (field[0], field[2])
            case Truthy(of):
                return self._annotation(of, scope)
        return None

    def _field(self, owner: Value | None, name: str) -> tuple[Term, Term | None, Scope] | None:
        if not isinstance(owner, Instance):
            return None
        for base in self.resolver.bases(owner.of):
            links = self.resolver.class_(base) if isinstance(base, Class) else None
            if links is not None and name in links.annotations and isinstance(base, Class):
                return *links.annotations[name], base.scope
        return None

    def _default_kinds(self, term: Term, scope: Scope) -> Kinds:
        match term:
            case Ref(name):
                found = self.resolver.lookup(name, scope)
                default, home = (found[0][0].default, found[1]) if found is not None else (None, scope)
            case Member(of, name):
                field = self._field(self.resolver.resolve(of, scope), name)
                default, home = (field[1], field[2]) if field is not None else (None, scope)
            case _:
                return frozenset()
        return self._none_by_default(default, home)

    def _none_by_default(self, default: Term | None, scope: Scope) -> Kinds:
        if isinstance(default, Call):
            function = self.resolver.resolve(default.callee, scope)
            if isinstance(function, External) and function.name in _PARAMETER_FUNCTIONS:
                default = default.argument(0, "default")
        return frozenset({"none"}) if default == Const(None) else frozenset()

    def _definitions(self, term: Term, scope: Scope) -> Iterator[tuple[Term, Scope]]:
        """The terms that give a name, a member or a call its value; nothing at all if one of them is not known."""
        match term:
            case Ref(name):
                yield from self._bound(name, scope)
            case Member(of, name):
                owner = self.resolver.resolve(of, scope)
                match owner:
                    case Module(path) if not path.endswith("/"):
                        yield from self._bound(name, Scope(path))
                    case Instance(of=Class() as kind) | (Class() as kind):
                        yield from self._class_bound(kind, name)
            case Call(callee=callee):
                value = self.resolver.resolve(callee, scope)
                if isinstance(value, Function):
                    function = self.resolver.function(value.scope)
                    if function is not None and not function.yields:
                        yield from ((result, value.scope) for result in function.returns)

    def _bound(self, name: str, scope: Scope, seen: frozenset[Scope] = frozenset()) -> Iterator[tuple[Term, Scope]]:
        found = self.resolver.lookup(name, scope)
        if found is None:
            return
        bindings, home = found
        links = self.resolver.links(home.path)
        if links is not None and name in links.mutated:  # what is put into it later is not known here
            yield Display("dict", (OPAQUE,), (OPAQUE,)), home
        for binding in bindings:
            if binding.kind == "value":
                yield binding.term, Scope(home.path, binding.name) if binding.name else home
                continue
            module = self.resolver.imported(binding, home)
            if module is None or (imported := Scope(module.path, binding.name)) in seen:
                yield OPAQUE, home
            else:
                yield from self._bound(binding.name, module, seen | {imported})

    def _class_bound(self, owner: Class, name: str) -> Iterator[tuple[Term, Scope]]:
        for base in self.resolver.bases(owner):
            links = self.resolver.class_(base) if isinstance(base, Class) else None
            if links is not None and isinstance(base, Class) and name in links.bindings:
                for binding in links.bindings[name]:
                    home = Scope(base.scope.path, binding.name) if binding.name else base.scope
                    yield binding.term if binding.kind == "value" else OPAQUE, home
                return

    # -- items

    def _display_items(self, pairs: Iterable[tuple[Term, Term]], scope: Scope) -> list[tuple[Term, Term, Scope]] | None:
        found: list[tuple[Term, Term, Scope]] = []
        for key, value in pairs:
            if key == SPREAD:
                inner = self.items(value, scope)
                unknown = Text(()) if self._of_request(value, scope) else OPAQUE
                found += [(OPAQUE, unknown, scope)] if inner is None else inner
            else:
                found.append((key, value, scope))
        return found

    def _all_items(self, terms: Iterable[tuple[Term, Scope]]) -> list[tuple[Term, Term, Scope]] | None:
        found: list[tuple[Term, Term, Scope]] = []
        for term, scope in terms:
            inner = self.items(term, scope)
            if inner is None:
                return None
            found += inner
        return found

    def items_kinds(self, value: Term, scope: Scope) -> Kinds:
        """The kinds of a value in a dict or a pair: "several" for a list whose items are plain."""
        match value:
            case Display(kind="list" | "tuple", values=values):
                inner = frozenset[str]().union(*(self.kinds(item, scope) for item in values))
                return frozenset({"several"}) if inner <= {"text", "number", "plain"} else UNKNOWN
        return self.kinds(value, scope)

    def _dumped_kinds(self, term: Term, scope: Scope) -> Kinds | None:
        """The kinds of the values in `model.dict()` or `model.model_dump()`: those of the fields of its class."""
        match term:
            case Truthy(of):
                return self._dumped_kinds(of, scope)
            case Call(callee=Member(of, "dict" | "model_dump"), keywords=keywords):
                model = self.resolver.resolve(of, scope)
            case _:
                return None
        if not isinstance(model, Instance) or not self.resolver.is_a(model, {"pydantic.BaseModel"}):
            return None
        found: set[str] = set()
        for base in self.resolver.bases(model.of):
            links = self.resolver.class_(base) if isinstance(base, Class) else None
            if links is None or not isinstance(base, Class):
                continue
            if not {"model_config", "Config"}.isdisjoint(links.bindings):  # which may let more fields in
                found.add("unknown")
            for annotation, default in links.annotations.values():
                found |= self.annotation_kinds(annotation, base.scope) | self._none_by_default(default, base.scope)
        return frozenset(found - {"none"} if ("exclude_none", Const(True)) in keywords else found)


def _is_binary(mode: Term | None) -> bool:
    return isinstance(mode, Const) and isinstance(mode.value, str) and "b" in mode.value


def _kind_of_constant(value: object) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "bool"
        case str():
            return "text"
        case bytes():
            return "bytes"
    return "number"
