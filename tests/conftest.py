"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True, scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of their own for the tests, which neither use nor change that of the user."""
    folder = tmp_path_factory.mktemp("cache")
    os.environ["FASTMIGRATE_CACHE_DIR"] = str(folder)
    yield folder
    del os.environ["FASTMIGRATE_CACHE_DIR"]
