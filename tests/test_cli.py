"""The contract of the command line: options, output, exit codes, and what becomes of files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path
from textwrap import dedent

import jsonschema
import pytest

from tests.projects import findings, project
from tests.run import fastmigrate

MAIN = """
    import requests
    from fastapi import FastAPI

    app = FastAPI()


    @app.get("/")
    async def read():
        return requests.get("http://x").json()
"""
HELD = (
    MAIN
    + """

    @app.get("/held")
    async def held():
        return requests.get("http://x")
"""
)
UNSAFE = (
    MAIN
    + """

    @app.get("/unsafe")
    async def unsafe(any):
        return requests.get("http://x", timeout=any).text
"""
)

SCHEMA = json.loads(files("fastmigrate.report").joinpath("schema.json").read_text(encoding="utf-8"))


# -- exit codes and reports


def test_nothing_to_report(tmp_path: Path) -> None:
    project(tmp_path, main="print('hello')\n")
    run = fastmigrate(cwd=tmp_path)
    assert (run.code, run.stdout, run.stderr) == (0, "No findings in 1 file.\n", "")


def test_text_names_the_call_the_endpoint_and_the_fix(tmp_path: Path) -> None:
    project(tmp_path, main=HELD)
    run = fastmigrate(cwd=tmp_path)
    assert run.code == 1
    assert "main.py:10:12: FM101 `requests.get` blocks the event loop in `main.read`" in run.stdout
    assert "    GET /  main.read (main.py:9)" in run.stdout
    assert "    fix: safe, with --fix" in run.stdout
    assert "    no fix: the response is returned in line 15" in run.stdout
    assert "1 can be fixed with --fix, 1 held. 2 findings left." in run.stdout


def test_concise_is_a_line_for_each_finding(tmp_path: Path) -> None:
    project(tmp_path, main=HELD)
    lines = fastmigrate("--output-format", "concise", cwd=tmp_path).stdout.splitlines()
    assert [line.partition(" ")[0] for line in lines[:2]] == ["main.py:10:12:", "main.py:15:12:"]


def test_json_is_as_promised(tmp_path: Path) -> None:
    project(tmp_path, main=HELD + UNSAFE.removeprefix(MAIN))
    checked = json.loads(fastmigrate("--output-format", "json", cwd=tmp_path).stdout)
    jsonschema.validate(checked, SCHEMA)
    assert checked["summary"] == {"files": 1, "findings": 3, "fixed": 0, "held": 1}
    assert checked["changed"] == []

    run = fastmigrate("--output-format", "json", "--fix", cwd=tmp_path)
    fixed = json.loads(run.stdout)
    jsonschema.validate(fixed, SCHEMA)
    assert run.code == 1
    assert fixed["fixed"] == [checked["findings"][0]]
    assert fixed["changed"] == ["main.py"]
    assert fixed["summary"] == {"files": 1, "findings": 2, "fixed": 1, "held": 1}
    text = (tmp_path / "main.py").read_text().splitlines()
    assert all("requests.get" in text[finding["line"] - 1] for finding in fixed["findings"])


def test_paths_are_relative_to_the_current_folder(tmp_path: Path) -> None:
    project(tmp_path / "x", app__main=MAIN)
    (tmp_path / "x" / "docs").mkdir()
    assert [f["path"] for f in findings(tmp_path / "x" / "app")] == ["main.py"]
    run = fastmigrate("--output-format", "json", "../app", cwd=tmp_path / "x" / "docs")
    assert json.loads(run.stdout)["findings"][0]["path"] == "../app/main.py"


def test_summary_counts_what_was_fixed_and_why_the_rest_was_not(tmp_path: Path) -> None:
    project(tmp_path, main=HELD + UNSAFE.removeprefix(MAIN))
    run = fastmigrate("--fix", cwd=tmp_path)
    assert "1 fixed in 1 file, 1 held, 1 needs --unsafe-fixes. 2 findings left." in run.stdout
    assert "  held (1): the response is returned in line" in run.stdout
    assert run.code == 1


def test_unsafe_fixes_are_made_on_demand(tmp_path: Path) -> None:
    project(tmp_path, main=UNSAFE)
    run = fastmigrate("--fix", "--unsafe-fixes", cwd=tmp_path)
    assert run.code == 0
    first, note, *reasons = run.stdout.splitlines()
    assert first == "2 fixed in 1 file."
    assert note == "  note: main.py now needs httpx: declare it among the dependencies."
    assert [reason.split(":")[0] for reason in reasons] == ["  look at (1)"]


def test_a_folder_without_python_is_worth_a_word(tmp_path: Path) -> None:
    run = fastmigrate(cwd=tmp_path)
    assert run.code == 0
    assert run.stderr == "fastmigrate: there are no Python files in .\n"


def test_exit_zero_and_statistics(tmp_path: Path) -> None:
    project(tmp_path, main=HELD)
    run = fastmigrate("--exit-zero", "--statistics", cwd=tmp_path)
    assert run.code == 0
    assert run.stdout.splitlines()[0] == "     2  FM101  blocking-requests-call  (1 safe, 0 unsafe, 1 held)"


def test_output_file(tmp_path: Path) -> None:
    project(tmp_path, main=MAIN)
    run = fastmigrate("--output-format", "json", "--output-file", "report.json", cwd=tmp_path)
    assert (run.code, run.stdout) == (1, "")
    jsonschema.validate(json.loads((tmp_path / "report.json").read_text()), SCHEMA)


def test_explain() -> None:
    run = fastmigrate("--explain", "fm101", cwd=Path())
    assert run.code == 0
    assert run.stdout.startswith("FM101 blocking-requests-call\n")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--select", "FM1,XX9"], "there is no rule 'XX9'"),
        (["--ignore", "FM777"], "there is no rule 'FM777'"),
        (["--explain", "FM000"], "there is no rule 'FM000'"),
        (["nowhere.py"], "nowhere.py"),
        (["--unsafe-fixes"], "--unsafe-fixes does nothing without --fix or --diff"),
        (["--no-such-option"], "--no-such-option"),
        (["--output-format", "xml"], "xml"),
        (["--output-file", "nowhere/x"], "nowhere/x"),
    ],
)
def test_wrong_usage(args: list[str], message: str, tmp_path: Path) -> None:
    project(tmp_path, main=MAIN)
    run = fastmigrate(*args, cwd=tmp_path)
    assert run.code == 2
    assert message in run.stderr
    assert run.stdout == ""
    assert "Traceback" not in run.stderr


def test_version_and_help_import_little() -> None:
    code = "import sys; sys.argv = ['fastmigrate', '{}']\nimport fastmigrate.cli\ntry: fastmigrate.cli.main()\n"
    code += "except SystemExit: print(sorted(set(sys.modules) & {{'libcst', 'rich', 'pathspec', 'tomllib'}}))"
    for option in ("--version", "--help"):
        done = subprocess.run([sys.executable, "-c", code.format(option)], capture_output=True, text=True, check=True)
        assert done.stdout.endswith("[]\n"), done.stdout


def test_a_check_does_not_import_libcst(tmp_path: Path) -> None:
    project(tmp_path, main=MAIN)
    code = "import sys; sys.argv = ['fastmigrate']\nimport fastmigrate.cli\ntry: fastmigrate.cli.main()\n"
    code += "except SystemExit: print('libcst' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("False\n")


# -- which findings


def test_select_and_ignore(tmp_path: Path) -> None:
    project(tmp_path, main=MAIN)
    assert findings(tmp_path, "--ignore", "FM1") == []
    assert findings(tmp_path, "--select", "FM900") == []
    (tmp_path / "broken.py").write_text("import requests\n(")
    assert [f["code"] for f in findings(tmp_path, "--select", "FM101")] == ["FM900", "FM101"]
    assert [f["code"] for f in findings(tmp_path, "--ignore", "FM900")] == ["FM101"]
    (tmp_path / "broken.py").unlink()
    assert len(findings(tmp_path, "--select", "FM1,FM9")) == 1
    assert len(findings(tmp_path, "--select", "ALL", "--ignore", "FM9")) == 1
    assert len(findings(tmp_path, "--select", "FM101", "--ignore", "FM1")) == 1


def test_paths_choose_findings_and_their_fix_edits_other_files(tmp_path: Path) -> None:
    routes = """
        import requests
        from fastapi import APIRouter
        router = APIRouter()
        @router.get("/r")
        async def r(): return requests.get("http://x").json()
    """
    main = MAIN.replace(
        "app = FastAPI()", "from app import routes\n    app = FastAPI()\n    app.include_router(routes.router)"
    )
    project(tmp_path, app__main=main, app__routes=routes)
    assert len(findings(tmp_path)) == 2
    assert [f["path"] for f in findings(tmp_path, "app/routes.py")] == ["app/routes.py"]

    run = fastmigrate("--fix", "--output-format", "json", "app/routes.py", cwd=tmp_path)
    assert json.loads(run.stdout)["changed"] == ["app/main.py", "app/routes.py"]
    assert run.code == 0
    assert [f["path"] for f in findings(tmp_path)] == ["app/main.py"]

    # the client that is there now serves the rest, too
    fastmigrate("--fix", cwd=tmp_path)
    text = (tmp_path / "app" / "main.py").read_text()
    assert text.count("AsyncClient(") == 1
    assert findings(tmp_path) == []


def test_projects_are_separate(tmp_path: Path) -> None:
    project(tmp_path / "a", main=MAIN)
    project(tmp_path / "b", main=MAIN)
    assert [f["path"] for f in findings(tmp_path, "a", "b/main.py")] == ["a/main.py", "b/main.py"]


def test_configuration(tmp_path: Path) -> None:
    project(tmp_path, main=MAIN, old__main=MAIN, skipped=MAIN)
    config = '[tool.fastmigrate]\nexclude = ["skipped.py"]\n[tool.fastmigrate.per-file-ignores]\n"old/" = ["FM1"]\n'
    (tmp_path / "pyproject.toml").write_text(config)
    assert [f["path"] for f in findings(tmp_path)] == ["main.py"]
    (tmp_path / "other.toml").write_text('[tool.fastmigrate]\nignore = ["FM101"]\noutput-format = "json"\n')
    assert json.loads(fastmigrate("--config", "other.toml", cwd=tmp_path).stdout)["findings"] == []


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("[tool.fastmigrate]\nselct = ['FM1']", "selct: there is no such setting (`select`, perhaps?)"),
        ("[tool.fastmigrate]\nfallback = 'x'", "fallback must be thread"),
        (
            "[tool.fastmigrate.client-settings]\nlimits = {max_conn = 1}",
            "limits: there is no 'max_conn'; there are max_",
        ),
        (
            "[tool.fastmigrate.client-settings]\nlimits = {max_connections = 0}",
            "max_connections must be a number above 0",
        ),
        ("[tool.fastmigrate]\nselect = ['XX']", "there is no rule 'XX'"),
        ("[tool.fastmigrate]\nfix = 'yes'", "fix must be true or false"),
        ("[tool.fastmigrate]\nexclude = [1]", "exclude must be a list of strings"),
        ("[tool.fastmigrate]\noutput-format = 'xml'", "output-format must be one of"),
        ("[tool.fastmigrate", "pyproject.toml: "),
        ("[tool]\nfastmigrate = 1", "is not a table"),
    ],
)
def test_broken_configuration(config: str, message: str, tmp_path: Path) -> None:
    project(tmp_path, main=MAIN)
    (tmp_path / "pyproject.toml").write_text(config)
    run = fastmigrate("--fix", cwd=tmp_path)
    assert run.code == 2
    assert message in run.stderr
    assert (tmp_path / "main.py").read_text() == dedent(MAIN)


def test_ignored_folders_are_not_read(tmp_path: Path) -> None:
    names = {".venv/x/main", "node_modules/main", "generated/main", "kept/main"}
    project(tmp_path, **dict.fromkeys(names, MAIN))
    (tmp_path / ".gitignore").write_text("/generated\n")
    assert [f["path"] for f in findings(tmp_path)] == ["kept/main.py"]


# -- unreadable files


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (b"import requests\ndef f(:\n", 2, "cannot be parsed"),
        (b"import requests\nx = '\xe9'\n", 1, "byte 0xe9 in line 2 is not utf-8"),
        (b"# coding: nonsense\nimport requests\n", 1, "cannot be decoded"),
        (b"import requests\n\0\n", 1, "cannot be parsed"),
        (b"import requests\nif 1:\n        x\n    y\n", 4, "cannot be parsed"),
    ],
)
def test_a_broken_file_is_reported_and_the_rest_is_fixed(
    content: bytes, line: int, message: str, tmp_path: Path
) -> None:
    project(tmp_path, main=MAIN)
    (tmp_path / "broken.py").write_bytes(content)
    run = fastmigrate("--fix", "--select", "FM1", "--output-format", "json", cwd=tmp_path)
    result = json.loads(run.stdout)
    assert run.code == 1
    assert result["changed"] == ["main.py"]
    (broken,) = result["findings"]
    assert (broken["code"], broken["path"], broken["line"]) == ("FM900", "broken.py", line)
    assert message in broken["message"]
    assert (tmp_path / "broken.py").read_bytes() == content


def test_a_file_for_a_newer_python_is_explained(tmp_path: Path) -> None:
    project(tmp_path, main="import requests\nfuture syntax here\n")
    (finding,) = findings(tmp_path)
    assert f"newer Python than {sys.version_info.major}.{sys.version_info.minor}" in finding["message"]


def test_only_files_that_matter_or_are_named_are_reported(tmp_path: Path) -> None:
    project(tmp_path, unrelated="def f(:\n")
    assert findings(tmp_path) == []
    assert [f["code"] for f in findings(tmp_path, "unrelated.py")] == ["FM900"]


# -- writing


def test_diff_is_what_fix_does(tmp_path: Path) -> None:
    one, other = project(tmp_path / "one", main=HELD), project(tmp_path / "other", main=HELD)
    for content in (b"\xef\xbb\xbf", b""):
        for folder in (one, other):
            text = dedent(MAIN).replace("\n", "\r\n").rstrip().encode()
            (folder / f"windows{len(content)}.py").write_bytes(content + text)
    run = fastmigrate("--diff", "--fix", cwd=one)
    assert run.code == 1
    assert run.stdout.startswith("--- a/main.py\n+++ b/main.py\n")
    assert "1 held" in run.stderr and "would be fixed" in run.stderr
    assert (one / "main.py").read_text() == dedent(HELD)

    subprocess.run(["git", "init", "-q"], cwd=one, check=True)
    subprocess.run(["git", "apply", "--whitespace=nowarn", "-"], input=run.raw, cwd=one, check=True)
    fastmigrate("--fix", cwd=other)
    for path in other.glob("*.py"):
        assert (one / path.name).read_bytes() == path.read_bytes(), path


def test_diff_without_changes(tmp_path: Path) -> None:
    project(tmp_path, main="import requests\n")
    run = fastmigrate("--diff", cwd=tmp_path)
    assert (run.code, run.raw) == (0, b"")


def test_modes_and_links_stay(tmp_path: Path) -> None:
    folder = project(tmp_path / "x", main=MAIN)
    (folder / "main.py").chmod(0o750)
    (tmp_path / "real.py").write_bytes((folder / "main.py").read_bytes())
    (folder / "linked.py").symlink_to(tmp_path / "real.py")
    assert fastmigrate("--fix", cwd=folder).code == 0
    assert (folder / "main.py").stat().st_mode & 0o777 == 0o750
    assert (folder / "linked.py").is_symlink()
    assert "AsyncClient" in (tmp_path / "real.py").read_text()
    assert sorted(path.name for path in folder.iterdir()) == ["linked.py", "main.py", "pyproject.toml"]


def test_a_read_only_file_keeps_everything_from_being_written(tmp_path: Path) -> None:
    project(tmp_path, a=MAIN, b=MAIN)
    (tmp_path / "b.py").chmod(0o444)
    run = fastmigrate("--fix", cwd=tmp_path)
    assert run.code == 2
    assert "b.py: is read-only; nothing was changed" in run.stderr
    assert (tmp_path / "a.py").read_text() == (tmp_path / "b.py").read_text() == dedent(MAIN)


def test_ctrl_c(tmp_path: Path) -> None:
    project(tmp_path, main=MAIN)
    hang = "import fastmigrate.pipeline as p, fastmigrate.cli as c, signal, time\n"
    hang += "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # also where pytest runs with it ignored
    hang += "p.run_project = lambda *a: (print('ready', flush=True), time.sleep(30))\nc.main(['.'])"
    with subprocess.Popen(
        [sys.executable, "-c", hang], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        time.sleep(0.1)
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(10) == 130
        assert process.stderr.read().endswith(b"fastmigrate: interrupted; no file is left half written\n")


def test_the_client_library_is_the_one_that_is_asked_for(tmp_path: Path) -> None:
    project(tmp_path, main=MAIN)
    assert "import httpx\n" in fastmigrate("--diff", cwd=tmp_path).stdout
    assert "import httpx2\n" in fastmigrate("--diff", "--client", "httpx2", cwd=tmp_path).stdout
    assert fastmigrate("--diff", "--client", "aiohttp", cwd=tmp_path).code == 2

    settings = tmp_path / "pyproject.toml"
    settings.write_text('[tool.fastmigrate]\nclient = "httpx2"\n')
    assert "import httpx2\n" in fastmigrate("--diff", cwd=tmp_path).stdout
    settings.write_text('[tool.fastmigrate]\nclient = "aiohttp"\n')
    wrong = fastmigrate(cwd=tmp_path)
    assert wrong.code == 2
    assert "client must be one of httpx, httpx2" in wrong.stderr


@pytest.mark.parametrize(
    ("files", "library"),
    [
        ({"other": "import httpx2\n"}, "httpx2"),
        ({"other": "from httpx2 import AsyncClient\n"}, "httpx2"),
        ({"other": "import httpx2\nimport httpx\n"}, "httpx"),
        ({"other": "import httpx2_fake\n"}, "httpx"),
        ({"tests/test_it": "import httpx2\n"}, "httpx"),
    ],
)
def test_the_client_library_is_the_one_that_the_project_imports(
    files: dict[str, str], library: str, tmp_path: Path
) -> None:
    project(tmp_path, main=MAIN, **files)
    assert f"import {library}\n" in fastmigrate("--diff", cwd=tmp_path).stdout


def test_what_is_left_of_a_patch_stands_where_the_files_have_it(tmp_path: Path) -> None:
    """Nothing is written, so no line has moved; what the patch would bring is counted."""
    project(tmp_path, main=HELD)
    (tmp_path / "tests").mkdir()
    test = "from fastapi.testclient import TestClient\nfrom main import app\n\nclients = [TestClient(app)]\n"
    (tmp_path / "tests/test_main.py").write_text(test)
    run = fastmigrate("--diff", cwd=tmp_path)
    assert "\nmain.py:15:12: FM101" in f"\n{run.stderr}"
    assert "    15 |     return requests.get" in run.stderr
    assert "  note: with these fixes come findings of what they make stale: FM501 (1).\n" in run.stderr


def test_a_patch_of_files_above_the_folder_is_told_of(tmp_path: Path) -> None:
    lib = "import requests\n\n\ndef load():\n    return requests.get('http://x', timeout=5).text\n"
    head = "from fastapi import FastAPI\nfrom sub.lib import load\n\napp = FastAPI()\n\n\n"
    project(tmp_path, main=f"{head}@app.get('/')\nasync def read():\n    return load()\n", sub__lib=lib)
    run = fastmigrate("--diff", cwd=tmp_path / "sub")
    assert run.stderr.endswith(f"for a patch that git takes, run it in {tmp_path}\n")
    assert "for a patch" not in fastmigrate("--diff", cwd=tmp_path).stderr


ROUNDS = """
    from concurrent.futures import ThreadPoolExecutor

    import requests
    from fastapi import FastAPI

    app = FastAPI()

    def admin():
        return requests.get("http://x/users", timeout=3).json()

    def status(name, proxies):
        return requests.get(f"http://x/{name}", timeout=5, proxies=proxies).json(), admin()

    @app.get("/a")
    async def a():
        one = requests.get("http://x/a", timeout=3).json()
        return one, requests.get("http://x/b", timeout=3).json(), admin()

    @app.get("/v")
    async def v(p: str):
        with ThreadPoolExecutor() as pool:
            futures = [pool.submit(status, name, {"http": p}) for name in "abc"]
            return [future.result() for future in futures]
"""


def test_what_can_be_fixed_once_another_fix_is_made_is_fixed_with_it(tmp_path: Path) -> None:
    """A pool that becomes tasks leaves its function to threads: the path operation gets a twin of it."""
    project(tmp_path, main=ROUNDS)
    (tmp_path / "pyproject.toml").write_text('[tool.fastmigrate]\nfallback = "thread"\n')
    before = json.loads(fastmigrate("--output-format", "json", cwd=tmp_path).stdout)["findings"]
    assert [finding["fix"]["applicability"] for finding in before] == ["none", "safe", "safe", "safe"]
    report = json.loads(fastmigrate("--fix", "--output-format", "json", cwd=tmp_path).stdout)
    places = [(finding["line"], finding["column"]) for finding in before]
    assert sorted((finding["line"], finding["column"]) for finding in report["fixed"]) == sorted(places)
    assert report["findings"] == []
    assert "await admin_async(client)" in (tmp_path / "main.py").read_text()
    assert fastmigrate("--fix", cwd=tmp_path).code == 0
