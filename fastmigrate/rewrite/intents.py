"""Intents: small edits, each on one node of one file.

A node is named by its kind and its ordinal among that kind in the file (see `fastmigrate.facts.order`).
In templates, `{}` stands for the expression as it was, `{0}` and `{1}` for the elements of a tuple, and
`{argument_1}` for the call's argument at index 1.
"""

from __future__ import annotations

from msgspec import Struct

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


class ArgumentEdit(Struct, frozen=True):
    """A change of the argument at `index`, as written: its keyword, its value (a template), or that it goes.

    `elements` are templates for single elements of the display that it is: of a dict, their values.
    """

    index: int
    keyword: str | None
    value: str = "{}"
    drop: bool = False
    elements: tuple[tuple[int, str], ...] = ()


class NewArgument(Struct, frozen=True):
    """An argument that is added: last, or, if it has no keyword, behind the first ones, as many as `after` says."""

    keyword: str | None
    value: str
    after: int = 0


class EditCall(Struct, frozen=True):
    """A call gets another callee, other arguments, or an `await`; `renamed` is a new last name of its callee."""

    number: int
    callee: str | None = None
    arguments: tuple[ArgumentEdit, ...] = ()
    added: tuple[NewArgument, ...] = ()
    awaited: bool = False
    renamed: str | None = None


class PassFunction(Struct, frozen=True):
    """The argument at `index` of a call, a call itself, becomes the function that it calls; its arguments follow it."""

    number: int
    index: int


class RenameMember(Struct, frozen=True):
    """An attribute gets another name, and is negated if so said; `not` of the negated one is the plain one."""

    number: int
    name: str
    negated: bool = False


class ReplaceStatement(Struct, frozen=True):
    """Other statements take the place of the one that is about a call or an attribute; if there are none, it goes.

    It is that call, assigns it or enters it (`with`, whose body stays), or assigns to that attribute or an item of it.
    `{given}` stands for the first argument of the call, or for a dict of the item.
    """

    kind: str
    number: int
    code: tuple[str, ...] = ()


class TestMember(Struct, frozen=True):
    """A name that is tested for truth is tested for the falsehood of one of its members, and for None if so said.

    `number` is the ordinal of the use among all expressions that are this name.
    """

    name: str
    number: int
    member: str
    optional: bool


class Template(Struct, frozen=True):
    """An expression becomes another one: `{}` stands for it as it was, `{of}` for what it is a member of.

    `kind` is "call", "attribute" or "name"; for a call, `{of}` is what its callee is a member of. `name` is the name
    whose uses a number counts.
    """

    kind: str
    number: int
    code: str
    name: str = ""


class EditHandler(Struct, frozen=True):
    """An `except` clause catches something else."""

    number: int
    code: str


class MakeAsync(Struct, frozen=True):
    """A `for`, a `with`, a clause of a comprehension or a function becomes `async`."""

    kind: str
    number: int


class Collect(Struct, frozen=True):
    """`list(generator)` becomes a comprehension that loops over the generator asynchronously; so does `set(…)`."""

    number: int


class AsList(Struct, frozen=True):
    """A generator expression becomes a list; `number` is the ordinal of its first clause."""

    number: int


class Annotate(Struct, frozen=True):
    """What a function returns is annotated with another class, of the same parameters."""

    function: int
    code: str


class SplitWith(Struct, frozen=True):
    """The item with this index of a `with` becomes asynchronous: those before and behind it get blocks of their own."""

    number: int
    item: int


class UnwrapWith(Struct, frozen=True):
    """`with value as name:` becomes `name = value`, or other statements, and its body stands beside that.

    Of several items, the one at `item` goes. With `is_gone`, nothing takes its place but the code.
    """

    number: int
    item: int = 0
    code: tuple[str, ...] = ()
    is_gone: bool = False


class WrapRest(Struct, frozen=True):
    """`name = value`, where value is the call, becomes `async with value as name:` around the rest of its block."""

    call: int
    is_async: bool = True


class EnterClient(Struct, frozen=True):
    """`return value` or `yield value`, where value is the call, becomes `yield name` within `with value as name:`."""

    call: int
    name: str


class ReturnToYield(Struct, frozen=True):
    """A `return` becomes a `yield`."""

    number: int


class CloseAfterRest(Struct, frozen=True):
    """What follows the `try` in which a call stands gets a `try` of its own, with `code` in its `finally`."""

    call: int
    code: str


class StatementBefore(Struct, frozen=True):
    """A statement comes to stand before the one that holds a node."""

    kind: str
    number: int
    code: str


class StatementAfter(Struct, frozen=True):
    """A statement comes to stand after the simple one that holds a call."""

    call: int
    code: str


class AddDecorator(Struct, frozen=True):
    """A function without decorators gets one."""

    function: int
    code: str


class RemoveDecorator(Struct, frozen=True):
    """A function loses the decorator that is this call."""

    number: int


class GuardStatement(Struct, frozen=True):
    """The statement that consists of a call becomes the body of `if test:`, below `first`."""

    call: int
    test: str
    first: str = ""


class RemoveStatement(Struct, frozen=True):
    """The statement that holds a call, or the definition of a function, goes; a `finally` that gets empty goes, too."""

    kind: str
    number: int


class AddParameter(Struct, frozen=True):
    """A function gets another parameter, as its first (after `self` or `cls`)."""

    function: int
    code: str
    is_method: bool = False


class Twin(Struct, frozen=True):
    """A function stays as it is, and all edits within it go to a copy with another name that stands behind it."""

    function: int
    name: str


class ImportTwin(Struct, frozen=True):
    """Where `bound` is imported from some module, so is the twin of what it names, under its name or an alias."""

    bound: str
    name: str
    alias: str | None = None


class InsertAtTop(Struct, frozen=True):
    """A function's body begins with another statement, after its docstring."""

    function: int
    code: str


class InsertBefore(Struct, frozen=True):
    """Definitions come to stand before the top-level statement that holds a call or a function."""

    kind: str
    number: int
    code: str


class WrapYield(Struct, frozen=True):
    """A `yield` statement comes to stand in `async with manager as name:`, and yields that under `key`, too.

    `optional` says that what it yields now may be None; `typed` that it is made by a call, which takes the client, too.
    """

    number: int
    manager: str
    name: str
    key: str
    optional: bool = False
    typed: bool = False


class WithoutThread(Struct, frozen=True):
    """`await to_thread(lambda: x)` becomes x, and `to_thread(partial(f, …))` the call that the argument is by then.

    `index` is that of the argument.
    """

    number: int
    index: int


class AddField(Struct, frozen=True):
    """A class gets another annotated name, after those that it has."""

    number: int
    code: str


class AddImport(Struct, frozen=True):
    """`import module as alias`, or `from module import name as alias`, at module level."""

    module: str
    name: str | None = None
    alias: str | None = None


class RemoveImport(Struct, frozen=True):
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
