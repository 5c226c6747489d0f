"""What stands for pools and futures in a function: names for them, and the lists and dicts that hold them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct

from fastmigrate.facts.order import children
from fastmigrate.facts.view import COMPREHENSIONS, FunctionView

__all__ = ["OTHER", "Shape", "Shapes"]

_NESTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_DEPTH = 6
_SAME = frozenset({"list", "set", "tuple", "frozenset", "reversed", "sorted"})
_ADDING = {"append": 0, "add": 0, "insert": 1}


class Shape(Struct, frozen=True):
    """What an expression is made of; `pools` are the ordinals of the calls that made the pools behind it.

    The parts of a list are its items, those of a dict its keys and its values. A future that is `done` has ended.
    Something that may be a future as well as something else is "mixed".
    """

    kind: Literal["pool", "future", "map", "list", "dict", "tuple", "other", "mixed"]
    pools: frozenset[int] = frozenset()
    parts: tuple[Shape | None, ...] = ()
    done: bool = False

    @property
    def all_pools(self) -> frozenset[int]:
        """The pools behind it and its parts."""
        return self.pools.union(*(part.all_pools for part in self.parts if part is not None))

    @property
    def depth(self) -> int:
        """How deep lists and dicts hold each other."""
        return 1 + max((part.depth for part in self.parts if part is not None), default=0)

    @property
    def item(self) -> Shape | None:
        """What a loop over it gives."""
        match self.kind:
            case "list" | "dict":
                return self.parts[0]
            case "tuple":
                whole: Shape | None = None
                for part in self.parts:
                    whole = joined(whole, part)
                return whole
        return self if self.kind == "mixed" else OTHER


OTHER = Shape("other")


def joined(one: Shape | None, other: Shape | None) -> Shape | None:
    """What is one or the other; None stands for nothing yet."""
    if one is None or other is None or one == other:
        return other if one is None else one
    if one.kind == other.kind and len(one.parts) == len(other.parts) and one.depth < _DEPTH > other.depth:
        parts = tuple(joined(a, b) for a, b in zip(one.parts, other.parts, strict=True))
        return Shape(one.kind, one.pools | other.pools, parts, one.done and other.done)
    pools = one.all_pools | other.all_pools
    return Shape("mixed", pools) if pools else OTHER


class Shapes:
    """Knows the shape of each expression of a function; `view.calls` are the calls that make the pools.

    `waiting` names the calls of `concurrent.futures.as_completed` and `wait`, by their ordinals.
    """

    def __init__(self, view: FunctionView, waiting: Mapping[int, str]) -> None:
        self.view = view
        self.waiting = waiting
        self.nodes = list(_own_nodes(view))
        self._defined: dict[int, Shape | None] = {}  # by definitions of names
        self._unpacked: dict[str, Shape | None] = {}  # names that get parts of something
        self._put: dict[str, tuple[Shape | None, Shape | None]] = {}  # what is put into a list or dict: key and value
        before: object = None
        while before != (self._defined, self._unpacked, self._put):
            before = dict(self._defined), dict(self._unpacked), dict(self._put)
            for index, definition in enumerate(view.flow.definitions):
                if definition.value is not None:
                    shape = self._item(definition.value) if definition.kind == "each" else self.of(definition.value)
                    self._defined[index] = joined(self._defined.get(index), shape)
            for node in self.nodes:
                self._note(node)

    # -- names

    def _note(self, node: ast.AST) -> None:
        """Note what a statement, or a part of one, puts into names."""
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._unpack(target, self.of(value))
            case ast.For(target=target, iter=over) | ast.AsyncFor(target=target, iter=over):
                self._unpack(target, self._item(over))
            case ast.withitem(context_expr=value, optional_vars=ast.expr() as target):
                self._unpack(target, self.of(value))
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method), args=args):
                if method in _ADDING and len(args) > _ADDING[method]:
                    self._add(name, OTHER, self.of(args[_ADDING[method]]))
                elif method == "extend" and args:
                    self._add(name, OTHER, self._item(args[0]))

    def _unpack(self, target: ast.expr, shape: Shape | None) -> None:
        match target:
            case ast.Subscript(value=ast.Name(id=name), slice=key):
                self._add(name, self.of(key), shape)
            case ast.Tuple() | ast.List():
                for name, part in _parts(target, shape):
                    self._unpacked[name] = joined(self._unpacked.get(name), part)

    def _add(self, name: str, key: Shape | None, value: Shape | None) -> None:
        keys, values = self._put.get(name, (None, None))
        self._put[name] = joined(keys, key), joined(values, value)

    def _of_name(self, node: ast.Name) -> Shape | None:
        indexes = self.view.flow.reaching.get(node)
        whole: Shape | None = None
        if indexes is None:
            return self._comprehended(node)
        for index in indexes:
            definition = self.view.flow.definitions[index]
            known = definition.value is not None
            whole = joined(whole, self._defined.get(index) if known else self._unpacked.get(node.id, OTHER))
        if whole is None or node.id not in self._put:
            return whole
        key, value = self._put[node.id]
        added = {"list": (value,), "dict": (key, value)}.get(whole.kind)
        return joined(whole, Shape(whole.kind, parts=added)) if added is not None else whole

    def _comprehended(self, node: ast.Name) -> Shape | None:
        """A name that a comprehension around it binds; any other is not one of the function."""
        for above in self.view.above(node):
            for clause in above.generators if isinstance(above, COMPREHENSIONS) else ():
                if node.id in dict(_parts(clause.target, None)):
                    return dict(_parts(clause.target, self._item(clause.iter)))[node.id]
        return OTHER

    # -- expressions

    def _item(self, over: ast.expr) -> Shape | None:
        shape = self.of(over)
        return None if shape is None else shape.item

    def of(self, node: ast.expr) -> Shape | None:
        """The shape of an expression."""
        match node:
            case ast.Name():
                return self._of_name(node)
            case ast.Constant(value=None):
                return None
            case ast.List(elts=items) | ast.Set(elts=items):
                return Shape("list", parts=(self._of_any(items),))
            case ast.Tuple(elts=items):
                return Shape("tuple", parts=tuple(self.of(item) for item in items))
            case ast.Dict(keys=keys, values=values):
                named = [key for key in keys if key is not None]
                return Shape("dict", parts=(self._of_any(named), self._of_any(values)))
            case ast.ListComp(elt=item) | ast.SetComp(elt=item) | ast.GeneratorExp(elt=item):
                return Shape("list", parts=(self.of(item),))
            case ast.DictComp(key=key, value=value):
                return Shape("dict", parts=(self.of(key), self.of(value)))
            case ast.Subscript(value=of, slice=key):
                return self._subscript(self.of(of), key)
            case ast.NamedExpr(value=value) | ast.Starred(value=value):
                return self.of(value)
            case ast.BoolOp(values=values):
                return self._of_any(values)
            case ast.IfExp(body=left, orelse=right) | ast.BinOp(left=left, op=ast.Add() | ast.BitOr(), right=right):
                return joined(self.of(left), self.of(right))
            case ast.BinOp(left=left, op=ast.Mult() | ast.Sub() | ast.BitAnd()):
                return self.of(left)
            case ast.Call():
                return self._of_call(node)
        return OTHER

    def _of_any(self, nodes: list[ast.expr]) -> Shape | None:
        whole: Shape | None = None
        for node in nodes:
            whole = joined(whole, self._item(node) if isinstance(node, ast.Starred) else self.of(node))
        return whole

    @staticmethod
    def _subscript(of: Shape | None, key: ast.expr) -> Shape | None:
        if of is None:
            return None
        match of.kind, key:
            case "list", ast.Slice():
                return of
            case "list", _:
                return of.parts[0]
            case "dict", _:
                return of.parts[1]
            case "tuple", ast.Constant(value=int(index)) if -len(of.parts) <= index < len(of.parts):
                return of.parts[index]
        return OTHER

    def _of_call(self, call: ast.Call) -> Shape | None:
        if call in self.view.calls:
            return Shape("pool", frozenset({self.view.numbers[call]}))
        given = self.of(call.args[0]) if call.args else None
        match self.waiting.get(self.view.numbers[call]):
            case "as_completed":
                return Shape("list", parts=(self._ended(given.item if given is not None else None),))
            case "wait":
                item = given.item if given is not None else None
                return Shape("tuple", parts=(Shape("list", parts=(self._ended(item),)), Shape("list", parts=(item,))))
        match call.func:
            case ast.Attribute(value=value, attr=method):
                return self._of_method(self.of(value), method)
            case ast.Name(id=name) if name in _SAME:
                return Shape("list", parts=(given.item if given is not None else None,))
            case ast.Name(id="dict") if given is None and not call.keywords:
                return Shape("dict", parts=(None, None))
            case ast.Name(id="enumerate"):
                return Shape("list", parts=(Shape("tuple", parts=(OTHER, given.item if given is not None else None)),))
            case ast.Name(id="zip"):
                return Shape("list", parts=(Shape("tuple", parts=tuple(self._item(arg) for arg in call.args)),))
        return OTHER

    @staticmethod
    def _ended(future: Shape | None) -> Shape | None:
        return Shape("future", future.pools, done=True) if future is not None and future.kind == "future" else future

    @staticmethod
    def _of_method(of: Shape | None, method: str) -> Shape | None:
        match of, method:
            case Shape("pool", pools), "submit":
                return Shape("future", pools)
            case Shape("pool", pools), "map":
                return Shape("map", pools)
            case Shape("list", _, (item,)), "pop":
                return item
            case Shape("list"), "copy":
                return of
            case Shape("dict", _, (_, value)), "get" | "pop":
                return value
            case Shape("dict", _, (_, value)), "values":
                return Shape("list", parts=(value,))
            case Shape("dict", _, (key, _)), "keys":
                return Shape("list", parts=(key,))
            case Shape("dict", _, parts), "items":
                return Shape("list", parts=(Shape("tuple", parts=parts),))
        return OTHER


def _own_nodes(view: FunctionView) -> Iterator[ast.AST]:
    """The nodes of a function, less those of the functions, lambdas and classes in it."""
    stack: list[ast.AST] = list(reversed(view.function.body))
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, _NESTED):
            stack.extend(reversed(list(children(node))))


def _parts(target: ast.expr, shape: Shape | None) -> Iterator[tuple[str, Shape | None]]:
    """The names of a target, and what each of them gets."""
    match target:
        case ast.Name(id=name):
            yield name, shape
        case ast.Starred(value=inner):
            yield from _parts(inner, shape)
        case ast.Tuple(elts=targets) | ast.List(elts=targets):
            whole = isinstance(shape, Shape) and shape.kind == "tuple" and len(shape.parts) == len(targets)
            starred = any(isinstance(part, ast.Starred) for part in targets)
            for index, part in enumerate(targets):
                inner_shape = None if shape is None else shape.item
                if whole and not starred and shape is not None:
                    inner_shape = shape.parts[index]
                elif isinstance(part, ast.Starred) and shape is not None:
                    inner_shape = Shape("list", parts=(shape.item,))
                yield from _parts(part, inner_shape)
