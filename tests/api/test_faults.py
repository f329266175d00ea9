"""Two hundred faults in a row, and what subscribers have afterwards is what the cluster has.

Eight clusters fail at the same time, 25 times each, so that the waiting is shared. The seeds are printed where it goes wrong.
"""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from nexus_gql import clock

from .faults import Faults, faulty
from .hierarchy import declare
from .server import Frames, Nexus

pytestmark = pytest.mark.asyncio

SEEDS = range(1, 9)
FAULTS = 25
_PODS = """subscription ($scope: Path!) { pods(scope: $scope) {
    kind position complete upserted { id name ready phase restarts } removed } }"""

State = dict[str, tuple[str, bool, str, int]]


class Subscriber:
    """Keeps what the frames add up to, as the contract says to."""

    def __init__(self, frames: Frames) -> None:
        self.state: State = {}
        self._frames = frames
        self._position: str | None = None

    async def read(self) -> None:
        """For ever."""
        while (answer := await self._frames.next(limit=120)) is not None:
            self._apply(answer["pods"])

    def _apply(self, update: dict[str, Any]) -> None:
        if update["kind"] == "SNAPSHOT" and update["position"] != self._position:
            self.state = {}
        self._position = update["position"]
        for pod in update["upserted"]:
            self.state[pod["id"]] = (pod["name"], pod["ready"], pod["phase"], pod["restarts"])
        for gone in update["removed"]:
            self.state.pop(gone, None)


async def _truth(faults: Faults, namespace: str) -> list[tuple[str, bool, str, int]]:
    pods = (await faults.ask("GET", f"/api/v1/namespaces/{namespace}/pods"))["items"]
    return sorted(_seen(pod) for pod in pods)


def _seen(pod: dict[str, Any]) -> tuple[str, bool, str, int]:
    status = pod["status"]
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions", ()))
    restarts = sum(one["restartCount"] for one in status.get("containerStatuses", ()))
    return pod["metadata"]["name"], ready, status["phase"], restarts


async def _change(faults: Faults, namespace: str) -> None:
    """Something happens on the cluster: an application is made, scaled or deleted, or a pod is."""
    deployments = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    there = [one["metadata"]["name"] for one in (await faults.ask("GET", deployments))["items"]]
    what = faults.random.random()
    if not there or what < 0.3:
        await faults.ask("POST", deployments, _deployment(f"d{faults.random.getrandbits(32):08x}"))
    elif what < 0.7:
        patch = {"spec": {"replicas": faults.random.randint(0, 4)}}
        await faults.ask("PATCH", f"{deployments}/{faults.random.choice(there)}", patch)
    elif what < 0.85:
        await faults.ask("DELETE", f"{deployments}/{faults.random.choice(there)}")
    else:
        pods = (await faults.ask("GET", f"/api/v1/namespaces/{namespace}/pods"))["items"]
        for pod in pods[:1]:
            try:
                await faults.ask("DELETE", f"/api/v1/namespaces/{namespace}/pods/{pod['metadata']['name']}")
            except aiohttp.ClientResponseError as error:
                if error.status != 404:  # it was on its way out, and is gone by now
                    raise


def _deployment(name: str) -> dict[str, Any]:
    labels = {"app": name}
    pod = {"containers": [{"name": "main", "image": "or/model:1"}], "terminationGracePeriodSeconds": 0}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


async def _lane(nexus: Nexus, faults: Faults, name: str) -> None:
    """The faults of one cluster, two subscribers that were there before and one that comes in the middle."""
    await declare(nexus, f"or/{name}", connect={"kubeconfig": {"content": faults.kubeconfig}})
    await declare(nexus, f"or/{name}/models")
    namespace = f"or-{name}-models"
    await faults.ask("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    started = clock.elapsed()
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        readers: list[asyncio.Task[None]] = []
        subscribers: list[Subscriber] = []
        for number in range(FAULTS):
            if number in {0, 1, FAULTS // 2}:
                frames = await stack.enter_async_context(nexus.subscribe(_PODS, {"scope": f"or/{name}"}))
                subscribers.append(Subscriber(frames))
                readers.append(group.create_task(subscribers[-1].read()))
            await _change(faults, namespace)
            # Long enough for watches to count as begun: faults that come faster only make the waits longer.
            await asyncio.sleep(1.2)
            fault = await faults.fail()
            await _change(faults, namespace)
            await _until_equal(faults, namespace, subscribers, f"seed {faults.seed}, fault {number}: {fault}")
        for reader in readers:
            reader.cancel()
    elapsed = clock.elapsed() - started
    per_second = {path: count / elapsed for path, count in faults.asked.items()}
    assert max(per_second.values()) < 2, (faults.seed, per_second)


async def _until_equal(faults: Faults, namespace: str, subscribers: list[Subscriber], when: str) -> None:
    try:
        async with asyncio.timeout(60):
            while True:
                truth = await _truth(faults, namespace)
                if all(sorted(one.state.values()) == truth for one in subscribers):
                    return
                await asyncio.sleep(0.05)
    except TimeoutError:
        states = [sorted(one.state.values()) for one in subscribers]
        pytest.fail(f"{when}: the cluster has {truth}, subscribers have {states}")


async def test_should_come_back_to_the_clusters_state_after_every_fault(nexus: Nexus, tmp_path: Path) -> None:
    await declare(nexus, "or")
    async with AsyncExitStack() as stack:
        lanes = [await stack.enter_async_context(faulty(seed, tmp_path / str(seed))) for seed in SEEDS]
        async with asyncio.TaskGroup() as group:
            for faults in lanes:
                group.create_task(_lane(nexus, faults, f"lane{faults.seed}"))
        print("faults:", {faults.seed: dict(faults.done) for faults in lanes})
