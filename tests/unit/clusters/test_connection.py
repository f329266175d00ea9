"""One client of one cluster: what it asks, what it answers with, and that everything ends."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from aiohttp import web

from nexus_gql import clock
from nexus_gql.clusters import (
    APPLY,
    Busy,
    ClusterError,
    Conflicting,
    Connection,
    Denied,
    Expired,
    Invalid,
    Missing,
    ServerTrouble,
    Unauthorized,
    Unreachable,
)

from .apiserver import Apiserver, apiserver, body, document, loaded, refused, status, watched

pytestmark = pytest.mark.looptime

PATH = "/api/v1/namespaces/or-local-models/pods"


@pytest.fixture
async def server() -> AsyncIterator[Apiserver]:
    async with apiserver() as server:
        yield server


@pytest.fixture
async def connection(server: Apiserver) -> AsyncIterator[Connection]:
    found = loaded(server.url)
    connection = Connection(found.configuration)
    found.close()
    yield connection
    await connection.close()


async def test_a_question_should_carry_its_parameters(server: Apiserver, connection: Connection) -> None:
    server.script(PATH, document({"items": []}))

    answer = await connection.get(PATH, {"limit": 500, "labelSelector": "a=b,c=d"})

    assert msgspec.json.decode(answer) == {"items": []}
    assert server.at(PATH)[0].query == {"limit": "500", "labelSelector": "a=b,c=d"}


async def test_a_change_should_be_sent_as_json_under_its_content_type(
    server: Apiserver, connection: Connection
) -> None:
    async def mirror(request: web.Request) -> web.StreamResponse:
        return web.json_response([request.method, request.content_type, await request.json()])

    server.script(PATH, mirror)

    answer: Any = msgspec.json.decode(await connection.send("PATCH", PATH, {"a": 1}, content_type=APPLY))

    assert answer == ["PATCH", APPLY, {"a": 1}]


async def test_what_is_applied_should_be_json_that_is_also_yaml(server: Apiserver, connection: Connection) -> None:
    """An apiserver reads what is applied as YAML, which has no surrogate pairs: an emoji escaped as one was refused with 400."""

    async def mirror(request: web.Request) -> web.StreamResponse:
        return web.json_response([(await request.read()).decode(), await request.json()])

    server.script(PATH, mirror)
    sent = {"\u00e4": "\U0001f600 \u2028 \x7f \\ud83d"}

    text, read = msgspec.json.decode(await connection.send("PATCH", PATH, sent, content_type=APPLY))

    assert text == '{"\\u00e4": "\U0001f600 \\u2028 \\u007f \\\\ud83d"}'
    assert read == sent


@pytest.mark.parametrize(
    ("code", "reason", "meant"),
    [
        (400, "BadRequest", Invalid),
        (401, "Unauthorized", Unauthorized),
        (403, "Forbidden", Denied),
        (404, "NotFound", Missing),
        (409, "Conflict", Conflicting),
        (410, "Expired", Expired),
        (422, "Invalid", Invalid),
        (429, "TooManyRequests", Busy),
        (500, "InternalError", ServerTrouble),
        (503, "ServiceUnavailable", ServerTrouble),
    ],
)
async def test_a_refusal_should_be_the_error_that_it_means(
    server: Apiserver, connection: Connection, code: int, reason: str, meant: type[ClusterError]
) -> None:
    server.script(PATH, status(code, reason, "because"))

    with pytest.raises(meant, match="because"):
        await connection.get(PATH)
    with pytest.raises(meant, match="because"):
        async with connection.stream(PATH, silence=10):
            pass


async def test_a_refusal_should_keep_the_apiservers_own_account(server: Apiserver, connection: Connection) -> None:
    cause = {"reason": "FieldManagerConflict", "message": 'conflict with "kubectl"', "field": ".spec.replicas"}
    server.script(PATH, document({**refused(409, "Conflict"), "details": {"causes": [cause]}}, 409))

    with pytest.raises(Conflicting) as caught:
        await connection.get(PATH)

    (one,) = caught.value.status.causes
    assert (one.field, one.message) == (".spec.replicas", 'conflict with "kubectl"')


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("3600", 60.0), ("soon", 1.0), (None, 1.0)])
async def test_how_long_to_leave_the_apiserver_alone_should_have_bounds(
    server: Apiserver, connection: Connection, header: str | None, seconds: float
) -> None:
    headers = {} if header is None else {"Retry-After": header}
    server.script(PATH, status(429, "TooManyRequests", headers=headers))

    with pytest.raises(Busy) as caught:
        await connection.get(PATH)

    assert caught.value.retry_after == seconds


@pytest.mark.parametrize("page", [b"", b"<html>Bad gateway</html>", b"[]", b'"x"', b'{"details": 7}', b"\xff\xfe"])
async def test_a_refusal_that_is_no_status_should_still_be_one(
    server: Apiserver, connection: Connection, page: bytes
) -> None:
    server.script(PATH, body(page, 502))

    with pytest.raises(ServerTrouble):
        await connection.get(PATH)


async def test_an_answer_that_does_not_come_should_be_given_up(server: Apiserver, connection: Connection) -> None:
    server.script(PATH, watched())
    started = clock.elapsed()

    with pytest.raises(Unreachable, match="in time"):
        await connection.get(PATH)

    assert clock.elapsed() - started == pytest.approx(15, abs=1.1)


async def test_a_stream_that_falls_silent_should_be_given_up(server: Apiserver, connection: Connection) -> None:
    server.script(PATH, watched(b"a\n", 9, b"b\n", 9, b"c\n"))
    started = clock.elapsed()
    got = b""

    async def read() -> None:
        nonlocal got
        async with connection.stream(PATH, silence=10) as content:
            async for chunk in content.iter_any():
                got += chunk

    with pytest.raises(Unreachable):
        await read()

    assert got == b"a\nb\nc\n"
    assert clock.elapsed() - started == pytest.approx(28, abs=1.1)


async def test_a_torn_answer_should_be_unreachable(server: Apiserver, connection: Connection) -> None:
    server.script(PATH, watched(b'{"items"', then="break"))

    with pytest.raises(Unreachable):
        await connection.get(PATH)


async def test_an_address_where_nobody_listens_should_be_unreachable(server: Apiserver) -> None:
    found = loaded("http://127.0.0.1:1")
    connection = Connection(found.configuration)
    found.close()

    with pytest.raises(Unreachable, match=r"Nothing answers at \S+ \(connection refused\)\."):
        await connection.get(PATH)
    await connection.close()


@pytest.mark.parametrize("spoken", [(b"a\n",), ()])
async def test_closing_should_end_a_stream_that_is_being_read(
    server: Apiserver, connection: Connection, spoken: tuple[bytes, ...]
) -> None:
    """Symptom: aiohttp forgets the readers of what it closes, and they waited for ever."""
    server.script(PATH, watched(*spoken))

    async def read() -> None:
        async with connection.stream(PATH, silence=1000) as content:
            async for _ in content.iter_any():
                pass

    reading = asyncio.create_task(read())
    await asyncio.sleep(1)
    await connection.close()

    async with asyncio.timeout(1):
        with pytest.raises(Unreachable):
            await reading


async def test_closing_should_end_a_question_whose_answer_has_not_begun(
    server: Apiserver, connection: Connection
) -> None:
    async def silent(request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    server.script(PATH, silent)
    asking = asyncio.create_task(connection.get(PATH))
    await asyncio.sleep(1)
    await connection.close()

    async with asyncio.timeout(1):
        with pytest.raises(Unreachable):
            await asking


async def test_a_question_after_the_end_should_be_unreachable(server: Apiserver, connection: Connection) -> None:
    await connection.close()

    with pytest.raises(Unreachable):
        await connection.get(PATH)


async def test_a_fault_of_the_reader_should_stay_what_it_is(server: Apiserver, connection: Connection) -> None:
    server.script(PATH, watched(b"a\n"))

    with pytest.raises(LookupError):
        async with connection.stream(PATH, silence=10):
            raise LookupError


async def test_more_than_a_hundred_streams_should_be_open_at_once(server: Apiserver, connection: Connection) -> None:
    """The client's own limit is 100, and the next one waits in silence."""
    server.script(PATH, watched(b"a\n"))

    async def read() -> None:
        async with connection.stream(PATH, silence=1000) as content:
            await content.readany()
            await asyncio.Event().wait()

    async with asyncio.timeout(30):
        tasks = [asyncio.create_task(read()) for _ in range(120)]
        while len(server.at(PATH)) < 120:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
