"""Steps for background tasks."""

from __future__ import annotations

from fastmigrate.facts.terms import Ref
from fastmigrate.knowledge.background import TASK_HOME
from fastmigrate.knowledge.parity import Parity
from fastmigrate.plan.goals import Held, PassedFunction, Step, TaskImported
from fastmigrate.project.project import Project
from fastmigrate.project.values import External, Scope
from fastmigrate.rewrite.intents import AddImport, Intent, PassFunction, RemoveImport

__all__ = ["Tasks"]


class Tasks:
    """Makes the steps of the goals that concern background tasks."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.misused = {(task.function.path, task.site.call.number): task for task in project.misused_tasks}
        self.misplaced = {(m.scope.path, m.scope.qualname, m.bound): m for m in project.misplaced_imports}

    def passed_function(self, goal: PassedFunction) -> Step | Held:
        """The function is passed, and what it was called with comes behind it."""
        task = self.misused[goal.path, goal.number]
        outer, inner = task.site.call, task.given
        if len(outer.args) + len(outer.keywords) > 1:
            return Held("the task is given more than that call, and which function this belongs to is not known")
        if any(key == "func" for key, _ in inner.keywords):
            return Held("an argument of that call is called `func`, as the task's own is: use `functools.partial`")
        notes = () if task.is_certain else ("what `aclose()` is called on is not known to be httpx's",)
        intent = PassFunction(goal.number, task.index)
        return Step((), Parity.LOSSY if notes else Parity.EXACT, notes, ((goal.path, intent),))

    def task_imported(self, goal: TaskImported) -> Step | Held:
        """The import that fails goes, and one that works comes to the head of the file."""
        misplaced = self.misplaced[goal.path, goal.scope, goal.bound]
        function = None if misplaced.function is None else misplaced.function.number
        intents: list[Intent] = [RemoveImport(goal.bound, function)]
        links = self.project.links(goal.path)
        above = function is not None and links is not None and goal.bound in links.bindings
        means = self.project.resolver.resolve(Ref(goal.bound), Scope(goal.path))
        if above and means != External(f"{TASK_HOME}.BackgroundTask"):
            return Held(f"`{goal.bound}` has another meaning in the file: import it from `{TASK_HOME}` here")
        if not above:
            alias = None if goal.bound == "BackgroundTask" else goal.bound
            intents.append(AddImport(TASK_HOME, "BackgroundTask", alias))
        return Step(intents=tuple((goal.path, intent) for intent in intents))
