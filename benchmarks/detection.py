"""What linters find of blocking HTTP on the event loop, measured case by case.

    python benchmarks/detection.py --tools /path/to/venv/bin

prints the table of docs/comparison.md. The folder holds the other tools (`pip install ruff flake8-async hydroid-cli
blockpath ty-async`); `--python` names an interpreter that has fastapi, requests and httpx, by which hydroid resolves
imports. Each case is a small project of its own, in which there is something to find, or nothing.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_HEAD = """\
import requests
from fastapi import FastAPI

app = FastAPI()


"""
_ENDPOINT = '@app.get("/")\nasync def read():\n    '
_HELPER = 'import requests\n\n\ndef load():\n    return requests.get("http://x", timeout=5).text\n'


@dataclass(frozen=True)
class Case:
    """A small project; `finds` says whether something in it blocks the event loop."""

    name: str
    finds: bool
    files: dict[str, str]


def _main(body: str, head: str = _HEAD) -> dict[str, str]:
    return {"main.py": head + body}


CASES = (
    Case(
        "`requests.get` in an `async def` path operation",
        True,
        _main(f'{_ENDPOINT}return requests.get("http://x").text\n'),
    ),
    Case(
        "the same under another name: `import requests as http`",
        True,
        _main(
            f'{_ENDPOINT}return http.get("http://x").text\n',
            _HEAD.replace("import requests", "import requests as http"),
        ),
    ),
    Case(
        "a method of a `requests.Session` of the module",
        True,
        _main(f'session = requests.Session()\n\n\n{_ENDPOINT}return session.get("http://x").text\n'),
    ),
    Case(
        "a `requests.Session` in a `with`",
        True,
        _main(f'{_ENDPOINT}with requests.Session() as session:\n        return session.post("http://x").text\n'),
    ),
    Case(
        "`httpx.get`",
        True,
        _main(f'{_ENDPOINT}return httpx.get("http://x").text\n', _HEAD.replace("requests", "httpx")),
    ),
    Case(
        "a method of an `httpx.Client` of the module",
        True,
        _main(
            f'client = httpx.Client()\n\n\n{_ENDPOINT}return client.get("http://x").text\n',
            _HEAD.replace("requests", "httpx"),
        ),
    ),
    Case(
        "`urllib.request.urlopen`",
        True,
        _main(
            f'{_ENDPOINT}return urllib.request.urlopen("http://x").read()\n',
            _HEAD.replace("import requests", "import urllib.request"),
        ),
    ),
    Case(
        "a helper of the same module",
        True,
        _main(f'def load():\n    return requests.get("http://x").text\n\n\n{_ENDPOINT}return load()\n'),
    ),
    Case(
        "a helper two modules away",
        True,
        {
            **_main(
                f"{_ENDPOINT}return prepared()\n",
                _HEAD.replace("import requests\n", "").replace(
                    "FastAPI\n\n", "FastAPI\nfrom middle import prepared\n\n", 1
                ),
            ),
            "middle.py": "from helper import load\n\n\ndef prepared():\n    return load().strip()\n",
            "helper.py": _HELPER,
        },
    ),
    Case(
        "a method of an object that `Depends` makes",
        True,
        _main(
            "class Shop:\n    def stock(self):\n        return requests.get('http://x').text\n\n\n"
            '@app.get("/")\nasync def read(shop: Shop = Depends()):\n    return shop.stock()\n',
            _HEAD.replace("import FastAPI", "import Depends, FastAPI"),
        ),
    ),
    Case(
        "a helper that an `async def` dependency calls",
        True,
        _main(
            "def load():\n    return requests.get('http://x').text\n\n\nasync def user():\n    return load()\n\n\n"
            '@app.get("/")\nasync def read(name=Depends(user)):\n    return name\n',
            _HEAD.replace("import FastAPI", "import Depends, FastAPI"),
        ),
    ),
    Case(
        "a helper that a middleware calls",
        True,
        _main(
            "def load():\n    return requests.get('http://x').text\n\n\n"
            '@app.middleware("http")\nasync def check(request, call_next):\n    load()\n'
            "    return await call_next(request)\n"
        ),
    ),
    Case(
        "a function out of a dict: `HANDLERS[name]()`",
        True,
        _main(
            "def load():\n    return requests.get('http://x').text\n\n\nHANDLERS = {'load': load}\n\n\n"
            '@app.get("/{name}")\nasync def read(name: str):\n    return HANDLERS[name]()\n'
        ),
    ),
    Case(
        "a helper behind a decorator of the project",
        True,
        _main(
            "import functools\n\n\ndef logged(function):\n    @functools.wraps(function)\n"
            "    def wrapper(*args, **kwargs):\n"
            "        return function(*args, **kwargs)\n\n    return wrapper\n\n\n"
            "@logged\ndef load():\n    return requests.get('http://x').text\n\n\n"
            f"{_ENDPOINT}return load()\n"
        ),
    ),
    Case(
        "a pool of threads that a path operation waits for",
        True,
        _main(
            "from concurrent.futures import ThreadPoolExecutor\n\n\n"
            "def load(url):\n    return requests.get(url).text\n\n\n"
            f"{_ENDPOINT}with ThreadPoolExecutor() as pool:\n"
            "        return list(pool.map(load, ['http://x/a', 'http://x/b']))\n"
        ),
    ),
    Case(
        "`requests.get` in a `def` path operation",
        False,
        _main('@app.get("/")\ndef read():\n    return requests.get("http://x").text\n'),
    ),
    Case(
        "a dict that is called `requests`",
        False,
        _main(
            'from fastapi import FastAPI\n\napp = FastAPI()\nrequests = {"a": 1}\n\n\n'
            f'{_ENDPOINT}return requests.get("a")\n',
            "",
        ),
    ),
    Case(
        "a module of the project that is called `requests`",
        False,
        {
            **_main(
                f'{_ENDPOINT}return requests.get("a")\n', _HEAD.replace("import requests", "from shop import requests")
            ),
            "shop/__init__.py": "",
            "shop/requests.py": "ALL = {}\n\n\ndef get(name):\n    return ALL.get(name)\n",
        },
    ),
    Case(
        "a plain generator that a `StreamingResponse` runs in threads",
        False,
        _main(
            "from fastapi.responses import StreamingResponse\n\n\ndef pages():\n    yield requests.get('http://x').text\n\n\n"
            f"{_ENDPOINT}return StreamingResponse(pages())\n"
        ),
    ),
    Case(
        "a helper that only a script and a `def` path operation call",
        False,
        _main(
            "def load():\n    return requests.get('http://x').text\n\n\n"
            '@app.get("/")\ndef read():\n    return load()\n\n\n'
            "if __name__ == '__main__':\n    print(load())\n"
        ),
    ),
    Case(
        "a plain function as a background task",
        False,
        _main(
            "def notify():\n    requests.post('http://x')\n\n\n"
            '@app.get("/")\nasync def read(tasks: BackgroundTasks):\n    tasks.add_task(notify)\n    return {}\n',
            _HEAD.replace("import FastAPI", "import BackgroundTasks, FastAPI"),
        ),
    ),
)

_BLOCKING = "requests.*->httpx,session.*->httpx,httpx.get->httpx,httpx.post->httpx,client.*->httpx"
TOOLS: dict[str, Sequence[str]] = {
    "fastmigrate": (sys.executable, "-m", "fastmigrate", "--select", "FM1,FM2", "--output-format", "concise"),
    "ruff": (
        "ruff",
        "check",
        "--isolated",
        "--no-cache",
        "--select",
        "ASYNC210,ASYNC212",
        "--output-format",
        "concise",
    ),
    "flake8-async": ("flake8-async", "--enable=ASYNC210,ASYNC211,ASYNC212", "--asyncio"),
    "hydroid": ("hydroid", "--no-cache", "--python", "PYTHON"),
    "blockpath": ("blockpath", "check"),
    "ty-async": ("ty-async", "--async200-stdlib", "--async200-transitive", f"--async200-blocking-calls={_BLOCKING}"),
}
FIXES: dict[str, Sequence[str]] = {
    "fastmigrate": ("--fix", "--unsafe-fixes"),
    "ruff": ("--fix", "--unsafe-fixes"),
    "flake8-async": ("--autofix=ASYNC",),
}


def write(case: Case, folder: Path) -> None:
    """Put a case into a folder."""
    (folder / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "0"\ndependencies = ["fastapi"]\n')
    for name, text in case.files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)


def reports(tool: str, case: Case, tools: Path, python: str, options: Sequence[str] = ()) -> tuple[bool, bool]:
    """Whether a tool reports something in a case, and whether it changes a file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(case, folder)
        command = [python if part == "PYTHON" else part for part in TOOLS[tool]]
        target = sorted(case.files) if tool == "flake8-async" else ["."]
        done = subprocess.run(
            [*command, *options, *target],
            cwd=folder,
            env={**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in (0, 1):
            sys.exit(f"{tool}: {done.stderr}")
        changed = any((folder / path).read_text() != text for path, text in case.files.items())
        return done.returncode == 1, changed


def version(tool: str, tools: Path) -> str:
    """The version that a tool gives as its own."""
    if tool == "fastmigrate":
        command = [*TOOLS[tool][:3], "--version"]
    else:
        name = {"hydroid": "hydroid-cli"}.get(tool, tool)
        code = f"import importlib.metadata; print(importlib.metadata.version({name!r}))"
        command = [str(tools / "python"), "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return re.findall(r"\d+(?:\.\d+)+", done.stdout)[-1]


def table(tools: Path, python: str) -> str:
    """The cases in rows, the tools in columns."""
    lines = [f"| case | {' | '.join(f'{tool} {version(tool, tools)}' for tool in TOOLS)} |"]
    lines.append(f"|---|{'---|' * len(TOOLS)}")
    right = dict.fromkeys(TOOLS, 0)
    for case in CASES:
        cells = []
        for tool in TOOLS:
            found, _ = reports(tool, case, tools, python)
            right[tool] += found == case.finds
            said = ("found" if found else "**missed**") if case.finds else ("**reported**" if found else "silent")
            cells.append(said)
        lines.append(f"| {case.name} | {' | '.join(cells)} |")
    lines.append(f"| right, of {len(CASES)} | {' | '.join(str(number) for number in right.values())} |")
    fixed = {
        tool: sum(reports(tool, case, tools, python, FIXES[tool])[1] for case in CASES if case.finds)
        if tool in FIXES
        else 0
        for tool in TOOLS
    }
    there = sum(case.finds for case in CASES)
    lines.append(f"| fixed, of {there} to find | {' | '.join(str(fixed[tool]) for tool in TOOLS)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--tools", type=Path, required=True, help="the bin folder of an environment with the other tools"
    )
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has fastapi, requests and httpx")
    options = parser.parse_args()
    print(table(options.tools.absolute(), options.python), end="")


if __name__ == "__main__":
    main()
