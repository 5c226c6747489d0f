"""Sites: all that is to be known of a call before it can be rewritten (DESIGN.md section 7, "depth").

Read for the few calls that the event loop reaches: their arguments with what is known of them, what becomes of
the result, which handlers stand around, and whether an `await` may stand there at all.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from fastmigrate.facts.flow import Definition, Flow, Function, read_flow
from fastmigrate.facts.links import Handler, read_handler
from fastmigrate.facts.order import number_nodes
from fastmigrate.facts.terms import OPAQUE, SPREAD, Const, Display, Either, Ref, Term, Truthy, read_term

__all__ = ["Argument", "Site", "Use", "read_sites"]

_DEPTH = 8  # definitions followed from one name to the next
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_LEAVING = (ast.Raise, ast.Return, ast.Continue, ast.Break)
_READERS = frozenset("print str repr len dict list sorted json logger logging log pprint".split())

_Carried = tuple[set[int], bool, bool]  # results of which calls, or something else, or None
Obstacle = Literal["generator", "nested comprehension", "class body", "lambda"]


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument as written; `star` is "", "*" or "**"; `simple` says that it may be written twice."""

    keyword: str | None
    star: str
    term: Term
    code: str
    simple: bool


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
    alone: bool = False  # a statement of its own line, which may become the body of an `if`
    failed: bool = False  # under `if not result.ok:`
    handlers: tuple[Handler, ...] = ()


@dataclass(frozen=True, slots=True)
class Site:
    """A call that may be rewritten."""

    number: int
    arguments: tuple[Argument, ...]
    uses: tuple[Use, ...]
    handlers: tuple[Handler, ...]
    obstacle: Obstacle | None
    in_fstring: bool
    guards: tuple[Term, ...]  # the context managers of the plain `with` statements around it
    stale: tuple[str, ...]  # shared state read before the call, and used in what is written to it afterwards


def read_sites(text: str, tree: ast.Module, calls: Iterable[int]) -> dict[int, Site]:
    """The sites of the calls with these ordinals; `text` is what `tree` was parsed from."""
    wanted = set(calls)
    numbers = number_nodes(tree)
    found: dict[int, Site] = {}
    for function, own in _calls_by_function(tree, numbers, wanted):
        found.update(_SiteReader(text, numbers, function, own).read())
    return found


def _calls_by_function(
    tree: ast.Module, numbers: dict[ast.AST, int], wanted: set[int]
) -> Iterator[tuple[Function, list[ast.Call]]]:
    stack: list[tuple[ast.AST, Function | None]] = [(tree, None)]
    groups: dict[Function, list[ast.Call]] = {}
    while stack:
        node, owner = stack.pop()
        if isinstance(node, ast.Call) and numbers[node] in wanted and owner is not None:
            groups.setdefault(owner, []).append(node)
        inner = node if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else owner
        stack += [(child, inner) for child in ast.iter_child_nodes(node)]
    yield from groups.items()


class _SiteReader:
    def __init__(
        self, text: str, numbers: dict[ast.AST, int], function: Function, calls: list[ast.Call]
    ) -> None:
        self.text = text
        self.numbers = numbers
        self.function = function
        self.calls = calls
        self.flow: Flow = read_flow(function)
        self.parents = {child: node for node in ast.walk(function) for child in ast.iter_child_nodes(node)}

    def read(self) -> dict[int, Site]:
        results = self._results()
        uses: dict[int, list[Use]] = {self.numbers[call]: [] for call in self.calls}
        for node, (calls, mixed, optional) in results.items():
            use = self._use(node, frozenset(calls), mixed, optional)
            if use is not None:
                for call in calls:
                    uses[call].append(use)
        return {
            number: self._site(call, tuple(sorted(uses[number], key=lambda use: (use.line, use.number))))
            for call in self.calls
            for number in [self.numbers[call]]
        }

    def _site(self, call: ast.Call, uses: tuple[Use, ...]) -> Site:
        written = sorted([*call.args, *call.keywords], key=lambda node: (node.lineno, node.col_offset))
        return Site(
            self.numbers[call],
            tuple(self._argument(node) for node in written),
            uses,
            self._handlers(call),
            self._obstacle(call),
            any(isinstance(node, ast.JoinedStr) for node in self._above(call)),
            tuple(
                self.term(item.context_expr)
                for node in self._above(call)
                if isinstance(node, ast.With)
                for item in node.items
            ),
            tuple(self._stale(call)),
        )

    # -- arguments

    def term(self, node: ast.expr | None, depth: int = 0) -> Term:
        return read_term(node, self.numbers.__getitem__, lambda name: self._name(name, depth))

    def _name(self, node: ast.Name, depth: int) -> Term:
        definitions = self.flow.at(node)
        if definitions is None:
            shadowed = any(
                isinstance(above, _COMPREHENSIONS) and node.id in _targets(above) for above in self._above(node)
            )
            if shadowed:
                return OPAQUE
            return Truthy(Ref(node.id)) if self._checked(node) else Ref(node.id)
        if not definitions or depth > _DEPTH:
            return OPAQUE
        options = [self._definition(definition, depth) for definition in definitions]
        term = options[0] if len(options) == 1 else Either(tuple(options))
        term = self._with_later_items(node.id, term, depth)
        return Truthy(term) if self._checked(node) else term

    def _checked(self, name: ast.Name) -> bool:
        """Whether the name was tested for None on the way here: by an `if` around it, or one that left early."""
        child: ast.AST = name
        for above in [*self._above(name), self.function]:
            if isinstance(above, ast.If | ast.IfExp):
                body = above.body if isinstance(above.body, list) else [above.body]
                if child in body and self._implies(above.test, name, truth=True):
                    return True
            for block in ("body", "orelse", "finalbody"):
                statements = getattr(above, block, None)
                if isinstance(statements, list) and child in statements:
                    for before in statements[: statements.index(child)]:
                        if isinstance(before, ast.If) and isinstance(before.body[-1], _LEAVING) and not before.orelse:
                            if self._implies(before.test, name, truth=False):
                                return True
            child = above
        return False

    def _implies(self, test: ast.expr, name: ast.Name, *, truth: bool) -> bool:
        """Whether `test` having this truth value means that the name is not None."""
        match test:
            case ast.Name(id=other):
                same = self.flow.reaching.get(test) == self.flow.reaching.get(name)
                return truth and other == name.id and same
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self._implies(operand, name, truth=not truth)
            case ast.BoolOp(op=ast.And(), values=values) if truth:
                return any(self._implies(value, name, truth=True) for value in values)
            case ast.BoolOp(op=ast.Or(), values=values) if not truth:
                return any(self._implies(value, name, truth=False) for value in values)
            case ast.Compare(left=left, ops=[ast.Is() | ast.IsNot() as op], comparators=[ast.Constant(value=None)]):
                return isinstance(op, ast.IsNot) == truth and self._implies(left, name, truth=True)
        return False

    def _definition(self, definition: Definition, depth: int) -> Term:
        if definition.kind == "parameter":
            return Ref(definition.name)
        if definition.kind == "value":
            return self.term(definition.value, depth + 1)
        return OPAQUE

    def _with_later_items(self, name: str, term: Term, depth: int) -> Term:
        """A display that has a name may grow: everything that the function puts into it is part of it."""
        if isinstance(term, Either):
            return Either(tuple(self._with_later_items(name, option, depth) for option in term.options))
        if not isinstance(term, Display):
            return term
        added = list(self._items_put_into(name, depth))
        return Display(term.kind, (*term.keys, *(k for k, _ in added)), (*term.values, *(v for _, v in added)))

    def _items_put_into(self, name: str, depth: int) -> Iterator[tuple[Term, Term]]:
        for node in ast.walk(self.function):
            match node:
                case ast.Assign(targets=targets, value=value):
                    for target in targets:
                        if isinstance(target, ast.Subscript) and _is_name(target.value, name):
                            yield self.term(target.slice, depth + 1), self.term(value, depth + 1)
                case ast.AugAssign(target=ast.Subscript(value=ast.Name(id=base))) if base == name:
                    yield OPAQUE, OPAQUE
                case ast.Call(func=ast.Attribute(value=ast.Name(id=base), attr=method)) if base == name:
                    yield from self._items_of_method(node, method, depth)
                case ast.Call(func=callee) if not self._only_reads(callee) and node not in self.calls:
                    if any(_is_name(arg, name) for arg in [*node.args, *(keyword.value for keyword in node.keywords)]):
                        yield OPAQUE, OPAQUE

    def _items_of_method(self, node: ast.Call, method: str, depth: int) -> Iterator[tuple[Term, Term]]:
        if method == "update":
            for arg in node.args:
                added = self.term(arg, depth + 1)
                if isinstance(added, Display) and added.kind == "dict":
                    yield from zip(added.keys, added.values, strict=True)
                else:
                    yield SPREAD, added
            for keyword in node.keywords:
                yield SPREAD if keyword.arg is None else Const(keyword.arg), self.term(keyword.value, depth + 1)
        elif method == "setdefault" and len(node.args) == 2:
            yield self.term(node.args[0], depth + 1), self.term(node.args[1], depth + 1)
        elif method in {"setdefault", "append", "extend", "insert", "__setitem__"}:
            yield OPAQUE, OPAQUE

    @staticmethod
    def _only_reads(callee: ast.expr) -> bool:
        while isinstance(callee, ast.Attribute):
            callee = callee.value
        return isinstance(callee, ast.Name) and callee.id in _READERS

    def _argument(self, node: ast.expr | ast.keyword) -> Argument:
        if isinstance(node, ast.keyword):
            star = "**" if node.arg is None else ""
            value = node.value
            return Argument(node.arg, star, self.term(value), self._code(value), _is_simple(value))
        if isinstance(node, ast.Starred):
            return Argument(None, "*", OPAQUE, self._code(node), simple=False)
        return Argument(None, "", self.term(node), self._code(node), _is_simple(node))

    def _code(self, node: ast.expr) -> str:
        return ast.unparse(node)

    # -- what becomes of the result

    def _results(self) -> dict[ast.expr, _Carried]:
        """Every expression whose value may be a result: of which calls, and what else it may be."""
        carriers: dict[int, _Carried] = {}
        definitions = self.flow.definitions
        changed = True
        while changed:  # an alias of an alias …
            changed = False
            for index, definition in enumerate(definitions):
                before = carriers.get(index)
                after = self._carried(definition, carriers)
                if after[0] and after != before:
                    carriers[index] = after
                    changed = True
        results: dict[ast.expr, _Carried] = {call: ({self.numbers[call]}, False, False) for call in self.calls}
        for name, indexes in self.flow.reaching.items():
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
            if isinstance(leaf, ast.Call) and leaf in self.calls:
                calls.add(self.numbers[leaf])
            elif isinstance(leaf, ast.Name) and leaf in self.flow.reaching:
                for index in self.flow.reaching[leaf]:
                    if index in carriers:
                        calls |= carriers[index][0]
                        mixed |= carriers[index][1]
                        optional |= carriers[index][2]
                    elif _is_none(self.flow.definitions[index]):
                        optional = True
                    else:
                        mixed = True
            elif isinstance(leaf, ast.Constant) and leaf.value is None:
                optional = True
            else:
                mixed = True
        return calls, mixed, optional

    def _use(self, node: ast.expr, results: frozenset[int], mixed: bool, optional: bool) -> Use | None:
        parent = self.parents.get(node)
        if self._handed_on(node, parent):
            return None
        handlers = self._handlers(node)
        match parent:
            case ast.Attribute(attr=name):
                return self._member(parent, name, results, mixed, handlers)
            case ast.Compare(ops=[ast.Is() | ast.IsNot()]):
                return Use("identity", "is", node.lineno, results, mixed, handlers=handlers)
            case ast.Expr():
                return None if isinstance(node, ast.Call) else Use("identity", "", node.lineno, results, mixed)
        if isinstance(node, ast.Name) and self._only_tested(node):
            return Use("truth", node.id, node.lineno, results, mixed, optional, number=self.numbers[node])
        return Use("other", self._describe(node, parent), node.lineno, results, mixed, handlers=handlers)

    def _only_tested(self, node: ast.expr) -> bool:
        """Whether nothing but the truth of an expression matters where it stands."""
        child: ast.AST = node
        for above in self._above(node):
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
                grandparent = self.parents.get(parent)
                if isinstance(grandparent, ast.Expr):
                    return True
                return False
            node, parent = parent, self.parents.get(parent)
        match parent:
            case ast.Assign(targets=targets, value=value) if value is node:
                return all(isinstance(target, ast.Name) for target in targets)
            case ast.AnnAssign(target=ast.Name(), value=value) if value is node:
                return _is_plain_annotation(parent.annotation)
            case ast.Tuple():
                return self._unpacked(node, parent)
        return False

    def _unpacked(self, node: ast.AST, parent: ast.Tuple) -> bool:
        match self.parents.get(parent):
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=value) if value is parent:
                index = parent.elts.index(node)  # type: ignore[arg-type]
                return len(targets) == len(parent.elts) and isinstance(targets[index], ast.Name)
        return False

    def _member(
        self, node: ast.Attribute, name: str, results: frozenset[int], mixed: bool, handlers: tuple[Handler, ...]
    ) -> Use:
        outer = self.parents.get(node)
        called = isinstance(outer, ast.Call) and outer.func is node
        value: ast.AST = outer if called and outer is not None else node
        above = self.parents.get(value)
        return Use(
            "member",
            name,
            node.lineno,
            results,
            mixed,
            number=self.numbers[node],
            call=self.numbers[outer] if called and outer is not None else -1,
            called=called,
            receiver=node.value.id if isinstance(node.value, ast.Name) else "",
            then=self._then(value, above),
            stored=not isinstance(node.ctx, ast.Load),
            alone=isinstance(above, ast.Expr) and self._has_line_of_its_own(above),
            failed=self._under_not_ok(node),
            handlers=handlers,
        )

    def _under_not_ok(self, node: ast.Attribute) -> bool:
        child: ast.AST = node
        for above in self._above(node):
            if isinstance(above, ast.If) and child in above.body:
                match above.test:
                    case ast.UnaryOp(op=ast.Not(), operand=ast.Attribute(value=ast.Name() as tested, attr="ok")):
                        here = node.value
                        return isinstance(here, ast.Name) and self.flow.at(here) == self.flow.at(tested)
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
        return ""

    def _has_line_of_its_own(self, statement: ast.Expr) -> bool:
        parent = self.parents.get(statement, self.function)
        for block in ("body", "orelse", "finalbody"):
            statements = getattr(parent, block, None)
            if isinstance(statements, list) and statement in statements:
                return [other.lineno for other in statements].count(statement.lineno) == 1
        return False

    def _describe(self, node: ast.expr, parent: ast.AST | None) -> str:
        match parent:
            case ast.Return():
                return "returned"
            case ast.Call(func=callee) if callee is not node:
                return f"passed to `{ast.unparse(callee)}`"
            case ast.keyword():
                call = self.parents[parent]
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
                return "awaited"
            case ast.FormattedValue():
                return "formatted as text"
        return "used as a whole"

    # -- where the call stands

    def _above(self, node: ast.AST) -> Iterator[ast.AST]:
        while (node := self.parents.get(node, self.function)) is not self.function:
            yield node

    def _handlers(self, node: ast.AST) -> tuple[Handler, ...]:
        found: list[Handler] = []
        child: ast.AST = node
        for above in self._above(node):
            if isinstance(above, ast.Try | ast.TryStar) and child in above.body:
                found += [read_handler(handler, self.term) for handler in above.handlers]
            child = above
        return tuple(found)

    def _obstacle(self, call: ast.Call) -> Obstacle | None:
        child: ast.AST = call
        comprehensions = 0
        for above in self._above(call):
            if isinstance(above, ast.Lambda):
                return "lambda"
            if isinstance(above, ast.ClassDef):
                return "class body"
            if isinstance(above, _COMPREHENSIONS) and child is not above.generators[0]:
                if isinstance(above, ast.GeneratorExp):
                    return "generator"
                comprehensions += 1
            elif isinstance(above, _COMPREHENSIONS) and not self._in_first_iterable(call, above):
                if isinstance(above, ast.GeneratorExp):
                    return "generator"
                comprehensions += 1
            child = above
        return "nested comprehension" if comprehensions > 1 else None

    def _in_first_iterable(self, call: ast.Call, comprehension: ast.expr) -> bool:
        first = comprehension.generators[0].iter  # type: ignore[attr-defined]
        return first is call or first in set(self._above(call))

    # -- interleaving

    def _stale(self, call: ast.Call) -> Iterator[str]:
        """Shared state that another request may change while this one waits, to be overwritten with what it was."""
        for node in ast.walk(self.function):
            if not isinstance(node, ast.Assign | ast.AugAssign):
                continue
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                root = self._shared(target)
                if root is None:
                    continue
                around = node in set(self._above(call))
                if around and (isinstance(node, ast.AugAssign) or self._reads_before(node.value, root, call)):
                    yield root
                elif node.lineno > call.lineno and self._uses_old(node.value, root, call):
                    yield root

    def _shared(self, target: ast.expr) -> str | None:
        base = target
        while isinstance(base, ast.Attribute | ast.Subscript):
            base = base.value
        if not isinstance(base, ast.Name):
            return None
        local = any(definition.name == base.id for definition in self.flow.definitions)
        if isinstance(target, ast.Name):
            return None if local else target.id
        return ast.unparse(target) if base.id == "self" or not local else None

    @staticmethod
    def _reads_before(value: ast.expr, root: str, call: ast.Call) -> bool:
        """Whether `value` reads the state before the call in it has returned."""
        for node in ast.walk(value):
            if isinstance(node, ast.Name | ast.Attribute | ast.Subscript) and ast.unparse(node) == root:
                return (node.lineno, node.col_offset) < (call.lineno, call.col_offset)
        return False

    def _uses_old(self, value: ast.expr, root: str, call: ast.Call) -> bool:
        for name in ast.walk(value):
            if not isinstance(name, ast.Name):
                continue
            for definition in self.flow.at(name) or []:
                old = definition.value
                if old is None or old.lineno > call.lineno or call in set(ast.walk(old)):
                    continue
                if any(isinstance(n, ast.expr) and ast.unparse(n) == root for n in ast.walk(old)):
                    return True
        return False


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


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _is_simple(node: ast.expr) -> bool:
    """A name, a constant or a chain of members: reading it twice changes nothing."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name | ast.Constant)


def _is_plain_annotation(annotation: ast.expr) -> bool:
    return isinstance(annotation, ast.Name) and annotation.id in {"Any", "object"}


def _targets(node: ast.AST) -> set[str]:
    generators = getattr(node, "generators", [])
    return {n.id for g in generators for n in ast.walk(g.target) if isinstance(n, ast.Name)}
