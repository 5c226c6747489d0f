"""Links: what a module imports and defines, who calls what, and where.

`read_links` turns one parsed file into a `ModuleLinks`. Nothing is resolved here: names stay names.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable

from fastmigrate.facts.expressions import ExpressionReader, elements_of
from fastmigrate.facts.handlers import read_handlers
from fastmigrate.facts.nodes import (
    annotation_term,
    ends,
    identifiers,
    names_in,
    quoted_names,
    waits,
)
from fastmigrate.facts.order import read_order
from fastmigrate.facts.scopes import ScopeBindings
from fastmigrate.facts.terms import ANY, OPAQUE, Item
from fastmigrate.facts.values import (
    Binding,
    ClassLinks,
    FunctionLinks,
    ModuleLinks,
)

__all__ = ["read_links"]


def read_links(path: str, tree: ast.Module) -> ModuleLinks:
    """The links of a parsed module."""
    reader = _LinkReader(path, tree)
    reader.block(tree.body)
    return reader.result()


class _LinkReader(ExpressionReader):
    def __init__(self, path: str, tree: ast.Module) -> None:
        self.order = read_order(tree)
        super().__init__(self.order.numbers.__getitem__)
        self.path = path
        self.classes: dict[str, ClassLinks] = {}
        self.stars: list[Binding] = []

    def block(self, statements: Iterable[ast.stmt]) -> None:
        for statement in statements:
            self.visit(statement)

    # -- imports

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            module = alias.name if alias.asname else name
            self.bind(name, self.value("import", node, OPAQUE, module=module))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            binding = self.value("from", node, OPAQUE, module=node.module or "", level=node.level, name=alias.name)
            if alias.name == "*":
                self.stars.append(binding)
            else:
                self.bind(alias.asname or alias.name, binding)

    # -- definitions

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._function(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        outer = self.scope
        qualname = self.free(f"{outer.qualname}.{node.name}" if outer.qualname else node.name)
        self.bind(node.name, self.value("function", node, OPAQUE, name=qualname))
        decorators = tuple(self.term(decorator) for decorator in node.decorator_list)
        for decorator in node.decorator_list:
            self.decorates = qualname
            self.visit(decorator)
        self.decorates = None
        parameters = self.parameters(node.args)
        self.visit_defaults(node.args)
        self._count_annotations(node)
        scope = ScopeBindings(qualname)
        start, inside_from, end = self.order.spans[node]
        header, body = self.order.nodes[start + 1 : inside_from], self.order.nodes[inside_from:end]
        if node.returns is not None:
            del header[header.index(node.returns) :]
        scope.globals = {name for child in body if type(child) is ast.Global for name in child.names}
        self.scopes.append(scope)
        for parameter in parameters:
            self.bind(
                parameter.name,
                Binding("parameter", node.lineno, term=parameter.annotation or OPAQUE, default=parameter.default),
            )
        state = self.shadowed, self.guard, self.around, self.typing_only
        self.shadowed, self.guard, self.around, self.typing_only = [], 0, [], False
        outside, self.loads = self.loads, Counter()
        self.block(node.body)
        inside, self.loads = self.loads, outside
        outside.update(inside)
        self.shadowed, self.guard, self.around, self.typing_only = state
        self.scopes.pop()
        self.functions[qualname] = FunctionLinks(
            qualname,
            self.number(node),
            node.lineno,
            isinstance(node, ast.AsyncFunctionDef),
            parameters,
            decorators,
            _frozen(scope.bindings),
            frozenset({node.name, *names_in(header), *names_in(body)}),
            inside,
            frozenset([child.attr for child in body if type(child) is ast.Attribute]),
            tuple(scope.returns),
            annotation_term(node.returns, self._name),
            tuple(scope.handlers),
            tuple(scope.yields),
            tuple(scope.items),
            scope.awaits,
            scope.delegates,
            ends(node.body),
            outer.qualname,
            outer.is_class,
        )

    def _count_annotations(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        args = node.args
        everything = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
        annotations = [arg.annotation for arg in everything if arg is not None and arg.annotation is not None]
        for annotation in [*annotations, *([node.returns] if node.returns else [])]:
            self.visit(annotation)
            self._count_quoted(annotation)

    def _count_quoted(self, annotation: ast.expr) -> None:
        for name in quoted_names(annotation):
            self.loads[name] += 1

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        outer = self.scope
        qualname = f"{outer.qualname}.{node.name}" if outer.qualname else node.name
        self.bind(node.name, self.value("class", node, OPAQUE, name=qualname))
        for decorator in node.decorator_list:
            self.decorates = qualname
            self.visit(decorator)
        self.decorates = None
        for expression in [*node.bases, *(keyword.value for keyword in node.keywords)]:
            self.visit(expression)
        scope = ScopeBindings(qualname, is_class=True)
        self.scopes.append(scope)
        self.block(node.body)
        self.scopes.pop()
        bindings = {**scope.bindings}
        for name, values in self.self_values.pop(qualname, {}).items():
            bindings[name] = [*bindings.get(name, []), *values]
        annotations = {
            statement.target.id: (
                annotation_term(statement.annotation) or OPAQUE,
                None if statement.value is None else self.term(statement.value),
            )
            for statement in node.body
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
        }
        self.classes[qualname] = ClassLinks(
            qualname,
            self.number(node),
            node.lineno,
            tuple(self.term(base) for base in node.bases),
            _frozen(bindings),
            annotations,
        )

    # -- statements that bind

    def visit_Assign(self, node: ast.Assign) -> None:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Lambda() as value):
                self.named_lambda(name, value)
                return
        self.visit(node.value)
        for target in node.targets:
            self.note_overridden(target, node.value)
            self.assign(target, node.value)
            if isinstance(target, ast.Subscript):
                self.scope.items.append((self.term(target.value), self.term(node.value)))

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit(node.annotation)
        self._count_quoted(node.annotation)
        match node:
            case ast.AnnAssign(target=ast.Attribute(value=ast.Name(id="self"), attr=name)) if _is_none(node.value):
                self.declare(name, node, annotation_term(node.annotation) or OPAQUE)
                return
        if node.value is not None:
            self.visit(node.value)
            self.assign(node.target, node.value)
        elif isinstance(node.target, ast.Name):
            self.bind(node.target.id, self.value("parameter", node, annotation_term(node.annotation) or OPAQUE))

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.visit(node.value)
        self.mutates(node.target)
        self.assign(node.target, None)
        if isinstance(node.target, ast.Name):
            self.loads[node.target.id] += 1
            if node.target.id == "__all__":
                self.export(node.value)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self.assign(node.target, node.value)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.visit(node.iter)
        self.touch("for", node.iter)
        if isinstance(node.target, ast.Name):
            self.bind(node.target.id, self.value("each", node, self.term(node.iter)))
        else:
            self.bind("", self.value("each", node, self.term(node.iter)))  # no name, but what it holds may matter
            elements = elements_of(node.target, Item(self.term(node.iter), ANY))
            for name, term in elements.items():
                self.bind(name, self.value("value", node, term))
            if not elements:
                self.assign(node.target, None)
        self.guard += 1
        self.block([*node.body, *node.orelse])
        self.guard -= 1

    def visit_While(self, node: ast.While) -> None:
        self.visit(node.test)
        self.guard += 1
        self.block([*node.body, *node.orelse])
        self.guard -= 1

    def visit_AsyncFor(self, node: ast.AsyncFor) -> None:
        self.scope.awaits += 1
        self.visit_For(node)

    def visit_With(self, node: ast.With | ast.AsyncWith) -> None:
        entered = 0
        for item in node.items:
            self.visit(item.context_expr)
            self.touch("async with" if isinstance(node, ast.AsyncWith) else "with", item.context_expr)
            if item.optional_vars is not None:
                self.assign(item.optional_vars, item.context_expr, "with")
            if isinstance(node, ast.AsyncWith):
                name = item.optional_vars.id if isinstance(item.optional_vars, ast.Name) else None
                self.around.append((name, ast.unparse(item.context_expr)))
                entered += 1
        self.block(node.body)
        del self.around[len(self.around) - entered :]

    def visit_AsyncWith(self, node: ast.AsyncWith) -> None:
        self.scope.awaits += 1
        self.visit_With(node)

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test)
        typing_only, self.typing_only = (
            self.typing_only,
            self.typing_only or "TYPE_CHECKING" in identifiers(node.test),
        )
        self.guard += 1
        self.block(node.body)
        self.typing_only = typing_only
        self.block(node.orelse)
        self.guard -= 1

    def visit_Try(self, node: ast.Try) -> None:
        self.guard += 1
        if waits(node.body):
            self.scope.handlers += read_handlers(node, self.term, self.number)
        self.block(node.body)
        for handler in node.handlers:
            if handler.type is not None:
                self.visit(handler.type)
            if handler.name is not None:
                self.bind(handler.name, self.value("other", handler, OPAQUE))
            self.block(handler.body)
        self.block([*node.orelse, *node.finalbody])
        self.guard -= 1

    def visit_TryStar(self, node: ast.TryStar) -> None:
        self.visit_Try(node)  # type: ignore[arg-type]

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        if node.name is not None:
            self.bind(node.name, self.value("other", node, OPAQUE))
        self.generic_visit(node)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        if node.rest is not None:
            self.bind(node.rest, self.value("other", node, OPAQUE))
        self.generic_visit(node)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        if node.name is not None:
            self.bind(node.name, self.value("other", node, OPAQUE))

    # -- result

    def result(self) -> ModuleLinks:
        return ModuleLinks(
            self.path,
            _frozen(self.scopes[0].bindings),
            self.functions,
            self.classes,
            tuple(self.calls),
            tuple(self.touches),
            tuple(self.scopes[0].items),
            tuple(self.stars),
            frozenset(self.exports),
            self.loads,
            frozenset(self.state_names),
            frozenset(self.stored),
            frozenset(self.mutated),
            tuple(self.overridden),
        )


def _is_none(node: ast.expr | None) -> bool:
    return node is None or (isinstance(node, ast.Constant) and node.value is None)


def _frozen(bindings: dict[str, list[Binding]]) -> dict[str, tuple[Binding, ...]]:
    return {name: tuple(values) for name, values in bindings.items()}
