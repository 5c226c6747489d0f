"""Which file an import means, judged by the files alone: nothing is imported, nothing need be installed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from fastmigrate.project.values import Scope

__all__ = ["ModuleTree", "module_name", "name_of", "qualname_of"]


def module_name(path: str) -> str:
    """The dotted name of a project file: `src/app/main.py` is `app.main`, a package is its folder's name."""
    parts = list(PurePosixPath(path).with_suffix("").parts)
    if parts[0] == "src" and len(parts) > 1:
        del parts[0]
    if parts[-1] == "__init__" and len(parts) > 1:
        del parts[-1]
    return ".".join(parts)


def name_of(scope: Scope) -> str:
    """The dotted name of a function: `app.main.read_item`."""
    return re.sub(r"<lambda [\d:]+>", "<lambda>", f"{module_name(scope.path)}.{scope.qualname}".rstrip("'"))


def qualname_of(name: str, path: str) -> str:
    """The name of a function within its file, by the dotted name that `name_of` gives it."""
    return name.removeprefix(f"{module_name(path)}.")


class ModuleTree:
    """The Python files of a project, as the import system would see them.

    Where a project's import roots are is nowhere written, so every folder above the importing file that is not
    itself a package is taken for one, nearest first, and a `src` folder beside it. `libraries` are the names of
    installed packages that matter here: for them, a folder without `__init__.py` or a neighbour in the same
    package is not what an absolute import means.
    """

    def __init__(self, paths: Iterable[str], libraries: Iterable[str] = ()) -> None:
        self.paths = frozenset(paths)
        self.libraries = frozenset(libraries)
        self._found: dict[tuple[str, str, int], str | None] = {}
        self.folders = {"."}
        for path in self.paths:
            while (path := path.rpartition("/")[0]) and path not in self.folders:
                self.folders.add(path)

    def find(self, importer: str, dotted: str, level: int = 0) -> str | None:
        """The file (or, with a final "/", the folder) that `dotted` means in the file `importer`, or None."""
        folder = importer.rpartition("/")[0]
        key = folder, dotted, level
        if key not in self._found:
            self._found[key] = self._find(importer, dotted, level)
        return self._found[key]

    def _find(self, importer: str, dotted: str, level: int) -> str | None:
        if level:
            folder = PurePosixPath(importer).parent
            for _ in range(level - 1):
                folder = folder.parent
            return self._in(str(folder), dotted)
        for root in self._roots(importer, dotted.partition(".")[0]):
            found = self._in(root, dotted)
            if found is not None:
                return found
        return None

    def _roots(self, importer: str, first: str) -> Iterator[str]:
        above = [str(parent) for parent in PurePosixPath(importer).parents]
        packages = [folder for folder in above if _join(folder, "__init__.py") in self.paths]
        for folder in [*(folder for folder in above if folder not in packages), *packages]:
            if folder in packages and first in self.libraries:
                continue
            yield folder
            if _join(folder, "src") in self.folders:
                yield _join(folder, "src")

    def _in(self, root: str, dotted: str) -> str | None:
        base = _join(root, dotted.replace(".", "/")) if dotted else root
        for candidate in (f"{base}.py", _join(base, "__init__.py")):
            if candidate in self.paths:
                return candidate
        return f"{base}/" if base in self.folders and dotted not in self.libraries else None


def _join(folder: str, name: str) -> str:
    return name if folder in {"", "."} else f"{folder}/{name}"
