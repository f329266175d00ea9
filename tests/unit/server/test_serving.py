"""Start and stop: where it listens, and that a signal ends it cleanly whatever is open."""

import asyncio
import signal
import socket as sockets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest
import structlog
from starlette.applications import Starlette

from nexus_gql.server import new_event_loop, run

from .toy import Socket, World, application, post, serving, socket, until


async def open_subscriptions(url: str, stack: AsyncExitStack, count: int) -> list[Socket]:
    clients = [await stack.enter_async_context(socket(url, init={})) for _ in range(count)]
    for number, client in enumerate(clients):
        await client.subscribe("subscription ($n: String!) { ever(name: $n) }", variables={"n": str(number)})
        await client.read()
    return clients


@pytest.mark.parametrize("signal_", [signal.SIGTERM, signal.SIGINT])
async def test_fifty_subscriptions_should_each_end_and_be_told_to_come_back(
    signal_: signal.Signals, caplog: pytest.LogCaptureFixture
) -> None:
    world = World()
    with structlog.testing.capture_logs() as logged:
        async with AsyncExitStack() as stack:
            async with serving(world) as url:
                clients = await open_subscriptions(url, stack, 50)
                assert world.subscriptions.open == 50
                signal.raise_signal(signal_)
                closed = [await client.closed() for client in clients]
            assert {code for code, _ in closed} == {1012}
    assert sorted(world.finished, key=int) == [str(number) for number in range(50)]
    assert world.subscriptions.open == 0
    assert (logged, caplog.records) == ([], [])


async def test_a_stream_should_break_off_without_complete_so_that_its_client_comes_back() -> None:
    world = World()
    async with serving(world) as url, httpx.AsyncClient() as client:
        request = client.build_request(
            "POST", f"{url}/graphql", json={"query": "subscription { ever }"}, headers={"accept": "text/event-stream"}
        )
        response = await client.send(request, stream=True)
        text = response.aiter_text()
        assert '{"ever":"ever"}' in await anext(text)
        signal.raise_signal(signal.SIGTERM)
        rest = "".join([part async for part in text])
        await response.aclose()
    assert "complete" not in rest
    assert world.finished == ["ever"]


async def test_clients_that_never_read_should_not_hold_up_the_end() -> None:
    world = World()
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        async with serving(world, shutdown_timeout=1.0) as url:
            client = await stack.enter_async_context(socket(url, init={}))
            client.connection.transport.pause_reading()
            await client.subscribe("subscription { flood }")
            host, port = url.removeprefix("http://").split(":")
            _, writer = await asyncio.open_connection(host, int(port))
            stack.callback(writer.transport.abort)
            body = b'{"query": "subscription { flood }"}'
            head = (
                f"POST /graphql HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
                f"Accept: text/event-stream\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(head.encode() + body)
            await until(lambda: world.subscriptions.open == 2)
            signal.raise_signal(signal.SIGTERM)
            started = loop.time()
        # Not how fast it is, but that it comes to an end at all: far later than the time allowed, and far sooner than TCP gives up.
        assert loop.time() - started < 30
        client.connection.transport.abort()
    await until(lambda: world.finished == ["flood", "flood"])


async def test_a_query_that_is_under_way_should_be_answered_before_the_end() -> None:
    world = World()
    async with serving(world) as url:
        asked = asyncio.create_task(post(url, "{ slow }"))
        await until(lambda: world.entered)
        signal.raise_signal(signal.SIGTERM)
        world.released.set()
        assert (await asked).json() == {"data": {"slow": "done"}}


async def test_it_should_be_announced_once_there_is_somebody_to_answer_and_the_life_end_last() -> None:
    heard: list[str] = []

    @asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        heard.append("born")
        yield
        heard.append("dead")

    world = World()
    async with serving(world, lifespan=life) as url:
        assert heard == ["born"]
        assert url.startswith("http://127.0.0.1:")
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"{url}/healthz")).status_code == 200
        assert heard == ["born"]
    assert heard == ["born", "dead"]


async def test_a_port_that_is_taken_should_be_an_error_to_the_caller() -> None:
    with sockets.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        await run(
            application(World()),
            host="127.0.0.1",
            port=taken.getsockname()[1],
            shutdown_timeout=1,
            announce=pytest.fail,
        )


async def test_a_life_that_does_not_begin_should_be_an_error_to_the_caller(caplog: pytest.LogCaptureFixture) -> None:
    @asynccontextmanager
    async def stillborn(_: Starlette) -> AsyncIterator[None]:
        raise LookupError("no database")
        yield  # type: ignore[unreachable]

    with pytest.raises(LookupError, match="no database"):
        async with serving(World(), lifespan=stillborn):
            pass
    assert caplog.records == []


@pytest.mark.parametrize(
    ("host", "shown"),
    [("127.0.0.1", "http://127.0.0.1:"), ("localhost", "http://localhost:"), ("::1", "http://[::1]:")],
)
async def test_the_address_should_be_one_that_can_be_opened(host: str, shown: str) -> None:
    heard: list[str] = []

    def announced(url: str) -> None:
        heard.append(url)
        signal.raise_signal(signal.SIGTERM)

    await run(application(World()), host=host, port=0, shutdown_timeout=1, announce=announced)
    assert heard[0].startswith(shown)


async def test_signals_should_mean_again_what_they_meant_before() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    async with serving(World()):
        pass
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


def test_there_should_be_an_event_loop_for_every_platform() -> None:
    loop = new_event_loop()
    assert isinstance(loop, asyncio.AbstractEventLoop)
    loop.close()


def test_it_should_run_on_that_loop_too() -> None:
    async def ask() -> int:
        async with serving(World()) as url, socket(url, init={}) as client:
            assert (await client.results("subscription { count(to: 2) }"))[-1]["type"] == "complete"
            return (await post(url, "{ me }")).status_code

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        assert runner.run(ask()) == 200
