"""How a CronJob is doing, from the CronJob and the jobs that it has made."""

from collections.abc import Sequence
from datetime import datetime

from nexus_gql.live.objects import CronJob, Job, Pod

from .job import judge_job, over
from .verdict import Health, Verdict


def judge_cron_job(cron_job: CronJob, jobs: Sequence[tuple[Job, Sequence[Pod]]], now: datetime) -> Verdict:
    """The verdict on a CronJob at an instant. `jobs`: those it made that are still there, newest last, each with its pods."""
    if cron_job.metadata.deletion_timestamp is not None:
        return Verdict(Health.PROGRESSING, "It is being taken off the cluster.", "Terminating")
    ended = [(job, pods) for job, pods in jobs if over(job)]
    verdicts = [judge_job(job, pods, now) for job, pods in ended[-1:]]
    if verdicts and verdicts[0].status is Health.DEGRADED:
        last = verdicts[0]
        return Verdict(Health.DEGRADED, f"The last run failed. {last.message}", last.reason, last.since)
    running = [judge_job(job, pods, now) for job, pods in jobs if not over(job)]
    stuck = next((verdict for verdict in running if verdict.status is Health.DEGRADED), None)
    if stuck is not None:
        return Verdict(
            Health.DEGRADED, f"The run that is under way cannot start. {stuck.message}", stuck.reason, stuck.since
        )
    if cron_job.spec.suspend:
        return Verdict(Health.SUSPENDED, "Its schedule is suspended: nothing is run.", "Suspended")
    if running:
        return Verdict(Health.HEALTHY, "A run is under way.", "Running")
    if verdicts:
        return Verdict(Health.HEALTHY, "The last run succeeded; it waits for the next.", "Scheduled", verdicts[0].since)
    if cron_job.status.last_schedule_time:
        return Verdict(Health.HEALTHY, "It waits for its next run.", "Scheduled", cron_job.status.last_schedule_time)
    return Verdict(Health.HEALTHY, "It has not run yet and waits for its time.", "Scheduled")
