"""Two applications that make an object of one name in the same moment: it is the one's that made it, whatever kind it is of.

Each was looked for and not found by both, which is all that an apply goes by: both write as field manager `nexus`, so no manager's
conflict would stop the second.
"""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from typing import Any

import pytest

from nexus_gql.clusters import ClusterKind, Connection, Surroundings, Target, opened
from nexus_gql.paths import Path
from nexus_gql.workloads.apply import KINDS, Applied, Fence, apply, number_of, read, with_secrets
from nexus_gql.workloads.manifests import render
from nexus_gql.workloads.rendering import APPLICATION, PATH, Manifest, Rendering
from nexus_gql.workloads.taken_names import TakenName

EVERYTHING: dict[str, Any] = {
    "env.TOKEN": {"secret": "7d1f"},
    "files.motd": {"mountPath": "/etc/motd", "text": "hello"},
    "volumes.data": {"mountPath": "/data", "size": "1Mi"},
    "ports.http": {"port": 8080},
    "ingress.web": {"host": "churn.example.org"},
    "autoscaling.max": 2,
}
SETTINGS: list[dict[str, Any]] = [
    EVERYTHING,
    {"workload": "STATEFUL_SET"},
    {"workload": "DAEMON_SET"},
    {"workload": "JOB"},
    {"workload": "CRON_JOB", "schedule.cron": "0 3 1 1 *"},
]


def manifests() -> Iterator[Manifest]:
    """One of each kind that Nexus writes."""
    seen = set()
    for settings in SETTINGS:
        given = {"image.repository": "nexus-test/echo", "image.tag": "1", **settings}
        path = Path("or/local/models/churn")
        for one in render(Rendering(path, "app-1", "inst-1", "to be said", given, {}, secrets_fingerprint="f")):
            if one["kind"] not in seen:
                seen.add(one["kind"])
                yield with_secrets(one, {"TOKEN": "hunter2"})


def test_every_kind_should_be_among_them() -> None:
    assert {one["kind"] for one in manifests()} == set(KINDS)


def of_neighbour(manifest: Manifest) -> Manifest:
    other = deepcopy(manifest)
    other["metadata"]["labels"][APPLICATION] = "app-2"
    other["metadata"]["annotations"][PATH] = "or/local/models/other"
    return other


async def make(kubeconfig: str, manifest: Manifest) -> Applied:
    """Apply it by a connection of its own."""
    async with opened(Target(ClusterKind.KUBECONFIG, content=kubeconfig), Surroundings()) as connection:
        return await apply(connection, manifest, Fence(7, "inst-1", lambda: None))


async def raced(connection: Connection, kubeconfig: str, manifest: Manifest, *, take_over: bool) -> Applied:
    """Apply it while a neighbour makes its own, after that was looked for and right before this one is written."""
    left = [of_neighbour(manifest)]

    def neighbour_first() -> None:
        if left:
            with ThreadPoolExecutor(1) as elsewhere:
                elsewhere.submit(asyncio.run, make(kubeconfig, left.pop())).result()

    return await apply(connection, manifest, Fence(3, "inst-1", neighbour_first, take_over=take_over))


@pytest.mark.parametrize("take_over", [False, True])
async def test_what_a_neighbour_made_meanwhile_should_stay_the_neighbours(
    kubeconfig: str, namespace: str, take_over: bool
) -> None:
    async with opened(Target(ClusterKind.KUBECONFIG, content=kubeconfig), Surroundings()) as connection:
        for manifest in manifests():
            kind, name = manifest["kind"], manifest["metadata"]["name"]
            manifest["metadata"]["namespace"] = namespace
            with pytest.raises(TakenName, match="belongs to another application") as refused:
                await raced(connection, kubeconfig, manifest, take_over=take_over)
            assert refused.value.holder == "or/local/models/other", kind
            there = await read(connection, kind, namespace, name)
            assert there is not None
            assert (there["metadata"]["labels"][APPLICATION], number_of(there)) == ("app-2", 7), kind
