"""Many read the logs of two clusters, of which one is away: they share what comes of the other, and each gets all of it afterwards."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from nexus_gql.configuration import Configuration
from tests.cluster.proxy import Proxy

from . import sandboxed
from .hierarchy import declare
from .sandboxed import Sandbox
from .server import Nexus, running
from .test_logs import Reader, deployed, outside, reading
from .test_sharing import executions

READERS = 8


@pytest.fixture
async def near(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with sandboxed.running(tmp_path, seed=21) as one:
        yield one


@pytest.fixture
async def far(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with sandboxed.running(tmp_path, seed=22) as one:
        yield one


@pytest.fixture
def proxy(far: Sandbox, tmp_path: Path) -> Iterator[Proxy]:
    with sandboxed.proxied(far, tmp_path) as one:
        yield one


async def spread(nexus: Nexus, near: Sandbox, proxy: Proxy) -> None:
    """An application on each of two clusters, which writes ten lines a second."""
    await declare(nexus, "or")
    for name, kubeconfig in (("near", near.kubeconfig), ("far", proxy.kubeconfig)):
        await declare(nexus, f"or/{name}", connect={"kubeconfig": {"content": kubeconfig}})
        await declare(nexus, f"or/{name}/models")
        await deployed(nexus, f"or/{name}/models/churn", rate=10)


async def lost(nexus: Nexus) -> None:
    """Until it is known that the far cluster is away."""
    async with asyncio.timeout(60):
        while True:
            answer = await nexus.execute("{ clusters { connection { status } } }")
            if "UNREACHABLE" in {one["connection"]["status"] for one in answer["clusters"]}:
                return
            await asyncio.sleep(0.1)


async def shared(nexus: Nexus, readers: list[Reader], by: int = 1) -> None:
    """Until one reads for all of them, or one of each kind; then what comes is executed once for those."""
    async with asyncio.timeout(60):
        while reading_on() > by:
            await asyncio.gather(*(reader.next() for reader in readers))
    before, already = await executions(nexus, "change"), [len(reader.frames) for reader in readers]
    for reader, frames in zip(readers, already, strict=True):
        await reader.until(lambda one, most=frames + 8: len(one.frames) >= most)  # type: ignore[misc]
    assert await executions(nexus, "change") - before < 8 * READERS * by


def reading_on() -> int:
    """How many look for new pods in the server, which is in this process: whoever has met the others does so no more."""
    return sum(task.get_name() == "log sources" for task in asyncio.all_tasks())


def of(reader: Reader, environment: str) -> list[tuple[str, str]]:
    """The lines of one cluster's application."""
    path = f"or/{environment}/models/churn"
    return [(line["at"], line["text"]) for line in reader.lines if line["source"]["application"] == path]


async def test_readers_should_share_while_a_cluster_is_away_and_each_get_its_lines_once_it_is_back(
    nexus: Nexus, near: Sandbox, far: Sandbox, proxy: Proxy
) -> None:
    await spread(nexus, near, proxy)
    proxy.refuse()
    await lost(nexus)
    async with AsyncExitStack() as stack:
        readers = []
        for _ in range(READERS):
            readers.append(await stack.enter_async_context(reading(nexus, scope="or", tail=None)))
            await readers[-1].next()  # they come one after the other, not as one party
        await shared(nexus, readers)
        assert all(of(reader, "far") == [] for reader in readers)
        proxy.accept()
        await all_told(readers, near, far, 200)
        await shared(nexus, readers)


async def test_readers_who_come_back_to_a_server_that_has_not_seen_a_cluster_should_lose_nothing(
    configuration: Configuration, near: Sandbox, far: Sandbox, proxy: Proxy
) -> None:
    async with running(configuration) as nexus:
        await spread(nexus, near, proxy)
        async with reading(nexus, scope="or", tail=None) as before:
            await before.until(lambda one: len(of(one, "far")) > 20 and len(of(one, "near")) > 20)
    proxy.refuse()
    async with running(configuration) as nexus, AsyncExitStack() as stack:
        await lost(nexus)
        readers = []
        for _ in range(READERS):
            readers.append(await stack.enter_async_context(reading(nexus, scope="or", tail=None, after=before.cursor)))
            readers[-1].frames += before.frames
            await readers[-1].next()
        await shared(nexus, readers)
        # One that goes once more, and comes back before the cluster does.
        again = await stack.enter_async_context(reading(nexus, scope="or", tail=None, after=readers[0].cursor))
        again.frames += readers[0].frames
        readers.append(again)
        await shared(nexus, readers)
        new = []
        for _ in range(READERS):
            new.append(await stack.enter_async_context(reading(nexus, scope="or", tail=None)))
            await new[-1].next()
        await shared(nexus, [*readers, *new], by=2)
        proxy.accept()
        await all_told([*readers, *new], near, far, 200)
        await shared(nexus, [*readers, *new], by=2)


async def all_told(readers: list[Reader], near: Sandbox, far: Sandbox, lines: int) -> None:
    """Each has every line of both once."""
    for environment, sandbox in (("near", near), ("far", far)):
        for reader in readers:
            await reader.until(lambda one, of_it=environment: len(of(one, of_it)) >= lines)  # type: ignore[misc]
        written = await outside(sandbox, lines, f"or-{environment}-models")
        for reader in readers:
            assert of(reader, environment)[:lines] == written
