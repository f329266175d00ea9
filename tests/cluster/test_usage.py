"""Usage, nodes and what is needed only now and then, on a real cluster with metrics-server."""

import re

import pytest

from tests.cluster.nexus import until
from tests.cluster.place import Object, Place
from tests.cluster.proxy import Proxy

USAGE = "usage { cpuCores memoryBytes cpuRequestCores memoryRequestBytes missing window }"


@pytest.fixture
def kubeconfig(proxy: Proxy) -> str:
    return proxy.kubeconfig


async def test_usage_should_be_what_metrics_server_measures(place: Place, proxy: Proxy) -> None:
    path = await place.run()

    async def measured() -> Object | None:
        document = f"query ($path: Path!) {{ application(path: $path) {{ {USAGE} usageHistory {{ at cpuCores memoryBytes }} }} }}"
        try:
            found: Object = (await place.nexus.ask(document, path=path))["application"]
        except AssertionError:
            return None  # metrics-server has not measured anything yet
        return found if found["usage"]["missing"] == 0 else None

    application = await until(measured)
    usage = application["usage"]
    assert usage["memoryBytes"] > 0
    assert (usage["cpuRequestCores"], usage["memoryRequestBytes"]) == (0.01, 16 * 2**20)
    assert application["usageHistory"][-1]["memoryBytes"] == pytest.approx(usage["memoryBytes"], rel=1e-5)

    polls = proxy.count(re.escape("/apis/metrics.k8s.io/v1beta1/pods"), watch=False)
    async with place.nexus.socket() as socket:
        fields = "kind complete pods { name } applications { path }"
        feeds = [
            await socket.subscribe(
                f"subscription ($scope: Path!) {{ usage(scope: $scope) {{ {fields} }} }}", scope=path
            )
            for _ in range(50)
        ]
        for feed in feeds:
            frame = await feed.next()
            assert [one["path"] for one in frame["applications"]] == [path]
    assert proxy.count(re.escape("/apis/metrics.k8s.io/v1beta1/pods"), watch=False) - polls <= 1


async def test_a_cluster_should_tell_of_its_nodes_and_namespaces_and_platform(place: Place) -> None:
    path = await place.run()

    async def known() -> Object | None:
        fields = f"""name state {{ status message }} kubeletVersion cpuCapacity memoryCapacityBytes pods {USAGE}"""
        try:
            found = await place.nexus.ask(
                f"""{{ cluster(name: "test") {{ metrics {{ status }} namespaces nodes {{ {fields} }}
                pods(namespace: "{place.kubernetes}") {{ totalCount }} workloads(namespace: "{place.kubernetes}") {{ nodes {{ name kind }} }}
                events(namespace: "{place.kubernetes}") {{ nodes {{ reason }} }} }} }}"""
            )
        except AssertionError:
            return None  # nothing is measured yet
        cluster: Object = found["cluster"]
        # A kubelet posts its events after what they are about.
        started = "Started" in {event["reason"] for event in cluster["events"]["nodes"]}
        return cluster if started and all(node["usage"] for node in cluster["nodes"]) else None

    cluster = await until(known)
    assert {"kube-system", place.kubernetes} <= set(cluster["namespaces"])
    assert cluster["metrics"] == {"status": "HEALTHY"}
    (node,) = cluster["nodes"]
    assert (node["name"], node["state"]["status"]) == (place.cluster.node, "HEALTHY")
    assert node["usage"]["memoryBytes"] > 0
    assert node["pods"] >= 1
    assert cluster["pods"]["totalCount"] == 1
    assert cluster["workloads"]["nodes"] == [{"name": path.rpartition("/")[2], "kind": "DEPLOYMENT"}]


async def test_nodes_and_events_should_be_watched_only_once_somebody_asks(place: Place, proxy: Proxy) -> None:
    await place.run()
    assert proxy.count("/api/v1/(nodes|events)", watch=True) == 0
    for _ in range(5):
        await place.nexus.ask('{ cluster(name: "test") { nodes { name } events { nodes { id } } } }')

    async def watched() -> bool:
        return proxy.watches["/api/v1/nodes"] == proxy.watches["/api/v1/events"] == 1

    await until(watched)
    assert proxy.count("/api/v1/nodes", watch=True) == 1
    assert proxy.count("/api/v1/events", watch=True) == 1
