"""Names: which files may speak of something, judged by bytes alone, under whichever name they know it."""

from __future__ import annotations

from fastmigrate.project.modules import module_name
from fastmigrate.project.relevance import Importers
from fastmigrate.sources import Sources, is_test_path

__all__ = ["Names"]


class Names:
    """Follows what has a name in a module to the files that take it from there."""

    def __init__(self, sources: Sources, importers: Importers) -> None:
        self.sources = sources
        self.importers = importers

    def mentioning(self, name: str, path: str) -> list[str]:
        """The files that may speak of what has a name in a file: by this name, or as that which they take it for."""
        return sorted({*self.sources.saying(name), *self.taking(name, path)})

    def taking(self, name: str, path: str) -> set[str]:
        """The files that may take what has a name in a file from there, or from one of these, as what it is there."""
        found, seen = {path}, {(path, name)}
        pending = [*seen]
        for module, known in pending:  # grows as it goes
            near = {module, *self.importers.importing(module)}
            if module == path:
                near |= self.near(path)
            imported = self.importers.importing_name(known)
            for other in near.intersection(self.sources.saying(known)):
                found.add(other)
                if not is_test_path(other):
                    passed_on = {known} if other in imported else set()
                    new = {(other, one) for one in (*passed_on, *self.sources.other_names(other, known))} - seen
                    seen |= new
                    pending += new
        return found

    def near(self, path: str) -> set[str]:
        """The files that speak of a module or its package, or lie in the package of which it is the face."""
        parts = module_name(path).split(".")[-2:]
        within = path.removesuffix("__init__.py")
        inside = (other for other in self.sources.searched if other.startswith(within))
        return {*inside, *(other for part in parts for other in self.sources.saying(part))}
