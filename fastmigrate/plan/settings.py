"""Settings of clients: which expressions mean the same where a lifespan makes the client."""

from __future__ import annotations

import ast

from fastmigrate.facts.order import walk
from fastmigrate.project.project import Project
from fastmigrate.project.values import Scope

__all__ = ["in_double_quotes", "is_literal", "is_of_module", "is_repeatable"]


def in_double_quotes(code: str) -> str:
    """Code as new code is written; what has both kinds of quotes stays as it is."""
    return code if '"' in code else code.replace("'", '"')


def is_literal(code: str) -> bool:
    """Whether an expression means the same wherever and whenever it stands."""
    try:
        ast.literal_eval(code)
    except (ValueError, SyntaxError, TypeError):
        return False
    return True


def is_of_module(project: Project, code: str, scope: Scope) -> bool:
    """Whether an expression means the same anywhere in its file, from the app's start on."""
    links = project.links(scope.path)
    tree = ast.parse(code, mode="eval")
    if links is None or any(isinstance(node, ast.Call | ast.Await | ast.NamedExpr) for node in walk(tree)):
        return False
    attributes = {node.attr for node in walk(tree) if isinstance(node, ast.Attribute)}
    if attributes & links.stored:
        return False
    for node in walk(tree):
        if isinstance(node, ast.Name):
            found = project.resolver.lookup(node.id, scope)
            if found is None or found[1].qualname or len(found[0]) != 1 or node.id in links.mutated:
                return False
    return True


_PLAIN = frozenset({"Timeout", "BasicAuth", "str", "int", "float"})  # what has no effect when it is called


def is_repeatable(code: str, changing: frozenset[str]) -> bool:
    """Whether an expression may be read later, and more often: it does nothing, and its names keep their values."""
    for node in walk(ast.parse(code, mode="eval")):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in _PLAIN:
                pass
            case ast.Call() | ast.Await() | ast.NamedExpr():
                return False
            case ast.Name(id=name) if name in changing:
                return False
    return True
