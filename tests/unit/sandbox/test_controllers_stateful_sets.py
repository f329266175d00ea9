"""StatefulSets and DaemonSets."""

from nexus_gql.sandbox.nodes import Machine, machines
from nexus_gql.sandbox.objects import is_deleting, status_of
from nexus_gql.sandbox.store import Object
from tests.unit.sandbox.cluster import HOME, Cluster, container, running, workload

CLAIM: Object = {
    "metadata": {"name": "data"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}


def names(cluster: Cluster) -> list[str]:
    return [pod["metadata"]["name"] for pod in cluster.pods()]


def images(cluster: Cluster) -> dict[str, str]:
    return {pod["metadata"]["name"]: pod["spec"]["containers"][0]["image"] for pod in cluster.pods()}


def with_image(cluster: Cluster, kind: str, image: str) -> Object:
    template: Object = cluster.get(kind, "db")["spec"]["template"]
    (first,) = template["spec"]["containers"]
    return {**template, "spec": {**template["spec"], "containers": [{**first, "image": image}]}}


async def test_pods_should_come_one_after_the_other_by_number() -> None:
    async with running() as cluster:
        cluster.make("StatefulSet", "db", workload("db", replicas=3, serviceName="db"))
        await cluster.clock.advance(0.2)
        assert names(cluster) == ["db-0"]
        await cluster.clock.advance(10)
        assert names(cluster) == ["db-0", "db-1", "db-2"]

        status = status_of(cluster.get("StatefulSet", "db"))
        assert status == {
            "observedGeneration": 1,
            "replicas": 3,
            "readyReplicas": 3,
            "currentReplicas": 3,
            "updatedReplicas": 3,
            "availableReplicas": 3,
            "collisionCount": 0,
            "currentRevision": status["updateRevision"],
            "updateRevision": status["updateRevision"],
        }
        first = cluster.get("Pod", "db-0")
        assert first["metadata"]["labels"]["statefulset.kubernetes.io/pod-name"] == "db-0"
        assert (first["spec"]["hostname"], first["spec"]["subdomain"]) == ("db-0", "db")
        assert ("SuccessfulCreate", "create Pod db-2 in StatefulSet db successful") in cluster.said("db")


async def test_parallel_pods_should_come_at_once() -> None:
    async with running() as cluster:
        cluster.make("StatefulSet", "db", workload("db", replicas=3, podManagementPolicy="Parallel"))
        await cluster.clock.advance(0.2)
        assert len(names(cluster)) == 3


async def test_an_update_should_go_from_the_highest_number_down_to_the_partition() -> None:
    async with running() as cluster:
        strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
        cluster.make("StatefulSet", "db", workload("db", container("or/db:1"), replicas=3, updateStrategy=strategy))
        await cluster.clock.advance(15)
        gone: list[str] = []
        cluster.store.follow(
            lambda write: (
                gone.append(write.object["metadata"]["name"])
                if write.kind.name == "Pod"
                and is_deleting(write.object)
                and write.object["metadata"]["name"] not in gone
                else None
            )
        )
        cluster.change("StatefulSet", "db", template=with_image(cluster, "StatefulSet", "or/db:2"))
        await cluster.clock.advance(30)

        assert gone == ["db-2", "db-1"]
        assert images(cluster) == {"db-0": "or/db:1", "db-1": "or/db:2", "db-2": "or/db:2"}
        status = status_of(cluster.get("StatefulSet", "db"))
        assert (status["currentReplicas"], status["updatedReplicas"]) == (1, 2)
        assert status["currentRevision"] != status["updateRevision"]


async def test_a_whole_update_should_end_with_one_revision() -> None:
    async with running() as cluster:
        cluster.make("StatefulSet", "db", workload("db", container("or/db:1"), replicas=2))
        await cluster.clock.advance(15)
        cluster.change("StatefulSet", "db", template=with_image(cluster, "StatefulSet", "or/db:2"))
        await cluster.clock.advance(30)

        status = status_of(cluster.get("StatefulSet", "db"))
        assert status["currentRevision"] == status["updateRevision"]
        assert sorted(item["revision"] for item in cluster.all("ControllerRevision")) == [1, 2]


async def test_a_pod_deleted_under_the_partition_should_come_back_with_its_old_template() -> None:
    async with running() as cluster:
        strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
        cluster.make("StatefulSet", "db", workload("db", container("or/db:1"), replicas=2, updateStrategy=strategy))
        await cluster.clock.advance(15)
        cluster.change("StatefulSet", "db", template=with_image(cluster, "StatefulSet", "or/db:2"))
        await cluster.clock.advance(15)
        cluster.store.delete("Pod", HOME, "db-0")
        await cluster.clock.advance(15)
        assert images(cluster)["db-0"] == "or/db:1"


async def test_scaling_down_should_take_the_highest_number_and_leave_its_claim() -> None:
    async with running() as cluster:
        cluster.make("StatefulSet", "db", workload("db", replicas=3, volumeClaimTemplates=[CLAIM]))
        await cluster.clock.advance(15)
        assert len(names(cluster)) == 3
        cluster.change("StatefulSet", "db", replicas=1)
        await cluster.clock.advance(15)

        assert names(cluster) == ["db-0"]
        claims = {item["metadata"]["name"]: status_of(item)["phase"] for item in cluster.all("PersistentVolumeClaim")}
        assert claims == {"data-db-0": "Bound", "data-db-1": "Bound", "data-db-2": "Bound"}
        assert ("SuccessfulCreate", "create Claim data-db-1 Pod db-1 in StatefulSet db success") in cluster.said("db")


async def test_a_first_pod_that_never_gets_ready_should_hold_up_the_others() -> None:
    async with running() as cluster:
        cluster.make("StatefulSet", "db", workload("db", container("or/db:unready"), replicas=3))
        await cluster.clock.advance(120)
        assert names(cluster) == ["db-0"]


async def test_a_daemon_should_run_on_every_node_that_will_have_it() -> None:
    taint = {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}
    nodes = [*machines(2), Machine("gpu", taints=[taint])]
    async with running(nodes) as cluster:
        cluster.make("DaemonSet", "db", workload("db"))
        await cluster.clock.advance(5)

        assert {pod["spec"]["nodeName"] for pod in cluster.pods()} == {"sandbox-control-plane", "sandbox-worker"}
        assert status_of(cluster.get("DaemonSet", "db")) == {
            "currentNumberScheduled": 2,
            "numberMisscheduled": 0,
            "desiredNumberScheduled": 2,
            "numberReady": 2,
            "observedGeneration": 1,
            "updatedNumberScheduled": 2,
            "numberAvailable": 2,
        }


async def test_a_daemon_should_be_replaced_node_by_node() -> None:
    async with running(machines(3)) as cluster:
        cluster.make("DaemonSet", "db", workload("db", container("or/db:1")))
        await cluster.clock.advance(5)
        lowest: list[int] = []
        cluster.store.follow(
            lambda write: (
                lowest.append(write.object["status"].get("numberAvailable", 0))
                if write.kind.name == "DaemonSet"
                else None
            )
        )
        cluster.change("DaemonSet", "db", template=with_image(cluster, "DaemonSet", "or/db:2"))
        await cluster.clock.advance(30)

        assert set(images(cluster).values()) == {"or/db:2"}
        assert min(lowest) == 2
        assert status_of(cluster.get("DaemonSet", "db"))["updatedNumberScheduled"] == 3
