"""FM900 unreadable-file

What it does
------------
Reports files that cannot be read, decoded or parsed, if they hold something that matters here or are named on the
command line. All other files are still checked.

Why is this bad
---------------
A call in such a file is not seen, and neither is an app: what is reported about the rest may be incomplete.

Example
-------
```python
import requests

async def read_item(
```

Use instead
-----------
```python
import requests

async def read_item():
    ...
```

Fix
---
There is none. Correct the file, or leave it out with `exclude` in `[tool.fastmigrate]`. A file may be written for a
newer Python than the one that runs fastmigrate: run it with that one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from fastmigrate.facts.values import Place
from fastmigrate.model import Finding, Fix
from fastmigrate.project.project import Project

CODE = "FM900"
NAME = "unreadable-file"


def find(project: Project) -> Iterator[Finding]:
    """The files that could not be read."""
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    for path, error in sorted(project.unreadable.items()):
        message = error.message
        if "parsed" in message:
            message += f" (if it is written for a newer Python than {running}, run fastmigrate with that one)"
        place = Place(error.line, error.column, error.line, error.column)
        yield Finding(CODE, NAME, message, path, place, fix=Fix("none", "the file cannot be read"), is_in_code=False)
