"""Goals: what must hold in the migrated project. Equal needs are equal goals, so each is met once."""

from __future__ import annotations

from msgspec import Struct

from fastmigrate.facts.terms import Term
from fastmigrate.knowledge.parity import Parity
from fastmigrate.knowledge.requests_exceptions import Step as Failure
from fastmigrate.plan.specs import ClientSpec
from fastmigrate.project.appmap import Event
from fastmigrate.project.callgraph import Edge
from fastmigrate.project.values import Instance, Scope
from fastmigrate.rewrite.intents import Intent

__all__ = [
    "ClientAroundLifespan",
    "ClientAtHand",
    "ClientHandedOn",
    "ClientInFunction",
    "ClientInLifespan",
    "ClientInNewLifespan",
    "ClientMoved",
    "ClientOfApp",
    "ClientShared",
    "Coroutine",
    "ErrorsPassed",
    "Goal",
    "Gone",
    "HandlersCalled",
    "Held",
    "HelperRun",
    "Imported",
    "LibraryDeclared",
    "LifespanDecorated",
    "LifespanWrapped",
    "LineReader",
    "NewLifespan",
    "Offloaded",
    "PassedFunction",
    "PoolReplaced",
    "Promises",
    "ReadResult",
    "RequestHandedOn",
    "RequestInFunction",
    "ResponseReturned",
    "SessionTakenOver",
    "Slept",
    "StateField",
    "Step",
    "TaskImported",
    "TestClientEntered",
    "Threaded",
    "ThroughClient",
]


class ThroughClient(Struct, frozen=True):
    """The call with this ordinal goes through a client of the app."""

    path: str
    number: int


class Threaded(Struct, frozen=True):
    """The call with this ordinal, which no client can make, is awaited in a thread."""

    path: str
    number: int


class SessionTakenOver(Struct, frozen=True):
    """All calls of the session that the call with this ordinal makes go through a client."""

    path: str
    number: int


class Slept(Struct, frozen=True):
    """The call with this ordinal sleeps without stopping the event loop."""

    path: str
    number: int


class PassedFunction(Struct, frozen=True):
    """The call with this ordinal is given a function in place of what that returns."""

    path: str
    number: int


class TaskImported(Struct, frozen=True):
    """A name for `BackgroundTask` that a scope imports comes from where that is."""

    path: str
    scope: str
    bound: str


class ReadResult(Struct, frozen=True):
    """What is done with a response, in one place: of which kind, and where (see `fastmigrate.facts.uses.Use`)."""

    path: str
    kind: str
    number: int
    name: str = ""


class ClientAtHand(Struct, frozen=True):
    """A path operation can reach a client of its app through its request."""

    function: Scope
    spec: ClientSpec


class ClientInFunction(Struct, frozen=True):
    """A path operation has a client of its app in a local name."""

    function: Scope
    spec: ClientSpec


class Coroutine(Struct, frozen=True):
    """A function that the event loop runs is a coroutine function."""

    function: Scope


class HelperRun(Struct, frozen=True):
    """Where a function on the event loop runs another one, by the call with this ordinal, it awaits that."""

    caller: Scope
    edge: Edge


class ClientHandedOn(Struct, frozen=True):
    """The call with this ordinal hands a client of the app on."""

    caller: Scope
    edge: Edge
    spec: ClientSpec


class ErrorsPassed(Struct, frozen=True):
    """What goes wrong in a function in this step, and passes out of it, is handled as before by what runs it."""

    function: Scope
    step: Failure


class ResponseReturned(Struct, frozen=True):
    """What a function's callers do with the response that it returns is done with one of httpx."""

    function: Scope


class ClientShared(Struct, frozen=True):
    """A client of the app takes the place of the one that the call with this ordinal makes."""

    path: str
    number: int


class ClientMoved(Struct, frozen=True):
    """A lifespan makes the client that the call with this ordinal makes in its module."""

    path: str
    number: int


class RequestInFunction(Struct, frozen=True):
    """A path operation has the request, in a parameter."""

    function: Scope


class RequestHandedOn(Struct, frozen=True):
    """A function that calls a path operation, or the like, hands its request on."""

    caller: Scope
    edge: Edge


class ClientOfApp(Struct, frozen=True):
    """An app's lifespan yields a client."""

    app: Instance
    spec: ClientSpec


class NewLifespan(Struct, frozen=True):
    """A file defines a lifespan."""

    path: str


class ClientInNewLifespan(Struct, frozen=True):
    """A file's new lifespan makes a client."""

    path: str
    spec: ClientSpec


class ClientInLifespan(Struct, frozen=True):
    """An existing lifespan makes a client, and yields it beside what it yields already."""

    function: Scope
    spec: ClientSpec


class HandlersCalled(Struct, frozen=True):
    """The new lifespan of an app calls these start-up and shutdown handlers."""

    app: Instance
    handlers: tuple[Event, ...]


class LifespanDecorated(Struct, frozen=True):
    """A lifespan is decorated with `@asynccontextmanager`."""

    function: Scope


class Offloaded(Struct, frozen=True):
    """What the call with this ordinal hands to a thread goes through a client instead."""

    path: str
    number: int


class PoolReplaced(Struct, frozen=True):
    """Coroutines take the place of the threads of the pool that the call with this ordinal makes."""

    path: str
    number: int


class StateField(Struct, frozen=True):
    """The `TypedDict` of what a lifespan yields knows a client under a key."""

    owner: Scope
    key: str


class LibraryDeclared(Struct, frozen=True):
    """The library whose client the call with this ordinal makes is declared among what the project needs."""

    path: str
    number: int


class TestClientEntered(Struct, frozen=True):
    """The test client that the call with this ordinal makes runs the lifespan of its app."""

    __test__ = False

    path: str
    number: int


class LifespanWrapped(Struct, frozen=True):
    """The lifespan that an app has by default, with its handlers, runs within one that makes the clients."""

    app: Instance


class ClientAroundLifespan(Struct, frozen=True):
    """The function of a file that wraps lifespans makes a client."""

    path: str
    spec: ClientSpec


class Promises(Struct, frozen=True):
    """A file defines the hooks with which clients keep what their base promises."""

    path: str
    base: str


class LineReader(Struct, frozen=True):
    """A file defines a function that reads a streamed response by lines, as requests does."""

    path: str


class Imported(Struct, frozen=True):
    """A module, or a name of it, is imported in a file."""

    path: str
    module: str
    name: str | None = None


Goal = (
    Imported
    | LineReader
    | Promises
    | NewLifespan
    | HandlersCalled
    | LifespanDecorated
    | StateField
    | LifespanWrapped
    | ClientAroundLifespan
    | ClientInNewLifespan
    | ClientInLifespan
    | ClientOfApp
    | RequestInFunction
    | RequestHandedOn
    | ClientAtHand
    | ClientInFunction
    | Coroutine
    | HelperRun
    | ClientHandedOn
    | ErrorsPassed
    | ResponseReturned
    | ClientShared
    | ClientMoved
    | SessionTakenOver
    | ThroughClient
    | Threaded
    | ReadResult
    | Slept
    | PassedFunction
    | TaskImported
    | LibraryDeclared
    | TestClientEntered
    | Offloaded
    | PoolReplaced
)
"""All goals, in the order in which the edits of those that are reached apply."""


Gone = tuple[str, str, Term]
"""A term that an edit does away with: its file, the function that it stands in, and the term."""


class Step(Struct, frozen=True):
    """How a goal is reached: what it needs, how faithful that is, and the edits of it, by file.

    `gone` are the terms that the edits do away with; those of a migrated call are known.
    """

    needs: tuple[Goal, ...] = ()
    parity: Parity = Parity.EXACT
    notes: tuple[str, ...] = ()
    intents: tuple[tuple[str, Intent], ...] = ()
    gone: tuple[Gone, ...] = ()


class Held(Struct, frozen=True):
    """A goal that cannot be reached, and why."""

    reason: str
