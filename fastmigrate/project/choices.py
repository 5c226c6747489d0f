"""What one of several things may be: an element of a list or dict, by a loop, a key, or a name for one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fastmigrate.facts.terms import (
    ANY,
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
    Truthy,
)
from fastmigrate.facts.values import Binding
from fastmigrate.project.alternatives import Alternatives
from fastmigrate.project.resolve import Resolver
from fastmigrate.project.values import Class, External, Function, Instance, Module, Scope, Value

__all__ = ["Choices"]

_DEPTH = 6
_TAKING = frozenset({"get", "pop", "setdefault"})
_ADDING = {"append": 0, "add": 0, "appendleft": 0, "insert": 1, "setdefault": 1}
"""Methods that put something into a list, set or dict, and which of their arguments that is."""
_GIVING_ALL = frozenset(
    f"builtins.{name}" for name in ("list", "tuple", "set", "frozenset", "sorted", "reversed", "iter", "dict")
)
Found = Iterator[tuple[Term, Scope]]


class Choices:
    """Finds what a term may stand for where there are several such things; those that are not known are left out.

    `value` resolves a term in a scope; it may know more than a resolver does, such as the class of `self`. `asked` is
    told of the members that are asked for in classes, and of "" if all that stands in one of them counts.
    """

    def __init__(
        self,
        resolver: Resolver,
        value: Callable[[Term, Scope], Value | None],
        alternatives: Alternatives | None = None,
        asked: Callable[[Class, str], None] = lambda *_: None,
    ) -> None:
        self.resolver = resolver
        self.alternatives = alternatives or Alternatives(resolver)
        self.value = value
        self.asked = asked
        self._depth = 0

    def of(self, term: Term | None, scope: Scope) -> list[Value]:
        """What a term may stand for."""
        if term is None or self._depth > _DEPTH:
            return []
        value = self.value(term, scope)
        if value is not None:
            return [value]
        self._depth += 1
        try:
            return list(dict.fromkeys([*self.alternatives.of(term, scope)] or self._several(term, scope)))
        finally:
            self._depth -= 1

    def _several(self, term: Term, scope: Scope) -> Iterator[Value]:
        match term:
            case Member(of, name):
                owners = self.of(of, scope)
                for owner in owners:
                    if isinstance(owner, Instance) and isinstance(owner.of, Class):
                        self.asked(owner.of, name)
                members = (self.resolver.member(owner, name) for owner in owners)
                yield from (member for member in members if member is not None)
            case Await(of) | Truthy(of):
                yield from self.of(of, scope)
            case Ref(name):
                for binding, home in self._only(name, scope):
                    over = Item(binding.term, ANY) if binding.kind == "each" else binding.term
                    if binding.kind == "each" or isinstance(binding.term, Item | Call | Either | Member):
                        yield from self.of(over, home)
            case _:
                for one, home in self._chosen(term, scope):
                    yield from self.of(one, home)

    def _chosen(self, term: Term, scope: Scope) -> Found:
        """The terms of which one is what a term stands for."""
        match term:
            case Either(options):
                yield from ((option, scope) for option in options)
            case Item(of=Item() as pair, key=Const(int(index))):  # a part of an element
                for one, home in self._chosen(pair, scope):
                    if isinstance(one, Display) and one.kind != "dict" and -len(one.values) <= index < len(one.values):
                        yield one.values[index], home
            case Item(of, Const() as key):
                yield from self._under(key, of, scope)
            case Item(of, key):
                yield from self.elements(of, scope, keys=key == ANY)
            case Call(callee=Member(of, name), args=(Const() as key, *_)) if name in _TAKING:
                yield from self._under(key, of, scope)
            case Call(callee=Member(of, name)) if name in _TAKING:
                yield from self.elements(of, scope)
            case Call(callee=callee) if self.value(callee, scope) == External("builtins.next"):
                yield from self.elements(term.args[0] if term.args else None, scope)

    # -- what is in a list, or the values of a dict

    def _under(self, key: Const, of: Term, scope: Scope) -> Found:
        """What a dict or list has under a constant key, as far as that is written: else anything in it."""
        whole, home = self.resolver.behind(of, scope)
        if isinstance(whole, Display) and whole.kind == "dict" and key in whole.keys and SPREAD not in whole.keys:
            yield whole.values[whole.keys.index(key)], home
        else:
            yield from self.elements(of, scope)

    def elements(self, term: Term | None, scope: Scope, *, keys: bool = False) -> Found:
        """The terms of all that is known to be in a list, or of the values of a dict, each where it stands.

        `keys` asks for the keys of a dict instead, which is what a loop over it gives.
        """
        if term is None or self._depth > _DEPTH:
            return
        self._depth += 1
        found = list(dict.fromkeys(self._elements(term, scope, keys=keys)))
        self._depth -= 1
        yield from found

    def _elements(self, term: Term, scope: Scope, *, keys: bool) -> Found:
        match term:
            case Display(kind="dict", keys=names) if keys:
                yield from ((name, scope) for name in names)
            case Display(keys=names, values=values):
                for index, one in enumerate(values):
                    spread = index < len(names) and names[index] == SPREAD and term.kind == "dict"
                    yield from self.elements(one, scope) if spread else self._one(one, scope)
            case Either(options):
                for option in options:
                    yield from self.elements(option, scope, keys=keys)
            case Sum(left, right):
                yield from self.elements(left, scope)
                yield from self.elements(right, scope)
            case Truthy(of) | Await(of):
                yield from self.elements(of, scope, keys=keys)
            case Call():
                yield from self._of_call(term, scope, keys=keys)
            case Item():
                for one, home in self._chosen(term, scope):
                    yield from self.elements(one, home, keys=keys)
            case Ref(name):
                for binding, home in self._only(name, scope):
                    if binding.kind == "value":
                        yield from self.elements(binding.term, home, keys=keys)
                        dicts = isinstance(binding.term, Display) and binding.term.kind == "dict"
                        yield from self._put_into_name(name, scope) if not (keys and dicts) else ()
            case Member(of, name):
                yield from self._of_member(self.value(of, scope), name, keys=keys)

    def _one(self, term: Term, scope: Scope) -> Found:
        """An element of a display: `*more` stands for all that is in there."""
        if isinstance(term, Item) and not isinstance(term.key, Const):
            more = list(self.elements(term.of, scope))
            yield from more or [(term, scope)]
        else:
            yield term, scope

    def _of_call(self, call: Call, scope: Scope, *, keys: bool) -> Found:
        match call.callee:
            case Member(of, "values" | "copy" as name):
                yield from self.elements(of, scope, keys=keys and name == "copy")
                return
            case Member(of, "keys"):
                yield from self.elements(of, scope, keys=True)
                return
            case Member(of, "items"):
                for one, home in self.elements(of, scope):
                    yield Display("tuple", (), (ANY, one)), home
                return
        callee = self.value(call.callee, scope)
        if isinstance(callee, External) and callee.name in _GIVING_ALL and call.args:
            yield from self.elements(call.args[0], scope, keys=keys or callee.name != "builtins.dict")
        elif callee == External("builtins.enumerate") and call.args:
            for one, home in self.elements(call.args[0], scope, keys=True):
                yield Display("tuple", (), (ANY, one)), home
        elif isinstance(callee, Function):
            function = self.resolver.function(callee.scope)
            for returned in function.returns if function is not None else ():
                yield from self.elements(returned, callee.scope, keys=keys)
            for item in function.yields if function is not None else ():
                if item.value is not None:
                    yield item.value, callee.scope

    def _bound(self, name: str, scope: Scope) -> Iterator[tuple[Binding, Scope]]:
        """The bindings of a name, in the module that it comes from."""
        found = self.resolver.lookup(name, scope)
        for binding in found[0] if found is not None else ():
            assert found is not None
            if binding.kind == "from":
                module = self.resolver.imported(binding, scope)
                links = self.resolver.links(module.path) if module is not None else None
                if links is not None and module is not None and module.path != scope.path:
                    yield from ((other, module) for other in links.bindings.get(binding.name, ()))
            else:
                yield binding, found[1]

    def _only(self, name: str, scope: Scope) -> list[tuple[Binding, Scope]]:
        """The one binding of a name; nothing if there are several, of which it is not known which one counts."""
        found = [(binding, home) for binding, home in self._bound(name, scope) if binding.term != Const(None)]
        return found if len(found) == 1 else []

    def _put_into_name(self, name: str, scope: Scope) -> Found:
        """What is put into a list or dict after it was made, in the file that makes it."""
        for binding, home in self._bound(name, scope):
            links = self.resolver.links(home.path)
            if links is None or binding.kind != "value":
                continue
            known = (
                name if home.path == scope.path else next((n for n, b in links.bindings.items() if binding in b), name)
            )
            targets = [("", links.items), *((q, function.items) for q, function in links.functions.items())]
            for qualname, items in targets:
                if any(target == Ref(known) for target, _ in items) and self._sees(known, qualname, home):
                    yield from ((value, Scope(home.path, qualname)) for target, value in items if target == Ref(known))
            for site in links.calls:
                match site.call.callee:
                    case Member(Ref(named), method) if named == known and method in _ADDING:
                        if self._sees(known, site.scope, home) and len(site.call.args) > _ADDING[method]:
                            yield site.call.args[_ADDING[method]], Scope(home.path, site.scope)

    def _sees(self, name: str, qualname: str, home: Scope) -> bool:
        """Whether a name in a function of the same file is that of a certain scope."""
        found = self.resolver.lookup(name, Scope(home.path, qualname))
        return found is not None and found[1] == home

    def _of_member(self, owner: Value | None, name: str, *, keys: bool) -> Found:
        """What is in a list or dict that is an attribute of an object, or a name of a module."""
        if isinstance(owner, Module):
            yield from self.elements(Ref(name), Scope(owner.path), keys=keys)
        kind = owner.of if isinstance(owner, Instance) else owner
        if isinstance(kind, Class):
            self.asked(kind, "")
        for base in self.resolver.bases(kind) if isinstance(kind, Class) else ():
            links = self.resolver.class_(base) if isinstance(base, Class) else None
            home = self.resolver.links(base.scope.path) if isinstance(base, Class) else None
            if links is None or home is None or not isinstance(base, Class):
                continue
            for binding in links.bindings.get(name, ()):
                inner = Scope(base.scope.path, binding.name or base.scope.qualname)
                yield from self.elements(binding.term, inner, keys=keys)
            for function in home.functions.values():
                if function.in_class and function.parent == base.scope.qualname:
                    for target, value in function.items:
                        if target == Member(Ref("self"), name):
                            yield value, Scope(base.scope.path, function.qualname)
