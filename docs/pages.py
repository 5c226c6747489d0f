"""The pages that come from the code: `python docs/pages.py` writes them anew.

They are one page for each rule, from its docstring; the tables of what is migrated; and the command's own help.
"""

from __future__ import annotations

from pathlib import Path

from fastmigrate.cli import command
from fastmigrate.knowledge.page import page as knowledge
from fastmigrate.rules import Rule, all_rules

DOCS = Path(__file__).parent
_WIDTH = 100


def pages() -> dict[str, str]:
    """The text of each page, by its path below this folder."""
    rules = {f"rules/{rule.code}.md": _rule(rule) for rule in all_rules().values()}
    return {"migrated.md": knowledge(), "rules/index.md": _index(), "command.md": _command(), **rules}


def _rule(rule: Rule) -> str:
    title, _, sections = rule.doc.partition("\n")
    code, _, name = title.partition(" ")
    return f"# {code}: {name}\n\n{sections.strip()}\n"


def _index() -> str:
    lines = ["# Rules", "", "`fastmigrate --explain FM101` prints these pages.", "", "| code | name | what it finds |"]
    lines.append("|---|---|---|")
    for rule in all_rules().values():
        what = rule.section("What it does").removeprefix("Finds ").removeprefix("Reports ")
        lines.append(f"| [{rule.code}]({rule.code}.md) | {rule.name} | {what.partition('. ')[0].rstrip('.')} |")
    listed = "\n".join(all_rules())
    return "\n".join(lines) + f"\n\n```{{toctree}}\n:hidden:\n:maxdepth: 1\n\n{listed}\n```\n"


def _command() -> str:
    context = command.make_context(
        "fastmigrate", [], resilient_parsing=True, max_content_width=_WIDTH, terminal_width=_WIDTH
    )
    return f"# The command\n\n```text\n{command.get_help(context)}\n```\n\n{_MORE}"


_MORE = """\
`python -m fastmigrate` is the same command. What all this means in a project: [configuration](configuration.md),
[adopting it in a team](adopting.md), [formats](formats.md), [in CI](ci.md).

## Completion

Shells complete options, formats and codes of rules, once they have been told:

| shell | in its start-up file |
|---|---|
| bash | `eval "$(_FASTMIGRATE_COMPLETE=bash_source fastmigrate)"` |
| zsh | `eval "$(_FASTMIGRATE_COMPLETE=zsh_source fastmigrate)"` |
| fish | `_FASTMIGRATE_COMPLETE=fish_source fastmigrate \\| source` |
"""


def main() -> None:
    """Write the pages."""
    for path, text in pages().items():
        (DOCS / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
