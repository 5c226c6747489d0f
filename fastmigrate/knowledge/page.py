"""The tables of knowledge as a page for readers: what is migrated, how, and what is not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from fastmigrate.knowledge.parity import Parity, Row
from fastmigrate.knowledge.requests_calls import ARGUMENTS, FUNCTIONS
from fastmigrate.knowledge.requests_exceptions import EXCEPTIONS, SITUATIONS
from fastmigrate.knowledge.requests_responses import MEMBERS, STREAMED, TRUTH
from fastmigrate.knowledge.requests_sessions import USES

__all__ = ["page"]

_GRADES = {Parity.EXACT: "safe", Parity.PINNED: "safe", Parity.LOSSY: "unsafe", Parity.NONE: "held"}

_HEAD = """\
# What is migrated, how, and what is not

This page is printed from the tables that fastmigrate works with, each row of which
is tested with the installed requests, httpx and httpx2 against a server that records what it receives.

*Safe* rows give the same for every input, by themselves or by what the fix writes. *Unsafe* ones can differ: the fix
takes `--unsafe-fixes`, and the difference is named. *Held* ones have no faithful form: the call stays as it is, and the
finding says why. A call is as good as the worst of the rows that it uses. What is not in the tables is held.
The last column names the rows of [the measurements](facts/requests-to-httpx.md).
"""


def page() -> str:
    """The page, in Markdown."""
    return "\n".join(
        [
            _HEAD,
            *_calls(),
            *_section(
                "Arguments",
                "`x` is the argument as it was, `(a, b)` a pair; an argument that becomes nothing is dropped.",
                ("argument", "what is known of it"),
                (((f"`{name}`", case), row) for (name, case), row in ARGUMENTS.items()),
            ),
            *_section(
                "Sessions",
                "Calls of a session are judged as those of the functions. One that a path operation makes becomes "
                "arguments of its calls: its headers, parameters and auth in variables, its cookies in a jar of its "
                "own (`extensions`); `x` is such a variable. One that an object holds (`self.session`) becomes "
                "attributes of that object in the same way, and stays where code off the event loop uses it, too. One "
                "that a module makes becomes a client in the lifespan, with these settings. All calls of a session "
                "are migrated, or none.",
                ("member", "how it is used"),
                (((f"`{name}`", how), row) for (name, how), row in USES.items()),
            ),
            *_section(
                "Responses",
                "A response is followed through names, tuples, conditional expressions, `with`, lists and "
                "comprehensions of its function. It is `r` here, and `x` is the expression as it was; `if x` guards "
                "the statement.",
                ("member", "how it is used"),
                _members({("truth", ""): TRUTH, **MEMBERS}),
            ),
            *_section(
                "Streamed responses",
                "With `stream=True`, these take the place of the rows above; `json`, `text` and `content` are read by "
                "`await response.aread()` first.",
                ("member", "how it is used"),
                _members(STREAMED),
            ),
            *_section(
                "Exceptions",
                "In `except` clauses, `suppress(…)` and `isinstance(…)`. The classes on the right stand instead of the "
                "one on the left, or beside it: where it is a builtin class, and where the block may still raise "
                "errors of requests. Where there is none, the clause stays as it is.",
                ("class", ""),
                (((f"`{name.removeprefix('builtins.')}`", ""), row) for name, row in EXCEPTIONS.items()),
            ),
            *_situations(),
        ]
    )


def _calls() -> Iterator[str]:
    yield "## Calls\n"
    yield "| call | becomes | measured |"
    yield "|---|---|---|"
    for name, verb in FUNCTIONS.items():
        body = "" if verb.takes_body else "; with a body, `client.request(…)`"
        yield f"| `{name}` | `await client.{verb.method}(…)`{body} | {verb.fact} |"
    yield ""


def _members(rows: Mapping[tuple[str, str], Row]) -> Iterator[tuple[tuple[str, str], Row]]:
    for (name, case), row in rows.items():
        yield ("`if response`" if name == "truth" else f"`{name}`", case), row


def _section(
    title: str, text: str, columns: tuple[str, str], rows: Iterable[tuple[tuple[str, str], Row]]
) -> Iterator[str]:
    yield f"## {title}\n\n{text}\n"
    yield f"| {columns[0]} | {columns[1]} | becomes | grade | why | measured |"
    yield "|---|---|---|---|---|---|"
    for (name, case), row in rows:
        form = f"`{_shown(row.form)}`" if row.form else ""
        note = row.note.replace("|", "\\|").replace(" in line {line}", "")
        yield f"| {name} | {case} | {form} | {_GRADES[row.parity]} | {note} | {row.fact} |"
    yield ""


def _shown(form: str) -> str:
    """A form with letters in its places."""
    for place, letter in (("{}", "x"), ("{0}", "a"), ("{1}", "b"), ("{of}", "r"), ("{response}", "r"), ("{name}", "x")):
        form = form.replace(place, letter)
    return form.replace("{iter_lines}", "iter_lines").replace("{{", "{").replace("}}", "}").replace("|", "\\|")


def _situations() -> Iterator[str]:
    yield "What is raised, and so told apart by handlers:\n"
    yield "| what happens | requests | httpx |"
    yield "|---|---|---|"
    for situation in SITUATIONS:
        yield f"| {situation.name} | `{situation.requests}` | `{situation.httpx}` |"
    yield ""
