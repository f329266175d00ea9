"""Settings that change on a cluster: afterwards the objects are as if they had been made so.

Server-side apply takes away only fields that somebody applied. A default that Kubernetes derived from one of them stays, and may
contradict what is declared next; so what hangs together must be applied together.
"""

from typing import Any

import pytest

from nexus_gql.hierarchy import ApplicationKind
from nexus_gql.paths import Path
from nexus_gql.workloads.apply import KINDS, Fence, apply, read
from nexus_gql.workloads.manifests import Manifest
from tests.cluster import real
from tests.cluster.declared import INSTALLATION, Shape, connected, judged, manifests


def port(name: str, number: int, **more: Any) -> Shape:
    return {"name": name, "port": number, **more}


def file(name: str, path: str) -> Shape:
    return {"name": name, "mountPath": path, "text": "x"}


def readiness(**probe: Any) -> Shape:
    return {"probes": {"readiness": probe}}


RECREATE: Shape = {"rollout": {"strategy": "RECREATE"}}
HTTP, TCP, COMMAND = readiness(httpPath="/a"), readiness(tcp=True), readiness(command=["x"])
TEXT: Shape = {"env": [{"name": "A", "value": {"text": "x"}}]}
KEY: Shape = {"env": [{"name": "A", "value": {"secretKey": {"secret": "s", "key": "k"}}}]}
DAEMON_SET: Shape = {"workload": "DAEMON_SET"}
SUSPENDED: Shape = {"workload": "CRON_JOB", "schedule": {"suspended": True}}

CHANGES: dict[str, tuple[Shape, Shape]] = {
    "from rolling to recreation": ({}, RECREATE),
    "from bounds to recreation": ({"rollout": {"maxSurge": "1", "maxUnavailable": "1"}}, RECREATE),
    "from no bounds at all to recreation": ({"remove": ["rollout.maxUnavailable"]}, RECREATE),
    "from recreation to rolling": (RECREATE, {}),
    "from HTTP to TCP": (HTTP, TCP),
    "from TCP to HTTP": (TCP, HTTP),
    "from HTTP to a command": (HTTP, COMMAND),
    "from a command to TCP": (COMMAND, TCP),
    "from a text to a key": (TEXT, KEY),
    "from a key to a text": (KEY, TEXT),
    "a daemon set's bounds": (DAEMON_SET, {**DAEMON_SET, "rollout": {"maxUnavailable": "1"}}),
    "a daemon set's bounds back": ({**DAEMON_SET, "rollout": {"maxUnavailable": "1"}}, DAEMON_SET),
    "a port's protocol": ({"ports": [port("http", 80, protocol="UDP")]}, {"ports": [port("http", 80)]}),
    "a port's name": ({"ports": [port("a", 80)]}, {"ports": [port("b", 80)]}),
    "two ports' names": ({"ports": [port("a", 80), port("b", 81)]}, {"ports": [port("b", 80), port("a", 81)]}),
    "a port's target": ({"ports": [port("a", 80, targetPort=1)]}, {"ports": [port("a", 80, targetPort=2)]}),
    "a file's place": ({"files": [file("a", "/a")]}, {"files": [file("a", "/b")]}),
    "two files' places": (
        {"files": [file("a", "/a"), file("b", "/b")]},
        {"files": [file("a", "/b"), file("b", "/a")]},
    ),
    "GPUs gone": ({"resources": {"gpus": 1}, "rollout": {"strategy": "ROLLING"}}, {}),
    "GPUs": ({}, {"resources": {"gpus": 1}}),
    "an ingress rule's host gone": (
        {"ingress": [{"name": "a", "host": "a.example.org", "tlsSecret": "x", "className": "c"}]},
        {"ingress": [{"name": "a", "path": "/x"}]},
    ),
    "a time zone gone": ({**SUSPENDED, "schedule": {"suspended": True, "timezone": "Europe/Berlin"}}, SUSPENDED),
    "completions gone": ({**SUSPENDED, "job": {"completions": 3, "retries": 1, "timeLimit": "1m"}}, SUSPENDED),
    "an autoscaler's least": ({"autoscaling": {"max": 3, "min": 2, "cpuPercent": 5}}, {"autoscaling": {"max": 4}}),
    "labels gone": ({"annotations": [{"name": "a", "value": "b"}], "labels": [{"name": "a", "value": "b"}]}, {}),
    "a security context gone": ({"securityContext": {"runAsUser": 1, "readOnlyRootFilesystem": True}}, {}),
    "a service account gone": ({"serviceAccount": "x"}, {}),
    "a pull policy gone": ({"image": {"pullPolicy": "Never", "pullSecret": "x"}}, {}),
    "tolerations gone": ({"tolerations": [{"operator": "Exists"}], "nodeSelector": [{"name": "a", "value": "b"}]}, {}),
    "a time to end gone": ({"terminationGrace": "5s"}, {}),
}


def objects(shape: Shape, namespace: str) -> list[Manifest]:
    """What a patch makes."""
    # Nothing needs to run: pods would wait for this node for ever.
    somewhere = {"nodeSelector": [{"name": "nowhere", "value": "to-be-found"}], "replicas": 0}
    given = {**somewhere, **shape}
    problems, settled = judged(Path("or/local/models/churn"), ApplicationKind.MODEL, given)
    assert problems == []
    return manifests(settled, namespace, given)


@pytest.mark.parametrize("change", CHANGES)
async def test_changed_settings_should_make_what_they_would_have_made_at_first(
    cluster: real.Cluster, namespace: str, change: str
) -> None:
    before, after = (objects(shape, namespace) for shape in CHANGES[change])
    fence = Fence(1, INSTALLATION, check=lambda: None)

    async with connected(cluster.kubeconfig.read_text()) as connection:

        async def applied(wanted: list[Manifest]) -> dict[str, Any]:
            for one in wanted:
                await apply(connection, one, fence)
            found = [await read(connection, one["kind"], namespace, one["metadata"]["name"]) for one in wanted]
            return {one["kind"]: essence(one) for one in found if one is not None}

        await applied(before)
        changed = await applied(after)
        for one in after:
            path = KINDS[one["kind"]].format(namespace=namespace)
            await connection.send("DELETE", f"{path}/{one['metadata']['name']}", {"propagationPolicy": "Background"})
        assert changed == await applied(after)


def essence(item: dict[str, Any]) -> dict[str, Any]:
    """What is declared of an object, and what follows from it."""
    spec = {field: value for field, value in item.get("spec", {}).items() if field not in {"clusterIP", "clusterIPs"}}
    return {"labels": item["metadata"]["labels"], "spec": spec, "data": item.get("data")}
