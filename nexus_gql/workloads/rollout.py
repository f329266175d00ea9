"""How far a rollout is, from the Deployment and its pods: pure, so that every way it can go is a table of cases."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from nexus_gql.live import Deployment, Health, Pod, ReplicaSet, Verdict, judge_pod

_REVISION = "deployment.kubernetes.io/revision"

# How long (seconds) a trouble may stand before the rollout has failed. A registry, a quota or an admission webhook may get over
# it; a name that is no name will not. What is not here waits for Kubernetes' own deadline (`rollout.deadline`), since it may
# mend itself: a node that the autoscaler adds, a probe that succeeds late.
_FATAL_AFTER = {
    "InvalidImageName": 0.0,
    "ErrImageNeverPull": 0.0,
    "ImagePullBackOff": 5.0,
    "CreateContainerConfigError": 20.0,
    "CreateContainerError": 20.0,
    "RunContainerError": 20.0,
    "StartError": 20.0,
    "FailedCreate": 20.0,
    "Evicted": 60.0,
}
# A container that came to an end this often does not come up by being started once more.
_ENDS = 2


@dataclass(frozen=True, slots=True)
class Trouble:
    """What keeps a rollout from ending: in words, and the pod at fault where there is one.

    `fatal_after`: seconds for which it may stand; None: until Kubernetes' own deadline.
    """

    reason: str
    message: str
    pod: Pod | None
    fatal_after: float | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a rollout is."""

    done: bool
    share: float
    message: str
    trouble: Trouble | None = None


WAITING = Progress(False, 0.0, "Kubernetes has not taken it up yet.")


def assess(
    deployment: Deployment,
    replica_sets: Iterable[ReplicaSet],
    pods: Iterable[Pod],
    *,
    generation: int,
    now: datetime,
) -> Progress:
    """How far the rollout of one generation of a Deployment is. `pods`: all of the Deployment's."""
    spec, status = deployment.spec, deployment.status
    if deployment.metadata.generation < generation or status.observed_generation < generation:
        return WAITING
    if spec.replicas == 0:
        left = status.replicas
        return Progress(
            left == 0, 1.0 if not left else 0.5, f"{left} pods are still to end." if left else "Scaled to zero."
        )
    ready = min(status.updated_replicas, status.available_replicas, spec.replicas)
    share = ready / spec.replicas
    new = _new_pods(deployment, replica_sets, pods)
    if (
        status.updated_replicas >= spec.replicas
        and ready >= spec.replicas
        and status.replicas == status.updated_replicas
    ):
        message = "The pod is ready." if spec.replicas == 1 else f"All {spec.replicas} pods are ready."
        return Progress(True, 1.0, message)
    trouble = _trouble(deployment, new, now)
    if trouble is not None:
        return Progress(False, share, trouble.message, trouble)
    if ready < spec.replicas:
        return Progress(False, share, f"{ready} of {spec.replicas} pods are ready.")
    return Progress(False, share, f"{status.replicas - status.updated_replicas} of the old pods are still to end.")


def too_late(progress: Progress, deadline: float) -> Trouble:
    """The trouble of a rollout that has made no progress for too long."""
    message = f"It has made no progress within {deadline:.0f} seconds. {progress.message}"
    known = progress.trouble
    return Trouble(
        "ProgressDeadlineExceeded" if known is None else known.reason,
        message,
        None if known is None else known.pod,
        0.0,
    )


def _new_pods(deployment: Deployment, replica_sets: Iterable[ReplicaSet], pods: Iterable[Pod]) -> list[Pod]:
    """The pods of the newest version: those of before may be in any trouble, it is none of this rollout."""
    newest = deployment.metadata.annotations.get(_REVISION)
    current = {
        one.metadata.uid
        for one in replica_sets
        if one.metadata.annotations.get(_REVISION) == newest
        and any(owner.uid == deployment.metadata.uid for owner in one.metadata.owner_references)
    }
    return [
        pod
        for pod in pods
        if pod.metadata.deletion_timestamp is None
        and any(owner.uid in current for owner in pod.metadata.owner_references)
    ]


def _trouble(deployment: Deployment, new: Sequence[Pod], now: datetime) -> Trouble | None:
    conditions = {condition.type: condition for condition in deployment.status.conditions}
    bad = [(pod, verdict) for pod in new if (verdict := judge_pod(pod, now)).status is Health.DEGRADED]
    progressing = conditions.get("Progressing")
    if progressing is not None and progressing.reason == "ProgressDeadlineExceeded":
        return _too_late(deployment, new, bad, now)
    failure = conditions.get("ReplicaFailure")
    if failure is not None and failure.status == "True":
        message = f"Kubernetes refuses to make its pods: {failure.message}"
        return Trouble(failure.reason, message, None, _FATAL_AFTER["FailedCreate"])
    return of_pods(new, now)


def of_pods(new: Sequence[Pod], now: datetime) -> Trouble | None:
    """What keeps the pods of a new version from coming up."""
    bad = [(pod, verdict) for pod in new if (verdict := judge_pod(pod, now)).status is Health.DEGRADED]
    if not bad:
        return None
    pod, verdict = bad[0]
    reason = verdict.reason or "Error"
    if _ends(pod) >= _ENDS:
        return Trouble(reason, verdict.message, pod, 0.0)
    return Trouble(reason, verdict.message, pod, _FATAL_AFTER.get(reason))


def _too_late(deployment: Deployment, new: Sequence[Pod], bad: Sequence[tuple[Pod, Verdict]], now: datetime) -> Trouble:
    waiting = bad or [(pod, verdict) for pod in new if (verdict := judge_pod(pod, now)).status is not Health.HEALTHY]
    message = f"It has not come up within {deployment.spec.progress_deadline_seconds} seconds."
    if not waiting:
        return Trouble("ProgressDeadlineExceeded", message, None, 0.0)
    pod, verdict = waiting[0]
    reason = verdict.reason if bad else None
    return Trouble(reason or "ProgressDeadlineExceeded", f"{message} {verdict.message}", pod, 0.0)


def _ends(pod: Pod) -> int:
    """How often a container of the pod was started again after its end: a bad one, or for what should go on, any."""
    counts = [0]
    for status in pod.status.init_container_statuses:
        end = status.last_state.terminated or status.state.terminated
        if end is not None and (end.exit_code or end.signal):
            counts.append(status.restart_count)
    counts += [
        status.restart_count
        for status in pod.status.container_statuses
        if status.last_state.terminated or status.state.terminated
    ]
    return max(counts)
