"""What the bytes of a file tell of it, before it is parsed: tokens anywhere in it, and words of its imports."""

from __future__ import annotations

__all__ = ["BLOCKING", "BLOCKING_PAIRS", "BLOCKING_WORDS", "CLIENT", "CLIENT_WORDS", "FRAMEWORK_WORDS", "SLEEP"]

BLOCKING = (b"requests", b"httpx", b"urllib.request", b"urllib import", b"urllib3", b"http.client", b"http import")
"""A file that holds none of these, nor `SLEEP` beside a coroutine function, can make no blocking call of its own."""
SLEEP = b"sleep"
BLOCKING_WORDS = frozenset({b"requests", b"httpx", b"httpx2", b"urllib3", b"urlopen", b"urlretrieve"})
BLOCKING_PAIRS = ((b"urllib", b"request"), (b"http", b"client"))
"""A file that imports none of these words, nor both of a pair, imports nothing that asks the network."""
FRAMEWORK_WORDS = frozenset({b"fastapi", b"starlette"})
CLIENT = b"AsyncClient"
CLIENT_WORDS = frozenset({b"httpx", b"httpx2"})
"""What is imported by a file that makes a client, whose class is `CLIENT`."""
