"""How many requests one worker answers, and how late, before a migration and after it.

    python benchmarks/serving.py [--rounds 3] [--seconds 5] [--plot docs/serving.svg]

Each app under `apps` is served by uvicorn with one worker as it is, and once `fastmigrate --fix` has rewritten a copy
of it. 50 clients ask it, each for one thing after the other; its upstream takes 100 ms to answer. Before and after take
turns, so that whatever else the machine does meets both; what is printed are medians over the rounds, as ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

APPS = Path(__file__).parent / "apps"
CLIENTS = 50
UPSTREAM_TAKES = 0.1  # seconds
BODY = b'{"answer": 42}'


@dataclass(frozen=True)
class Run:
    """Requests that were answered in a second, and the seconds after which all but one in a hundred were."""

    rate: float
    p99: float


# -- the upstream


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY)
    try:
        while await reader.readuntil(b"\r\n\r\n"):
            await asyncio.sleep(UPSTREAM_TAKES)
            writer.write(head + BODY)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


@contextmanager
def upstream() -> Iterator[str]:
    """A server that takes its time, in a thread of its own; its URL."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(answer, "127.0.0.1", 0, backlog=1000))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


# -- the app


@contextmanager
def served(folder: Path, url: str) -> Iterator[int]:
    """An app under uvicorn with one worker; its port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1000)
        command = [sys.executable, "-m", "uvicorn", "main:app", "--fd", str(listener.fileno()), "--log-level", "error"]
        environment = {**os.environ, "UPSTREAM": url, "PYTHONDONTWRITEBYTECODE": "1"}
        process = subprocess.Popen(command, cwd=folder, env=environment, pass_fds=[listener.fileno()])
        port = listener.getsockname()[1]
    try:
        yield port
    finally:
        process.terminate()
        process.wait()


def migrated(app: Path, folder: Path) -> Path:
    """A copy of an app that `fastmigrate --fix` has rewritten."""
    copy = shutil.copytree(app, folder / app.name, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run([sys.executable, "-m", "fastmigrate", "--fix", copy], check=True, stdout=subprocess.DEVNULL)
    return copy


# -- the clients


async def ask(port: int, until: float, took: list[float]) -> None:
    """One client: it asks again and again, and notes how long each answer took."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < until:
        start = time.perf_counter()
        writer.write(b"GET / HTTP/1.1\r\nHost: app\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"the app answers {head.splitlines()[0].decode()}")
        length = next(line for line in head.lower().splitlines() if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
        took.append(time.perf_counter() - start)
    writer.close()


async def measured(port: int, seconds: float) -> Run:
    took: list[float] = []
    await ask(port, 0, took)  # the app is up
    await ask(port, time.perf_counter() + 0.01, took)
    took.clear()
    start = time.perf_counter()
    await asyncio.gather(*[ask(port, start + seconds, took) for _ in range(CLIENTS)])
    return Run(len(took) / (time.perf_counter() - start), sorted(took)[int(len(took) * 0.99) - 1])


def compare(app: Path, rounds: int, seconds: float) -> tuple[Run, Run]:
    """The medians of an app before its migration, and after it."""
    before: list[Run] = []
    after: list[Run] = []
    with tempfile.TemporaryDirectory() as folder, upstream() as url:
        forms = [(app, before), (migrated(app, Path(folder)), after)]
        for _ in range(rounds):
            for form, runs in forms:
                with served(form, url) as port:
                    runs.append(asyncio.run(measured(port, seconds)))
    return median(before), median(after)


def median(runs: list[Run]) -> Run:
    return Run(statistics.median(run.rate for run in runs), statistics.median(run.p99 for run in runs))


# -- what comes of it


def plot(results: dict[str, tuple[Run, Run]]) -> str:
    """Two rows of bars for each app, as SVG: its rate and its p99, before and after."""
    rows: list[str] = []
    y = 30
    for name, (before, after) in results.items():
        for what, old, new, unit in (
            ("requests per second", before.rate, after.rate, ""),
            ("p99", before.p99, after.p99, " s"),
        ):
            rows.append(f'<text x="10" y="{y}" class="name">{name}: {what}</text>')
            for label, value in (("before", old), ("after", new)):
                y += 22
                width = max(2, 420 * value / max(old, new))
                rows.append(f'<text x="10" y="{y}">{label}</text>')
                rows.append(f'<rect x="70" y="{y - 13}" width="{width:.0f}" height="16" class="{label}"/>')
                rows.append(f'<text x="{76 + width:.0f}" y="{y}">{value:.3g}{unit}</text>')
            y += 34
    style = (
        "text{font:13px sans-serif;fill:#555}.name{font-weight:bold}.before{fill:#c0504d}.after{fill:#4f9d69}"
        "svg{background:#fff}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 580 {y}"><style>{style}</style>\n'
        + "\n".join(rows)
        + "\n</svg>\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--plot", type=Path, help="write the bars to this SVG file")
    options = parser.parse_args()
    results: dict[str, tuple[Run, Run]] = {}
    print(f"{'app':12} {'requests/s':>22} {'ratio':>7} {'p99 in s':>20} {'ratio':>7}")
    for app in sorted(APPS.iterdir()):
        before, after = results[app.name] = compare(app, options.rounds, options.seconds)
        rates, late = f"{before.rate:.1f} -> {after.rate:.1f}", f"{before.p99:.2f} -> {after.p99:.2f}"
        ratios = after.rate / before.rate, after.p99 / before.p99
        print(f"{app.name:12} {rates:>22} {ratios[0]:6.1f}x {late:>20} {ratios[1]:6.2f}x", flush=True)
    if options.plot is not None:
        options.plot.write_text(plot(results), encoding="utf-8")


if __name__ == "__main__":
    main()
