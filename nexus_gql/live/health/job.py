"""How a Job is doing, from the Job and its pods."""

from collections.abc import Iterable
from datetime import datetime

from nexus_gql.live.objects import Job, Pod

from .pods import condition, judged
from .verdict import Health, Verdict

_FAILED = {
    "BackoffLimitExceeded": "It has failed, each time that it was tried.",
    "DeadlineExceeded": "It was ended because its time limit (job.timeLimit) was up.",
    "PodFailurePolicy": "It has failed in a way for which it is not tried again.",
}


def judge_job(job: Job, pods: Iterable[Pod], now: datetime) -> Verdict:
    """The verdict on a Job at an instant."""
    status = job.status
    if job.metadata.deletion_timestamp is not None:
        return Verdict(Health.PROGRESSING, "It is being taken off the cluster.", "Terminating")
    failed = condition(status.conditions, "Failed")
    if failed is not None and failed.status == "True":
        message = _FAILED.get(failed.reason, f"It has failed: {failed.message}")
        return Verdict(Health.DEGRADED, _with_last(message, pods, now), failed.reason, failed.last_transition_time)
    complete = condition(status.conditions, "Complete")
    if complete is not None and complete.status == "True":
        return Verdict(Health.HEALTHY, "It has run to its end.", "Completed", status.completion_time)
    if job.spec.suspend:
        return Verdict(Health.SUSPENDED, "It is suspended: nothing runs.", "Suspended")
    stuck = [verdict for pod, verdict in judged(pods, now) if _stuck(pod, verdict)]
    if stuck:
        return Verdict(Health.DEGRADED, stuck[0].message, stuck[0].reason, stuck[0].since)
    wanted = job.spec.completions or 1
    if status.failed:
        times = "once" if status.failed == 1 else f"{status.failed} times"
        return Verdict(
            Health.PROGRESSING, _with_last(f"It has failed {times} and is tried again.", pods, now), "Retrying"
        )
    if wanted > 1:
        return Verdict(Health.PROGRESSING, f"{status.succeeded} of {wanted} runs have succeeded.", "Running")
    started = bool(status.ready)
    return Verdict(Health.PROGRESSING, "It runs." if started else "It starts.", "Running" if started else "Starting")


def ended_well(job: Job) -> bool:
    """Whether it has run to its end and succeeded."""
    complete = condition(job.status.conditions, "Complete")
    return complete is not None and complete.status == "True"


def over(job: Job) -> bool:
    """Whether it has ended, one way or the other."""
    failed = condition(job.status.conditions, "Failed")
    return ended_well(job) or (failed is not None and failed.status == "True")


def _stuck(pod: Pod, verdict: Verdict) -> bool:
    """Whether a pod cannot even start; one that has failed is tried again, which is the job's own affair."""
    return verdict.status is Health.DEGRADED and pod.status.phase == "Pending"


def _with_last(message: str, pods: Iterable[Pod], now: datetime) -> str:
    bad = [verdict for pod, verdict in judged(pods, now) if verdict.status is Health.DEGRADED]
    return f"{message} {bad[-1].message}" if bad else message
