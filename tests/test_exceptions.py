"""The tables of exceptions are true: what they say goes wrong is made to go wrong, with requests and with httpx.

What a pinned row puts into an `except` clause catches an error of httpx exactly where the class of requests catches
the error of requests; for a lossy row there is a case where it does not.
"""

from __future__ import annotations

import asyncio
import builtins
import json
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest
import requests

from fastmigrate.knowledge.names import canonical
from fastmigrate.knowledge.parity import Parity
from fastmigrate.knowledge.requests_exceptions import BASES, EXCEPTIONS, SITUATIONS, Situation, is_caught_by
from tests.harness.upstream import Upstream
from tests.test_knowledge import LIBRARIES, client_of

SHORT = 0.2
STEPS: dict[str, Callable[[Any], object]] = {
    "call": lambda response: None,
    "url": lambda response: None,
    "status": lambda response: response.raise_for_status(),
    "json": lambda response: response.json(),
}

# A row that is not pinned for everything → a trouble in which the clauses before and after differ.
DIFFERENCES = {
    "requests.exceptions.ChunkedEncodingError": "closed without an answer",
    "requests.exceptions.ProxyError": "unreachable proxy",
    "requests.exceptions.InvalidHeader": "header of a wrong type",
    "requests.exceptions.MissingSchema": "URL of another scheme",
    "requests.exceptions.InvalidSchema": "URL without a scheme",
}
NOT_IN_A_CALL = {"requests.exceptions.StreamConsumedError"}


class Rude(socketserver.BaseRequestHandler):
    """Reads a request, and then does what its path says, which is never to answer."""

    def handle(self) -> None:
        request = b""
        while b"\r\n\r\n" not in request and (read := self.request.recv(65536)):
            request += read
        if b"/silent" in request:
            while self.request.recv(65536):
                pass
        if b"/reset" in request:
            # Closing without lingering sends RST where a plain close sends FIN.
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.request.close()


class RudeServer(socketserver.ThreadingTCPServer):
    daemon_threads = True


@contextmanager
def rude() -> Iterator[str]:
    with RudeServer(("127.0.0.1", 0), Rude) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield url_of(server.socket)
        server.shutdown()


@contextmanager
def refusing() -> Iterator[str]:
    """A port that is taken, so that nobody else listens there, but does not listen."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield url_of(taken)


@contextmanager
def full() -> Iterator[str]:
    """A port that listens, never accepts, and has no room for one more to wait: the next one is left unanswered."""
    with ExitStack() as waiting:
        listener = waiting.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        has_room = True
        while has_room:
            one = waiting.enter_context(socket.socket())
            one.settimeout(SHORT)
            try:
                one.connect(listener.getsockname())
            except TimeoutError:
                has_room = False
        yield url_of(listener)


def url_of(server: socket.socket) -> str:
    return f"http://127.0.0.1:{server.getsockname()[1]}"


@dataclass(frozen=True)
class Trouble:
    """A GET that ends in an error, in both libraries."""

    url: str
    step: str = "call"
    timeout: float | None = None
    headers: dict[str, Any] = field(default_factory=dict)
    proxy: str = ""

    def error(self, library: ModuleType) -> Exception:
        with pytest.MonkeyPatch.context() as patch:
            if self.proxy:
                for name in ("no_proxy", "NO_PROXY"):
                    patch.delenv(name, raising=False)
                patch.setenv("http_proxy", self.proxy)
            try:
                if library is requests:
                    STEPS[self.step](requests.get(self.url, timeout=self.timeout, headers=self.headers))
                else:
                    asyncio.run(self._async(library))
            except Exception as error:
                return error
        raise AssertionError(f"{library.__name__} raised nothing for {self}")

    async def _async(self, library: ModuleType) -> None:
        timeout = library.Timeout(self.timeout, pool=None)
        async with client_of(library) as client:
            STEPS[self.step](await client.get(self.url, timeout=timeout, headers=self.headers))


class Errors:
    """The errors that the troubles end in: each is brought about once per library."""

    def __init__(self, troubles: dict[str, Trouble]) -> None:
        self.troubles = troubles
        self._raised: dict[tuple[str, str], Exception] = {}

    def of(self, library: ModuleType, name: str) -> Exception:
        key = (library.__name__, name)
        if key not in self._raised:
            self._raised[key] = self.troubles[name].error(library)
        return self._raised[key]


@pytest.fixture(scope="module")
def errors() -> Iterator[Errors]:
    answers: dict[str, dict[str, Any]] = {
        "/loop": {"status": 302, "headers": [["Location", "/loop"]]},
        "/broken": {"headers": [["Content-Encoding", "gzip"]], "body": "not gzip"},
        "/missing": {"status": 404},
        "/text": {"body": "no JSON"},
    }
    with Upstream(answers) as upstream, rude() as rude_url, refusing() as refusing_url, full() as full_url:
        fine = upstream.url
        yield Errors(
            {
                "refused connection": Trouble(refusing_url),
                "connect timeout": Trouble(full_url, timeout=SHORT),
                "read timeout": Trouble(f"{rude_url}/silent", timeout=SHORT),
                "closed without an answer": Trouble(f"{rude_url}/closed"),
                "reset without an answer": Trouble(f"{rude_url}/reset"),
                "too many redirects": Trouble(f"{fine}/loop"),
                "broken compression": Trouble(f"{fine}/broken"),
                "URL without a scheme": Trouble("upstream.invalid/path", "url"),
                "URL of another scheme": Trouble("ftp" + fine.removeprefix("http"), "url"),
                "malformed URL": Trouble("http://host:port/", "url"),
                "error status": Trouble(f"{fine}/missing", "status"),
                "no JSON": Trouble(f"{fine}/text", "json"),
                "unreachable proxy": Trouble("http://upstream.invalid/", proxy=refusing_url),
                "header of a wrong type": Trouble(fine, headers={"X-Number": 1}),
            }
        )


def class_of(name: str, library: ModuleType) -> type[BaseException]:
    modules = {"requests.exceptions": requests.exceptions, "httpx": library, "builtins": builtins, "json": json}
    module, _, attribute = name.rpartition(".")
    found = getattr(modules[module], attribute)
    assert issubclass(found, BaseException)
    return found  # type: ignore[no-any-return]


def classes_before(key: str, library: ModuleType) -> tuple[type[BaseException], ...]:
    return (class_of(key, library),)


def classes_after(key: str, library: ModuleType) -> tuple[type[BaseException], ...]:
    """What the clause names after a migration; a builtin class and one that gains nothing stay in it."""
    form = EXCEPTIONS[key].form
    added = form.split(", ") if form else []
    kept = [key] if key.startswith("builtins.") or not form else []
    return tuple(class_of(name, library) for name in [*kept, *added])


def catches_alike(key: str, name: str, library: ModuleType, errors: Errors) -> bool:
    before = isinstance(errors.of(requests, name), classes_before(key, library))
    after = isinstance(errors.of(library, name), classes_after(key, library))
    return before is after


def test_every_class_of_requests_has_a_row() -> None:
    defined = {
        f"requests.exceptions.{name}"
        for name, value in vars(requests.exceptions).items()
        if isinstance(value, type) and value.__module__ == "requests.exceptions"
    }
    assert defined == {key for key in EXCEPTIONS if not key.startswith("builtins.")}


def test_a_class_is_known_by_each_of_its_names() -> None:
    exported = {
        name: f"requests.exceptions.{name}"
        for name, value in vars(requests).items()
        if isinstance(value, type) and value.__module__ == "requests.exceptions"
    }
    assert {name: canonical(f"requests.{name}") for name in exported} == exported


NAMES = sorted(
    EXCEPTIONS.keys()
    | BASES.keys()
    | {base for bases in BASES.values() for base in bases}
    | {name for row in EXCEPTIONS.values() for name in row.form.split(", ") if name}
    | {name for situation in SITUATIONS for name in (situation.requests, situation.httpx)}
)


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.__name__)
def test_bases_are_those_of_the_installed_classes(library: ModuleType) -> None:
    for name, bases in BASES.items():
        inherited = class_of(name, library).__mro__[1:]
        assert all(class_of(base, library) in inherited for base in bases), name


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.__name__)
@pytest.mark.parametrize("raised", NAMES)
def test_a_class_is_caught_by_its_bases_and_nothing_else(library: ModuleType, raised: str) -> None:
    told = {clause for clause in NAMES if is_caught_by(raised, clause)}
    true = {clause for clause in NAMES if issubclass(class_of(raised, library), class_of(clause, library))}
    assert told == true


@pytest.mark.parametrize("library", [requests, *LIBRARIES], ids=lambda library: library.__name__)
@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_situation(library: ModuleType, situation: Situation, errors: Errors) -> None:
    assert errors.troubles[situation.name].step == situation.step
    name = situation.requests if library is requests else situation.httpx
    error = errors.of(library, situation.name)
    assert type(error) is class_of(name, library), repr(error)


FAITHFUL = [key for key, row in EXCEPTIONS.items() if row.parity in {Parity.EXACT, Parity.PINNED}]


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.__name__)
@pytest.mark.parametrize("key", FAITHFUL)
def test_a_faithful_clause_catches_the_same(library: ModuleType, key: str, errors: Errors) -> None:
    names = [situation.name for situation in SITUATIONS]
    assert [name for name in names if not catches_alike(key, name, library, errors)] == []


def test_a_faithful_clause_catches_something(errors: Errors) -> None:
    raised = [errors.of(requests, situation.name) for situation in SITUATIONS]
    idle = {
        key
        for key in FAITHFUL
        if EXCEPTIONS[key].form and not any(isinstance(error, classes_before(key, requests)) for error in raised)
    }
    assert idle == NOT_IN_A_CALL


def test_every_lossy_row_has_a_difference() -> None:
    assert {key for key, row in EXCEPTIONS.items() if row.parity is Parity.LOSSY} == DIFFERENCES.keys()


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.__name__)
@pytest.mark.parametrize("key", DIFFERENCES)
def test_a_lossy_clause_catches_something_else(library: ModuleType, key: str, errors: Errors) -> None:
    assert not catches_alike(key, DIFFERENCES[key], library, errors)


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.__name__)
def test_a_stream_is_read_once(library: ModuleType, errors: Errors) -> None:
    key, url = "requests.exceptions.StreamConsumedError", errors.troubles["no JSON"].url

    async def read_twice() -> None:
        async with client_of(library) as client, client.stream("GET", url) as response:
            read = [[chunk async for chunk in response.aiter_bytes()] for _ in range(2)]
        raise AssertionError(read)

    with requests.get(url, stream=True) as response:
        assert b"".join(response.iter_content()) == b"no JSON"
        with pytest.raises(classes_before(key, library)):
            next(response.iter_content())
    with pytest.raises(classes_after(key, library)):
        asyncio.run(read_twice())
