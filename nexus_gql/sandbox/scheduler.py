"""The scheduler: a node for each pod, or the reason why there is none, in the real one's words."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from nexus_gql.sandbox import managed_fields
from nexus_gql.sandbox.demands import THOUSANDTHS, Amounts, amounts, requested, summed
from nexus_gql.sandbox.objects import (
    ENDED,
    Key,
    condition_of,
    is_deleting,
    key_of,
    meets,
    phase_of,
    stamp_of,
    status_of,
)
from nexus_gql.sandbox.store import Object, Stored
from nexus_gql.sandbox.world import Touched, World

_RETRY: Key = ("", "")
"""The key under which pods that found no node are tried again."""


@dataclass(slots=True)
class Room:
    """A node, and what of it is taken."""

    node: Object
    total: Amounts
    taken: Amounts = field(default_factory=dict)
    pods: int = 0

    def lacks(self, wanted: Amounts) -> list[str]:
        """The resources that do not suffice, in the scheduler's words."""
        short = ["Too many pods"] if (self.pods + 1) * THOUSANDTHS > self.total.get("pods", 0) else []
        for name, value in wanted.items():
            if value > self.total.get(name, 0) - self.taken.get(name, 0):
                short.append(f"Insufficient {name}")
        return short

    def never(self, wanted: Amounts) -> bool:
        """Not even an empty node would do."""
        return any(value > self.total.get(name, 0) for name, value in wanted.items())

    def load(self, wanted: Amounts) -> float:
        """How full it would be: the mean over CPU and memory, and the number of pods where neither is asked for."""
        parts = [
            (self.taken.get(name, 0) + wanted.get(name, 0)) / (self.total.get(name) or 1) for name in ("cpu", "memory")
        ]
        return float(sum(parts)) / 2 + self.pods * 100 / (self.total.get("pods") or 110_000)


class Scheduler:
    """The controller for pods that have no node."""

    name = "default-scheduler"

    def __init__(self, world: World) -> None:
        self._world = world
        self._rooms: dict[str, Room] = {}
        self._placed: dict[Key, tuple[str, Amounts]] = {}
        self._unplaced: dict[Key, None] = {}
        self.watches: Mapping[str, Touched] = {
            "Pod": self._pod,
            "Node": self._node,
            "PersistentVolumeClaim": lambda _write: self._again(),
        }

    def reconcile(self, key: Key) -> float | None:
        """Find a node for a pod; the retry key brings back all that found none."""
        if key == _RETRY:
            for waiting in list(self._unplaced):
                self._try(waiting)
            return None
        self._try(key)
        return None

    def _try(self, key: Key) -> None:
        pod = self._world.store.get("Pod", *key)
        if pod is None or pod["spec"].get("nodeName") or is_deleting(pod):
            self._unplaced.pop(key, None)
            return
        wanted = requested(pod)
        why = self._unbound(pod) or self._place(key, pod, wanted)
        if why is not None:
            self._refuse(key, pod, why)

    # ── keeping count ──

    def _pod(self, write: Stored) -> Iterable[Key]:
        pod = write.object
        key = key_of(pod)
        node = pod["spec"].get("nodeName")
        if write.type == "DELETED" or phase_of(pod) in ENDED:
            self._unplaced.pop(key, None)
            return self._again() if self._release(key) else ()
        if not node:
            new = write.type == "ADDED" or (
                write.previous is not None and write.previous.object["spec"] is not pod["spec"]
            )
            return (key,) if new else ()
        if key not in self._placed:
            self._take(key, node, requested(pod))
        return ()

    def _take(self, key: Key, node: str, wanted: Amounts) -> None:
        self._placed[key] = (node, wanted)
        room = self._rooms.get(node)
        if room is not None:
            room.taken = summed((room.taken, wanted))
            room.pods += 1

    def _release(self, key: Key) -> bool:
        node, wanted = self._placed.pop(key, ("", {}))
        room = self._rooms.get(node)
        if room is not None:
            room.taken = summed((room.taken, {name: -value for name, value in wanted.items()}))
            room.pods -= 1
        return bool(node)

    def _node(self, write: Stored) -> Iterable[Key]:
        name = write.object["metadata"]["name"]
        if write.type == "DELETED":
            self._rooms.pop(name, None)
            return ()
        total = amounts(status_of(write.object).get("allocatable"))
        known = self._rooms.get(name)
        if known is None:
            here = [wanted for node, wanted in self._placed.values() if node == name]
            self._rooms[name] = Room(write.object, total, summed(here), len(here))
        else:
            known.node, known.total = write.object, total
        return self._again()

    def _again(self) -> Iterable[Key]:
        return (_RETRY,) if self._unplaced else ()

    # ── choosing ──

    def _place(self, key: Key, pod: Object, wanted: Amounts) -> str | None:
        """Bind the pod to the emptiest node that will have it; why none will."""
        reasons: Counter[str] = Counter()
        hopeless = 0
        fit: list[Room] = []
        for room in self._rooms.values():
            refused = unfit(pod, room.node)
            lacking = [] if refused else room.lacks(wanted)
            reasons.update([refused] if refused else lacking)
            hopeless += bool(refused) or (bool(lacking) and room.never(wanted))
            if not refused and not lacking:
                fit.append(room)
        if fit:
            self._bind(key, pod, min(fit, key=lambda room: room.load(wanted)), wanted)
            return None
        return explanation(len(self._rooms), reasons, hopeless)

    def _bind(self, key: Key, pod: Object, room: Room, wanted: Amounts) -> None:
        name = room.node["metadata"]["name"]
        self._unplaced.pop(key, None)
        self._take(key, name, wanted)
        scheduled = _condition(pod, "True", self._world.now())
        status = {**status_of(pod), "conditions": [scheduled]}
        bound = {**pod, "spec": {**pod["spec"], "nodeName": name}, "status": status}
        # A binding leaves no trace in the managed fields.
        managed = managed_fields.decoded(pod["metadata"].get("managedFields"))
        self._world.store.update("Pod", bound, subresource="binding", managed=managed)
        where = f"{key[0]}/{key[1]}"
        self._world.events.scheduling(pod, "Normal", "Scheduled", f"Successfully assigned {where} to {name}")

    def _refuse(self, key: Key, pod: Object, why: str) -> None:
        self._unplaced[key] = None
        old = condition_of(pod, "PodScheduled")
        if old is not None and old.get("message") == why:
            return
        self._world.events.scheduling(pod, "Warning", "FailedScheduling", why)
        said = {**_condition(pod, "False", self._world.now()), "reason": "Unschedulable", "message": why}
        said["observedGeneration"] = pod["metadata"].get("generation", 1)
        changed = {**pod, "status": {**status_of(pod), "conditions": [said]}}
        self._world.store.update("Pod", changed, manager="kube-scheduler", subresource="status")

    def _unbound(self, pod: Object) -> str | None:
        """A pod waits for its claims."""
        store, namespace, nodes = self._world.store, pod["metadata"]["namespace"], len(self._rooms)
        for volume in pod["spec"].get("volumes") or ():
            name = (volume.get("persistentVolumeClaim") or {}).get("claimName")
            if not name:
                continue
            claim = store.get("PersistentVolumeClaim", namespace, name)
            if claim is None:
                return f'0/{nodes} nodes are available: persistentvolumeclaim "{name}" not found. not found'
            if status_of(claim).get("phase") != "Bound":
                return f"0/{nodes} nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"
        return None


def explanation(nodes: int, reasons: Mapping[str, int], hopeless: int) -> str:
    """Why no node will have a pod, as the scheduler and its preemption put it."""
    if not nodes:
        return "no nodes available to schedule pods"
    listed = ", ".join(sorted(f"{count} {reason}" for reason, count in reasons.items()))
    parts = [f"{hopeless} Preemption is not helpful for scheduling"] if hopeless else []
    if nodes - hopeless:
        parts.insert(0, f"{nodes - hopeless} No preemption victims found for incoming pod")
    victims = ", ".join(sorted(parts))
    return (
        f"0/{nodes} nodes are available: {listed}. "
        f"no new claims to deallocate, preemption: 0/{nodes} nodes are available: {victims}."
    )


def unfit(pod: Object, node: Object) -> str | None:
    """Why a node is out of the question for a pod whatever room it has; None where it is not."""
    if node["spec"].get("unschedulable") and not _tolerates(pod, _UNSCHEDULABLE):
        return "node(s) were unschedulable"
    if not _wants(pod["spec"], node):
        return "node(s) didn't match Pod's node affinity/selector"
    for taint in node["spec"].get("taints") or ():
        if taint.get("effect") in {"NoSchedule", "NoExecute"} and not _tolerates(pod, taint):
            return f"node(s) had untolerated taint {{{taint['key']}: {taint.get('value', '')}}}"
    return None


_UNSCHEDULABLE: Object = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


def _tolerates(pod: Object, taint: Object) -> bool:
    for toleration in pod["spec"].get("tolerations") or ():
        if toleration.get("key") not in {None, "", taint["key"]} or toleration.get("effect") not in {
            None,
            "",
            taint["effect"],
        }:
            continue
        if toleration.get("operator") == "Exists" or toleration.get("value", "") == taint.get("value", ""):
            return True
    return False


def _wants(spec: Object, node: Object) -> bool:
    labels = node["metadata"].get("labels") or {}
    if not (spec.get("nodeSelector") or {}).items() <= labels.items():
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return True
    fields = {"metadata.name": node["metadata"]["name"]}
    return any(
        all(meets(part, labels) for part in term.get("matchExpressions") or ())
        and all(meets(part, fields) for part in term.get("matchFields") or ())
        for term in required["nodeSelectorTerms"]
    )


def _condition(pod: Object, status: str, now: float) -> Object:
    old = condition_of(pod, "PodScheduled")
    since = old["lastTransitionTime"] if old and old["status"] == status else stamp_of(now)
    return {"type": "PodScheduled", "status": status, "lastProbeTime": None, "lastTransitionTime": since}
