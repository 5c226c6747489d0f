"""Pools of threads: what takes their place, in which form, and which of them stay."""

from __future__ import annotations

import ast
import asyncio
import itertools
import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from fastmigrate.plan.job_pool import Methods, job_pool
from tests.projects import findings, project
from tests.run import fastmigrate

LIB = """
import requests

def fetch(x, more=None):
    return requests.get(f"http://x/{x}", timeout=5).json()

def answer(x):
    return requests.get(f"http://x/{x}")

def store(x):
    with open("f") as file:
        return requests.post("http://x", data=file.read()).text

def count(x):
    return len(x)

def refused(x):
    return requests.get(f"http://x/{x}", proxies=x).json()
"""
HEAD = """
import asyncio
import concurrent.futures
import requests
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, as_completed, wait
from functools import partial
from fastapi import FastAPI
from lib import answer, count, fetch, refused, store

app = FastAPI()


@app.get("/")
async def f(xs: str):
"""


def write(folder: Path, body: str, config: str = "") -> Path:
    indented = "".join(f"    {line}\n" for line in body.splitlines())
    made = project(folder, lib=LIB, main=HEAD + indented)
    with (folder / "pyproject.toml").open("a") as file:
        file.write(config)
    return made


def judged(folder: Path, body: str) -> dict[str, Any]:
    found = [finding for finding in findings(write(folder, body)) if finding["code"] == "FM201"]
    assert found, "nothing was found"
    return found[0]["fix"]


def fixed(folder: Path, body: str) -> str:
    """The path operation as it is after the fix, and nothing else."""
    run = fastmigrate("--fix", cwd=write(folder, body))
    assert run.code == 0, run.stdout + run.stderr
    text = (folder / "main.py").read_text()
    ast.parse(text)
    return text[text.index("async def f(") :].partition("\n")[2]


ALL = "with ThreadPoolExecutor() as p:\n    "
EACH = ALL + "r = [p.submit(fetch, x) for x in xs]\n    "
IN_FORM = [
    ("with ThreadPoolExecutor(4) as p:\n    return list(p.map(fetch, xs))", "[item async for item in p.map("),
    ("with ThreadPoolExecutor(4) as p:\n    return set(p.map(count, xs))", "{item async for item in p.map(partial"),
    (ALL + "return sum(p.map(fetch, xs))", "sum([result async for result in p.map("),
    (ALL + "return [*p.map(fetch, xs)]", "[*[result async for result in p.map("),
    (ALL + "a, b = p.map(fetch, xs)\nreturn a", "a, b = [result async for result in"),
    (ALL + "return {r['a']: r for r in p.map(fetch, xs)}", "r async for r in p.map("),
    (ALL + "return [r.ok for r in p.map(answer, xs)]", "not r.is_error async for r in"),
    (ALL + "r = p.map(fetch, xs)\n    for one in r:\n        print(one)", "async for one"),
    (ALL + "r = [p.submit(fetch, x, more=1) for x in xs]\nreturn [a.result() for a in r]",
     "p.submit(fetch, client, x, more=1) for x in xs"),
    ("with ThreadPoolExecutor(3) as p:\n    a, b = p.submit(fetch, 1), p.submit(fetch, 2)\n"
     "    return a.result(), b.result()",
     "return await a, await b"),
    (ALL + "r = {}\n    for x in xs:\n        r[x] = p.submit(count, x)\n"
     "return {x: a.result() for x, a in r.items()}", "{x: await a for x, a in r.items()}"),
    (ALL + "r = {p.submit(answer, x): x for x in xs}\n"
     "    for a in as_completed(r):\n        print(r[a], a.result().status_code)", "async for a in p.as_completed(r):"),
    (EACH + "for i, a in enumerate(as_completed(r)):\n        print(i, a.result())",
     "enumerate([result async for result in p.as_completed(r)])"),
    (EACH + "return [a.result() for a in as_completed(r)]", "[a.result() async for a in p.as_completed(r)]"),
    (EACH + "wait(r)\n    return [a.result() for a in r]", "await p.wait(r)"),
    (EACH + "done, _ = wait(r, 3, FIRST_COMPLETED)\n    return len(done)", "await p.wait(r, 3, FIRST_COMPLETED)"),
    (ALL + "a = p.submit(fetch, 1)\n    try:\n        return a.result(timeout=2)\n"
     "    except TimeoutError:\n        return None", "await asyncio.wait_for(asyncio.shield(a), 2)"),
    ("p = ThreadPoolExecutor(max_workers=2)\nr = [p.submit(fetch, x) for x in xs]\np.shutdown(wait=True)\n"
     "return [a.result() for a in r]", "await p.shutdown()"),
    ("p = ThreadPoolExecutor(2)\ntry:\n    return [a.result() for a in [p.submit(fetch, x) for x in xs]]\nfinally:\n"
     "    p.shutdown()", "await p.shutdown()"),
    (ALL + "return p.submit(fetch, 1).result()", "return await fetch(client, 1)"),
    (ALL + "return p.submit(count, x=1).result()", "await run_in_threadpool(count, x=1)"),
    (ALL + "a = p.submit(fetch, 1)\n    b = p.submit(count, 2)\n"
     "    return a.result(), b.result()", "b = asyncio.create_task(run_in_threadpool(count, 2))"),
    (ALL + "return p.submit(lambda: count(xs)).result()", "run_in_threadpool(lambda: c"),
    (ALL + "a = p.submit(requests.get, xs)\n    b = p.submit(requests.post, xs, data=b'x')\n"
     "    return a.result().text, b.result().text", "b = asyncio.create_task(client.post("),
    ("loop = asyncio.get_running_loop()\n" + ALL + "return await loop.run_in_executor(p, fetch, 1)",
     "return await fetch(client, 1)"),
    ("loop = asyncio.get_running_loop()\nwith ThreadPoolExecutor(2) as p:\n"
     "    return await asyncio.gather(*[loop.run_in_executor(p, count, x) for x in xs])",
     "p.submit(run_in_threadpool, count, x) for x in xs"),
    ("with concurrent.futures.ThreadPoolExecutor() as p:\n    r = [(x, p.submit(fetch, x)) for x in xs]\n"
     "    return {x: a.result() for x, a in r}", "{x: await a for x, a in r}"),
    (EACH + "first, *rest = r\n    return [a.result() for a in rest]", "[await a for a in rest]"),
    (EACH + "for a in r or []:\n        a.result()", "await a"),
    (EACH + "todo = r if xs else [p.submit(fetch, 1)]\n    return [a.result() for a in todo]", "await a for a in todo"),
    (EACH + "return sum(a.result() for a in r)", "sum([await a for a in r])"),
    (EACH + "return ','.join(a.result() for a in r)", "','.join([await a for a in r])"),
    (ALL + "a = p.submit(fetch, 1)\n    b = p.submit(fetch, 2)\n    print(a)\n    return a.result(), b.result()", None),
    (ALL + "a = p.submit(fetch, 1)\n    if xs:\n        return 'x'\n    b = p.submit(fetch, 2)\n"
     "    return a.result(), b.result()", "async with JobPool() as p:"),
    (ALL + "a = p.submit(fetch, 1)\n    b = p.submit(fetch, g())\n    return a.result(), b.result()", "async with J"),
    (ALL + "a = p.submit(fetch, 1)\n    b = p.submit(fetch, 2)\n    await g()\n    return a.result(), b.result()",
     "async with JobPool() as p:"),
    ("p = ThreadPoolExecutor(2)\nwith p:\n    return p.submit(fetch, 1).result()", "p = JobPool()\n    async with p:"),
    (ALL + "r = p.submit(fetch, 1)\n    print(2)\n    r = r.result()\n    return r", "r = await r"),
    (ALL + "a = list(p.map(fetch, xs))\nwith ThreadPoolExecutor(2) as p:\n    return a, list(p.map(fetch, [*xs]))",
     "item async for item in p.map(partial(fetch, client), [*xs])"),
    ("loop = asyncio.get_running_loop()\n" + ALL + "a = loop.run_in_executor(p, fetch, 1)\n"
     "    return await asyncio.wait_for(a, 3)", "a = asyncio.shield(p.submit(fetch, client, 1))"),
    ("loop = asyncio.get_running_loop()\n" + ALL + "async with asyncio.timeout(3):\n"
     "        return await loop.run_in_executor(p, fetch, 1)", "await asyncio.shield(p.submit(fetch, client, 1))"),
    (ALL + "return p.submit(partial(fetch, 1), more=2).result()", "await p.submit(partial(fetch, client, 1), more=2)"),
    ("with ThreadPoolExecutor(max_workers=2) as p, open('f') as g:\n    return p.submit(count, g.name).result()", None),
]  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), IN_FORM)
def test_what_a_pool_becomes(body: str, expected: str | None, tmp_path: Path) -> None:
    if expected is None:
        assert judged(tmp_path, body)["applicability"] == "none"
        return
    text = fixed(tmp_path, body)
    assert expected in text, text
    assert "ThreadPoolExecutor" not in text
    assert findings(tmp_path) == []


BOUNDED = [
    ("ThreadPoolExecutor(2)", "a = p.submit(fetch, 1)\nb = p.submit(fetch, 2)\na.result()\nb.result()", False),
    ("ThreadPoolExecutor(1)", "a = p.submit(fetch, 1)\nb = p.submit(fetch, 2)\na.result()\nb.result()", True),
    ("ThreadPoolExecutor()", "list(p.map(fetch, [1, 2, 3, 4, 5]))", False),
    ("ThreadPoolExecutor()", "list(p.map(fetch, [1, 2, 3, 4, 5, 6]))", True),
    ("ThreadPoolExecutor()", "list(p.map(fetch, xs))", True),
    ("ThreadPoolExecutor(max_workers=3)", "[a.result() for a in [p.submit(fetch, i) for i in range(3)]]", False),
    ("ThreadPoolExecutor(max_workers=3)", "[a.result() for a in [p.submit(fetch, i) for i in range(4)]]", True),
    ("ThreadPoolExecutor(max_workers=len(xs))", "list(p.map(fetch, [1]))", True),
    ("ThreadPoolExecutor(max_workers=3)", "while xs:\n    p.submit(fetch, xs)", True),
]


@pytest.mark.parametrize(("made", "body", "bounded"), BOUNDED)
def test_a_semaphore_stands_only_where_there_may_be_more_jobs_than_workers(
    made: str, body: str, bounded: bool, tmp_path: Path
) -> None:
    indented = "".join(f"    {line}\n" for line in body.splitlines())
    fixed(tmp_path, f"with {made} as p:\n{indented}")
    assert ("Semaphore" in (tmp_path / "main.py").read_text()) == bounded


LOST = [
    "r = defaultdict(list)\nfor x in xs:\n    r[x].append(p.submit(fetch, x))\nreturn [a.result() for a in r['x']]",
    "r = {'x': []}\nr['x'].append(p.submit(fetch, 1))\nreturn [a.result() for a in r['x']]",
    "r = OrderedDict()\nr[1] = p.submit(fetch, 1)\nreturn r[1].result()",
    "r = deque()\nr.append(p.submit(fetch, 1))\nreturn r.popleft().result()",
    "for x in xs:\n    x['future'] = p.submit(fetch, x)\nreturn [x.pop('future').result() for x in xs]",
    "app.r = [p.submit(fetch, x) for x in xs]\nreturn [a.result() for a in app.r]",
    "app.r.append(p.submit(fetch, 1))\nreturn [a.result() for a in app.r]",
    "HELD.append(p.submit(fetch, 1))\nreturn [a.result() for a in HELD]",
    "global HELD\nHELD = [p.submit(fetch, 1)]\nreturn [a.result() for a in HELD]",
    "r = {}\nr.setdefault(1, []).append(p.submit(fetch, 1))\nreturn [a.result() for a in r[1]]",
    "r = {}\nr.update(a=p.submit(fetch, 1))\nreturn [a.result() for a in r.values()]",
    "r = SimpleNamespace(a=p.submit(fetch, 1))\nreturn r.a.result()",
    "r = [p.submit(fetch, 1)]\nfor app.x in r:\n    app.x.result()",
    "r = [p.submit(fetch, 1)]\nreturn list(map(lambda a: a.result(), r))",
    "r = [p.submit(fetch, 1)]\nreturn await g(*r)",
    "alias = p\nreturn [alias.submit(fetch, 1).result()]",
    "r = [p.submit(fetch, 1), 2]\nreturn r[0].result()",
]


@pytest.mark.parametrize("body", LOST)
def test_futures_are_not_lost_out_of_sight(body: str, tmp_path: Path) -> None:
    indented = "".join(f"    {line}\n" for line in body.splitlines())
    assert judged(tmp_path, f"with ThreadPoolExecutor() as p:\n{indented}")["applicability"] == "none"


@pytest.mark.parametrize(
    "body", ["a = p.submit(fetch, 1)\n    a.cancel()", "return list(p.map(lambda x: fetch(x), xs))"]
)
def test_a_pool_that_stays_holds_nothing_else(body: str, tmp_path: Path) -> None:
    folder = write(tmp_path, ALL + body)
    with (folder / "main.py").open("a") as file:
        file.write('\n\n@app.get("/b")\nasync def b():\n    return fetch(2)\n')
    found = {finding["code"]: finding["fix"]["applicability"] for finding in findings(folder)}
    assert found == {"FM201": "none", "FM101": "safe"}


HELD = [
    (ALL + "a = p.submit(fetch, 1)\n    a.cancel()", "asked for `cancel`"),
    (ALL + "a = p.submit(fetch, 1)\n    a.add_done_callback(print)", "add_done_callback"),
    (ALL + "return [p.submit(fetch, 1)]", None),
    (ALL + "g(p)", "passed to `g`"),
    (EACH + "g(r)", "passed to `g`"),
    (ALL + "return p.submit(fetch, 1)", "handed out"),
    ("with ThreadPoolExecutor(initializer=print) as p:\n    return list(p.map(fetch, xs))", "initializer"),
    ("p = ThreadPoolExecutor()\nreturn [a.result() for a in [p.submit(fetch, x) for x in xs]]", "enter it by `with`"),
    ("p = ThreadPoolExecutor()\np.submit(fetch, 1)\np.shutdown(wait=False)", "does not just wait"),
    (ALL + "return list(p.map(fetch, xs, timeout=3))", "has a `timeout`"),
    (EACH + "return any(a.result() for a in r)", "generator expression"),
    (EACH + "first = lambda: r[0].result()", "nested function"),
    (ALL + "return list(p.map(store, xs))", "stays in its thread"),
    (ALL + "return list(p.map(refused, xs))", "`proxies`"),
    (ALL + "return list(p.map(lambda x: fetch(x), xs))", "lambda"),
    (ALL + "for a in tqdm(as_completed([p.submit(fetch, x) for x in xs])):\n"
     "        pass", "passed to `tqdm`"),
    (ALL + "print(p)", "passed to `print`"),
    (ALL + "pass", "nothing is handed to the pool"),
    ("r = None\nwith ThreadPoolExecutor() as p:\n    r = p.submit(fetch, 1)\n    r = 1 if xs else r\n    return r",
     "something else"),
    ("lock = LOCK\nwith lock, open('f'):\n    with ThreadPoolExecutor() as p:\n        return list(p.map(fetch, xs))",
     "thread lock"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "reason"), HELD)
def test_what_is_held(body: str, reason: str | None, tmp_path: Path) -> None:
    fix = judged(tmp_path, body)
    assert fix["applicability"] == "none"
    assert reason is None or reason in fix["reason"], fix["reason"]


def test_a_loop_over_results_beside_others_begins_later(tmp_path: Path) -> None:
    fix = judged(tmp_path, ALL + "for x, r in zip(xs, p.map(fetch, xs)):\n        print(x, r)")
    assert fix["applicability"] == "unsafe"
    assert "begins when all jobs have ended" in fix["reason"]


@pytest.mark.parametrize(("minimum", "grade"), [("3.10", "unsafe"), ("3.11", "safe")])
def test_timeouts_are_of_one_class_from_python_3_11_on(minimum: str, grade: str, tmp_path: Path) -> None:
    body = ALL + "return p.submit(fetch, 1).result(timeout=2)"
    write(tmp_path, body)
    with (tmp_path / "pyproject.toml").open("a") as file:
        file.write(f'requires-python = ">={minimum}"\n')
    assert [finding["fix"]["applicability"] for finding in findings(tmp_path)] == [grade]


@pytest.mark.parametrize(
    ("target", "grade"),
    [
        ("main.ThreadPoolExecutor", "unsafe"),
        ("concurrent.futures.ThreadPoolExecutor", "unsafe"),
        ("lib.ThreadPoolExecutor", "safe"),
    ],
)
def test_a_test_that_replaces_pools_is_named(target: str, grade: str, tmp_path: Path) -> None:
    write(tmp_path, ALL + "return list(p.map(fetch, xs))")
    (tmp_path / "test_main.py").write_text(f"from unittest.mock import patch\n\nwith patch('{target}'):\n    pass\n")
    (finding,) = findings(tmp_path)
    assert finding["fix"]["applicability"] == grade
    assert grade == "safe" or finding["fix"]["reason"].startswith("test_main.py:3 replaces `ThreadPoolExecutor`")


def test_what_stays_says_that_threads_would_do(tmp_path: Path) -> None:
    body = "with ThreadPoolExecutor(3) as p:\n    return list(p.map(store, xs))"
    assert "`fallback" in judged(tmp_path / "off", body)["reason"]
    folder = write(tmp_path / "on", body, '\n[tool.fastmigrate]\nfallback = "thread"\n')
    assert fastmigrate("--fix", cwd=folder).code == 0
    assert "p.map(partial(run_in_threadpool, store), xs)" in (folder / "main.py").read_text()
    assert findings(folder) == []


# -- the class


def made(**needed: bool) -> Any:
    """The class that a file gets which needs these methods."""
    whole = dict.fromkeys(Methods.__struct_fields__, False) | needed
    names: dict[str, Any] = {"asyncio": asyncio, "os": os}
    exec(job_pool(Methods(**whole), name="JobPool", asyncio="asyncio", os="os"), names)
    return names["JobPool"]


def everything() -> dict[str, bool]:
    return dict.fromkeys(Methods.__struct_fields__, True)


@pytest.mark.parametrize("needed", [*itertools.product([False, True], repeat=len(Methods.__struct_fields__))])
def test_the_class_is_written_with_any_choice_of_methods(needed: tuple[bool, ...]) -> None:
    pool = made(**dict(zip(Methods.__struct_fields__, needed, strict=True)))
    names = {
        "map": "map",
        "as_completed": "as_completed",
        "wait": "wait",
        "shutdown": "shutdown",
        "entered": "__aexit__",
    }
    for field, on in zip(Methods.__struct_fields__, needed, strict=True):
        if field in names:
            assert hasattr(pool, names[field]) == on
    assert hasattr(pool, "submit")


async def value(x: int) -> int:
    await asyncio.sleep(0)
    if x < 0:
        raise ValueError(x)
    return x


def test_what_has_not_begun_does_not_begin_after_an_error_of_map() -> None:
    begun: list[int] = []

    async def job(x: int) -> int:
        begun.append(x)
        return await value(-x)

    async def run() -> None:
        with pytest.raises(ValueError, match="-1"):
            async with made(**everything())(2) as pool:
                async for _ in pool.map(job, range(100)):
                    pass

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asyncio.run(run())
    assert begun[0] == 0
    assert len(begun) < 10


def test_jobs_that_are_submitted_all_run_and_end_before_the_pool_is_left() -> None:
    ended: list[int] = []

    async def job(x: int) -> None:
        await value(x)
        ended.append(x)

    async def run() -> None:
        with pytest.raises(ValueError, match="-5"):
            async with made(**everything())(2) as pool:
                jobs = [pool.submit(job, x) for x in (-5, 1, -6, 2, 3)]
                await jobs[0]

    asyncio.run(run())
    assert ended == [1, 2, 3]


@pytest.mark.parametrize("workers", [0, -1])
def test_a_pool_without_workers_is_refused_as_before(workers: int) -> None:
    with pytest.raises(ValueError, match="max_workers must be greater than 0") as before:
        ThreadPoolExecutor(workers)
    with pytest.raises(ValueError, match=str(before.value)):
        made(**everything())(workers)


def test_futures_come_as_they_end() -> None:
    async def late(rounds: int) -> int:
        for _ in range(rounds):
            await asyncio.sleep(0)
        return rounds

    async def run() -> list[int]:
        async with made(**everything())(4) as pool:
            jobs = [pool.submit(late, rounds) for rounds in (30, 10, 20)]
            first = [job.result() async for job in pool.as_completed(jobs)]
            again = {job.result() async for job in pool.as_completed([*jobs, jobs[0]])}
            assert again == {10, 20, 30}
            assert [job async for job in pool.as_completed([])] == []
            return first

    assert asyncio.run(run()) == [10, 20, 30]


def test_a_timeout_of_as_completed_is_that_of_all() -> None:
    async def run() -> int:
        came = 0
        async with made(**everything())(4) as pool:
            gate = asyncio.Event()
            jobs = [pool.submit(value, 1), pool.submit(gate.wait)]
            try:
                async for _ in pool.as_completed(jobs, timeout=0.05):
                    came += 1
            except TimeoutError:
                came += 10
            gate.set()
        return came

    assert asyncio.run(run()) == 11


def test_wait_tells_what_has_ended() -> None:
    async def run() -> list[int]:
        async with made(**everything())(4) as pool:
            gate = asyncio.Event()
            jobs = [pool.submit(value, 1), pool.submit(gate.wait)]
            done, late = await pool.wait(jobs, return_when="FIRST_COMPLETED")
            counts = [len(done), len(late)]
            done, late = await pool.wait(jobs, timeout=0)
            counts += [len(done), len(late), *map(len, await pool.wait([]))]
            gate.set()
            done, late = await pool.wait(jobs)
            return [*counts, len(done), len(late)]

    assert asyncio.run(run()) == [1, 1, 1, 1, 0, 0, 2, 0]
