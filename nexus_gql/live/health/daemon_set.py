"""How a DaemonSet is doing, from the DaemonSet and its pods."""

from collections.abc import Iterable
from datetime import datetime

from nexus_gql.live.objects import DaemonSet, Pod

from .pods import judged, of_pods
from .verdict import Health, Verdict


def judge_daemon_set(daemon_set: DaemonSet, pods: Iterable[Pod], now: datetime) -> Verdict:
    """The verdict on a DaemonSet at an instant."""
    status = daemon_set.status
    wanted = status.desired_number_scheduled
    if daemon_set.metadata.deletion_timestamp is not None:
        return Verdict(Health.PROGRESSING, "It is being taken off the cluster.", "Terminating")
    if status.observed_generation < daemon_set.metadata.generation:
        return Verdict(Health.PROGRESSING, "Kubernetes has not taken up the latest change yet.", "Waiting")
    if (trouble := of_pods(judged(pods, now), enough=status.number_available >= wanted)) is not None:
        return trouble
    if wanted == 0:
        return Verdict(
            Health.HEALTHY, "No node is meant to run it: none fits its nodeSelector and tolerations.", "NoNodes"
        )
    if status.updated_number_scheduled < wanted:
        message = f"{status.updated_number_scheduled} of {wanted} nodes have the new version."
        return Verdict(Health.PROGRESSING, message, "RollingUpdate")
    if status.number_available < wanted:
        message = f"It is ready on {status.number_available} of {wanted} nodes."
        return Verdict(Health.PROGRESSING, message, "MinimumReplicasUnavailable")
    return Verdict(Health.HEALTHY, f"It is ready on {'the node' if wanted == 1 else f'all {wanted} nodes'}.")
