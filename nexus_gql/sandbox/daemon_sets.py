"""DaemonSets: one pod on every node that will have it."""

from collections.abc import Iterable, Mapping

from nexus_gql.sandbox.events import Source
from nexus_gql.sandbox.objects import (
    ENDED,
    Key,
    available_in,
    filled,
    is_deleting,
    is_ready,
    key_of,
    labels_of,
    phase_of,
    status_of,
    uid_of,
    with_status,
)
from nexus_gql.sandbox.revisions import forget_old, revision_of
from nexus_gql.sandbox.rolling import share
from nexus_gql.sandbox.scheduler import unfit
from nexus_gql.sandbox.store import Object, Refusal, Stored
from nexus_gql.sandbox.templates import pod_from
from nexus_gql.sandbox.world import Touched, World, its_controller, itself

_SOURCE = Source("daemonset-controller")
_REVISION = "controller-revision-hash"
_TOLERATED = (
    ("not-ready", "NoExecute"),
    ("unreachable", "NoExecute"),
    ("disk-pressure", "NoSchedule"),
    ("memory-pressure", "NoSchedule"),
    ("pid-pressure", "NoSchedule"),
    ("unschedulable", "NoSchedule"),
)


class DaemonSets:
    """The controller."""

    name = "daemonset-controller"

    def __init__(self, world: World) -> None:
        self._world = world
        self.watches: Mapping[str, Touched] = {
            "DaemonSet": itself,
            "Pod": its_controller("DaemonSet"),
            "Node": self._of_node,
        }

    def reconcile(self, key: Key) -> float | None:
        """Pods where they belong, old ones replaced, and how things stand."""
        owner = self._world.store.get("DaemonSet", *key)
        if owner is None:
            return None
        hash_ = revision_of(self._world, owner, _REVISION)
        if not is_deleting(owner):
            self._manage(owner, hash_)
            self._roll(owner, hash_)
        return self._write_status(owner, hash_)

    def _of_node(self, _write: Stored) -> Iterable[Key]:
        return [key_of(item) for item in self._world.store.all("DaemonSet")]

    def _pods(self, owner: Object) -> dict[str, Object]:
        """By the node that each is for."""
        return {_node_of(pod): pod for pod in self._world.index.owned(uid_of(owner), "Pod")}

    def _nodes(self, owner: Object) -> list[str]:
        template = _tolerant(owner["spec"]["template"]["spec"])
        nodes = self._world.store.all("Node")
        return [node["metadata"]["name"] for node in nodes if unfit({"spec": template}, node) is None]

    def _manage(self, owner: Object, hash_: str) -> None:
        pods, nodes = self._pods(owner), self._nodes(owner)
        for node in nodes:
            if node not in pods:
                self._create(owner, node, hash_)
        for node, pod in pods.items():
            if node not in nodes or phase_of(pod) in ENDED:
                self._delete(owner, pod)

    def _roll(self, owner: Object, hash_: str) -> None:
        """Replace pods of the old template: those that are no use anyway at once, others as many as may be missing."""
        strategy = owner["spec"].get("updateStrategy") or {}
        if strategy.get("type") == "OnDelete":
            return
        pods, nodes, now = self._pods(owner), self._nodes(owner), self._world.now()
        limit = share((strategy.get("rollingUpdate") or {}).get("maxUnavailable", 1), len(nodes), up=True)
        minimum = owner["spec"].get("minReadySeconds", 0)
        well = {node: not is_deleting(pod) and available_in(pod, minimum, now) == 0.0 for node, pod in pods.items()}
        missing = sum(not well.get(node, False) for node in nodes)
        old = [pod for pod in pods.values() if labels_of(pod).get(_REVISION) != hash_ and not is_deleting(pod)]
        useless = [pod for pod in old if not well[_node_of(pod)]]
        for pod in useless:
            self._delete(owner, pod)
        for pod in [item for item in old if item not in useless][: max(limit - missing, 0)]:
            self._delete(owner, pod)

    def _create(self, owner: Object, node: str, hash_: str) -> None:
        labels = {_REVISION: hash_, "pod-template-generation": str(owner["metadata"]["generation"])}
        pod = pod_from(owner["spec"]["template"], owner, labels=labels)
        pod = {**pod, "spec": _for_node(_tolerant(pod["spec"]), node)}
        try:
            made = self._world.store.create("Pod", owner["metadata"]["namespace"], pod)
        except Refusal as refusal:
            self._world.events.warning(owner, _SOURCE, "FailedCreate", f"Error creating: {refusal.message}")
            raise
        self._world.events.normal(owner, _SOURCE, "SuccessfulCreate", f"Created pod: {made['metadata']['name']}")

    def _delete(self, owner: Object, pod: Object) -> None:
        if is_deleting(pod):
            return
        name = pod["metadata"]["name"]
        self._world.store.delete("Pod", pod["metadata"]["namespace"], name)
        self._world.events.normal(owner, _SOURCE, "SuccessfulDelete", f"Deleted pod: {name}")

    def _write_status(self, owner: Object, hash_: str) -> float | None:
        present = self._world.store.get("DaemonSet", *key_of(owner))
        if present is None:
            return None
        pods, nodes, now = self._pods(present), set(self._nodes(present)), self._world.now()
        here = [pod for node, pod in pods.items() if node in nodes]
        waits = [
            wait
            for pod in here
            if (wait := available_in(pod, present["spec"].get("minReadySeconds", 0), now)) is not None
        ]
        available, updated = waits.count(0.0), sum(labels_of(pod).get(_REVISION) == hash_ for pod in here)
        status = {
            "currentNumberScheduled": len(here),
            "numberMisscheduled": len(pods) - len(here),
            "desiredNumberScheduled": len(nodes),
            "numberReady": sum(is_ready(pod) for pod in here),
            "observedGeneration": present["metadata"]["generation"],
            **filled(
                updatedNumberScheduled=updated, numberAvailable=available, numberUnavailable=len(nodes) - available
            ),
        }
        if status != status_of(present):
            self._world.store.update("DaemonSet", with_status(present, status), subresource="status")
        forget_old(self._world, present, {hash_, *(labels_of(pod).get(_REVISION, "") for pod in pods.values())})
        return min((wait for wait in waits if wait), default=None)


def _tolerant(spec: Object) -> Object:
    """Daemons run where others would not be let in."""
    extra = [{"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": effect} for key, effect in _TOLERATED]
    return {**spec, "tolerations": [*(spec.get("tolerations") or ()), *extra]}


def _for_node(spec: Object, node: str) -> Object:
    """The real controller leaves it to the scheduler too, which has no choice."""
    field = {"key": "metadata.name", "operator": "In", "values": [node]}
    required = {"nodeSelectorTerms": [{"matchFields": [field]}]}
    affinity = {
        **(spec.get("affinity") or {}),
        "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required},
    }
    return {**spec, "affinity": affinity}


def _node_of(pod: Object) -> str:
    spec = pod["spec"]
    if spec.get("nodeName"):
        return str(spec["nodeName"])
    affinity = ((spec.get("affinity") or {}).get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    )
    terms = (affinity or {}).get("nodeSelectorTerms") or [{}]
    fields = terms[0].get("matchFields") or [{"values": [""]}]
    return str(fields[0]["values"][0])
