"""Files are read by several processes at once, with the result that one alone would have."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from fastmigrate.cache.facts import Facts
from fastmigrate.cache.folder import Folder
from fastmigrate.facts.values import ModuleLinks
from fastmigrate.project.reading import Reading
from fastmigrate.sources import Sources
from tests.projects import project

FILES = {
    f"m{number}": f"import requests\ndef f{number}():\n    return requests.get('x{number}')\n" for number in range(95)
}
ODD = {"broken": "def f(:\n", "large": f"x = {10**30}\n", "surrogate": 'x = "\\ud800"\n', "empty": ""}


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    return Sources(project(tmp_path / "project", **FILES, **ODD))


def everything(sources: Sources, jobs: int, facts: Facts | None = None) -> dict[str, ModuleLinks | None]:
    """The links of all files, of which some are asked for before; it is told of each that could be read."""
    told: list[str] = []
    reading = Reading(sources, told=lambda: told.append(""), facts=facts, jobs=jobs)
    reading.links("m7.py")
    reading.read_all(sources.paths)
    assert [*reading.unreadable] == ["broken.py"]
    assert len(told) == len(sources.paths) - 1
    return {path: reading.links(path) for path in sources.paths}


@pytest.mark.parametrize("jobs", [2, 3, 64])
def test_as_many_processes_read_the_same(sources: Sources, jobs: int) -> None:
    assert everything(sources, jobs) == everything(sources, 1)


def _half(packed: Callable[..., bytes], reading: Reading, paths: Sequence[str]) -> bytes:
    given = packed(reading, paths)
    return given[: len(given) // 2]


def _fewer(packed: Callable[..., bytes], reading: Reading, paths: Sequence[str]) -> bytes:
    return packed(reading, paths[1:])


def _killed(packed: Callable[..., bytes], reading: Reading, paths: Sequence[str]) -> bytes:
    os.kill(os.getpid(), 9)
    return packed(reading, paths)


def _failing(packed: Callable[..., bytes], reading: Reading, paths: Sequence[str]) -> bytes:
    raise MemoryError


@pytest.mark.parametrize("trouble", [_half, _fewer, _killed, _failing])
def test_what_another_process_does_not_read_is_read_here(
    trouble: Callable[..., bytes], sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = everything(sources, 1)
    packed = Reading._packed
    monkeypatch.setattr(Reading, "_packed", lambda reading, paths: trouble(packed, reading, paths))
    assert everything(sources, 2) == alone


def test_what_several_processes_read_is_kept(sources: Sources, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "cache", tmp_path / "project")
    first = Facts(folder)
    alone = everything(sources, 3, first)
    first.save()
    second = Facts(folder)
    known = [path for path in sources.paths if second.has(path, sources.content(path))]
    assert {*sources.paths} - {*known} == {"broken.py", "large.py", "surrogate.py"}
    assert everything(sources, 3, second) == alone
