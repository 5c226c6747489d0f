"""All changed files are written, or none."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastmigrate.write import Change, WriteError, write_changes


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / name for name in "abc"]
    for path in paths:
        path.write_bytes(b"old " + path.name.encode())
    return paths


def changes(files: list[Path]) -> dict[Path, Change]:
    return {path: Change(b"old " + path.name.encode(), b"new") for path in files}


def contents(files: list[Path]) -> list[bytes]:
    return [path.read_bytes() for path in files]


def test_writes_all(files: list[Path]) -> None:
    write_changes(changes(files))
    assert contents(files) == [b"new"] * 3
    assert len(list(files[0].parent.iterdir())) == 3


def test_a_file_that_changed_meanwhile_refuses_all(files: list[Path]) -> None:
    files[2].write_bytes(b"edited")
    with pytest.raises(WriteError, match="changed while fastmigrate was running"):
        write_changes(changes(files))
    assert contents(files) == [b"old a", b"old b", b"edited"]


def test_a_file_that_vanished_refuses_all(files: list[Path]) -> None:
    planned = changes(files)
    files[1].unlink()
    with pytest.raises(WriteError, match="No such file"):
        write_changes(planned)
    assert files[0].read_bytes() == b"old a"


@pytest.mark.parametrize("error", [OSError(28, "No space left on device", "c"), KeyboardInterrupt()])
def test_a_failure_halfway_is_rolled_back(
    error: BaseException, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Path.replace

    def failing(self: Path, target: Path) -> Path:
        if target.name == "c" and self.read_bytes() == b"new":
            raise error
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises((WriteError, KeyboardInterrupt)):
        write_changes(changes(files))
    assert contents(files) == [b"old a", b"old b", b"old c"]
    assert len(list(files[0].parent.iterdir())) == 3


def test_a_new_file_is_written(tmp_path: Path) -> None:
    write_changes({tmp_path / "a": Change(None, b"new")})
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_file_that_has_come_meanwhile_refuses_all(files: list[Path]) -> None:
    with pytest.raises(WriteError, match="changed while fastmigrate was running"):
        write_changes({**changes(files[:1]), files[2]: Change(None, b"new")})
    assert contents(files) == [b"old a", b"old b", b"old c"]


@pytest.mark.parametrize("theirs", [None, b"of somebody else"])
def test_a_new_file_goes_if_another_one_fails(
    theirs: bytes | None, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    new = files[0].parent / "0"
    replace = Path.replace

    def failing(self: Path, target: Path) -> Path:
        if target.name == "a":
            if theirs is not None:
                new.write_bytes(theirs)
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(KeyboardInterrupt):
        write_changes({new: Change(None, b"new"), **changes(files)})
    assert (new.read_bytes() if new.exists() else None) == theirs
    assert contents(files) == [b"old a", b"old b", b"old c"]
