"""Workloads as they are seen: what nothing else owns, with its pods and a verdict on it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from .cluster import ClusterView
from .health import (
    Health,
    Verdict,
    judge_cron_job,
    judge_daemon_set,
    judge_deployment,
    judge_job,
    judge_pod,
    judge_replica_set,
    judge_stateful_set,
    pod_ready,
    rank,
)
from .objects import (
    BareTemplate,
    CronJob,
    DaemonSet,
    Deployment,
    Job,
    Meta,
    Observed,
    Owner,
    Pod,
    ReplicaSet,
    StatefulSet,
    Template,
)
from .resources import CRON_JOBS, DAEMON_SETS, DEPLOYMENTS, JOBS, PODS, REPLICA_SETS, STATEFUL_SETS
from .store import APPLICATION_LABEL


class ObservedKind(StrEnum):
    """What kind of object a workload is."""

    DEPLOYMENT = "DEPLOYMENT"
    STATEFUL_SET = "STATEFUL_SET"
    DAEMON_SET = "DAEMON_SET"
    JOB = "JOB"
    CRON_JOB = "CRON_JOB"
    REPLICA_SET = "REPLICA_SET"
    POD = "POD"
    OTHER = "OTHER"


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
    """What makes pods and is not made by another: a Deployment, …; or a pod that nothing owns."""

    cluster_id: str
    kind: ObservedKind
    meta: Meta
    replicas: Replicas
    images: tuple[str, ...]
    verdict: Verdict


def root_uid(view: ClusterView, item: Observed) -> str:
    """The UID of the workload that an object is part of: its topmost owner, or the object itself."""
    owner = _owner(item.metadata)
    if owner is None:
        return item.metadata.uid
    between = view.by_kind[owner.kind] if owner.kind in {REPLICA_SETS.kind, JOBS.kind} else None
    if between is not None and (owning := between.get(owner.uid)) is not None:
        return root_uid(view, owning)
    return owner.uid


def observe(view: ClusterView, uid: str, now: datetime) -> Workload | None:
    """The workload with a UID as it is now; None where it is gone, or is part of another."""
    for kind, look in _LOOKS.items():
        item = view.by_kind[kind].get(uid)
        if item is not None and (kind not in _PARTS or _owner(item.metadata) is None):
            return look(view, item, now)
    return _other(view, uid, now)


def workload_uids(view: ClusterView, namespace: str | None) -> Iterable[str]:
    """The UIDs of the workloads in a Kubernetes namespace, or in all."""
    others: dict[str, None] = {}
    for kind in _LOOKS:
        store = view.by_kind[kind]
        for item in store.all() if namespace is None else store.in_namespace(namespace):
            owner = _owner(item.metadata) if kind in _PARTS else None
            # An operator may own a Deployment or a StatefulSet, which is a workload all the same.
            if owner is None:
                yield item.metadata.uid
            elif owner.kind not in _LOOKS:
                others[owner.uid] = None
    yield from others


def pods_of(view: ClusterView, workload: Workload) -> list[Pod]:
    """The pods of a workload, by creation, newest last."""
    uid = workload.meta.uid
    if workload.kind is ObservedKind.POD:
        found = [pod] if (pod := view.pods.get(uid)) is not None else []
    elif workload.kind is ObservedKind.DEPLOYMENT:
        found = _pods_below(view, view.replica_sets.owned_by(uid))
    elif workload.kind is ObservedKind.CRON_JOB:
        found = _pods_below(view, view.jobs.owned_by(uid))
    elif workload.kind is ObservedKind.OTHER:
        found = _pods_of_other(view, uid)
    else:
        found = list(view.pods.owned_by(uid))
    return by_creation(found)


def by_creation(pods: Iterable[Pod]) -> list[Pod]:
    """Pods in the order that lists have them: newest last, equal times by name."""
    return sorted(pods, key=age)


def age(pod: Pod) -> tuple[str, str]:
    """What pods are ordered by."""
    return pod.metadata.creation_timestamp, pod.metadata.name


def _owner(meta: Meta) -> Owner | None:
    """Who controls an object. A node owns what its kubelet runs from files, and is no workload."""
    return next((one for one in meta.owner_references if one.controller and one.kind != "Node"), None)


def _pods_below(view: ClusterView, owners: Iterable[Observed]) -> list[Pod]:
    return [pod for owner in owners for pod in view.pods.owned_by(owner.metadata.uid)]


def _images(template: Template | BareTemplate) -> tuple[str, ...]:
    return tuple(container.image for container in template.spec.containers)


def _deployment(view: ClusterView, deployment: Deployment, now: datetime) -> Workload:
    spec, status = deployment.spec, deployment.status
    pods = by_creation(_pods_below(view, view.replica_sets.owned_by(deployment.metadata.uid)))
    return Workload(
        view.link.cluster_id,
        ObservedKind.DEPLOYMENT,
        deployment.metadata,
        Replicas(
            spec.replicas, status.replicas, status.ready_replicas, status.updated_replicas, status.available_replicas
        ),
        _images(spec.template),
        judge_deployment(deployment, pods, now),
    )


def _replica_set(view: ClusterView, replica_set: ReplicaSet, now: datetime) -> Workload:
    spec, status = replica_set.spec, replica_set.status
    pods = by_creation(view.pods.owned_by(replica_set.metadata.uid))
    return Workload(
        view.link.cluster_id,
        ObservedKind.REPLICA_SET,
        replica_set.metadata,
        Replicas(spec.replicas, status.replicas, status.ready_replicas, status.replicas, status.available_replicas),
        _images(spec.template),
        judge_replica_set(replica_set, pods, now),
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


def _stateful_set(view: ClusterView, stateful_set: StatefulSet, now: datetime) -> Workload:
    spec, status = stateful_set.spec, stateful_set.status
    pods = by_creation(view.pods.owned_by(stateful_set.metadata.uid))
    return Workload(
        view.link.cluster_id,
        ObservedKind.STATEFUL_SET,
        stateful_set.metadata,
        Replicas(
            spec.replicas, status.replicas, status.ready_replicas, status.updated_replicas, status.available_replicas
        ),
        _images(spec.template),
        judge_stateful_set(stateful_set, pods, now),
    )


def _daemon_set(view: ClusterView, daemon_set: DaemonSet, now: datetime) -> Workload:
    status = daemon_set.status
    pods = by_creation(view.pods.owned_by(daemon_set.metadata.uid))
    return Workload(
        view.link.cluster_id,
        ObservedKind.DAEMON_SET,
        daemon_set.metadata,
        Replicas(
            status.desired_number_scheduled,
            status.current_number_scheduled,
            status.number_ready,
            status.updated_number_scheduled,
            status.number_available,
        ),
        _images(daemon_set.spec.template),
        judge_daemon_set(daemon_set, pods, now),
    )


def _job(view: ClusterView, job: Job, now: datetime) -> Workload:
    """Of a job, wanted are the runs that must succeed. Its pods that have ended are not there any more, whichever way they did."""
    spec, status = job.spec, job.status
    pods = by_creation(view.pods.owned_by(job.metadata.uid))
    return Workload(
        view.link.cluster_id,
        ObservedKind.JOB,
        job.metadata,
        Replicas(spec.completions or 1, status.active, status.ready, status.active, status.ready),
        _images(spec.template),
        judge_job(job, pods, now),
    )


def _cron_job(view: ClusterView, cron_job: CronJob, now: datetime) -> Workload:
    jobs = runs_of(view, cron_job.metadata.uid)
    active = len(cron_job.status.active)
    ready = sum(job.status.ready for job in jobs)
    verdict = judge_cron_job(cron_job, [(job, by_creation(view.pods.owned_by(job.metadata.uid))) for job in jobs], now)
    return Workload(
        view.link.cluster_id,
        ObservedKind.CRON_JOB,
        cron_job.metadata,
        Replicas(active, active, ready, active, ready),
        _images(cron_job.spec.job_template.spec.template),
        verdict,
    )


def _other(view: ClusterView, uid: str, now: datetime) -> Workload | None:
    """What makes pods and is of a kind that nobody here knows, such as an Argo Rollout: seen by what it has made."""
    made = [item for kind in _PARTS for item in view.by_kind[kind].owned_by(uid)]
    owner = _owner(made[0].metadata) if made else None
    if owner is None or owner.kind in _LOOKS:
        return None
    pods = by_creation(_pods_of_other(view, uid))
    first = made[0].metadata
    verdicts = [judge_pod(pod, now) for pod in pods]
    ready = sum(pod_ready(pod) for pod in pods)
    return Workload(
        view.link.cluster_id,
        ObservedKind.OTHER,
        Meta(
            name=owner.name,
            uid=uid,
            namespace=first.namespace,
            creation_timestamp=min(item.metadata.creation_timestamp for item in made),
            labels={key: first.labels[key] for key in (APPLICATION_LABEL,) if key in first.labels},
        ),
        Replicas(len(pods), len(pods), ready, len(pods), ready),
        tuple(dict.fromkeys(container.image for pod in pods for container in pod.spec.containers)),
        min(
            verdicts,
            key=lambda one: rank(one.status),
            default=Verdict(Health.SUSPENDED, f"The {owner.kind} runs no pod."),
        ),
    )


def _pods_of_other(view: ClusterView, uid: str) -> list[Pod]:
    below: list[Observed] = [*view.replica_sets.owned_by(uid), *view.jobs.owned_by(uid)]
    return [*view.pods.owned_by(uid), *_pods_below(view, below)]


def runs_of(view: ClusterView, uid: str) -> list[Job]:
    """The jobs that a CronJob has made and that are still there, newest last."""
    return sorted(view.jobs.owned_by(uid), key=lambda job: (job.metadata.creation_timestamp, job.metadata.name))


_LOOKS: dict[str, Callable[[ClusterView, Any, datetime], Workload]] = {
    DEPLOYMENTS.kind: _deployment,
    STATEFUL_SETS.kind: _stateful_set,
    DAEMON_SETS.kind: _daemon_set,
    CRON_JOBS.kind: _cron_job,
    JOBS.kind: _job,
    REPLICA_SETS.kind: _replica_set,
    PODS.kind: _pod,
}

_PARTS = (REPLICA_SETS.kind, JOBS.kind, PODS.kind)
"""Kinds that are workloads of their own only where nothing controls them."""

MAKERS = frozenset(_LOOKS) - {PODS.kind}
"""Kinds that make pods, or what makes them."""
