"""Subscribers that do not read, read slowly or vanish: what waits for them is bounded, and nobody else notices."""

import asyncio
from contextlib import AsyncExitStack

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from nexus_gql.server.wire import Wire, wire_of

from .test_cohorts import THINGS, Screen, executions, screens
from .toy import World, application, serving, socket, until

NAMES = [f"{number:02}" + "x" * 20_000 for number in range(20)]
"""A frame with all of them is 400 KB: no socket's buffers hold many."""
FRAME = 450_000
CHANGES = 40


class Seen:
    """Notes the server's end of each WebSocket."""

    def __init__(self, app: ASGIApp, wires: list[Wire]) -> None:
        self._app = app
        self._wires = wires

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            self._wires.append(wire_of(scope))
        await self._app(scope, receive, send)


def put_all(world: World, value: int) -> None:
    for name in NAMES:
        world.put(name, value)


async def settle(world: World, screen: Screen) -> int:
    """Read up to the latest state; how many frames that took."""
    frames = 0
    while screen.position < world.feed.position or screen.things != world.things:
        await screen.take()
        frames += 1
    return frames


async def test_what_waits_for_a_reader_that_stopped_should_be_merged_and_its_memory_bounded() -> None:
    world = World()
    wires: list[Wire] = []
    app = application(world)
    app.add_middleware(Seen, wires=wires)
    async with serving(world, app=app) as url, screens(url, 3) as others, screens(url, 1) as (deaf,):
        for screen in [*others, deaf]:
            await screen.take()
        deaf.client.connection.transport.pause_reading()
        most = 0
        for value in range(CHANGES):
            put_all(world, value)
            for screen in others:
                await screen.reach(world.feed.position)
            most = max(most, wires[3].transport.get_write_buffer_size())
        assert 0 < most < 2 * FRAME
        assert (await executions(url))["change"] == CHANGES  # nothing is executed for somebody who does not read
        deaf.client.connection.transport.resume_reading()
        assert await settle(world, deaf) < CHANGES
        assert (await executions(url))["snapshot"] <= 2


async def test_each_that_stopped_should_catch_up_in_a_step_or_two() -> None:
    world = World()
    async with serving(world) as url, screens(url, 1) as (other,), screens(url, 5) as deaf:
        for screen in [other, *deaf]:
            await screen.take()
        for screen in deaf:
            screen.client.connection.transport.pause_reading()
        for value in range(CHANGES):
            put_all(world, value)
            await other.reach(world.feed.position)
        for screen in deaf:
            screen.client.connection.transport.resume_reading()
            assert await settle(world, screen) < CHANGES
        assert (await executions(url))["change"] <= CHANGES + 2 * len(deaf)


async def test_a_slow_reader_should_always_come_to_the_latest_state() -> None:
    world = World()
    async with serving(world) as url, screens(url, 2) as (fast, slow):
        await fast.take()
        for value in range(CHANGES):
            put_all(world, value)
            await fast.reach(world.feed.position)
            if value % 4 == 0:
                await slow.take()
        await settle(world, slow)


async def stopped(world: World, wires: list[Wire]) -> None:
    """Change until the last to connect does not keep up, then end what it follows."""
    value = 0
    while not wires[-1].transport.get_write_buffer_size():
        put_all(world, value := value + 1)
        await asyncio.sleep(0.01)
    put_all(world, 0)
    await asyncio.sleep(0.05)
    world.put("stop", 1)
    await asyncio.sleep(0.05)


async def test_one_that_was_behind_when_its_scope_went_should_be_told_so() -> None:
    world = World()
    wires: list[Wire] = []
    app = application(world)
    app.add_middleware(Seen, wires=wires)
    async with serving(world, app=app) as url, screens(url, 1) as (slow,):
        await slow.take()
        slow.client.connection.transport.pause_reading()
        await stopped(world, wires)
        slow.client.connection.transport.resume_reading()
        async with asyncio.timeout(60):
            while (await slow.client.read())["type"] != "complete":
                pass
        await until(lambda: world.subscriptions.open == 0)


async def test_whoever_comes_after_the_end_should_begin_anew_though_one_is_still_stuck_in_it() -> None:
    world = World()
    wires: list[Wire] = []
    app = application(world)
    app.add_middleware(Seen, wires=wires)
    async with serving(world, app=app) as url, screens(url, 1) as (fast,), screens(url, 1) as (stuck,):
        for screen in (fast, stuck):
            await screen.take()
        stuck.client.connection.transport.pause_reading()
        await stopped(world, wires)
        while (await fast.client.read())["type"] != "complete":
            pass
        async with screens(url, 1) as (late,):
            await late.take()
            world.put("a", 1)
            await late.reach(world.feed.position)
            assert late.things == world.things
        stuck.client.connection.transport.abort()
        await until(lambda: world.subscriptions.open == 0)


async def test_one_that_vanishes_should_be_forgotten_whatever_was_waiting_for_it() -> None:
    world = World()
    async with serving(world) as url, screens(url, 1) as (other,), screens(url, 1) as (gone,):
        for screen in (other, gone):
            await screen.take()
        gone.client.connection.transport.pause_reading()
        for value in range(CHANGES):
            put_all(world, value)
            await other.reach(world.feed.position)
        assert world.subscriptions.open == 2
        gone.client.connection.transport.abort()
        await until(lambda: world.subscriptions.open == 1)
        put_all(world, 0)
        await other.reach(world.feed.position)


async def test_an_event_stream_that_is_not_read_should_be_merged_too() -> None:
    world = World()
    async with serving(world) as url, screens(url, 1) as (other,), httpx.AsyncClient() as client:
        await other.take()
        request = client.build_request(
            "POST", f"{url}/graphql", json={"query": THINGS}, headers={"accept": "text/event-stream"}
        )
        response = await client.send(request, stream=True)  # httpx reads no further by itself
        for value in range(CHANGES):
            put_all(world, value)
            await other.reach(world.feed.position)
        events = 0
        last = f'"position":{world.feed.position},'
        async for line in response.aiter_lines():
            events += line.startswith("data: ")
            if last in line:
                break
        assert events < CHANGES
        await response.aclose()
        await until(lambda: world.subscriptions.open == 1)


async def test_subscriptions_of_one_connection_should_be_written_together() -> None:
    world = World()
    wires: list[Wire] = []
    app = application(world)
    app.add_middleware(Seen, wires=wires)
    queries = [f"subscription {{ n{number}: things {{ position }} }}" for number in range(10)]
    async with serving(world, app=app) as url, socket(url, init={}) as client:
        for number, query in enumerate(queries):
            await client.subscribe(query, str(number))
            await client.read()
        writes: list[int] = []
        transport = wires[0].transport
        wires[0].transport = Recorded(transport, writes)  # type: ignore[assignment]
        world.put("a", 1)
        assert {(await client.read())["id"] for _ in queries} == {str(number) for number in range(10)}
        assert len(writes) == 1


class Recorded:
    """A transport whose writes are counted."""

    def __init__(self, transport: asyncio.Transport, writes: list[int]) -> None:
        self._transport = transport
        self._writes = writes

    def write(self, data: bytes) -> None:
        self._writes.append(len(data))
        self._transport.write(data)

    def __getattr__(self, name: str) -> object:
        return getattr(self._transport, name)


async def test_a_thousand_subscriptions_should_each_be_told_to_come_back() -> None:
    world = World()
    async with AsyncExitStack() as stack:
        async with serving(world, shutdown_timeout=30.0) as url:  # not how fast, but that all are told
            clients = [await stack.enter_async_context(socket(url, init={})) for _ in range(100)]
            for client in clients:
                for number in range(10):
                    await client.subscribe(THINGS, str(number))
            await until(lambda: world.subscriptions.open == 1000)
            for client in clients:
                await client.read()
        assert [(await client.closed())[0] for client in clients] == [1012] * 100
    assert world.subscriptions.open == 0
