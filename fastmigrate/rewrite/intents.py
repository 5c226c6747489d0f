"""Intents: small edits, each on one node of one file.

A node is named by its kind and its ordinal among that kind in the file (see `fastmigrate.facts.order`).
In templates, `{}` stands for the expression as it was, `{0}` and `{1}` for the elements of a tuple, and
`{argument_1}` for the call's argument at index 1.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "AddDecorator",
    "AddField",
    "AddImport",
    "AddParameter",
    "Annotate",
    "ArgumentEdit",
    "AsList",
    "CloseAfterRest",
    "Collect",
    "EditCall",
    "EditHandler",
    "EnterClient",
    "GuardStatement",
    "ImportTwin",
    "InsertAtTop",
    "InsertBefore",
    "Intent",
    "MakeAsync",
    "NewArgument",
    "PassFunction",
    "RemoveDecorator",
    "RemoveImport",
    "RemoveStatement",
    "RenameMember",
    "ReplaceStatement",
    "ReturnToYield",
    "SplitWith",
    "StatementAfter",
    "StatementBefore",
    "Template",
    "TestMember",
    "Twin",
    "UnwrapWith",
    "WithoutThread",
    "WrapRest",
    "WrapYield",
]


@dataclass(frozen=True, slots=True)
class ArgumentEdit:
    """A change of the argument at `index`, as written: its keyword, its value (a template), or that it goes.

    `elements` are templates for single elements of the display that it is: of a dict, their values.
    """

    index: int
    keyword: str | None
    value: str = "{}"
    drop: bool = False
    elements: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class NewArgument:
    """An argument that is added: last, or, if it has no keyword, behind the first ones, as many as `after` says."""

    keyword: str | None
    value: str
    after: int = 0


@dataclass(frozen=True, slots=True)
class EditCall:
    """A call gets another callee, other arguments, or an `await`; `renamed` is a new last name of its callee."""

    number: int
    callee: str | None = None
    arguments: tuple[ArgumentEdit, ...] = ()
    added: tuple[NewArgument, ...] = ()
    awaited: bool = False
    renamed: str | None = None


@dataclass(frozen=True, slots=True)
class PassFunction:
    """The argument at `index` of a call, a call itself, becomes the function that it calls; its arguments follow it."""

    number: int
    index: int


@dataclass(frozen=True, slots=True)
class RenameMember:
    """An attribute gets another name, and is negated if so said; `not` of the negated one is the plain one."""

    number: int
    name: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class ReplaceStatement:
    """Other statements take the place of the one that is about a call or an attribute; if there are none, it goes.

    It is that call, assigns it or enters it (`with`, whose body stays), or assigns to that attribute or an item of it.
    `{given}` stands for the first argument of the call, or for a dict of the item.
    """

    kind: str
    number: int
    code: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TestMember:
    """A name that is tested for truth is tested for the falsehood of one of its members, and for None if so said.

    `number` is the ordinal of the use among all expressions that are this name.
    """

    name: str
    number: int
    member: str
    optional: bool


@dataclass(frozen=True, slots=True)
class Template:
    """An expression becomes another one: `{}` stands for it as it was, `{of}` for what it is a member of.

    `kind` is "call", "attribute" or "name"; for a call, `{of}` is what its callee is a member of. `name` is the name
    whose uses a number counts.
    """

    kind: str
    number: int
    code: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class EditHandler:
    """An `except` clause catches something else."""

    number: int
    code: str


@dataclass(frozen=True, slots=True)
class MakeAsync:
    """A `for`, a `with`, a clause of a comprehension or a function becomes `async`."""

    kind: str
    number: int


@dataclass(frozen=True, slots=True)
class Collect:
    """`list(generator)` becomes a comprehension that loops over the generator asynchronously; so does `set(…)`."""

    number: int


@dataclass(frozen=True, slots=True)
class AsList:
    """A generator expression becomes a list; `number` is the ordinal of its first clause."""

    number: int


@dataclass(frozen=True, slots=True)
class Annotate:
    """What a function returns is annotated with another class, of the same parameters."""

    function: int
    code: str


@dataclass(frozen=True, slots=True)
class SplitWith:
    """The item with this index of a `with` becomes asynchronous: those before and behind it get blocks of their own."""

    number: int
    item: int


@dataclass(frozen=True, slots=True)
class UnwrapWith:
    """`with value as name:` becomes `name = value`, or other statements, and its body stands beside that.

    Of several items, the one at `item` goes. With `is_gone`, nothing takes its place but the code.
    """

    number: int
    item: int = 0
    code: tuple[str, ...] = ()
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class WrapRest:
    """`name = value`, where value is the call, becomes `async with value as name:` around the rest of its block."""

    call: int
    is_async: bool = True


@dataclass(frozen=True, slots=True)
class EnterClient:
    """`return value` or `yield value`, where value is the call, becomes `yield name` within `with value as name:`."""

    call: int
    name: str


@dataclass(frozen=True, slots=True)
class ReturnToYield:
    """A `return` becomes a `yield`."""

    number: int


@dataclass(frozen=True, slots=True)
class CloseAfterRest:
    """What follows the `try` in which a call stands gets a `try` of its own, with `code` in its `finally`."""

    call: int
    code: str


@dataclass(frozen=True, slots=True)
class StatementBefore:
    """A statement comes to stand before the one that holds a node."""

    kind: str
    number: int
    code: str


@dataclass(frozen=True, slots=True)
class StatementAfter:
    """A statement comes to stand after the simple one that holds a call."""

    call: int
    code: str


@dataclass(frozen=True, slots=True)
class AddDecorator:
    """A function without decorators gets one."""

    function: int
    code: str


@dataclass(frozen=True, slots=True)
class RemoveDecorator:
    """A function loses the decorator that is this call."""

    number: int


@dataclass(frozen=True, slots=True)
class GuardStatement:
    """The statement that consists of a call becomes the body of `if test:`, below `first`."""

    call: int
    test: str
    first: str = ""


@dataclass(frozen=True, slots=True)
class RemoveStatement:
    """The statement that holds a call, or the definition of a function, goes; a `finally` that gets empty goes, too."""

    kind: str
    number: int


@dataclass(frozen=True, slots=True)
class AddParameter:
    """A function gets another parameter, as its first (after `self` or `cls`)."""

    function: int
    code: str
    is_method: bool = False


@dataclass(frozen=True, slots=True)
class Twin:
    """A function stays as it is, and all edits within it go to a copy with another name that stands behind it."""

    function: int
    name: str


@dataclass(frozen=True, slots=True)
class ImportTwin:
    """Where `bound` is imported from some module, so is the twin of what it names, under its name or an alias."""

    bound: str
    name: str
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class InsertAtTop:
    """A function's body begins with another statement, after its docstring."""

    function: int
    code: str


@dataclass(frozen=True, slots=True)
class InsertBefore:
    """Definitions come to stand before the top-level statement that holds a call or a function."""

    kind: str
    number: int
    code: str


@dataclass(frozen=True, slots=True)
class WrapYield:
    """A `yield` statement comes to stand in `async with manager as name:`, and yields that under `key`, too.

    `optional` says that what it yields now may be None; `typed` that it is made by a call, which takes the client, too.
    """

    number: int
    manager: str
    name: str
    key: str
    optional: bool = False
    typed: bool = False


@dataclass(frozen=True, slots=True)
class WithoutThread:
    """`await to_thread(lambda: x)` becomes x, and `to_thread(partial(f, …))` the call that the argument is by then.

    `index` is that of the argument.
    """

    number: int
    index: int


@dataclass(frozen=True, slots=True)
class AddField:
    """A class gets another annotated name, after those that it has."""

    number: int
    code: str


@dataclass(frozen=True, slots=True)
class AddImport:
    """`import module as alias`, or `from module import name as alias`, at module level."""

    module: str
    name: str | None = None
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class RemoveImport:
    """The name `bound` is no longer imported, in the module or in the function with that ordinal."""

    bound: str
    function: int | None = None


Intent = (
    EditCall
    | PassFunction
    | RenameMember
    | ReplaceStatement
    | TestMember
    | Template
    | EditHandler
    | MakeAsync
    | Collect
    | AsList
    | Annotate
    | SplitWith
    | UnwrapWith
    | WrapRest
    | EnterClient
    | ReturnToYield
    | CloseAfterRest
    | StatementBefore
    | StatementAfter
    | RemoveDecorator
    | AddDecorator
    | GuardStatement
    | AddParameter
    | Twin
    | ImportTwin
    | InsertAtTop
    | InsertBefore
    | WrapYield
    | AddField
    | WithoutThread
    | RemoveStatement
    | AddImport
    | RemoveImport
)
