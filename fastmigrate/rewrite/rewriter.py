"""Applies the intents of one file: parses it, edits it in one pass, prints it."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence

import libcst as cst

from fastmigrate.rewrite.edits import Editor
from fastmigrate.rewrite.imports import edit_imports
from fastmigrate.rewrite.intents import AddImport, Intent, RemoveImport
from fastmigrate.rewrite.nodes import CommentInTheWayError

__all__ = ["RewriteError", "rewrite"]


class RewriteError(Exception):
    """A file that could not be edited as intended; nothing of it may be written."""


def rewrite(text: str, intents: Iterable[Intent]) -> str:
    """The text with all intents applied; RewriteError if one of them finds no place, or the file is not understood."""
    intents = tuple(intents)
    try:
        module = cst.parse_module(text)
    except cst.ParserSyntaxError as error:
        raise RewriteError(f"LibCST cannot parse it: {error.message}") from error
    if module.code != text:
        raise RewriteError("LibCST does not print it as it stands")
    try:
        new = _edited(module, intents).code
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


def _edited(module: cst.Module, intents: Sequence[Intent]) -> cst.Module:
    imports = [
        intent
        for intent in intents
        if isinstance(intent, AddImport) or (isinstance(intent, RemoveImport) and intent.function is None)
    ]
    editor = Editor(module, [intent for intent in intents if intent not in imports])
    edited = module.visit(editor)
    if editor.remaining:
        raise RewriteError(f"no place was found for {editor.remaining[0]}")
    return edit_imports(edited, imports)
