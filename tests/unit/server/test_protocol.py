"""graphql-transport-ws to the letter: what a client may send, and the code and reason with which it is closed."""

import asyncio

import pytest
import structlog
from websockets.asyncio.client import connect

from nexus_gql.problems import Unreachable
from nexus_gql.server.connection import MAX_OPERATIONS

from .toy import World, serving, socket, until

MALFORMED = [
    pytest.param("[]", id="a list"),
    pytest.param("1", id="a number"),
    pytest.param("null", id="null"),
    pytest.param("", id="nothing"),
    pytest.param("{", id="no JSON"),
    pytest.param('{"type": "start", "id": "1"}', id="an unknown type"),
    pytest.param('{"type": ["ping"]}', id="a type that is a list"),
    pytest.param('{"id": "1"}', id="no type"),
    pytest.param('{"type": "connection_init", "payload": "str"}', id="a payload that is text"),
    pytest.param('{"type": "subscribe", "id": "1", "payload": "str"}', id="an operation that is text"),
    pytest.param('{"type": "subscribe", "id": [1], "payload": {"query": "{ me }"}}', id="an id that is a list"),
    pytest.param('{"type": "subscribe", "id": "1", "payload": {}}', id="no document"),
    pytest.param('{"type": "subscribe", "id": "1", "payload": {"query": 1}}', id="a document that is a number"),
    pytest.param(
        '{"type": "subscribe", "id": "1", "payload": {"query": "", "variables": []}}', id="variables in a list"
    ),
    pytest.param('{"type": "connection_init", "payload": {"authorization": 7}}', id="credentials that are a number"),
    pytest.param("[" * 100_000, id="nested too deeply"),
    pytest.param(b'{"type": "ping"}', id="a binary frame"),
]


@pytest.mark.parametrize("message", MALFORMED)
async def test_a_malformed_message_should_close_its_socket_with_a_reason_and_cost_no_other(
    message: str | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with structlog.testing.capture_logs() as logged:
        async with serving(World()) as url, socket(url, init={}) as other, socket(url) as client:
            await client.connection.send(message)
            code, reason = await client.closed()
            assert (await other.results("{ me }"))[-1] == {"id": "1", "type": "complete"}
    assert code == 4400
    assert 10 < len(reason.encode()) <= 123
    assert (logged, caplog.records) == ([], [])


async def test_a_ping_should_be_answered_and_a_pong_be_let_be() -> None:
    async with serving(World()) as url, socket(url) as client:
        await client.send({"type": "pong", "payload": {"any": 1}})
        await client.send({"type": "ping"})
        assert await client.read() == {"type": "pong"}


async def test_a_second_connection_init_should_close_the_socket() -> None:
    async with serving(World()) as url, socket(url, init={}) as client:
        await client.send({"type": "connection_init"})
        assert await client.closed() == (4429, "Too many initialisation requests")


async def test_an_operation_before_connection_init_should_close_the_socket() -> None:
    async with serving(World()) as url, socket(url) as client:
        await client.subscribe("{ me }")
        assert await client.closed() == (4401, "Unauthorized: send connection_init first")


async def test_an_id_in_use_should_close_the_socket() -> None:
    async with serving(World()) as url, socket(url, init={}) as client:
        await client.subscribe("subscription { ever }")
        await client.subscribe("subscription { ever }")
        assert await client.closed() == (4409, "Subscriber for 1 already exists")


async def test_an_id_should_be_free_again_once_its_operation_is_complete() -> None:
    world = World()
    async with serving(world) as url, socket(url, init={}) as client:
        await client.subscribe("subscription { ever }")
        await client.read()
        await client.send({"id": "1", "type": "complete"})
        assert (await client.results("{ me }"))[-1] == {"id": "1", "type": "complete"}
        assert (await client.results("{ me }"))[-1] == {"id": "1", "type": "complete"}
        assert world.finished == ["ever"]


async def test_complete_for_an_operation_that_is_not_there_should_be_let_be() -> None:
    async with serving(World()) as url, socket(url, init={}) as client:
        await client.send({"id": "9", "type": "complete"})
        assert (await client.results("{ me }"))[-1] == {"id": "1", "type": "complete"}


async def test_more_operations_than_a_connection_may_have_should_be_refused_one_by_one() -> None:
    world = World()
    async with serving(world) as url, socket(url, init={}) as client:
        for number in range(MAX_OPERATIONS):
            await client.subscribe("subscription { ever }", str(number))
            await client.read()
        assert world.subscriptions.open == MAX_OPERATIONS
        await client.subscribe("{ me }", "one more")
        refused = await client.read()
        assert (refused["id"], refused["type"]) == ("one more", "error")
        assert refused["payload"][0]["extensions"] == {"code": "TOO_MANY"}
        await client.send({"id": "0", "type": "complete"})
        await until(lambda: world.finished)
        await client.subscribe("{ me }", "one more")
        assert (await client.read())["type"] == "next"


@pytest.mark.parametrize(
    ("document", "code"),
    [
        pytest.param("{", "BAD_REQUEST", id="syntax"),
        pytest.param("", "BAD_REQUEST", id="empty"),
        pytest.param("{ nothing }", "BAD_REQUEST", id="validation"),
        pytest.param("{" + "more {" * 50 + "me" + "}" * 51, "TOO_EXPENSIVE", id="depth"),
    ],
)
async def test_a_document_that_is_refused_should_cost_its_own_operation_only(document: str, code: str) -> None:
    async with serving(World()) as url, socket(url, init={}) as client:
        (refused,) = await client.results(document)
        assert (refused["type"], refused["payload"][0]["extensions"]["code"]) == ("error", code)
        assert (await client.results("{ me }"))[-1]["type"] == "complete"


@pytest.mark.parametrize("protocol", ["graphql-ws", "soap"])
async def test_another_subprotocol_should_be_closed_with_the_name_of_the_right_one(protocol: str) -> None:
    async with serving(World()) as url, socket(url, protocol=protocol) as client:
        code, reason = await client.closed()
    assert (code, "graphql-transport-ws" in reason) == (4406, True)


async def test_no_subprotocol_should_be_closed_too() -> None:
    async with serving(World()) as url, connect(url.replace("http", "ws") + "/graphql") as connection:
        await connection.wait_closed()
        assert connection.close_code == 4406


async def test_a_database_that_is_away_should_close_with_a_code_after_which_clients_try_again() -> None:
    world = World(broken=Unreachable("The database does not answer now; try again."))
    async with serving(world) as url, socket(url) as client:
        await client.send({"type": "connection_init"})
        assert await client.closed() == (1013, "The database does not answer now; try again.")


async def test_a_client_that_vanishes_should_end_its_operations() -> None:
    world = World()
    async with serving(world) as url, socket(url, init={}) as client:
        await client.subscribe("subscription { ever }")
        await client.read()
        client.connection.transport.abort()
        await until(lambda: world.finished == ["ever"])
        await until(lambda: world.subscriptions.open == 0)


async def test_a_client_that_does_not_read_should_be_sent_no_more_than_buffers_hold() -> None:
    world = World()
    async with serving(world) as url, socket(url, init={}) as client:
        client.connection.transport.pause_reading()
        await client.subscribe("subscription { flood }")
        await until(lambda: world.subscriptions.open == 1)
        async with socket(url, init={}) as other:
            assert (await other.results("{ me }"))[-1]["type"] == "complete"
        await asyncio.sleep(0)
        client.connection.transport.abort()
        await until(lambda: world.finished == ["flood"])
