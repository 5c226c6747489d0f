"""The ordinals by which a node is found again agree between `ast` and LibCST."""

from __future__ import annotations

import ast
import sysconfig
from pathlib import Path

import libcst as cst
import pytest

from fastmigrate.facts.order import number_nodes
from fastmigrate.rewrite.edits import Editor

STDLIB = Path(sysconfig.get_paths()["stdlib"])
FILES = [
    *("argparse.py", "asyncio/base_events.py", "ast.py", "dataclasses.py", "decimal.py", "difflib.py", "enum.py"),
    *("http/client.py", "inspect.py", "logging/__init__.py", "mailbox.py", "pathlib.py", "pickle.py", "shutil.py"),
    *("statistics.py", "subprocess.py", "tarfile.py", "test/test_fstring.py", "typing.py"),
    *("test/test_patma.py", "test/test_with.py", "test/test_named_expressions.py", "test/test_coroutines.py"),
]

TRICKY = """
@first(a.b(1))
def f(x: A.b = call(1), /, *args: c.d, k=e.f(2), **kw) -> g.h:
    return [z(i) for i in y(j) if w(i.k)], {a(1): b(2), **c(3)}, d(4) if e(5) else f(6)

class C(b.ase(1), *more(2), metaclass=m.eta(3)):
    x: t.y(1) = v(2)

async def g(q, r):
    match q(1):
        case a.b | C(x=d.e) if r(2): f"{x(3):{y(4)}} {q.r!r} {q=}" f"{x.y}"
        case {"k": a.b, **r}: pass
        case [*r, q]: pass
    with o(1) as p, s.t(2) as (u, p): pass
    try: yield r
    except (E.f, r) as q: raise q(1) from r
    x = (r := q(2)).a if (yield r) else not q
    global n; n = q(r, *r, q=q(3), **q(4))
    await (lambda r=q(5), *a, **k: r(q))(r)
    del r[q(6):q.a], q.b
"""


def test_files_of_the_standard_library_are_numbered_alike() -> None:
    seen = 0
    for name in FILES:
        path = STDLIB / name
        if path.is_file():
            assert_numbered_alike(path.read_text(encoding="utf-8"), name)
            seen += 1
    assert seen >= 15, "the standard library was not found"


def test_tricky_code_is_numbered_alike() -> None:
    assert_numbered_alike(TRICKY, "tricky")


def test_a_difference_would_be_seen() -> None:
    with pytest.raises(AssertionError):
        assert by_ast("a(1); b(2)") == by_libcst("b(1); a(2)")


def assert_numbered_alike(text: str, name: str) -> None:
    expected, found = by_ast(text), by_libcst(text)
    for kind in expected.keys() | found.keys():
        if kind != "name" and not kind.startswith(("name None", "name True", "name False", "name ...")):
            assert found.get(kind) == expected.get(kind), (name, kind)


def by_ast(text: str) -> dict[str, list[str]]:
    """The code of each numbered node, by kind, in the order of the numbers."""
    kinds: dict[str, list[tuple[int, str]]] = {}
    for node, number in number_nodes(ast.parse(text)).items():
        match node:
            case ast.Call(func=function):
                kinds.setdefault("call", []).append((number, tail(function)))
            case ast.Attribute(attr=name):
                kinds.setdefault("attribute", []).append((number, name))
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                kinds.setdefault("function", []).append((number, name))
            case ast.Yield():
                kinds.setdefault("yield", []).append((number, ""))
            case ast.Return() | ast.Raise():
                kinds.setdefault(type(node).__name__.lower(), []).append((number, ""))
            case ast.For() | ast.AsyncFor():
                kinds.setdefault("for", []).append((number, str(isinstance(node, ast.AsyncFor))))
            case ast.With() | ast.AsyncWith():
                kinds.setdefault("with", []).append((number, str(len(node.items))))
            case ast.ExceptHandler(name=name):
                kinds.setdefault("handler", []).append((number, name or ""))
            case ast.comprehension(ifs=ifs):
                kinds.setdefault("clause", []).append((number, str(len(ifs))))
            case ast.Name(id=name):
                kinds.setdefault(f"name {name}", []).append((number, ""))
    return {kind: [code for _, code in sorted(found)] for kind, found in kinds.items()}


def by_libcst(text: str) -> dict[str, list[str]]:
    module = cst.parse_module(text)
    editor = Editor(module, "", [])
    module.visit(editor)
    kinds: dict[str, list[tuple[int, str]]] = {}
    for node, number in editor.numbers.items():
        match node:
            case cst.Call(func=function):
                kinds.setdefault("call", []).append((number, tail(function)))
            case cst.Attribute(attr=name):
                kinds.setdefault("attribute", []).append((number, name.value))
            case cst.FunctionDef(name=name):
                kinds.setdefault("function", []).append((number, name.value))
            case cst.Yield():
                kinds.setdefault("yield", []).append((number, ""))
            case cst.Return() | cst.Raise():
                kinds.setdefault(type(node).__name__.lower(), []).append((number, ""))
            case cst.For(asynchronous=asynchronous):
                kinds.setdefault("for", []).append((number, str(asynchronous is not None)))
            case cst.With(items=items):
                kinds.setdefault("with", []).append((number, str(len(items))))
            case cst.ExceptHandler(name=name) | cst.ExceptStarHandler(name=name):
                bound = name.name.value if name is not None and isinstance(name.name, cst.Name) else ""
                kinds.setdefault("handler", []).append((number, bound))
            case cst.CompFor(ifs=ifs):
                kinds.setdefault("clause", []).append((number, str(len(ifs))))
            case cst.Name(value=value):
                kinds.setdefault(f"name {value}", []).append((number, ""))
    return {kind: [code for _, code in sorted(found)] for kind, found in kinds.items()}


def tail(function: ast.expr | cst.BaseExpression) -> str:
    """What distinguishes one called thing from another, in either tree."""
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case cst.Name(value=value) | cst.Attribute(attr=cst.Name(value=value)):
            return value
    return "…"
