"""Equal subscriptions to an ordered feed: what they share, that nobody misses a line or gets it twice, and what a slow one is told."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest

from .test_cohorts import executions
from .toy import Socket, World, serving, socket, until

LINES = "subscription ($after: String) { lines(after: $after) { texts cursor missed } }"
HELD = "subscription ($after: String) { lines(after: $after) { texts cursor missed held } }"
LONG = "x" * 200_000


class Reader:
    """One subscriber's lines."""

    def __init__(self, client: Socket) -> None:
        self.client = client
        self.texts: list[str] = []
        self.missed = 0
        self.cursor = ""

    async def take(self) -> dict[str, Any]:
        message = await self.client.read()
        assert message["type"] == "next", message
        frame: dict[str, Any] = message["payload"]["data"]["lines"]
        self.texts += frame["texts"]
        self.missed += frame["missed"]
        self.cursor = frame["cursor"]
        return frame

    async def reach(self, count: int) -> None:
        while len(self.texts) + self.missed < count:
            await self.take()


@asynccontextmanager
async def readers(url: str, count: int, **variables: str) -> AsyncIterator[list[Reader]]:
    async with AsyncExitStack() as stack:
        opened = [Reader(await stack.enter_async_context(socket(url, init={}))) for _ in range(count)]
        for reader in opened:
            await reader.client.subscribe(LINES, variables=variables)
            await reader.take()
        yield opened


@asynccontextmanager
async def together(url: str, world: World, count: int) -> AsyncIterator[list[Reader]]:
    """Readers who all came before the first of them was sent anything."""
    async with AsyncExitStack() as stack:
        opened = [Reader(await stack.enter_async_context(socket(url, init={}))) for _ in range(count)]
        for reader in opened:
            await reader.client.subscribe(HELD)
        await until(lambda: world.subscriptions.open == count)
        yield opened


@pytest.mark.parametrize("count", [1, 50])
async def test_frames_should_be_executed_once_however_many_read(count: int) -> None:
    world = World()
    async with serving(world) as url, readers(url, count) as opened:
        for number in range(20):
            world.write(str(number))
        for reader in opened:
            await reader.reach(20)
            assert reader.texts == [str(number) for number in range(20)]
        assert (await executions(url))["change"] == 20
        assert world.subscriptions.open == count
    assert world.finished == ["front"]


async def test_whoever_comes_later_should_get_what_was_before_and_share_what_comes() -> None:
    world = World()
    async with serving(world) as url, AsyncExitStack() as stack:
        opened: list[Reader] = []
        for number in range(30):
            if number % 3 == 0:
                opened += await stack.enter_async_context(readers(url, 1))
            world.write(str(number))
        for reader in opened:
            await reader.reach(30)
            assert reader.texts == [str(number) for number in range(30)]
        assert (await executions(url))["change"] == 30


async def test_those_who_come_together_should_share_what_was_before() -> None:
    world = World()
    for number in range(30):
        world.write(str(number))
    async with serving(world) as url, together(url, world, 50) as opened:
        world.released.set()
        for reader in opened:
            await reader.reach(30)
            assert reader.texts == world.lines
        assert (await executions(url))["arrival"] == 10
        world.write("30")
        for reader in opened:
            await reader.reach(31)
        assert (await executions(url))["change"] == 1


async def test_those_who_came_together_should_not_need_each_other() -> None:
    world = World()
    world.write("before")
    async with serving(world) as url, together(url, world, 3) as (first, *others):
        first.client.connection.transport.abort()
        await until(lambda: world.subscriptions.open == 2)
        world.released.set()
        for reader in others:
            await reader.reach(1)
        assert (await executions(url))["arrival"] == 1


async def test_who_does_not_keep_up_with_those_it_came_with_should_hold_nobody_up_and_miss_nothing() -> None:
    world = World()
    for number in range(100):
        world.write(f"{number} {LONG}")
    async with serving(world) as url, together(url, world, 4) as (deaf, *others):
        deaf.client.connection.transport.pause_reading()
        world.released.set()
        for reader in others:
            await reader.reach(100)
        deaf.client.connection.transport.resume_reading()
        for reader in (deaf, *others):
            await reader.reach(100)
            assert reader.texts == world.lines
            assert reader.missed == 0
        assert (await executions(url))["arrival"] > 34


async def test_one_alone_should_be_waited_for_on_its_way() -> None:
    world = World()
    for number in range(60):
        world.write(f"{number} {LONG}")
    async with serving(world) as url, together(url, world, 1) as (reader,):
        world.released.set()
        while len(reader.texts) < 60:
            await reader.take()
            await asyncio.sleep(0.001)
        assert reader.texts == world.lines
        assert (await executions(url))["arrival"] == 20


async def test_a_fault_on_the_way_should_end_those_who_came_together_and_nobody_else() -> None:
    world = World()
    async with serving(world) as url, readers(url, 1) as (other,):
        world.write("before")
        await other.reach(1)
        world.lines[0] = "bad"
        async with socket(url, init={}) as one, socket(url, init={}) as another:
            for client in (one, another):
                await client.subscribe(LINES)
                message = await client.read()
                assert message["payload"]["errors"][0]["extensions"]["code"] == "NOT_FOUND"
                assert (await client.read())["type"] == "complete"
        await until(lambda: world.subscriptions.open == 1)
        assert other.texts == ["before"]


async def test_whoever_comes_again_should_go_on_after_its_cursor_among_the_others() -> None:
    world = World()
    async with serving(world) as url, readers(url, 1) as (other,):
        for number in range(10):
            world.write(str(number))
        await other.reach(10)
        async with readers(url, 1, after="after 4") as (back,):
            await back.reach(6)
            assert back.texts == ["4", "5", "6", "7", "8", "9"]
            world.write("10")
            await back.reach(7)
            assert back.texts[-1] == "10"
            await other.reach(11)
            assert (await executions(url))["change"] == 11


async def test_a_reader_that_was_away_for_a_while_should_miss_nothing_that_is_kept() -> None:
    world = World()
    async with serving(world) as url, readers(url, 2) as (fast, slow):
        slow.client.connection.transport.pause_reading()
        for number in range(200):
            world.write(f"{number} {'x' * 3000}")
            await fast.reach(number + 1)
        slow.client.connection.transport.resume_reading()
        await slow.reach(200)
        assert slow.texts == world.lines
        assert (await executions(url))["change"] == 200


async def test_a_reader_that_was_left_behind_should_be_told_how_much_it_missed() -> None:
    world = World()
    async with serving(world) as url, readers(url, 2) as (fast, deaf):
        deaf.client.connection.transport.pause_reading()
        for number in range(100):
            world.write(f"{number} {LONG}")
            await fast.reach(number + 1)
        deaf.client.connection.transport.resume_reading()
        await deaf.reach(100)
        assert deaf.missed > 0
        assert len(deaf.texts) + deaf.missed == 100
        assert deaf.texts == sorted(deaf.texts, key=lambda text: int(text.split()[0]))
        assert deaf.texts[-1] == world.lines[-1]
        assert fast.missed == 0


async def test_a_burst_should_reach_the_only_reader_whole_though_it_needs_a_moment() -> None:
    world = World()
    async with serving(world) as url, readers(url, 1) as (reader,):
        for number in range(60):
            world.write(f"{number} {LONG}")
        while len(reader.texts) < 60:
            await reader.take()
            await asyncio.sleep(0.001)
        assert reader.missed == 0


async def test_a_fault_should_end_those_that_share_it_and_nobody_else() -> None:
    world = World()
    async with serving(world) as url, readers(url, 3) as opened, socket(url, init={}) as other:
        await other.subscribe("subscription { things { position } }")
        await other.read()
        world.write("bad")
        for reader in opened:
            message = await reader.client.read()
            (error,) = message["payload"]["errors"]
            assert (error["extensions"]["code"], error["path"]) == ("NOT_FOUND", ["lines"])
            assert (await reader.client.read())["type"] == "complete"
        world.put("a", 1)
        assert (await other.read())["type"] == "next"
        await until(lambda: world.subscriptions.open == 1)


async def test_whoever_meets_the_front_at_a_frame_that_is_being_executed_should_wait_for_it() -> None:
    world = World()
    document = "subscription ($after: String) { lines(after: $after) { texts held } }"
    async with serving(world) as url, socket(url, init={}) as one, socket(url, init={}) as other:
        await one.subscribe(document)
        assert (await one.read())["payload"]["data"]["lines"]["texts"] == []
        world.write("first")
        await until(lambda: world.line_feed.position == 1)
        await other.subscribe(document, variables={"after": "after 1"})
        assert (await other.read())["payload"]["data"]["lines"]["texts"] == []
        await asyncio.sleep(0.05)
        world.released.set()
        world.write("second")
        assert (await one.read())["payload"]["data"]["lines"]["texts"] == ["first"]
        for client in (one, other):
            assert (await client.read())["payload"]["data"]["lines"]["texts"] == ["second"]
        assert (await executions(url))["change"] == 2


async def test_another_argument_that_happens_to_be_the_cursor_should_make_a_difference() -> None:
    world = World()
    document = "subscription ($after: String, $prefix: String) { lines(after: $after, prefix: $prefix) { texts } }"
    async with serving(world) as url, socket(url, init={}) as one, socket(url, init={}) as other:
        await one.subscribe(document, variables={"after": "after 0", "prefix": "after 0"})
        await one.read()
        await other.subscribe(document)
        await other.read()
        world.write("a")
        for client in (one, other):
            await client.read()
        assert (await executions(url))["change"] == 2


async def test_what_only_comes_to_an_end_should_be_nobody_elses() -> None:
    world = World()
    async with serving(world) as url, socket(url, init={}) as client:
        messages = await client.results("subscription { lines(follow: false) { texts } }")
        assert [message["type"] for message in messages] == ["next", "complete"]
        assert world.finished == []


async def test_lines_over_event_streams_should_be_the_same() -> None:
    world = World()
    world.write("before")
    async with serving(world) as url, readers(url, 1) as (other,), httpx.AsyncClient() as client:
        accept = {"accept": "text/event-stream"}
        async with client.stream("POST", f"{url}/graphql", json={"query": LINES}, headers=accept) as response:
            events = (line async for line in response.aiter_lines() if line.startswith("data: "))
            assert '"before"' in await anext(events)
            world.write("after")
            assert '"after"' in await anext(events)
            await other.reach(2)
            assert (await executions(url))["change"] == 1


async def test_event_streams_that_come_together_should_share_what_was_before() -> None:
    world = World()
    for number in range(30):
        world.write(str(number))
    async with serving(world) as url, httpx.AsyncClient() as client, AsyncExitStack() as stack:
        accept = {"accept": "text/event-stream"}
        streams = [
            await stack.enter_async_context(
                client.stream("POST", f"{url}/graphql", json={"query": HELD}, headers=accept)
            )
            for _ in range(10)
        ]
        await until(lambda: world.subscriptions.open == 10)
        world.released.set()
        for response in streams:
            texts: list[str] = []
            async for line in response.aiter_lines():
                if line.startswith("data: "):
                    texts += json.loads(line[6:])["data"]["lines"]["texts"]
                if len(texts) == 30:
                    break
            assert texts == world.lines
        assert (await executions(url))["arrival"] == 10


@pytest.mark.parametrize("seed", range(5))
async def test_nobody_should_miss_a_line_or_get_it_twice_however_they_come_and_go(seed: int) -> None:
    chance = random.Random(seed)
    world = World()
    async with serving(world) as url, AsyncExitStack() as stack:
        opened = await stack.enter_async_context(readers(url, 1))
        for number in range(100):
            world.write(f"{number} {'x' * chance.choice([1, 1000, 30_000])}")
            match chance.randrange(8):
                case 0:
                    opened += await stack.enter_async_context(readers(url, 1))
                case 1:
                    await chance.choice(opened).take()
                case 2:
                    await asyncio.sleep(0.002)
                case 3 if len(opened) > 1:
                    left = opened.pop(chance.randrange(len(opened)))
                    (back,) = await stack.enter_async_context(readers(url, 1, after=left.cursor))
                    left.client.connection.transport.abort()  # a polite farewell would wait for what nobody reads
                    back.texts = left.texts + back.texts
                    opened.append(back)
                case _:
                    pass
        for reader in opened:
            await reader.reach(100)
            assert reader.texts == world.lines
