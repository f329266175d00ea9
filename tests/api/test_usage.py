"""Usage and what is on a cluster as a client sees it. The cluster is an apiserver that answers as written down here."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.unit.clusters.apiserver import Answer, Apiserver, apiserver, document, listed, status, watched

from .hierarchy import declare
from .server import Nexus

ROOT = "/apis/metrics.k8s.io/v1beta1"
LISTS = {
    "/api/v1": ("pods", "services", "persistentvolumeclaims", "events", "nodes", "namespaces"),
    "/apis/apps/v1": ("deployments", "replicasets", "statefulsets", "daemonsets"),
    "/apis/batch/v1": ("jobs", "cronjobs"),
    "/apis/autoscaling/v2": ("horizontalpodautoscalers",),
    "/apis/discovery.k8s.io/v1": ("endpointslices",),
}
USAGE = "cpuCores memoryBytes cpuRequestCores cpuLimitCores memoryRequestBytes memoryLimitBytes at window missing"
BORN, AT = "2026-11-24T08:00:00Z", "2026-11-24T08:01:00Z"
MEBI = 2**20


@dataclass
class World:
    """A server and the cluster `test` that its environment `or/local` is on."""

    nexus: Nexus
    cluster: Apiserver

    def polls(self) -> int:
        return len(self.cluster.at(f"{ROOT}/pods"))

    async def ask(self, fields: str) -> Any:
        return await self.nexus.execute(f"{{ {fields} }}")


def pod(name: str, namespace: str = "or-local-models", application: str | None = None) -> dict[str, Any]:
    labels = {} if application is None else {"nexus.optimal-reality.io/application": application}
    meta = {
        "name": name,
        "uid": f"uid-{name}",
        "namespace": namespace,
        "resourceVersion": "7",
        "creationTimestamp": BORN,
    }
    resources = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}}
    return {
        "metadata": meta | {"labels": labels},
        "spec": {"nodeName": "n1", "containers": [{"name": "main", "image": "or/model", "resources": resources}]},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"name": "main", "ready": True, "state": {"running": {"startedAt": BORN}}}],
        },
    }


def metrics(*names: str, at: str = AT) -> Answer:
    return document(
        {
            "items": [
                {
                    "metadata": {"name": name, "namespace": "kube-system" if name == "dns" else "or-local-models"},
                    "timestamp": at,
                    "window": "15s",
                    "containers": [{"name": "main", "usage": {"cpu": "250m", "memory": "32Mi"}}],
                }
                for name in names
            ]
        }
    )


def measuring(server: Apiserver, *answers: Answer) -> None:
    server.script(f"{ROOT}/pods", *answers)
    usage = {"cpu": "1500m", "memory": "1Gi"}
    node = {"metadata": {"name": "n1"}, "timestamp": AT, "window": "13.471s", "usage": usage}
    server.script(f"{ROOT}/nodes", document({"items": [node]}))


@pytest.fixture
async def world(nexus: Nexus) -> AsyncIterator[World]:
    async with made(nexus, pod("one"), pod("two"), pod("dns", "kube-system")) as found:
        yield found


@asynccontextmanager
async def made(nexus: Nexus, *pods: dict[str, Any]) -> AsyncIterator[World]:
    """The world with some pods, of which `one` and `dns` are measured."""
    async with apiserver() as server:
        for prefix, plurals in LISTS.items():
            for plural in plurals:
                server.script(f"{prefix}/{plural}", listed(), watched())
        content = (
            f"{{clusters: [{{name: c, cluster: {{server: '{server.url}'}}}}], current-context: x, "
            "contexts: [{name: x, context: {cluster: c, user: u}}], users: [{name: u, user: {token: t}}]}"
        )
        register = 'mutation ($i: ClusterInput!) { registerCluster(name: "test", input: $i) { problems { message } } }'
        await nexus.mutate(register, {"i": {"kubeconfig": {"content": content}}})
        await declare(nexus, "or")
        server.script("/api/v1/pods", listed(*pods), watched())
        measuring(server, metrics("one", "dns"))
        await declare(nexus, "or/local", cluster="test")
        await declare(nexus, "or/local/models")
        yield World(nexus, server)


async def test_usage_should_be_summed_up_for_levels_pods_and_containers(world: World) -> None:
    answer = await world.ask(
        f"""environment(path: "or/local") {{ usage {{ {USAGE} }} namespaces {{ usage {{ {USAGE} }} }} }}
        pods(scope: "or/local") {{ nodes {{ name usage {{ cpuCores missing }} containers {{ usage {{ cpuCores missing }} }} }} }}"""
    )
    whole = {
        "cpuCores": 0.25,
        "memoryBytes": 32 * MEBI,
        "cpuRequestCores": 0.1,
        "cpuLimitCores": None,
        "memoryRequestBytes": 64 * MEBI,
        "memoryLimitBytes": 128 * MEBI,
        "at": AT,
        "window": "15s",
        "missing": 1,
    }
    assert answer["environment"] == {"usage": whole, "namespaces": [{"usage": whole}]}
    measured, unmeasured = {"cpuCores": 0.25, "missing": 0}, {"cpuCores": 0, "missing": 1}
    assert answer["pods"]["nodes"] == [
        {"name": "one", "usage": measured, "containers": [{"usage": measured}]},
        {"name": "two", "usage": unmeasured, "containers": [{"usage": unmeasured}]},
    ]


async def test_what_has_ended_should_use_nothing_as_does_all_that_it_is_part_of(nexus: Nexus) -> None:
    """The usage of an ended pod was once null without a reason, and its environment's 0."""
    over = pod("over")
    over["status"] = {
        "phase": "Succeeded",
        "containerStatuses": [{"name": "main", "state": {"terminated": {"exitCode": 0}}}],
    }
    async with made(nexus, over) as world:
        answer = await world.ask(
            """environment(path: "or/local") { usage { cpuCores missing } }
            pods(scope: "or/local") { nodes { name usage { cpuCores missing } containers { usage { cpuCores missing } } } }"""
        )
    nothing = {"cpuCores": 0, "missing": 0}
    assert answer["environment"] == {"usage": nothing}
    assert answer["pods"]["nodes"] == [{"name": "over", "usage": nothing, "containers": [{"usage": nothing}]}]


async def test_many_who_ask_at_once_should_cost_one_poll(world: World) -> None:
    await asyncio.gather(*(world.ask('environment(path: "or/local") { usage { cpuCores } }') for _ in range(30)))
    assert world.polls() == 1


async def test_nobody_should_be_asked_for_usage_that_nobody_wants(world: World) -> None:
    await world.ask('pods(scope: "or/local") { nodes { name } }')
    assert world.polls() == 0


async def test_without_metrics_usage_should_be_null_and_say_why_and_its_siblings_stay(world: World) -> None:
    measuring(world.cluster, status(404, "NotFound"))
    answer = await world.ask(
        'environment(path: "or/local") { path usage { cpuCores } } cluster(name: "test") { metrics { status reason message } }'
    )
    assert answer.data is not None
    assert answer.data["environment"] == {"path": "or/local", "usage": None}
    assert answer.codes == ["UNREACHABLE"]
    assert "metrics-server is not installed" in answer.errors[0]["message"]
    found = answer.data["cluster"]["metrics"]
    assert (found["status"], found["reason"]) == ("MISSING", "NotInstalled")


async def test_what_is_on_a_cluster_should_be_told_with_its_platform(world: World) -> None:
    world.cluster.script(
        "/api/v1/namespaces", listed(*[{"metadata": {"name": n, "uid": n}} for n in ("kube-system", "a")]), watched()
    )
    node = {
        "metadata": {"name": "n1", "uid": "n1", "resourceVersion": "3"},
        "status": {
            "capacity": {"cpu": "4", "memory": "8Gi"},
            "conditions": [{"type": "Ready", "status": "True"}],
            "nodeInfo": {"kubeletVersion": "v1.34.4"},
        },
    }
    world.cluster.script("/api/v1/nodes", listed(node), watched())
    happened = [
        {
            "metadata": {
                "name": f"e{number}",
                "uid": f"e{number}",
                "namespace": namespace,
                "resourceVersion": str(number),
            },
            "involvedObject": {"kind": "Pod", "name": "x", "namespace": namespace},
            "reason": "Started",
            "lastTimestamp": f"2026-11-24T08:00:0{number}Z",
        }
        for number, namespace in ((1, "kube-system"), (2, "a"), (3, "kube-system"))
    ]
    world.cluster.script("/api/v1/events", listed(*happened), watched())
    answer = await world.ask(
        """cluster(name: "test") {
          namespaces metrics { status }
          nodes { name state { status } kubeletVersion cpuCapacity memoryCapacityBytes pods
                  usage { cpuCores memoryBytes cpuRequestCores missing window } }
          pods { totalCount nodes { name } } platform: pods(namespace: "kube-system") { nodes { name } }
          workloads(namespace: "kube-system") { totalCount nodes { name kind usage { cpuCores } } }
          events(namespace: "kube-system") { nodes { reason } edges { cursor } } }"""
    )
    found = answer["cluster"]
    assert found["namespaces"] == ["a", "kube-system"]
    assert found["metrics"] == {"status": "HEALTHY"}
    (machine,) = found["nodes"]
    assert machine | {"usage": None} == {
        "name": "n1",
        "state": {"status": "HEALTHY"},
        "kubeletVersion": "v1.34.4",
        "cpuCapacity": 4.0,
        "memoryCapacityBytes": 8 * 2**30,
        "pods": 3,
        "usage": None,
    }
    assert machine["usage"]["cpuCores"] == 1.5
    assert machine["usage"]["cpuRequestCores"] == pytest.approx(0.2)
    assert (machine["usage"]["missing"], machine["usage"]["window"]) == (1, "13.471s")
    assert found["pods"]["totalCount"] == 3
    assert found["platform"] == {"nodes": [{"name": "dns"}]}
    assert found["workloads"] == {
        "totalCount": 1,
        "nodes": [{"name": "dns", "kind": "POD", "usage": {"cpuCores": 0.25}}],
    }
    assert len(found["events"]["nodes"]) == 2


async def test_pages_of_a_clusters_workloads_should_join_without_a_gap(world: World) -> None:
    document_ = """query ($after: String) { cluster(name: "test") { workloads(first: 1, after: $after) {
      nodes { name } pageInfo { hasNextPage endCursor } } } }"""
    names, after = [], None
    while True:
        page = (await world.nexus.execute(document_, {"after": after}))["cluster"]["workloads"]
        names += [node["name"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert names == ["dns", "one", "two"]


async def test_a_store_that_stays_cold_should_be_null_with_the_reason(world: World) -> None:
    world.cluster.script("/api/v1/nodes", status(403, "Forbidden", "nodes is forbidden"))
    answer = await world.ask('cluster(name: "test") { name nodes { name } }')
    assert answer.data == {"cluster": {"name": "test", "nodes": None}}
    assert (answer.codes, answer.errors[0]["message"]) == (["UNREACHABLE"], "nodes is forbidden")


# ── the feed ──

FEED = """subscription { usage(scope: "or/local") { kind complete at applications { path } pods { name usage { cpuCores } }
  sources { cluster } } }"""


async def test_the_feed_should_begin_with_what_is_measured(world: World) -> None:
    async with world.nexus.subscribe(FEED) as frames:
        first = await frames.next()
        assert first is not None
        assert first["usage"] == {
            "kind": "SNAPSHOT",
            "complete": True,
            "at": AT,
            "applications": [],
            "pods": [{"name": "one", "usage": {"cpuCores": 0.25}}],
            "sources": [{"cluster": "test"}],
        }
    assert world.polls() == 1


async def test_fifty_followers_should_be_fed_by_one_poll(world: World) -> None:
    async def first() -> Any:
        async with world.nexus.subscribe(FEED) as frames:
            return await frames.next()

    found = await asyncio.gather(*(first() for _ in range(50)))
    assert {len(one["usage"]["pods"]) for one in found} == {1}
    assert world.polls() == 1


@pytest.mark.parametrize("every", ["often", "", "-5s"])
async def test_a_span_that_is_none_should_be_refused(world: World, every: str) -> None:
    async with world.nexus.subscribe(
        'subscription ($every: Duration) { usage(scope: "or/local", every: $every) { kind } }', {"every": every}
    ) as frames:
        answer = await frames.next()
        assert answer is not None
        assert answer.codes == ["BAD_REQUEST"]


async def test_a_scope_that_is_not_there_should_be_an_error(world: World) -> None:
    async with world.nexus.subscribe('subscription { usage(scope: "or/nowhere") { kind } }') as frames:
        answer = await frames.next()
        assert answer is not None
        assert answer.codes == ["NOT_FOUND"]
