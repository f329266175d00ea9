"""Ten services that really call each other by addresses in variables, arguments and files: the graph finds exactly those calls.

Five are applications, with no `dependsOn` and no reference; five were applied by somebody who does not use Nexus. What each of them
logs proves that it reaches what the graph says that it needs.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from nexus_gql.live import ClusterChange, Feed, ObjectChange
from nexus_gql.schema import Rooms
from nexus_gql.topology import Picture, ShownNode, Topology, TopologyChange
from tests.cluster import nexus as serving
from tests.cluster import real
from tests.cluster.nexus import until
from tests.cluster.place import Object, Place

CALLS = {
    "churn": {"features"},
    "demand": {"features"},
    "features": {"store"},
    "gateway": {"churn", "demand"},
    "web": {"gateway", "churn"},
    "worker": {"broker"},
    "broker": {"store"},
    "audit": {"store"},
    "mailer": set[str](),
    "store": set[str](),
}
"""Who calls whom."""

PEERS = "/etc/peers/peers.properties"
PROBE = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1}


def script(*calls: str) -> list[str]:
    """A service that answers, and calls others for ever: each call is a URL as the shell sees it, and what to call it in the log."""
    lines = [f'call "{url}" {called}' for url, called in (one.split() for one in calls)]
    # With a limit (-T) this busybox crashes.
    reach = 'call() { wget -q -O /dev/null "$1/healthz" && echo "reached $2"; }'
    loop = ["while :; do", *lines, "sleep 0.5", "done"]
    return [
        "/bin/sh",
        "-c",
        "\n".join([reach, f"[ ! -f {PEERS} ] || . {PEERS}", "LINES_EVERY=0 /bin/program &", *loop]),
    ]


@dataclass(frozen=True)
class Beside:
    """A second Kubernetes namespace, of which nothing is declared."""

    cluster: real.Cluster
    name: str

    async def apply(self, *objects: Object) -> None:
        placed = [one | {"metadata": one["metadata"] | {"namespace": self.name}} for one in objects]
        await asyncio.to_thread(self.cluster.apply, *placed)

    async def kubectl(self, *arguments: str) -> str:
        return await asyncio.to_thread(self.cluster.kubectl, "-n", self.name, *arguments)


@dataclass
class Opened:
    """The rooms of the server in this process."""

    rooms: list[Rooms] = field(default_factory=list)

    async def keep(self, rooms: Rooms) -> None:
        self.rooms.append(rooms)

    @property
    def topology(self) -> Topology:
        return self.rooms[0].topology


@pytest.fixture
def opened() -> Opened:
    return Opened()


@pytest.fixture
async def nexus(database_file: Path, opened: Opened) -> AsyncIterator[serving.Nexus]:
    async with serving.in_process(database_file, opened.keep) as nexus:
        yield nexus


@pytest.fixture
def beside(cluster: real.Cluster, namespace_name: str) -> Iterator[Beside]:
    name = f"{namespace_name}-data"
    cluster.kubectl("create", "namespace", name)
    yield Beside(cluster, name)
    cluster.kubectl("delete", "namespace", name, "--ignore-not-found", "--wait=false")


@pytest.fixture
async def graph(place: Place, beside: Beside, opened: Opened) -> Topology:
    """All ten, up."""
    await _apply_what_is_beside(beside)
    await _declare(place, beside)
    await _apply_undeclared(place, beside)
    await settled(opened.topology, well)
    return opened.topology


async def _apply_what_is_beside(beside: Beside) -> None:
    store = deployment("store", script()) | {"kind": "StatefulSet"}
    store["spec"] |= {"serviceName": "store-pods"}
    headless = service("store") | {"metadata": {"name": "store-pods"}}
    headless["spec"] |= {"clusterIP": "None"}
    await beside.apply(store, service("store"), headless)
    broker = deployment("broker", script("$PEER broker-peer"), {"PEER": "http://store-0.store-pods:8080"})
    await beside.apply(broker, service("broker"))
    address = await beside.kubectl("get", "service", "store", "-o", "jsonpath={.spec.clusterIP}")
    audit = deployment("audit", [*script("$1 store"), "sh", f"http://{address}:8080"])
    # Words that are names of services, and no addresses.
    mailer = deployment("mailer", script(), {"TITLE": "broker and store", "OTEL_SERVICE_NAME": "store"})
    await beside.apply(audit, service("audit"), mailer, service("mailer"))


async def _declare(place: Place, beside: Beside) -> None:
    applications: dict[str, tuple[list[str], dict[str, str]]] = {
        "features": (script("$STORE_URL store"), {"STORE_URL": f"http://store.{beside.name}.svc.cluster.local:8080"}),
        "churn": (script("$FEATURES_URL features"), {"FEATURES_URL": "http://features:8080"}),
        "demand": (script("http://$FEATURES_ADDR features"), {"FEATURES_ADDR": f"features.{place.kubernetes}:8080"}),
        "gateway": (
            script("http://$CHURN_HOST:$CHURN_PORT churn", "$DEMAND_URL demand"),
            {
                "CHURN_HOST": "churn",
                "CHURN_PORT": "8080",
                "DEMAND_URL": f"http://demand.{place.kubernetes}.svc:8080",
            },
        ),
    }
    for name, (command, env) in applications.items():
        variables = [{"name": key, "value": {"text": value}} for key, value in env.items()]
        await place.run(name, command=command, env=variables)


async def _apply_undeclared(place: Place, beside: Beside) -> None:
    peers = 'GATEWAY="http://gateway:8080"\nCHURN="http://churn:8080"\n# OLD="http://mailer:8080"\n'
    await place.apply(
        config_map("web", {"peers.properties": peers}),
        config_map("worker", {"BROKER_URL": f"http://broker.{beside.name}:8080"}),
    )
    web = deployment("web", script("$GATEWAY gateway", "$CHURN churn"))
    pods = web["spec"]["template"]["spec"]
    pods["volumes"] = [{"name": "peers", "configMap": {"name": "web"}}]
    pods["containers"][0]["volumeMounts"] = [{"name": "peers", "mountPath": "/etc/peers"}]
    worker = deployment("worker", script("$BROKER_URL broker"))
    worker["spec"]["template"]["spec"]["containers"][0]["envFrom"] = [{"configMapRef": {"name": "worker"}}]
    await place.apply(web, service("web"), worker, service("worker"))


def deployment(name: str, command: list[str], env: dict[str, str] | None = None) -> Object:
    """As somebody applies it who does not use Nexus."""
    labels = {"runs": name}
    container = {
        "name": "main",
        "image": "nexus-test/echo:1",
        "command": command,
        "env": [{"name": key, "value": value} for key, value in (env or {}).items()],
        "readinessProbe": PROBE,
    }
    pods = {"containers": [container], "terminationGracePeriodSeconds": 0}
    template = {"metadata": {"labels": labels}, "spec": pods}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def service(name: str) -> Object:
    spec = {"selector": {"runs": name}, "ports": [{"port": 8080}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def config_map(name: str, data: dict[str, str]) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


# ── what is seen ──


def short(shown: ShownNode) -> str:
    return shown.node.path.rpartition("/")[2] if shown.node.path else shown.node.label


def edges(picture: Picture) -> dict[str, set[str]]:
    """Who needs whom among the ten; with whatever else any of them needs, or is needed by."""
    found: dict[str, set[str]] = {short(one): set() for one in picture.nodes.values() if short(one) in CALLS}
    for one in picture.edges.values():
        ends = short(picture.nodes[one.edge.origin]), short(picture.nodes[one.edge.target])
        if not CALLS.keys().isdisjoint(ends):
            found.setdefault(ends[0], set()).add(ends[1])
    return found


def impaired(picture: Picture) -> set[str]:
    return {short(one) for one in picture.nodes.values() if one.impairment.name == "IMPAIRED"}


def well(picture: Picture) -> bool:
    """Whether all are there, and serve."""
    return edges(picture) == CALLS and not impaired(picture) and all(serves(picture, name) for name in CALLS)


def serves(picture: Picture, name: str) -> bool:
    return any(one.state is not None and one.state.serving for one in picture.nodes.values() if short(one) == name)


async def settled(topology: Topology, condition: Callable[[Picture], object]) -> None:
    async def seen() -> bool:
        return bool(condition(topology.picture))

    try:
        await until(seen)
    except TimeoutError:
        raise AssertionError((edges(topology.picture), impaired(topology.picture))) from None


Told = tuple[float, object]


@asynccontextmanager
async def told(*feeds: Feed[Any]) -> AsyncIterator[list[Told]]:
    """What feeds tell meanwhile, in the order in which it came, with the loop's clock."""
    heard: list[Told] = []

    async def follow(feed: Feed[Any], position: int) -> None:
        while True:
            await feed.newer(position)
            changes = feed.since(position)
            assert isinstance(changes, list)
            heard.extend((asyncio.get_running_loop().time(), change) for change in changes)
            position += len(changes)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(follow(feed, feed.position)) for feed in feeds]
        yield heard
        for task in tasks:
            task.cancel()


def graph_after(heard: list[Told], first: int) -> list[TopologyChange]:
    return [change for _, change in heard[first:] if isinstance(change, TopologyChange)]


def told_of(heard: list[Told]) -> Callable[[Picture], object]:
    """Whether somebody is impaired and that was heard too: what is seen may be so a turn of the loop before."""
    return lambda picture: (
        impaired(picture) and any(one.impairment for change in graph_after(heard, 0) for one in change.delta.nodes)
    )


# ── the tests ──


async def test_the_edges_found_should_be_exactly_the_calls_that_are_made(
    place: Place, beside: Beside, graph: Topology
) -> None:
    assert edges(graph.picture) == CALLS
    assert {source.kind.value for one in graph.picture.edges.values() for source in one.edge.sources} == {"ENVIRONMENT"}
    for name, called in CALLS.items():
        where = place.kubectl if name in {"churn", "demand", "features", "gateway", "web", "worker"} else beside.kubectl
        kind = "statefulset" if name == "store" else "deployment"
        await reaches(where, f"{kind}/{name}", {"broker-peer"} if name == "broker" else called)


async def reaches(kubectl: Callable[..., Awaitable[str]], workload: str, expected: set[str]) -> None:
    """Its pod gets through to all of them, by the very addresses that the edges were found by."""
    lines: list[str] = []

    async def reached() -> bool:
        lines[:] = (await kubectl("logs", workload)).splitlines()
        return {f"reached {one}" for one in expected} <= set(lines)

    try:
        await until(reached)
    except TimeoutError:
        raise AssertionError(f"{workload} never reached {expected}: {lines[-5:]}") from None


async def test_a_deleted_service_should_move_impairment_with_the_next_reading(
    beside: Beside, graph: Topology, opened: Opened
) -> None:
    live = opened.rooms[0].live
    async with told(live.structure_feed, graph.feed) as heard:
        await beside.kubectl("delete", "service", "broker")
        await settled(graph, told_of(heard))
    assert impaired(graph.picture) == {"worker"}
    (first, *_) = [place for place, (_, one) in enumerate(heard) if isinstance(one, ClusterChange)]
    (change, *_) = graph_after(heard, first)
    assert {short(one) for one in change.delta.nodes if one.impairment} == {"worker"}
    assert [graph.picture.nodes[root].node.label for root in change.delta.root_causes] == ["broker"]

    await beside.apply(service("broker"))
    await settled(graph, well)


async def test_one_that_is_scaled_to_zero_should_take_with_it_whom_it_serves_and_nobody_else(
    beside: Beside, graph: Topology, opened: Opened
) -> None:
    live = opened.rooms[0].live
    (store,) = [
        one for one in live.workloads.values() if one.meta.name == "store" and one.meta.namespace == beside.name
    ]
    async with told(live.workload_feed, graph.feed) as heard:
        await beside.kubectl("scale", "statefulset", "store", "--replicas=0")
        await settled(graph, told_of(heard))
    # The very change in which the store is seen to serve no more tells of all whom that impairs.
    changes = graph_after(heard, 0)
    (change, *_) = [
        one
        for one in changes
        if any(
            shown.state is not None and not shown.state.serving for shown in one.delta.nodes if short(shown) == "store"
        )
    ]
    assert {short(one) for one in change.delta.nodes if one.impairment} == CALLS.keys() - {"store", "mailer"}
    assert any(isinstance(one, ObjectChange) and one.uid == store.meta.uid for _, one in heard)

    await beside.kubectl("scale", "statefulset", "store", "--replicas=1")
    await settled(graph, well)
