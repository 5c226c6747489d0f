"""Links: what a module imports and defines, who calls what, and where.

`read_links` turns one parsed file into a `ModuleLinks`. Nothing is resolved here: names stay names.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable
from typing import Literal

from fastmigrate.facts.handlers import read_handlers
from fastmigrate.facts.nodes import (
    MUTATORS,
    annotation_term,
    ends,
    names_in,
    quoted_names,
    read_place,
)
from fastmigrate.facts.order import number_nodes
from fastmigrate.facts.scopes import ScopeBindings, ScopeReader
from fastmigrate.facts.terms import ANY, OPAQUE, Call, Const, Item, Ref, Term, dotted, lambda_name
from fastmigrate.facts.values import (
    Binding,
    CallSite,
    ClassLinks,
    FunctionLinks,
    ModuleLinks,
    Parameter,
    Touch,
    Yield,
    lambda_links,
)

__all__ = ["read_links"]

_CALLING_BACK = frozenset({"sorted", "min", "max", "map", "filter"})
"""What calls a function that it is given before it, or what it gives, is done with."""


def read_links(path: str, tree: ast.Module) -> ModuleLinks:
    """The links of a parsed module."""
    reader = _LinkReader(path, tree)
    reader.block(tree.body)
    return reader.result()


class _LinkReader(ScopeReader):
    def __init__(self, path: str, tree: ast.Module) -> None:
        super().__init__(number_nodes(tree).__getitem__)
        self.path = path
        self.functions: dict[str, FunctionLinks] = {}
        self.classes: dict[str, ClassLinks] = {}
        self.calls: list[CallSite] = []
        self.touches: list[Touch] = []
        self.stars: list[Binding] = []
        self.loads: Counter[str] = Counter()
        self.state_names: set[str] = set()
        self.stored: set[str] = set()
        self.decorates: str | None = None
        self.around: list[tuple[str | None, str]] = []

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
        qualname = self._free(f"{outer.qualname}.{node.name}" if outer.qualname else node.name)
        self.bind(node.name, self.value("function", node, OPAQUE, name=qualname))
        decorators = tuple(self.term(decorator) for decorator in node.decorator_list)
        for decorator in node.decorator_list:
            self.decorates = qualname
            self.visit(decorator)
        self.decorates = None
        parameters = self._parameters(node.args)
        self._visit_defaults(node.args)
        self._count_annotations(node)
        scope = ScopeBindings(qualname)
        body = [child for statement in node.body for child in ast.walk(statement)]
        header = [*ast.walk(node.args), *(child for part in node.decorator_list for child in ast.walk(part))]
        scope.globals = {name for child in body if isinstance(child, ast.Global) for name in child.names}
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
            frozenset(child.attr for child in body if isinstance(child, ast.Attribute)),
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

    def _parameters(self, args: ast.arguments) -> tuple[Parameter, ...]:
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
            node.lineno,
            tuple(self.term(base) for base in node.bases),
            _frozen(bindings),
            annotations,
        )

    # -- statements that bind

    def visit_Assign(self, node: ast.Assign) -> None:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Lambda() as value):
                self._lambda(name, value)
                return
        self.visit(node.value)
        for target in node.targets:
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
        self._touch("for", node.iter)
        if isinstance(node.target, ast.Name):
            self.bind(node.target.id, self.value("each", node, self.term(node.iter)))
        else:
            self.bind("", self.value("each", node, self.term(node.iter)))  # no name, but what it holds may matter
            elements = _elements(node.target, Item(self.term(node.iter), ANY))
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
            self._touch("async with" if isinstance(node, ast.AsyncWith) else "with", item.context_expr)
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
            self.typing_only or "TYPE_CHECKING" in ast.dump(node.test),
        )
        self.guard += 1
        self.block(node.body)
        self.typing_only = typing_only
        self.block(node.orelse)
        self.guard -= 1

    def visit_Try(self, node: ast.Try) -> None:
        self.guard += 1
        if any(isinstance(child, ast.Await | ast.Yield) for statement in node.body for child in ast.walk(statement)):
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

    # -- expressions

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load | ast.Del):
            self.loads[node.id] += not any(node.id in names for names in self.shadowed)
        elif isinstance(node.ctx, ast.Store):
            self.bind(node.id, self.value("other", node, OPAQUE))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self._note_state(node)
        if isinstance(node.ctx, ast.Store):
            self.stored.add(node.attr)
        if isinstance(node.ctx, ast.Load):
            self._touch("read", node)
        self.generic_visit(node)

    def _note_state(self, node: ast.Attribute) -> None:
        if isinstance(node.value, ast.Attribute) and node.value.attr == "state":
            self.state_names.add(node.attr)

    def _touch(self, kind: Literal["read", "with", "async with", "for"], node: ast.expr) -> None:
        if self.scope.qualname:
            self.touches.append(Touch(kind, self.term(node), self.scope.qualname, read_place(node)))

    def visit_Subscript(self, node: ast.Subscript) -> None:
        base, key = node.value, node.slice
        if not isinstance(node.ctx, ast.Load):
            self.mutates(base)
        if isinstance(key, ast.Constant) and isinstance(key.value, str) and "state" in ast.unparse(base):
            self.state_names.add(key.value)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        function = node.func
        if isinstance(function, ast.Attribute) and function.attr in MUTATORS:
            self.mutates(function.value)
            if isinstance(function.value, ast.Name) and function.value.id in {"dict", "list", "set"}:
                for argument in node.args[:1]:  # dict.update(target, …)
                    self.mutates(argument)
        if isinstance(function, ast.Name) and function.id == "setattr" and len(node.args) == 3:
            name = node.args[1]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                self.state_names.add(name.value)
                self.stored.add(name.value)
        decorates, self.decorates = self.decorates, None
        call = self.term(node)
        if isinstance(call, Call):
            self.calls.append(CallSite(call, self.scope.qualname, read_place(node), decorates))
        if isinstance(function, ast.Attribute):  # its member is called, and not just read
            self._note_state(function)
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

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._lambda(lambda_name(node), node)

    def _run_at_once(self, node: ast.Lambda) -> None:
        """What a lambda does where it stands is done by the function around it."""
        self._visit_defaults(node.args)
        self.shadowed.append(dict.fromkeys(_names_of(node.args), OPAQUE))
        self.visit(node.body)
        self.shadowed.pop()

    def _run_elsewhere(self, node: ast.GeneratorExp) -> None:
        """What a generator expression does is done by what runs over it."""
        self.visit(node.generators[0].iter)
        self.scopes.append(ScopeBindings(self._free(f"{self.scope.qualname}.<generator>")))
        self._over_elements(node)
        self.scopes.pop()

    def _lambda(self, name: str, node: ast.Lambda) -> None:
        """`name = lambda …: …` is a function of that name; others have a name that only terms know."""
        qualname = self._free(f"{self.scope.qualname}.{name}" if self.scope.qualname else name)
        self.bind(name, self.value("function", node, OPAQUE, name=qualname))
        outer = self.scope
        self._visit_defaults(node.args)
        parameters = self._parameters(node.args)
        self.scopes.append(ScopeBindings(qualname))
        for parameter in parameters:
            self.bind(parameter.name, Binding("parameter", node.lineno))
        self.functions[qualname] = lambda_links(qualname, node.lineno, parameters, outer.qualname, outer.is_class)
        self.shadowed.append({name: Ref(name) for name in _names_of(node.args)})
        self.visit(node.body)
        self.shadowed.pop()
        self.scopes.pop()

    def _visit_defaults(self, args: ast.arguments) -> None:
        for default in [*args.defaults, *args.kw_defaults]:
            if default is not None:
                self.visit(default)

    def _free(self, qualname: str) -> str:
        while qualname in self.functions:  # the same name again, as in the branches of an `if`
            qualname += "'"
        return qualname

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        self.visit(node.generators[0].iter)
        self._over_elements(node)

    def _over_elements(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        self._touch("for", node.generators[0].iter)
        self.shadowed.append({})
        for index, generator in enumerate(node.generators):
            if index:
                self.visit(generator.iter)
            self.shadowed[-1].update(_elements(generator.target, Item(self.term(generator.iter), ANY)))
            for condition in generator.ifs:
                self.visit(condition)
        for part in [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]:
            self.visit(part)
        self.shadowed.pop()

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None:
            self.visit(node.value)
        self.scope.returns.append(Const(None) if node.value is None else self.term(node.value))

    def visit_Await(self, node: ast.Await) -> None:
        self.scope.awaits += 1
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Yield):
            self._yield(node.value, statement=True)
        else:
            self.visit(node.value)

    def visit_Yield(self, node: ast.Yield) -> None:
        self._yield(node, statement=False)

    def visit_YieldFrom(self, node: ast.YieldFrom) -> None:
        self._touch("for", node.value)
        self.scope.delegates = True
        self.generic_visit(node)

    def _yield(self, node: ast.Yield, *, statement: bool) -> None:
        if node.value is not None:
            self.visit(node.value)
        value = None if node.value is None else self.term(node.value)
        self.scope.yields.append(Yield(self.number(node), node.lineno, value, statement, tuple(self.around)))

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
        )


def _is_none(node: ast.expr | None) -> bool:
    return node is None or (isinstance(node, ast.Constant) and node.value is None)


def _elements(target: ast.expr, element: Term) -> dict[str, Term]:
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
                found |= _elements(inner, OPAQUE if starred else Item(element, Const(index)))
            return found
    return {}


def _names_of(args: ast.arguments) -> set[str]:
    everything = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
    return {arg.arg for arg in everything if arg is not None}


def _frozen(bindings: dict[str, list[Binding]]) -> dict[str, tuple[Binding, ...]]:
    return {name: tuple(values) for name, values in bindings.items()}
