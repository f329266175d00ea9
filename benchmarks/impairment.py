"""From the watch event of a Service that goes, or of one scaled to zero, to the frame in which everybody downstream is impaired; and back.

Run by `scripts/bench impairment`, on a sandbox; `.venv/bin/python benchmarks/impairment.py --kubeconfig FILE` does the same on a real
cluster whose node is a container of this machine, in a Kubernetes namespace of its own that it deletes. Ten services that nobody
declared find each other by variables and one ConfigMap. Baseline: from the request to the same event, at a raw watch of the same
apiserver, in the same run. Prints a table; asserts nothing.
"""

import argparse
import asyncio
import json
import os
import random
import ssl
import statistics
import tempfile
import time
from asyncio import Runner
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import yaml
from kubernetes_asyncio.client import Configuration
from kubernetes_asyncio.config import load_kube_config_from_dict
from parts.clients import CORES, on_the_other_core
from parts.product import declare_namespace, sandbox, server

from nexus_gql.server import new_event_loop
from tests.cluster import images
from tests.cluster.test_topology import config_map, deployment, script, service

ROUNDS = 50
CALLS = {
    "store": (),
    "features": ("store",),
    "churn": ("features",),
    "demand": ("features",),
    "gateway": ("churn", "demand"),
    "web": ("gateway",),
    "broker": ("store",),
    "worker": ("broker",),
    "audit": ("store",),
    "mailer": (),
}
"""Who calls whom: a chain, a fan, and one that has no part in it."""
SCALED, WITHOUT = "store", "features"
"""The one that is scaled to zero, and the one whose Service goes."""
_FROM_FILE = "web"
_ECHO = Path(__file__).parents[1] / "tests" / "cluster" / "echo"
_LIMIT = 60.0
_DOCUMENT = """subscription { topology(scope: "or") {
  kind complete nodes { id label impairment } removedNodes edges { id } removedEdges rootCauses } }"""
_MERGE = {"Content-Type": "application/merge-patch+json"}

Event = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """One way to move impairment: a request, the events that tell of it, and whom it leaves impaired."""

    name: str
    signs: tuple[str, ...]
    method: str
    path: str
    body: Event | None
    impaired: frozenset[str]


def changes(namespace: str) -> tuple[Change, ...]:
    """The four, in turn."""
    deployments, services = (
        f"/apis/apps/v1/namespaces/{namespace}/deployments",
        f"/api/v1/namespaces/{namespace}/services",
    )
    scaled, one = f"{deployments}/{SCALED}", f"{services}/{WITHOUT}"
    return (
        Change("scaled to zero", ("replicas: 0", "no pod is ready"), "PATCH", scaled, _replicas(0), dependents(SCALED)),
        Change("scaled back", ("a pod is ready",), "PATCH", scaled, _replicas(1), frozenset()),
        Change("Service deleted", ("it is gone",), "DELETE", one, None, dependents(WITHOUT)),
        Change("Service made again", ("it is there",), "POST", services, service(WITHOUT), frozenset()),
    )


def _replicas(count: int) -> Event:
    return {"spec": {"replicas": count}}


def dependents(name: str) -> frozenset[str]:
    """Who needs it, directly or not."""
    callers = {caller for caller, called in CALLS.items() if name in called}
    return frozenset(callers).union(*map(dependents, callers))


def sign(event: Event) -> str | None:
    """What an event tells of the two that change."""
    what, name = event["object"], event["object"]["metadata"]["name"]
    if what["kind"] == "Service":
        return {"DELETED": "it is gone", "ADDED": "it is there"}.get(event["type"]) if name == WITHOUT else None
    if name != SCALED:
        return None
    wanted, ready = what["spec"]["replicas"], what["status"].get("readyReplicas", 0)
    if wanted:
        return "a pod is ready" if ready else None
    return "replicas: 0" if ready else "no pod is ready"


@dataclass
class Seen:
    """When each event of a change came first, and when the frame that made the graph as wanted."""

    events: dict[str, float] = field(default_factory=dict)
    impairments: dict[str, tuple[str, str]] = field(default_factory=dict)
    complete: bool = True
    wanted: frozenset[str] = frozenset(CALLS)  # never all of them
    arrived: "asyncio.Future[float]" = field(default_factory=asyncio.Future)

    def await_impaired(self, wanted: frozenset[str]) -> None:
        """Look out for a graph in which these are impaired, and nobody else."""
        self.events.clear()
        self.wanted, self.arrived = wanted, asyncio.Future()

    def heard(self, line: bytes) -> None:
        """An event at the raw watch."""
        now = time.perf_counter()
        if (told := sign(json.loads(line))) is not None:
            self.events.setdefault(told, now)

    def shown(self, frame: Event) -> None:
        """A frame of the graph."""
        now = time.perf_counter()
        if frame["kind"] == "SNAPSHOT" and self.complete:
            self.impairments.clear()
        self.complete = frame["complete"]
        self.impairments.update((node["id"], (node["label"], node["impairment"])) for node in frame["nodes"])
        for gone in frame["removedNodes"]:
            self.impairments.pop(gone, None)
        impaired = {label for label, impairment in self.impairments.values() if impairment == "IMPAIRED"}
        if self.complete and impaired == self.wanted and not self.arrived.done():
            self.arrived.set_result(now)


async def main(kubeconfig_file: Path | None) -> None:
    """Start what is measured, and change it."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            _cluster(Path(folder), kubeconfig_file) as (kubeconfig, session),
            _services(session) as namespace,
            server(Path(folder), core=CORES[0]) as nexus,
        ):
            on_the_other_core()
            await declare_namespace(nexus, kubeconfig, namespace)
            seen = Seen()
            async with _following(nexus.url, session, namespace, seen):
                rows = await _measure(session, changes(namespace), seen)
        _print("a real cluster" if kubeconfig_file else "a sandbox", rows)


# ── the cluster ──


@asynccontextmanager
async def _cluster(folder: Path, file: Path | None) -> AsyncIterator[tuple[str, aiohttp.ClientSession]]:
    """A sandbox or the real one: the kubeconfig, and a session at its apiserver."""
    if file is None:
        async with sandbox(folder, core=CORES[-1]) as (_, kubeconfig), await _session(kubeconfig) as session:
            yield kubeconfig, session
        return
    kubeconfig = await asyncio.to_thread(file.read_text)
    async with await _session(kubeconfig) as session:
        async with session.get("/api/v1/nodes") as answer:
            nodes = [one["metadata"]["name"] for one in (await answer.json())["items"]]
        await asyncio.to_thread(_load, nodes)
        yield kubeconfig, session


async def _session(kubeconfig: str) -> aiohttp.ClientSession:
    found = Configuration()
    await load_kube_config_from_dict(yaml.safe_load(kubeconfig), client_configuration=found)
    trusted: ssl.SSLContext | bool = True
    if found.ssl_ca_cert:
        trusted = ssl.create_default_context(cafile=found.ssl_ca_cert)
    if isinstance(trusted, ssl.SSLContext) and found.cert_file:
        trusted.load_cert_chain(found.cert_file, found.key_file)
    headers = {"Authorization": found.api_key["BearerToken"]} if "BearerToken" in found.api_key else {}
    connector, timeout = aiohttp.TCPConnector(ssl=trusted), aiohttp.ClientTimeout(None)
    return aiohttp.ClientSession(
        f"{found.host}/", headers=headers, connector=connector, timeout=timeout, raise_for_status=True
    )


def _load(nodes: list[str]) -> None:
    """The image of the services onto the nodes, containers of this machine."""
    images.make("nexus-test/echo:1", _ECHO, VERSION="1")
    for node in nodes:
        images.load(node, "nexus-test/echo:1")


@asynccontextmanager
async def _services(session: aiohttp.ClientSession) -> AsyncIterator[str]:
    """A Kubernetes namespace in which all of them run."""
    namespace = f"bench-{uuid4().hex[:8]}"
    await _send(session, "POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    try:
        for name in CALLS:
            await _run(session, namespace, name)
        yield namespace
    finally:
        await _send(session, "DELETE", f"/api/v1/namespaces/{namespace}")


async def _run(session: aiohttp.ClientSession, namespace: str, name: str) -> None:
    core, apps = f"/api/v1/namespaces/{namespace}", f"/apis/apps/v1/namespaces/{namespace}"
    urls = {f"{called.upper()}_URL": f"http://{called}:8080" for called in CALLS[name]}
    made = deployment(name, script(*(f"${called.upper()}_URL {called}" for called in CALLS[name])), urls)
    if name == _FROM_FILE:
        container = made["spec"]["template"]["spec"]["containers"][0]
        container |= {"env": [], "envFrom": [{"configMapRef": {"name": name}}]}
        await _send(session, "POST", f"{core}/configmaps", config_map(name, urls))
    await _send(session, "POST", f"{core}/services", service(name))
    await _send(session, "POST", f"{apps}/deployments", made)


async def _send(session: aiohttp.ClientSession, method: str, path: str, body: Event | None = None) -> None:
    headers = _MERGE if method == "PATCH" else None
    async with session.request(method, path, json=body, headers=headers) as answer:
        await answer.read()


# ── what is seen of it ──


@asynccontextmanager
async def _following(url: str, session: aiohttp.ClientSession, namespace: str, seen: Seen) -> AsyncIterator[None]:
    """Read the raw watches and the subscription, from when all is well."""
    watched = (f"/api/v1/namespaces/{namespace}/services", f"/apis/apps/v1/namespaces/{namespace}/deployments")
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_watch(session, path, seen)) for path in watched]
        tasks.append(group.create_task(_subscribe(url, seen)))
        async with asyncio.timeout(_LIMIT):
            while not _all_well(seen):  # noqa: ASYNC110  # nothing tells that everything was seen
                await asyncio.sleep(0.1)
        yield
        for task in tasks:
            task.cancel()


def _all_well(seen: Seen) -> bool:
    found = dict(seen.impairments.values())
    return found == dict.fromkeys(CALLS, "NONE") and "a pod is ready" in seen.events


async def _watch(session: aiohttp.ClientSession, path: str, seen: Seen) -> None:
    async with session.get(path, params={"watch": "1"}) as answer:
        async for line in answer.content:
            seen.heard(line)


async def _subscribe(url: str, seen: Seen) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{url}/graphql", protocols=["graphql-transport-ws"], max_msg_size=0) as socket,
    ):
        await socket.send_json({"type": "connection_init"})
        await socket.receive()
        await socket.send_json({"id": "1", "type": "subscribe", "payload": {"query": _DOCUMENT}})
        async for message in socket:
            told = message.json()
            if told["type"] == "next":
                seen.shown(told["payload"]["data"]["topology"])


# ── measuring ──


@dataclass
class Row:
    """One change, seen from one event: seconds from the request to the event, and from the event to the frame."""

    to_event: list[float] = field(default_factory=list)
    to_frame: list[float] = field(default_factory=list)


async def _measure(
    session: aiohttp.ClientSession, wanted: tuple[Change, ...], seen: Seen
) -> dict[tuple[str, str], Row]:
    rows = {(change.name, told): Row() for change in wanted for told in change.signs}
    chance = random.Random(7)
    for _ in range(ROUNDS):
        for change in wanted:
            # Some come within the tenth of a second in which nothing is read again, some after it.
            await asyncio.sleep(chance.uniform(0, 0.2))
            seen.await_impaired(change.impaired)
            begun = time.perf_counter()
            await _send(session, change.method, change.path, change.body)
            async with asyncio.timeout(_LIMIT):
                arrived = await seen.arrived
                while not seen.events.keys() >= set(change.signs):  # noqa: ASYNC110  # a frame may overtake the raw watch
                    await asyncio.sleep(0.001)
            for told in change.signs:
                rows[change.name, told].to_event.append(seen.events[told] - begun)
                rows[change.name, told].to_frame.append(arrived - seen.events[told])
    return rows


def _print(where: str, rows: dict[tuple[str, str], Row]) -> None:
    print(f"{ROUNDS} times each on {where}; ms; load of the machine {os.getloadavg()[0]:.1f}")
    print(f"{'change':<20}{'the event':<18}{'request to event p50':>22}{'event to frame p50':>20}{'p95':>8}{'max':>8}")
    for (change, told), row in rows.items():
        p50, p95 = (statistics.quantiles(row.to_frame, n=100, method="inclusive")[one - 1] * 1000 for one in (50, 95))
        base = statistics.median(row.to_event) * 1000
        print(f"{change:<20}{told:<18}{base:>22.1f}{p50:>20.1f}{p95:>8.1f}{max(row.to_frame) * 1000:>8.1f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kubeconfig", type=Path, help="of a real cluster; else a sandbox is started")
    with Runner(loop_factory=new_event_loop) as runner:
        runner.run(main(parser.parse_args().kubeconfig))
