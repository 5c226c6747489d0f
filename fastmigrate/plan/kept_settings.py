"""The settings of a session under names of their own, from which its calls take them once the session is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from fastmigrate.facts.sessions import SessionUse
from fastmigrate.facts.sites import Argument, Site
from fastmigrate.knowledge.parity import Parity
from fastmigrate.knowledge.requests_sessions import SETTINGS
from fastmigrate.plan.arguments import judge_arguments
from fastmigrate.plan.goals import Goal, Held
from fastmigrate.plan.names import NewNames
from fastmigrate.plan.session_uses import cookie_kinds, row_of
from fastmigrate.project.project import Project
from fastmigrate.project.values import Scope
from fastmigrate.rewrite.intents import EditCall, Intent, ReplaceStatement, Template

__all__ = ["KeptSettings", "Mention", "Rewritten"]


class Mention(Struct, frozen=True):
    """One use of a session: the function in which it stands, and what the session is called there."""

    scope: Scope
    session: str
    use: SessionUse


class Rewritten(Struct, frozen=True):
    """What becomes of the statements about a session, what that takes, and what may differ."""

    intents: tuple[tuple[str, Intent], ...]
    needs: tuple[Goal, ...]
    notes: tuple[str, ...]


class KeptSettings(Struct, frozen=True):
    """The settings of the session that the call with this ordinal makes in a function, where it is called `session`.

    `name` gives what a setting is called where the session has a certain name.
    """

    project: Project
    home: Scope
    number: int
    session: str
    mentions: tuple[Mention, ...]
    keeps_cookies: bool
    name: Callable[[str, str], str]

    @property
    def settings(self) -> list[str]:
        """The settings that the session's calls take over."""
        mentioned = {mention.use.member for mention in self.mentions}
        return [name for name in SETTINGS if name in mentioned or (name == "cookies" and self.keeps_cookies)]

    def rewritten(self, site: Site) -> Rewritten | Held:
        """What becomes of the statements; `site` is that of any call of the session."""
        names: dict[str, NewNames] = {self.home.path: NewNames(self.project, self.home.path)}
        intents = list(self._statements(names[self.home.path]))
        notes = list(self._doubts())
        for mention in self.mentions:
            if mention.use.member != "auth" or mention.use.how != "assigned":
                continue
            path = mention.scope.path
            argument = Argument("auth", "", mention.use.value, mention.use.code, simple=True)
            found = judge_arguments(self.project, "requests.get", replace(site, arguments=(argument,)), mention.scope)
            if found.missing is not None or any(row.parity is Parity.NONE for row in found.rows):
                return Held(f"{path}:{mention.use.line}: {found.missing or found.rows[0].note}")
            notes += [row.note for row in found.rows if row.parity is Parity.LOSSY]
            into = names.setdefault(path, NewNames(self.project, path))
            nested = (EditCall(edit.number, callee=into.put_into(edit.callee or "")) for edit in found.nested)
            intents += [(path, edit) for edit in nested]
        needs = tuple(goal for into in names.values() for goal in into.needs)
        return Rewritten(tuple(intents), needs, tuple(dict.fromkeys(notes)))

    def _doubts(self) -> Iterator[str]:
        for mention in self.mentions:
            use = mention.use
            if use.member == "cookies" and use.items and cookie_kinds(self.project, use, mention.scope) - {"text"}:
                yield (
                    f"a cookie in line {use.line} has a value of a type that is not known: requests takes None, and "
                    "httpx does not"
                )

    def _statements(self, names: NewNames) -> Iterator[tuple[str, Intent]]:
        starts: list[str] = []
        begun: set[tuple[str, int]] = set()
        for setting in self.settings:
            mention = next((m for m in self.mentions if m.use.member == setting), None)
            name = self.name(self.session, setting)
            empty = names.put_into(SETTINGS[setting])
            if mention is None or not _begins(mention.use):
                starts.append(f"{name} = {empty}")
            elif mention.use.how != "assigned":
                first = mention.use
                whole = empty.replace("()", "({given})") if setting == "cookies" else "{given}"
                begun.add((self.home.path, first.number))
                kind, number = ("call", first.call) if first.call >= 0 else ("attribute", first.number)
                yield self.home.path, ReplaceStatement(kind, number, (f"{name} = {whole}",))
        yield self.home.path, ReplaceStatement("call", self.number, tuple(starts))
        for mention in self.mentions:
            path, use = mention.scope.path, mention.use
            row = row_of(use)
            if row is None or (path, use.number) in begun:
                continue
            if row.form:
                yield path, Template("attribute", use.number, self.name(mention.session, use.member))
            elif use.how == "called":
                yield path, ReplaceStatement("call", use.call)
            else:
                yield path, ReplaceStatement("attribute", use.number)


def _begins(use: SessionUse) -> bool:
    """Whether a setting may begin with what is put into it here."""
    return use.leading and (use.how in {"assigned", "item"} or (use.how == "update()" and use.display))
