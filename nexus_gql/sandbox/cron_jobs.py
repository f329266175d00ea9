"""CronJobs: a job whenever the schedule says so."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from nexus_gql.sandbox import cron
from nexus_gql.sandbox.events import Source
from nexus_gql.sandbox.objects import (
    Key,
    filled,
    find_condition,
    is_deleting,
    key_of,
    owner_reference,
    seconds_of,
    stamp_of,
    status_of,
    uid_of,
    with_status,
)
from nexus_gql.sandbox.store import Object, Refusal
from nexus_gql.sandbox.world import Touched, World, its_controller, itself

_SOURCE = Source("cronjob-controller")
_SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"
_TOO_MANY = 100


class CronJobs:
    """The controller."""

    name = "cronjob-controller"

    def __init__(self, world: World) -> None:
        self._world = world
        self.watches: Mapping[str, Touched] = {"CronJob": itself, "Job": its_controller("CronJob")}

    def reconcile(self, key: Key) -> float | None:
        """See what came to its end, start what is due; seconds until the next time."""
        cron_job = self._world.store.get("CronJob", *key)
        if cron_job is None or is_deleting(cron_job):
            return None
        cron_job = self._settle(cron_job)
        if cron_job["spec"].get("suspend"):
            return None
        try:
            due, following = self._times(cron_job)
        except (ValueError, KeyError) as error:
            self._world.events.warning(cron_job, _SOURCE, "UnparseableSchedule", f"unparseable schedule: {error}")
            return None
        if due is not None:
            self._start(cron_job, due)
        return None if following is None else following.timestamp() - self._world.now()

    def _times(self, cron_job: Object) -> tuple[datetime | None, datetime | None]:
        """The last time that was missed, and the next one to come."""
        spec = cron_job["spec"]
        zone = ZoneInfo(spec["timeZone"]) if spec.get("timeZone") else UTC
        schedule, now = cron.parse(spec["schedule"]), datetime.fromtimestamp(self._world.now(), UTC)
        since = status_of(cron_job).get("lastScheduleTime") or cron_job["metadata"]["creationTimestamp"]
        earliest = datetime.fromisoformat(since)
        if limit := spec.get("startingDeadlineSeconds"):
            earliest = max(earliest, now - timedelta(seconds=limit))
        due, missed = None, 0
        moment = schedule.after(earliest.astimezone(zone))
        while moment is not None and moment <= now:
            due, moment, missed = moment, schedule.after(moment), missed + 1
            if missed > _TOO_MANY:
                # After a long pause the exact last time does not matter: the one before now is found from a day back.
                moment = schedule.after((now - timedelta(hours=1)).astimezone(zone))
                missed = -10_000
        return due, moment

    def _start(self, cron_job: Object, due: datetime) -> None:
        store, events = self._world.store, self._world.events
        namespace, name = key_of(cron_job)
        active = status_of(cron_job).get("active") or []
        policy = cron_job["spec"].get("concurrencyPolicy", "Allow")
        if active and policy == "Forbid":
            words = "Not starting job because prior execution is running and concurrency policy is Forbid"
            events.normal(cron_job, _SOURCE, "JobAlreadyActive", words)
            return
        if policy == "Replace":
            for reference in active:
                store.delete("Job", namespace, reference["name"])
                events.normal(cron_job, _SOURCE, "SuccessfulDelete", f"Deleted job {reference['name']}")
        stamp = stamp_of(due.timestamp())
        job_name = f"{name}-{int(due.timestamp()) // 60}"
        try:
            job = store.create("Job", namespace, _job(cron_job, job_name, stamp))
        except Refusal as refusal:
            if refusal.reason != "AlreadyExists":
                events.warning(cron_job, _SOURCE, "FailedCreate", f"Error creating job: {refusal.message}")
                raise
        else:
            events.normal(cron_job, _SOURCE, "SuccessfulCreate", f"Created job {job['metadata']['name']}")
        self._settle(cron_job, scheduled=stamp)

    def _settle(self, cron_job: Object, scheduled: str | None = None) -> Object:
        """Note the jobs that run and those that came to their end, and delete the oldest beyond the limits."""
        jobs = self._world.index.owned(uid_of(cron_job), "Job")
        before = status_of(cron_job)
        running = [job for job in jobs if _end_of(job) is None]
        known = {reference["uid"] for reference in before.get("active") or ()}
        for job in jobs:
            if uid_of(job) in known and (end := _end_of(job)):
                words = f"Saw completed job: {job['metadata']['name']}, condition: {end[0]}"
                self._world.events.normal(cron_job, _SOURCE, "SawCompletedJob", words)
        won = [end[1] for job in jobs if (end := _end_of(job)) and end[0] == "Complete"]
        status = filled(
            active=[_reference(job) for job in running],
            lastScheduleTime=scheduled or before.get("lastScheduleTime"),
            lastSuccessfulTime=max([*won, before.get("lastSuccessfulTime") or ""]),
        )
        if _essence(status) != _essence(before):
            changed = with_status(self._world.store.get("CronJob", *key_of(cron_job)) or cron_job, status)
            cron_job = self._world.store.update("CronJob", changed, subresource="status")
        self._clean_up(cron_job, jobs)
        return cron_job

    def _clean_up(self, cron_job: Object, jobs: list[Object]) -> None:
        spec = cron_job["spec"]
        limits = {
            "Complete": spec.get("successfulJobsHistoryLimit", 3),
            "Failed": spec.get("failedJobsHistoryLimit", 1),
        }
        for end, limit in limits.items():
            over = [job for job in jobs if (found := _end_of(job)) and found[0] == end and not is_deleting(job)]
            over.sort(key=lambda job: seconds_of(status_of(job).get("startTime")))
            for job in over[: max(len(over) - limit, 0)]:
                self._world.store.delete("Job", *key_of(job))
                self._world.events.normal(
                    cron_job, _SOURCE, "SuccessfulDelete", f"Deleted job {job['metadata']['name']}"
                )


def _job(cron_job: Object, name: str, stamp: str) -> Object:
    template = cron_job["spec"]["jobTemplate"]
    declared = template.get("metadata") or {}
    metadata = {
        "name": name,
        "annotations": {**(declared.get("annotations") or {}), _SCHEDULED: stamp},
        "ownerReferences": [owner_reference(cron_job)],
        **filled(labels=declared.get("labels")),
    }
    return {"metadata": metadata, "spec": template["spec"]}


def _end_of(job: Object) -> tuple[str, str] | None:
    """How a job ended, and when."""
    for type_ in ("Complete", "Failed"):
        found = find_condition(status_of(job).get("conditions") or (), type_)
        if found is not None and found["status"] == "True":
            return type_, found["lastTransitionTime"]
    return None


def _reference(job: Object) -> Object:
    metadata = job["metadata"]
    named = {"name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"]}
    return {"kind": "Job", "apiVersion": "batch/v1", **named, "resourceVersion": metadata["resourceVersion"]}


def _essence(status: Object) -> Object:
    """A job's newer version is no reason to write."""
    return {**status, "active": [reference["uid"] for reference in status.get("active") or ()]}
