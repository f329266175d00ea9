"""The nodes of a cluster: how each is doing, and what runs on it."""

from collections.abc import Iterable

from .health import Health, Verdict
from .objects import Condition, Node, Pod
from .usage_metrics import NANO, measured

_SHORT = {
    "MemoryPressure": "memory",
    "DiskPressure": "disk space",
    "PIDPressure": "process ids",
}


def judge_node(node: Node) -> Verdict:
    """The verdict on a node: whether it takes and runs pods."""
    conditions = {condition.type: condition for condition in node.status.conditions}
    ready = conditions.get("Ready")
    if ready is None:
        return Verdict(Health.PROGRESSING, "The node has not reported yet.", "NotReported")
    if ready.status == "Unknown":
        return Verdict(
            Health.DEGRADED, "The node has stopped reporting: it is off, or cut off.", ready.reason, _since(ready)
        )
    if ready.status != "True":
        return Verdict(Health.DEGRADED, f"The node cannot run pods: {ready.message}", ready.reason, _since(ready))
    for kind, what in _SHORT.items():
        if (found := conditions.get(kind)) is not None and found.status == "True":
            message = f"The node runs short of {what}, and puts pods out."
            return Verdict(Health.DEGRADED, message, kind, _since(found))
    if (network := conditions.get("NetworkUnavailable")) is not None and network.status == "True":
        return Verdict(Health.DEGRADED, "The node's network is not set up.", "NetworkUnavailable", _since(network))
    if node.spec.unschedulable:
        return Verdict(Health.SUSPENDED, "The node was cordoned: it takes no new pods.", "Cordoned")
    return Verdict(Health.HEALTHY, "The node is ready.", None, _since(ready))


def _since(condition: Condition) -> str | None:
    return condition.last_transition_time


def capacity(node: Node) -> tuple[float, float]:
    """Its cores, and its memory in bytes."""
    found = node.status.capacity
    return measured(found.cpu) / NANO, measured(found.memory) / NANO


def by_node(pods: Iterable[Pod]) -> dict[str, list[Pod]]:
    """The pods on each node that have not ended."""
    found: dict[str, list[Pod]] = {}
    for pod in pods:
        if pod.spec.node_name is not None and pod.status.phase not in {"Succeeded", "Failed"}:
            found.setdefault(pod.spec.node_name, []).append(pod)
    return found
