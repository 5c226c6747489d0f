"""A recording upstream on the loopback: it answers as the scenario says, and keeps what it was asked."""

from __future__ import annotations

import json
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

IGNORED_HEADERS = {"user-agent", "accept-encoding", "accept", "connection"}
GIVE_UP_AFTER = 2.0
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
    """`answers` maps a path to {"status", "headers", "body"}; any other path gets an echo of the request.

    The path `/barrier` answers none of `gate` requests until all of them have arrived, or gives up with a 504.
    With `tls` it speaks TLS, and says whether the client showed a certificate.
    """

    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    gate: int = 4
    tls: bool = False
    recorded: list[Recorded] = field(default_factory=list)

    def __enter__(self) -> Upstream:
        self.barrier = threading.Barrier(self.gate)
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                upstream._handle(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_PURGE = handle_any

            def log_message(self, *_: object) -> None:
                pass

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
        self.server.shutdown()
        self.server.server_close()

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        body = self._without_boundary(handler, self._body(handler))
        path = urlsplit(handler.path).path
        certificate = handler.connection.getpeercert() if isinstance(handler.connection, ssl.SSLSocket) else None
        if certificate:
            handler.headers["X-Certificate-Of"] = "a client"
        self.recorded.append(self._record(handler, body))
        answer = self._wait() if path == "/barrier" else self.answers.get(path) or self._echo(handler, body)
        content = answer.get("body", "")
        content = bytes.fromhex(answer["hex"]) if "hex" in answer else content.encode()
        handler.send_response(answer.get("status", 200))
        for name, value in answer.get("headers", []):
            handler.send_header(name, value.replace("{url}", self.url))
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        if handler.command != "HEAD" and answer.get("status") != 304:
            handler.wfile.write(content)

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
