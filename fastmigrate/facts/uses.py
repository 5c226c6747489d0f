"""What becomes of the results of calls: followed through names, and described where they go further."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from fastmigrate.facts.evidence import Evidence
from fastmigrate.facts.flow import Definition
from fastmigrate.facts.nodes import read_handler
from fastmigrate.facts.values import Handler
from fastmigrate.facts.view import FunctionView

__all__ = ["Use", "Uses"]

_Carried = tuple[set[int], bool, bool]  # results of which calls, or something else, or None


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a call's result.

    A `member` use is `result.name`: `number` is the ordinal of that attribute in the file, `called` says that it is
    called, `call` then being the ordinal of that call, `then` is what is done with the member's value ("item", a
    member's name, "statement", "in", or ""). A `truth` use tests the result, which has the name `name`, `number` being
    the ordinal of that use of the name. Any other use says in `name` what is done with the result.
    `results` are the ordinals of all calls whose result may be used here; `optional` says that it may be None instead,
    `mixed` that it may be something else.
    """

    kind: Literal["member", "truth", "identity", "other"]
    name: str
    line: int
    results: frozenset[int]
    mixed: bool
    optional: bool = False
    number: int = -1
    call: int = -1
    called: bool = False
    receiver: str = ""  # the name through which the result is used
    then: str = ""
    stored: bool = False
    failed: bool = False  # under `if not result.ok:`
    handlers: tuple[Handler, ...] = ()


class Uses:
    """Finds all uses of the results of a function's calls."""

    def __init__(self, view: FunctionView, evidence: Evidence) -> None:
        self.view = view
        self.evidence = evidence

    def read(self) -> dict[int, list[Use]]:
        """The uses of each call's result, by the call's ordinal, in the order in which they stand."""
        found: dict[int, list[Use]] = {self.view.numbers[call]: [] for call in self.view.calls}
        for node, (calls, mixed, optional) in self._results().items():
            use = self._use(node, frozenset(calls), mixed, optional)
            if use is not None:
                for call in calls:
                    found[call].append(use)
        for uses in found.values():
            uses.sort(key=lambda use: (use.line, use.number))
        return found

    def handlers(self, node: ast.AST) -> tuple[Handler, ...]:
        """The handlers around a node within the function, from the inside out; `suppress(…)` is one, too."""
        found: list[Handler] = []
        child: ast.AST = node
        for above in self.view.above(node):
            if isinstance(above, ast.Try | ast.TryStar) and child in above.body:
                found += [read_handler(handler, self.evidence.term) for handler in above.handlers]
            if isinstance(above, ast.With | ast.AsyncWith) and child in above.body:
                for item in above.items:
                    match item.context_expr:
                        case ast.Call(func=ast.Name(id="suppress") | ast.Attribute(attr="suppress"), args=args):
                            found.append(Handler(above.lineno, tuple(self.evidence.term(arg) for arg in args)))
            child = above
        return tuple(found)

    def _results(self) -> dict[ast.expr, _Carried]:
        """Every expression whose value may be a result: of which calls, and what else it may be."""
        carriers: dict[int, _Carried] = {}
        definitions = self.view.flow.definitions
        changed = True
        while changed:  # an alias of an alias …
            changed = False
            for index, definition in enumerate(definitions):
                before = carriers.get(index)
                after = self._carried(definition, carriers)
                if after[0] and after != before:
                    carriers[index] = after
                    changed = True
        results: dict[ast.expr, _Carried] = {
            call: ({self.view.numbers[call]}, False, False) for call in self.view.calls
        }
        for name, indexes in self.view.flow.reaching.items():
            carrying = [carriers[index] for index in indexes if index in carriers]
            if carrying:
                others = [definitions[index] for index in indexes if index not in carriers]
                mixed = any(mix for _, mix, _ in carrying) or any(not _is_none(other) for other in others)
                optional = any(none for _, _, none in carrying) or any(_is_none(other) for other in others)
                results[name] = set().union(*(calls for calls, _, _ in carrying)), mixed, optional
        return results

    def _carried(self, definition: Definition, carriers: dict[int, _Carried]) -> _Carried:
        calls: set[int] = set()
        mixed = optional = False
        for leaf in _leaves(definition.value) if definition.kind == "value" else ():
            if isinstance(leaf, ast.Call) and leaf in self.view.calls:
                calls.add(self.view.numbers[leaf])
            elif isinstance(leaf, ast.Name) and leaf in self.view.flow.reaching:
                for index in self.view.flow.reaching[leaf]:
                    if index in carriers:
                        calls |= carriers[index][0]
                        mixed |= carriers[index][1]
                        optional |= carriers[index][2]
                    elif _is_none(self.view.flow.definitions[index]):
                        optional = True
                    else:
                        mixed = True
            elif isinstance(leaf, ast.Constant) and leaf.value is None:
                optional = True
            else:
                mixed = True
        return calls, mixed, optional

    def _use(self, node: ast.expr, results: frozenset[int], mixed: bool, optional: bool) -> Use | None:
        parent = self.view.parents.get(node)
        if self._handed_on(node, parent):
            return None
        while isinstance(parent, ast.NamedExpr) and node is parent.value:  # `(r := …).ok`: the name has its own uses
            node, parent = parent, self.view.parents.get(parent)
        handlers = self.handlers(node)
        if self._shows_its_code(node):
            return Use("other", "shown with its own code by `=` in an f-string", node.lineno, results, mixed)
        match parent:
            case ast.Attribute(attr=name):
                return self._member(parent, name, results, mixed, handlers)
            case ast.Compare(ops=[ast.Is() | ast.IsNot()]):
                return Use("identity", "is", node.lineno, results, mixed, handlers=handlers)
            case ast.Expr():
                return None if isinstance(node, ast.Call) else Use("identity", "", node.lineno, results, mixed)
        if isinstance(node, ast.Name) and self._only_tested(node):
            return Use("truth", node.id, node.lineno, results, mixed, optional, number=self.view.numbers[node])
        return Use("other", self._describe(node, parent), node.lineno, results, mixed, handlers=handlers)

    def _shows_its_code(self, node: ast.expr) -> bool:
        """Whether a result stands in `f"{…=}"`, which prints the expression as it is written."""
        child: ast.AST = node
        for above in self.view.above(node):
            if isinstance(above, ast.JoinedStr) and child in above.values:
                index = above.values.index(child)
                before = above.values[index - 1] if index else None
                if isinstance(before, ast.Constant) and str(before.value).rstrip().endswith("="):
                    return ast.unparse(child.value) in str(before.value)  # type: ignore[attr-defined]
            child = above
        return False

    def _only_tested(self, node: ast.expr) -> bool:
        """Whether nothing but the truth of an expression matters where it stands."""
        child: ast.AST = node
        for above in self.view.above(node):
            match above:
                case ast.BoolOp():
                    child = above
                case ast.UnaryOp(op=ast.Not()):
                    return True
                case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test) | ast.Assert(test=test):
                    return test is child
                case _:
                    return False
        return False

    def _handed_on(self, node: ast.AST, parent: ast.AST | None) -> bool:
        """Whether the value only gets (another) name here: its uses are those of that name."""
        while isinstance(parent, ast.IfExp | ast.NamedExpr | ast.BoolOp):
            if isinstance(parent, ast.IfExp) and node is parent.test:
                return False
            if isinstance(parent, ast.BoolOp):
                return False
            if isinstance(parent, ast.NamedExpr):
                grandparent = self.view.parents.get(parent)
                return isinstance(grandparent, ast.Expr)
            node, parent = parent, self.view.parents.get(parent)
        match parent:
            case ast.Assign(targets=targets, value=value) if value is node:
                return all(isinstance(t, ast.Name) and t.id in self.view.flow.local for t in targets)
            case ast.AnnAssign(target=ast.Name(id=name), value=value) if value is node:
                return _is_plain_annotation(parent.annotation) and name in self.view.flow.local
            case ast.Tuple():
                return self._unpacked(node, parent)
        return False

    def _unpacked(self, node: ast.AST, parent: ast.Tuple) -> bool:
        match self.view.parents.get(parent):
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=value) if value is parent:
                index = parent.elts.index(node)  # type: ignore[arg-type]
                return len(targets) == len(parent.elts) and isinstance(targets[index], ast.Name)
        return False

    def _member(
        self,
        node: ast.Attribute,
        name: str,
        results: frozenset[int],
        mixed: bool,
        handlers: tuple[Handler, ...],
    ) -> Use:
        outer = self.view.parents.get(node)
        called = isinstance(outer, ast.Call) and outer.func is node
        value: ast.AST = outer if called and outer is not None else node
        above = self.view.parents.get(value)
        return Use(
            "member",
            name,
            node.lineno,
            results,
            mixed,
            number=self.view.numbers[node],
            call=self.view.numbers[outer] if called and outer is not None else -1,
            called=called,
            receiver=node.value.id if isinstance(node.value, ast.Name) else "",
            then=self._then(value, above),
            stored=not isinstance(node.ctx, ast.Load),
            failed=self._under_not_ok(node),
            handlers=handlers,
        )

    def _under_not_ok(self, node: ast.Attribute) -> bool:
        child: ast.AST = node
        for above in self.view.above(node):
            if isinstance(above, ast.If) and child in above.body:
                match above.test:
                    case ast.UnaryOp(op=ast.Not(), operand=ast.Attribute(value=ast.Name() as tested, attr="ok")):
                        here = node.value
                        return isinstance(here, ast.Name) and self.view.flow.at(here) == self.view.flow.at(tested)
            child = above
        return False

    @staticmethod
    def _then(value: ast.AST, above: ast.AST | None) -> str:
        match above:
            case ast.Expr():
                return "statement"
            case ast.Subscript(value=inner) if inner is value:
                return "item"
            case ast.Attribute(attr=name):
                return name
            case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[right]) if right is value:
                return "in"
            case ast.Call(func=ast.Name(id="len"), args=[inner]) if inner is value:
                return "len"
        return ""

    def _describe(self, node: ast.expr, parent: ast.AST | None) -> str:
        match parent:
            case ast.Return():
                return "returned"
            case ast.Call(func=callee) if callee is not node:
                return f"passed to `{ast.unparse(callee)}`"
            case ast.keyword():
                call = self.view.parents[parent]
                return f"passed to `{ast.unparse(call.func)}`" if isinstance(call, ast.Call) else "handed on"
            case ast.If() | ast.While() | ast.IfExp() | ast.Assert() | ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
                return "tested for truth"
            case ast.For() | ast.AsyncFor() | ast.comprehension():
                return "iterated over"
            case ast.withitem():
                return "entered by `with`"
            case ast.AnnAssign():
                return f"annotated as `{ast.unparse(parent.annotation)}`"
            case ast.Assign(targets=[target, *_]):
                return f"stored in `{ast.unparse(target)}`"
            case ast.Yield() | ast.YieldFrom():
                return "yielded"
            case ast.Await():
                return "awaited (which fails today: a response of requests is no awaitable)"
            case ast.FormattedValue():
                return "formatted as text"
        return "used as a whole"


def _leaves(node: ast.expr | None) -> Iterator[ast.expr]:
    match node:
        case None:
            return
        case ast.IfExp(body=body, orelse=orelse):
            yield from _leaves(body)
            yield from _leaves(orelse)
        case ast.NamedExpr(value=value):
            yield from _leaves(value)
        case _:
            yield node


def _is_none(definition: Definition) -> bool:
    return isinstance(definition.value, ast.Constant) and definition.value.value is None


def _is_plain_annotation(annotation: ast.expr) -> bool:
    return isinstance(annotation, ast.Name) and annotation.id in {"Any", "object"}
