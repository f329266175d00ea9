"""Which node a pod comes to, and what is said when there is none."""

import pytest

from nexus_gql.sandbox.nodes import Machine, machines
from nexus_gql.sandbox.objects import find_condition, phase_of, status_of
from nexus_gql.sandbox.scheduler import explanation
from nexus_gql.sandbox.store import Object
from tests.unit.sandbox.cluster import HOME, Cluster, container, running

NO_HELP = (
    "no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."
)


def pod(cpu: str = "100m", memory: str = "64Mi", **spec: object) -> Object:
    return {"containers": [container(resources={"requests": {"cpu": cpu, "memory": memory}})], **spec}


def why(cluster: Cluster, name: str = "a") -> str:
    found = find_condition(status_of(cluster.get("Pod", name))["conditions"], "PodScheduled")
    assert found is not None
    assert (found["status"], found["reason"]) == ("False", "Unschedulable")
    message: str = found["message"]
    return message


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (pod("50", "900Gi"), f"0/2 nodes are available: 2 Insufficient cpu, 2 Insufficient memory. {NO_HELP}"),
        (
            pod(nodeSelector={"disk": "ssd"}),
            f"0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector. {NO_HELP}",
        ),
        (
            {"containers": [container(resources={"limits": {"nvidia.com/gpu": "1"}})]},
            f"0/2 nodes are available: 2 Insufficient nvidia.com/gpu. {NO_HELP}",
        ),
        (
            pod(volumes=[{"name": "d", "persistentVolumeClaim": {"claimName": "nope"}}]),
            '0/2 nodes are available: persistentvolumeclaim "nope" not found. not found',
        ),
    ],
)
async def test_a_pod_that_fits_nowhere_should_say_why(spec: Object, message: str) -> None:
    async with running() as cluster:
        cluster.make("Pod", "a", spec)
        await cluster.clock.advance(60)
        assert why(cluster) == message
        (event,) = cluster.all("Event")
        assert (event["reason"], event["type"], event["message"]) == ("FailedScheduling", "Warning", message)
        assert (event["reportingComponent"], event["action"], event.get("firstTimestamp")) == (
            "default-scheduler",
            "Scheduling",
            None,
        )
        assert phase_of(cluster.get("Pod", "a")) == "Pending"


async def test_a_full_node_should_be_told_from_one_that_is_too_small() -> None:
    async with running([Machine("only", cpu="2")]) as cluster:
        cluster.make("Pod", "a", pod("1500m"))
        cluster.make("Pod", "b", pod("1"))
        await cluster.clock.advance(2)
        assert why(cluster, "b") == (
            "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, "
            "preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."
        )


async def test_a_pod_should_be_scheduled_when_room_is_made() -> None:
    async with running([Machine("only", cpu="2")]) as cluster:
        cluster.make("Pod", "a", pod("1500m"))
        cluster.make("Pod", "b", pod("1"))
        await cluster.clock.advance(2)
        cluster.store.delete("Pod", HOME, "a")
        await cluster.clock.advance(4)
        assert phase_of(cluster.get("Pod", "b")) == "Running"


async def test_a_pod_should_be_scheduled_when_a_node_comes() -> None:
    async with running([]) as cluster:
        cluster.make("Pod", "a", pod())
        await cluster.clock.advance(2)
        assert why(cluster) == "no nodes available to schedule pods"
        room = {"cpu": "2", "memory": "4Gi", "pods": "10"}
        cluster.store.create("Node", None, {"metadata": {"name": "late"}, "spec": {}, "status": {"allocatable": room}})
        await cluster.clock.advance(2)
        assert cluster.get("Pod", "a")["spec"]["nodeName"] == "late"


async def test_a_tainted_node_should_take_only_who_tolerates_it() -> None:
    taint = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}
    async with running([Machine("tainted", taints=[taint])]) as cluster:
        cluster.make("Pod", "a", pod())
        cluster.make("Pod", "b", pod(tolerations=[{"key": "gpu", "operator": "Equal", "value": "yes"}]))
        await cluster.clock.advance(2)
        assert "1 node(s) had untolerated taint {gpu: yes}" in why(cluster)
        assert phase_of(cluster.get("Pod", "b")) == "Running"


async def test_pods_should_be_spread_over_the_nodes() -> None:
    async with running(machines(4)) as cluster:
        for number in range(40):
            cluster.make("Pod", f"a{number}", pod())
        await cluster.clock.advance(3)
        nodes = [found["spec"]["nodeName"] for found in cluster.pods()]
        assert {nodes.count(node) for node in nodes} == {10}


async def test_a_node_should_hold_no_more_pods_than_it_may() -> None:
    async with running([Machine("only", pods="3")]) as cluster:
        for number in range(5):
            cluster.make("Pod", f"a{number}", pod())
        await cluster.clock.advance(3)
        placed = [found for found in cluster.pods() if "nodeName" in found["spec"]]
        assert len(placed) == 3
        assert "1 Too many pods" in why(cluster, "a4")


def test_reasons_should_be_counted_and_sorted_as_texts() -> None:
    found = explanation(12, {"Insufficient cpu": 10, "node(s) were unschedulable": 2}, 2)
    assert found == (
        "0/12 nodes are available: 10 Insufficient cpu, 2 node(s) were unschedulable. no new claims to deallocate, preemption: "
        "0/12 nodes are available: 10 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling."
    )
