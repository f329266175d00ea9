"""How a node is doing."""

from typing import Any

import msgspec
import pytest

from nexus_gql.live import Health, Node, Pod, by_node, capacity, judge_node


def node(*conditions: tuple[str, str], **spec: Any) -> Node:
    found = [{"type": kind, "status": status, "reason": kind, "message": "words"} for kind, status in conditions]
    status = {"conditions": found, "capacity": {"cpu": "4", "memory": "8Gi"}, "nodeInfo": {"kubeletVersion": "v1.34.4"}}
    return msgspec.convert({"metadata": {"name": "n", "uid": "n"}, "spec": spec, "status": status}, Node)


READY = ("Ready", "True")
CASES = {
    "ready": (node(READY, ("MemoryPressure", "False")), Health.HEALTHY, None),
    "cordoned": (node(READY, unschedulable=True), Health.SUSPENDED, "Cordoned"),
    "short of memory": (node(READY, ("MemoryPressure", "True")), Health.DEGRADED, "MemoryPressure"),
    "short of disk, and cordoned": (
        node(READY, ("DiskPressure", "True"), unschedulable=True),
        Health.DEGRADED,
        "DiskPressure",
    ),
    "without a network": (node(READY, ("NetworkUnavailable", "True")), Health.DEGRADED, "NetworkUnavailable"),
    "not ready": (node(("Ready", "False")), Health.DEGRADED, "Ready"),
    "silent": (node(("Ready", "Unknown")), Health.DEGRADED, "Ready"),
    "new": (node(), Health.PROGRESSING, "NotReported"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_node_should_be_judged_by_its_conditions(case: tuple[Node, Health, str | None]) -> None:
    given, status, reason = case
    verdict = judge_node(given)
    assert (verdict.status, verdict.reason) == (status, reason)


def test_a_nodes_capacity_should_be_in_cores_and_bytes() -> None:
    assert capacity(node()) == (4.0, 8 * 2.0**30)


def test_pods_should_be_counted_where_they_run_unless_they_have_ended() -> None:
    def pod(name: str, where: str | None, phase: str) -> Pod:
        raw = {"metadata": {"name": name, "uid": name}, "spec": {"nodeName": where}, "status": {"phase": phase}}
        return msgspec.convert(raw, Pod)

    pods = [
        pod("a", "n1", "Running"),
        pod("b", "n1", "Succeeded"),
        pod("c", "n2", "Pending"),
        pod("d", None, "Pending"),
    ]
    assert {name: [one.metadata.name for one in found] for name, found in by_node(pods).items()} == {
        "n1": ["a"],
        "n2": ["c"],
    }
