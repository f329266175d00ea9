"""How a ReplicaSet that stands alone is doing; one that a Deployment owns is part of that."""

from collections.abc import Iterable
from datetime import datetime

from nexus_gql.live.objects import Pod, ReplicaSet

from .pods import condition, judged, of_pods
from .verdict import Health, Verdict


def judge_replica_set(replica_set: ReplicaSet, pods: Iterable[Pod], now: datetime) -> Verdict:
    """The verdict on a ReplicaSet at an instant."""
    spec, status = replica_set.spec, replica_set.status
    if replica_set.metadata.deletion_timestamp is not None:
        return Verdict(Health.PROGRESSING, "It is being taken off the cluster.", "Terminating")
    if spec.replicas == 0:
        return Verdict(Health.SUSPENDED, "It is scaled to zero: nothing runs, as asked.", "ScaledToZero")
    failure = condition(status.conditions, "ReplicaFailure")
    if failure is not None and failure.status == "True":
        message = f"Kubernetes refuses to make its pods: {failure.message}"
        return Verdict(Health.DEGRADED, message, failure.reason, failure.last_transition_time)
    enough = status.available_replicas >= spec.replicas
    if (trouble := of_pods(judged(pods, now), enough=enough)) is not None:
        return trouble
    if not enough:
        message = f"{status.available_replicas} of {spec.replicas} pods are ready."
        return Verdict(Health.PROGRESSING, message, "MinimumReplicasUnavailable")
    return Verdict(
        Health.HEALTHY, "The pod is ready." if spec.replicas == 1 else f"All {spec.replicas} pods are ready."
    )
