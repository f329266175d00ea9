"""A rollout as a cluster's view shows it, whichever kind of workload it is of."""

from datetime import datetime

from nexus_gql.live import ClusterView, Pod, by_creation

from .rollout import Progress, assess
from .rollout_job import assess_job
from .rollout_sets import assess_daemon_set, assess_stateful_set


def sighted(view: ClusterView, kind: str, uid: str, generation: int, now: datetime) -> Progress | None:
    """How far the rollout of one generation of a workload is; None where the workload is not there."""
    item = view.by_kind[kind].get(uid)
    if item is None:
        return None
    pods = pods_made(view, kind, uid)
    if kind == "Deployment":
        return assess(item, view.replica_sets.owned_by(uid), pods, generation=generation, now=now)
    if kind == "StatefulSet":
        return assess_stateful_set(item, pods, generation=generation, now=now)
    if kind == "DaemonSet":
        return assess_daemon_set(item, pods, generation=generation, now=now)
    if kind == "Job":
        return assess_job(item, pods, now=now)
    return Progress(True, 1.0, "It waits for its time.")


def pods_made(view: ClusterView, kind: str, uid: str) -> list[Pod]:
    """The pods of a workload, newest last."""
    if kind != "Deployment":
        return by_creation(view.pods.owned_by(uid))
    sets = view.replica_sets.owned_by(uid)
    return by_creation(pod for owned in sets for pod in view.pods.owned_by(owned.metadata.uid))
