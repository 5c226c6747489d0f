"""What an `except` clause does with its error: what it reads, asks and shows of it, and where it hands it on."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from fastmigrate.facts.order import children, walk

__all__ = ["ErrorReader", "only_shows_parameter"]

_SHOWING = frozenset({"str", "repr", "print", "isinstance", "getattr", "hasattr", "type"})
_LOGGING = frozenset(
    ["debug", "info", "warning", "warn", "error", "exception", "critical", "log", "format", "capture_exception"]
)
_TESTS = frozenset({"startswith", "endswith", "find", "index", "count", "split", "partition"})
_NESTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


class ErrorReader:
    """Reads what the code of some nodes, those of an `except` clause for one, does with the error of that name."""

    def __init__(self, name: str | None, body: Sequence[ast.AST]) -> None:
        self.name = name
        self.nodes = [node for part in body for node in walk(part)]
        self.parents = {child: node for node in self.nodes for child in children(node)}

    def _is_error(self, node: ast.AST | None) -> bool:
        return isinstance(node, ast.Name) and node.id == self.name

    def reads(self) -> Iterator[str]:
        """The attributes that it reads from the error."""
        for node in self.nodes:
            match node:
                case ast.Attribute(value=error, attr=attribute) if self._is_error(error):
                    yield attribute
                case ast.Call(
                    func=ast.Name(id="getattr" | "hasattr"), args=[error, ast.Constant(value=str(attribute)), *_]
                ) if self._is_error(error):
                    yield attribute

    def questions(self) -> Iterator[tuple[ast.Call, ast.expr]]:
        """The calls that ask whether the error is of some class, and what they ask for."""
        for node in self.nodes:
            match node:
                case ast.Call(func=ast.Name(id="isinstance"), args=[error, classes]) if self._is_error(error):
                    yield node, classes

    def shown(self) -> Iterator[ast.expr]:
        """Where it makes text of the error: the calls `str(error)`, and its uses in f-strings."""
        for node in self.nodes:
            match node:
                case ast.Call(func=ast.Name(id="str"), args=[error], keywords=[]) if self._is_error(error):
                    yield node
                case ast.FormattedValue(value=error, conversion=-1) if self._is_error(error):
                    yield error

    def handed(self) -> Iterator[tuple[ast.Call, int, ast.Name]]:
        """The calls of other functions that get the error, at which position, and its name there."""
        for node in self.nodes:
            if isinstance(node, ast.Call) and not _only_shows(node.func):
                for position, argument in enumerate(node.args):
                    if self._is_error(argument) and isinstance(argument, ast.Name):
                        yield node, position, argument

    def raises_again(self) -> bool:
        """Whether it may raise the error again, for others to catch."""
        return any(
            isinstance(node, ast.Raise) and (node.exc is None or self._is_error(node.exc)) for node in self.nodes
        )

    def doubts(self) -> Iterator[str]:
        """What it does with the error beyond reading, asking and showing it, in words."""
        for node in self.nodes:
            if isinstance(node, ast.Attribute) and node.attr == "exc_info" and ast.unparse(node) == "sys.exc_info":
                yield f"asks `sys.exc_info` in line {node.lineno}"
            if self._is_error(node):
                yield from self._doubts_of(node)

    def _doubts_of(self, error: ast.AST) -> Iterator[str]:
        parent = self.parents.get(error)
        line = getattr(error, "lineno", 0)
        while isinstance(parent, ast.IfExp):
            if error is parent.test:
                return
            error, parent = parent, self.parents.get(parent)
        match parent:
            case ast.Call(func=ast.Name(id=name), args=args) if name not in _SHOWING and error in args:
                return  # see `handed`
            case ast.Call(func=ast.Attribute() as callee, args=args) if not _only_shows(callee) and error in args:
                return
            case ast.Attribute(attr="__class__") if not self._is_named(parent):
                yield f"asks for the class of the error in line {line}"
            case ast.Attribute() | ast.FormattedValue() | ast.Raise() | ast.Expr() | ast.Delete():
                return
            case ast.Call(func=ast.Name(id="type")) if not self._is_named(parent):
                yield f"asks for the class of the error in line {line}"
            case ast.Call(func=ast.Name(id="hasattr"), args=[_, ast.Constant(value="response")]):
                yield f"asks in line {line} whether the error has a `response`, which not all of httpx have"
            case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value="response"), default]):
                if not isinstance(default, ast.Constant) or default.value is not None:
                    yield f"asks in line {line} whether the error has a `response`, which not all of httpx have"
            case ast.Call(func=ast.Name(id="str")) if self._is_tested(parent):
                yield f"tests the text of the error in line {line}"
            case ast.Call(func=callee) if callee is not error and _only_shows(callee):
                return
            case ast.keyword(arg="exc_info"):
                return
            case ast.BinOp(op=ast.Mod()) | ast.Tuple() if self._is_formatted(error):
                return
            case _:
                yield f"hands the error on in line {line}, where it may be asked for its class or its `response`"

    def _is_named(self, of: ast.AST) -> bool:
        """`type(error).__name__`, or `type(error)` that is only shown: its text."""
        outer = self.parents.get(of)
        if isinstance(outer, ast.FormattedValue) or (isinstance(outer, ast.Call) and _only_shows(outer.func)):
            return True
        return isinstance(outer, ast.Attribute) and outer.attr in {"__name__", "__qualname__", "__module__"}

    def _is_tested(self, text: ast.AST) -> bool:
        outer = self.parents.get(text)
        if isinstance(outer, ast.Attribute) and outer.attr in {"lower", "upper", "strip", "casefold"}:
            outer = self.parents.get(self.parents.get(outer, outer))
        return isinstance(outer, ast.Compare | ast.Match) or (isinstance(outer, ast.Attribute) and outer.attr in _TESTS)

    def _is_formatted(self, error: ast.AST) -> bool:
        outer = self.parents.get(error)
        outer = self.parents.get(outer) if isinstance(outer, ast.Tuple) else outer
        return isinstance(outer, ast.BinOp) and isinstance(outer.op, ast.Mod)


def only_shows_parameter(tree: ast.Module, line: int, position: int, *, is_lambda: bool) -> bool:
    """Whether the function that begins in a line does nothing with one of its parameters but to make text of it."""
    kinds = (ast.Lambda,) if is_lambda else (ast.FunctionDef, ast.AsyncFunctionDef)
    for node in walk(tree):
        if isinstance(node, kinds) and node.lineno == line:
            given = [*node.args.posonlyargs, *node.args.args]
            body = [node.body] if isinstance(node, ast.Lambda) else node.body
            if position >= len(given):
                return False
            reader = ErrorReader(given[position].arg, body)
            return not any((*reader.doubts(), *reader.reads(), *reader.questions(), *reader.handed()))
    return False


def _only_shows(callee: ast.expr) -> bool:
    match callee:
        case ast.Name(id=name):
            return name in _SHOWING
        case ast.Attribute(value=ast.Name(id="traceback")):
            return True
        case ast.Attribute(attr=name):
            return name in _LOGGING
    return False
