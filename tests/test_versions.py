"""Pins below which a lifespan hands out no state, and declared dependencies."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastmigrate.project.declarations import Declarations
from fastmigrate.project.versions import too_old
from fastmigrate.sources import Sources

OLD = {
    "requirements.txt": [
        "fastapi==0.70.0",
        "starlette>=0.14,<0.26.0",
        "uvicorn[standard]~=0.20.0 ; python_version>'3'",
    ],
    "requirements-dev.in": ["x\nfastapi >=0.68, <0.94"],
    "pyproject.toml": ['[project]\ndependencies = [\n  "fastapi<0.94.0",\n]', '[tool.poetry]\nfastapi = "^0.93"'],
    "Pipfile": ['fastapi = {version = "==0.90", extras = ["all"]}'],
}
NEW = {
    "requirements.txt": [
        "fastapi==0.94.0",
        "fastapi",
        "fastapi>=0.60",
        "fastapi<1",
        "uvicorn==0.21",
        "fastapi-users==0.1",
        "fastapi==0.115.0 --hash=sha256:00",
    ],
    "pyproject.toml": ['fastapi = "*"', 'fastapi = "^0.115"', 'dependencies = ["fastapi[standard]>=0.115,<0.116"]'],
}


def _declared(root: Path) -> Declarations:
    return Declarations(Sources(root))


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in OLD.items() for text in texts])
def test_old(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    reason = too_old(_declared(tmp_path), "app/main.py")
    assert reason is not None
    assert f" in {name}:" in reason


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in NEW.items() for text in texts])
def test_new(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    assert too_old(_declared(tmp_path), "app/main.py") is None


def test_files_of_another_service_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "requirements.txt").write_text("fastapi==0.70.0")
    assert too_old(_declared(tmp_path), "app/main.py") is None
    assert too_old(_declared(tmp_path), "other/main.py") is not None


def test_a_file_as_some_shells_write_it(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_bytes("fastapi==0.70.0\r\nhttpx==0.28.1\r\n".encode("utf-16"))
    assert too_old(_declared(tmp_path), "main.py") is not None
    assert _declared(tmp_path).mention("main.py", "httpx") is True


def test_declared(tmp_path: Path) -> None:
    assert _declared(tmp_path).mention("main.py", "httpx") is None
    (tmp_path / "requirements.txt").write_text("httpx2\npytest-httpx\n")
    assert _declared(tmp_path).mention("main.py", "httpx") is False
    (tmp_path / "pyproject.toml").write_text('dependencies = ["httpx>=0.28"]')
    assert _declared(tmp_path).mention("main.py", "httpx") is True
