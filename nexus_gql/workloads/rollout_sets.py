"""How far the rollout of a StatefulSet or a DaemonSet is. Kubernetes gives them no deadline: whoever follows them has one."""

from collections.abc import Sequence
from datetime import datetime

from nexus_gql.live import DaemonSet, Pod, StatefulSet

from .rollout import WAITING, Progress, of_pods

_REVISION = "controller-revision-hash"


def assess_stateful_set(stateful_set: StatefulSet, pods: Sequence[Pod], *, generation: int, now: datetime) -> Progress:
    """How far the rollout of one generation of a StatefulSet is."""
    spec, status = stateful_set.spec, stateful_set.status
    if stateful_set.metadata.generation < generation or status.observed_generation < generation:
        return WAITING
    if spec.replicas == 0:
        left = status.replicas
        message = f"{left} pods are still to end." if left else "Scaled to zero."
        return Progress(left == 0, 1.0 if not left else 0.5, message)
    # Once all pods are of the update revision it becomes the current one, and the count of updated pods is not kept up.
    updated = spec.replicas if status.current_revision == status.update_revision else status.updated_replicas
    ready = min(updated, status.available_replicas, spec.replicas)
    if ready >= spec.replicas and status.replicas == spec.replicas:
        message = "The pod is ready." if spec.replicas == 1 else f"All {spec.replicas} pods are ready."
        return Progress(True, 1.0, message)
    new = [
        pod
        for pod in pods
        if pod.metadata.deletion_timestamp is None and pod.metadata.labels.get(_REVISION) == status.update_revision
    ]
    share, trouble = ready / spec.replicas, of_pods(new, now)
    if trouble is not None:
        return Progress(False, share, trouble.message, trouble)
    return Progress(False, share, f"{ready} of {spec.replicas} pods are of the new version and ready.")


def assess_daemon_set(daemon_set: DaemonSet, pods: Sequence[Pod], *, generation: int, now: datetime) -> Progress:
    """How far the rollout of one generation of a DaemonSet is."""
    status = daemon_set.status
    if daemon_set.metadata.generation < generation or status.observed_generation < generation:
        return WAITING
    wanted = status.desired_number_scheduled
    if wanted == 0:
        return Progress(True, 1.0, "No node is meant to run it: none fits its nodeSelector and tolerations.")
    ready = min(status.updated_number_scheduled, status.number_available, wanted)
    if ready >= wanted:
        return Progress(True, 1.0, f"It is ready on {'the node' if wanted == 1 else f'all {wanted} nodes'}.")
    trouble = of_pods([pod for pod in pods if pod.metadata.deletion_timestamp is None], now)
    if trouble is not None:
        return Progress(False, ready / wanted, trouble.message, trouble)
    return Progress(False, ready / wanted, f"It is ready on {ready} of {wanted} nodes.")
