"""Event streams: how they live and end, apart from what is in them."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest

from nexus_gql import clock
from nexus_gql.access import LOCAL_VIEWER
from nexus_gql.server.messages import Answer
from nexus_gql.server.sessions import FORBIDDEN, Ending, Sessions
from nexus_gql.server.streaming import BEAT_EVERY, EventStream

from .toy import World, serving, until


class Wire:
    """The server's end of one request, without a network."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.outgoing: list[tuple[float, dict[str, Any]]] = []
        self.start = clock.elapsed()

    async def send(self, message: Any) -> None:
        self.outgoing.append((clock.elapsed() - self.start, message))

    @property
    def bodies(self) -> list[bytes]:
        return [message["body"] for _, message in self.outgoing if message["type"] == "http.response.body"]


async def silence() -> AsyncGenerator[Answer, None]:
    await asyncio.sleep(3600)
    yield Answer(data={"late": True})


def stream(sessions: Sessions, results: AsyncGenerator[Answer, None]) -> EventStream:
    return EventStream(results, sessions=sessions, authorization=None, viewer=LOCAL_VIEWER)


@pytest.mark.looptime
async def test_a_silent_stream_should_beat_so_that_no_proxy_cuts_it() -> None:
    wire = Wire()
    await stream(Sessions(World().authenticate), silence())({}, wire.incoming.get, wire.send)
    beats = [at for at, message in wire.outgoing if message.get("body") == b":\n\n"]
    assert beats[:3] == [pytest.approx(BEAT_EVERY * n) for n in (1, 2, 3)]
    assert wire.bodies[-2:] == [b'event: next\ndata: {"data":{"late":true}}\n\n', b"event: complete\ndata:\n\n"]


@pytest.mark.looptime
async def test_a_client_that_leaves_should_be_sent_no_more() -> None:
    wire = Wire()
    serve = asyncio.create_task(stream(Sessions(World().authenticate), silence())({}, wire.incoming.get, wire.send))
    await asyncio.sleep(1)
    wire.incoming.put_nowait({"type": "http.request", "body": b""})
    wire.incoming.put_nowait({"type": "http.disconnect"})
    await serve
    assert wire.bodies == [b""]


@pytest.mark.looptime
async def test_a_client_that_leaves_while_it_is_ended_should_do_no_harm() -> None:
    wire = Wire()
    event_stream = stream(Sessions(World().authenticate), silence())
    serve = asyncio.create_task(event_stream({}, wire.incoming.get, wire.send))
    await asyncio.sleep(1)
    event_stream._end(Ending(FORBIDDEN, "token ended"))
    wire.incoming.put_nowait({"type": "http.disconnect"})
    await serve
    assert b"token ended" in wire.bodies[-1]


@pytest.mark.looptime
async def test_a_client_that_does_not_read_should_be_given_up_after_its_token_was_revoked() -> None:
    wire = Wire()

    async def full(message: Any) -> None:
        await wire.send(message)
        if message.get("body"):
            await asyncio.Event().wait()

    world = World()
    sessions = Sessions(world.authenticate)
    serve = asyncio.create_task(stream(sessions, silence())({}, wire.incoming.get, full))
    await asyncio.sleep(3700)
    world.tokens = {}
    await sessions.look()
    await serve
    assert clock.elapsed() - wire.start < 3720


async def test_a_subscription_should_end_when_its_client_leaves() -> None:
    world = World()
    async with serving(world) as url, httpx.AsyncClient() as client:
        request = client.build_request(
            "POST", f"{url}/graphql", json={"query": "subscription { ever }"}, headers={"accept": "text/event-stream"}
        )
        response = await client.send(request, stream=True)
        assert world.subscriptions.open == 1
        await response.aclose()
        await until(lambda: world.finished == ["ever"])
        await until(lambda: world.subscriptions.open == 0)
