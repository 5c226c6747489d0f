"""An app under uvicorn in a process of its own, and what it answers."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from http.client import HTTPConnection, HTTPResponse, IncompleteRead
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

IGNORED_HEADERS = {"date", "server"}


@dataclass(frozen=True)
class Answer:
    """What a client sees of an answer. One that is broken stopped short of its end."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    is_broken: bool = False


class RunningApp:
    """`app` is uvicorn's `module:attribute` (with `()` for a factory), to be found in `folder`."""

    def __init__(self, folder: Path, app: str, environment: dict[str, str]) -> None:
        self.folder = folder
        self.app = app
        self.environment = environment

    def __enter__(self) -> RunningApp:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        self.port = listener.getsockname()[1]
        factory = ["--factory"] if self.app.endswith("()") else []
        command = [sys.executable, "-m", "uvicorn", self.app.removesuffix("()"), *factory]
        command += ["--fd", str(listener.fileno()), "--log-level", "warning"]
        self.process = subprocess.Popen(
            command,
            cwd=self.folder,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", **self.environment},
            pass_fds=[listener.fileno()],
            stderr=subprocess.PIPE,
        )
        listener.close()
        self.log: list[bytes] = []
        self.reader = threading.Thread(target=lambda: self.log.extend(self.process.stderr or []), daemon=True)
        self.reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(10)
        self.reader.join(5)

    def call(self, call: dict[str, Any], passed_on: Callable[[], object] = lambda: None) -> Answer:
        """Make one call: {"method", "path", "json", "body", "body_hex", "headers", "disconnect", "send"}.

        When something of the answer has arrived, `passed_on` is called. A call that disconnects reads no further, and
        has no body, since how much it has read by then is a matter of chance. One that has texts to send opens a
        websocket.
        """
        if "send" in call:
            return self._converse(call)
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        body = json.dumps(call["json"]).encode() if "json" in call else call.get("body", "").encode()
        body = bytes.fromhex(call["body_hex"]) if "body_hex" in call else body
        headers = {"Content-Type": "application/json"} if "json" in call else {}
        headers |= call.get("headers", {})
        try:
            connection.request(call.get("method", "GET"), call["path"], body or None, headers)
            with connection.getresponse() as response:
                kept = [(n.lower(), v) for n, v in response.getheaders() if n.lower() not in IGNORED_HEADERS]
                answer = Answer(response.status, tuple(sorted(kept)), b"")
                if call.get("disconnect"):
                    assert response.read1(), f"{call}: there is nothing to read before it disconnects"
                    return answer
                content, is_broken = _read(response, passed_on)
                return replace(answer, body=content, is_broken=is_broken)
        except OSError as error:
            raise AssertionError(f"{call}: {error}\n{b''.join(self.log).decode()}") from error
        finally:
            connection.close()

    def _converse(self, call: dict[str, Any]) -> Answer:
        """The body has one message for each text, in JSON; if the app hangs up, its code and reason stand last."""
        url = f"ws://127.0.0.1:{self.port}{call['path']}"
        messages: list[object] = []
        try:
            with connect(url, additional_headers=call.get("headers"), proxy=None) as socket:
                try:
                    for text in call["send"]:
                        socket.send(text)
                        messages.append(socket.recv(30))
                except ConnectionClosed as closed:
                    messages.append([closed.rcvd.code, closed.rcvd.reason] if closed.rcvd else None)
        except InvalidStatus as refused:
            return Answer(refused.response.status_code, (), bytes(refused.response.body))
        except OSError as error:
            raise AssertionError(f"{call}: {error}\n{b''.join(self.log).decode()}") from error
        return Answer(200, (), json.dumps(messages).encode())

    def call_at_once(self, call: dict[str, Any], times: int) -> list[Answer]:
        """The same call, several times at once."""
        with ThreadPoolExecutor(times) as pool:
            return list(pool.map(lambda _: self.call(call), range(times)))


def _read(response: HTTPResponse, passed_on: Callable[[], object]) -> tuple[bytes, bool]:
    """The body, as far as it comes, and whether it breaks off."""
    content = b""
    try:
        content += response.read1()
        passed_on()
        content += response.read()
    except IncompleteRead as error:
        return content + error.partial, True
    return content, False
