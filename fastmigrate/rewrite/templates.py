"""Templates: code with places for expressions that are there, filled in the style of their file."""

from __future__ import annotations

from collections.abc import Mapping

import libcst as cst

from fastmigrate.rewrite.layout import clause_a_line
from fastmigrate.rewrite.nodes import Filler, prefers_single_quotes
from fastmigrate.rewrite.simpler import written_out

__all__ = ["Templates"]

_PLACEHOLDER = "__fastmigrate_{}__"
_NOTHING: Mapping[str, cst.BaseExpression] = {}


class Templates:
    """Fills the templates of the intents on one module, whose text is known."""

    def __init__(self, module: cst.Module, text: str) -> None:
        self.config = module.config_for_parsing
        self.unit = module.default_indent
        self.single_quotes = prefers_single_quotes(text)

    def quoted(self, code: str) -> str:
        """New code with the quotes that its file prefers, unless it has quotes within quotes."""
        return code.replace('"', "'") if self.single_quotes and "'" not in code else code

    def with_elements(self, display: cst.BaseExpression, templates: Mapping[int, str]) -> cst.BaseExpression:
        """A display with new elements in some places."""
        if not templates or not isinstance(display, cst.Dict | cst.List | cst.Tuple):
            return display
        elements = [
            element.with_changes(value=self.filled(templates[index], element.value)) if index in templates else element
            for index, element in enumerate(display.elements)
        ]
        return display.with_changes(elements=elements)

    def filled(
        self,
        template: str,
        value: cst.BaseExpression,
        base: str = "",
        given: Mapping[str, cst.BaseExpression] = _NOTHING,
        *,
        one_line: bool = False,
    ) -> cst.BaseExpression:
        """The template with the value, or the elements of the value, in its places.

        `base` is the indentation of the value's line beyond that of its block, `given` are other values by their names.
        """
        if template == "{}":
            return value
        parts = [value]
        if "{0}" in template and isinstance(value, cst.Tuple):
            parts = [element.value for element in value.elements]
        names = [_PLACEHOLDER.format(index) for index in range(len(parts))]
        others = {name: _PLACEHOLDER.format(name) for name in given}
        text = self.quoted(template).format(*(names * max(template.count("{}"), 1)), **others)
        expression = cst.parse_expression(text, self.config)
        values = dict(zip(names, parts, strict=True)) | {others[name]: other for name, other in given.items()}
        filled = expression.visit(Filler(values))
        assert isinstance(filled, cst.BaseExpression)
        simpler = written_out(filled)
        if isinstance(simpler, cst.DictComp) and not isinstance(value, cst.DictComp) and not one_line:
            return clause_a_line(simpler, base, self.unit)
        return simpler
