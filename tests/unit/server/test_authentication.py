"""Who may open what, and how it ends: over sockets, streams and requests."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from nexus_gql import clock
from nexus_gql.access import EVERYTHING, Viewer
from nexus_gql.server import connection
from nexus_gql.server.endpoint import Endpoint
from nexus_gql.server.metrics import Metrics
from nexus_gql.server.operations import Operations
from nexus_gql.server.sessions import Sessions

from .toy import Socket, World, application, post, schema, serving, socket

ANN = Viewer("ann", "token a", EVERYTHING)
EVENTS = {"accept": "text/event-stream"}


def world_of_ann() -> World:
    return World({"Bearer a": ANN})


@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
async def test_connection_init_should_carry_the_token_under_any_spelling_of_its_name(name: str) -> None:
    async with serving(world_of_ann()) as url, socket(url, init={name: "Bearer a"}) as client:
        assert (await client.results("{ me }"))[0]["payload"] == {"data": {"me": "ann"}}


async def test_a_token_in_the_handshake_should_do_where_connection_init_has_none() -> None:
    async with (
        serving(world_of_ann()) as url,
        connect(
            url.replace("http", "ws") + "/graphql",
            subprotocols=[Subprotocol("graphql-transport-ws")],
            additional_headers={"Authorization": "Bearer a"},
        ) as opened,
    ):
        client = Socket(opened)
        await client.send({"type": "connection_init", "payload": None})
        assert await client.read() == {"type": "connection_ack"}
        assert (await client.results("{ me }"))[0]["payload"] == {"data": {"me": "ann"}}


@pytest.mark.parametrize("payload", [None, {}, {"Authorization": "Bearer b"}])
async def test_a_socket_without_a_known_token_should_be_closed_with_the_reason(payload: object) -> None:
    world = world_of_ann()
    async with serving(world) as url, socket(url) as client:
        await client.send({"type": "connection_init", "payload": payload})
        assert await client.closed() == (4401, "This token is not known here.")
    assert world.contexts == []


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer b"}, EVENTS])
async def test_a_request_without_a_known_token_should_be_answered_401(headers: dict[str, str]) -> None:
    world = world_of_ann()
    async with serving(world) as url:
        response = await post(url, "{ me }", headers=headers)
        known = await post(url, "{ me }", headers={"authorization": "Bearer a"})
    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
    assert response.json() == {
        "errors": [{"message": "This token is not known here.", "extensions": {"code": "UNAUTHENTICATED"}}]
    }
    assert known.json() == {"data": {"me": "ann"}}


def soon_over() -> Viewer:
    """Ann's token, which is good for long enough to begin something on a busy machine."""
    return Viewer("ann", "token a", EVERYTHING, clock.now() + timedelta(seconds=4))


async def test_a_socket_should_be_closed_when_its_token_expires() -> None:
    world = World({})
    async with serving(world) as url:
        world.tokens["Bearer a"] = soon_over()
        async with socket(url, init={"Authorization": "Bearer a"}) as client:
            await client.subscribe("subscription { ever }")
            assert await client.closed() == (4403, "token ended")
        assert world.finished == ["ever"]
        assert world.subscriptions.open == 0


async def test_a_stream_should_say_so_and_end_when_its_token_expires() -> None:
    world = World({})
    async with serving(world) as url:
        world.tokens["Bearer a"] = soon_over()
        response = await post(url, "subscription { ever }", headers={**EVENTS, "authorization": "Bearer a"})
    assert '"token ended","extensions":{"code":"UNAUTHENTICATED"}' in response.text
    assert response.text.endswith("event: complete\ndata:\n\n")
    assert world.finished == ["ever"]


async def test_a_revoked_token_should_close_its_socket_and_stream_and_leave_the_others() -> None:
    world = World({"Bearer a": ANN, "Bearer b": ANN})
    app = application(world)
    async with (
        serving(world, app=app) as url,
        socket(url, init={"Authorization": "Bearer a"}) as revoked,
        socket(url, init={"Authorization": "Bearer b"}) as other,
    ):
        await revoked.subscribe("subscription { ever }")
        await revoked.read()
        del world.tokens["Bearer a"]
        await app.state.sessions.look()
        assert await revoked.closed() == (4403, "This token is not known here.")
        assert (await other.results("{ me }"))[-1]["type"] == "complete"


class Wire:
    """Both ends of a WebSocket without a network, for what takes its time."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.outgoing: list[tuple[float, dict[str, Any]]] = []
        self.incoming.put_nowait({"type": "websocket.connect"})

    async def send(self, message: Any) -> None:
        self.outgoing.append((clock.elapsed(), message))

    async def drained(self) -> None:
        pass

    def write(self, frame: bytes) -> None:
        self.outgoing.append((clock.elapsed(), {"type": "frame", "bytes": frame}))

    def websocket(self, headers: Mapping[str, str] | None = None) -> WebSocket:
        scope = {
            "type": "websocket",
            "subprotocols": [connection.PROTOCOL],
            "headers": [(name.encode(), value.encode()) for name, value in (headers or {}).items()],
            "extensions": {"nexus.wire": self},
        }
        return WebSocket(scope, self.incoming.get, self.send)


def endpoint(world: World) -> Endpoint:
    operations = Operations(
        schema, shared=(), context=world.context, metrics=Metrics({}), subscriptions=world.subscriptions
    )
    return Endpoint(operations, Sessions(world.authenticate), world.authenticate, world.context)


@pytest.mark.looptime
async def test_a_connection_init_that_never_comes_should_close_the_socket_on_time() -> None:
    wire = Wire()
    start = clock.elapsed()
    await connection.serve(wire.websocket(), endpoint(World()))
    at, last = wire.outgoing[-1]
    assert at - start == pytest.approx(connection.INIT_WITHIN)
    assert last == {"type": "websocket.close", "code": 4408, "reason": "Send connection_init within 10 s."}


@pytest.mark.looptime
async def test_a_socket_that_is_acknowledged_should_have_all_the_time_there_is() -> None:
    wire = Wire()
    wire.incoming.put_nowait({"type": "websocket.receive", "text": '{"type": "connection_init"}'})
    served = asyncio.create_task(connection.serve(wire.websocket(), endpoint(World())))
    await asyncio.sleep(24 * 3600)
    assert [message["type"] for _, message in wire.outgoing] == ["websocket.accept", "frame"]
    wire.incoming.put_nowait({"type": "websocket.disconnect", "code": 1000})
    await served


@pytest.mark.looptime
async def test_a_client_that_does_not_read_should_be_given_up_after_its_token_has_expired() -> None:
    wire = Wire()
    wire.incoming.put_nowait({"type": "websocket.receive", "text": '{"type": "connection_init"}'})
    world = World({None: Viewer("ann", "token a", EVERYTHING, clock.now() + timedelta(minutes=1))})

    async def full(message: Any) -> None:
        await wire.send(message)
        if message["type"] == "websocket.close":
            await asyncio.Event().wait()

    websocket = wire.websocket()
    start = clock.elapsed()
    await connection.serve(WebSocket(websocket.scope, wire.incoming.get, full), endpoint(world))
    assert wire.outgoing[-1][1]["code"] == 4403
    assert clock.elapsed() - start == pytest.approx(65, abs=1)
