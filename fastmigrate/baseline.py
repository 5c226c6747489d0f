"""Findings that a team lives with for now: kept in a file, recognised in moved lines, and told when they are gone."""

from __future__ import annotations

import ast
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path, PurePath

from msgspec import Struct, field
from msgspec.structs import asdict

from fastmigrate.config import ConfigError
from fastmigrate.model import Finding
from fastmigrate.project.modules import qualname_of

__all__ = ["Baseline", "BaselineError", "Comparison", "Entry", "load_baseline", "printed"]

_VERSION = 1


class BaselineError(ConfigError):
    """A baseline that cannot be used; the message says why, and what to do."""


class Entry(Struct, frozen=True, dict=True):
    """A finding without its lines. Paths are relative to the folder of the baseline.

    `function` is the qualified name of the function that it stands in, if it stands in one, `call` its source in one
    line, and `endpoints` are the path operations that it stalls, as `main.py:read`, as often as they have routes.
    """

    path: str
    function: str
    code: str
    call: str
    endpoints: tuple[str, ...] = ()

    @cached_property
    def key(self) -> tuple[str, str, str, str]:
        """What makes it the same finding, however its source is laid out and its strings are quoted."""
        try:
            call = ast.dump(ast.parse(self.call))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            call = self.call
        return self.path, self.function, self.code, call

    @property
    def order(self) -> tuple[str, ...]:
        """Entries stand in this order."""
        return self.path, self.function, self.code, self.call, *self.endpoints


class Comparison(Struct):
    """Findings beside a baseline: those that it does not know, those that it knows, and what of it is gone.

    `grown` are findings that it knows, but not for all the path operations that they stall: these are among the new
    ones. `aside` are the entries of files and rules that were not looked at.
    """

    file: Path
    new: list[Finding] = field(default_factory=list)
    known: list[Finding] = field(default_factory=list)
    grown: dict[Finding, list[str]] = field(default_factory=dict)
    gone: list[Entry] = field(default_factory=list)
    aside: list[Entry] = field(default_factory=list)

    def take_for_known(self, findings: Iterable[tuple[Finding, Entry]]) -> None:
        """Take some of the new findings for known ones, whose source has changed on the way."""
        for finding, entry in findings:
            self.new.remove(finding)
            self.known.append(finding)
            alike = [e for e in self.gone if (e.path, e.function, e.code) == (entry.path, entry.function, entry.code)]
            if alike:
                self.gone.remove(alike[0])


class Baseline(Struct, frozen=True):
    """The entries in a file; a finding counts as often as it is there."""

    file: Path
    entries: tuple[Entry, ...] = ()

    def entry(self, finding: Finding, root: Path, source: str) -> Entry:
        """The entry for a finding in the project at `root`; `source` is the text of what it is about."""
        function = finding.function or ""
        if finding.chain:
            function = qualname_of(finding.chain[-1].name, finding.path)
        endpoints = sorted(
            f"{self._relative(root / endpoint.path)}:{qualname_of(endpoint.name, endpoint.path)}"
            for endpoint in finding.endpoints
        )
        return Entry(self._relative(root / finding.path), function, finding.code, _in_a_line(source), tuple(endpoints))

    def _relative(self, path: Path) -> str:
        return PurePath(os.path.relpath(path, self.file.parent)).as_posix()

    def compare(self, findings: Iterable[tuple[Finding, Entry]], is_looked_at: Callable[[Entry], bool]) -> Comparison:
        """What of some findings is new, and which entries among those that are looked at are gone."""
        found = Comparison(self.file)
        left: dict[tuple[str, ...], list[Entry]] = {}
        for entry in sorted(self.entries, key=lambda entry: entry.order):
            if is_looked_at(entry):
                left.setdefault(entry.key, []).append(entry)
            else:
                found.aside.append(entry)
        for finding, entry in findings:
            alike = left.get(entry.key, [])
            if not alike:
                found.new.append(finding)
                continue
            known = min(alike, key=lambda one: len(_more(entry, one)))
            alike.remove(known)
            more = _more(entry, known)
            if more:
                found.new.append(finding)
                found.grown[finding] = more
            else:
                found.known.append(finding)
        found.gone = [entry for entries in left.values() for entry in entries]
        return found


def _more(entry: Entry, known: Entry) -> list[str]:
    """The path operations of an entry that another one has not, or not as often."""
    return sorted((Counter(entry.endpoints) - Counter(known.endpoints)).elements())


def _in_a_line(source: str) -> str:
    """Code in one line, without its comments; of a definition, its head."""
    for wrapped in (f"({source}\n)", source):
        try:
            tree = ast.parse(wrapped)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        return ast.unparse(tree).partition("\n")[0]
    return " ".join(source.split())


def load_baseline(file: Path, *, is_written: bool = False) -> Baseline:
    """The baseline in a file; BaselineError if it is missing or is none.

    If it `is_written` anew, it may be missing, or be one that got broken or is of another version: what it held is
    lost then.
    """
    try:
        content = file.read_bytes()
    except FileNotFoundError as error:
        if is_written:
            return Baseline(file)
        raise BaselineError(f"{file}: there is no such baseline; --write-baseline makes it") from error
    except OSError as error:
        raise BaselineError(f"{file}: {error.strerror}") from error
    try:
        return Baseline(file, _entries(content, file))
    except BaselineError:
        if is_written and b'"version"' in content and b'"findings"' in content:
            return Baseline(file)
        raise


def _entries(content: bytes, file: Path) -> tuple[Entry, ...]:
    try:
        report = json.loads(content.decode())
        if report["version"] != _VERSION:
            raise BaselineError(f"{file}: the baseline is of another version: --write-baseline writes it anew")
        return tuple(_read(one) for one in report["findings"])
    except json.JSONDecodeError as error:
        raise BaselineError(f"{file}:{error.lineno}:{error.colno}: the baseline is no JSON: {error.msg}") from error
    except UnicodeDecodeError as error:
        raise BaselineError(f"{file}: the baseline is not UTF-8") from error
    except (KeyError, TypeError) as error:
        raise BaselineError(f"{file}: this is no baseline of fastmigrate") from error


def _read(one: dict[str, object]) -> Entry:
    path, function, code, call = (one[name] for name in ("path", "function", "code", "call"))
    endpoints = one["endpoints"]
    if not isinstance(endpoints, list) or not all(isinstance(s, str) for s in (path, function, code, call, *endpoints)):
        raise TypeError
    return Entry(str(path), str(function), str(code), str(call), tuple(endpoints))


def printed(entries: Sequence[Entry]) -> bytes:
    """What a baseline file holds: the entries in order, so that a review shows what has changed."""
    in_order = sorted(entries, key=lambda entry: entry.order)
    report = {"version": _VERSION, "findings": [asdict(entry) for entry in in_order]}
    return (json.dumps(report, indent=2, ensure_ascii=False) + "\n").encode(errors="backslashreplace")
