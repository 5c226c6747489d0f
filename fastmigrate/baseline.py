"""Findings that a team lives with for now: kept in a file, recognised in moved lines, and told when they are gone."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePath

from fastmigrate.model import Finding

__all__ = ["Baseline", "BaselineError", "Compared", "Entry", "load_baseline", "printed"]

_VERSION = 1


class BaselineError(Exception):
    """A baseline that cannot be used; the message says why, and what to do."""


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """A finding without its lines: `path` is relative to the folder of the baseline, `function` the one that makes the
    call, `call` its source in one line, and `endpoints` are those that it stalls."""

    path: str
    function: str
    code: str
    call: str
    endpoints: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes it the same finding, however its source is laid out."""
        return self.path, self.function, self.code, re.sub(r"\s+|,\s*(?=[)\]}])", "", self.call)


@dataclass(slots=True)
class Compared:
    """Findings beside a baseline: those that it does not know, those that it knows, and what of it is gone.

    `grown` are findings that it knows, but not for all the endpoints that they stall: these are among the new ones.
    `aside` are the entries of files and rules that were not looked at.
    """

    new: list[Finding] = field(default_factory=list)
    known: list[Finding] = field(default_factory=list)
    grown: dict[Finding, list[str]] = field(default_factory=dict)
    gone: list[Entry] = field(default_factory=list)
    aside: list[Entry] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Baseline:
    """The entries in a file; a finding counts as often as it is there."""

    file: Path
    entries: tuple[Entry, ...] = ()

    def entry(self, finding: Finding, root: Path, source: str) -> Entry:
        """The entry for a finding in the project at `root`; `source` is the text of what it is about."""
        path = PurePath(os.path.relpath(root / finding.path, self.file.parent)).as_posix()
        function = finding.chain[-1].name if finding.chain else finding.function or ""
        endpoints = tuple(sorted({endpoint.name for endpoint in finding.endpoints}))
        return Entry(path, function, finding.code, " ".join(source.split()), endpoints)

    def compared(self, findings: Iterable[tuple[Finding, Entry]], is_looked_at: Callable[[Entry], bool]) -> Compared:
        """What of some findings is new, and which entries among those that are looked at are gone."""
        found = Compared(aside=[entry for entry in self.entries if not is_looked_at(entry)])
        left: dict[tuple[str, ...], list[Entry]] = {}
        for entry in filter(is_looked_at, sorted(self.entries)):
            left.setdefault(entry.key, []).append(entry)
        for finding, entry in findings:
            alike = left.get(entry.key, [])
            if not alike:
                found.new.append(finding)
                continue
            known = min(alike, key=lambda one: len({*entry.endpoints} - {*one.endpoints}))
            alike.remove(known)
            more = [name for name in entry.endpoints if name not in known.endpoints]
            if more:
                found.new.append(finding)
                found.grown[finding] = more
            else:
                found.known.append(finding)
        found.gone = [entry for entries in left.values() for entry in entries]
        return found


def load_baseline(file: Path) -> Baseline:
    """The baseline in a file; BaselineError if it is missing or is none."""
    try:
        report = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BaselineError(f"{file}: there is no such baseline; --write-baseline makes it") from error
    except OSError as error:
        raise BaselineError(f"{file}: {error.strerror}") from error
    except json.JSONDecodeError as error:
        raise BaselineError(f"{file}:{error.lineno}:{error.colno}: the baseline is no JSON: {error.msg}") from error
    except UnicodeDecodeError as error:
        raise BaselineError(f"{file}: the baseline is not UTF-8") from error
    try:
        if report["version"] != _VERSION:
            raise BaselineError(f"{file}: the baseline is of another version of fastmigrate: write it anew")
        return Baseline(file, tuple(_read(one) for one in report["findings"]))
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
    report = {"version": _VERSION, "findings": [asdict(entry) for entry in sorted(entries)]}
    return (json.dumps(report, indent=2, ensure_ascii=False) + "\n").encode(errors="surrogateescape")
