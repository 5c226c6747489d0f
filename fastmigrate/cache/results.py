"""What earlier runs have found, by all that decides it: the content of the files, the settings, the paths."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from fastmigrate.cache.folder import Folder, unpacked
from fastmigrate.edits import TextEdit
from fastmigrate.model import Finding
from fastmigrate.result import Result
from fastmigrate.suppress import Suppression

__all__ = ["Results"]

_FILE = "results"
_KEPT = 8  # results of a project: for other settings, or other paths


class _Outcome(Struct, frozen=True, array_like=True):
    """What was found, and beside it what a report may say of it; `edits` and `outlines` are by the finding's index."""

    files: int
    library: str
    findings: list[Finding]
    outlines: dict[int, str]
    edits: dict[int, dict[str, list[TextEdit]]]
    unused: list[tuple[str, Suppression]]


_decoder = msgspec.msgpack.Decoder(dict[bytes, bytes])
_outcome = msgspec.msgpack.Decoder(_Outcome)


class Results:
    """The results that are kept for a project."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self._packed = unpacked(_decoder, folder.load(_FILE)) or {}

    def fill(self, result: Result, key: bytes | None) -> bool:
        """Fill a result with what was found under a key; False if nothing is known of it."""
        known = unpacked(_outcome, self._packed.get(key)) if key is not None else None
        if known is None:
            return False
        result.files, result.library, result.findings = known.files, known.library, known.findings
        result.outlines = {known.findings[index]: text for index, text in known.outlines.items()}
        result.edits = {known.findings[index]: edits for index, edits in known.edits.items()}
        result.unused = known.unused
        return True

    def keep(self, result: Result, keys: Sequence[bytes | None]) -> None:
        """Keep a result under its keys, if it has some, and forget the oldest ones."""
        known = [key for key in keys if key is not None]
        if not known:
            return
        index = {finding: number for number, finding in enumerate(result.findings)}
        outcome = _Outcome(
            result.files,
            result.library,
            result.findings,
            {index[finding]: text for finding, text in result.outlines.items()},
            {index[finding]: edits for finding, edits in result.edits.items()},
            result.unused,
        )
        try:
            packed = msgspec.msgpack.encode(outcome)
        except UnicodeEncodeError:  # the name of a file is no text
            return
        others = [(key, kept) for key, kept in self._packed.items() if key not in known]
        self._packed = dict([*others[-_KEPT:], *((key, packed) for key in known)])
        self.folder.save(_FILE, msgspec.msgpack.encode(self._packed))
