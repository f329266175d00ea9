"""The servers that are compared, each a process that reads commands: `publish N`, N changes in one turn of the loop.

Run as `python -m parts.servers nexus|default|starlette` from benchmarks/. Prints its port once it listens; ends with its stdin.
A change has twelve fields, a kilobyte together, and its length never varies. All run on the same uvicorn, loop and options.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import cast

import strawberry
import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from nexus_gql.access import LOCAL_VIEWER, Viewer
from nexus_gql.live import Feed, Lapsed
from nexus_gql.schema import Following, Snapshot, Step
from nexus_gql.server import Subscriptions, build, new_event_loop, run

FEED: Feed[int] = Feed()
SNAPSHOT = 1
"""Changes that a snapshot consists of, one a frame."""


@strawberry.type
class Change:
    """One kilobyte."""

    f0: str
    f1: str
    f2: str
    f3: str
    f4: str
    f5: str
    f6: str
    f7: str
    f8: str
    f9: str
    f10: str
    f11: str

    @classmethod
    def of(cls, number: int) -> "Change":
        """The change of a number."""
        return cls(**{f"f{n}": f"{number:075}" for n in range(12)})


@strawberry.type
class Query:
    none: str | None = None


def _following() -> Following:
    async def snapshot() -> Snapshot[Change]:
        return Snapshot(FEED.position, [Change.of(n) for n in range(SNAPSHOT)])

    async def change(changes: Sequence[int], _: int) -> Step[Change]:
        return Step([Change.of(number) for number in changes])

    return Following(FEED, snapshot, change)


@strawberry.type
class Shared:
    @strawberry.subscription
    def changes(self, cohort: int = 0) -> AsyncGenerator[Change, None]:  # noqa: ARG002  # makes cohorts
        return cast("AsyncGenerator[Change, None]", _following())


@strawberry.type
class Alone:
    @strawberry.subscription
    async def changes(self, cohort: int = 0) -> AsyncGenerator[Change, None]:  # noqa: ARG002  # makes cohorts
        position = FEED.position
        yield Change.of(0)
        while True:
            await FEED.newer(position)
            found = FEED.since(position)
            assert not isinstance(found, Lapsed)
            position += len(found)
            for number in found:
                yield Change.of(number)


async def _nexus() -> None:
    async def authenticate(_: str | None) -> Viewer:
        return LOCAL_VIEWER

    async def ready() -> list[str]:
        return []

    @asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        commands = asyncio.create_task(_commands(_publish))
        yield
        commands.cancel()

    app = build(
        strawberry.Schema(Query, subscription=Shared),
        shared=("changes",),
        context=lambda _: None,
        authenticate=authenticate,
        ready=ready,
        host_names=(),
        origins=(),
        lifespan=life,
        metrics={},
        subscriptions=Subscriptions(),
    )
    await run(app, host="127.0.0.1", port=0, shutdown_timeout=2, announce=lambda url: _say(url.rpartition(":")[2]))


async def _default() -> None:
    from strawberry.asgi import GraphQL

    graphql = GraphQL[None, None](strawberry.Schema(Query, subscription=Alone))
    app = Starlette(routes=[WebSocketRoute("/graphql", graphql)])
    await _uvicorn(app, _publish)


async def _starlette() -> None:
    sockets: set[WebSocket] = set()
    text = json.dumps({"id": "1", "type": "next", "payload": {"data": {"changes": vars(Change.of(0))}}})

    async def serve(websocket: WebSocket) -> None:
        await websocket.accept("graphql-transport-ws")
        try:
            await websocket.receive_text()
            await websocket.send_text('{"type":"connection_ack"}')
            await websocket.receive_text()
            await websocket.send_text(text)
            sockets.add(websocket)
            await websocket.receive_text()
        except WebSocketDisconnect:
            sockets.discard(websocket)

    async def publish(count: int) -> None:
        for _ in range(count):
            for websocket in list(sockets):
                await websocket.send_text(text)

    await _uvicorn(Starlette(routes=[WebSocketRoute("/graphql", serve)]), publish)


async def _uvicorn(app: Starlette, publish: Callable[[int], Awaitable[None]]) -> None:
    config = uvicorn.Config(
        app,
        port=0,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        log_level="error",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn tells nobody
        await asyncio.sleep(0.01)
    _say(str(server.servers[0].sockets[0].getsockname()[1]))
    commands = asyncio.create_task(_commands(publish))
    await serving
    commands.cancel()


async def _publish(count: int) -> None:
    for _ in range(count):
        FEED.publish(FEED.position + 1)


async def _commands(publish: Callable[[int], Awaitable[None]]) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(partial(asyncio.StreamReaderProtocol, reader), sys.stdin)
    while line := await reader.readline():
        await publish(int(line.split()[1]))
    os.kill(os.getpid(), signal.SIGTERM)


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    server = {"nexus": _nexus, "default": _default, "starlette": _starlette}[sys.argv[1]]
    SNAPSHOT = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(server())
