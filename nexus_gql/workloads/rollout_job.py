"""How far a job is: its rollout is its run."""

from collections.abc import Sequence
from datetime import datetime

from nexus_gql.live import Health, Job, Pod, judge_job, judge_pod

from .rollout import Progress, Trouble, of_pods


def assess_job(job: Job, pods: Sequence[Pod], *, now: datetime) -> Progress:
    """How far a job is. A pod that fails is tried again, which is the job's own affair; one that cannot start is not."""
    verdict = judge_job(job, pods, now)
    share = min(1.0, job.status.succeeded / (job.spec.completions or 1))
    if verdict.reason == "Completed":
        return Progress(True, 1.0, verdict.message)
    if verdict.status is Health.SUSPENDED:
        return Progress(True, share, verdict.message)
    ended = any(one.type == "Failed" and one.status == "True" for one in job.status.conditions)
    if ended:
        failed = [pod for pod in pods if judge_pod(pod, now).status is Health.DEGRADED]
        trouble = Trouble(verdict.reason or "Failed", verdict.message, failed[-1] if failed else None, 0.0)
        return Progress(False, share, verdict.message, trouble)
    stuck = of_pods([pod for pod in pods if pod.status.phase == "Pending"], now)
    return Progress(False, share, verdict.message if stuck is None else stuck.message, stuck)
