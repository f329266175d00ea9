"""How a Deployment is doing, from the Deployment and its pods."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from nexus_gql.live.objects import Deployment, Pod

from .pods import condition, judged, of_pods
from .verdict import Health, Verdict


def judge_deployment(deployment: Deployment, pods: Iterable[Pod], now: datetime) -> Verdict:
    """The verdict on a Deployment at an instant. `pods`: those of all its ReplicaSets."""
    spec, status = deployment.spec, deployment.status
    if deployment.metadata.deletion_timestamp is not None:
        return Verdict(Health.PROGRESSING, "It is being taken off the cluster.", "Terminating")
    if status.observed_generation < deployment.metadata.generation:
        return Verdict(Health.PROGRESSING, "Kubernetes has not taken up the latest change yet.", "Waiting")
    if spec.paused:
        return Verdict(Health.SUSPENDED, "Its rollout is paused.", "DeploymentPaused")
    if spec.replicas == 0:
        return Verdict(Health.SUSPENDED, "It is scaled to zero: nothing runs, as asked.", "ScaledToZero")
    if (trouble := _trouble(deployment, judged(pods, now))) is not None:
        return trouble
    if status.updated_replicas < spec.replicas:
        message = f"{status.updated_replicas} of {spec.replicas} new pods are made."
        return Verdict(Health.PROGRESSING, message, "ReplicaSetUpdated", _since(deployment))
    if status.replicas > status.updated_replicas:
        left = status.replicas - status.updated_replicas
        message = f"{status.updated_replicas} new pods are there; {left} of the old {'is' if left == 1 else 'are'} still to end."
        return Verdict(Health.PROGRESSING, message, "ReplicaSetUpdated", _since(deployment))
    if status.available_replicas < spec.replicas:
        message = f"{status.available_replicas} of {spec.replicas} pods are ready."
        return Verdict(Health.PROGRESSING, message, "MinimumReplicasUnavailable", _since(deployment))
    message = "The pod is ready." if spec.replicas == 1 else f"All {spec.replicas} pods are ready."
    return Verdict(Health.HEALTHY, message, None, _since(deployment))


def _trouble(deployment: Deployment, pods: Sequence[tuple[Pod, Verdict]]) -> Verdict | None:
    spec, status = deployment.spec, deployment.status
    failure = condition(deployment.status.conditions, "ReplicaFailure")
    if failure is not None and failure.status == "True":
        message = f"Kubernetes refuses to make its pods: {failure.message}"
        return Verdict(Health.DEGRADED, message, failure.reason, failure.last_transition_time)
    if (trouble := of_pods(pods, enough=status.available_replicas >= spec.replicas)) is not None:
        return trouble
    progressing = condition(deployment.status.conditions, "Progressing")
    if progressing is not None and progressing.reason == "ProgressDeadlineExceeded":
        left = [verdict.message for _, verdict in pods if verdict.status is not Health.HEALTHY]
        message = (
            f"It has not come up within {deployment.spec.progress_deadline_seconds} seconds. {left[0] if left else ''}"
        )
        return Verdict(Health.DEGRADED, message.strip(), progressing.reason, progressing.last_update_time)
    return None


def _since(deployment: Deployment) -> str | None:
    available = condition(deployment.status.conditions, "Available")
    return None if available is None else available.last_transition_time
