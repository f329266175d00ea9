"""A cluster that is lost and comes back while somebody looks: what was seen stands, then comes exactly what happened meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.cluster.feeds import Feed
from tests.cluster.nexus import Answered, until
from tests.cluster.place import Object, Place
from tests.cluster.proxy import Proxy

SOURCES = "sources { cluster connection { status message retryAt stale } }"
FIELDS = {
    "pods": f"kind complete removed {SOURCES} upserted {{ id name state {{ status message stale }} }}",
    "workloads": f"kind complete removed {SOURCES} upserted {{ id name replicas {{ desired ready }} state {{ status stale }} }}",
    "health": f"kind complete removed {SOURCES} upserted {{ id path serving state {{ status message stale }} }} summary {{ status }}",
}
CLUSTERS = (
    "subscription { clusters { kind complete removed upserted { id name connection { status message retryAt } } } }"
)


def silence(proxy: Proxy) -> None:
    """As where a network swallows packets: what was connected stays so, and hears nothing."""
    proxy.hold()


LOST: dict[str, Callable[[Proxy], None]] = {"refused": Proxy.refuse, "silent": silence}


@pytest.fixture
def kubeconfig(proxy: Proxy) -> str:
    return proxy.kubeconfig


@dataclass
class Eyes:
    """Subscriptions of all kinds to a place, each read up to now."""

    pods: Feed
    workloads: Feed
    health: Feed
    clusters: Feed

    @property
    def of_state(self) -> list[Feed]:
        return [self.pods, self.workloads, self.health]


@asynccontextmanager
async def looking(place: Place, pods: int) -> AsyncIterator[Eyes]:
    async with place.nexus.socket() as socket:
        feeds = [
            await socket.subscribe(
                f"subscription ($scope: Path!) {{ {name}(scope: $scope) {{ {fields} }} }}", scope="or"
            )
            for name, fields in FIELDS.items()
        ]
        pods_feed, workloads, health = feeds
        eyes = Eyes(pods_feed, workloads, health, await socket.subscribe(CLUSTERS))
        await asyncio.gather(
            eyes.pods.until(lambda feed: healthy(feed) == pods),
            *(feed.until(lambda feed: feed.complete and feed.items) for feed in (*eyes.of_state[1:], eyes.clusters)),
        )
        yield eyes


def healthy(feed: Feed) -> int:
    return sum(one["state"]["status"] == "HEALTHY" for one in feed.items.values())


def connection(feed: Feed) -> str:
    return str(feed.one["connection"]["status"])


def lost(feed: Feed) -> bool:
    return feed.kinds[-1] == "STALE"


async def uids(place: Place) -> dict[str, int]:
    """The pods and how often they were restarted."""
    return {
        pod["metadata"]["name"]: sum(one["restartCount"] for one in pod["status"]["containerStatuses"])
        for pod in await place.pods()
    }


async def settled(place: Place, count: int) -> list[Object]:
    return await place.eventually(
        lambda found: (
            len(found) == count and all(one["status"].get("containerStatuses", [{}])[0].get("ready") for one in found)
        ),
        "pods",
    )


@pytest.mark.parametrize("how", LOST)
async def test_lost_cluster_should_be_told_and_come_back_with_the_difference(
    place: Place, proxy: Proxy, how: str
) -> None:
    await place.run("stays")
    await place.run("goes")
    before = await uids(place)
    async with looking(place, 2) as eyes:
        seen = {name: one["id"] for name, one in ((one["name"], one) for one in eyes.pods.items.values())}
        LOST[how](proxy)
        await asyncio.gather(*(feed.until(lost) for feed in eyes.of_state))
        await eyes.clusters.until(lambda feed: connection(feed) != "CONNECTED")

        assert {one["name"] for one in eyes.pods.items.values()} == before.keys()
        source = eyes.pods.frames[-1]["sources"][0]
        assert source["cluster"] == "test"
        assert source["connection"]["status"] == "UNREACHABLE"
        assert source["connection"]["retryAt"]
        assert eyes.clusters.one["connection"]["message"]
        await answers_from_memory(place, proxy, before)
        told = [len(feed.frames) for feed in eyes.of_state]

        # What somebody else does behind it.
        await place.kubectl("delete", "deployment", "goes", "--cascade=foreground")
        await place.kubectl("scale", "deployment", "stays", "--replicas=2")
        after = {pod["metadata"]["name"] for pod in await settled(place, 2)}
        proxy.accept() if how == "refused" else proxy.release()

        await eyes.clusters.until(lambda feed: connection(feed) == "CONNECTED")
        await eyes.pods.until(lambda feed: {one["name"] for one in feed.items.values()} == after and healthy(feed) == 2)
        await eyes.workloads.until(
            lambda feed: [one["replicas"] for one in feed.items.values()] == [{"desired": 2, "ready": 2}]
        )
        states = {"or/local/models/stays": "HEALTHY", "or/local/models/goes": "MISSING"}
        await eyes.health.until(
            lambda feed: (
                {one["path"]: one["state"]["status"] for one in feed.items.values()} == states
                and not any(one["state"]["stale"] for one in feed.items.values())
            )
        )

    kept = seen[next(name for name in seen if name.startswith("stays"))]
    differences = eyes.pods.frames[told[0] :]
    assert "SNAPSHOT" not in {frame["kind"] for frame in differences}
    assert {one for frame in differences for one in frame["removed"]} == set(seen.values()) - {kept}
    assert kept not in {one["id"] for frame in differences for one in frame["upserted"] if frame["kind"] != "STALE"}
    now = await uids(place)
    assert {name: count for name, count in now.items() if name in before} == {
        name: 0 for name in before if name.startswith("stays")
    }


async def answers_from_memory(place: Place, proxy: Proxy, pods: dict[str, int]) -> None:
    """Questions are answered from what was seen last, and the cluster is asked nothing."""
    proxy.forget()
    document = """{
      pods(scope: "or") { nodes { name state { status stale } } }
      application(path: "or/local/models/stays") { serving state { status message stale } workload { replicas { ready } } }
      clusters { connection { status stale } }
      projects { health { status } effective { document } }
    }"""
    async with asyncio.timeout(5):
        found = await place.nexus.ask(document)
    assert {one["name"] for one in found["pods"]["nodes"]} == pods.keys()
    assert {(one["state"]["status"], one["state"]["stale"]) for one in found["pods"]["nodes"]} == {("HEALTHY", True)}
    application = found["application"]
    assert (application["serving"], application["workload"]["replicas"]["ready"]) == (True, 1)
    assert (application["state"]["status"], application["state"]["stale"]) == ("HEALTHY", True)
    (cluster,) = found["clusters"]
    assert (cluster["connection"]["status"], cluster["connection"]["stale"] is not None) == ("UNREACHABLE", True)
    # Only the connection is tried again meanwhile: nothing of what was asked for.
    assert proxy.count(".*/(pods|deployments|replicasets|services|events)") == 0


async def test_deployment_should_wait_for_a_lost_cluster_and_go_on(place: Place, proxy: Proxy) -> None:
    path = await place.run()
    proxy.refuse()

    async def unreachable() -> bool:
        found = await place.nexus.ask("{ clusters { connection { status } } }")
        return bool(found["clusters"][0]["connection"]["status"] == "UNREACHABLE")

    await until(unreachable)
    operation = await place.nexus.deploy(path, {"image": {"tag": "2"}})

    async def waits() -> Answered | None:
        now = await place.nexus.operation(operation["id"])
        return now if "again" in now["message"] else None

    assert (await until(waits))["status"] in {"PENDING", "APPLYING"}
    proxy.accept()
    await place.nexus.succeeded(operation)
    (pod,) = await settled(place, 1)
    assert pod["spec"]["containers"][0]["image"] == "nexus-test/echo:2"


async def test_apiserver_that_is_stopped_and_started_should_cost_no_pod_and_no_line(place: Place) -> None:
    path = await place.run(env=[{"name": "LINES_EVERY", "value": {"text": "0.5"}}])
    before = await uids(place)
    cluster = place.cluster
    logs = "subscription ($input: LogInput!) { logs(input: $input) { lines { text } cursor gaps { reason } } }"
    async with looking(place, 1) as eyes, place.nexus.socket() as socket:
        lines = await socket.subscribe(logs, input={"scope": path, "tail": None})
        await asyncio.to_thread(cluster.stop, "kube-apiserver")
        try:
            await asyncio.gather(*(feed.until(lost) for feed in eyes.of_state))
        finally:
            await asyncio.to_thread(cluster.start, "kube-apiserver")
        await asyncio.to_thread(cluster.until_ready)
        await eyes.clusters.until(lambda feed: connection(feed) == "CONNECTED")
        await eyes.health.until(lambda feed: feed.one["state"] | {"message": ""} == FINE)
        numbers: list[int] = []
        while not numbers or numbers[-1] < 30:
            frame = await lines.next()
            numbers += [int(line["text"].split()[1]) for line in frame["lines"] if line["text"].startswith("tick ")]

    assert numbers == list(range(1, len(numbers) + 1))
    assert await uids(place) == before
    await place.nexus.deployed(path)
    assert await uids(place) == before


FINE: dict[str, Any] = {"status": "HEALTHY", "message": "", "stale": False}
