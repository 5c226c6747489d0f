"""A recording upstream on the loopback: it answers as the scenario says, and keeps what it was asked."""

from __future__ import annotations

import gzip
import itertools
import json
import select
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

IGNORED_HEADERS = {"user-agent", "accept-encoding", "accept", "connection"}
GIVE_UP_AFTER = 2.0
MISSING = 1000
NOON = 946_728_000  # seconds since the epoch: 2000-01-01 12:00 UTC
PAUSE = 0.001
LIMIT = 20.0
GRACE = 0.05
CERTIFICATE = Path(__file__).parent / "tls" / "localhost.pem"
"""The certificate and key of a TLS upstream; it trusts the same one of its clients."""


@dataclass(frozen=True)
class Recorded:
    """A request as it arrived. Headers in which any two clients differ are left out, their order too.

    A JSON body is compared by its value, since the two libraries space it differently.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: object


@dataclass
class Upstream:
    """`answers` maps a path to an answer; any other path gets an echo of the request.

    An answer has a "status", "headers" and one of these:

        body, hex       sent at once, with its length
        chunks          sent one by one, each as a chunk of HTTP
        endless         true: its chunks (or some, if it has none) are sent again and again

    and any of these, which are true or left out:

        hold            after the first chunk comes nothing until `passed_on` is set, or "gave up" in place of the rest
        gzip            the body is compressed, each chunk so that it can be read without the next one
        truncate        the answer breaks off before the end that it promised

    `abandoned` has the path of each answer in chunks whose reader went away before its end. The path `/barrier`
    answers none of `gate` requests until all of them have arrived, or gives up with a 504.
    Paths below `/crowd` are echoed, once as many of them were in flight as `crowd` says; `peak` is how many were.
    With `tls` it speaks TLS, and says whether the client showed a certificate.
    """

    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    gate: int = 4
    tls: bool = False
    recorded: list[Recorded] = field(default_factory=list)
    abandoned: list[str] = field(default_factory=list)
    crowd: int = 0
    in_flight: int = 0
    peak: int = 0

    def __enter__(self) -> Upstream:
        self.barrier = threading.Barrier(self.gate)
        self.passed_on = threading.Event()
        self.ended = threading.Event()
        self.changed = threading.Condition()
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                upstream._handle(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_PURGE = handle_any

            def log_message(self, *_: object) -> None:
                pass

            def date_time_string(self, timestamp: float | None = None) -> str:
                """The `Date` of all answers: what is asked twice is answered alike, however late it is."""
                return super().date_time_string(NOON if timestamp is None else timestamp)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if self.tls:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(CERTIFICATE))
            context.load_cert_chain(CERTIFICATE)
            context.verify_mode = ssl.CERT_OPTIONAL
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' if self.tls else ''}://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end_streams()
        self.server.shutdown()
        self.server.server_close()

    def end_streams(self) -> None:
        """Let answers without an end come to one, so that whoever still reads them can shut down."""
        self.ended.set()

    def is_abandoned(self, limit: float = LIMIT) -> bool:
        """Whether the reader of a streamed answer has gone away, or does before long."""
        with self.changed:
            return self.changed.wait_for(lambda: bool(self.abandoned), limit)

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        body = self._without_boundary(handler, self._body(handler))
        path = urlsplit(handler.path).path
        certificate = handler.connection.getpeercert() if isinstance(handler.connection, ssl.SSLSocket) else None
        if certificate:
            handler.headers["X-Certificate-Of"] = "a client"
        self.recorded.append(self._record(handler, body))
        if path.startswith("/crowd/"):
            self._wait_for_crowd()
        answer = self._wait() if path == "/barrier" else self.answers.get(path) or self._echo(handler, body)
        handler.send_response(answer.get("status", 200))
        for name, value in answer.get("headers", []):
            handler.send_header(name, value.replace("{url}", self.url))
        if answer.get("gzip"):
            handler.send_header("Content-Encoding", "gzip")
        if answer.get("truncate"):
            handler.close_connection = True
        if "chunks" in answer or "endless" in answer:
            self._send_chunks(handler, path, answer)
        else:
            self._send_whole(handler, answer)

    @staticmethod
    def _send_whole(handler: BaseHTTPRequestHandler, answer: dict[str, Any]) -> None:
        content = answer.get("body", "")
        content = bytes.fromhex(answer["hex"]) if "hex" in answer else content.encode()
        if answer.get("gzip"):
            content = gzip.compress(content, mtime=0)
        handler.send_header("Content-Length", str(len(content) + (MISSING if answer.get("truncate") else 0)))
        handler.end_headers()
        if handler.command != "HEAD" and answer.get("status") != 304:
            handler.wfile.write(content)

    def _send_chunks(self, handler: BaseHTTPRequestHandler, path: str, answer: dict[str, Any]) -> None:
        handler.send_header("Transfer-Encoding", "chunked")
        # It may still be set from an earlier call; nobody can have passed on anything of this answer yet.
        self.passed_on.clear()
        handler.end_headers()
        if handler.command == "HEAD":
            return
        compressor = zlib.compressobj(wbits=16 + zlib.MAX_WBITS) if answer.get("gzip") else None
        try:
            for chunk in self._chunks(answer):
                if _is_closed(handler.connection):
                    raise ConnectionResetError
                content = chunk.encode()
                if compressor:
                    content = compressor.compress(content) + compressor.flush(zlib.Z_SYNC_FLUSH)
                handler.wfile.write(b"%x\r\n%b\r\n" % (len(content), content))
            if compressor:
                content = compressor.flush()
                handler.wfile.write(b"%x\r\n%b\r\n" % (len(content), content))
            if not answer.get("truncate"):
                handler.wfile.write(b"0\r\n\r\n")
        except OSError:
            handler.close_connection = True
            with self.changed:
                self.abandoned.append(path)
                self.changed.notify_all()

    def _chunks(self, answer: dict[str, Any]) -> Iterator[str]:
        chunks = answer.get("chunks", ["endless " * 128])
        for number, chunk in enumerate(itertools.cycle(chunks) if answer.get("endless") else chunks):
            if number and answer.get("endless") and self.ended.wait(PAUSE):
                return
            yield chunk
            if answer.get("hold") and not number and not self.passed_on.wait(GIVE_UP_AFTER):
                yield "gave up"
                return

    @staticmethod
    def _body(handler: BaseHTTPRequestHandler) -> bytes:
        if handler.headers.get("Transfer-Encoding") == "chunked":
            chunks = b""
            while size := int(handler.rfile.readline().split(b";")[0], 16):
                chunks += handler.rfile.read(size)
                handler.rfile.readline()
            handler.rfile.readline()
            return chunks
        return handler.rfile.read(int(handler.headers.get("Content-Length", 0)))

    @staticmethod
    def _without_boundary(handler: BaseHTTPRequestHandler, body: bytes) -> bytes:
        """The body with a boundary that is not made up anew for each request; the header gets it, too."""
        kind, _, boundary = handler.headers.get("Content-Type", "").partition("; boundary=")
        if kind != "multipart/form-data":
            return body
        handler.headers.replace_header("Content-Type", f"{kind}; boundary={'-' * len(boundary)}")
        return body.replace(boundary.encode(), b"-" * len(boundary))

    def _record(self, handler: BaseHTTPRequestHandler, body: bytes) -> Recorded:
        is_json = body and "json" in handler.headers.get("Content-Type", "")
        ignored = IGNORED_HEADERS | ({"content-length"} if is_json else set()) | {"host"}
        headers = sorted(
            (name.lower(), value) for name, value in handler.headers.items() if name.lower() not in ignored
        )
        return Recorded(handler.command, handler.path, tuple(headers), json.loads(body) if is_json else body)

    def _wait_for_crowd(self) -> None:
        """Wait until the crowd is there; then leave some time, in which one too many would come."""
        with self.changed:
            self.in_flight += 1
            self.peak = max(self.peak, self.in_flight)
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.peak >= self.crowd, GIVE_UP_AFTER)
        time.sleep(GRACE if self.crowd else 0)
        with self.changed:
            self.in_flight -= 1

    def _wait(self) -> dict[str, Any]:
        try:
            self.barrier.wait(GIVE_UP_AFTER)
        except threading.BrokenBarrierError:
            return {"status": 504, "body": "gave up"}
        return {"status": 200, "body": "all arrived"}

    @staticmethod
    def _echo(handler: BaseHTTPRequestHandler, body: bytes) -> dict[str, Any]:
        is_json = body and "json" in handler.headers.get("Content-Type", "")
        seen = {"method": handler.command, "target": handler.path}
        seen["body"] = json.loads(body) if is_json else body.decode("latin-1")
        seen["cookie"] = handler.headers.get("Cookie", "")
        return {"headers": [["Content-Type", "application/json"]], "body": json.dumps(seen)}


def _is_closed(connection: socket.socket) -> bool:
    """Whether the other side is gone; it has nothing to say before it has read the whole answer."""
    readable, _, _ = select.select([connection], [], [], 0)
    return bool(readable) and not connection.recv(1, socket.MSG_PEEK)
