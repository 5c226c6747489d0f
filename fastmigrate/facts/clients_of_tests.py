"""How test code makes a client for an app: for a fixture, a module, a test, or the set-up of a test case."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from fastmigrate.facts.order import children, number_nodes, walk

__all__ = ["Form", "TestClientUse", "read_test_clients"]

Form = Literal["entered", "given", "local", "module", "set-up", "other"]
_KEPT = frozenset({"__enter__", "enterContext", "enter_context", "enter_async_context"})


class TestClientUse(Struct, frozen=True):
    """What is done with a test client, by the ordinal of the call that makes it.

    It is "entered" by a `with`, "given" out by a fixture that does nothing else with it, the value of a "local" name
    or of one of a "module", or an attribute that the "set-up" of a test case makes; `name` is what it is called.
    `returned` is the ordinal of the `return` that gives out a local one, if there is one; `tests` says that the file
    has functions that pytest runs.
    """

    __test__ = False

    number: int
    form: Form
    name: str = "client"
    returned: int = -1
    tests: bool = False


def read_test_clients(tree: ast.Module, calls: set[int]) -> dict[int, TestClientUse]:
    """What is done with the clients that these calls make."""
    numbers = number_nodes(tree)
    parents = {child: node for node in walk(tree) for child in children(node)}
    tests = any(_has_tests(node) for node in tree.body)
    found: dict[int, TestClientUse] = {}
    for node in walk(tree):
        if isinstance(node, ast.Call) and numbers[node] in calls:
            found[numbers[node]] = _read(node, parents, numbers, tests=tests)
    return found


def _has_tests(node: ast.AST) -> bool:
    """Whether pytest runs a function, or one of a class: test cases may be run by something else, too."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return name.startswith("test_")
        case ast.ClassDef(name=name, bases=[], body=body):
            return name.startswith("Test") and any(_has_tests(inner) for inner in body)
    return False


def _read(
    call: ast.Call, parents: dict[ast.AST, ast.AST], numbers: dict[ast.AST, int], *, tests: bool
) -> TestClientUse:
    parent = parents[call]
    number = numbers[call]
    function = _function(call, parents)
    match parent:
        case ast.withitem():
            return TestClientUse(number, "entered")
        case ast.Attribute(attr=name) if name in _KEPT:
            return TestClientUse(number, "entered")
        case ast.Call(func=ast.Attribute(attr=name)) if name in _KEPT:
            return TestClientUse(number, "entered")
        case ast.Return() if function is not None and _is_fixture(function) and parent in function.body:
            returns = [node for node in walk(function) if isinstance(node, ast.Return)]
            return TestClientUse(number, "given" if returns == [parent] else "other")
        case ast.Yield() if function is not None and _is_fixture(function) and parents[parent] in function.body:
            return TestClientUse(number, "given")
        case ast.Assign(targets=[ast.Name(id=name)]):
            if function is None and _is_entered(name, parents):
                return TestClientUse(number, "entered")
            if function is None:
                plain = isinstance(parents[parent], ast.Module)
                return TestClientUse(number, "module" if plain else "other", name, tests=tests)
            return _local(number, name, function, parent, numbers)
        case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"), attr=name)]):
            if function is not None and function.name == "setUp":
                return TestClientUse(number, "set-up", f"self.{name}")
    return TestClientUse(number, "other")


def _function(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> ast.FunctionDef | None:
    while (above := parents.get(node)) is not None:
        if isinstance(above, ast.FunctionDef):
            return above
        if isinstance(above, ast.AsyncFunctionDef | ast.Lambda):
            return None
        node = above
    return None


def _is_fixture(function: ast.FunctionDef) -> bool:
    return any("fixture" in ast.unparse(decorator) for decorator in function.decorator_list)


def _is_entered(name: str, nodes: Iterable[ast.AST]) -> bool:
    """Whether one of these nodes is a `with` that enters what has a name."""
    for node in nodes:
        match node:
            case ast.withitem(context_expr=ast.Name(id=entered)) if entered == name:
                return True
            case ast.Call(func=ast.Attribute(attr=how), args=[ast.Name(id=entered)]) if (
                entered == name and how in _KEPT
            ):
                return True
    return False


def _local(
    number: int, name: str, function: ast.FunctionDef, statement: ast.Assign, numbers: dict[ast.AST, int]
) -> TestClientUse:
    """A client with a name in a function: what follows may stand in a `with`, if no `return` gives it out early."""
    after = function.body[function.body.index(statement) + 1 :] if statement in function.body else []
    returns = [node for part in after for node in walk(part) if isinstance(node, ast.Return) and node.value]
    yields = [node for part in after for node in walk(part) if isinstance(node, ast.Yield)]
    entered = _is_entered(name, walk(function))
    stored = [n for n in walk(function) if isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Store)]
    if entered or not after or len(stored) != 1:
        return TestClientUse(number, "entered" if entered else "other")
    gives = [node for node in returns if isinstance(node.value, ast.Name) and node.value.id == name]
    if not returns:
        is_test = function.name.startswith("test")
        return TestClientUse(number, "local", name) if yields or is_test else TestClientUse(number, "other")
    if _is_fixture(function) and not yields and returns == gives and after[-1] in gives:
        return TestClientUse(number, "local", name, numbers[gives[0]])
    return TestClientUse(number, "other")
