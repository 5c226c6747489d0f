"""The values of which a file's links are made (see `fastmigrate.facts.links`)."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from fastmigrate.facts.terms import OPAQUE, Call, Term

__all__ = [
    "Binding",
    "BindingKind",
    "CallSite",
    "ClassLinks",
    "FunctionLinks",
    "Handed",
    "Handler",
    "ModuleLinks",
    "Parameter",
    "Place",
    "Question",
    "Touch",
    "Yield",
    "lambda_links",
]

BindingKind = Literal["import", "from", "value", "each", "with", "parameter", "function", "class", "other"]


class Place(Struct, frozen=True):
    """Where something stands: lines and columns from 1, columns in characters, the end exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


class Binding(Struct, frozen=True):
    """One way in which a scope gives a name its value.

    `module` and `level` belong to imports, `name` is the imported name or the qualified name of a definition,
    `term` the value, the iterable, the context manager or the annotation of a parameter.
    """

    kind: BindingKind
    line: int
    module: str = ""
    level: int = 0
    name: str = ""
    term: Term = OPAQUE
    default: Term | None = None
    guarded: bool = False  # in a `try`, or under an `if`: one of several possible bindings
    typing_only: bool = False  # under `if TYPE_CHECKING`: not there at run time


class Parameter(Struct, frozen=True):
    """A parameter of a function; `kind` is positional, keyword, args or kwargs."""

    name: str
    kind: Literal["positional", "keyword", "args", "kwargs"]
    annotation: Term | None
    default: Term | None


class Question(Struct, frozen=True):
    """`isinstance(error, classes)`: the ordinal of that call, and the classes with their code."""

    call: int
    classes: tuple[Term, ...]
    codes: tuple[str, ...]


class Handed(Struct, frozen=True):
    """A handler hands its error on: to what is called, at which position; `number` is that of its name there."""

    callee: Term
    position: int
    line: int
    number: int


class Handler(Struct, frozen=True):
    """An `except` clause, or a `suppress(…)`: what it catches, and what it does with the error.

    `classes` are those that it names, with their code (a bare clause names none). `number` is the clause's ordinal
    in the file, -1 for `suppress`, whose call's ordinal is then `call`. `first` is the ordinal of the first clause of
    the same `try`, whose body stands in the lines of `body` and raises `raised` itself. `reads` are the attributes that
    the handler reads from the error, `shown` the places where it makes text of it: the ordinals of calls `str(error)`,
    and of uses of its name in f-strings. `doubts` say what else it does with it.
    """

    line: int
    classes: tuple[Term, ...]
    codes: tuple[str, ...] = ()
    number: int = -1
    call: int = -1
    first: int = -1
    body: tuple[int, int] = (0, 0)
    raised: tuple[Term, ...] = ()
    name: str = ""
    reads: frozenset[str] = frozenset()
    asked: tuple[Question, ...] = ()
    shown: tuple[tuple[Literal["call", "name"], int], ...] = ()
    raises_again: bool = False
    doubts: tuple[str, ...] = ()
    handed: tuple[Handed, ...] = ()


class CallSite(Struct, frozen=True):
    """A call, the function that makes it ("" at module level), and how it stands there."""

    call: Call
    scope: str
    place: Place
    decorates: str | None = None  # the qualified name of the function that the call decorates
    awaited: bool = False  # at once: `await f()`


class Touch(Struct, frozen=True):
    """Where a function runs other code without a call: it reads a member, enters a block, or runs over something."""

    kind: Literal["read", "with", "async with", "for"]
    term: Term
    scope: str
    place: Place


class FunctionLinks(Struct, frozen=True):
    """A function definition; `number` is its ordinal among the file's functions, -1 for a lambda."""

    qualname: str
    number: int
    line: int
    is_async: bool
    parameters: tuple[Parameter, ...]
    decorators: tuple[Term, ...]
    bindings: dict[str, tuple[Binding, ...]]
    names: frozenset[str]  # every name in it, nested functions included
    loads: dict[str, int]  # how often each name is read in its body, nested functions included
    members: frozenset[str]  # the names of all attributes in it
    returns: tuple[Term, ...]
    returned: Term | None  # the annotation of what it returns
    handlers: tuple[Handler, ...]  # around something that it awaits or yields
    yields: tuple[Yield, ...]
    items: tuple[tuple[Term, Term], ...]  # what gets items by assignment, and these
    awaits: int
    delegates: bool  # it has a `yield from`, and so is a generator
    ends: bool  # every way through it ends in `return` or `raise`
    parent: str
    in_class: bool


def lambda_links(
    qualname: str, line: int, parameters: tuple[Parameter, ...], parent: str, in_class: bool
) -> FunctionLinks:
    """The links of a lambda; the calls in it are its own, all else belongs to the function around."""
    no: frozenset[str] = frozenset()
    return FunctionLinks(
        qualname,
        -1,
        line,
        False,
        parameters,
        (),
        {},
        no,
        {},
        no,
        (),
        None,
        (),
        (),
        (),
        0,
        False,
        True,
        parent,
        in_class,
    )


class Yield(Struct, frozen=True):
    """A `yield`: its ordinal in the file, its value, and the `async with` items around it."""

    number: int
    line: int
    value: Term | None
    statement: bool
    around: tuple[tuple[str | None, str], ...]  # (name bound, source of the context manager)


class ClassLinks(Struct, frozen=True):
    """A class definition; `number` is its ordinal among the file's classes.

    `bindings` holds its body's names and what its methods assign to `self`.
    """

    qualname: str
    number: int
    line: int
    bases: tuple[Term, ...]
    bindings: dict[str, tuple[Binding, ...]]
    annotations: dict[str, tuple[Term, Term | None]]  # field -> (annotation, default)


class ModuleLinks(Struct, frozen=True):
    """What one file says to the others; `path` is relative to the project, POSIX."""

    path: str
    bindings: dict[str, tuple[Binding, ...]]
    functions: dict[str, FunctionLinks]
    classes: dict[str, ClassLinks]
    calls: tuple[CallSite, ...]
    touches: tuple[Touch, ...]
    items: tuple[tuple[Term, Term], ...]  # what gets items by assignment at module level, and these
    stars: tuple[Binding, ...]
    exports: frozenset[str]  # the names in a literal __all__
    loads: dict[str, int]  # how often each name is read in the file, however deep
    state_names: frozenset[str]  # names read or written behind `.state.`
    stored: frozenset[str]  # names of attributes that are assigned
    mutated: frozenset[str]  # names of things that get items, or whose items change
    overridden: tuple[tuple[Term, str], ...]  # the keys of `dependency_overrides`, and the scopes where they stand

    def call(self, number: int) -> CallSite | None:
        """The call with this ordinal, if it is among those that are read."""
        return next((site for site in self.calls if site.call.number == number), None)

    def imported(self, library: str) -> set[str]:
        """The names that the file imports from a library, wherever in it."""
        scopes = [self.bindings, *(function.bindings for function in self.functions.values())]
        return {
            name
            for scope in scopes
            for name, bindings in scope.items()
            for binding in bindings
            if binding.kind in {"import", "from"} and not binding.level and binding.module.partition(".")[0] == library
        }

    @property
    def names(self) -> set[str]:
        """Every name that the file uses, wherever in it: what new code at its top must not be called."""
        return {*self.bindings, *self.loads, *(name for f in self.functions.values() for name in f.names)}
