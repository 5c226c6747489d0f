"""The tables are true: each row, run with requests and with httpx against a server that records what it receives.

What a row calls exact or pinned is the same on the wire and in the result; what it calls lossy differs for the value
given here; what it calls none has no example, since nothing is written for it.
"""

from __future__ import annotations

import ast
import asyncio
import enum
import inspect
import io
import re
import ssl
import tempfile
import warnings
from collections.abc import Callable, Iterator
from decimal import Decimal
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx
import httpx2
import pytest
import requests
from starlette.responses import Response

from fastmigrate.knowledge.blocking import BLOCKING_FUNCTIONS
from fastmigrate.knowledge.parity import Parity, Row
from fastmigrate.knowledge.requests_calls import ARGUMENTS, FORM_TYPE, FUNCTIONS
from fastmigrate.knowledge.requests_responses import MEMBERS, STREAMED, TRUTH
from fastmigrate.plan.awaiting import Awaiting
from fastmigrate.plan.calls import Calls
from fastmigrate.plan.offloading import Offloading
from fastmigrate.plan.pools import Pools
from fastmigrate.plan.specs import SHARED, ClientSpec
from fastmigrate.plan.texts import LINE_READER, PROMISES
from fastmigrate.plan.users import Users
from fastmigrate.project.project import Project
from fastmigrate.sources import Sources
from tests.harness.upstream import CERTIFICATE, Recorded, Upstream

LIBRARIES = [httpx, httpx2]


class Url:
    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text


class Colour(str, enum.Enum):  # noqa: UP042
    RED = "red"


def half_read() -> io.BytesIO:
    file = io.BytesIO(b"half")
    file.read(2)
    return file


def numbered(request: Any) -> Any:
    request.headers["X-Number"] = 5
    return request


NAMES = {
    "Colour": Colour,
    "Decimal": Decimal,
    "Url": Url,
    "UUID": UUID,
    "requests": requests,
    "urlencode": urlencode,
    "io": io,
    "tempfile": tempfile,
    "half_read": half_read,
    "numbered": numbered,
    "PEM": str(CERTIFICATE),
    "IS_STRICT": False,
}


# (parameter, case) -> the function that is called, and arguments as source
EXAMPLES: dict[tuple[str, str], list[tuple[str, dict[str, str]]]] = {
    ("method", "text"): [("request", {"method": "'put'"}), ("request", {"method": "'PURGE'"})],
    ("url", "text"): [("get", {})],
    ("url", "object"): [("get", {"url": "Url(url)"})],
    ("url", "odd"): [("get", {"url": "url + '?f[a]=50%'"}), ("get", {"url": "url + '/%41'"})],
    ("url", "bytes"): [("get", {"url": "url.encode()"})],
    ("params", "nothing"): [("get", {"url": "url + '?a=1'", "params": "None"})],
    ("params", "plain"): [
        ("get", {"params": "{'a': 'é &+', 'b': 1, 'c': 2.5, 'd': ['x', 2], 'e': '', 3: Decimal('1.0')}"}),
        ("get", {"params": "{'u': UUID(int=1), 'l': []}"}),
    ],
    ("params", "none"): [("get", {"params": "{'a': None, 'b': 'x'}"}), ("get", {"params": "{'a': None}"})],
    ("params", "bool"): [("get", {"params": "{'a': True, 'b': False, 'c': 1}"})],
    ("params", "none, bool"): [("get", {"params": "{'a': None, 'b': False}"})],
    ("params", "unknown"): [("get", {"params": "{'a': Colour.RED}"}), ("get", {"params": "{'a': [1, None]}"})],
    ("params", "pairs, plain"): [("get", {"params": "{'a': 'é', 'b': [1, 2]}.items()"})],
    ("params", "pairs, none"): [("get", {"params": "{'a': None, 'b': 2}.items()"})],
    ("params", "pairs, bool"): [("get", {"params": "{'a': True, 'b': 2}.items()"})],
    ("params", "pairs, none, bool"): [("get", {"params": "{'a': True, 'b': None}.items()"})],
    ("params", "pairs, unknown"): [("get", {"params": "{'a': b'x'}.items()"})],
    ("params", "list of pairs, plain"): [("get", {"params": "[('a', 'é &'), ('a', 2), ('b', '')]"})],
    ("params", "list of pairs, none"): [("get", {"params": "[('a', None), ('a', 2)]"})],
    ("params", "list of pairs, bool"): [("get", {"params": "(('a', True), ('a', 2))"})],
    ("params", "list of pairs, none, bool"): [("get", {"params": "[('a', True), ('b', None)]"})],
    ("params", "list of pairs, unknown"): [("get", {"params": "[('a', Colour.RED)]"})],
    ("params", "list of mixed pairs"): [("get", {"params": "[('a', 1), ('b', 2), ('a', 3)]"})],
    ("params", "made a query"): [("get", {"params": "[('a', 1), ('b', True), ('a', 'é &')]"})],
    ("params", "added to a query"): [
        ("get", {"url": "url + '?a=%2F&x'", "params": "{'a': 2, 'b': 'é &', 'c': True}"}),
    ],
    ("params", "text"): [("get", {"params": "'a=1&a=x.y~&b='"}), ("get", {"params": "b'a=1'"})],
    ("params", "odd text"): [("get", {"params": "'a=two words'"}), ("get", {"params": "'token'"})],
    ("params", "unknown whole"): [("get", {"params": "{'a': None}"}), ("get", {"params": "'a=two words'"})],
    ("params", "beside an unknown query"): [("get", {"url": "url + '?a=1'", "params": "{'b': 2}"})],
    ("data", "nothing"): [("post", {"data": "None"})],
    ("data", "plain"): [
        ("post", {"data": "{'a': 'é &+', 'b': 1, 'c': ['x', 2], 'd': ''}"}),
        ("post", {"data": "{}"}),
        ("post", {"data": "{}", "json": "{'a': 1}"}),
        ("post", {"data": "{'b': 1}", "json": "{'a': 1}"}),
        ("post", {"data": "{'b': 1, 'c': ['x', 2]}", "files": "{'f': (None, 'x')}"}),
    ],
    ("data", "none"): [
        ("post", {"data": "{'a': None, 'b': 'x'}"}),
        ("post", {"data": "{'a': None, 'b': 'x'}", "files": "{'f': (None, 'x')}"}),
    ],
    ("data", "bool"): [
        ("post", {"data": "{'a': True}"}),
        ("post", {"data": "{'a': True}", "files": "{'f': (None, 'x')}"}),
    ],
    ("data", "none, bool"): [("post", {"data": "{'a': None, 'b': False}"})],
    ("data", "unknown"): [("post", {"data": "{'a': Colour.RED}"}), ("post", {"data": "{'a': b'x'}"})],
    ("data", "pairs, plain"): [("post", {"data": "[('a', 1), ('b', 'é &')]"})],
    ("data", "pairs, none"): [("post", {"data": "[('a', None), ('b', 'é &')]"})],
    ("data", "pairs, bool"): [("post", {"data": "[('a', False), ('b', 'é &')]"})],
    ("data", "pairs, none, bool"): [("post", {"data": "[('a', False), ('b', None)]"})],
    ("data", "pairs, unknown"): [("post", {"data": "[('a', Colour.RED)]"})],
    ("data", "repeated pairs, plain"): [("post", {"data": "[('a', 1), ('b', True), ('a', 'é &')]"})],
    ("data", "repeated pairs, none"): [("post", {"data": "[('a', 1), ('b', None), ('a', b'x')]"})],
    ("data", "repeated pairs, unknown"): [("post", {"data": "[('a', 1), ('a', [2, None])]"})],
    ("data", "unknown whole"): [("post", {"data": "{'a': None}"}), ("post", {"data": "[('a', 'b')]"})],
    ("data", "text"): [("post", {"data": "'é'"}), ("put", {"data": "b'\\xff'"}), ("post", {"data": "''"})],
    ("data", "text beside json"): [
        ("post", {"data": text, "json": body}) for text in ("''", "'x'", "None") for body in ("{'a': 1}", "None")
    ],
    ("data", "bytearray"): [("post", {"data": "bytearray(b'ab')"})],
    ("data", "file"): [("post", {"data": "io.BytesIO(b'ab')"}), ("put", {"data": "half_read()"})],
    ("data", "objects beside files"): [
        ("post", {"data": "{'a': Decimal('1.0'), 'b': None, 'c': True}", "files": "{'f': (None, 'x')}"})
    ],
    ("data", "unknown beside files"): [("post", {"data": "{'a': [Decimal('1.0')]}", "files": "{'f': (None, 'x')}"})],
    ("files", "nothing"): [("post", {"files": "None"})],
    ("files", "plain field"): [("post", {"files": "{'f': (None, 'é'), 'g': (None, b'x')}"})],
    ("files", "typed"): [
        ("post", {"files": "{'f': ('é \".bin', b'x', 'a/b'), 'g': ('g.txt', 'é', 'text/plain')}"}),
        ("post", {"files": "[('f', ('1', io.BytesIO(b'x'), 'a/b')), ('f', (None, 'x', 'a/b'))]"}),
        ("post", {"files": "{'f': ('f', half_read().read(), 'a/b')}"}),
        ("post", {"files": "{'f': ('f', b'x', 'a/b')}", "json": "{'a': 1}"}),
    ],
    ("files", "typed, read before"): [("post", {"files": "{'f': ('f', half_read(), 'a/b')}"})],
    ("files", "perhaps typed"): [("post", {"files": "{'f': ('f.txt', b'x', None)}"})],
    ("files", "named"): [("post", {"files": "{'f': ('f.txt', b'x')}"})],
    ("files", "file"): [("post", {"files": "{'f': open('/dev/null', 'rb')}"})],
    ("files", "content"): [("post", {"files": "{'f': b'x', 'g': 'x', 'h': tempfile.SpooledTemporaryFile()}"})],
    ("files", "with none"): [("post", {"files": "{'f': None, 'g': ('g', b'x', 'a/b')}"})],
    ("files", "unknown"): [("post", {"files": "{'f': b'x'}"}), ("post", {"files": "{'f': io.StringIO('x')}"})],
    ("files", "unknown whole"): [("post", {"files": "[('f', b'x')]"})],
    ("json", "any"): [
        ("post", {"json": "{'a': [1, None, True, 'é'], 'b': {}}"}),
        ("post", {"json": "[]"}),
        ("post", {"json": "None"}),
    ],
    ("headers", "nothing"): [("get", {"headers": "None"})],
    ("headers", "plain"): [("get", {"headers": "{'X-A': 'b', 'Host': 'other', 'user-agent': 'me'}"})],
    ("headers", "none"): [("get", {"headers": "{'X-A': None, 'X-B': 'c'}"})],
    ("headers", "latin-1"): [("get", {"headers": "{'X-A': 'é'}"})],
    ("headers", "with length"): [("post", {"headers": "{'content-LENGTH': '9', 'X-A': 'b'}", "data": "'abc'"})],
    ("headers", "with length, none"): [("post", {"headers": "{'Content-Length': '9', 'X-A': None}", "json": "1"})],
    ("headers", "of a form"): [("post", {"headers": "{'X-A': 'b'}", "data": "[('a', 1), ('a', 2)]"})],
    ("timeout", "nothing"): [("get", {"timeout": "None"})],
    ("timeout", "number"): [("get", {"timeout": "5"}), ("get", {"timeout": "0.5"})],
    ("timeout", "pair"): [("get", {"timeout": "(3, 5)"}), ("get", {"timeout": "(None, 5)"})],
    ("timeout", "named pair"): [("get", {"timeout": "pair"})],
    ("auth", "nothing"): [("get", {"auth": "None"})],
    ("auth", "pair"): [("get", {"auth": "('user', 'pass:word')"}), ("get", {"auth": "(b'user', b'pass')"})],
    ("auth", "pair of others"): [("get", {"auth": "(None, 7)"})],
    ("auth", "pair of unknown"): [("get", {"auth": "('user', 7)"})],
    ("auth", "object that sets headers"): [
        ("get", {"auth": "requests.auth.HTTPBasicAuth('user', 'pass')"}),
        ("get", {"auth": "requests.auth.HTTPProxyAuth('user', 'pass')"}),
    ],
    ("auth", "object that sets unknown headers"): [("get", {"auth": "numbered"})],
    ("auth", "requests.auth.HTTPBasicAuth"): [("get", {"auth": "requests.auth.HTTPBasicAuth('user', 'pass')"})],
    ("auth", "requests.auth.HTTPDigestAuth"): [("get", {"auth": "requests.auth.HTTPDigestAuth('user', 'pass')"})],
    ("allow_redirects", "any"): [("get", {"allow_redirects": flag}) for flag in ("True", "False", "None")],
    ("stream", "nothing"): [("get", {"stream": "False"})],
    ("verify", "nothing"): [("get", {"verify": "True"}), ("get", {"verify": "None"})],
    ("cert", "nothing"): [("get", {"cert": "None"})],
    ("proxies", "nothing"): [("get", {"proxies": "None"})],
    ("hooks", "nothing"): [("get", {"hooks": "None"})],
    ("cookies", "nothing"): [("get", {"cookies": "None"})],
    ("cookies", "text"): [
        ("get", {"cookies": "{'z': 'q \"x', 'y': None}"}),
        ("get", {"cookies": "{'z': '1'}", "headers": "{'Cookie': 'a=2'}"}),
        ("get", {"cookies": "{}"}),
    ],
    ("cookies", "unknown"): [("get", {"cookies": "{'z': 'é'}"})],
    ("verify", "flag"): [("get", {"verify": "False"}), ("get", {"verify": "IS_STRICT"})],
    ("verify", "file"): [("get", {"verify": "PEM"})],
    ("cert", "files"): [
        ("get", {"verify": "False", "cert": "PEM"}),
        ("get", {"verify": "False", "cert": "(PEM, PEM)"}),
    ],
    ("proxies", "given"): [
        ("get", {"url": "'http://somewhere.else/x'", "proxies": "{'http': PROXY, 'https': PROXY}"}),
        ("get", {"url": "'http://somewhere.else/x'", "proxies": "{'http': PROXY}"}),
        ("get", {"url": "'http://somewhere.else/x'", "proxies": "{'http://somewhere.else': PROXY}", "verify": "False"}),
        ("get", {"proxies": "{'http': None, 'https': ''}"}),
    ],
}
NOT_SHOWN = {
    ("stream", "true"): "the reads of streamed responses show it, below",
    ("timeout", "unknown"): "what differs is the write timeout of a stalled upload",
    ("verify", "file or folder"): "what differs is how a folder is read",
    ("proxies", "given, over SOCKS"): "it depends on what is installed",
    ("proxies", "given, perhaps without a scheme"): "httpx refuses it when the client is made",
    ("json", "dumped"): "what differs is the spacing, which the upstream does not record",
}


def test_every_row_has_an_example_and_every_parameter_a_row() -> None:
    shown = {key for key, row in ARGUMENTS.items() if row.parity is not Parity.NONE}
    assert shown == EXAMPLES.keys() | NOT_SHOWN.keys()
    parameters = {name for name, _ in ARGUMENTS}
    for name in ("request", "get", "post"):
        signature = inspect.signature(getattr(requests.api, name)).parameters
        assert {p.name for p in signature.values() if p.kind is not p.VAR_KEYWORD} <= parameters
    assert set(inspect.signature(requests.Session.request).parameters) - {"self"} <= parameters
    assert {name for name in BLOCKING_FUNCTIONS if name.startswith("requests.")} == FUNCTIONS.keys()


ANSWERS: dict[str, dict[str, Any]] = {
    "/moved": {"status": 302, "headers": [["Location", "/home"], ["Set-Cookie", "a=b; Path=/"]]},
    "/missing": {"status": 404, "headers": [["Content-Type", "text/plain"]], "hex": "e9"},
    "/odd": {"status": 304},
    "/cookie": {"headers": [["Set-Cookie", "c=d; Path=/"]]},
    "/repeated": {"headers": [["X-A", "b"], ["X-A", "c"], ["Link", "</next>; rel=next"]]},
    "/pieces": {"chunks": ["on", "e\ntw", "o\r\nthree", "\n"]},
    "/packed": {"body": "one\ntwo\n" * 50, "gzip": True},
    "/lines": {"body": "one\ntwo\r\nthree\x0bthree\r\n\nfour"},
}


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream(ANSWERS) as running:
        yield running


@pytest.fixture(scope="module")
def tls_upstream() -> Iterator[Upstream]:
    with Upstream(ANSWERS, tls=True) as running:
        yield running


CASES = [(key, *example) for key, examples in EXAMPLES.items() for example in examples]
MOVED = {"allow_redirects", "cookies"}
OVER_TLS = {("verify", "flag"), ("verify", "file"), ("cert", "files")}
OF_CLIENT = {"verify", "cert", "proxies"}


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.__name__)
@pytest.mark.parametrize(("key", "function", "given"), CASES, ids=str)
def test_argument(
    library: Any,
    key: tuple[str, str],
    function: str,
    given: dict[str, str],
    upstream: Upstream,
    tls_upstream: Upstream,
    tmp_path: Path,
) -> None:
    row = ARGUMENTS[key]
    asked = tls_upstream if key in OVER_TLS else upstream
    url = asked.url + ("/moved" if key[0] in MOVED else "/some/path")
    names = {**NAMES, "url": url, "pair": (3, 5), "httpx": library, "PROXY": asked.url}
    arguments = {"url": "url", **given}
    spec = spec_of(tmp_path, given, names) if key[0] in OF_CLIENT else SHARED
    values = {name: eval(source, names) for name, source in arguments.items()}  # the sources are the literals above

    before = recorded(asked, lambda: getattr(requests, function)(**values))
    written = migrated(arguments, key, row)
    after = recorded(asked, lambda: asyncio.run(call_async(library, function, written, names, spec)))

    if row.parity is Parity.LOSSY:
        assert after != before
    else:
        assert after == before
        follows = key[0] in MOVED and values.get("allow_redirects", True)
        assert len(before[0]) == (2 if follows else 1), before


def spec_of(folder: Path, given: dict[str, str], names: dict[str, Any]) -> ClientSpec:
    """The client that a call with these arguments needs."""
    constants = "".join(f"{name} = {names[name]!r}\n" for name in ("PEM", "IS_STRICT", "PROXY"))
    call = ", ".join(f"{name}={source}" for name, source in given.items() if name != "url")
    (folder / "main.py").write_text(
        f"import requests\nfrom fastapi import FastAPI\n{constants}app = FastAPI()\n"
        f"@app.get('/')\nasync def f():\n    requests.get('http://x', {call})\n"
    )
    project = Project(Sources(folder))
    offloading = Offloading(project, lambda _: [])
    awaiting = Awaiting(project)
    pools = Pools(project, awaiting, offloading)
    calls = Calls(project, awaiting, Users(project), lambda *_: iter(()), offloading, pools)
    return calls.spec(project.blocking[0])


def migrated(arguments: dict[str, str], key: tuple[str, str], row: Row) -> dict[str, str]:
    """The arguments with the row's form in place."""
    if key == ("headers", "of a form"):
        form = migrated(arguments, ("data", "repeated pairs, plain"), ARGUMENTS["data", "repeated pairs, plain"])
        arguments = {**form, "headers": arguments["headers"]}
    written = {name: source for name, source in arguments.items() if name == key[0] or name not in OF_CLIENT}
    source = written.pop(key[0])
    if row.form == "":
        return written
    if row.form in {"httpx.BasicAuth", "httpx.DigestAuth"}:
        return {**written, key[0]: source.replace("requests.auth.HTTP", "httpx.")}
    name, is_renamed, form = row.form.partition("=")
    if not (is_renamed and name.isidentifier()):
        name, form = key[0], row.form
    if form.startswith("urlencode"):
        written["headers"] = repr(dict([FORM_TYPE]))
    parts = source.strip("()").split(", ") if "{0}" in form else [source] * max(1, form.count("{}"))
    return {**written, name: form.format(*parts, url=arguments["url"])}


def client_of(library: Any, spec: ClientSpec = SHARED) -> Any:
    """The very client that a migration writes."""
    names = {"httpx": library, "CookieJar": CookieJar, "DefaultCookiePolicy": DefaultCookiePolicy, "ssl": ssl}
    known_as = {"httpx": "httpx", "jar": "CookieJar", "policy": "DefaultCookiePolicy", "ssl": "ssl"}
    known_as |= {"request_hook": "a", "response_hook": "b"}
    known_as |= {f"constant_{index}": str(constant.value) for index, constant in enumerate(spec.constants)}
    exec(PROMISES[spec.base].format(**known_as), names)
    return eval(spec.manager(known_as), names)


async def call_async(
    library: Any, function: str, arguments: dict[str, str], names: dict[str, Any], spec: ClientSpec = SHARED
) -> Any:
    async with client_of(library, spec) as client:
        values = {name: eval(source, names) for name, source in arguments.items()}
        return await getattr(client, function)(**values)


def recorded(upstream: Upstream, call: Callable[[], Any]) -> tuple[list[Recorded], Any]:
    """What arrived at the upstream, and the status and body of the answer, or the error."""
    upstream.recorded.clear()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            response = call()
        result: Any = (response.status_code, response.text)
    except Exception as error:
        result = type(error).__name__
    return list(upstream.recorded), result


READS: dict[tuple[str, str], str] = {
    ("status_code", ""): "r.status_code",
    ("json", "called"): "r.json()['target']",
    ("text", ""): "r.text",
    ("content", ""): "r.content",
    ("headers", "item"): "r.headers['content-LENGTH']",
    ("headers", "get"): "(r.headers.get('SERVER'), r.headers.get('X-No', 1))",
    ("headers", "in"): "'Server' in r.headers",
    ("headers", "of an answer"): "Response(headers=r.headers).raw_headers",
    ("headers", ""): "sorted(dict(r.headers))",
    ("ok", ""): "r.ok",
    ("raise_for_status", "statement"): "raised(r)",
    ("reason", ""): "r.reason",
    ("url", "of a path"): "r.url",
    ("history", "len"): "len(r.history)",
    ("is_redirect", ""): "r.is_redirect",
    ("links", ""): "r.links",
    ("encoding", "stored"): "setattr(r, 'encoding', 'cp1252') or r.text",
    ("cookies", "item"): "r.cookies['c']",
    ("cookies", "get"): "(r.cookies.get('c'), r.cookies.get('d', 1))",
    ("cookies", "in"): "('c' in r.cookies, 'd' in r.cookies)",
    ("cookies", "len"): "len(r.cookies)",
    ("cookies", "keys()"): "list(r.cookies.keys())",
    ("cookies", "values()"): "list(r.cookies.values())",
    ("cookies", "items()"): "list(r.cookies.items())",
    ("status_code", "getattr"): "getattr(r, 'status_code', None)",
    ("text", "getattr"): "getattr(r, 'text', '')",
    ("content", "getattr"): "getattr(r, 'content', b'')",
    ("cookies", "dict"): "dict(r.cookies)",
    ("cookies", "get_dict()"): "r.cookies.get_dict()",
    ("cookies", "loop"): "[(cookie.name, cookie.value) for cookie in r.cookies]",
    ("request", "method"): "r.request.method",
    ("iter_content", "called"): "list(r.iter_content(7))",
    ("iter_content", "called bare"): "list(r.iter_content())",
    ("iter_lines", "looped bare"): "[line for line in r.iter_lines()]",
    ("iter_lines", "called bare"): "list(r.iter_lines())",
    ("__iter__", "loop"): "[chunk for chunk in r]",
}
READS_NOT_SHOWN = {
    ("elapsed", ""): "what differs is time",
    ("close", "statement"): "it gives nothing: fixtures show that the connection is closed",
    ("encoding", ""): "it differs for some types only",
    ("url", ""): "it differs for the URLs of bare hosts only",
    ("next", ""): "its members differ",
}
PATHS = {
    "headers": ["/fine", "/repeated"],
    "cookies": ["/cookie"],
    "json": ["/fine", "/moved"],
    "iter_lines": ["/lines"],
}


def test_every_member_has_a_read() -> None:
    shown = {key for key, row in MEMBERS.items() if row.parity is not Parity.NONE}
    assert shown == READS.keys() | READS_NOT_SHOWN.keys()


def test_every_member_of_a_response_has_a_row() -> None:
    known = {name for name, _ in MEMBERS} | {"iter_content", "iter_lines"}
    public = {name for name in dir(requests.Response()) if not name.startswith("_")}
    assert public <= known


CASES_OF_READS = [
    (key, path) for key in READS for path in PATHS.get(key[0], ["/fine", "/missing", "/odd", "/moved", "/lines"])
]


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.__name__)
@pytest.mark.parametrize(("key", "path"), CASES_OF_READS, ids=str)
def test_member(library: Any, key: tuple[str, str], path: str, upstream: Upstream) -> None:
    row, source = MEMBERS[key], READS[key]
    before = read(source, requests.get(upstream.url + path))
    response = asyncio.run(call_async(library, "get", {"url": repr(upstream.url + path)}, {}))
    after = read(migrated_read(key, row, source), response)
    assert (after != before) if row.parity is Parity.LOSSY else (after == before)


def migrated_read(key: tuple[str, str], row: Row, source: str) -> str:
    """The source of a read with the row's form in place."""
    if key[0] == "raise_for_status":
        return "raised(r) if r.is_error else False"
    if "{" in row.form:
        was = "r" if key[0] == "__iter__" else f"r.{key[0]}{'.get_dict' if key[1] == 'get_dict()' else ''}"
        was += "()" if f"{was}()" in source else ""
        of = "r.cookies" if key[1] == "get_dict()" else "r"
        form = row.form.replace("{of}", of).replace("{}", was)
        return re.sub(r"(?<![\w.])" + re.escape(was) + r"(?![\w.])", form, source)
    word, _, member = row.form.rpartition(" ")
    return source.replace(f"r.{key[0]}", f"({word} r.{member})" if word else f"r.{member}")


STREAM_READS = {
    ("iter_content", "called"): "b''.join([chunk for chunk in r.iter_content(7)])",
    ("iter_content", "called bare"): "[chunk for chunk in r.iter_content()]",
    ("iter_lines", "called"): "[line for line in r.iter_lines()]",
    ("raw", "read()"): "r.raw.read()",
    ("raw", "to an answer"): "b''.join([chunk for chunk in r.raw])",
    ("__iter__", "loop"): "b''.join([chunk for chunk in r])",
}


def test_every_member_of_a_streamed_response_has_a_read() -> None:
    shown = {key for key, row in STREAMED.items() if row.parity is not Parity.NONE}
    assert shown == STREAM_READS.keys() | {("close", "statement"), ("close", "to a task")}


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.__name__)
@pytest.mark.parametrize("path", ["/fine", "/lines", "/pieces", "/packed"])
@pytest.mark.parametrize("key", STREAM_READS, ids=str)
def test_streamed_member(library: Any, key: tuple[str, str], path: str, upstream: Upstream) -> None:
    source = STREAM_READS[key]
    before = read(source, requests.get(upstream.url + path, stream=True))
    after = asyncio.run(read_stream(library, upstream.url + path, streamed_read(key, source)))
    assert after == before
    assert after


def streamed_read(key: tuple[str, str], source: str) -> str:
    """The source of a read of a streamed response with the row's form in place."""
    form = STREAMED[key].form.replace("{response}", "r").replace("{iter_lines}", "iter_lines").replace("{of}", "r")
    was = {"__iter__": r"(?<=in )r(?=])", "raw": r"r\.raw(\.read\(\))?"}.get(key[0], rf"r\.{key[0]}\(\w*\)")
    return re.sub(was, form.replace("{}", "r"), source).replace(" for ", " async for ").replace("async async", "async")


async def read_stream(library: Any, url: str, source: str) -> Any:
    names: dict[str, Any] = {"httpx": library}
    exec(LINE_READER.format(httpx="httpx", name="iter_lines"), names)
    exec(f"async def reads(r):\n    return {source}", names)  # made of the literals above
    async with client_of(library) as client, client.stream("GET", url) as response:
        return await names["reads"](response)


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.__name__)
@pytest.mark.parametrize("path", ["/fine", "/missing", "/odd"])
def test_truth(library: Any, path: str, upstream: Upstream) -> None:
    assert TRUTH.form == "not is_error"
    response = asyncio.run(call_async(library, "get", {"url": repr(upstream.url + path)}, {}))
    assert (not response.is_error) is bool(requests.get(upstream.url + path))


def read(source: str, response: Any) -> Any:
    assert isinstance(ast.parse(source, mode="eval"), ast.Expression)
    return eval(source, {"r": response, "raised": raised, "Response": Response})


def raised(response: Any) -> bool:
    """Whether the status is raised as an error."""
    try:
        response.raise_for_status()
    except Exception:
        return True
    return False
