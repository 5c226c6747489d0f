"""The program: `python -m fastmigrate`, and what the script `fastmigrate` runs."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import NoReturn

from fastmigrate.cli import main

__all__ = ["run"]


def run() -> NoReturn:
    """Run the command, and end at once: to take apart what was built of a large project takes a while, for nothing."""
    code = 2
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed by whoever called
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    run()
