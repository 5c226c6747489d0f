"""What a long run is doing: a line for each stage with `-v`, and a bar where a terminal shows it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Lock, Timer
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import rich.progress

__all__ = ["Progress", "Stage"]

_PATIENCE = 1.0  # seconds without a bar: most runs are over by then


class Stage:
    """A part of a run, of `total` steps if their number is known; what it came to goes into `done`."""

    def __init__(self, doing: str, total: int | None, shown: Callable[[], None]) -> None:
        self.doing = doing
        self.total = total
        self.steps = 0
        self.done = ""
        self._shown = shown

    def step(self) -> None:
        """Note that one of its steps is done."""
        self.steps += 1
        self._shown()


class Progress:
    """Tells on stderr what a run does. As a context it keeps a bar there, if `bar` and once that takes a while."""

    def __init__(self, *, verbose: bool = False, bar: bool = False) -> None:
        self.verbose = verbose
        self._bar: rich.progress.Progress | None = None
        self._task: rich.progress.TaskID | None = None
        self._stage: Stage | None = None
        self._shown: Stage | None = None
        self._lock = Lock()
        self._timer = Timer(_PATIENCE, self._start) if bar else None

    def __enter__(self) -> Self:
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        with self._lock:  # a bar that is about to be there must go, too
            self._timer = None
            if self._bar is not None:
                with suppress(OSError):  # of a terminal that is gone
                    self._bar.stop()

    @contextmanager
    def stage(self, doing: str, total: int | None = None) -> Iterator[Stage]:
        """Go through a stage; `doing` says what it does, as "reading modules"."""
        begun = time.perf_counter()
        self._stage = stage = Stage(doing, total, self._show)
        self._show()
        yield stage
        self.say(f"{time.perf_counter() - begun:7.2f} s  {stage.done or doing}")

    def say(self, line: str) -> None:
        """Tell something that only `-v` asks for."""
        if self.verbose and sys.stderr is not None:
            print(line, file=sys.stderr, flush=True)

    def _start(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        with self._lock:
            if self._timer is None:
                return
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task("", total=None)
            self._bar.start()
            self._bar.console.show_cursor(True)  # a run that is killed cannot bring it back
        self._show()

    def _show(self) -> None:
        if self._bar is None or self._task is None or self._stage is None:
            return
        stage = self._stage
        if stage is not self._shown:
            self._shown = stage
            self._bar.reset(self._task, total=stage.total, description=stage.doing)
            self._bar.tasks[0].total = stage.total  # to which `reset` sets no None
        self._bar.update(self._task, completed=stage.steps)
