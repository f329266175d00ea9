"""What goes with its owner, and with its namespace."""

import pytest

from nexus_gql.sandbox.objects import is_deleting, status_of
from tests.unit.sandbox.cluster import HOME, Cluster, running, workload

KINDS = ("Deployment", "ReplicaSet", "Pod")


def counts(cluster: Cluster) -> list[int]:
    return [len(cluster.all(kind)) for kind in KINDS]


async def with_a_deployment(cluster: Cluster) -> None:
    cluster.make("Deployment", "web", workload("web", replicas=2))
    await cluster.clock.advance(3)
    assert counts(cluster) == [1, 1, 2]


async def test_dependents_should_follow_their_owner_in_the_background() -> None:
    async with running() as cluster:
        await with_a_deployment(cluster)
        cluster.store.delete("Deployment", HOME, "web")
        assert counts(cluster)[0] == 0
        await cluster.clock.advance(3)
        assert counts(cluster) == [0, 0, 0]


async def test_dependents_should_go_first_in_the_foreground() -> None:
    async with running() as cluster:
        await with_a_deployment(cluster)
        order: list[str] = []
        cluster.store.follow(
            lambda write: (
                order.append(write.kind.name) if write.type == "DELETED" and write.kind.name in KINDS else None
            )
        )
        cluster.store.delete("Deployment", HOME, "web", propagation="Foreground")
        await cluster.clock.advance(0.2)
        assert counts(cluster) == [1, 1, 2]
        assert all(is_deleting(pod) for pod in cluster.pods())
        await cluster.clock.advance(3)
        assert order == ["Pod", "Pod", "ReplicaSet", "Deployment"]


async def test_orphans_should_stay_and_be_adopted_by_the_next_owner() -> None:
    async with running() as cluster:
        await with_a_deployment(cluster)
        before = {pod["metadata"]["uid"] for pod in cluster.pods()}
        cluster.store.delete("Deployment", HOME, "web", propagation="Orphan")
        await cluster.clock.advance(3)
        assert counts(cluster) == [0, 1, 2]
        assert "ownerReferences" not in cluster.all("ReplicaSet")[0]["metadata"]

        made = cluster.make("Deployment", "web", workload("web", replicas=2))
        await cluster.clock.advance(3)
        assert counts(cluster) == [1, 1, 2]
        assert cluster.all("ReplicaSet")[0]["metadata"]["ownerReferences"][0]["uid"] == made["metadata"]["uid"]
        assert {pod["metadata"]["uid"] for pod in cluster.pods()} == before


async def test_an_object_whose_owner_was_never_there_should_go() -> None:
    async with running() as cluster:
        owner = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "name": "ghost",
            "uid": "00000000-0000-0000-0000-000000000000",
        }
        cluster.make("ConfigMap", "c", data={}, metadata={"ownerReferences": [owner]})
        await cluster.clock.advance(1)
        assert cluster.store.get("ConfigMap", HOME, "c") is None


async def test_an_object_of_two_owners_should_stay_while_one_is_left() -> None:
    async with running() as cluster:
        owners = [cluster.make("ConfigMap", name, data={}) for name in ("one", "two")]
        references = [
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "name": owner["metadata"]["name"],
                "uid": owner["metadata"]["uid"],
            }
            for owner in owners
        ]
        cluster.make("ConfigMap", "c", data={}, metadata={"ownerReferences": references})
        cluster.store.delete("ConfigMap", HOME, "one")
        await cluster.clock.advance(1)
        assert [item["name"] for item in cluster.get("ConfigMap", "c")["metadata"]["ownerReferences"]] == ["two"]
        cluster.store.delete("ConfigMap", HOME, "two")
        await cluster.clock.advance(1)
        assert cluster.store.get("ConfigMap", HOME, "c") is None


async def test_a_new_namespace_should_have_a_service_account_and_a_certificate() -> None:
    async with running() as cluster:
        assert cluster.get("ServiceAccount", "default")
        assert cluster.get("ConfigMap", "kube-root-ca.crt")


async def test_a_namespace_should_go_when_all_that_it_holds_is_gone() -> None:
    async with running() as cluster:
        await with_a_deployment(cluster)
        cluster.make("Service", "web", {"selector": {"app": "web"}, "ports": [{"port": 80}]})
        cluster.make(
            "PersistentVolumeClaim",
            "d",
            {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        )
        cluster.make("Secret", "s", data={})
        await cluster.clock.advance(1)
        cluster.store.delete("Namespace", None, HOME)
        await cluster.clock.advance(0.2)
        going = cluster.store.get("Namespace", None, HOME)
        assert going is not None
        assert status_of(going)["phase"] == "Terminating"
        remaining = next(item for item in status_of(going)["conditions"] if item["type"] == "NamespaceContentRemaining")
        assert (remaining["status"], remaining["reason"]) == ("True", "SomeResourcesRemain")
        await cluster.clock.advance(10)
        assert cluster.store.get("Namespace", None, HOME) is None
        assert counts(cluster) == [0, 0, 0]


@pytest.mark.parametrize("finalizer", ["or/keep"])
async def test_a_finalizer_should_hold_a_namespace_up(finalizer: str) -> None:
    async with running() as cluster:
        cluster.make("ConfigMap", "c", data={}, metadata={"finalizers": [finalizer]})
        await cluster.clock.advance(1)
        cluster.store.delete("Namespace", None, HOME)
        await cluster.clock.advance(60)
        held = cluster.get("ConfigMap", "c")
        cluster.store.update("ConfigMap", {**held, "metadata": {**held["metadata"], "finalizers": []}})
        await cluster.clock.advance(1)
        assert cluster.store.get("Namespace", None, HOME) is None
