"""What workloads have in common: the trouble of their pods, in words."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from nexus_gql.live.objects import Condition, Pod

from .pod import judge_pod
from .verdict import Health, Verdict


def judged(pods: Iterable[Pod], now: datetime) -> list[tuple[Pod, Verdict]]:
    """The pods that are meant to stay, each with its verdict."""
    return [(pod, judge_pod(pod, now)) for pod in pods if pod.metadata.deletion_timestamp is None]


def of_pods(pods: Sequence[tuple[Pod, Verdict]], *, enough: bool) -> Verdict | None:
    """The verdict on a workload of which some pods are in trouble; None where none is. `enough`: as many as wanted are there."""
    if enough:
        # A pod that has failed for good (evicted, refused by its node) stays until somebody deletes it, long after another
        # took its place.
        pods = [(pod, verdict) for pod, verdict in pods if pod.status.phase != "Failed"]
    bad = [(pod, verdict) for pod, verdict in pods if verdict.status is Health.DEGRADED]
    if not bad:
        return None
    pod, verdict = bad[0]
    recheck = min((verdict.recheck for _, verdict in bad if verdict.recheck is not None), default=None)
    how_many = (
        ""
        if len(pods) == 1
        else f"{len(bad)} of {len(pods)} pods {'is' if len(bad) == 1 else 'are'} in trouble; {pod.metadata.name}: "
    )
    return Verdict(Health.DEGRADED, how_many + verdict.message, verdict.reason, verdict.since, recheck)


def condition(conditions: Iterable[Condition], kind: str) -> Condition | None:
    """The condition of one type."""
    return next((one for one in conditions if one.type == kind), None)
