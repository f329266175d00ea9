"""A list of 1,000 applications with state, replicas and effective settings: SQL statements, and the server's time.

Run by `scripts/bench applications`. Baseline: the same list of 10, in the same run. The whole application answers within this process, so
that no client is measured; each application has a Deployment on a sandbox. Prints a table; asserts nothing.
"""

import asyncio
import gc
import os
import statistics
import tempfile
import time
from asyncio import Runner
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any, cast

import aiohttp
import httpx
from parts.product import KUBERNETES_NAMESPACE, NAMESPACE, declare_namespace, sandbox
from tortoise.backends.sqlite.client import SqliteClient
from tortoise.connection import get_connection

from nexus_gql.app import application, rooms
from nexus_gql.configuration import Configuration
from nexus_gql.database import next_change, transactional
from nexus_gql.hierarchy.models import Level
from nexus_gql.live import APPLICATION_LABEL
from nexus_gql.paths import Path
from nexus_gql.schema import Rooms
from nexus_gql.server import Subscriptions, new_event_loop

COUNTS = (10, 1000)
RUNS = 11
_LIST = """query ($first: Int) { applications(scope: "or", first: $first) { nodes { path state { status } ready
  workload { replicas { desired ready } } effective { document value(key: "image.tag") { value } } } } }"""
_CREATE = "mutation ($input: CreateApplicationInput!) { createApplication(input: $input) { application { id } problems { message } } }"


@dataclass
class Nexus:
    """The application, without a socket."""

    rooms: Rooms
    client: httpx.AsyncClient

    async def post(self, document: str, **variables: object) -> httpx.Response:
        """The answer as it comes."""
        return await self.client.post("/graphql", json={"query": document, "variables": variables})

    async def ask(self, document: str, **variables: object) -> Any:
        """The data of an answer that has no errors."""
        answer = (await self.post(document, **variables)).json()
        assert "errors" not in answer, answer
        assert "problems': [{" not in str(answer["data"]), answer
        return answer["data"]


async def main() -> None:
    """Declare, wait until all is seen, and ask."""
    with tempfile.TemporaryDirectory() as folder:
        async with sandbox(File(folder)) as (cluster, kubeconfig), _nexus(File(folder)) as nexus:
            await declare_namespace(nexus, kubeconfig)
            await nexus.ask(
                'mutation { configure(path: "or", patch: {image: {repository: "or/model"}}) { problems { message } } }'
            )
            async with aiohttp.ClientSession(f"{cluster.url}/") as session:
                await session.post("api/v1/namespaces", json={"metadata": {"name": KUBERNETES_NAMESPACE}})
                for number in range(max(COUNTS)):
                    await _declare(nexus, session, f"a{number:04}")
            await _deployed()
            while len(nexus.rooms.live.workloads) < max(COUNTS) or nexus.rooms.live.judging:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
            await asyncio.sleep(5)  # until the sandbox has made what it makes, and it was seen
            gc.collect()
            gc.freeze()  # as `nexus serve` does
            await _measure(nexus)


@asynccontextmanager
async def _nexus(folder: File) -> AsyncIterator[Nexus]:
    configuration = Configuration(data=folder, docker_url="tcp://127.0.0.1:1", log_level="error")
    subscriptions = Subscriptions()
    async with rooms(configuration, subscriptions) as opened:
        transport = httpx.ASGITransport(application(configuration, opened, subscriptions))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=120) as client:
            yield Nexus(opened, client)


async def _declare(nexus: Nexus, session: aiohttp.ClientSession, name: str) -> None:
    """An application, and what runs of it, as if it had been deployed."""
    given = {"namespace": NAMESPACE, "name": name, "settings": {"image": {"tag": "1.4"}}}
    await nexus.ask(_CREATE, input=given)
    level = nexus.rooms.hierarchy.latest.levels[Path(f"{NAMESPACE}/{name}")]
    labels = {APPLICATION_LABEL: level.id, "app.kubernetes.io/name": name}
    container = {"name": "main", "image": "or/model:1.4"}
    deployment = {
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }
    place = f"apis/apps/v1/namespaces/{KUBERNETES_NAMESPACE}/deployments"
    async with session.post(place, json=deployment) as answer:
        answer.raise_for_status()


@transactional
async def _deployed() -> None:
    await Level.filter(kind__isnull=False).update(deployed=True, change=await next_change())


async def _measure(nexus: Nexus) -> None:
    print(f"median of {RUNS}; load of the machine {os.getloadavg()[0]:.1f}")
    print(f"{'applications':>12}{'seen there':>12}{'statements':>12}{'ms':>8}{'ms CPU':>8}{'ratio CPU':>11}")
    base = 0.0
    for count in COUNTS:
        await nexus.ask(_LIST, first=count)  # what is computed once is not what is measured
        walls, cpus, statements = [], [], []
        for _ in range(RUNS):
            statements.append(await _counted(nexus, count))
            wall, cpu = time.perf_counter(), time.process_time()
            answer = await nexus.post(_LIST, first=count)
            walls.append((time.perf_counter() - wall) * 1000)
            cpus.append((time.process_time() - cpu) * 1000)
            found = answer.json()["data"]["applications"]["nodes"]
        assert len(found) == count
        seen = sum(one["workload"] is not None for one in found)
        wall, cpu = statistics.median(walls), statistics.median(cpus)
        base = base or cpu
        print(f"{count:>12,}{seen:>12,}{min(statements):>12}{wall:>8.0f}{cpu:>8.0f}{cpu / base:>11.1f}")
    print("wanted: as many statements, and at most 150 ms for 1,000")


async def _counted(nexus: Nexus, count: int) -> int:
    """SQL statements of one question: the least of some runs, since others of this process ask the database, too."""
    connection = cast("SqliteClient", get_connection("default"))._connection
    assert connection is not None
    statements: list[str] = []
    await connection.set_trace_callback(statements.append)
    try:
        await nexus.ask(_LIST, first=count)
    finally:
        await connection.set_trace_callback(None)  # type: ignore[arg-type]
    return len(statements)


if __name__ == "__main__":
    with Runner(loop_factory=new_event_loop) as runner:
        runner.run(main())
