"""Applies the intents of one file: parses it, edits it in one pass, prints it."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import libcst as cst
from msgspec import Struct

from fastmigrate.rewrite.edits import Editor
from fastmigrate.rewrite.imports import edit_imports
from fastmigrate.rewrite.intents import AddImport, Intent, RemoveImport
from fastmigrate.rewrite.nodes import CommentInTheWayError
from fastmigrate.rewrite.untouched import untouched

__all__ = ["RewriteError", "rewrite"]


class RewriteError(Exception):
    """A file that could not be edited as intended; nothing of it may be written."""


def rewrite(text: str, intents: Iterable[Intent]) -> str:
    """The text with all intents applied; RewriteError if one of them finds no place, or the file is not understood."""
    intents = tuple(intents)
    module = _parsed(text)
    try:
        new = _printed(_edited(module.tree, text, intents), module.pieces)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(new, "migrated", "exec", dont_inherit=True)
    except CommentInTheWayError as error:
        raise RewriteError(str(error)) from error
    except (
        cst.CSTValidationError,
        SyntaxError,
        ValueError,
        TypeError,
        AssertionError,
        LookupError,
        RecursionError,
    ) as error:
        raise RewriteError(f"the new code is not valid: {error}") from error
    return new


class _Parsed(Struct, frozen=True):
    """A tree, and the text of each of its statements, as they stand in the module."""

    tree: cst.Module
    pieces: Mapping[cst.CSTNode, str]


@lru_cache(maxsize=4)
def _parsed(text: str) -> _Parsed:
    """The tree of a file, which several fixes may edit, each by itself."""
    try:
        module = cst.parse_module(text)
    except cst.ParserSyntaxError as error:
        raise RewriteError(f"LibCST cannot parse it: {error.message}") from error
    pieces: dict[cst.CSTNode, str] = {statement: module.code_for_node(statement) for statement in module.body}
    if _printed(module, pieces) != text:
        raise RewriteError("LibCST does not print it as it stands")
    return _Parsed(module, pieces)


def _printed(module: cst.Module, pieces: Mapping[cst.CSTNode, str]) -> str:
    """The code of a module, of whose statements some are printed already: most stay, and to print them takes long."""
    parts = [*module.header, *module.body, *module.footer]
    code = "".join(pieces[part] if part in pieces else module.code_for_node(part) for part in parts)
    if module.has_trailing_newline:
        return code or module.default_newline
    return code.removesuffix(module.default_newline)


def _edited(module: cst.Module, text: str, intents: Sequence[Intent]) -> cst.Module:
    imports = [
        intent
        for intent in intents
        if isinstance(intent, AddImport) or (isinstance(intent, RemoveImport) and intent.function is None)
    ]
    inner = [intent for intent in intents if intent not in imports]
    editor = Editor(module, text, inner, untouched(module, text, inner))
    edited = module.visit(editor)
    if editor.remaining and editor.untouched:  # an intent that names its place in another way
        editor = Editor(module, text, inner)
        edited = module.visit(editor)
    if editor.remaining:
        raise RewriteError(f"no place was found for {editor.remaining[0]}")
    return edit_imports(edited, imports)
