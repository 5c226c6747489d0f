"""Threads: which waits for them are found, what handed-over HTTP becomes, and what stays in its thread."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.projects import findings, project
from tests.run import fastmigrate

LIB = """
import hashlib
import requests
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

NUMBER = ContextVar("number")
POOL = ThreadPoolExecutor(4)

def fetch(x, more=None):
    return requests.get(f"http://x/{x}", timeout=5).json()

def answer(x):
    return requests.get(f"http://x/{x}")

def store(x):
    with open("f") as file:
        return requests.post("http://x", data=file.read()).text

def count(x):
    return len(x)

def waiting(x, queue):
    return requests.get(f"http://x/{x}", timeout=5).text + queue.get(timeout=2)

def asking(x, rows):
    return rows.get(requests.get(f"http://x/{x}", timeout=5).text)

def digest(x):
    return hashlib.pbkdf2_hmac("sha256", requests.get("http://x").content, b"", 1000000)

def numbered(x):
    NUMBER.set(1)
    return requests.get("http://x").text

class Service:
    def __init__(self):
        self.pool = ThreadPoolExecutor(2)
    def fetch(self, x):
        return requests.get(f"http://x/{x}", timeout=5).json()
    def all(self, xs):
        return list(self.pool.map(count, xs))

service = Service()
"""
HEAD = """
import asyncio
import concurrent.futures
import threading
import anyio
import requests
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from functools import partial
from multiprocessing.pool import ThreadPool
from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from lib import POOL, Service, answer, asking, count, digest, fetch, numbered, service, store, waiting
app = FastAPI()
loop = asyncio.new_event_loop()
"""


def found(folder: Path, body: str, head: str = "@app.get('/')\nasync def f(xs: str):") -> list[dict[str, Any]]:
    indented = "".join(f"    {line}\n" for line in body.splitlines())
    return findings(project(folder, lib=LIB, main=f"{HEAD}{head}\n{indented}"))


def text_of(finding: dict[str, Any], folder: Path) -> str:
    line = (folder / finding["path"]).read_text().splitlines()[finding["line"] - 1]
    return line[finding["column"] - 1 : finding["end_column"] - 1]


WAITS = {
    "a pool in a block": ("with ThreadPoolExecutor(4) as pool:\n    pool.submit(count, xs)", ["ThreadPoolExecutor(4)"]),
    "a pool with a name": ("pool = ThreadPoolExecutor()\npool.submit(count, xs)", ["ThreadPoolExecutor()"]),
    "a pool by its module": ("concurrent.futures.ThreadPoolExecutor(2)", ["concurrent.futures.ThreadPoolExecutor(2)"]),
    "a pool of multiprocessing": ("with ThreadPool(2) as pool:\n    pool.map(count, xs)", ["ThreadPool(2)"]),
    "a pool in a helper": ("return g(xs)", ["ThreadPoolExecutor(3)"]),
    "the result of a shared pool's job": ("POOL.submit(count, xs).result()", ["POOL.submit(count, xs).result()"]),
    "such a result with a name": ("job = POOL.submit(count, xs)\nreturn job.result(5)", ["job.result(5)"]),
    "results in a comprehension": (
        "jobs = [POOL.submit(count, x) for x in xs]\nreturn [job.result() for job in jobs]",
        ["job.result()"],
    ),
    "futures in a loop": (
        "jobs = {POOL.submit(count, x): x for x in xs}\nfor job in as_completed(jobs):\n    print(jobs[job])",
        ["as_completed(jobs)"],
    ),
    "a wait": ("jobs = [POOL.submit(count, x) for x in xs]\nwait(jobs)", ["wait(jobs)"]),
    "a shared pool's map": ("return list(POOL.map(count, xs))", ["POOL.map(count, xs)"]),
    "the pool of an object": ("return service.all(xs)", ["self.pool.map(count, xs)"]),
    "a thread that is joined": (
        "t = threading.Thread(target=count)\nt.start()\nt.join()",
        ["threading.Thread(target=count)"],
    ),
    "threads that are joined": (
        "ts = [threading.Thread(target=count) for x in xs]\nfor t in ts:\n    t.start()\nfor t in ts:\n    t.join()",
        ["threading.Thread(target=count)"],
    ),
}
NO_WAITS = {
    "a pool that is used without a wait": "POOL.submit(count, xs)",
    "a thread that is not joined": "threading.Thread(target=count).start()",
    "text that is joined": "t = threading.Thread(target=count)\nt.start()\nreturn ','.join(xs)",
    "a result of something else": "return xs.result()",
    "work in a shared pool that is awaited": "await loop.run_in_executor(POOL, count, xs)",
    "a map of something else": "return list(map(count, xs))",
}
HELPER = "def g(xs):\n    with ThreadPoolExecutor(3) as pool:\n        return list(pool.map(count, xs))\n"


@pytest.mark.parametrize("name", WAITS)
def test_waits_for_threads_are_found(name: str, tmp_path: Path) -> None:
    body, expected = WAITS[name]
    all_found = found(tmp_path, body, f"{HELPER}@app.get('/')\nasync def f(xs: str):")
    assert [finding["code"] for finding in all_found] == ["FM201"] * len(expected)
    assert [text_of(finding, tmp_path) for finding in all_found] == expected
    assert all_found[0]["endpoints"][0]["route"] == "GET /"


@pytest.mark.parametrize("name", NO_WAITS)
def test_what_does_not_wait_is_fine(name: str, tmp_path: Path) -> None:
    assert found(tmp_path, NO_WAITS[name]) == []


@pytest.mark.parametrize("name", WAITS)
def test_waits_off_the_event_loop_are_fine(name: str, tmp_path: Path) -> None:
    assert found(tmp_path, WAITS[name][0], f"{HELPER}@app.get('/')\ndef f(xs: str):") == []


OFFLOADED = {
    "a function": ("return await asyncio.to_thread(fetch, 1, more=2)", "return await fetch(client, 1, more=2)"),
    "a method": ("return await run_in_threadpool(service.fetch, 1)", "return await service.fetch(client, 1)"),
    "by anyio": (
        "return await anyio.to_thread.run_sync(fetch, 1, abandon_on_cancel=True)",
        "return await fetch(client, 1)",
    ),
    "in an executor": (
        "loop = asyncio.get_running_loop()\nreturn await loop.run_in_executor(None, fetch, 1)",
        "return await fetch(client, 1)",
    ),
    "in an executor of a loop that does more": (
        "loop = asyncio.get_running_loop()\nx = await loop.run_in_executor(None, fetch, 1)\nreturn [x, loop.time()]",
        "x = await fetch(client, 1)",
    ),
    "several at once": (
        "return await asyncio.gather(*[asyncio.to_thread(fetch, x) for x in xs])",
        "return await asyncio.gather(*[fetch(client, x) for x in xs])",
    ),
    "several futures": (
        "loop = asyncio.get_event_loop()\n"
        "return await asyncio.gather(*(loop.run_in_executor(None, fetch, x) for x in xs))",
        "return await asyncio.gather(*(fetch(client, x) for x in xs))",
    ),
    "with a timeout": (
        "return await asyncio.wait_for(asyncio.to_thread(partial(fetch, 1, more=2)), 5)",
        "return await asyncio.wait_for(asyncio.shield(fetch(client, 1, more=2)), 5)",
    ),
    "in a block with a timeout": (
        "async with asyncio.timeout(5):\n    return await asyncio.to_thread(fetch, 1)",
        "return await asyncio.shield(fetch(client, 1))",
    ),
    "with a timeout, by itself": (
        "return await asyncio.wait_for(asyncio.to_thread(fetch, 1), 5)",
        "return await asyncio.wait_for(asyncio.shield(fetch(client, 1)), 5)",
    ),
    "as a task": (
        "task = asyncio.create_task(asyncio.to_thread(fetch, 1))\nreturn await task",
        "task = asyncio.create_task(fetch(client, 1))",
    ),
    "the library itself": (
        "r = await asyncio.to_thread(requests.get, 'http://x', timeout=5)\nreturn r.ok",
        "r = await client.get('http://x', timeout=5)\n    return not r.is_error",
    ),
    "the library in an executor": (
        "return (await loop.run_in_executor(None, requests.get, 'http://x')).text",
        "return (await client.get('http://x')).text",
    ),
    "a helper that gives an answer": (
        "r = await asyncio.to_thread(answer, 1)\nif r:\n    return r.json()",
        "r = await answer(client, 1)\n    if not r.is_error:",
    ),
    "a lambda": (
        "return await asyncio.to_thread(lambda: requests.get('http://x').json())",
        "return (await client.get('http://x')).json()",
    ),
    "a lambda that gives an answer": (
        "r = await loop.run_in_executor(None, lambda: requests.get('http://x', timeout=5))\nreturn r.ok",
        "r = await client.get('http://x', timeout=5)\n    return not r.is_error",
    ),
    "a lambda that does more": (
        "return await run_in_threadpool(lambda: fetch(1) or None)",
        "return await fetch(client, 1) or None",
    ),
    "a lambda within an expression": (
        "return [await run_in_threadpool(lambda: fetch(1) or 0) + 1]",
        "return [(await fetch(client, 1) or 0) + 1]",
    ),
    "a partial": (
        "return await loop.run_in_executor(None, partial(fetch, 1, more=2))",
        "return await fetch(client, 1, more=2)",
    ),
    "a partial of a method": (
        "return await asyncio.to_thread(partial(service.fetch, x=1))",
        "return await service.fetch(client, x=1)",
    ),
    "a lookup in what may be a dict": (
        "return await asyncio.to_thread(asking, 1, {})",
        "return await asking(client, 1, {})",
    ),
    "a lambda over several lines": (
        "return await asyncio.to_thread(\n    lambda: fetch(1)\n    + fetch(2)\n)",
        "return (await fetch(client, 1)",
    ),
    "under a handler": (
        "try:\n    return await asyncio.to_thread(fetch, 1)\nexcept requests.ConnectionError:\n    return None",
        "httpx.WriteTimeout,",
    ),
}


@pytest.mark.parametrize("name", OFFLOADED)
def test_offloaded_http_comes_back(name: str, tmp_path: Path) -> None:
    body, expected = OFFLOADED[name]
    [finding] = found(tmp_path, body)
    assert (finding["code"], finding["fix"]) == ("FM202", {"applicability": "safe", "reason": None})
    run = fastmigrate("--fix", "--output-format", "json", cwd=tmp_path)
    assert run.code == 0, run.stdout + run.stderr
    main = (tmp_path / "main.py").read_text()
    assert expected in main
    assert ("get_running_loop()" in main) == (".time()" in main)
    assert "get_event_loop()" not in main
    assert "_async" not in (tmp_path / "lib.py").read_text()
    assert ("import requests" in main) == ("requests." not in body)
    assert fastmigrate("--fix", cwd=tmp_path).stdout.startswith("No findings")


STAYS = {
    "files": ("await asyncio.to_thread(store, 1)", "`builtins.open` in lib.py"),
    "a pool of its own": ("await loop.run_in_executor(POOL, fetch, 1)", "a pool of its own"),
    "a queue": ("await asyncio.to_thread(waiting, 1, xs)", "`queue.get` in lib.py"),
    "a computation": ("await asyncio.to_thread(digest, 1)", "`hashlib.pbkdf2_hmac` in lib.py"),
    "a context": ("await asyncio.to_thread(numbered, 1)", "is about the context of its thread"),
    "a lambda that binds a name": ("await asyncio.to_thread(lambda: (x := fetch(1)) and x)", "gives a name a value"),
    "a limiter": ("await anyio.to_thread.run_sync(fetch, 1, limiter=anyio.CapacityLimiter(2))", "`limiter` bounds"),
    "a future that is kept": ("job = loop.run_in_executor(None, fetch, 1)\nreturn await job", "not awaited there"),
    "a coroutine that is kept": ("job = asyncio.to_thread(fetch, 1)\nreturn await job", "not awaited there"),
    "a lambda with arguments": ("await asyncio.to_thread(lambda x: fetch(x), 1)", "the lambda that goes to a thread"),
    "a lambda that is kept": ("job = asyncio.to_thread(lambda: fetch(1))\nawait job", "is not awaited there"),
    "a partial of the library": ("await asyncio.to_thread(partial(requests.get, 'http://x'))", "is made in that call"),
    "a partial with more arguments": ("await asyncio.to_thread(partial(fetch, 1), 2)", "is made in that call"),
    "spread arguments": ("args = (fetch, 1)\nreturn await asyncio.to_thread(*args)", None),
    "a stream": ("await asyncio.to_thread(requests.get, 'http://x', stream=True)", "read in threads"),
    "a session": ("await asyncio.to_thread(requests.Session().get, 'http://x')", "a method of a session"),
    "another library": ("import httpx\nawait asyncio.to_thread(httpx.get, 'http://x')", "hand that over"),
}


@pytest.mark.parametrize("name", STAYS)
def test_what_stays_in_its_thread(name: str, tmp_path: Path) -> None:
    body, reason = STAYS[name]
    all_found = found(tmp_path, body)
    if reason is None:
        assert all_found == []
        return
    [finding] = all_found
    assert (finding["code"], finding["fix"]["applicability"]) == ("FM202", "none")
    assert reason in finding["fix"]["reason"]


OTHER_WORK = {
    "work that is no HTTP": "await asyncio.to_thread(count, xs)",
    "a function from outside": "await run_in_threadpool(print, xs)",
    "a sleep": "import time\nawait asyncio.to_thread(time.sleep, 1)",
}


@pytest.mark.parametrize("name", OTHER_WORK)
def test_other_work_in_threads_is_fine(name: str, tmp_path: Path) -> None:
    assert found(tmp_path, OTHER_WORK[name]) == []


def test_in_a_plain_path_operation_nothing_is_found(tmp_path: Path) -> None:
    assert found(tmp_path, "return asyncio.run(asyncio.to_thread(fetch, 1))", "@app.get('/')\ndef f():") == []


def test_a_pool_around_http_that_is_awaited_is_both(tmp_path: Path) -> None:
    body = "with ThreadPoolExecutor(2) as pool:\n    return await loop.run_in_executor(pool, fetch, 1)"
    assert sorted(finding["code"] for finding in found(tmp_path, body)) == ["FM201", "FM202"]


def test_a_function_that_blocks_elsewhere_is_migrated_with_its_thread(tmp_path: Path) -> None:
    head = "@app.get('/b')\nasync def g(): return fetch(2)\n@app.get('/')\nasync def f():"
    all_found = found(tmp_path, "return await asyncio.to_thread(fetch, 1)", head)
    assert [finding["code"] for finding in all_found] == ["FM101", "FM202"]
    assert [finding["fix"]["applicability"] for finding in all_found] == ["safe", "safe"]
    assert [endpoint["route"] for endpoint in all_found[0]["endpoints"]] == ["GET /b"]
    assert fastmigrate("--fix", cwd=tmp_path).code == 0
    main = (tmp_path / "main.py").read_text()
    assert "return await fetch(client, 2)" in main
    assert "return await fetch(client, 1)" in main


def test_a_function_within_another_one_uses_the_client_of_that(tmp_path: Path) -> None:
    body = "client = 'redis'\ndef inner(u: str):\n    return requests.get(u).text\nreturn [inner('http://x'), client]"
    [finding] = found(tmp_path, body)
    assert finding["fix"]["applicability"] == "safe"
    assert fastmigrate("--fix", cwd=tmp_path).code == 0
    assert "await http_client.get(u)" in (tmp_path / "main.py").read_text()


ELSEWHERE = {
    "a task": (
        "task = asyncio.create_task(asyncio.to_thread(fetch, 1))\ntry:\n    return await task\n"
        "except requests.HTTPError:\n    return None"
    ),
    "errors as values": (
        "found = await asyncio.gather(asyncio.to_thread(fetch, 1), return_exceptions=True)\n"
        "return [isinstance(one, requests.RequestException) for one in found]"
    ),
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_errors_that_come_out_elsewhere_make_the_fix_unsafe(name: str, tmp_path: Path) -> None:
    [finding] = found(tmp_path, ELSEWHERE[name])
    assert (finding["code"], finding["fix"]["applicability"]) == ("FM202", "unsafe")
    assert "come out elsewhere" in finding["fix"]["reason"]


LOOPS = {
    "two names": "loop, n = asyncio.get_event_loop(), 3\nreturn await loop.run_in_executor(None, fetch, n)",
    "two targets": (
        "app.state.loop = loop = asyncio.get_running_loop()\nreturn await loop.run_in_executor(None, fetch, 1)"
    ),
    "two statements on a line": (
        "loop = asyncio.get_event_loop(); n = 1\nreturn await loop.run_in_executor(None, fetch, n)"
    ),
    "alone in a block": (
        "try:\n    loop = asyncio.get_running_loop()\nexcept RuntimeError:\n    raise\n"
        "return await loop.run_in_executor(None, fetch, 1)"
    ),
}


@pytest.mark.parametrize("name", LOOPS)
def test_a_statement_that_does_more_than_to_get_the_loop_stays(name: str, tmp_path: Path) -> None:
    found(tmp_path, LOOPS[name])
    assert fastmigrate("--fix", cwd=tmp_path).code == 0
    main = (tmp_path / "main.py").read_text()
    assert "return await fetch(client, " in main
    assert LOOPS[name].strip().splitlines()[0] in main


def test_comments_beside_what_goes_hold_the_fix(tmp_path: Path) -> None:
    found(tmp_path, "return await asyncio.to_thread(  # by a thread\n    lambda: fetch(1)\n)")
    run = fastmigrate("--fix", cwd=tmp_path)
    assert run.code == 1
    assert "a comment stands beside code that would go" in run.stdout
    assert "# by a thread" in (tmp_path / "main.py").read_text()
