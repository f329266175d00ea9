"""ReplicaSets: as many pods as are declared."""

from collections.abc import Mapping
from dataclasses import dataclass

from nexus_gql.sandbox.events import Source
from nexus_gql.sandbox.objects import (
    Key,
    annotations_of,
    available_in,
    condition_of,
    controller_of,
    filled,
    is_active,
    is_deleting,
    is_ready,
    labels_of,
    owner_reference,
    phase_of,
    seconds_of,
    selects,
    stamp_of,
    status_of,
    uid_of,
    with_metadata,
    with_status,
)
from nexus_gql.sandbox.store import Object, Refusal
from nexus_gql.sandbox.templates import pod_from
from nexus_gql.sandbox.world import Touched, World, its_controller, itself

_SOURCE = Source("replicaset-controller")
_BURST = 100
"""Pods made or deleted in one go; the real one takes 500, which would hold up the loop here."""


@dataclass(frozen=True, slots=True)
class Counted:
    """How a ReplicaSet's pods are."""

    replicas: int
    labelled: int
    ready: int
    available: int
    next_available: float | None


class ReplicaSets:
    """The controller."""

    name = "replicaset-controller"

    def __init__(self, world: World) -> None:
        self._world = world
        self.watches: Mapping[str, Touched] = {"ReplicaSet": itself, "Pod": its_controller("ReplicaSet")}

    def reconcile(self, key: Key) -> float | None:
        """Make or delete pods, then say how things stand."""
        replica_set = self._world.store.get("ReplicaSet", *key)
        if replica_set is None:
            return None
        refusal: Refusal | None = None
        missing = 0
        if not is_deleting(replica_set):
            self._adopt(replica_set)
            missing, refusal = self._manage(replica_set)
        counted = self._write_status(key, refusal)
        if refusal is not None:
            raise refusal
        return 0.0 if missing else counted.next_available if counted else None

    def _manage(self, replica_set: Object) -> tuple[int, Refusal | None]:
        """Up to a burst of pods made or deleted: how many are still to do, and why not."""
        active = [pod for pod in self._world.index.owned(uid_of(replica_set), "Pod") if is_active(pod)]
        missing = replica_set["spec"].get("replicas", 1) - len(active)
        try:
            if missing > 0:
                self._create(replica_set, min(missing, _BURST))
            elif missing < 0:
                self._delete(replica_set, active, min(-missing, _BURST))
        except Refusal as refusal:
            return 0, refusal
        return max(abs(missing) - _BURST, 0), None

    def _create(self, replica_set: Object, amount: int) -> None:
        world, template = self._world, replica_set["spec"]["template"]
        for _ in range(amount):
            try:
                pod = world.store.create("Pod", replica_set["metadata"]["namespace"], pod_from(template, replica_set))
            except Refusal as refusal:
                world.events.warning(replica_set, _SOURCE, "FailedCreate", f"Error creating: {refusal.message}")
                raise
            world.events.normal(replica_set, _SOURCE, "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}")

    def _delete(self, replica_set: Object, active: list[Object], amount: int) -> None:
        for pod in sorted(active, key=_worth(active))[:amount]:
            name = pod["metadata"]["name"]
            self._world.store.delete("Pod", pod["metadata"]["namespace"], name)
            self._world.events.normal(replica_set, _SOURCE, "SuccessfulDelete", f"Deleted pod: {name}")

    def _adopt(self, replica_set: Object) -> None:
        """Take pods that nobody owns any more, as after a deletion that left them."""
        wanted = replica_set["spec"]["selector"].get("matchLabels") or {}
        if status_of(replica_set).get("observedGeneration"):
            return  # looked for once, when it was new: pods do not lose their owner otherwise
        for pod in self._world.index.selected(replica_set["metadata"]["namespace"], wanted):
            if (
                controller_of(pod) is None
                and is_active(pod)
                and selects(replica_set["spec"]["selector"], labels_of(pod))
            ):
                references = [*(pod["metadata"].get("ownerReferences") or ()), owner_reference(replica_set)]
                self._world.store.update("Pod", with_metadata(pod, ownerReferences=references))

    def _write_status(self, key: Key, refusal: Refusal | None) -> Counted | None:
        replica_set = self._world.store.get("ReplicaSet", *key)
        if replica_set is None:
            return None
        counted = self._count(replica_set)
        status = {
            "replicas": counted.replicas,
            **filled(
                fullyLabeledReplicas=counted.labelled,
                readyReplicas=counted.ready,
                availableReplicas=counted.available,
                conditions=self._conditions(replica_set, refusal),
            ),
            "observedGeneration": replica_set["metadata"]["generation"],
        }
        if status != status_of(replica_set):
            self._world.store.update("ReplicaSet", with_status(replica_set, status), subresource="status")
        return counted

    def _count(self, replica_set: Object) -> Counted:
        now, minimum = self._world.now(), replica_set["spec"].get("minReadySeconds", 0)
        labels = (replica_set["spec"]["template"].get("metadata") or {}).get("labels") or {}
        pods = [pod for pod in self._world.index.owned(uid_of(replica_set), "Pod") if is_active(pod)]
        waits = [wait for pod in pods if (wait := available_in(pod, minimum, now)) is not None]
        return Counted(
            replicas=len(pods),
            labelled=sum(labels.items() <= labels_of(pod).items() for pod in pods),
            ready=len(waits),
            available=waits.count(0.0),
            next_available=min((wait for wait in waits if wait), default=None),
        )

    def _conditions(self, replica_set: Object, refusal: Refusal | None) -> list[Object]:
        others = [item for item in status_of(replica_set).get("conditions", []) if item["type"] != "ReplicaFailure"]
        if refusal is None:
            return others
        if (old := condition_of(replica_set, "ReplicaFailure")) is not None:
            # The message names another pod each time: to write it anew would bring the next try at once.
            return [*others, old]
        failure = {
            "type": "ReplicaFailure",
            "status": "True",
            "lastTransitionTime": stamp_of(self._world.now()),
            "reason": "FailedCreate",
            "message": refusal.message,
        }
        return [*others, failure]


def _worth(pods: list[Object]) -> "_Order":
    crowd: dict[str, int] = {}
    for pod in pods:
        node = pod["spec"].get("nodeName", "")
        crowd[node] = crowd.get(node, 0) + 1
    return _Order(crowd)


class _Order:
    """Which pod is missed least, first: not on a node, not running, not ready, cheap by its own word, crowded, young."""

    def __init__(self, crowd: dict[str, int]) -> None:
        self._crowd = crowd

    def __call__(self, pod: Object) -> tuple[object, ...]:
        node, ready = pod["spec"].get("nodeName", ""), condition_of(pod, "Ready")
        phase = {"Pending": 0, "Unknown": 1}.get(phase_of(pod), 2)
        cost = int(annotations_of(pod).get("controller.kubernetes.io/pod-deletion-cost", "0"))
        since = seconds_of(ready["lastTransitionTime"]) if ready else 0.0
        restarts = sum(item["restartCount"] for item in status_of(pod).get("containerStatuses", ()))
        created = seconds_of(pod["metadata"]["creationTimestamp"])
        return (
            bool(node),
            phase,
            is_ready(pod),
            cost,
            -self._crowd[node],
            -since,
            -restarts,
            -created,
            pod["metadata"]["name"],
        )
