"""What waits for errors of requests in the function of a call: which classes it waits for afterwards."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

import pytest

from tests.projects import project
from tests.run import fastmigrate

APP = """
import asyncio
import requests
from requests.exceptions import ConnectionError as Lost
from fastapi import FastAPI
from functools import lru_cache
class Refused(requests.RequestException): ...
def legacy(u): return open(u), requests.get(u).json()
@lru_cache
def cached(u): return requests.get(u).json()
def harmless(u): return u.strip()
app = FastAPI()
@app.get("/")
async def f(u: str, thing=None):
    u = "http://x/" + u
"""
ALL = "(httpx.HTTPError, httpx.InvalidURL)"

CLAUSES: dict[str, tuple[str, str]] = {
    "the base class": ("try:\n    requests.get(u)\nexcept requests.RequestException:\n    pass", f"except {ALL}:"),
    "a literal URL": (
        "try:\n    requests.get('http://x/y')\nexcept requests.RequestException:\n    pass",
        "except httpx.HTTPError:",
    ),
    "with JSON": (
        "try:\n    requests.get(u).json()\nexcept requests.RequestException:\n    pass",
        "except (httpx.HTTPError, httpx.InvalidURL, json.JSONDecodeError):",
    ),
    "its place in a tuple": (
        "try:\n    requests.get(u)\nexcept (KeyError, requests.Timeout, ValueError):\n    pass",
        "except (KeyError, httpx.TimeoutException, ValueError):",
    ),
    "another name": (
        "try:\n    requests.get(u)\nexcept Lost:\n    pass",
        "    except (\n        httpx.NetworkError,\n        httpx.ConnectTimeout,\n",
    ),
    "a builtin class": ("try:\n    requests.get(u)\nexcept OSError:\n    pass", "except (OSError, httpx.HTTPError"),
    "a builtin class behind one of requests": (
        "try:\n    requests.get(u)\nexcept requests.RequestException:\n    pass\nexcept OSError:\n    pass",
        f"except {ALL}:\n        pass\n    except OSError:\n",
    ),
    "what is raised again": (
        "try:\n    try:\n        requests.get(u)\n    except requests.RequestException:\n        raise\n"
        "except OSError:\n    pass",
        "except (OSError, httpx.HTTPError, httpx.InvalidURL):",
    ),
    "suppressed": (
        "from contextlib import suppress\nwith suppress(requests.RequestException, KeyError):\n    requests.get(u)",
        "with suppress(httpx.HTTPError, httpx.InvalidURL, KeyError):",
    ),
    "asked": (
        "try:\n    requests.get(u)\nexcept Exception as e:\n    return isinstance(e, (requests.Timeout, KeyError))",
        "isinstance(e, (httpx.TimeoutException, KeyError))",
    ),
    "its text": (
        "try:\n    requests.get(u)\nexcept requests.Timeout as e:\n    return str(e), f'{e}', 'x' + str(e)",
        "return str(e) or repr(e), f'{str(e) or repr(e)}', 'x' + (str(e) or repr(e))",
    ),
    "its response": (
        "try:\n    r = requests.get(u)\n    r.raise_for_status()\nexcept requests.RequestException as e:\n"
        "    if e.response is not None:\n        return e.response.reason",
        'if getattr(e, "response", None) is not None:\n            return e.response.reason_phrase',
    ),
    "the truth of its response": (
        "try:\n    requests.get(u)\nexcept requests.RequestException as e:\n    return 1 if e.response else 2",
        'return 1 if getattr(e, "response", None) is not None and not e.response.is_error else 2',
    ),
    "harmless company": (
        "try:\n    requests.get(harmless(u))\n    print(asyncio.sleep)\nexcept requests.Timeout:\n    pass",
        "except httpx.TimeoutException:",
    ),
}
BOTH = "except (requests.Timeout, httpx.TimeoutException):"
CLAUSES |= {
    f"beside {name}": (f"try:\n    requests.get(u)\n    {code}\nexcept requests.Timeout:\n    pass", BOTH)
    for name, code in {
        "a helper that stays on requests": "cached(u)",
        "a thread that calls it": "await asyncio.to_thread(legacy, u)",
        "something unknown": "thing.fetch(u)",
        "an error that is raised": "raise requests.HTTPError('x')",
        "an error of the project that derives from one": "raise Refused()",
        "a call that stays": "print(requests.get(u))",
        "an error that is made": "e = requests.HTTPError('x')\n    raise e",
    }.items()
}


@pytest.mark.parametrize("name", CLAUSES)
def test_clause(name: str, tmp_path: Path) -> None:
    code, expected = CLAUSES[name]
    project(tmp_path, main=APP + indent(code, "    ") + "\n")
    run = fastmigrate("--fix", "--unsafe-fixes", cwd=tmp_path)
    migrated = (tmp_path / "main.py").read_text()
    assert expected in migrated, migrated + run.stdout


_GOING = ("class", "def legacy", "def cached", "@lru_cache", "from requests", "from functools")


def test_nothing_of_requests_is_left_when_nothing_needs_it(tmp_path: Path) -> None:
    code = "try:\n    r: requests.Response | None = requests.get(u)\nexcept requests.Timeout:\n    pass"
    app = "\n".join(line for line in APP.splitlines() if not line.startswith(_GOING))
    project(tmp_path, main=app + "\n" + indent(code, "    ") + "\n")
    assert fastmigrate("--fix", cwd=tmp_path).code == 0
    assert "requests" not in (tmp_path / "main.py").read_text().replace("keep_requests", "").partition("app = ")[2]
    assert "import requests" not in (tmp_path / "main.py").read_text()
