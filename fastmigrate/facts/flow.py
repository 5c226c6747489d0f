"""Which definitions of a local name can reach each of its uses, within one function.

A structured walk over the statements, run to a fixpoint in loops. It errs towards more definitions: a handler
is reached from every point of its `try`, a nested function sees every definition of the names that it closes over.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Literal

from msgspec import Struct, field

from fastmigrate.facts.order import children, walk

__all__ = ["Definition", "Flow", "local_names", "read_flow"]

Kind = Literal["parameter", "import", "value", "each", "with", "other"]
Function = ast.FunctionDef | ast.AsyncFunctionDef
State = dict[str, frozenset[int]]

_NESTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Definition(Struct, frozen=True):
    """One place that gives a local name a value; `value` is the expression where there is one."""

    name: str
    kind: Kind
    value: ast.expr | None


class Flow(Struct):
    """The definitions of a function's local names, and for each use the indexes of those that reach it."""

    local: frozenset[str] = frozenset()
    definitions: list[Definition] = field(default_factory=list)
    reaching: dict[ast.Name, frozenset[int]] = field(default_factory=dict)

    def at(self, name: ast.Name) -> list[Definition] | None:
        """The definitions that reach a use, or None if the name is not a local one."""
        indexes = self.reaching.get(name)
        return None if indexes is None else [self.definitions[index] for index in sorted(indexes)]


def read_flow(function: Function) -> Flow:
    """The flow of a function's local names."""
    return _FlowReader(function).flow


class _Loop(Struct):
    breaks: list[State] = field(default_factory=list)
    continues: list[State] = field(default_factory=list)


class _FlowReader:
    def __init__(self, function: Function) -> None:
        self.local = local_names(function)
        self.flow = Flow(self.local)
        self.known: dict[tuple[ast.AST, str], int] = {}
        self.loops: list[_Loop] = []
        self.raising: list[State] = []
        self.state: State | None = {}
        self.nested: list[ast.AST] = []
        args = function.args
        for arg in [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]:
            if arg is not None:
                self.define(arg, arg.arg, "parameter", None)
        self.block(function.body)
        for node in self.nested:
            self.close_over(node)

    # -- definitions and uses

    def define(
        self,
        node: ast.AST,
        name: str,
        kind: Kind,
        value: ast.expr | None,
    ) -> None:
        if name not in self.local:
            return
        index = self.known.get((node, name))
        if index is None:
            index = self.known[node, name] = len(self.flow.definitions)
            self.flow.definitions.append(Definition(name, kind, value))
        if self.state is not None:
            self.state[name] = frozenset((index,))
            for raised in self.raising:
                raised[name] = raised.get(name, frozenset()) | {index}

    def target(self, target: ast.expr, value: ast.expr | None, kind: Literal["value", "with"] = "value") -> None:
        match target:
            case ast.Name(id=name):
                self.define(target, name, kind if value is not None else "other", value)
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                paired = isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(targets)
                starred = any(isinstance(part, ast.Starred) for part in targets)
                for index, part in enumerate(targets):
                    item = value.elts[index] if paired and not starred else None  # type: ignore[union-attr]
                    self.target(part, None if isinstance(item, ast.Starred) else item, kind)
            case ast.Starred(value=inner):
                self.target(inner, None)
            case _:
                self.read(target)

    def read(self, node: ast.AST | None, hidden: frozenset[str] = frozenset()) -> None:
        """Note the uses in an expression, and the definitions that `:=` makes there."""
        match node:
            case None:
                return
            case ast.Name(id=name, ctx=ast.Load()):
                if name in self.local and name not in hidden and self.state is not None:
                    before = self.flow.reaching.get(node, frozenset())
                    self.flow.reaching[node] = before | self.state.get(name, frozenset())
                return
            case ast.NamedExpr(target=target, value=value):
                self.read(value, hidden)
                self.define(node, target.id, "value", value)
                return
        if isinstance(node, _NESTED):
            self.nested.append(node)
            return
        if isinstance(node, _COMPREHENSIONS):
            inner = {n.id for g in node.generators for n in walk(g.target) if isinstance(n, ast.Name)}
            self.read(node.generators[0].iter, hidden)
            for child in children(node):
                self.read_comprehension_part(child, node, hidden | inner)
            return
        for child in children(node):
            self.read(child, hidden)

    def read_comprehension_part(self, child: ast.AST, whole: ast.AST, hidden: frozenset[str]) -> None:
        if isinstance(child, ast.comprehension):
            first = child is whole.generators[0]  # type: ignore[attr-defined]
            for part in [*([] if first else [child.iter]), *child.ifs]:
                self.read(part, hidden)
        else:
            self.read(child, hidden)

    def close_over(self, node: ast.AST, hidden: frozenset[str] = frozenset()) -> None:
        """Note the uses in what is nested: it may run at any time, and so sees every definition."""
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                hidden |= local_names(node)
            case ast.Lambda(args=args):
                hidden |= {arg.arg for arg in walk(args) if isinstance(arg, ast.arg)}
            case ast.Name(id=name, ctx=ast.Load()) if name in self.local and name not in hidden:
                everywhere = (i for i, definition in enumerate(self.flow.definitions) if definition.name == name)
                self.flow.reaching[node] = frozenset(everywhere)
        if isinstance(node, _COMPREHENSIONS):
            hidden |= {n.id for g in node.generators for n in walk(g.target) if isinstance(n, ast.Name)}
        for child in children(node):
            self.close_over(child, hidden)

    # -- statements

    def block(self, statements: Iterable[ast.stmt]) -> None:
        for statement in statements:
            if self.state is None:
                return
            visit = getattr(self, f"run_{type(statement).__name__}", None)
            if visit is not None:
                visit(statement)
            else:
                self.read(statement)

    def branch(self, start: State | None, statements: Iterable[ast.stmt]) -> State | None:
        self.state = None if start is None else dict(start)
        self.block(statements)
        return self.state

    def run_Assign(self, node: ast.Assign) -> None:
        self.read(node.value)
        for target in node.targets:
            self.target(target, node.value)

    def run_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.read(node.value)
        if node.value is not None:
            self.target(node.target, node.value)

    def run_AugAssign(self, node: ast.AugAssign) -> None:
        self.read(node.value)
        if isinstance(node.target, ast.Name):
            use = ast.copy_location(ast.Name(node.target.id, ast.Load()), node.target)
            self.read(use)
            sum_of_both = ast.copy_location(ast.BinOp(use, node.op, node.value), node)
            self.define(node.target, node.target.id, "value", sum_of_both)
        else:
            self.read(node.target)

    def run_If(self, node: ast.If) -> None:
        self.read(node.test)
        start = self.state
        self.state = _merge(self.branch(start, node.body), self.branch(start, node.orelse))

    def run_Match(self, node: ast.Match) -> None:
        self.read(node.subject)
        start = self.state
        ends = [start]
        for case in node.cases:
            self.state = None if start is None else dict(start)
            for pattern in walk(case.pattern):
                name = getattr(pattern, "name", None) or getattr(pattern, "rest", None)
                if isinstance(name, str):
                    self.define(pattern, name, "other", None)
            self.read(case.guard)
            self.block(case.body)
            ends.append(self.state)
        self.state = _merge(*ends)

    def run_While(self, node: ast.While) -> None:
        self.loop(node.test, None, node.body, node.orelse)

    def run_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.read(node.iter)
        self.loop(None, node, node.body, node.orelse)

    run_AsyncFor = run_For

    def loop(
        self, test: ast.expr | None, each: ast.For | ast.AsyncFor | None, body: list[ast.stmt], orelse: list[ast.stmt]
    ) -> None:
        entry = self.state
        exits: list[State | None] = []
        while True:
            self.loops.append(_Loop())
            self.state = None if entry is None else dict(entry)
            self.read(test)
            done = None if self.state is None else dict(self.state)
            if each is not None and isinstance(each.target, ast.Name):
                self.define(each.target, each.target.id, "each", each.iter)
            elif each is not None:
                self.target(each.target, None)
            self.block(body)
            inner = self.loops.pop()
            again = _merge(entry, self.state, *inner.continues)
            exits += inner.breaks
            if again == entry:
                break
            entry = again
        self.state = _merge(self.branch(_merge(done, entry), orelse), *exits)

    def run_Break(self, node: ast.Break) -> None:
        if self.loops and self.state is not None:
            self.loops[-1].breaks.append(self.state)
        self.state = None

    def run_Continue(self, node: ast.Continue) -> None:
        if self.loops and self.state is not None:
            self.loops[-1].continues.append(self.state)
        self.state = None

    def run_Return(self, node: ast.Return) -> None:
        self.read(node.value)
        self.state = None

    def run_Raise(self, node: ast.Raise) -> None:
        self.read(node.exc)
        self.read(node.cause)
        self.state = None

    def run_With(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            self.read(item.context_expr)
            if item.optional_vars is not None:
                self.target(item.optional_vars, item.context_expr, "with")
        before = self.state
        self.block(node.body)
        if self.state is None:  # a context manager may swallow what its body raised
            self.state = before

    run_AsyncWith = run_With

    def run_Try(self, node: ast.Try) -> None:
        start = self.state
        raised: State = dict(start or {})
        self.raising.append(raised)
        self.block(node.body)
        self.raising.pop()
        through = self.branch(self.state, node.orelse)
        ends = [through]
        for handler in node.handlers:
            self.state = dict(raised)
            self.read(handler.type)
            if handler.name:
                self.define(handler, handler.name, "other", None)
            self.block(handler.body)
            ends.append(self.state)
        after = _merge(*ends)
        if not node.finalbody:
            self.state = after
            return
        self.branch(_merge(after, raised, *(end for end in ends)), node.finalbody)
        self.state = None if after is None else self.branch(after, node.finalbody)

    run_TryStar = run_Try

    def run_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            self.define(node, alias.asname or alias.name.partition(".")[0], "import", None)

    run_ImportFrom = run_Import

    def run_FunctionDef(self, node: Function | ast.ClassDef) -> None:
        for decorator in node.decorator_list:
            self.read(decorator)
        self.nested.append(node)
        self.define(node, node.name, "other", None)

    run_AsyncFunctionDef = run_ClassDef = run_FunctionDef


def _merge(*states: State | None) -> State | None:
    live = [state for state in states if state is not None]
    if not live:
        return None
    merged: State = {}
    for state in live:
        for name, indexes in state.items():
            merged[name] = merged.get(name, frozenset()) | indexes
    return merged


def local_names(function: Function) -> frozenset[str]:
    """The names that a function, and not something in it or around it, gives a meaning."""
    local: set[str] = set()
    outside: set[str] = set()
    args = function.args
    local |= {
        a.arg for a in [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg] if a is not None
    }
    stack: list[ast.AST] = list(function.body)
    while stack:
        node = stack.pop()
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                local.add(name)
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                outside |= set(names)
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                local.add(name)
            case ast.alias(name=name, asname=asname):
                local.add(asname or name.partition(".")[0])
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                local.add(name)
                continue
            case ast.Lambda():
                continue
        if isinstance(node, _COMPREHENSIONS):  # their targets are their own; a `:=` in them is the function's
            stack += [n.target for n in walk(node) if isinstance(n, ast.NamedExpr)]
            continue
        stack.extend(children(node))
    return frozenset(local - outside)
