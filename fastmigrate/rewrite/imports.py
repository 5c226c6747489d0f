"""Imports come and go at module level, where their like stand, in the order that sorters of imports keep."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

import libcst as cst
from libcst.helpers import get_full_name_for_node

from fastmigrate.rewrite.intents import AddImport, RemoveImport
from fastmigrate.rewrite.layout import is_docstring

__all__ = ["bound_name", "edit_imports", "with_alias", "without_import"]

_BLANK = cst.EmptyLine(indent=False)


def edit_imports(module: cst.Module, intents: Iterable[AddImport | RemoveImport]) -> cst.Module:
    """The module with its imports changed."""
    body: list[cst.BaseStatement] = list(module.body)
    intents = list(intents)
    gone = {intent.bound for intent in intents if isinstance(intent, RemoveImport)}
    added = [intent for intent in intents if isinstance(intent, AddImport)]
    replaced = gone & {intent.alias or intent.name or intent.module for intent in added}
    for name in sorted(replaced):
        body = without_import(body, name)
    for intent in added:
        body = _with_import(body, intent, gone)
    for name in sorted(gone - replaced):
        body = without_import(body, name)
    return _keeping_header(module, body)


def without_import(body: Sequence[cst.BaseStatement], bound: str) -> list[cst.BaseStatement]:
    """The statements without the import that binds a name; comments above it stay."""
    kept: list[cst.BaseStatement] = []
    orphaned: list[cst.EmptyLine] | None = None
    for statement in body:
        left = _without_name(statement, bound)
        if left is None:
            orphaned = [*(orphaned or ()), *_lines_above(statement)]
            continue
        if orphaned is not None:
            own = _lines_above(left)
            joined = [*orphaned, *own] if any(line.comment for line in orphaned) else own or orphaned
            while not kept and joined and joined[0].comment is None:  # a block does not begin with a blank line
                joined = joined[1:]
            left = left.with_changes(leading_lines=joined)
            orphaned = None
        kept.append(left)
    return kept


def _without_name(statement: cst.BaseStatement, bound: str) -> cst.BaseStatement | None:
    """The statement without the name, or None if it imports nothing else."""
    found = _import_in(statement)
    if found is None or isinstance(found.names, cst.ImportStar):
        return statement
    names = [alias for alias in found.names if bound_name(alias) != bound]
    if len(names) == len(found.names):
        return statement
    if not names:
        return None
    names[-1] = names[-1].with_changes(comma=found.names[-1].comma)
    return statement.with_changes(body=[found.with_changes(names=names)])


def _with_import(body: list[cst.BaseStatement], intent: AddImport, gone: set[str]) -> list[cst.BaseStatement]:
    for index, statement in enumerate(_leading(body)):
        found = _import_in(statement)
        if intent.name is None or not isinstance(found, cst.ImportFrom) or isinstance(found.names, cst.ImportStar):
            continue
        if _module_of(found) == intent.module:
            changed = found.with_changes(names=with_alias(found.names, intent.name, intent.alias))
            return [*body[:index], statement.with_changes(body=[changed]), *body[index + 1 :]]
    line = cst.SimpleStatementLine([_new_import(intent)])
    index, where = _place(body, intent, gone)
    if where == "inside" or index == len(body):
        return [*body[:index], line, *body[index:]]
    if where == "after another section":
        return [*body[:index], line.with_changes(leading_lines=[_BLANK]), *body[index:]]
    above = _lines_above(body[index])  # blank lines above go to the new first line, comments stay where they are
    blank = [line for line in above if line.comment is None]
    rest = [line for line in above if line.comment is not None]
    if where == "before another section":
        rest = [_BLANK, *rest]
    following = body[index].with_changes(leading_lines=rest)
    return [*body[:index], line.with_changes(leading_lines=blank), following, *body[index + 1 :]]


def _place(body: list[cst.BaseStatement], intent: AddImport, gone: set[str]) -> tuple[int, str]:
    """Where an import belongs: its index, and how it stands to what is there."""
    imports = [(index, found) for index, s in enumerate(_leading(body)) if (found := _import_in(s)) is not None]
    alike = [(index, found) for index, found in imports if _section(_module_of(found)) == _section(intent.module)]
    alike = _first_group(body, alike)
    orders = [_order(isinstance(found, cst.ImportFrom), _module_of(found)) for _, found in alike]
    if orders != sorted(orders):  # nobody sorts them here: the new one takes the place of one that goes, or comes last
        places = [index for index, _ in alike if any(_without_name(body[index], name) is None for name in gone)]
        return [*places, alike[-1][0]][0] + 1, "inside"
    wanted = _order(intent.name is not None, intent.module)
    for position, (index, found) in enumerate(alike):
        if _order(isinstance(found, cst.ImportFrom), _module_of(found)) > wanted:
            return index, "first" if position == 0 else "inside"
    if alike:
        return alike[-1][0] + 1, "inside"
    for index, found in imports:
        if _section(_module_of(found)) > _section(intent.module):
            return index, "before another section"
    if imports:
        return imports[-1][0] + 1, "after another section"
    first = 1 if body and is_docstring(body[0]) else 0
    future = [index for index, statement in enumerate(body) if _imports_from_future(statement)]
    first = max([first, *(index + 1 for index in future)])
    return first, "after another section" if first else "before another section"


def _first_group(
    body: list[cst.BaseStatement], imports: list[tuple[int, cst.Import | cst.ImportFrom]]
) -> list[tuple[int, cst.Import | cst.ImportFrom]]:
    """The imports up to the next blank line: below it, a project's own may begin, which look like all others."""
    group = imports[:1]
    for index, found in imports[1:]:
        if any(line.comment is None for line in _lines_above(body[index])):
            break
        group.append((index, found))
    return group


def _leading(body: list[cst.BaseStatement]) -> list[cst.BaseStatement]:
    """The statements up to the first definition: imports below it are of no use to what stands above."""
    for index, statement in enumerate(body):
        if isinstance(statement, cst.FunctionDef | cst.ClassDef):
            return body[:index]
    return body


def _section(module: str) -> int:
    """As sorters of imports see it: `__future__`, the standard library, third parties, the project's own."""
    first = module.partition(".")[0]
    if first == "__future__":
        return 0
    if first in sys.stdlib_module_names:
        return 1
    return 3 if module.startswith(".") else 2


def _order(is_from: bool, module: str) -> tuple[bool, str]:
    return is_from, module.lower()


def _new_import(intent: AddImport) -> cst.Import | cst.ImportFrom:
    module = cst.parse_expression(intent.module)
    assert isinstance(module, cst.Name | cst.Attribute)
    if intent.name is None:
        return cst.Import([cst.ImportAlias(module, asname=_asname(intent.alias))])
    return cst.ImportFrom(module, [cst.ImportAlias(cst.Name(intent.name), asname=_asname(intent.alias))])


def _asname(alias: str | None) -> cst.AsName | None:
    return None if alias is None else cst.AsName(cst.Name(alias))


def with_alias(names: Sequence[cst.ImportAlias], name: str, alias: str | None) -> list[cst.ImportAlias]:
    """The names of an import with another one, where sorters of imports would put it."""
    new = cst.ImportAlias(cst.Name(name), asname=_asname(alias))
    present = [_imported(alias) for alias in names]
    is_sorted = present == sorted(present, key=_case)
    index = next((i for i, other in enumerate(present) if is_sorted and _case(other) > _case(name)), len(names))
    if index < len(names):
        comma = names[index - 1].comma if index else names[0].comma
        if not isinstance(comma, cst.Comma) or len(names) == 1:
            comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
        return [*names[:index], new.with_changes(comma=comma), *names[index:]]
    last = names[-1]
    between = names[-2].comma if len(names) > 1 else cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    return [*names[:-1], last.with_changes(comma=between), new.with_changes(comma=last.comma)]


def _case(name: str) -> tuple[int, str]:
    """CONSTANTS, Classes, functions: the order of isort and ruff."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return kind, name


def _import_in(statement: cst.CSTNode) -> cst.Import | cst.ImportFrom | None:
    if isinstance(statement, cst.SimpleStatementLine) and len(statement.body) == 1:
        only = statement.body[0]
        if isinstance(only, cst.Import | cst.ImportFrom):
            return only
    return None


def _imports_from_future(statement: cst.BaseStatement) -> bool:
    return isinstance(statement, cst.SimpleStatementLine) and any(
        isinstance(small, cst.ImportFrom) and _module_of(small) == "__future__" for small in statement.body
    )


def _module_of(node: cst.Import | cst.ImportFrom) -> str:
    if isinstance(node, cst.Import):
        return get_full_name_for_node(node.names[0].name) or ""
    return "." * len(node.relative) + ((get_full_name_for_node(node.module) or "") if node.module else "")


def bound_name(alias: cst.ImportAlias) -> str:
    """The name that an import binds."""
    if alias.asname is not None and isinstance(alias.asname.name, cst.Name):
        return alias.asname.name.value
    return _imported(alias).partition(".")[0]


def _imported(alias: cst.ImportAlias) -> str:
    return get_full_name_for_node(alias.name) or ""


def _lines_above(statement: cst.BaseStatement) -> list[cst.EmptyLine]:
    return list(statement.leading_lines)  # type: ignore[attr-defined]


def _keeping_header(module: cst.Module, body: list[cst.BaseStatement]) -> cst.Module:
    """A file's first statement has its blank lines in the module's header."""
    if body and module.body and body[0] is not module.body[0]:
        first = body[0]
        lines = _lines_above(first)
        while lines and lines[0].comment is None:
            lines.pop(0)
        body = [first.with_changes(leading_lines=lines), *body[1:]]
    return module.with_changes(body=body)
