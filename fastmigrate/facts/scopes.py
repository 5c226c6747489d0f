"""What the scopes of a file bind: names, items and attributes of `self`, as the statements go by."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from msgspec import Struct, field

from fastmigrate.facts.order import children
from fastmigrate.facts.terms import OPAQUE, Ref, Term, TermReader
from fastmigrate.facts.values import Binding, BindingKind, Handler, Yield

__all__ = ["ScopeBindings", "ScopeReader"]


class ScopeBindings(Struct):
    """What is bound and noted in one scope while it is read."""

    qualname: str
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    is_class: bool = False
    globals: set[str] = field(default_factory=set)
    returns: list[Term] = field(default_factory=list)
    yields: list[Yield] = field(default_factory=list)
    handlers: list[Handler] = field(default_factory=list)
    items: list[tuple[Term, Term]] = field(default_factory=list)
    awaits: int = 0
    delegates: bool = False


class ScopeReader(ast.NodeVisitor):
    """Keeps the bindings of the scopes that a visitor is in, the innermost last."""

    def __init__(self, number: Callable[[ast.AST], int]) -> None:
        self.number = number
        self.scopes = [ScopeBindings("")]
        self.self_values: dict[str, dict[str, list[Binding]]] = {}
        self.exports: set[str] = set()
        self.mutated: set[str] = set()
        self.shadowed: list[dict[str, Term]] = []
        self._terms = TermReader(number, self._name)
        self._refs: dict[str, Ref] = {}  # equal terms are one, since there are many of them
        self._readers: dict[type[ast.AST], Callable[[Any], None]] = {}
        self.guard = 0
        self.typing_only = False

    def visit(self, node: ast.AST) -> None:
        """Read a node by the method for its kind, or else what is in it."""
        kind = type(node)
        reader = self._readers.get(kind)
        if reader is None:
            reader = self._readers[kind] = getattr(self, f"visit_{kind.__name__}", self.generic_visit)
        reader(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        """There is nothing in a constant."""

    def generic_visit(self, node: ast.AST) -> None:
        """Read what is in a node."""
        for child in children(node):
            self.visit(child)

    def term(self, node: ast.expr | None) -> Term:
        """The term of an expression; a name that a comprehension hides stands for an element of what it runs over."""
        if node is None:
            return OPAQUE
        return self._terms.read(node) if self.shadowed else self._terms.read_again(node)

    def _name(self, node: ast.Name) -> Term:
        for names in reversed(self.shadowed):
            if node.id in names:
                return names[node.id]
        if node.id not in self._refs:
            self._refs[node.id] = Ref(node.id)
        return self._refs[node.id]

    @property
    def scope(self) -> ScopeBindings:
        """The innermost scope."""
        return self.scopes[-1]

    def bind(self, name: str, binding: Binding) -> None:
        """Give a name a binding, in the scope that owns it."""
        scope = self.scopes[0] if name in self.scope.globals else self.scope
        scope.bindings.setdefault(name, []).append(binding)

    def value(self, kind: BindingKind, node: ast.AST, term: Term, **more: object) -> Binding:
        """A binding that stands where a node stands."""
        return Binding(
            kind,
            getattr(node, "lineno", 0),
            term=term,
            guarded=self.guard > 0,
            typing_only=self.typing_only,
            **more,  # type: ignore[arg-type]
        )

    def assign(self, target: ast.expr, value: ast.expr | None, kind: BindingKind = "value") -> None:
        """Bind the names in a target to a value, or to parts of it."""
        match target:
            case ast.Name(id=name):
                self.bind(name, self.value(kind if value is not None else "other", target, self.term(value)))
                if name == "__all__" and value is not None:
                    self.export(value)
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                values: list[ast.expr | None] = [None] * len(targets)
                if (
                    kind == "value"
                    and isinstance(value, ast.Tuple | ast.List)
                    and len(value.elts) == len(targets)
                    and not any(isinstance(part, ast.Starred) for part in [*targets, *value.elts])
                ):
                    values = list(value.elts)
                for part, item in zip(targets, values, strict=True):
                    self.assign(part, item, kind)
            case ast.Starred(value=inner):
                self.assign(inner, None)
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                self._assign_self(name, target, value)
                self.visit(target)
            case _:
                self.visit(target)

    def declare(self, name: str, node: ast.AST, annotation: Term) -> None:
        """Note that an attribute of `self`, which is None as yet, is to be of a type."""
        owner = self.scope.qualname.rpartition(".")[0]
        binding = self.value("parameter", node, annotation)
        self.self_values.setdefault(owner, {}).setdefault(name, []).append(binding)

    def _assign_self(self, name: str, target: ast.expr, value: ast.expr | None) -> None:
        owner = self.scope.qualname.rpartition(".")[0]
        term = self.term(value)
        kind: BindingKind = "value" if value is not None else "other"
        # the term is read in the scope of the method that assigns it
        self.self_values.setdefault(owner, {}).setdefault(name, []).append(
            Binding(kind, target.lineno, term=term, name=self.scope.qualname)
        )

    def export(self, value: ast.expr) -> None:
        """Note the names in a literal `__all__`."""
        if isinstance(value, ast.List | ast.Tuple):
            self.exports |= {
                item.value for item in value.elts if isinstance(item, ast.Constant) and isinstance(item.value, str)
            }

    def mutates(self, base: ast.expr) -> None:
        """Note that something gets items."""
        if isinstance(base, ast.Name | ast.Attribute):
            self.mutated.add(base.id if isinstance(base, ast.Name) else base.attr)
