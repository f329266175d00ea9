"""Workloads as they are seen: what nothing else owns, with its pods and a verdict on it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .cluster import ClusterView
from .health import Health, Verdict, judge_deployment, judge_pod
from .health.deployment import judged, of_pods
from .objects import Deployment, Meta, Pod, ReplicaSet


class ObservedKind(StrEnum):
    """What kind of object a workload is."""

    DEPLOYMENT = "DEPLOYMENT"
    REPLICA_SET = "REPLICA_SET"
    POD = "POD"


@dataclass(frozen=True, slots=True)
class Replicas:
    """How many pods are wanted and how many are how far."""

    desired: int
    current: int
    ready: int
    updated: int
    available: int


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment, a ReplicaSet that no Deployment owns, or a pod that nothing owns."""

    cluster_id: str
    kind: ObservedKind
    meta: Meta
    replicas: Replicas
    images: tuple[str, ...]
    verdict: Verdict


def root_uid(view: ClusterView, item: Pod | ReplicaSet | Deployment) -> str:
    """The UID of the workload that an object is part of: the topmost owner that is watched, or the object itself."""
    for owner in item.metadata.owner_references:
        if not owner.controller:
            continue
        if owner.kind == "ReplicaSet" and (owning := view.replica_sets.get(owner.uid)) is not None:
            return root_uid(view, owning)
        return owner.uid
    return item.metadata.uid


def observe(view: ClusterView, uid: str, now: datetime) -> Workload | None:
    """The workload with a UID as it is now; None where it is gone, or is part of another."""
    if (deployment := view.deployments.get(uid)) is not None:
        return _deployment(view, deployment, now)
    if (replica_set := view.replica_sets.get(uid)) is not None and not _owned(replica_set.metadata):
        return _replica_set(view, replica_set, now)
    if (pod := view.pods.get(uid)) is not None and not _owned(pod.metadata):
        return _pod(view, pod, now)
    return None


def workload_uids(view: ClusterView, namespace: str | None) -> Iterable[str]:
    """The UIDs of the workloads in a Kubernetes namespace, or in all."""
    for store in (view.deployments, view.replica_sets, view.pods):
        for item in store.all() if namespace is None else store.in_namespace(namespace):
            if isinstance(item, Deployment) or not _owned(item.metadata):
                yield item.metadata.uid


def pods_of(view: ClusterView, workload: Workload) -> list[Pod]:
    """The pods of a workload, by creation, newest last."""
    uid = workload.meta.uid
    if workload.kind is ObservedKind.POD:
        found = [pod] if (pod := view.pods.get(uid)) is not None else []
    elif workload.kind is ObservedKind.DEPLOYMENT:
        found = _pods_of_deployment(view, uid)
    else:
        found = list(view.pods.owned_by(uid))
    return by_creation(found)


def by_creation(pods: Iterable[Pod]) -> list[Pod]:
    """Pods in the order that lists have them: newest last, equal times by name."""
    return sorted(pods, key=age)


def age(pod: Pod) -> tuple[str, str]:
    """What pods are ordered by."""
    return pod.metadata.creation_timestamp, pod.metadata.name


def _owned(meta: Meta) -> bool:
    return any(owner.controller for owner in meta.owner_references)


def _pods_of_deployment(view: ClusterView, uid: str) -> list[Pod]:
    return [pod for owned in view.replica_sets.owned_by(uid) for pod in view.pods.owned_by(owned.metadata.uid)]


def _deployment(view: ClusterView, deployment: Deployment, now: datetime) -> Workload:
    spec, status = deployment.spec, deployment.status
    pods = by_creation(_pods_of_deployment(view, deployment.metadata.uid))
    return Workload(
        view.link.cluster_id,
        ObservedKind.DEPLOYMENT,
        deployment.metadata,
        Replicas(
            spec.replicas, status.replicas, status.ready_replicas, status.updated_replicas, status.available_replicas
        ),
        tuple(container.image for container in spec.template.spec.containers),
        judge_deployment(deployment, pods, now),
    )


def _replica_set(view: ClusterView, replica_set: ReplicaSet, now: datetime) -> Workload:
    spec, status = replica_set.spec, replica_set.status
    pods = judged(view.pods.owned_by(replica_set.metadata.uid), now)
    bad = [(pod, verdict) for pod, verdict in pods if verdict.status is Health.DEGRADED]
    if spec.replicas == 0:
        verdict = Verdict(Health.SUSPENDED, "It is scaled to zero: nothing runs, as asked.", "ScaledToZero")
    elif bad:
        verdict = of_pods(bad, len(pods))
    elif status.available_replicas < spec.replicas:
        verdict = Verdict(Health.PROGRESSING, f"{status.available_replicas} of {spec.replicas} pods are ready.", None)
    else:
        verdict = Verdict(Health.HEALTHY, f"All {spec.replicas} pods are ready.")
    return Workload(
        view.link.cluster_id,
        ObservedKind.REPLICA_SET,
        replica_set.metadata,
        Replicas(spec.replicas, status.replicas, status.ready_replicas, status.replicas, status.available_replicas),
        tuple(container.image for container in spec.template.spec.containers),
        verdict,
    )


def _pod(view: ClusterView, pod: Pod, now: datetime) -> Workload:
    verdict = judge_pod(pod, now)
    ready = int(verdict.status is Health.HEALTHY and pod.status.phase == "Running")
    return Workload(
        view.link.cluster_id,
        ObservedKind.POD,
        pod.metadata,
        Replicas(1, 1, ready, 1, ready),
        tuple(container.image for container in pod.spec.containers),
        verdict,
    )
