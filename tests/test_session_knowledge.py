"""What is known of sessions is true: their calls, merged by hand or by a client, send what requests sends."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import requests

from fastmigrate.knowledge.blocking import BLOCKING_CALLS
from fastmigrate.knowledge.parity import Parity
from fastmigrate.knowledge.requests_sessions import METHODS, SETTINGS, USES
from fastmigrate.plan.specs import ClientSpec
from fastmigrate.plan.texts import PROMISES
from tests.harness.upstream import Recorded, Upstream
from tests.test_knowledge import LIBRARIES, client_of

ANSWERS = {
    "/sets": {"headers": [["Set-Cookie", "id=1; Path=/"]]},
    "/moved": {"status": 302, "headers": [["Location", "/home"], ["Set-Cookie", "hop=2; Path=/"]]},
    "/forgets": {"headers": [["Set-Cookie", "id=; Path=/; Max-Age=0"]]},
}
PATHS = ["/sets", "/moved", "/home", "/forgets", "/home"]

# how a session is used -> what the function does with it before its calls
EXAMPLES: dict[tuple[str, str], str] = {
    ("headers", "assigned"): "session.headers = {'X-A': 'b'}",
    ("headers", "item"): "session.headers['X-A'] = 'b'",
    ("headers", "update()"): "session.headers.update({'X-A': 'b'}, X_B='c')",
    ("params", "assigned"): "session.params = {'a': 'b', 'c': ['d', 2]}",
    ("params", "item"): "session.params['a'] = 'b'",
    ("params", "update()"): "session.params.update({'a': 'b'})",
    ("auth", "assigned"): "session.auth = ('user', 'pass')",
    ("cookies", "item"): "session.cookies['a'] = 'b'",
    (
        "cookies",
        "set()",
    ): "session.cookies.set('a', 'b'); session.cookies.set('c', 'd', domain='127.0.0.1', path='/')",
    ("cookies", "update()"): "session.cookies.update({'a': 'b'})",
    ("cookies", "clear()"): "session.cookies['a'] = 'b'; session.cookies.clear()",
    ("cookies", "get()"): "session.cookies['a'] = 'b'; session.headers['X-A'] = session.cookies.get('a')",
    ("close", "called"): "session.close()",
    ("timeout", "assigned"): "session.timeout = 5",
}


def test_every_use_has_an_example() -> None:
    assert EXAMPLES.keys() == {use for use, row in USES.items() if row.parity is not Parity.NONE}
    for row in USES.values():
        assert row.note.format(line=7) == row.note.replace("{line}", "7")


def test_methods_take_what_the_session_takes() -> None:
    for name, verb in METHODS.items():
        method = getattr(requests.Session, name.rpartition(".")[2])
        own = [p.name for p in inspect.signature(method).parameters.values() if p.kind is not p.VAR_KEYWORD]
        assert own[1:] == list(verb.positional) or (verb.method == "get" and own[1:] == ["url"])
        assert verb.method == name.rpartition(".")[2]
    sent = {"requests.Session.send"}
    assert METHODS.keys() == {name for name in BLOCKING_CALLS if name.startswith("requests.Session.")} - sent


def test_members_of_a_session_are_known() -> None:
    known = {member for member, _ in USES}
    assert set(requests.Session.__attrs__) - {"adapters"} <= known
    assert SETTINGS.keys() <= known


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream(ANSWERS) as running:
        yield running


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.__name__)
@pytest.mark.parametrize("use", EXAMPLES, ids=str)
def test_use(library: Any, use: tuple[str, str], upstream: Upstream) -> None:
    code = EXAMPLES[use]
    before = of_session(upstream, code, {})
    if USES[use].form == "":
        code = ""
    after = of_arguments(upstream, library, re.sub(r"session\.(\w+)", r"session_\1", code), {})
    assert after == before
    assert len(before) == len(PATHS) + 1


# what the session is set up with, what each call is given, and what is given instead (None if that is the same)
MERGES: dict[str, tuple[str, dict[str, str]]] = {
    "other headers": ("session.headers['X-A'] = 'b'", {"headers": "{'X-B': 'c'}"}),
    "the call's header wins": ("session.headers['X-A'] = 'b'", {"headers": "{'X-A': 'c'}"}),
    "None for headers": ("session.headers['X-A'] = 'b'", {"headers": "None"}),
    "other params": ("session.params['a'] = 'b'", {"params": "{'c': 'd'}"}),
    "the call's parameter wins": ("session.params.update({'a': 'b', 'c': 'd'})", {"params": "{'a': 'e'}"}),
    "None for params": ("session.params['a'] = 'b'", {"params": "None"}),
    "other auth": ("session.auth = ('user', 'pass')", {"auth": "('other', 'pass')"}),
    "None for auth": ("session.auth = ('user', 'pass')", {"auth": "None"}),
    "auth beside a header": ("session.auth = ('user', 'pass')", {"headers": "{'Authorization': 'Bearer x'}"}),
    "a Cookie header": ("session.cookies['a'] = 'b'", {"headers": "{'Cookie': 'c=d'}"}),
}


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.__name__)
@pytest.mark.parametrize("name", MERGES)
def test_merge(library: Any, name: str, upstream: Upstream) -> None:
    code, given = MERGES[name]
    before = of_session(upstream, code, given)
    assert of_arguments(upstream, library, re.sub(r"session\.(\w+)", r"session_\1", code), given) == before
    kept = {key: source for key, source in given.items() if source != "None"}
    assert of_client(upstream, library, code, kept) == before


REMOVED = {
    "header": ("session.headers.update({'X-A': 'b', 'X-B': 'c'})", {"headers": "{'X-A': None}"}),
    "parameter": ("session.params.update({'a': 'b', 'c': 'd'})", {"params": "{'a': None}"}),
}


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.__name__)
@pytest.mark.parametrize("name", REMOVED)
def test_none_takes_out_of_a_merged_dict_and_not_out_of_a_client(library: Any, name: str, upstream: Upstream) -> None:
    code, given = REMOVED[name]
    before = of_session(upstream, code, given)
    assert of_arguments(upstream, library, re.sub(r"session\.(\w+)", r"session_\1", code), given) == before
    assert of_client(upstream, library, code, dict.fromkeys(given, "{}")) != before


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.__name__)
def test_a_client_with_params_replaces_a_query(library: Any, upstream: Upstream) -> None:
    code = "session.params['a'] = 'b'"
    assert of_client(upstream, library, code, {}, "?q=1") != of_session(upstream, code, {}, "?q=1")


def test_two_spellings_are_one_header_for_a_session_and_two_for_a_dict(upstream: Upstream) -> None:
    code, given = "session.headers['X-Token'] = 'a'", {"headers": "{'x-token': 'b'}"}
    after = of_arguments(upstream, httpx, code.replace("session.", "session_"), given)
    assert after != of_session(upstream, code, given)


def of_session(upstream: Upstream, code: str, given: dict[str, str], query: str = "") -> list[Recorded]:
    """What the upstream gets from a session of requests."""
    upstream.recorded.clear()
    with requests.Session() as session:
        exec(code, {"session": session})
        for path in PATHS:
            session.get(upstream.url + path + query, **{key: eval(source) for key, source in given.items()})
    return list(upstream.recorded)


def of_arguments(upstream: Upstream, library: Any, code: str, given: dict[str, str]) -> list[Recorded]:
    """What it gets from the shared client, to which the session's settings are given with each call."""
    upstream.recorded.clear()
    settings = {name: eval(empty, {"httpx": library}) for name, empty in SETTINGS.items()}
    names = {f"session_{name}": value for name, value in settings.items()}
    exec(code, names)
    settings = {name: names[f"session_{name}"] for name in settings}
    own = {key: eval(source) for key, source in given.items()}

    async def run() -> None:
        async with client_of(library) as client:
            for path in PATHS:
                dicts = {name: {**settings[name], **(own.get(name) or {})} for name in ("headers", "params")}
                merged = {name: {k: v for k, v in value.items() if v is not None} for name, value in dicts.items()}
                await client.get(
                    upstream.url + path,
                    headers=merged["headers"],
                    params=merged["params"] or None,
                    auth=own.get("auth") or settings["auth"],
                    extensions={"cookies": settings["cookies"]},
                )

    asyncio.run(run())
    return list(upstream.recorded)


def settings_of(written: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Settings as a client's spec has them: templates."""
    return tuple((name, value.replace("{", "{{").replace("}", "}}")) for name, value in written.items())


def of_client(upstream: Upstream, library: Any, code: str, given: dict[str, str], query: str = "") -> list[Recorded]:
    """What it gets from a client with the session's settings."""
    upstream.recorded.clear()
    session = requests.Session()
    session.headers.clear()
    exec(code, {"session": session})
    settings = {"headers": dict(session.headers), "auth": session.auth, "cookies": dict(session.cookies) or ""}
    settings |= {"params": dict(session.params)} if session.params else {}  # type: ignore[arg-type]
    written = {name: value if value == "" else repr(value) for name, value in settings.items()}
    names: dict[str, Any] = {"httpx": library}
    known_as = {"httpx": "httpx", "jar": "", "policy": "", "request_hook": "a", "response_hook": "b"}
    exec(PROMISES["requests"].format(**known_as), names)

    async def run() -> None:
        async with eval(ClientSpec("session", settings_of(written)).manager(known_as), names) as client:
            for path in PATHS:
                await client.get(upstream.url + path + query, **{key: eval(v) for key, v in given.items()})

    asyncio.run(run())
    return list(upstream.recorded)
