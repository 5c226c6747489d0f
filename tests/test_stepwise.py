"""Part by part comes to the same as all at once: what an earlier fix has brought is used by a later one."""

from __future__ import annotations

import filecmp
import json
import shutil
from pathlib import Path

import pytest

from tests.projects import project
from tests.run import fastmigrate

FIXTURES = Path(__file__).parent / "fixtures"


def fixable(folder: Path) -> list[str]:
    report = json.loads(fastmigrate("--output-format", "json", cwd=folder).stdout)
    return sorted({one["path"] for one in report["findings"] if one["fix"]["applicability"] == "safe"})


@pytest.mark.parametrize(
    "name", ["a_shop", "a_news_service", "twins_of_a_chain", "helper_of_sync_code_too", "methods_of_services"]
)
def test_file_by_file(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(FIXTURES / name / "before", folder, ignore=shutil.ignore_patterns("__pycache__"))
    for path in fixable(folder):
        fastmigrate("--fix", path, cwd=folder)
    after = FIXTURES / name / "after"
    paths = [path.relative_to(after) for path in after.rglob("*.py")]
    _, different, missing = filecmp.cmpfiles(after, folder, [str(path) for path in paths], shallow=False)
    assert (different, missing) == ([], [])


SEARCH = {
    "one": "import requests\n\ndef one(q):\n    return requests.get('http://one', timeout=2).text\n",
    "two": "import requests\n\ndef two(q):\n    return requests.get('http://two', timeout=2).text\n",
    "main": """
        from fastapi import BackgroundTasks, FastAPI
        from one import one
        from two import two

        app = FastAPI()

        class Search:
            def any(self, depth, q):
                return self.any(depth - 1, q) if depth else one(q) + two(q)

        def both(q):
            return one(q), two(q), Search().any(1, q)

        def note(q):
            return both(q)

        @app.get("/s")
        async def read(q: str, tasks: BackgroundTasks):
            async def later(q):
                return both(q)
            tasks.add_task(later, q)
            return note(q), await later(q)
    """,
}


def test_helpers_that_have_the_client_use_it(tmp_path: Path) -> None:
    """By parameters, through themselves, methods, and functions within the path operation."""
    stepwise, at_once = project(tmp_path / "a", **SEARCH), project(tmp_path / "b", **SEARCH)
    fastmigrate("--fix", "one.py", cwd=stepwise)
    fastmigrate("--fix", "two.py", cwd=stepwise)
    fastmigrate("--fix", cwd=at_once)
    assert "requests." not in (at_once / "one.py").read_text()
    for name in ("main.py", "one.py", "two.py"):
        assert (stepwise / name).read_text() == (at_once / name).read_text()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return note(q), await later(q)", "return note(httpx.AsyncClient(), q), await later(q)"),
        ("client: httpx.AsyncClient, q", "client: httpx.AsyncClient | None, q"),
        (
            "def both(client: httpx.AsyncClient, q):\n",
            "def both(client: httpx.AsyncClient, q):\n    client = other()\n",
        ),
        ("client: httpx.AsyncClient = request.state.client", "client: httpx.AsyncClient = request.state.other"),
    ],
    ids=["another one is handed over", "or none", "it is replaced", "of another key"],
)
def test_a_client_of_unknown_settings_is_not_used(tmp_path: Path, old: str, new: str) -> None:
    folder = project(tmp_path, **SEARCH)
    fastmigrate("--fix", "one.py", cwd=folder)
    text = (folder / "main.py").read_text()
    changed = text.replace(old, new).replace("return await note(client, q), await", "return await note(x(), q), await")
    assert changed != text
    (folder / "main.py").write_text(changed)
    fastmigrate("--fix", "two.py", cwd=folder)
    assert "http_client" in (folder / "main.py").read_text() or "requests." in (folder / "two.py").read_text()
