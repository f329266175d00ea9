"""StatefulSets: pods with numbers, one after the other, each with claims of its own."""

from collections.abc import Mapping
from dataclasses import dataclass

from nexus_gql.sandbox.events import Source
from nexus_gql.sandbox.objects import (
    ENDED,
    Key,
    available_in,
    filled,
    is_deleting,
    is_ready,
    labels_of,
    phase_of,
    status_of,
    uid_of,
    with_status,
)
from nexus_gql.sandbox.revisions import forget_old, revision_of, template_at
from nexus_gql.sandbox.rolling import share
from nexus_gql.sandbox.store import Object, Refusal
from nexus_gql.sandbox.templates import pod_from
from nexus_gql.sandbox.world import Touched, World, its_controller, itself

_SOURCE = Source("statefulset-controller")
_REVISION = "controller-revision-hash"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a StatefulSet wants: its object, the revisions before and after, and its pods by number."""

    owner: Object
    current: str
    update: str
    pods: Mapping[int, Object]

    @property
    def first(self) -> int:
        """The lowest number."""
        return int((self.owner["spec"].get("ordinals") or {}).get("start", 0))

    @property
    def wanted(self) -> range:
        """The numbers that there should be."""
        return range(self.first, self.first + self.owner["spec"].get("replicas", 1))

    @property
    def in_order(self) -> bool:
        """One after the other."""
        return bool(self.owner["spec"].get("podManagementPolicy", "OrderedReady") == "OrderedReady")

    def is_well(self, pod: Object, now: float) -> bool:
        """Running, ready for long enough, and staying."""
        minimum = self.owner["spec"].get("minReadySeconds", 0)
        return not is_deleting(pod) and available_in(pod, minimum, now) == 0.0


class StatefulSets:
    """The controller."""

    name = "statefulset-controller"

    def __init__(self, world: World) -> None:
        self._world = world
        self.watches: Mapping[str, Touched] = {"StatefulSet": itself, "Pod": its_controller("StatefulSet")}

    def reconcile(self, key: Key) -> float | None:
        """The next step, and how things stand."""
        owner = self._world.store.get("StatefulSet", *key)
        if owner is None:
            return None
        update = f"{key[1]}-{revision_of(self._world, owner, 'controller.kubernetes.io/hash')}"
        plan = self._plan(owner, update)
        if not is_deleting(owner):
            self._step(plan)
        self._write_status(key, update)
        return self._wait(plan)

    def _plan(self, owner: Object, update: str) -> Plan:
        pods = {_number(pod): pod for pod in self._world.index.owned(uid_of(owner), "Pod")}
        current = status_of(owner).get("currentRevision") or update
        return Plan(owner, current, update, pods)

    def _step(self, plan: Plan) -> None:
        """Make what is missing, then delete what is too much, then what is old: one at a time where order is wanted."""
        now = self._world.now()
        for number in plan.wanted:
            pod = plan.pods.get(number)
            if pod is not None and phase_of(pod) in ENDED and not is_deleting(pod):
                self._world.store.delete("Pod", pod["metadata"]["namespace"], pod["metadata"]["name"])
                return
            if pod is None:
                self._create(plan, number)
            if plan.in_order and (pod is None or not plan.is_well(pod, now)):
                # An unhealthy pod of the old template holds up what comes after it, as the documentation warns.
                return
        surplus = sorted((number for number in plan.pods if number not in plan.wanted), reverse=True)
        for number in surplus:
            self._delete(plan, plan.pods[number])
            if plan.in_order:
                return
        self._update(plan, now)

    def _update(self, plan: Plan, now: float) -> None:
        """Highest number first, down to the partition; a pod is replaced when those above are well again."""
        strategy = plan.owner["spec"].get("updateStrategy") or {}
        if strategy.get("type") == "OnDelete":
            return
        rolling = strategy.get("rollingUpdate") or {}
        partition = rolling.get("partition", 0)
        allowed = max(share(rolling.get("maxUnavailable", 1), len(plan.wanted), up=False), 1)
        unwell = 0
        for number in reversed(plan.wanted):
            pod = plan.pods.get(number)
            if pod is None or number < partition:
                return
            if labels_of(pod).get(_REVISION) != plan.update and not is_deleting(pod):
                self._delete(plan, pod)
                unwell += 1
            elif not plan.is_well(pod, now):
                unwell += 1
            if unwell >= allowed:
                return

    def _create(self, plan: Plan, number: int) -> None:
        owner, store, events = plan.owner, self._world.store, self._world.events
        namespace, name = owner["metadata"]["namespace"], owner["metadata"]["name"]
        strategy = plan.owner["spec"].get("updateStrategy") or {}
        partition = (strategy.get("rollingUpdate") or {}).get("partition", 0)
        revision = plan.update if number >= partition else plan.current
        template = template_at(self._world, owner, revision.removeprefix(f"{name}-")) or owner["spec"]["template"]
        pod_name = f"{name}-{number}"
        self._claim(plan, number)
        try:
            store.create("Pod", namespace, _pod(owner, template, number, revision))
        except Refusal as refusal:
            message = f"create Pod {pod_name} in StatefulSet {name} failed error: {refusal.message}"
            events.warning(owner, _SOURCE, "FailedCreate", message)
            raise
        events.normal(owner, _SOURCE, "SuccessfulCreate", f"create Pod {pod_name} in StatefulSet {name} successful")

    def _claim(self, plan: Plan, number: int) -> None:
        owner, store = plan.owner, self._world.store
        namespace, name = owner["metadata"]["namespace"], owner["metadata"]["name"]
        for template in owner["spec"].get("volumeClaimTemplates") or ():
            claim = f"{template['metadata']['name']}-{name}-{number}"
            if store.get("PersistentVolumeClaim", namespace, claim) is not None:
                continue
            labels = {
                **(template["metadata"].get("labels") or {}),
                **(owner["spec"]["selector"].get("matchLabels") or {}),
            }
            metadata = {"name": claim, "labels": labels, **filled(annotations=template["metadata"].get("annotations"))}
            store.create("PersistentVolumeClaim", namespace, {"metadata": metadata, "spec": template["spec"]})
            message = f"create Claim {claim} Pod {name}-{number} in StatefulSet {name} success"
            self._world.events.normal(owner, _SOURCE, "SuccessfulCreate", message)

    def _delete(self, plan: Plan, pod: Object) -> None:
        if is_deleting(pod):
            return
        namespace, name = plan.owner["metadata"]["namespace"], plan.owner["metadata"]["name"]
        pod_name = pod["metadata"]["name"]
        self._world.store.delete("Pod", namespace, pod_name)
        message = f"delete Pod {pod_name} in StatefulSet {name} successful"
        self._world.events.normal(plan.owner, _SOURCE, "SuccessfulDelete", message)

    def _write_status(self, key: Key, update: str) -> None:
        owner = self._world.store.get("StatefulSet", *key)
        if owner is None:
            return
        plan = self._plan(owner, update)
        status = _status(plan, self._world.now())
        if status != status_of(owner):
            self._world.store.update("StatefulSet", with_status(owner, status), subresource="status")
        used = {labels_of(pod).get(_REVISION, "").removeprefix(f"{key[1]}-") for pod in plan.pods.values()}
        forget_old(self._world, owner, {*used, *(status[name].removeprefix(f"{key[1]}-") for name in _REVISIONS)})

    def _wait(self, plan: Plan) -> float | None:
        minimum, now = plan.owner["spec"].get("minReadySeconds", 0), self._world.now()
        waits = [available_in(pod, minimum, now) for pod in plan.pods.values()]
        return min((wait for wait in waits if wait), default=None)


_REVISIONS = ("currentRevision", "updateRevision")


def _status(plan: Plan, now: float) -> Object:
    pods = list(plan.pods.values())
    staying = [pod for pod in pods if not is_deleting(pod)]
    of_update = sum(labels_of(pod).get(_REVISION) == plan.update for pod in staying)
    of_current = sum(labels_of(pod).get(_REVISION) == plan.current for pod in staying)
    ready = sum(is_ready(pod) for pod in pods)
    current = plan.current
    whole = len(pods) == len(plan.wanted) == ready
    strategy = (plan.owner["spec"].get("updateStrategy") or {}).get("type", "RollingUpdate")
    if strategy == "RollingUpdate" and of_update == len(plan.wanted) and whole:
        current, of_current = plan.update, of_update
    minimum = plan.owner["spec"].get("minReadySeconds", 0)
    return {
        "observedGeneration": plan.owner["metadata"]["generation"],
        "replicas": len(pods),
        **filled(readyReplicas=ready, currentReplicas=of_current, updatedReplicas=of_update),
        "currentRevision": current,
        "updateRevision": plan.update,
        "collisionCount": 0,
        "availableReplicas": sum(available_in(pod, minimum, now) == 0.0 for pod in pods),
    }


def _number(pod: Object) -> int:
    text: str = pod["metadata"]["name"].rsplit("-", 1)[-1]
    return int(text) if text.isdecimal() else -1


def _pod(owner: Object, template: Object, number: int, revision: str) -> Object:
    name = owner["metadata"]["name"]
    labels = {
        "apps.kubernetes.io/pod-index": str(number),
        _REVISION: revision,
        "statefulset.kubernetes.io/pod-name": f"{name}-{number}",
    }
    pod = pod_from(template, owner, labels=labels, name=f"{name}-{number}")
    claims = [item["metadata"]["name"] for item in owner["spec"].get("volumeClaimTemplates") or ()]
    declared = [item for item in pod["spec"].get("volumes") or () if item["name"] not in claims]
    mounted = [{"name": claim, "persistentVolumeClaim": {"claimName": f"{claim}-{name}-{number}"}} for claim in claims]
    spec = {**pod["spec"], "hostname": f"{name}-{number}"}
    if owner["spec"].get("serviceName"):
        spec["subdomain"] = owner["spec"]["serviceName"]
    if volumes := [*mounted, *declared]:
        spec["volumes"] = volumes
    return {**pod, "spec": spec}
