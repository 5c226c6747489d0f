"""Statements that no intent is about are passed over, and that changes nothing but the time it takes."""

from __future__ import annotations

import ast
from pathlib import Path

import libcst as cst
import pytest

from fastmigrate.facts.order import number_nodes
from fastmigrate.rewrite.edits import Editor
from fastmigrate.rewrite.intents import EditCall, RenameMember
from fastmigrate.rewrite.untouched import untouched

CODE = '''
"""A module."""
import os; first(1); second(2)


@decorated(by(3), and_=by(4))
class Shop(base(5), metaclass=meta(6)):
    field = made(7)

    def method(self, default=given(8)) -> result(9):
        if tested(10):
            return inner(11)
        elif tested(12): one_line(13); another(14)
        elif tested(15):
            late(16)
        else:
            if tested(17):
                deep(18)
        for item in items(19):
            each(item, 20)
        else:
            none(21)
        while going(22): step(23)


async def read(x: kind(24) = default(25)):
    try:
        risky(26)
        with opened(27) as file, opened(28):
            file.read(29)
    except (first_error(30), OSError) as error:
        handled(31)
    except ValueError: handled(32)
    else:
        fine(33)
    finally:
        closed(34)
    match found(35):
        case Point(x=1) if guard(36):
            matched(37)
    return [f"{shown(38)}" async for y in ys(39) if kept(40)]


try:
    grouped(41)
except* OSError:
    rest(42)
if __name__ == "__main__": main(43)
'''
CALLS = [number for node, number in number_nodes(ast.parse(CODE)).items() if isinstance(node, ast.Call)]


def edited(code: str, number: int, *, passing_over: bool) -> tuple[str, int]:
    """The code with one call renamed, and how many statements were passed over."""
    module = cst.parse_module(code)
    intents = [EditCall(number, callee="renamed")]
    left_out = untouched(module, code, intents) if passing_over else {}
    editor = Editor(module, code, intents, left_out)
    new = module.visit(editor).code
    assert not editor.remaining
    return new, len(left_out)


@pytest.mark.parametrize("number", CALLS)
def test_every_call_is_found_with_much_passed_over(number: int) -> None:
    plain, _ = edited(CODE, number, passing_over=False)
    quick, left_out = edited(CODE, number, passing_over=True)
    assert quick == plain != CODE
    assert left_out >= 3


def test_what_stands_beside_the_way_to_a_call_is_passed_over() -> None:
    """In functions single lines, too; those of the module itself are cheap, and edits look for them."""
    module = cst.parse_module(CODE)
    number = next(n for node, n in number_nodes(ast.parse(CODE)).items() if ast.unparse(node) == "risky(26)")
    left_out = untouched(module, CODE, [EditCall(number)])
    lines = {module.code_for_node(node).strip().splitlines()[0] for node in left_out}
    assert lines >= {
        'if __name__ == "__main__": main(43)',
        "try:",
        "match found(35):",
        "closed(34)",
        "fine(33)",
        "handled(31)",
    }
    assert lines.isdisjoint(
        {"import os; first(1); second(2)", "risky(26)", "async def read(x: kind(24) = default(25)):"}
    )


def test_real_code_is_edited_alike() -> None:
    code = Path(ast.__file__).read_text(encoding="utf-8")
    module = cst.parse_module(code)
    for number in range(0, 400, 37):
        intents = [RenameMember(number, "renamed"), EditCall(number, callee="called")]
        left_out = untouched(module, code, intents)
        assert left_out
        quick, plain = Editor(module, code, intents, left_out), Editor(module, code, intents)
        assert module.visit(quick).code == module.visit(plain).code
        assert quick.remaining == plain.remaining == []


def test_code_that_python_does_not_read_has_nothing_to_pass_over() -> None:
    code = "print 'x'\n"
    assert untouched(cst.Module([]), code, []) == {}
