"""The cache: a run that uses it says what a run without it says, whatever has become of it meanwhile."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fastmigrate.cache.facts import Facts
from fastmigrate.cache.folder import Folder, cache_of
from fastmigrate.facts.links import read_links
from fastmigrate.facts.packing import pack
from fastmigrate.sources import Sources
from tests.projects import project
from tests.run import Run, fastmigrate

APP = """
import requests
from fastapi import FastAPI
from lib import url

app = FastAPI()

@app.get("/")
async def read():
    return requests.get(url(), timeout=5).text
"""
LIB = "def url():\n    return 'http://x'\n"
FILES = ("answers", "contents", "facts", "results")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a cache that is empty as yet."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("FASTMIGRATE_CACHE_DIR", str(folder))
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project whose files have not changed for a while."""
    return settled(project(tmp_path / "project", main=APP, lib=LIB))


def settled(root: Path) -> Path:
    """Wait until a change of the files would show."""
    newest = max(file.stat().st_ctime_ns for file in root.rglob("*") if file.is_file())
    time.sleep(max(0, (newest + 2_100_000_000 - time.time_ns()) / 1e9))
    return root


def check(root: Path, *args: str) -> Run:
    return fastmigrate("--output-format", "json", *args, cwd=root)


def kept(cache: Path) -> dict[str, Path]:
    """The files that are kept for the only project."""
    return {file.name: file for file in cache.glob("*/*")}


def is_unchanged(root: Path) -> bool:
    return "nothing has changed" in fastmigrate("-v", "--output-format", "json", cwd=root).stderr


def test_a_second_run_finds_the_same_without_looking(root: Path, cache: Path) -> None:
    first = check(root)
    assert sorted(kept(cache)) == [*FILES]
    assert is_unchanged(root)
    assert check(root).raw == first.raw == check(root, "--no-cache").raw
    assert first.code == check(root).code == 1


@pytest.mark.parametrize("name", ["text", "concise", "json", "sarif", "github", "gitlab", "rdjson"])
def test_every_format_says_the_same(root: Path, cache: Path, name: str) -> None:
    runs = [fastmigrate("--output-format", name, *more, cwd=root) for more in ([], [], ["--no-cache"])]
    assert len({run.raw for run in runs}) == 1
    assert kept(cache)["results"].stat().st_size > 200


def test_no_cache_keeps_nothing(root: Path, cache: Path) -> None:
    check(root, "--no-cache")
    (root / "pyproject.toml").write_text("[tool.fastmigrate]\nno-cache = true\n")
    check(root)
    assert not cache.exists()


@pytest.mark.parametrize(
    ("file", "text", "code"),
    [
        ("main.py", APP.replace("async def", "def"), 0),
        ("lib.py", "def url():\n    return 'http://y'\n", 1),
        ("more.py", "import requests\nasync def f(:\n", 1),
        ("pyproject.toml", '[tool.fastmigrate]\nselect = ["FM3"]\n', 0),
        ("pyproject.toml", '[tool.fastmigrate]\nexclude = ["main.py"]\n', 0),
        ("requirements.txt", "fastapi==0.80\n", 1),
        (".gitignore", "main.py\n", 0),
    ],
)
def test_what_changes_is_seen(root: Path, cache: Path, file: str, text: str, code: int) -> None:
    before = check(root)
    (root / file).write_text(text)
    after = check(root)
    assert after.code == code
    assert after.raw != before.raw or file == "lib.py"
    assert after.raw == check(root, "--no-cache").raw


APART = {"apart/one": "x = 1\n", "apart/two": "import json\n", "third/it": "y = 2\n"}


def matters(run: Run) -> bool:
    """Whether a run looked at the project, and not only for what has changed."""
    return "findings in all files" in run.stderr or "finding in all files" in run.stderr


@pytest.mark.parametrize(
    ("file", "text", "is_looked_at"),
    [
        ("apart/one.py", "x = 2\n", False),
        ("apart/one.py", "import main\n", True),
        ("apart/one.py", "import third.it\n", False),
        ("apart/one.py", "import requests\ndef f(:\n", True),
        ("apart/one.py", "import requests\n", False),
        ("apart/more.py", "z = 3\n", True),  # a name that an import may mean
        ("lib.py", LIB + "\n", True),
        ("requirements.txt", "fastapi\n", True),
    ],
)
def test_what_cannot_matter_is_no_reason_to_look_again(
    tmp_path: Path, cache: Path, file: str, text: str, is_looked_at: bool
) -> None:
    root = settled(project(tmp_path / "project", main=APP, lib=LIB, **APART))
    check(root)
    (root / file).write_text(text)
    again = check(root, "-v")
    assert matters(again) == is_looked_at
    assert again.raw == check(root, "--no-cache").raw
    settled(root)
    (root / file).unlink()
    assert check(root).raw == check(root, "--no-cache").raw


def test_answers_are_those_of_the_contents_beside_them(tmp_path: Path, cache: Path) -> None:
    """A run that ends before it has kept its answers leaves those of the contents before."""
    root = settled(project(tmp_path / "project", main=APP, lib=LIB, **APART))
    check(root)
    old = kept(cache)["answers"].read_bytes()
    (root / "apart/one.py").write_text("import main\nimport requests\ndef f(:\n")
    settled(root)
    first = check(root)
    kept(cache)["answers"].write_bytes(old)
    kept(cache)["results"].unlink()
    assert check(root).raw == first.raw == check(root, "--no-cache").raw
    assert "FM900" in first.stdout


@pytest.mark.parametrize("file", ["apart/one.py", "tests/test_main.py"])
def test_what_is_wrong_with_a_file_that_cannot_matter_is_kept_with_it(file: str, tmp_path: Path, cache: Path) -> None:
    root = project(tmp_path / "project", main=APP, lib=LIB, **APART)
    (root / file).parent.mkdir(exist_ok=True)
    (root / file).write_text("import requests\ndef f(:\n")
    settled(root)
    assert check(root).raw == check(root).raw == check(root, "--no-cache").raw
    (root / file).write_text("import requests\n\ndef f(:\n")
    settled(root)
    again = check(root)
    assert again.raw == check(root, "--no-cache").raw
    assert '"line": 3' in again.stdout
    (root / file).write_text("import requests\n")
    settled(root)
    assert check(root).raw == check(root, "--no-cache").raw


def test_a_file_that_is_gone_is_gone(root: Path, cache: Path) -> None:
    check(root)
    (root / "main.py").unlink()
    assert check(root).code == 0


def test_a_change_that_keeps_size_and_time_is_seen(root: Path, cache: Path) -> None:
    check(root)
    file = root / "main.py"
    before = file.stat()
    file.write_text(file.read_text().replace("requests.get", "requests.put"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == before.st_size
    assert "requests.put" in check(root).stdout


def test_a_change_right_after_the_look_is_seen(tmp_path: Path, cache: Path) -> None:
    """A clock may not tell the two apart, so what has just changed is looked at again."""
    root = project(tmp_path / "project", main=APP, lib=LIB)
    check(root)
    saved = Folder(next(cache.iterdir()), root).load("contents") or b""
    assert b"main.py" not in saved


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "garbage", "longer", "folder", "link", "other"])
def test_damage_changes_no_result(root: Path, cache: Path, name: str, damage: str) -> None:
    """Each file is damaged in turn, and the next run both says the same and mends it."""
    first = check(root)
    file = kept(cache)[name]
    whole = file.read_bytes()
    match damage:
        case "empty":
            file.write_bytes(b"")
        case "cut":
            file.write_bytes(whole[:-7])
        case "flipped":
            file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        case "garbage":
            file.write_bytes(os.urandom(len(whole)))
        case "longer":
            file.write_bytes(whole + b"x")
        case "folder":
            file.unlink()
            file.mkdir()
        case "link":
            file.rename(file.with_suffix(".moved"))
            file.symlink_to(file.with_suffix(".moved"))
        case "other":  # which is whole, but says something else
            file.write_bytes(kept(cache)["results" if name != "results" else "facts"].read_bytes())
    assert check(root).raw == first.raw
    assert check(root).raw == first.raw


def test_what_is_kept_for_another_project_is_not_taken(root: Path, tmp_path: Path, cache: Path) -> None:
    other = settled(project(tmp_path / "other", main=APP.replace("async def", "def"), lib=LIB))
    check(root)
    mine = next(cache.iterdir())
    check(other)
    (theirs,) = (folder for folder in cache.iterdir() if folder != mine)
    shutil.rmtree(mine)
    shutil.copytree(theirs, mine)
    assert check(root).code == 1


def test_what_another_version_has_kept_is_not_taken(root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = cache_of(root)
    assert folder is not None
    folder.save("facts", b"something")
    assert cache_of(root).load("facts") == b"something"  # type: ignore[union-attr]
    monkeypatch.setattr("fastmigrate.cache.folder.__version__", "0.0.0")
    assert cache_of(root).load("facts") is None  # type: ignore[union-attr]


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX's")
@pytest.mark.parametrize("what", ["folder", *FILES])
def test_what_others_can_write_is_not_taken(root: Path, cache: Path, what: str) -> None:
    check(root)
    folder = next(cache.iterdir())
    (folder if what == "folder" else folder / what).chmod(0o777)
    assert cache_of(root).load("facts" if what == "folder" else what) is None  # type: ignore[union-attr]
    assert check(root).code == 1


@pytest.mark.skipif(os.name == "nt" or os.getuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("what", ["folder", *FILES])
def test_what_is_somebody_elses_is_not_taken(root: Path, cache: Path, what: str) -> None:
    check(root)
    folder = next(cache.iterdir())
    os.chown(folder if what == "folder" else folder / what, 12345, 12345)
    assert cache_of(root).load("facts" if what == "folder" else what) is None  # type: ignore[union-attr]
    assert check(root).code == 1


@pytest.mark.parametrize("place", ["/dev/null/cache", "/proc/nowhere", "file"])
def test_without_a_place_there_is_none(root: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    run = fastmigrate("--output-format", "json", cwd=root, FASTMIGRATE_CACHE_DIR=str(tmp_path / place))
    assert (run.code, run.stderr) == (1, "")
    assert run.raw == check(root, "--no-cache").raw


def test_a_full_disk_is_no_obstacle(root: Path, cache: Path) -> None:
    limited = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10)); sys.argv[0] = 'fastmigrate'; "
    limited += "from fastmigrate.cli import main; main(['--output-format', 'concise'])"
    run = subprocess.run([sys.executable, "-c", limited], cwd=root, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (1, "")
    assert kept(cache) == {}
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 10


def test_runs_at_once_do_not_hurt_each_other(root: Path, cache: Path) -> None:
    alone = check(root, "--no-cache")
    command = [sys.executable, "-m", "fastmigrate", "--output-format", "json"]
    for _ in range(3):
        runs = [subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE) for _ in range(4)]
        assert {run.communicate()[0] for run in runs} == {alone.raw}
    assert sorted(kept(cache)) == [*FILES]


def test_the_number_of_projects_is_bounded(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastmigrate.cache.folder._PROJECTS", 3)
    for number in range(6):
        folder = cache_of(tmp_path / str(number))
        assert folder is not None
        folder.save("facts", b"x")
        os.utime(folder.path, (number, number))
    assert [cache_of(tmp_path / str(n)).load("facts") for n in range(6)] == [None] * 3 + [b"x"] * 3  # type: ignore[union-attr]


def test_only_what_was_asked_for_last_is_kept(tmp_path: Path, cache: Path) -> None:
    root = project(tmp_path / "project", a="x = 1\n", b="y = 2\n")
    sources, folder = Sources(root), cache_of(root)
    links = {path: read_links(path, sources.parse(sources.decode(path))) for path in sources.paths}
    first = Facts(folder)
    for path, found in links.items():
        first.keep(path, sources.read(path), pack(found))
    first.save()
    second = Facts(folder)
    assert second.links("a.py", b"x = 1\n") == links["a.py"]
    assert second.links("a.py", b"x = 2\n") is None
    second.save()
    third = Facts(folder)
    assert third.links("a.py", b"x = 1\n") == links["a.py"]
    assert third.links("b.py", b"y = 2\n") is None


@pytest.mark.parametrize(
    "text",
    ["x = 123456789012345678901234567890\n", "x = b'\\xff'\ny = 1.5\nz = None\n", "x = '\\udc80'\n", "x = 1j\n"],
)
def test_all_constants_can_be_kept_or_are_read_again(tmp_path: Path, cache: Path, text: str) -> None:
    root = project(tmp_path / "project", a=text)
    sources, folder = Sources(root), cache_of(root)
    links = read_links("a.py", sources.parse(sources.decode("a.py")))
    facts = Facts(folder)
    facts.keep("a.py", sources.read("a.py"), pack(links))
    facts.save()
    assert Facts(folder).links("a.py", sources.read("a.py")) in (None, links)


def test_a_fix_does_not_need_the_result_of_a_check(root: Path, cache: Path) -> None:
    check(root)
    fastmigrate("--fix", cwd=root)
    assert "await client.get" in (root / "main.py").read_text()
    assert check(root).code == 0


def test_what_lies_outside_of_the_pattern_is_not_trusted(root: Path, cache: Path) -> None:
    """A list of requirements may include a file of any name: what it says decides, and no change of it would show."""
    (root / "requirements.txt").write_text("-r deps/base\nfastapi\n")
    (root / "deps").mkdir()
    (root / "deps/base").write_text("httpx\n")
    settled(root)
    check(root)
    assert not is_unchanged(root)


def test_a_list_that_is_not_there_yet_decides_too(root: Path, cache: Path) -> None:
    (root / "requirements.txt").write_text("fastapi\nrequests\n-r more.txt\n")
    settled(root)
    before = check(root)
    (root / "more.txt").write_text("httpx\n")
    after = check(root)
    assert after.raw == check(root, "--no-cache").raw != before.raw


def test_what_changes_during_a_run_is_not_kept(root: Path, cache: Path) -> None:
    """The file is as it was before, by the time of the next run."""
    whole = (root / "main.py").read_text()
    change = "import pathlib, fastmigrate.pipeline as p, fastmigrate.cli as c\n"
    change += "look, file = p._Pipeline._search, pathlib.Path('main.py')\n"
    change += "def late(*given):\n    file.write_text('import fastapi\\n')\n    return look(*given)\n"
    change += "p._Pipeline._search = late\nc.main(['--output-format', 'json'])\n"
    subprocess.run([sys.executable, "-c", change], cwd=root, capture_output=True, check=True)
    assert (root / "main.py").read_text() != whole
    (root / "main.py").write_text(whole)
    assert check(root).raw == check(root, "--no-cache").raw
    assert check(root).code == 1


def test_what_a_killed_run_has_left_goes(root: Path, cache: Path) -> None:
    check(root)
    folder = next(cache.iterdir())
    for name, age in (("facts.0123", 7200), ("facts.4567", 0)):
        (folder / name).write_text("")
        os.utime(folder / name, (time.time() - age, time.time() - age))
    (root / "lib.py").write_text(LIB + "\n")
    check(root)
    assert sorted(file.name for file in folder.iterdir() if "." in file.name) == ["facts.4567"]


def test_a_project_that_is_looked_at_is_among_the_last(root: Path, cache: Path) -> None:
    check(root)
    folder = next(cache.iterdir())
    os.utime(folder, (0, 0))
    check(root)
    assert folder.stat().st_mtime > 0
