"""Expressions that mean the same in another place, written out anew, names in them by their values."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from msgspec import Struct

__all__ = ["Written", "write_literal"]

_DEPTH = 6  # names followed from one to the next
_GETTERS = frozenset({"os.environ.get", "os.getenv"})


class Written(Struct, frozen=True):
    """The code of an expression, and the names that it still reads."""

    code: str
    names: frozenset[str]


def write_literal(node: ast.expr, values: Mapping[str, ast.expr]) -> Written | None:
    """Write out a literal, a name or a member, a setting of the environment, or a text or dict of those.

    Names that have a value in `values` are replaced by it; None for any other expression.
    """
    writer = _Writer(values)
    try:
        return Written(writer.write(node), frozenset(writer.names))
    except _NotWrittenError:
        return None


class _NotWrittenError(Exception):
    pass


class _Writer:
    def __init__(self, values: Mapping[str, ast.expr]) -> None:
        self.values = values
        self.names: set[str] = set()
        self.depth = 0
        self.quote = '"'

    def write(self, node: ast.expr) -> str:
        writer = getattr(self, f"write_{type(node).__name__}", None)
        if writer is None:
            raise _NotWrittenError
        code: str = writer(node)
        return code

    def value(self, node: ast.expr) -> ast.expr:
        """What a name stands for, if that is known."""
        for _ in range(_DEPTH):
            if not isinstance(node, ast.Name) or node.id not in self.values:
                break
            node = self.values[node.id]
        return node

    def write_Constant(self, node: ast.Constant) -> str:
        if not isinstance(node.value, str):
            return repr(node.value)
        if node.value.isprintable() and not set(node.value) & set("\"'\\"):
            return f"{self.quote}{node.value}{self.quote}"
        if self.quote == "'":
            raise _NotWrittenError
        return repr(node.value)

    def write_Name(self, node: ast.Name) -> str:
        value = self.value(node)
        if value is not node:
            return self.write(value)
        self.names.add(node.id)
        return node.id

    def write_Attribute(self, node: ast.Attribute) -> str:
        if not isinstance(node.value, ast.Name | ast.Attribute):
            raise _NotWrittenError
        return f"{self.write(node.value)}.{node.attr}"

    def write_Subscript(self, node: ast.Subscript) -> str:
        if not isinstance(node.slice, ast.Constant) or not isinstance(node.value, ast.Name | ast.Attribute):
            raise _NotWrittenError
        return f"{self.write(node.value)}[{self.write(node.slice)}]"

    def write_Call(self, node: ast.Call) -> str:
        if ast.unparse(node.func) not in _GETTERS or node.keywords:
            raise _NotWrittenError
        return f"{self.write(node.func)}({', '.join(self.write(arg) for arg in node.args)})"

    def write_Tuple(self, node: ast.Tuple) -> str:
        return f"({', '.join(self.write(item) for item in node.elts)}{',' if len(node.elts) == 1 else ''})"

    def write_List(self, node: ast.List) -> str:
        return f"[{', '.join(self.write(item) for item in node.elts)}]"

    def write_Dict(self, node: ast.Dict) -> str:
        pairs = zip(node.keys, node.values, strict=True)
        items = (f"**{self.write(v)}" if k is None else f"{self.write(k)}: {self.write(v)}" for k, v in pairs)
        return f"{{{', '.join(items)}}}"

    def write_BinOp(self, node: ast.BinOp) -> str:
        if not isinstance(node.op, ast.Add):
            raise _NotWrittenError
        return f"{self.write(node.left)} + {self.write(node.right)}"

    def write_JoinedStr(self, node: ast.JoinedStr) -> str:
        if self.quote == "'":  # one f-string in another
            raise _NotWrittenError
        parts = "".join(self.part(part) for part in node.values)
        return f'f"{parts}"' if "{" in parts else f'"{parts}"'

    def part(self, node: ast.expr) -> str:
        """What stands between the quotes of an f-string."""
        if isinstance(node, ast.FormattedValue) and node.conversion == -1 and node.format_spec is None:
            node = self.value(node.value)
            if not isinstance(node, ast.Constant):
                self.quote = "'"
                code = self.write(node)
                self.quote = '"'
                return f"{{{code}}}"
        if not isinstance(node, ast.Constant):
            raise _NotWrittenError
        text = str(node.value)
        if not text.isprintable() or set(text) & set("\"'\\"):
            raise _NotWrittenError
        return text.replace("{", "{{").replace("}", "}}")
