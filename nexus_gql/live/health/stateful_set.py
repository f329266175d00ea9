"""How a StatefulSet is doing, from the StatefulSet and its pods."""

from collections.abc import Iterable
from datetime import datetime

from nexus_gql.live.objects import Pod, StatefulSet

from .pods import judged, of_pods
from .verdict import Health, Verdict


def judge_stateful_set(stateful_set: StatefulSet, pods: Iterable[Pod], now: datetime) -> Verdict:
    """The verdict on a StatefulSet at an instant."""
    spec, status = stateful_set.spec, stateful_set.status
    if stateful_set.metadata.deletion_timestamp is not None:
        return Verdict(Health.PROGRESSING, "It is being taken off the cluster.", "Terminating")
    if status.observed_generation < stateful_set.metadata.generation:
        return Verdict(Health.PROGRESSING, "Kubernetes has not taken up the latest change yet.", "Waiting")
    if spec.replicas == 0:
        return Verdict(Health.SUSPENDED, "It is scaled to zero: nothing runs, as asked.", "ScaledToZero")
    # Its pods come one after the other: one that crashes keeps all that follow from being made.
    enough = status.available_replicas >= spec.replicas
    if (trouble := of_pods(judged(pods, now), enough=enough)) is not None:
        return trouble
    updating = bool(status.update_revision) and status.current_revision != status.update_revision
    if updating and status.updated_replicas < spec.replicas:
        message = f"{status.updated_replicas} of {spec.replicas} pods are of the new version."
        return Verdict(Health.PROGRESSING, message, "RollingUpdate")
    if status.available_replicas < spec.replicas:
        message = f"{status.available_replicas} of {spec.replicas} pods are ready; they start one after the other."
        return Verdict(Health.PROGRESSING, message, "MinimumReplicasUnavailable")
    if status.replicas > spec.replicas:
        return Verdict(Health.PROGRESSING, f"{status.replicas - spec.replicas} pods are still to end.", "ScalingDown")
    return Verdict(
        Health.HEALTHY, "The pod is ready." if spec.replicas == 1 else f"All {spec.replicas} pods are ready."
    )
