"""What becomes of the results of calls: followed through names, and described where they go further."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from fastmigrate.facts.blocks import blocks_around, is_chunk_passed_on, is_in_elif, loops_around
from fastmigrate.facts.evidence import Evidence
from fastmigrate.facts.handlers import handlers_around
from fastmigrate.facts.order import children
from fastmigrate.facts.results import Carried, Results
from fastmigrate.facts.terms import Term
from fastmigrate.facts.values import Handler
from fastmigrate.facts.view import FunctionView

__all__ = ["Use", "Uses"]

Kind = Literal["member", "truth", "identity", "annotation", "with", "loop", "error", "other"]


class Use(Struct, frozen=True):
    """One use of a call's result.

    A "member" use is `result.name`: `number` is the ordinal of that attribute in the file, `called` says that it is
    called, `call` then being the ordinal of that call, `then` is what is done with the member's value ("item",
    "in", "len", "dict", "loop", "statement", a member's name, with `()` if it is called with nothing, or "";
    "getattr" if it is read by that), `then_call` is the ordinal of that other member's call. A "truth" use tests the
    result, a "loop" runs over it, a "with" enters it, an "annotation" says what it is, an "error" takes it from the
    error of a handler; a node of kind `node` and ordinal `number` is then to be edited, `name` being its name if it
    has one. Any other use says in `name` what is done with the result, and in `to` what it is passed to.

    `results` are the calls whose result may be used here (see `Carried`); `optional` says that it may be None instead,
    `mixed` that it may be something else. `loop` is the loop that runs over the result or the member, by its kind
    ("for", "clause", or "generator" for one of a generator expression) and ordinal; `to` is what the member is passed
    to in the call `to_call`, perhaps as a dict, under the name `keyword`. `within` are the nested functions around, by
    their ordinals, `blocks` all blocks around (see `blocks_around`).
    """

    kind: Kind
    name: str
    line: int
    results: frozenset[int]
    mixed: bool
    optional: bool = False
    node: str = "attribute"
    number: int = -1
    call: int = -1
    called: bool = False
    receiver: str = ""  # the name through which the result is used
    then: str = ""
    then_call: int = -1
    loop: tuple[str, int] | None = None
    to: Term | None = None
    to_call: int = -1
    keyword: str = ""
    argument: str | None = None  # the code of the first argument of a called member; None if there is another one
    stored: bool = False
    failed: bool = False  # under `if not result.ok:`
    within: tuple[int, ...] = ()
    blocks: tuple[int, ...] = ()
    in_elif: bool = False
    passed_on: bool = False  # the pieces over which a loop runs, whatever their sizes
    ends: int = 0  # the last line of the `with` that enters the result
    item: int | None = None  # which one of that block's items it is, if there are several
    in_handler: bool = False  # of an error
    loops: int = 0  # how many are around it
    handlers: tuple[Handler, ...] = ()


class Uses:
    """Finds all uses of the results of a function's calls."""

    def __init__(
        self,
        view: FunctionView,
        evidence: Evidence,
        optional: frozenset[int] = frozenset(),
        awaited: frozenset[int] = frozenset(),
        several: frozenset[int] = frozenset(),
    ) -> None:
        self.view = view
        self.evidence = evidence
        self.results = Results(view, optional, awaited, several)

    def read(self) -> dict[int, list[Use]]:
        """The uses of each call's result, by the call's ordinal (see `Carried`), in the order in which they stand."""
        found: dict[int, list[Use]] = {key: [] for source in self.results.sources.values() for key in source.results}
        found |= {number: [] for number in self.results.several}
        for node, carried in self.results.read().items():
            for use in (self._use(node, carried), self._taken(node, carried)):
                for key in carried.results if use is not None else ():
                    found[key].append(use)  # type: ignore[arg-type]
        for annotation in self._annotations():
            for key in annotation.results:
                found[key].append(annotation)
        for name, carried in self.results.escaping.items():
            described = f"kept in a list that is {self._describe(name, self.view.parents.get(name))}"
            for key in carried.results:
                found[key].append(Use("other", described, name.lineno, carried.results, mixed=False))
        for uses in found.values():
            uses.sort(key=lambda use: (use.line, use.number))
        return found

    def _taken(self, node: ast.expr, carried: Carried) -> Use | None:
        """`error.response`, where the error may have none: but for what is read from it, which fails alike."""
        if not isinstance(node, ast.Attribute) or node not in self.results.sources:
            return None
        if isinstance(self.view.parents.get(node), ast.Attribute) or self._only_tested(node):
            return None
        return Use("error", "", node.lineno, carried.results, mixed=False, number=self.view.numbers[node])

    def _annotations(self) -> Iterator[Use]:
        """The names in annotations of what carries a result: `response: requests.Response | None`."""
        carried: dict[str, Carried] = {}
        for index, carrier in self.results.carriers.items():
            name = self.view.flow.definitions[index].name
            carried[name] = carried[name] | carrier if name in carried else carrier
        yield from self._of_return()
        for node in self.view.nodes:
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id in carried:
                for part in _dotted_parts(node.annotation):
                    kind, name = ("name", part.id) if isinstance(part, ast.Name) else ("attribute", "")
                    number, results = self.view.numbers[part], carried[node.target.id].results
                    to = self.evidence.term(part)
                    yield Use("annotation", name, node.lineno, results, mixed=False, node=kind, number=number, to=to)

    def _of_return(self) -> Iterator[Use]:
        """The names in the annotation of what the function returns, if that is a result."""
        returned = frozenset[int]()
        for node, carried in self.results.read().items():
            if self._is_returned(node):
                returned |= carried.results
        for part in _dotted_parts(self.view.function.returns) if returned and self.view.function.returns else ():
            kind, name = ("name", part.id) if isinstance(part, ast.Name) else ("attribute", "")
            number = self.view.numbers[part]
            to = self.evidence.term(part)
            line = self.view.function.lineno
            yield Use("annotation", name, line, returned, mixed=False, node=kind, number=number, to=to)

    def _is_returned(self, node: ast.AST) -> bool:
        parent = self.view.parents.get(node)
        while isinstance(parent, ast.IfExp) and node is not parent.test:
            node, parent = parent, self.view.parents.get(parent)
        return isinstance(parent, ast.Return)

    def _use(self, node: ast.expr, carried: Carried) -> Use | None:
        results, mixed = carried.results, carried.mixed
        parent = self.view.parents.get(node)
        if node in self.results.kept or self._handed_on(node, parent):
            return None
        while isinstance(parent, ast.NamedExpr) and node is parent.value:  # `(r := …).ok`: the name has its own uses
            node, parent = parent, self.view.parents.get(parent)
        handlers = handlers_around(node, self.view, self.evidence)
        if self._shows_its_code(node):
            return Use("other", "shown with its own code by `=` in an f-string", node.lineno, results, mixed)
        match parent:
            case ast.Attribute(attr=name):
                return self._member(parent, name, carried, handlers)
            case ast.Call(func=ast.Name(id="getattr"), args=[of, ast.Constant(value=str(name)), *_]) if of is node:
                return Use("member", name, node.lineno, results, mixed, then="getattr", handlers=handlers)
            case (
                ast.Compare(ops=[ast.Is() | ast.IsNot()])
                | ast.Compare(ops=[ast.Eq() | ast.NotEq()], comparators=[ast.Constant(value=None)])
            ):
                return Use("identity", "is", node.lineno, results, mixed, handlers=handlers)
            case ast.Expr():
                return (
                    None if isinstance(node, ast.Call | ast.Await) else Use("identity", "", node.lineno, results, mixed)
                )
            case ast.withitem():
                block = self.view.parents[parent]
                bound = parent.optional_vars
                called = isinstance(node, ast.Call | ast.Await)
                if isinstance(block, ast.With) and called and isinstance(bound, ast.Name | None):
                    number = self.view.numbers[block]
                    name = bound.id if isinstance(bound, ast.Name) else ""
                    ends = block.end_lineno or 0
                    item = block.items.index(parent) if len(block.items) > 1 else None
                    return Use(
                        "with", name, node.lineno, results, mixed, node="with", number=number, ends=ends, item=item
                    )
            case ast.For(iter=over) | ast.comprehension(iter=over) if over is node and isinstance(node, ast.Name):
                return Use(
                    "loop",
                    node.id,
                    node.lineno,
                    results,
                    mixed,
                    node="name",
                    number=self.view.numbers[node],
                    loop=self._loop(node, parent),
                    within=self._within(node),
                    blocks=blocks_around(node, self.view),
                    passed_on=is_chunk_passed_on(parent, self.view),
                )
        if isinstance(node, ast.Name | ast.Attribute) and self._only_tested(node):
            name, kind = (node.id, "name") if isinstance(node, ast.Name) else ("", "attribute")
            number = self.view.numbers[node]
            return Use("truth", name, node.lineno, results, mixed, carried.optional, node=kind, number=number)
        to, passed, keyword = self._passed(node)
        shown = self._describe(node, parent)
        return Use(
            "other", shown, node.lineno, results, mixed, handlers=handlers, to=to, to_call=passed, keyword=keyword
        )

    def loop_over(self, value: ast.AST) -> tuple[str, int] | None:
        """The loop that runs over an expression."""
        return self._loop(value, self.view.parents.get(value))

    def _loop(self, value: ast.AST, above: ast.AST | None) -> tuple[str, int] | None:
        """The loop that runs over a value."""
        if isinstance(above, ast.For) and above.iter is value:
            return "for", self.view.numbers[above]
        if isinstance(above, ast.comprehension) and above.iter is value:
            lazy = isinstance(self.view.parents[above], ast.GeneratorExp)
            return "generator" if lazy else "clause", self.view.numbers[above]
        return None

    def _within(self, node: ast.AST) -> tuple[int, ...]:
        nested = [a for a in self.view.above(node) if isinstance(a, ast.FunctionDef | ast.AsyncFunctionDef)]
        return tuple(self.view.numbers[function] for function in nested)

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
                return name in self.view.flow.local
            case ast.Tuple():
                return self._unpacked(node, parent)
        return False

    def _unpacked(self, node: ast.AST, parent: ast.Tuple) -> bool:
        match self.view.parents.get(parent):
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=value) if value is parent:
                index = parent.elts.index(node)  # type: ignore[arg-type]
                return len(targets) == len(parent.elts) and isinstance(targets[index], ast.Name)
        return False

    def _member(self, node: ast.Attribute, name: str, carried: Carried, handlers: tuple[Handler, ...]) -> Use:
        outer = self.view.parents.get(node)
        called = isinstance(outer, ast.Call) and outer.func is node
        value: ast.expr = outer if called and isinstance(outer, ast.Call) else node
        above = self.view.parents.get(value)
        beyond = self.view.parents.get(above) if above is not None else None
        to, to_call, keyword = self._passed(value)
        loop = above if isinstance(above, ast.For | ast.comprehension) and above.iter is value else None
        return Use(
            "member",
            name,
            node.lineno,
            carried.results,
            carried.mixed,
            number=self.view.numbers[node],
            call=self.view.numbers[outer] if called and outer is not None else -1,
            called=called,
            receiver=node.value.id if isinstance(node.value, ast.Name) else "",
            then=self._then(value, above, beyond),
            then_call=self.view.numbers[beyond] if isinstance(beyond, ast.Call) and beyond.func is above else -1,
            loop=self._loop(value, above),
            to=to,
            to_call=to_call,
            keyword=keyword,
            argument=_only_argument(outer) if called and isinstance(outer, ast.Call) else None,
            stored=not isinstance(node.ctx, ast.Load),
            failed=self._under_not_ok(node),
            within=self._within(node),
            blocks=blocks_around(node, self.view),
            in_elif=is_in_elif(node, self.view),
            passed_on=loop is not None and is_chunk_passed_on(loop, self.view),
            loops=loops_around(node, self.view),
            in_handler=any(isinstance(above, ast.ExceptHandler) for above in self.view.above(node)),
            handlers=handlers,
        )

    def _passed(self, value: ast.expr) -> tuple[Term | None, int, str]:
        """What a value, or the dict of it, is passed to, and under which name."""
        parent = self.view.parents.get(value)
        if isinstance(parent, ast.Call) and ast.unparse(parent.func) == "dict" and parent.args == [value]:
            value, parent = parent, self.view.parents.get(parent)
        if isinstance(parent, ast.keyword):
            call, name = self.view.parents[parent], parent.arg or ""
        elif isinstance(parent, ast.Call) and value in parent.args:
            call, name = parent, str(parent.args.index(value))
        else:
            return None, -1, ""
        return (
            (self.evidence.term(call.func), self.view.numbers[call], name)
            if isinstance(call, ast.Call)
            else (None, -1, "")
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
    def _then(value: ast.AST, above: ast.AST | None, beyond: ast.AST | None) -> str:
        match above:
            case ast.Expr():
                return "statement"
            case ast.Subscript(value=inner) if inner is value:
                return "item"
            case ast.For(iter=over) | ast.comprehension(iter=over) if over is value:
                return "loop"
            case ast.Attribute(attr=name):
                bare = isinstance(beyond, ast.Call) and beyond.func is above and not beyond.args + beyond.keywords
                return f"{name}()" if bare else name
            case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[right]) if right is value:
                return "in"
            case ast.Call(func=ast.Name(id="len" | "dict" as name), args=[inner]) if inner is value:
                return name
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


def _dotted_parts(annotation: ast.expr) -> Iterator[ast.Name | ast.Attribute]:
    """The names in an annotation, dotted ones as a whole."""
    stack = [annotation]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Name | ast.Attribute):
            yield node
        else:
            stack += [child for child in children(node) if isinstance(child, ast.expr)]


def _only_argument(call: ast.Call) -> str | None:
    """The code of a call's only argument, "" if it has none; None if there are others, or it is called by a keyword."""
    if len(call.args) + len(call.keywords) > 1:
        return None
    if call.keywords:
        keyword = call.keywords[0]
        return ast.unparse(keyword.value) if keyword.arg == "chunk_size" else None
    return ast.unparse(call.args[0]) if call.args and not isinstance(call.args[0], ast.Starred) else ""
