"""What other programs read: each format by its schema, or by the rules of those who read it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from fastmigrate.config import FORMATS
from fastmigrate.edits import text_edits
from fastmigrate.report.fingerprints import line_hashes
from fastmigrate.report.sarif import _rule
from fastmigrate.rules import all_rules
from tests.projects import project
from tests.run import fastmigrate

SCHEMA = json.loads((Path(__file__).parent / "schemas/sarif-2.1.0.json").read_text())
LIB = """
import requests

def fetch(name):
    return requests.get(f"http://x/{name}", timeout=5).json()
"""
MAIN = """
import requests
from fastapi import FastAPI
from lib import fetch

app = FastAPI()


@app.get("/a")
async def a(name: str):
    ünicode = "ä"; return requests.get("http://x").text + ünicode


@app.get("/b")
async def b(name: str):
    return fetch(name)


@app.get("/c")
async def c(name: str):
    return requests.get("http://x", verify=name)


@app.get("/d")
async def d(url: str, name: str):
    return requests.get(url, params={"a": name}).text
"""


def report(folder: Path, form: str, *options: str, **environment: str) -> Any:
    run = fastmigrate("--output-format", form, *options, cwd=folder, **environment)
    assert run.stderr == "", run.stderr
    return run.stdout if form == "github" else json.loads(run.stdout)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return project(tmp_path, main=MAIN, lib=LIB)


# -- SARIF


def test_sarif_is_valid(folder: Path) -> None:
    jsonschema.Draft4Validator(SCHEMA).validate(report(folder, "sarif"))
    jsonschema.Draft4Validator(SCHEMA).validate(report(folder, "sarif", "--fix"))


def test_sarif_says_what_code_scanning_shows(folder: Path) -> None:
    run = report(folder, "sarif")["runs"][0]
    rule = run["tool"]["driver"]["rules"][0]
    assert rule["id"] == "FM101"
    assert all(rule[part]["text"] for part in ("shortDescription", "fullDescription", "help"))
    behind, first, held, unsafe = run["results"]
    assert first["locations"][0]["physicalLocation"]["region"] == {
        "startLine": 11,
        "startColumn": 27,
        "endLine": 11,
        "endColumn": 51,
    }
    steps = behind["codeFlows"][0]["threadFlows"][0]["locations"]
    assert [step["location"]["message"]["text"] for step in steps] == ["main.b", "lib.fetch"]
    assert [related["message"]["text"] for related in behind["relatedLocations"]] == ["GET /b"]
    changed = [change["artifactLocation"]["uri"] for change in behind["fixes"][0]["artifactChanges"]]
    assert changed == ["lib.py", "main.py"]
    assert "fixes" not in held
    assert "unsafe" in unsafe["fixes"][0]["description"]["text"]


def test_every_rule_says_what_it_does_and_why() -> None:
    for rule in all_rules().values():
        described = _rule(rule)
        what, why = described["shortDescription"]["text"], described["fullDescription"]["text"]
        assert what.startswith(("Finds ", "Reports ")), rule.code
        assert why and "---" not in what + why, rule.code


def test_fingerprints_stay_when_lines_move(folder: Path) -> None:
    def prints() -> list[str]:
        return [r["partialFingerprints"]["fastmigrate/v1"] for r in report(folder, "sarif")["runs"][0]["results"]]

    before = prints()
    main = folder / "main.py"
    main.write_text("# a new line\n\n" + main.read_text())
    assert prints() == before
    assert len(set(before)) == len(before)


@pytest.mark.parametrize(
    ("text", "hashes"),
    [  # as codeql-action computes them
        ("", ["c129715d7a2bc9a3:1"]),
        (" a\nb\n  \t\tc\n d", ["271789c17abda88f:1", "54703d4cd895b18:1", "180aee12dab6264:1", "a23a3dc5e078b07b:1"]),
        (
            " a\r\nb\r\n  \t\tc\r\n d",
            ["271789c17abda88f:1", "54703d4cd895b18:1", "180aee12dab6264:1", "a23a3dc5e078b07b:1"],
        ),
    ],
)
def test_line_hashes_are_those_of_code_scanning(text: str, hashes: list[str]) -> None:
    assert line_hashes(text)[: len(hashes)] == hashes


def test_lines_that_are_alike_are_counted() -> None:
    first, *_ = line_hashes("x\n" * 300)
    assert [line.partition(":")[2] for line in line_hashes("x\n" * 300)[:3]] == ["1", "2", "3"]
    assert line_hashes("x\n" * 300)[1].startswith(first.partition(":")[0])


# -- edits


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_the_edits_of_a_fix_are_what_the_fix_writes(form: str, folder: Path, tmp_path: Path) -> None:
    (folder / "main.py").write_text(
        MAIN.partition('@app.get("/c")')[0].partition('@app.get("/a")')[0]
        + '@app.get("/b")\nasync def b(name: str):\n    return fetch(name)'
    )
    found = report(folder, form)
    edits = json_edits(found) if form == "json" else sarif_edits(found)
    applied = {path: apply((folder / path).read_text(), changes) for path, changes in edits.items()}
    assert fastmigrate("--fix", cwd=folder).code == 0
    assert applied == {path: (folder / path).read_text() for path in applied}
    assert sorted(applied) == ["lib.py", "main.py"]


def json_edits(found: Any) -> dict[str, list[tuple[int, int, int, int, str]]]:
    (finding,) = found["findings"]
    return {
        path: [(e["line"], e["column"], e["end_line"], e["end_column"], e["text"]) for e in edits]
        for path, edits in finding["edits"].items()
    }


def sarif_edits(found: Any) -> dict[str, list[tuple[int, int, int, int, str]]]:
    (result,) = found["runs"][0]["results"]
    return {
        change["artifactLocation"]["uri"]: [
            (
                *(r["deletedRegion"][k] for k in ("startLine", "startColumn", "endLine", "endColumn")),
                r["insertedContent"]["text"],
            )
            for r in change["replacements"]
        ]
        for change in result["fixes"][0]["artifactChanges"]
    }


def apply(text: str, edits: list[tuple[int, int, int, int, str]]) -> str:
    """The text with the edits, as a program would make them that knows nothing but lines and columns."""
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    for line, column, end_line, end_column, new in reversed(edits):
        start, end = starts[line - 1] + column - 1, starts[end_line - 1] + end_column - 1
        text = text[:start] + new + text[end:]
    return text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a\nb\nc\n", "a\nx\nc\n"),
        ("a\nb", "a\nb\nc"),
        ("a\nb", "a"),
        ("", "a\n"),
        ("a\n", ""),
        ("a", "b"),
        ("a\n\nb\n", "\nb\nc\n"),
        ("same\n", "same\n"),
        ("a\x0cb\nc\n", "a\x0cb\nd\n"),
    ],
)
def test_edits_make_one_text_another(before: str, after: str) -> None:
    edits = [(e.line, e.column, e.end_line, e.end_column, e.text) for e in text_edits(before, after)]
    assert apply(before, edits) == after


# -- GitHub, GitLab, reviewdog


def test_annotations_escape_what_would_end_them(tmp_path: Path) -> None:
    folder = project(
        tmp_path, **{"a,b:c/main": MAIN.replace("from lib import fetch\n", "").partition('@app.get("/b")')[0]}
    )
    (line,) = report(folder, "github").splitlines()
    assert line.startswith(
        "::error title=fastmigrate (FM101),file=a%2Cb%3Ac/main.py,line=10,endLine=10,col=27,endColumn=51::"
    )
    assert "%0A  fix: fastmigrate --fix" in line


def test_the_summary_of_the_job_has_all_findings(folder: Path) -> None:
    summary = folder / "summary.md"
    summary.write_text("before\n")
    lines = report(folder, "github", GITHUB_STEP_SUMMARY=str(summary)).splitlines()
    assert len(lines) == 4
    text = summary.read_text()
    assert text.startswith("before\n### fastmigrate")
    assert text.count("| FM101 |") == 4


def test_more_annotations_than_github_shows_are_announced(tmp_path: Path) -> None:
    calls = "".join(f"    x = requests.get('http://x/{n}').text\n" for n in range(11))
    main = f"import requests\nfrom fastapi import FastAPI\napp = FastAPI()\n@app.get('/')\nasync def f():\n{calls}"
    lines = report(project(tmp_path, main=main), "github").splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["::error"] * 11 + ["::notice"]
    assert "11 findings" in lines[-1]


def test_code_quality_is_an_array_of_issues_that_differ(folder: Path) -> None:
    issues = report(folder, "gitlab")
    assert len({issue["fingerprint"] for issue in issues}) == len(issues) == 4
    assert issues[0]["location"]["path"] == "lib.py"
    assert issues[0]["location"]["positions"]["begin"] == {"line": 5, "column": 12}
    assert {issue["severity"] for issue in issues} == {"major"}


def test_reviewdog_counts_bytes_and_gets_suggestions_within_the_file(folder: Path) -> None:
    found = report(folder, "rdjson")["diagnostics"]
    main = next(d for d in found if d["location"]["path"] == "main.py")
    assert main["location"]["range"]["start"] == {"line": 11, "column": 29}
    assert main["suggestions"]
    lib = next(d for d in found if d["location"]["path"] == "lib.py")
    assert "suggestions" not in lib
    assert [related["message"] for related in lib["related_locations"]] == ["main.b"]


@pytest.mark.parametrize("form", ["sarif", "gitlab", "rdjson", "github", "json"])
def test_nothing_to_report_is_a_report(form: str, tmp_path: Path) -> None:
    run = fastmigrate("--output-format", form, "--output-file", "out", cwd=project(tmp_path, main="x = 1\n"))
    assert (run.code, run.stdout, run.stderr) == (0, "", "")
    text = (tmp_path / "out").read_text()
    assert text == "" if form == "github" else json.loads(text) is not None


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_takes_files_that_cannot_be_decoded(tmp_path: Path, name: str) -> None:
    project(tmp_path)
    (tmp_path / "bad.py").write_bytes(b'import requests\nx = "\xff"\n')
    run = fastmigrate("--output-format", name, cwd=tmp_path)
    assert (run.code, run.stderr) == (1, "")
    assert "FM900" in run.stdout
    assert name in {"text", "concise", "github"} or json.loads(run.stdout)
