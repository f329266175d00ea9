"""Logs as a client sees them: a sandbox in a process of its own, through a proxy that counts and tears."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from nexus_gql.configuration import Configuration
from tests.cluster.proxy import Proxy

from . import sandboxed
from .hierarchy import declare, declare_all
from .sandboxed import Sandbox
from .server import Frames, Nexus, running
from .test_sharing import executions

LOGS = """
subscription ($input: LogInput!) {
  logs(input: $input) {
    lines { at text truncated source { pod container application } }
    cursor
    gaps { reason from to lines message source { pod } }
    opened { pod container } closed { pod }
  }
}
"""
CHURN = "or/local/models/churn"
POD_LOG = r".*/pods/churn-[^/]*/log"

Frame = dict[str, Any]


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with sandboxed.running(tmp_path, seed=11) as one:
        yield one


@pytest.fixture
def proxy(sandbox: Sandbox, tmp_path: Path) -> Iterator[Proxy]:
    with sandboxed.proxied(sandbox, tmp_path) as one:
        yield one


async def connected(nexus: Nexus, kubeconfig: str) -> None:
    """The namespace `or/local/models` on a cluster."""
    document = (
        'mutation ($content: String!) { registerCluster(name: "local", input: {kubeconfig: {content: $content}})'
        " { cluster { id } problems { message } } }"
    )
    await nexus.mutate(document, {"content": kubeconfig})
    await declare(nexus, "or")
    await declare(nexus, "or/local", cluster="local")
    await declare(nexus, "or/local/models")


async def deployed(nexus: Nexus, path: str = CHURN, *, rate: float = 20, replicas: int = 1, tag: str = "1") -> None:
    """An application whose pods write so many lines a second."""
    settings = {
        "image": {"repository": "or/churn-model", "tag": tag},
        "replicas": replicas,
        "env": [{"name": "SANDBOX_LOG_RATE", "value": {"text": str(rate)}}],
    }
    await declare(nexus, path, settings=settings)
    document = "mutation ($path: Path!) { deploy(path: $path) { operation { id } problems { message } } }"
    await nexus.mutate(document, {"path": path})
    async with asyncio.timeout(60):
        while await ready(nexus, path) < replicas:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def ready(nexus: Nexus, path: str) -> int:
    document = "query ($path: Path!) { application(path: $path) { pods { ready } } }"
    found = (await nexus.execute(document, {"path": path}))["application"]
    return sum(pod["ready"] for pod in found["pods"])


class Reader:
    """A subscription to logs, and what it has told."""

    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        self.frames: list[Frame] = []

    async def next(self) -> Frame | None:
        """The next frame; None where it is complete."""
        answer = await self._frames.next()
        if answer is None:
            return None
        frame: Frame = answer["logs"]
        self.frames.append(frame)
        return frame

    async def until(self, condition: Callable[["Reader"], object]) -> "Reader":
        """Read on until what was told is as wanted."""
        async with asyncio.timeout(60):
            while not condition(self):
                await self.next()
        return self

    @property
    def lines(self) -> list[Frame]:
        return [line for frame in self.frames for line in frame["lines"]]

    @property
    def gaps(self) -> list[Frame]:
        return [gap for frame in self.frames for gap in frame["gaps"]]

    @property
    def written(self) -> list[tuple[str, str]]:
        return [(line["at"], line["text"]) for line in self.lines]

    @property
    def cursor(self) -> str:
        return str(self.frames[-1]["cursor"])


@asynccontextmanager
async def reading(nexus: Nexus, **wanted: Any) -> AsyncIterator[Reader]:
    async with nexus.subscribe(LOGS, {"input": {"scope": CHURN} | wanted}) as frames:
        yield Reader(frames)


async def outside(sandbox: Sandbox, count: int, namespace: str = "or-local-models") -> list[tuple[str, str]]:
    """The first lines of the only pod, as the cluster has them."""
    import httpx

    pods = await sandbox.get(f"/api/v1/namespaces/{namespace}/pods")
    assert pods is not None
    name = pods["items"][0]["metadata"]["name"]
    async with httpx.AsyncClient(verify=False, trust_env=False) as client:
        path = f"/api/v1/namespaces/{namespace}/pods/{name}/log?timestamps=true"
        answer = await client.get(f"{sandbox.server}{path}")
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in answer.text.splitlines()[:count]]


async def test_fifty_readers_should_cost_one_stream(nexus: Nexus, proxy: Proxy, sandbox: Sandbox) -> None:
    await connected(nexus, proxy.kubeconfig)
    await deployed(nexus)
    async with AsyncExitStack() as stack:
        readers = [await stack.enter_async_context(reading(nexus, tail=5)) for _ in range(50)]
        await asyncio.gather(*(reader.until(lambda one: len(one.lines) >= 30) for reader in readers))
        streams = [number for path, number in proxy.watches.items() if re.fullmatch(POD_LOG, path)]
        assert streams == [1]
        assert proxy.count(POD_LOG, watch=True) == 1
        assert proxy.count(POD_LOG) == 1
        assert all(reader.gaps == [] for reader in readers)


async def executed(nexus: Nexus) -> int:
    """Frames at the front, and on the way to it."""
    return await executions(nexus, "change") + await executions(nexus, "arrival")


async def test_readers_that_come_and_go_should_share_and_each_get_every_line_once(
    nexus: Nexus, proxy: Proxy, sandbox: Sandbox
) -> None:
    await connected(nexus, proxy.kubeconfig)
    await deployed(nexus, rate=200)
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(reading(nexus, tail=None))
        together = [first]
        for number in range(6):
            await first.until(lambda one, most=200 * (number + 1): len(one.lines) >= most)  # type: ignore[misc]
            # Two kinds of arrival: from the beginning, and after a cursor that another one has.
            for after in (None, first.cursor):
                reader = await stack.enter_async_context(reading(nexus, tail=None, after=after))
                reader.frames += first.frames if after else []
                together.append(reader)
        await asyncio.gather(*(reader.until(lambda one: len(one.lines) >= 1600) for reader in together))
        written = await outside(sandbox, 1600)
        for reader in together:
            assert reader.written[:1600] == written
            assert reader.gaps == []

        before = await executed(nexus)
        frames = len(first.frames)
        await first.until(lambda one: len(one.frames) >= frames + 20)
        # As many as one reader's frames, or a few more that are on their way to it; thirteen would have made 260.
        assert await executed(nexus) - before < 120
        assert proxy.count(POD_LOG, watch=True) == 1


async def test_nothing_should_be_lost_or_come_twice_over_cuts_and_restarts_of_the_server(
    configuration: Configuration, proxy: Proxy, sandbox: Sandbox
) -> None:
    written: list[tuple[str, str]] = []
    cursor: str | None = None
    for server in range(2):
        async with running(configuration) as nexus:
            if not server:
                await connected(nexus, proxy.kubeconfig)
                await deployed(nexus, rate=200)
            for connection in range(3):
                async with reading(nexus, tail=None, after=cursor) as reader:
                    await reader.until(lambda one: len(one.lines) >= 100)
                    if connection == 1:
                        proxy.cut()
                        already = len(reader.lines)
                        await reader.until(lambda one, already=already: len(one.lines) >= already + 300)  # type: ignore[misc]
                    assert [gap["reason"] for gap in reader.gaps] == []
                    written += reader.written
                    cursor = reader.cursor

    assert written == await outside(sandbox, len(written))


async def test_pods_should_be_joined_and_their_end_reported(nexus: Nexus, sandbox: Sandbox) -> None:
    await connected(nexus, sandbox.kubeconfig)
    await deployed(nexus)
    async with reading(nexus) as reader:
        await reader.until(lambda one: one.lines)
        (first,) = {line["source"]["pod"] for line in reader.lines}
        restart = "mutation ($path: Path!) { restart(path: $path) { operation { id } problems { message } } }"
        await nexus.mutate(restart, {"path": CHURN})
        await reader.until(lambda one: any(frame["closed"] for frame in one.frames))
        assert [pod["pod"] for frame in reader.frames for pod in frame["closed"]] == [first]
        opened = [source["pod"] for frame in reader.frames for source in frame["opened"]]
        assert opened[0] == first
        assert len(opened) == 2
        await reader.until(lambda one: one.lines[-1]["source"]["pod"] == opened[1])
        assert {line["source"]["application"] for line in reader.lines} == {CHURN}
        begun = next(line for line in reader.lines if line["source"]["pod"] == opened[1])
        assert begun["text"].startswith("INFO serving.main loading")


async def test_a_crash_should_be_read_from_the_log_before(nexus: Nexus, sandbox: Sandbox) -> None:
    await connected(nexus, sandbox.kubeconfig)
    settings = {"image": {"repository": "or/churn-model", "tag": "crash"}}
    await declare(nexus, CHURN, settings=settings)
    deploy = "mutation ($path: Path!) { deploy(path: $path) { operation { id } problems { message } } }"
    await nexus.mutate(deploy, {"path": CHURN})
    async with asyncio.timeout(60):
        texts: list[str] = []
        while "KeyError: 'DATABASE_URL'" not in texts:
            async with reading(nexus, previous=True) as reader:
                while await reader.next() is not None:
                    pass
                texts = [line["text"] for line in reader.lines]
            await asyncio.sleep(0.3)
    assert texts[0].startswith("INFO serving.main loading")
    assert texts.count("KeyError: 'DATABASE_URL'") == 1


async def test_a_container_that_never_restarted_should_have_no_log_before(nexus: Nexus, sandbox: Sandbox) -> None:
    await connected(nexus, sandbox.kubeconfig)
    await deployed(nexus, rate=0)
    async with reading(nexus, previous=True) as reader:
        while await reader.next() is not None:
            pass
        assert (reader.lines, reader.gaps) == ([], [])
    query = (
        "query ($path: Path!) { application(path: $path) { pods { containers { logs(previous: true) { text } } } } }"
    )
    answer = await nexus.execute(query, {"path": CHURN})
    assert answer["application"] == {"pods": [{"containers": [{"logs": []}]}]}


async def test_lines_should_be_chosen_by_a_pattern_or_its_opposite(nexus: Nexus, sandbox: Sandbox) -> None:
    await connected(nexus, sandbox.kubeconfig)
    await deployed(nexus, rate=0)
    async with reading(nexus) as reader:  # ready is no word for having written all
        await reader.until(lambda one: any("listening" in line["text"] for line in one.lines))
    found = []
    for given in ({}, {"grep": "weights|listening"}, {"grep": "weights|listening", "invert": True}):
        async with reading(nexus, follow=False, **given) as reader:
            while await reader.next() is not None:
                pass
            found.append([line["text"].split()[2] for line in reader.lines])
    assert found == [["loading", "weights", "listening"], ["weights", "listening"], ["loading"]]


async def test_what_cannot_be_read_should_be_refused(nexus: Nexus) -> None:
    await declare_all(nexus, CHURN)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"grep": "("}, "BAD_REQUEST"),
        ({"after": "nonsense"}, "BAD_REQUEST"),
        ({"tail": -1}, "BAD_REQUEST"),
        ({"since": "yesterday"}, "BAD_REQUEST"),
        ({"cluster": "local"}, "BAD_REQUEST"),
        ({"scope": None, "cluster": "nope", "kubernetesNamespace": "default"}, "NOT_FOUND"),
        ({"scope": "or/local/models/nowhere"}, "NOT_FOUND"),
    ]
    for given, code in cases:
        async with nexus.subscribe(LOGS, {"input": {"scope": CHURN} | given}) as frames:
            answer = await frames.next()
        assert answer is not None
        assert (given, answer.codes) == (given, [code])


async def test_a_lost_cluster_should_be_told_of_and_read_on(nexus: Nexus, proxy: Proxy, sandbox: Sandbox) -> None:
    await connected(nexus, proxy.kubeconfig)
    await deployed(nexus)
    async with reading(nexus, tail=None) as reader:
        await reader.until(lambda one: len(one.lines) > 20)
        proxy.refuse()
        await reader.until(lambda one: one.gaps)
        proxy.accept()
        already = len(reader.lines)
        await reader.until(lambda one: len(one.lines) > already + 20)
        (gap,) = reader.gaps
        assert gap["reason"] == "SOURCE_LOST"
        assert gap["source"]["pod"].startswith("churn-")
        assert reader.written == await outside(sandbox, len(reader.written))


async def test_a_flood_should_be_thinned_and_counted_and_let_others_through(nexus: Nexus, sandbox: Sandbox) -> None:
    await connected(nexus, sandbox.kubeconfig)
    await deployed(nexus, rate=100_000)
    health = 'subscription { health(scope: "or") { kind upserted { path } } }'
    async with reading(nexus, tail=0) as reader, nexus.subscribe(health) as other:
        assert await other.next() is not None
        await reader.until(lambda one: [gap["reason"] for gap in one.gaps].count("RATE_LIMIT") >= 2)
        await declare(nexus, "or/local/models/another")
        paths: list[str] = []
        while (
            "or/local/models/another" not in paths
        ):  # a pod is ready before its Deployment says so, which is told, too
            assert {*paths} <= {CHURN}
            told = await other.next()
            assert told is not None
            paths = [one["path"] for one in told["health"]["upserted"]]

    # It may still say that it starts, which has no number.
    numbers = [int(line["text"].rpartition("=")[2]) for line in reader.lines if "=" in line["text"]]
    assert numbers == sorted(set(numbers))
    # Between two lines that follow one another there is as much missing as the gaps say.
    complete = reader.frames
    counted = sum(gap["lines"] for frame in complete for gap in frame["gaps"])
    last_gap = next(frame for frame in reversed(complete) if frame["gaps"])
    after = [line for frame in complete[complete.index(last_gap) :] for line in frame["lines"]]
    trailing = 0 if after else last_gap["gaps"][-1]["lines"]
    assert numbers[-1] - numbers[0] + 1 - len(numbers) == counted - trailing


async def test_a_client_that_never_reads_should_cost_the_others_nothing(nexus: Nexus, sandbox: Sandbox) -> None:
    await connected(nexus, sandbox.kubeconfig)
    await deployed(nexus, rate=1500)  # as much as is let through at most would be too much after a moment's standstill
    async with reading(nexus, tail=0), reading(nexus, tail=0) as reader:
        await reader.until(lambda one: len(one.lines) > 10_000)
        assert reader.gaps == []
