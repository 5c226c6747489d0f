"""What a term stands for: names followed through scopes, imports, re-exports, assignments, attributes, annotations.

Reach is proven, not guessed: where two bindings of a name disagree, or something is not understood, the answer
is None.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator

from fastmigrate.facts.terms import Await, Call, Display, Either, Item, Member, Ref, Term, Truthy, nothing
from fastmigrate.facts.values import Binding, ModuleLinks
from fastmigrate.knowledge.running import DEPENDS
from fastmigrate.project.definitions import Definitions, lasting
from fastmigrate.project.modules import ModuleTree
from fastmigrate.project.values import Class, External, Function, Instance, Method, Module, Scope, Value, only

__all__ = ["Resolver"]


_LIMIT = 40  # steps from a name to what it stands for
_DEPENDS = frozenset(External(name) for name in DEPENDS)
_Orders = dict[External | Class, tuple[External | Class, ...]]
_PROPERTIES = frozenset({External("builtins.property"), External("functools.cached_property")})


class Resolver(Definitions):
    """Follows terms through the links of a project's files; `links` gives those of a file, or None.

    `canonical` maps the dotted names under which a library exports one thing to one of them; `makes` maps a
    function from outside to the class whose instance it returns; `star_names` are names that `import *` brings.
    """

    def __init__(
        self,
        tree: ModuleTree,
        links: Callable[[str], ModuleLinks | None],
        canonical: Callable[[str], str],
        makes: dict[str, str],
        star_names: Container[str] = (),
    ) -> None:
        super().__init__(tree, links)
        self.canonical = canonical
        self.makes = makes
        self.star_names = star_names
        self._depth = 0
        self._eithers: dict[tuple[int, Scope], tuple[Term, Value | None]] = {}
        self._known: dict[tuple[str, Scope | Class | str], Value | None] = {}
        self._open = 0  # names that are being followed just now: what they stand for is not known yet
        self._bases: dict[External | Class, tuple[External | Class, ...]] = {}
        self._terms: dict[tuple[int, Scope], tuple[Term, Value | None]] = {}  # with the terms, whose ids are the keys

    def bases(self, value: External | Class) -> tuple[External | Class, ...]:
        """The class itself and all that it inherits from, as far as is known."""
        known = self._bases.get(value)
        if known is None:
            known = self._find_bases(value, {})
            if not self._open and not self._depth:
                self._bases[value] = known
        return known

    def _find_bases(self, value: External | Class, found: _Orders) -> tuple[External | Class, ...]:
        """In the order in which Python looks for a member (C3), as far as the bases are known."""
        if value not in found:
            found[value] = (value,)  # for a class that inherits from itself
            order, pending = [value], self._orders_below(value, found)
            while pending := [one for one in pending if one]:
                heads = (one[0] for one in pending if not any(one[0] in other[1:] for other in pending))
                head = next(heads, pending[0][0])
                order += [head] if head not in order else []
                pending = [[base for base in one if base != head] for one in pending]
            found[value] = tuple(order)
        return found[value]

    def _orders_below(self, value: External | Class, found: _Orders) -> list[list[External | Class]]:
        """The order of each base of a class, and that of the bases."""
        links = self.class_(value) if isinstance(value, Class) else None
        if links is None or not isinstance(value, Class):
            return []
        home = Scope(value.scope.path)
        named = (self.resolve(base.of if isinstance(base, Item) else base, home) for base in links.bases)
        bases = [base for base in named if isinstance(base, External | Class)]
        return [*([*self._find_bases(base, found)] for base in bases), bases]

    def is_a(self, value: Value | None, names: Iterable[str]) -> bool:
        """Whether a value is an instance of one of the named classes from outside."""
        if not isinstance(value, Instance):
            return False
        wanted = set(names)
        return any(isinstance(base, External) and base.name in wanted for base in self.bases(value.of))

    def called_names(self, value: Value | None) -> Iterator[str]:
        """The dotted names from outside of what is called: those of a method are by its class and those above it."""
        match value:
            case External(name):
                yield name
            case Method(Instance() as owner, method):
                yield from (f"{base.name}.{method}" for base in self.bases(owner.of) if isinstance(base, External))

    # -- terms

    def resolve(self, term: Term | None, scope: Scope) -> Value | None:
        """What a term stands for, or None."""
        if self._depth or self._open:
            return self._resolve(term, scope)
        kind = type(term)
        if kind is Ref:
            return self._name(term.name, scope)  # type: ignore[union-attr]
        if kind is not Member and kind is not Call:
            return self._resolve(term, scope)
        key = id(term), scope
        if key not in self._terms:
            self._terms[key] = term, self._resolve(term, scope)  # type: ignore[assignment]
        return self._terms[key][1]

    def _resolve(self, term: Term | None, scope: Scope) -> Value | None:
        if self._depth > _LIMIT:
            return None
        self._depth += 1
        try:
            match term:
                case Ref(name):
                    return self._name(name, scope)
                case Member(of, name):
                    return self.member(self.resolve(of, scope), name)
                case Call():
                    return self._call(term, scope)
                case Truthy(of):
                    return self.resolve(of, scope)
                case Await(Call() as call):
                    return self._call(call, scope)
                case Either(options):
                    if (id(term), scope) not in self._eithers:
                        self._eithers[id(term), scope] = term, None
                        value = only(self.resolve(option, scope) for option in options if not nothing(option))
                        self._eithers[id(term), scope] = term, value
                    return self._eithers[id(term), scope][1]
            return None
        finally:
            self._depth -= 1

    def annotated(self, term: Term | None, scope: Scope) -> Value | None:
        """The class that an annotation names: `X`, `X | None`, `Optional[X]`, `Annotated[X, …]`, `"X"`."""
        match term:
            case Either(options):
                return only(self.annotated(option, scope) for option in options if not nothing(option))
            case Item(of, key):
                wrapper = self.resolve(of, scope)
                name = wrapper.name if isinstance(wrapper, External) else ""
                if name in {
                    "typing.Optional",
                    "typing.Annotated",
                    "typing.Union",
                    "typing_extensions.Annotated",
                }:
                    parts = key.values if isinstance(key, Display) else (key,)
                    parts = parts[:1] if name.endswith("Annotated") else parts
                    return only(self.annotated(part, scope) for part in parts if not nothing(part))
                return self.resolve(of, scope)
            case Ref() | Member():
                alias = self.alias(term, scope)
                if alias is not None:
                    return self.annotated(*alias)
        return self.resolve(term, scope)

    def alias(self, term: Term, scope: Scope) -> tuple[Term, Scope] | None:
        """What `Name = Annotated[…]` or `Name = X | None` stands for, also in another module, and where that stands."""
        found = self.behind(term, scope)
        return found if isinstance(found[0], Item | Either) and found[0] != term else None

    def behind(self, term: Term, scope: Scope) -> tuple[Term, Scope]:
        """The expression that a name stands for, also in another module, and where that stands; else the name."""
        for _ in range(_LIMIT):
            if isinstance(term, Member):
                owner = self.resolve(term.of, scope)
                if not isinstance(owner, Module) or owner.path.endswith("/"):
                    return term, scope
                term, scope = Ref(term.name), Scope(owner.path)
            found = self.lookup(term.name, scope) if isinstance(term, Ref) else None
            if found is None or len(found[0]) != 1:
                return term, scope
            binding, home = found[0][0], found[1]
            module = self.imported(binding, home)
            if binding.kind == "value":
                term, scope = binding.term, Scope(home.path, binding.name) if binding.name else home
            elif module is not None:
                term, scope = Ref(binding.name), module
            else:
                return term, scope
        return term, scope

    def _once(
        self, key: tuple[str, Scope | Class | str], find: Callable[..., Value | None], *given: object
    ) -> Value | None:
        """What `find` says of what it is given, asked once; None for a name that is defined by way of itself."""
        if key not in self._known:
            self._known[key] = None
            self._open += 1
            try:
                self._known[key] = find(*given)
            finally:
                self._open -= 1
        return self._known[key]

    def _name(self, name: str, scope: Scope) -> Value | None:
        return self._once((name, scope), self._find_name, name, scope)

    def _find_name(self, name: str, scope: Scope) -> Value | None:
        found = self.lookup(name, scope)
        if found is None:
            return self._from_star(name, scope) or External(self.canonical(f"builtins.{name}"))
        bindings, home = found
        parameters = [binding for binding in bindings if binding.kind == "parameter"]
        if parameters and bindings[0].kind == "parameter" and name in {"self", "cls"}:
            return self._self(home, name)
        return only(self.resolve_binding(binding, home) for binding in bindings if not nothing(binding.term))

    def _self(self, scope: Scope, name: str) -> Value | None:
        function = self.function(scope)
        if function is None or not function.in_class:
            return None
        owner = Class(Scope(scope.path, function.parent))
        return owner if name == "cls" else Instance(owner, scope, -1)

    def _from_star(self, name: str, scope: Scope) -> Value | None:
        links = self.links(scope.path)
        for star in links.stars if links is not None else ():
            path = self.tree.find(scope.path, star.module, star.level)
            if path is None and f"{star.module}.{name}" in self.star_names:
                return External(self.canonical(f"{star.module}.{name}"))
            if path is not None and not name.startswith("_"):
                found = self.member(Module(path), name)
                if found is not None:
                    return found
        return None

    def resolve_binding(self, binding: Binding, scope: Scope) -> Value | None:
        """What one binding of a scope stands for, or None."""
        match binding.kind:
            case "import":
                path = self.tree.find(scope.path, binding.module)
                return External(self.canonical(binding.module)) if path is None else Module(path)
            case "from":
                return self._from_import(binding, scope)
            case "function":
                return Function(Scope(scope.path, binding.name))
            case "class":
                return Class(Scope(scope.path, binding.name))
            case "value":
                inner = Scope(scope.path, binding.name) if binding.name else scope
                return self.resolve(binding.term, inner)
            case "with":
                return self.resolve(binding.term, scope) or self._handed_out(binding.term, scope)
            case "each":
                if isinstance(binding.term, Display):
                    is_dict = binding.term.kind == "dict"
                    items = binding.term.keys if is_dict else binding.term.values
                    return only(self.resolve(item, scope) for item in items)
            case "parameter":
                kind = self.annotated(binding.term, Scope(scope.path, scope.qualname))
                if isinstance(kind, External | Class):
                    return Instance(kind, scope, -1)
                return self._injected(binding.default, scope)
        return None

    def _injected(self, default: Term | None, scope: Scope) -> Value | None:
        """What a parameter without a known annotation gets from `Depends(…)`."""
        match default:
            case Call(callee=callee, args=(given, *_)) if self.resolve(callee, scope) in _DEPENDS:
                match self.resolve(given, scope):
                    case Class() as made:
                        return Instance(made, scope, -1)
                    case Function(home):
                        return self.result(home)
        return None

    def _handed_out(self, term: Term, scope: Scope) -> Value | None:
        """What `with f() as name` gives, where f is a generator under `@contextmanager`."""
        inner = term.of if isinstance(term, Await) else term
        callee = self.resolve(inner.callee, scope) if isinstance(inner, Call) else None
        return self.result(callee.scope) if isinstance(callee, Function) else None

    def result(self, scope: Scope) -> Value | None:
        """What a function returns or, if it is a generator, yields: as far as one value, or its annotation, tells."""
        return self._once(("()", scope), self._find_result, scope)

    def _find_result(self, scope: Scope) -> Value | None:
        function = self.function(scope)
        if function is None:
            return None
        given = [item.value for item in function.yields] if function.yields else list(function.returns)
        known = [term for term in given if term is not None and not nothing(term)]
        found = only(self.resolve(term, scope) for term in known)
        if found is not None or function.returned is None:
            return found
        declared = function.returned
        if function.yields:  # Iterator[X], AsyncGenerator[X, None]
            if not isinstance(declared, Item):
                return None
            declared = declared.key.values[0] if isinstance(declared.key, Display) else declared.key
        kind = self.annotated(declared, Scope(scope.path))
        return Instance(kind, scope, -1) if isinstance(kind, Class) else None

    def _from_import(self, binding: Binding, scope: Scope) -> Value | None:
        path = self.tree.find(scope.path, binding.module, binding.level)
        if path is None:
            return None if binding.level else External(self.canonical(f"{binding.module}.{binding.name}"))
        if path == scope.path:  # a package that names a module of its own
            return self._submodule(path, binding.name)
        return self.member(Module(path), binding.name)

    def member(self, owner: Value | None, name: str) -> Value | None:
        """What a member of a value stands for, or None."""
        match owner:
            case External(base):
                return External(self.canonical(f"{base}.{name}"))
            case Module(path):
                return self._module_member(path, name)
            case Class():
                return self.class_member(owner, name)
            case Instance(of=External()):
                return Method(owner, name)
            case Instance(of=Class() as kind):
                found = self.class_member(kind, name)
                if isinstance(found, Function) and self.is_property(found.scope):
                    return self.result(found.scope)
                return found if found is not None or not self._is_inherited(kind, name) else Method(owner, name)
        return None

    def _is_inherited(self, kind: Class, name: str) -> bool:
        """Whether an attribute may come from a base from outside, since no class of the project defines it."""
        bases = list(self.bases(kind))
        own = [links for base in bases if isinstance(base, Class) and (links := self.class_(base)) is not None]
        return any(isinstance(base, External) for base in bases) and not any(name in links.bindings for links in own)

    def is_property(self, scope: Scope) -> bool:
        """Whether a method is read like an attribute."""
        function = self.function(scope)
        home = Scope(scope.path)
        return function is not None and any(self.resolve(d, home) in _PROPERTIES for d in function.decorators)

    def _module_member(self, path: str, name: str) -> Value | None:
        return self._once((name, path), self._find_module_member, path, name)

    def _find_module_member(self, path: str, name: str) -> Value | None:
        if not path.endswith("/"):
            links = self.links(path)
            if links is not None and name in links.bindings:
                bindings = lasting(links.bindings[name])
                return only(self.resolve_binding(b, Scope(path)) for b in bindings if not nothing(b.term))
            if links is not None and links.stars:
                found = self._from_star(name, Scope(path))
                if found is not None:
                    return found
        return self._submodule(path, name)

    def _submodule(self, path: str, name: str) -> Value | None:
        folder = path.removesuffix("__init__.py").removesuffix("/")
        if path.endswith(("/", "__init__.py")):
            inner = self.tree.find(f"{folder}/_" if folder else "_", name, 1)
            return None if inner is None else Module(inner)
        return None

    def class_member(self, owner: Class, name: str) -> Value | None:
        """What a name stands for in a class, or in the first of its bases that has it."""
        return self._once((name, owner), self._find_class_member, owner, name)

    def _find_class_member(self, owner: Class, name: str) -> Value | None:
        for base in self.bases(owner):
            links = self.class_(base) if isinstance(base, Class) else None
            if links is None or not isinstance(base, Class) or name not in links.bindings:
                continue
            bindings = [binding for binding in links.bindings[name] if not nothing(binding.term)]
            values = [binding for binding in bindings if binding.kind != "parameter"]  # else its annotation tells
            return only(self.resolve_binding(binding, base.scope) for binding in values or bindings)
        return None

    def _call(self, call: Call, scope: Scope) -> Value | None:
        callee = self.resolve(call.callee, scope)
        match callee:
            case External("builtins.super"):
                return self._super(scope)
            case External(name):
                return Instance(External(self.makes.get(name, name)), scope, call.number)
            case Class():
                return Instance(callee, scope, call.number)
            case Method():
                made = next((self.makes[name] for name in self.called_names(callee) if name in self.makes), None)
                return Instance(External(made), scope, call.number) if made is not None else None
            case Function(inner):
                function = self.function(inner)
                return None if function is None or function.yields else self.result(inner)
        return None

    def _super(self, scope: Scope) -> Value | None:
        """The first base of the class in whose method `super()` stands."""
        function = self.function(scope)
        links = self.class_(Class(Scope(scope.path, function.parent))) if function and function.in_class else None
        base = self.resolve(links.bases[0], Scope(scope.path)) if links is not None and links.bases else None
        return Instance(base, scope, -1) if isinstance(base, External | Class) else None
