"""What expressions do: who calls what, reads which attributes, and what functions stand in them without a `def`."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable
from typing import Literal

from fastmigrate.facts.nodes import MUTATORS, annotation_term, identifiers, read_place
from fastmigrate.facts.scopes import ScopeBindings, ScopeReader
from fastmigrate.facts.terms import ANY, OPAQUE, Call, Const, Item, Ref, Term, dotted, lambda_name
from fastmigrate.facts.values import Binding, CallSite, FunctionLinks, Parameter, Touch, Yield, lambda_links

__all__ = ["ExpressionReader", "elements_of"]

_BY_NAME = frozenset({"getattr", "hasattr", "setattr", "delattr"})
_CALLING_BACK = frozenset({"sorted", "min", "max", "map", "filter"})
"""What calls a function that it is given before it, or what it gives, is done with."""


class ExpressionReader(ScopeReader):
    """Reads the calls, attributes and lambdas of a file."""

    def __init__(self, number: Callable[[ast.AST], int]) -> None:
        super().__init__(number)
        self.functions: dict[str, FunctionLinks] = {}
        self.calls: list[CallSite] = []
        self.touches: list[Touch] = []
        self.loads: Counter[str] = Counter()
        self.state_names: set[str] = set()
        self.stored: set[str] = set()
        self.overridden: list[tuple[Term, str]] = []
        self.decorates: str | None = None
        self.awaited: set[ast.expr] = set()
        self.around: list[tuple[str | None, str]] = []

    def visit_Name(self, node: ast.Name) -> None:
        """Count a name that is read, bind one that is stored."""
        if isinstance(node.ctx, ast.Load | ast.Del):
            if not self.shadowed or not any(node.id in names for names in self.shadowed):
                self.loads[node.id] += 1
        elif isinstance(node.ctx, ast.Store):
            self.bind(node.id, self.value("other", node, OPAQUE))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Note an attribute that is read or stored."""
        self._note_state(node)
        if isinstance(node.ctx, ast.Store):
            self.stored.add(node.attr)
        if isinstance(node.ctx, ast.Load):
            self.touch("read", node)
        self.generic_visit(node)

    def _note_state(self, node: ast.Attribute) -> None:
        if isinstance(node.value, ast.Attribute) and node.value.attr == "state":
            self.state_names.add(node.attr)

    def touch(self, kind: Literal["read", "with", "async with", "for"], node: ast.expr) -> None:
        """Note where other code runs without a call."""
        if self.scope.qualname:
            self.touches.append(Touch(kind, self.term(node), self.scope.qualname, read_place(node)))

    def visit_Subscript(self, node: ast.Subscript) -> None:
        """Note what gets items, and keys of a state."""
        base, key = node.value, node.slice
        self.note_overridden(base, key)
        if not isinstance(node.ctx, ast.Load):
            self.mutates(base)
        if isinstance(key, ast.Constant) and isinstance(key.value, str) and _names_state(base):
            self.state_names.add(key.value)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """Note a call, and read what it is given where that belongs."""
        function = node.func
        if isinstance(function, ast.Attribute) and function.attr in MUTATORS:
            self.mutates(function.value)
            if isinstance(function.value, ast.Name) and function.value.id in {"dict", "list", "set"}:
                for argument in node.args[:1]:  # dict.update(target, …)
                    self.mutates(argument)
        if isinstance(function, ast.Name) and function.id in _BY_NAME and len(node.args) > 1:
            name = node.args[1]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                self.state_names.add(name.value)
                if function.id == "setattr":
                    self.stored.add(name.value)
        decorates, self.decorates = self.decorates, None
        call = self.term(node)
        if isinstance(call, Call):
            awaited = node in self.awaited
            self.calls.append(CallSite(call, self.scope.qualname, read_place(node), decorates, awaited))
        if isinstance(function, ast.Attribute):  # its member is called, and not just read
            self._note_state(function)
            for argument in node.args:
                if isinstance(argument, ast.Dict):  # a function is passed like any other one
                    self.note_overridden(function.value, argument)
            self.visit(function.value)
        else:
            self.visit(function)
        called = dotted(call.callee) if isinstance(call, Call) else None
        calls_back = called in _CALLING_BACK or (called or "").endswith(".sort")
        streams = (called or "").endswith("StreamingResponse")
        for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
            if isinstance(argument, ast.Lambda) and calls_back:
                self._run_at_once(argument)
            elif isinstance(argument, ast.GeneratorExp) and streams:
                self._run_elsewhere(argument)
            else:
                self.visit(argument)

    def note_overridden(self, of: ast.expr, given: ast.expr) -> None:
        """Note what an app's `dependency_overrides` have as keys: a dependency that something else stands in for."""
        if isinstance(of, ast.Attribute) and of.attr == "dependency_overrides":
            keys = given.keys if isinstance(given, ast.Dict) else [given]
            self.overridden += [(self.term(key), self.scope.qualname) for key in keys if key is not None]

    def visit_Lambda(self, node: ast.Lambda) -> None:
        """A lambda that is no value of a name, and is not called at once, is a function that terms know."""
        self.named_lambda(lambda_name(node), node)

    def _run_at_once(self, node: ast.Lambda) -> None:
        """What a lambda does where it stands is done by the function around it."""
        self.visit_defaults(node.args)
        self.shadowed.append(dict.fromkeys(_names_of(node.args), OPAQUE))
        self.visit(node.body)
        self.shadowed.pop()

    def _run_elsewhere(self, node: ast.GeneratorExp) -> None:
        """What a generator expression does is done by what runs over it."""
        self.visit(node.generators[0].iter)
        self.scopes.append(ScopeBindings(self.free(f"{self.scope.qualname}.<generator>")))
        self._over_elements(node)
        self.scopes.pop()

    def named_lambda(self, name: str, node: ast.Lambda) -> None:
        """`name = lambda …: …` is a function of that name; others have a name that only terms know."""
        qualname = self.free(f"{self.scope.qualname}.{name}" if self.scope.qualname else name)
        self.bind(name, self.value("function", node, OPAQUE, name=qualname))
        outer = self.scope
        self.visit_defaults(node.args)
        parameters = self.parameters(node.args)
        self.scopes.append(ScopeBindings(qualname))
        for parameter in parameters:
            self.bind(parameter.name, Binding("parameter", node.lineno))
        self.functions[qualname] = lambda_links(qualname, node.lineno, parameters, outer.qualname, outer.is_class)
        self.shadowed.append({name: Ref(name) for name in _names_of(node.args)})
        self.visit(node.body)
        self.shadowed.pop()
        self.scopes.pop()

    def visit_defaults(self, args: ast.arguments) -> None:
        """Read the defaults of parameters, which run where the function is defined."""
        for default in [*args.defaults, *args.kw_defaults]:
            if default is not None:
                self.visit(default)

    def free(self, qualname: str) -> str:
        """A qualified name that no function of the file has yet."""
        while qualname in self.functions:  # the same name again, as in the branches of an `if`
            qualname += "'"
        return qualname

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        self.visit(node.generators[0].iter)
        self._over_elements(node)

    def _over_elements(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        self.touch("for", node.generators[0].iter)
        self.shadowed.append({})
        for index, generator in enumerate(node.generators):
            if index:
                self.visit(generator.iter)
            self.shadowed[-1].update(elements_of(generator.target, Item(self.term(generator.iter), ANY)))
            for condition in generator.ifs:
                self.visit(condition)
        for part in [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]:
            self.visit(part)
        self.shadowed.pop()

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    def visit_Return(self, node: ast.Return) -> None:
        """Note what a function returns."""
        if node.value is not None:
            self.visit(node.value)
        self.scope.returns.append(Const(None) if node.value is None else self.term(node.value))

    def visit_Await(self, node: ast.Await) -> None:
        """Count an `await`."""
        self.scope.awaits += 1
        self.awaited.add(node.value)
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        """Read a statement that is an expression."""
        if isinstance(node.value, ast.Yield):
            self._yield(node.value, statement=True)
        else:
            self.visit(node.value)

    def visit_Yield(self, node: ast.Yield) -> None:
        """Note a `yield` whose value is used."""
        self._yield(node, statement=False)

    def visit_YieldFrom(self, node: ast.YieldFrom) -> None:
        """Note that a function hands on what another generator gives."""
        self.touch("for", node.value)
        self.scope.delegates = True
        self.generic_visit(node)

    def _yield(self, node: ast.Yield, *, statement: bool) -> None:
        if node.value is not None:
            self.visit(node.value)
        value = None if node.value is None else self.term(node.value)
        self.scope.yields.append(Yield(self.number(node), node.lineno, value, statement, tuple(self.around)))

    def parameters(self, args: ast.arguments) -> tuple[Parameter, ...]:
        """The parameters of a function, in their order."""
        positional = [*args.posonlyargs, *args.args]
        defaults = [None] * (len(positional) - len(args.defaults)) + list(args.defaults)
        found = [self._parameter(a, "positional", d) for a, d in zip(positional, defaults, strict=True)]
        if args.vararg:
            found.append(self._parameter(args.vararg, "args", None))
        found += [
            self._parameter(arg, "keyword", default)
            for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True)
        ]
        if args.kwarg:
            found.append(self._parameter(args.kwarg, "kwargs", None))
        return tuple(found)

    def _parameter(
        self, arg: ast.arg, kind: Literal["positional", "keyword", "args", "kwargs"], default: ast.expr | None
    ) -> Parameter:
        value = None if default is None else self.term(default)
        return Parameter(arg.arg, kind, annotation_term(arg.annotation, self._name), value)


def _names_state(node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute):
        if "state" in node.attr:
            return True
        node = node.value
    return "state" in node.id if isinstance(node, ast.Name) else any("state" in name for name in identifiers(node))


def elements_of(target: ast.expr, element: Term) -> dict[str, Term]:
    """What the names in the target of a loop stand for, as parts of an element of what it runs over."""
    match target:
        case ast.Name(id=name):
            return {name: element}
        case ast.Tuple(elts=targets) | ast.List(elts=targets):
            found: dict[str, Term] = {}
            starred = False
            for index, part in enumerate(targets):
                starred = starred or isinstance(part, ast.Starred)
                inner = part.value if isinstance(part, ast.Starred) else part
                found |= elements_of(inner, OPAQUE if starred else Item(element, Const(index)))
            return found
    return {}


def _names_of(args: ast.arguments) -> set[str]:
    everything = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
    return {arg.arg for arg in everything if arg is not None}
