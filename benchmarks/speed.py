"""How long fastmigrate takes, side by side with other tools, and how that grows with a project.

    python benchmarks/speed.py --tools /path/to/venv/bin [--rounds 5] [--only ROW...]
    python benchmarks/speed.py --tools /path/to/venv/bin --growth [--up-to LINES] [--plot docs/growth.svg]

prints a table, with a row for each comparison. fastmigrate is the one of the interpreter that runs this; the folder
holds the other tools (`pip install ruff flake8 flake8-async fixit`), and pip. All are run as whole processes, in pairs,
after one run of each that does not count: whatever else the machine does meets both. What is printed are medians, and
of the ratios also the least and the greatest of a pair.

What they read are the Python files of wheels, which are downloaded and unpacked into `--trees`, once; nothing of them
is installed or imported. The cache of the user is left alone. `--growth` repeats these files, under other names, up to
ten million lines: that takes half a gigabyte in the folder for temporary files. `--plot` needs matplotlib.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SERVICE = "autogenstudio"
LIBRARIES = (
    *("Django==5.2", "networkx==3.4.2", "scikit-learn==1.6.1", "setuptools==78.1.0", "botocore==1.37.0"),
    *("aiohttp==3.11.16", "babel==2.17.0", "twisted==24.11.0", f"{SERVICE}==0.4.2"),
)
TREES = {
    "libraries": LIBRARIES,  # of which the service imports none
    "libraries, one of them imported": (*LIBRARIES, "sqlalchemy==2.0.40"),
    "a tenth of libraries": ("setuptools==78.1.0", f"{SERVICE}==0.4.2"),
    "products": ("letta==0.6.50", "khoj==1.41.0", "chainlit==2.5.5", "langflow-base==0.3.4"),
}
_PYPROJECT = '[project]\nname = "tree"\nversion = "0"\n'
SMALL = {
    "nothing that matters": {
        "main.py": "from helper import load\n\nprint(load(1))\n",
        "helper.py": "def load(name):\n    return f'http://x/{name}'\n",
    },
    "one finding": {
        "main.py": "from fastapi import FastAPI\n\nfrom helper import load\n\napp = FastAPI()\n\n\n"
        '@app.get("/")\nasync def read():\n    return load(1)\n',
        "helper.py": "import requests\n\n\ndef load(name):\n    return requests.get(f'http://x/{name}').text\n",
    },
}
_SKIPPED = frozenset({"build", "dist", "env", "venv", "site-packages", "node_modules", "__pycache__"})
_CHANGED = 10  # files

_SCRIPT = shutil.which("fastmigrate", path=str(Path(sys.executable).parent))  # as users start it, if it is there
FASTMIGRATE = [sys.executable, "-m", "fastmigrate"] if _SCRIPT is None else [_SCRIPT]
CHECK = [*FASTMIGRATE, "--output-format", "concise"]
COLD = [*CHECK, "--no-cache"]

# -- the trees


def unpack(pins: Iterable[str], folder: Path, python: Path) -> None:
    """Put the Python files of wheels into a folder: the same ones on every platform."""
    with tempfile.TemporaryDirectory() as wheels:
        options = ["--no-deps", "--only-binary", ":all:", "--python-version", "3.12"]
        target = ["--platform", "manylinux2014_x86_64", "--implementation", "cp", "--dest", wheels]
        command = [str(python), "-m", "pip", "download", "--quiet", *options, *target, *pins]
        if subprocess.run(command, stdout=sys.stderr, check=False).returncode:
            sys.exit(f"these cannot be downloaded: {', '.join(pins)}")
        for wheel in Path(wheels).glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(folder, [name for name in archive.namelist() if name.endswith(".py")])


def lines_in(folder: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in folder.rglob("*.py"))


@dataclass(frozen=True)
class Bench:
    """What the measurements share; `scratch` is a folder that goes away with them."""

    tools: Path
    trees: Path
    scratch: Path
    rounds: int
    whole: bool

    def tree(self, name: str) -> Path:
        """A tree, which is made unless it is there already, of these pins."""
        folder, pins = self.trees / re.sub(r"\W+", "_", name), "\n".join(TREES[name])
        made_of = folder.with_suffix(".pins")  # filled last: what is made by half is made again
        if not made_of.is_file() or made_of.read_text() != pins:
            if made_of.is_file():  # else what is in the folder is not ours to remove, and ends this
                shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            made_of.touch()
            unpack(TREES[name], folder, self.tools / "python")
            (folder / "pyproject.toml").write_text(_PYPROJECT)
            made_of.write_text(pins)
        return folder

    def compare(self, ours: Run, theirs: Run, prepare: Callable[[int], object] = bool) -> Pairs:
        """The seconds of two commands, in turns; `prepare` takes the number of the turn that comes, and no time."""
        pairs: Pairs = []
        for number in range(self.rounds + 1):
            prepare(number)
            pairs.append((ours.once()[0], theirs.once()[0]))
        return pairs[1:]


# -- measuring

Pairs = list[tuple[float, float]]  # the seconds of ours and of theirs, round by round


@dataclass(frozen=True)
class Run:
    """A command in a folder, which it looks at."""

    command: Sequence[str]
    folder: Path

    def once(self) -> tuple[float, str]:
        """The seconds that it takes, and what it writes to stderr."""
        start = time.perf_counter()
        done = subprocess.run(self.command, cwd=self.folder, capture_output=True, check=False)
        took = time.perf_counter() - start
        errors = done.stderr.decode(errors="replace")
        self.check(done.returncode, errors)
        return took, errors

    def check(self, code: int, errors: str) -> None:
        """End the benchmark unless a linter found something, or nothing: a crash of Python has the code 1, too."""
        if code not in (0, 1) or "Traceback (most recent call last)" in errors:
            sys.exit(f"{' '.join(self.command)} in {self.folder}: exit code {code}\n{errors}")

    def peak(self) -> float:
        """The most memory that it has at one moment, in MiB, with the processes that it starts."""
        together = 0
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(self.command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=errors)
            while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
                together = max(together, _resident(process.pid))
                time.sleep(0.01)
            process.returncode = os.waitstatus_to_exitcode(ended[1])
            errors.seek(0)
            self.check(process.returncode, errors.read().decode(errors="replace"))
        alone = ended[2].ru_maxrss * (1 if sys.platform == "darwin" else 1024)  # exact, but of the largest process only
        return max(alone, together) / 2**20


def _resident(pid: int) -> int:
    """The bytes that a process and those below it have now, where /proc tells; what they share counts once."""
    size = 0
    with suppress(OSError):  # it may have ended by now
        for kibibytes in re.findall(r"^Pss: +(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE):
            size += int(kibibytes) * 1024
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            size += sum(_resident(int(child)) for child in children.read_text().split())
    return size


# -- the rows


def row(pairs: Pairs, what: str, against: str, goal: float | str, *, inverted: bool = False) -> str:
    """A line of the table; the ratio is ours to theirs, at most the goal, or `inverted`: theirs to ours, at least."""
    ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = theirs / ours if inverted else ours / theirs
    ratios = [b / a if inverted else a / b for a, b in pairs]
    if not isinstance(goal, str):
        met = ratio >= goal if inverted else ratio <= goal
        goal = f"{'≥' if inverted else '≤'} {goal:g}, {'met' if met else '**missed**'}"
    spread = f"{ratio:.3g} ({min(ratios):.3g} to {max(ratios):.3g})"
    return f"| {what} | {ours:.3f} s | {against} | {theirs:.3f} s | {spread} | {goal} |"


def cold(bench: Bench, name: str, goal: float | str) -> Iterator[str]:
    tree = bench.tree(name)
    ruff = [f"{bench.tools}/ruff", "check", "--no-cache", "--isolated", "--select", "ASYNC210"]
    pairs = bench.compare(Run(COLD, tree), Run(ruff, tree))
    yield row(pairs, f"{name}, cold: {lines_in(tree):,} lines", "ruff, one rule", goal)


def warm(bench: Bench) -> Iterator[str]:
    for name in ("libraries", "products"):
        tree = bench.tree(name)
        pairs = bench.compare(Run(CHECK, tree), Run(COLD, tree))
        yield row(pairs, f"{name}, warm, nothing changed", "the same, cold", 0.25)


def changed(bench: Bench) -> Iterator[str]:
    for name in ("libraries", "products"):
        copy = shutil.copytree(bench.tree(name), bench.scratch / f"changed {name}")
        time.sleep(2.5)  # what is younger than two seconds may change unseen, and is read again
        inside = ((path, path.relative_to(copy).parts) for path in sorted(copy.rglob("*.py")) if path.stat().st_size)
        paths = [path for path, parts in inside if _SKIPPED.isdisjoint(parts)]
        step = len(paths) // _CHANGED
        originals = {path: path.read_bytes() for path in paths[step // 2 :: step][:_CHANGED]}

        def change(number: int, originals: dict[Path, bytes] = originals) -> None:
            for path, content in originals.items():  # each time anew: what is in the cache never fits
                path.write_bytes(content + b"\n\ndef added_in_turn_%d(value):\n    return value\n" % number)

        pairs = bench.compare(Run(CHECK, copy), Run(COLD, copy), change)
        yield row(pairs, f"{name}, warm, {len(originals)} files changed", "the same, cold", 0.4)
        shutil.rmtree(copy)


def small(bench: Bench) -> Iterator[str]:
    for name, goal in (("nothing that matters", 1.6), ("one finding", 6)):
        folder = bench.scratch / name
        folder.mkdir()
        for path, text in {**SMALL[name], "pyproject.toml": _PYPROJECT}.items():
            (folder / path).write_text(text)
        pairs = bench.compare(Run(COLD, folder), Run([sys.executable, "-c", "import click"], folder))
        yield row(pairs, f"two files, {name}, cold", "`import click`", goal)


def fix(bench: Bench) -> Iterator[str]:
    tree, copy = bench.tree("products"), bench.scratch / "fixed"

    def renew(_: int) -> None:
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(tree, copy)

    pairs = bench.compare(Run([*COLD, "--fix"], copy), Run(COLD, tree), renew)
    files = [path.relative_to(tree) for path in tree.rglob("*") if path.is_file()]
    number = sum((tree / path).read_bytes() != (copy / path).read_bytes() for path in files)
    yield row(pairs, f"products, `--fix`: {number} files changed", "its check", "grows with the files that change")
    shutil.rmtree(copy)


def linters(bench: Bench) -> Iterator[str]:
    name = "libraries" if bench.whole else "a tenth of libraries"
    tree = bench.tree(name)
    flake8 = [f"{bench.tools}/flake8", "--isolated", "--select", "ASYNC", "."]
    fixit = [f"{bench.tools}/fixit", "--quiet", "--rules", "fixit.rules:UseAsyncSleepInAsyncDef", "lint"]
    for tool, command in (("flake8-async", flake8), ("fixit, one rule", fixit)):
        pairs = bench.compare(Run(COLD, tree), Run(command, tree))
        what = f"{name}{'' if bench.whole else ' (all would take minutes)'}, cold: {lines_in(tree):,} lines"
        yield row(pairs, what, tool, 50, inverted=True)


def memory(bench: Bench) -> Iterator[str]:
    run, most = Run(COLD, bench.tree("libraries")), 150
    peaks = [run.peak() for _ in range(bench.rounds)]
    met = "met" if max(peaks) <= most else "**missed**"
    yield f"| libraries, cold: peak memory | {max(peaks):.0f} MiB | | | | ≤ {most} MiB, {met} |"


ROWS: dict[str, Callable[[Bench], Iterator[str]]] = {
    "libraries": lambda bench: cold(bench, "libraries", 1),
    "imported": lambda bench: cold(bench, "libraries, one of them imported", "none"),
    "products": lambda bench: cold(bench, "products", 10),
    "warm": warm,
    "changed": changed,
    "small": small,
    "fix": fix,
    "linters": linters,
    "memory": memory,
}

# -- growth


Point = tuple[int, str, float]  # lines, files that matter, seconds


def point(bench: Bench, folder: Path) -> Point:
    run = Run(COLD, folder)
    _, told = Run([*COLD, "--verbose"], folder).once()  # which warms up, too
    read = re.search(r"(\d+) of \d+ files? read", told)
    taken = statistics.median(run.once()[0] for _ in range(bench.rounds))
    return lines_in(folder), read[1] if read else "?", taken


def repeat(tree: Path, packages: Iterable[str], folder: Path, names: dict[str, str]) -> None:
    """Copy packages of a tree, under new names in their paths and wherever their files say them.

    Not in imports alone: `import django.apps` binds the name by which the rest of a file goes on.
    """
    said = re.compile(rf"(?<![\w.])(?:{'|'.join(names)})\b".encode())
    for package in packages:
        for path in (tree / package).rglob("*.py"):
            copy = folder / names[package] / path.relative_to(tree / package)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(said.sub(lambda match: names[match[0].decode()].encode(), path.read_bytes()))


def grown(bench: Bench, up_to: int) -> Iterator[tuple[str, Point]]:
    """Libraries that are there more and more often, with one service; libraries once, with more and more services."""
    tree = bench.tree("libraries")
    libraries = sorted(path.name for path in tree.iterdir() if path.is_dir() and path.name != SERVICE)
    lines = sum(lines_in(tree / name) for name in libraries)

    def add_libraries(folder: Path, number: int) -> None:
        repeat(tree, libraries, folder / f"copy_{number}", {name: f"{name}_{number}" for name in libraries})

    def add_service(folder: Path, number: int) -> None:  # beside the first libraries, which it imports
        names = {**{name: f"{name}_1" for name in libraries}, SERVICE: f"{SERVICE}_{number}"}
        repeat(tree, [SERVICE], folder / "copy_1", names)

    sizes = [max(1, round(up_to / lines))]
    while sizes[0] > 1:
        sizes.insert(0, sizes[0] // 2)
    for title, steps, add, add_once in (
        ("One service in more and more library code", sizes, add_libraries, add_service),
        ("More and more services in the same library code", [1, 2, 4, 8], add_service, add_libraries),
    ):
        folder = bench.scratch / title
        add_once(folder, 1)
        (folder / "pyproject.toml").write_text(_PYPROJECT)
        for before, step in zip([0, *steps], steps, strict=False):
            for number in range(before, step):
                add(folder, number + 1)
            yield title, point(bench, folder)
        shutil.rmtree(folder)


def growth(bench: Bench, up_to: int, plot: Path | None) -> None:
    """Print the tables, and draw them."""
    points: dict[str, list[Point]] = {}
    for title, (lines, matter, seconds) in grown(bench, up_to):
        if title not in points:
            print(f"\n{title}:\n\n| lines | files that matter | seconds | seconds per million lines |")
            print("|---|---|---|---|")
        points.setdefault(title, []).append((lines, matter, seconds))
        print(f"| {lines:,} | {matter} | {seconds:.2f} | {seconds / lines * 1_000_000:.2f} |", flush=True)
    if plot is not None:
        draw(points, plot)


def draw(points: dict[str, list[Point]], file: Path) -> None:
    pyplot = importlib.import_module("matplotlib.pyplot")  # by its name, as it need not be installed
    figure, axes = pyplot.subplots(1, len(points), figsize=(5 * len(points), 4), layout="constrained")
    for axis, (title, series) in zip(axes, points.items(), strict=True):
        axis.plot([lines / 1e6 for lines, _, _ in series], [seconds for _, _, seconds in series], marker="o")
        axis.set(title=title, xlabel="million lines", ylabel="seconds", ylim=(0, None))
        axis.title.set_fontsize(9)
        axis.grid(alpha=0.3)
    figure.savefig(file, format="svg", metadata={"Date": None})


# -- the command


def about(tools: Path) -> str:
    """What is compared, and on what."""
    code = "import importlib.metadata as m, sys; print(*[f'{n} {m.version(n)}' for n in sys.argv[1:]], sep=', ')"
    asked = [str(tools / "python"), "-c", code, "ruff", "flake8", "flake8-async", "fixit"]
    ours, theirs = (
        subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        for command in ([*FASTMIGRATE, "--version"], asked)
    )
    optimised = "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or "")
    python = (
        f"Python {platform.python_version()}, configured {'with' if optimised else 'without'} `--enable-optimizations`"
    )
    return f"{python}; {os.cpu_count()} cores; {ours.replace(', version', '')}, {theirs}."


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    add("--tools", type=Path, required=True, help="the bin folder of an environment with the other tools")
    trees = Path(tempfile.gettempdir(), "fastmigrate-speed")
    add("--trees", type=Path, default=trees, help="where the code is kept that is looked at [default: %(default)s]")
    add("--rounds", type=int, default=5)
    add("--only", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW", help=f"of {', '.join(ROWS)}")
    add("--whole", action="store_true", help="let flake8-async and fixit read all libraries: that takes very long")
    add("--growth", action="store_true", help="measure how time grows with the lines, instead")
    add("--up-to", type=int, default=10_000_000, metavar="LINES", help="with --growth [default: %(default)s]")
    add("--plot", type=Path, metavar="FILE.svg", help="with --growth: draw it")
    options = parser.parse_args()
    if options.plot is not None and (not options.growth or importlib.util.find_spec("matplotlib") is None):
        parser.error("--plot takes --growth, and matplotlib in this environment")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # which would have every run compile what it imports
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["FASTMIGRATE_CACHE_DIR"] = str(Path(scratch, "cache"))
        tools = options.tools.absolute()
        bench = Bench(tools, options.trees.absolute(), Path(scratch), options.rounds, options.whole)
        print(about(tools), flush=True)
        if options.growth:
            growth(bench, options.up_to, options.plot)
            return
        print("\n| what | time | against | time | ratio | goal |\n|---|---|---|---|---|---|")
        for name in options.only:
            for line in ROWS[name](bench):
                print(line, flush=True)


if __name__ == "__main__":
    main()
