"""A small schema behind the real server on a real socket, and raw clients for it."""

import asyncio
import json
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, cast

import httpx
import strawberry
from starlette.applications import Starlette
from tortoise.exceptions import DBConnectionError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from nexus_gql.access import LOCAL_VIEWER, Viewer
from nexus_gql.live import Feed
from nexus_gql.problems import NotFound, Unauthenticated
from nexus_gql.schema import Following, Ordered, Snapshot, Step
from nexus_gql.server import Subscriptions, build, run

SECRET = "the-password-is-hunter2"


@dataclass
class World:
    """What the toy's server is given, and what it leaves behind."""

    tokens: dict[str | None, Viewer] = field(default_factory=lambda: {None: LOCAL_VIEWER})
    contexts: list["Context"] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    entered: list[str] = field(default_factory=list)
    finished: list[str] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    subscriptions: Subscriptions = field(default_factory=Subscriptions)
    things: dict[str, int] = field(default_factory=dict)
    feed: Feed[str] = field(default_factory=lambda: Feed(64))
    size: int = 200
    "How many things a frame of a snapshot has."
    lines: list[str] = field(default_factory=list)
    line_feed: Feed[str] = field(default_factory=lambda: Feed(64))
    lookups: int = 0
    broken: Exception | None = None

    def put(self, name: str, value: int | None) -> None:
        """Set a thing, or take it away, and say so."""
        if value is None:
            self.things.pop(name, None)
        else:
            self.things[name] = value
        self.feed.publish(name)

    def write(self, line: str) -> None:
        """Write a line, and say so."""
        self.lines.append(line)
        self.line_feed.publish(line)

    async def authenticate(self, authorization: str | None) -> Viewer:
        self.lookups += 1
        if self.broken is not None:
            raise self.broken
        if authorization not in self.tokens:
            raise Unauthenticated("This token is not known here.")
        return self.tokens[authorization]

    async def ready(self) -> list[str]:
        return self.missing

    def context(self, viewer: Viewer) -> "Context":
        self.contexts.append(Context(self, viewer))
        return self.contexts[-1]


@dataclass
class Context:
    world: World
    viewer: Viewer


Info = strawberry.Info[Context, None]


@strawberry.type
class Query:
    @strawberry.field
    def me(self, info: Info) -> str:
        return info.context.viewer.name

    @strawberry.field
    def double(self, number: int = 1) -> int:
        return number * 2

    @strawberry.field
    def more(self) -> "Query":
        return Query()

    @strawberry.field
    def fault(self) -> str | None:
        raise RuntimeError(SECRET)

    @strawberry.field
    def unserialisable(self) -> int | None:
        return cast("int", SECRET)

    @strawberry.field
    def failure(self) -> str | None:
        raise NotFound("There is no such thing.")

    @strawberry.field
    def database(self) -> str | None:
        raise DBConnectionError(SECRET)

    @strawberry.field
    async def slow(self, info: Info) -> str:
        info.context.world.entered.append("slow")
        await info.context.world.released.wait()
        info.context.world.finished.append("slow")
        return "done"


@strawberry.type
class Mutation:
    @strawberry.mutation
    def say(self, text: str) -> str:
        return text

    @strawberry.mutation
    def fault(self) -> str | None:
        raise RuntimeError(SECRET)


@strawberry.type
class Thing:
    name: str
    number: int

    @strawberry.field
    async def value(self) -> int:
        if self.number < 0:
            raise NotFound("There is no such value.")
        return self.number

    @strawberry.field
    def doubtful(self) -> int | None:
        if self.number < 0:
            raise NotFound("There is no such value.")
        return self.number

    @strawberry.field
    def asker(self, info: Info) -> str:
        return info.context.viewer.name

    @strawberry.field
    def viewer_name(self, info: Info) -> str:
        return info.context.viewer.name


@strawberry.type
class Things:
    kind: str
    position: int
    complete: bool
    upserted: list[Thing]
    removed: list[str]


def frame(kind: str, position: int, upserted: list[Thing], removed: list[str], complete: bool = True) -> Things:
    return Things(kind=kind, position=position, complete=complete, upserted=upserted, removed=removed)


def following(world: World, prefix: str) -> Following:
    """The things whose names begin so: all, then those that changed. `stop` ends it, `again` asks for a new snapshot, `bad` fails."""

    async def snapshot() -> Snapshot[Things]:
        found = [Thing(name=name, number=n) for name, n in sorted(world.things.items()) if name.startswith(prefix)]
        position, size = world.feed.position, world.size
        starts = range(0, max(1, len(found)), size)
        return Snapshot(
            position,
            (frame("SNAPSHOT", position, found[at : at + size], [], at + size >= len(found)) for at in starts),
        )

    async def change(changes: Sequence[str], position: int) -> Step[Things]:
        if "bad" in changes:
            raise NotFound("There is no such thing any more.")
        names = dict.fromkeys(name for name in changes if name.startswith(prefix))
        upserted = [Thing(name=name, number=world.things[name]) for name in names if name in world.things]
        removed = [name for name in names if name not in world.things]
        frames = [frame("CHANGES", position, upserted, removed)] if names else []
        return Step(frames, again="again" in changes, over="stop" in changes)

    return Following(world.feed, snapshot, change)


@strawberry.type
class Lines:
    texts: list[str]
    cursor: str
    missed: int = 0

    @strawberry.field
    async def held(self, info: Info) -> bool:
        """Waits, where there are lines."""
        if self.texts:
            await info.context.world.released.wait()
        return True


@dataclass(frozen=True)
class LineMark:
    number: int
    at: int
    "How many lines there were."


class LineFront:
    """The lines that are written from now on, each in a frame of its own. `bad` fails."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.mark = LineMark(0, len(world.lines))

    async def frames(self) -> AsyncGenerator[tuple[LineMark, Lines], None]:
        try:
            while True:
                while self.mark.at == len(self.world.lines):
                    await self.world.line_feed.newer(self.world.line_feed.position)
                at = self.mark.at
                if self.world.lines[at] == "bad":
                    raise NotFound("There is no such line any more.")
                self.mark = LineMark(self.mark.number + 1, at + 1)
                yield self.mark, Lines(texts=[self.world.lines[at]], cursor=f"after {at + 1}")
        finally:
            self.world.finished.append("front")

    def arrival(self, after: str | None) -> "LineArrival":
        return LineArrival(self, int((after or "after 0").removeprefix("after ")))

    def left_out(self, start: LineMark, end: LineMark) -> Lines:
        return Lines(texts=[], cursor=f"after {end.at}", missed=end.at - start.at)


class LineArrival:
    """The lines before, up to where the front stands, a few at a time. `bad` fails."""

    def __init__(self, front: LineFront, start: int) -> None:
        self.front = front
        self.start = start
        self.mark = front.mark

    async def frames(self) -> AsyncGenerator[Lines, None]:
        self.mark = self.front.mark
        for start in range(self.start, max(self.mark.at, self.start + 1), 3):
            end = min(start + 3, self.mark.at)
            if "bad" in self.front.world.lines[start:end]:
                raise NotFound("There is no such line any more.")
            yield Lines(texts=self.front.world.lines[start:end], cursor=f"after {end}")
            await asyncio.sleep(0)


async def no_lines() -> AsyncGenerator[Lines, None]:
    yield Lines(texts=[], cursor="")


@strawberry.type
class Subscription:
    @strawberry.subscription
    def lines(
        self, info: Info, after: str | None = None, follow: bool = True, prefix: str = ""
    ) -> AsyncGenerator[Lines, None]:
        world = info.context.world
        ordered = Ordered(lambda: LineFront(world), after, prefix, no_lines)
        return cast("AsyncGenerator[Lines, None]", ordered) if follow else no_lines()

    @strawberry.subscription
    def things(self, info: Info, prefix: str = "") -> AsyncGenerator[Things, None]:
        return cast("AsyncGenerator[Things, None]", following(info.context.world, prefix))

    @strawberry.subscription
    async def count(self, to: int) -> AsyncGenerator[int, None]:
        for number in range(to):
            yield number

    @strawberry.subscription
    async def ever(self, info: Info, name: str = "ever") -> AsyncGenerator[str, None]:
        try:
            yield name
            await asyncio.Event().wait()
        finally:
            info.context.world.finished.append(name)

    @strawberry.subscription
    async def flood(self, info: Info) -> AsyncGenerator[str, None]:
        try:
            while True:
                yield "x" * 1_000_000
        finally:
            info.context.world.finished.append("flood")

    @strawberry.subscription
    async def fault(self) -> AsyncGenerator[int, None]:
        yield 1
        raise RuntimeError(SECRET)

    @strawberry.subscription
    async def failure(self) -> AsyncGenerator[int, None]:
        yield 1
        raise NotFound("There is no such thing.")


schema = strawberry.Schema(Query, Mutation, Subscription)


@asynccontextmanager
async def nothing(_: Starlette) -> AsyncIterator[None]:
    """A lifespan without a life."""
    yield


def application(world: World, **more: Any) -> Starlette:
    given: dict[str, Any] = {
        "shared": ("lines", "things"),
        "host_names": (),
        "origins": (),
        "lifespan": nothing,
        "metrics": {},
    } | more
    return build(
        schema,
        context=world.context,
        authenticate=world.authenticate,
        ready=world.ready,
        subscriptions=world.subscriptions,
        **given,
    )


@asynccontextmanager
async def serving(
    world: World, *, shutdown_timeout: float = 5.0, app: Starlette | None = None, **more: Any
) -> AsyncIterator[str]:
    """The toy on a free port; its address. Leaving stops it as SIGTERM would."""
    listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    server = asyncio.create_task(
        run(
            app or application(world, **more),
            host="127.0.0.1",
            port=0,
            shutdown_timeout=shutdown_timeout,
            announce=listening.set_result,
        )
    )
    both: set[asyncio.Future[Any]] = {server, listening}
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    if server.done():
        await server  # raises what kept it from serving
    try:
        yield await listening
    finally:
        if not server.done():
            signal.raise_signal(signal.SIGTERM)
        await server


async def post(url: str, query: str, *, headers: dict[str, str] | None = None, **more: object) -> httpx.Response:
    async with httpx.AsyncClient(timeout=60) as client:
        return await client.post(f"{url}/graphql", json={"query": query} | more, headers=headers)


class Socket:
    """A client of graphql-transport-ws that may also say what it should not."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, message: object) -> None:
        await self.connection.send(json.dumps(message))

    async def read(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(await self.connection.recv())
        return message

    async def subscribe(self, query: str, operation: str = "1", **more: object) -> None:
        await self.send({"id": operation, "type": "subscribe", "payload": {"query": query} | more})

    async def results(self, query: str, **more: Any) -> list[dict[str, Any]]:
        """All messages of one operation, up to its last."""
        await self.subscribe(query, **more)
        messages = [await self.read()]
        while messages[-1]["type"] == "next":
            messages.append(await self.read())
        return messages

    async def closed(self) -> tuple[int, str]:
        """Code and reason, once the server has closed; what comes before is dropped."""
        with suppress(ConnectionClosed):
            while True:
                await self.connection.recv()
        assert self.connection.close_code is not None
        return self.connection.close_code, self.connection.close_reason or ""


@asynccontextmanager
async def socket(url: str, *, init: object = None, protocol: str = "graphql-transport-ws") -> AsyncIterator[Socket]:
    """A connection; with `init`, one that is acknowledged."""
    address = url.replace("http", "ws", 1) + "/graphql"
    async with connect(address, subprotocols=[Subprotocol(protocol)], max_size=None) as connection:
        client = Socket(connection)
        if init is not None:
            await client.send({"type": "connection_init", "payload": init})
            assert await client.read() == {"type": "connection_ack"}
        yield client


async def until(condition: Callable[[], object]) -> None:
    """Give the loop turns until something has come about; a test that hangs here has failed."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  # what it waits for is seen, not told
            await asyncio.sleep(0.01)
