"""Claims and volumes."""

from nexus_gql.sandbox.objects import phase_of, status_of
from nexus_gql.sandbox.store import Object
from tests.unit.sandbox.cluster import HOME, Cluster, container, running


def claim(size: str = "1Gi", **spec: object) -> Object:
    return {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}, **spec}


def volume(cluster: Cluster, name: str, size: str, class_: str, **spec: object) -> None:
    body = {
        "accessModes": ["ReadWriteOnce"],
        "capacity": {"storage": size},
        "storageClassName": class_,
        "hostPath": {"path": "/x"},
    }
    cluster.store.create("PersistentVolume", None, {"metadata": {"name": name}, "spec": {**body, **spec}})


def pod_with(claim_name: str) -> Object:
    volumes = [{"name": "d", "persistentVolumeClaim": {"claimName": claim_name}}]
    return {"containers": [container()], "volumes": volumes}


async def test_a_claim_of_the_standard_class_should_be_bound_at_once() -> None:
    async with running() as cluster:
        made = cluster.make("PersistentVolumeClaim", "data", claim())
        await cluster.clock.advance(0.2)
        found = cluster.get("PersistentVolumeClaim", "data")
        name = f"pvc-{made['metadata']['uid']}"
        assert status_of(found) == {"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}}
        assert (found["spec"]["storageClassName"], found["spec"]["volumeName"]) == ("standard", name)
        assert found["metadata"]["annotations"]["pv.kubernetes.io/bind-completed"] == "yes"
        bound = cluster.store.get("PersistentVolume", None, name)
        assert bound is not None
        assert status_of(bound)["phase"] == "Bound"
        assert bound["spec"]["claimRef"]["uid"] == made["metadata"]["uid"]


async def test_a_claim_should_take_the_smallest_volume_that_is_large_enough() -> None:
    async with running() as cluster:
        for name, size in (("small", "1Gi"), ("large", "9Gi"), ("right", "3Gi")):
            volume(cluster, name, size, "by-hand")
        cluster.make("PersistentVolumeClaim", "data", claim("2Gi", storageClassName="by-hand"))
        await cluster.clock.advance(0.2)
        found = cluster.get("PersistentVolumeClaim", "data")
        assert found["spec"]["volumeName"] == "right"
        assert status_of(found)["capacity"] == {"storage": "3Gi"}


async def test_a_claim_without_a_class_that_is_there_should_wait_and_say_so() -> None:
    async with running() as cluster:
        cluster.make("PersistentVolumeClaim", "data", claim(storageClassName="fast"))
        cluster.make("PersistentVolumeClaim", "none", claim(storageClassName=""))
        cluster.make("Pod", "a", pod_with("data"))
        await cluster.clock.advance(20)
        assert status_of(cluster.get("PersistentVolumeClaim", "data"))["phase"] == "Pending"
        assert ("ProvisioningFailed", 'storageclass.storage.k8s.io "fast" not found') in cluster.said("data")
        words = "no persistent volumes available for this claim and no storage class is set"
        assert ("FailedBinding", words) in cluster.said("none")
        unbound = "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"
        assert ("FailedScheduling", unbound) in cluster.said("a")

        volume(cluster, "late", "1Gi", "fast")
        await cluster.clock.advance(20)
        assert status_of(cluster.get("PersistentVolumeClaim", "data"))["phase"] == "Bound"
        assert phase_of(cluster.get("Pod", "a")) == "Running"


async def test_a_claim_in_use_should_stay_until_its_pod_is_gone() -> None:
    async with running() as cluster:
        cluster.make("PersistentVolumeClaim", "data", claim())
        cluster.make("Pod", "a", pod_with("data"))
        await cluster.clock.advance(3)
        cluster.store.delete("PersistentVolumeClaim", HOME, "data")
        await cluster.clock.advance(3)
        assert "deletionTimestamp" in cluster.get("PersistentVolumeClaim", "data")["metadata"]
        cluster.store.delete("Pod", HOME, "a")
        await cluster.clock.advance(3)
        assert cluster.all("PersistentVolumeClaim") == []
        assert list(cluster.store.all("PersistentVolume")) == []


async def test_a_volume_that_is_kept_should_be_released() -> None:
    async with running() as cluster:
        volume(cluster, "kept", "1Gi", "by-hand", persistentVolumeReclaimPolicy="Retain")
        cluster.make("PersistentVolumeClaim", "data", claim(storageClassName="by-hand"))
        await cluster.clock.advance(1)
        cluster.store.delete("PersistentVolumeClaim", HOME, "data")
        await cluster.clock.advance(1)
        (kept,) = cluster.store.all("PersistentVolume")
        assert status_of(kept)["phase"] == "Released"
