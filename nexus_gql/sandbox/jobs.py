"""Jobs: pods until enough have succeeded, or too many failed, or it takes too long."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nexus_gql.sandbox.events import Source
from nexus_gql.sandbox.objects import (
    ENDED,
    Key,
    annotations_of,
    filled,
    find_condition,
    is_active,
    is_deleting,
    is_ready,
    phase_of,
    seconds_of,
    stamp_of,
    status_of,
    uid_of,
    with_metadata,
    with_status,
)
from nexus_gql.sandbox.store import Object, Refusal
from nexus_gql.sandbox.templates import pod_from
from nexus_gql.sandbox.world import Touched, World, its_controller, itself

_SOURCE = Source("job-controller")
_TRACKED = "batch.kubernetes.io/job-tracking"
_INDEX = "batch.kubernetes.io/job-completion-index"
_FIRST_WAIT, _LONGEST_WAIT = 10.0, 600.0
_ENDS = ("Complete", "Failed")

Verdict = tuple[str, str, str]
"""Condition, reason and message with which a job ends."""
_LIMIT: Verdict = ("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
_DEADLINE: Verdict = ("Failed", "DeadlineExceeded", "Job was active longer than specified deadline")
_COMPLETE: Verdict = ("Complete", "CompletionsReached", "Reached expected number of succeeded pods")


@dataclass(frozen=True, slots=True)
class Tally:
    """A job's pods, and how many of them ended which way: those still there and those that were counted before."""

    pods: Sequence[Object]
    succeeded: int
    failed: int
    indexes: frozenset[int]

    @property
    def active(self) -> list[Object]:
        """Those that are at work."""
        return [pod for pod in self.pods if is_active(pod)]


class Jobs:
    """The controller."""

    name = "job-controller"

    def __init__(self, world: World) -> None:
        self._world = world
        self.watches: Mapping[str, Touched] = {"Job": itself, "Pod": its_controller("Job")}

    def reconcile(self, key: Key) -> float | None:
        """Count, decide, make or delete pods, and say how things stand."""
        job = self._world.store.get("Job", *key)
        if job is None or is_deleting(job):
            self._release(key)
            return None
        conditions = status_of(job).get("conditions") or []
        if any((ended := find_condition(conditions, type_)) and ended["status"] == "True" for type_ in _ENDS):
            return self._outlive(job)
        job, tally = self._count(job)
        verdict = self._verdict(job, tally)
        if verdict is not None:
            self._finish(job, tally, verdict)
            return None
        if job["spec"].get("suspend"):
            self._suspend(job, tally)
            return None
        again = self._manage(job, tally)
        self._write_status(job, {})
        deadline = self._deadline(job)
        return min((wait for wait in (again, deadline) if wait is not None), default=None)

    def _release(self, key: Key) -> None:
        """Nobody counts the pods of a job that goes or is gone, so those that are over must not wait for it."""
        namespace, name = key
        for pod in self._world.index.selected(namespace, {"batch.kubernetes.io/job-name": name}):
            if _is_over(pod):
                self._untrack(pod)

    def _untrack(self, pod: Object) -> None:
        finalizers = pod["metadata"].get("finalizers") or ()
        if _TRACKED in finalizers:
            kept = [item for item in finalizers if item != _TRACKED]
            self._world.store.update("Pod", with_metadata(pod, finalizers=kept or None))

    # ── counting ──

    def _count(self, job: Object) -> tuple[Object, Tally]:
        """Pods that ended are counted once: in the job's status first, then their finalizer is taken away."""
        pods = self._world.index.owned(uid_of(job), "Pod")
        status = status_of(job)
        fresh = [pod for pod in pods if _TRACKED in (pod["metadata"].get("finalizers") or ()) and _is_over(pod)]
        won = [pod for pod in fresh if phase_of(pod) == "Succeeded"]
        indexes = frozenset(_indexes(status.get("completedIndexes", ""))) | {
            _index(pod) for pod in won if _index(pod) is not None
        }
        known = frozenset(number for number in indexes if number is not None)
        succeeded = len(known) if _is_indexed(job) else status.get("succeeded", 0) + len(won)
        failed = status.get("failed", 0) + len(fresh) - len(won)
        tally = Tally(pods, succeeded, failed, known)
        if fresh or not status.get("startTime"):
            counts = filled(
                succeeded=succeeded, failed=failed, completedIndexes=_ranges(known) if _is_indexed(job) else ""
            )
            job = self._write_status(job, counts)
        for pod in fresh:
            self._untrack(pod)
        return job, tally

    def _verdict(self, job: Object, tally: Tally) -> Verdict | None:
        spec = job["spec"]
        if tally.failed > spec.get("backoffLimit", 6) or self._restarts_too_often(job, tally):
            return _LIMIT
        limit = self._deadline(job)
        if limit is not None and limit <= 0:
            return _DEADLINE
        wanted = spec.get("completions")
        if wanted is None:
            return _COMPLETE if tally.succeeded and not tally.active else None
        return _COMPLETE if tally.succeeded >= wanted else None

    def _restarts_too_often(self, job: Object, tally: Tally) -> bool:
        """Pods that are restarted where they are count by their restarts."""
        if job["spec"]["template"]["spec"].get("restartPolicy") != "OnFailure":
            return False
        names = ("initContainerStatuses", "containerStatuses")
        statuses = [item for pod in tally.active for name in names for item in status_of(pod).get(name, ())]
        restarts: int = sum(item["restartCount"] for item in statuses)
        limit: int = job["spec"].get("backoffLimit", 6)
        return restarts > 0 and restarts >= limit

    def _deadline(self, job: Object) -> float | None:
        limit, start = job["spec"].get("activeDeadlineSeconds"), status_of(job).get("startTime")
        return None if limit is None or not start else seconds_of(start) + limit - self._world.now()

    # ── pods ──

    def _manage(self, job: Object, tally: Tally) -> float | None:
        spec = job["spec"]
        active, parallel, wanted = tally.active, spec.get("parallelism", 1), spec.get("completions")
        left = parallel if wanted is None else min(parallel, wanted - tally.succeeded)
        if wanted is None and tally.succeeded:
            left = len(active)
        if len(active) > left:
            for pod in active[left:]:
                self._delete(job, pod)
            return None
        if len(active) == left:
            return None
        wait = self._back_off(tally)
        if wait > 0:
            return wait
        for _, number in zip(range(left - len(active)), self._numbers(job, tally), strict=False):
            self._create(job, number)
        return None

    def _back_off(self, tally: Tally) -> float:
        """Seconds until the next pod: ten after the first that failed, twice as long after each other in a row."""
        ends = [(_ended_at(pod), phase_of(pod)) for pod in tally.pods if phase_of(pod) in ENDED]
        row = 0
        for _, phase in sorted(ends, reverse=True):
            if phase != "Failed":
                break
            row += 1
        if not row:
            return 0.0
        return float(max(at for at, _ in ends) + min(_FIRST_WAIT * 2 ** (row - 1), _LONGEST_WAIT) - self._world.now())

    def _numbers(self, job: Object, tally: Tally) -> Sequence[int | None]:
        if not _is_indexed(job):
            return [None] * job["spec"].get("parallelism", 1)
        taken = tally.indexes | {number for pod in tally.active if (number := _index(pod)) is not None}
        return [number for number in range(job["spec"]["completions"]) if number not in taken]

    def _create(self, job: Object, number: int | None) -> None:
        labels = {"batch.kubernetes.io/job-name": job["metadata"]["name"], "job-name": job["metadata"]["name"]}
        labels |= {"batch.kubernetes.io/controller-uid": uid_of(job), "controller-uid": uid_of(job)}
        if number is not None:
            labels[_INDEX] = str(number)
        pod = pod_from(job["spec"]["template"], job, labels=labels)
        metadata = {**pod["metadata"], "finalizers": [*pod["metadata"].get("finalizers", ()), _TRACKED]}
        if number is not None:
            metadata["annotations"] = {**metadata.get("annotations", {}), _INDEX: str(number)}
            metadata["generateName"] = f"{job['metadata']['name'][:50]}-{number}-"
        try:
            made = self._world.store.create("Pod", job["metadata"]["namespace"], {**pod, "metadata": metadata})
        except Refusal as refusal:
            self._world.events.warning(job, _SOURCE, "FailedCreate", f"Error creating: {refusal.message}")
            raise
        self._world.events.normal(job, _SOURCE, "SuccessfulCreate", f"Created pod: {made['metadata']['name']}")

    def _delete(self, job: Object, pod: Object) -> None:
        name = pod["metadata"]["name"]
        self._world.store.delete("Pod", pod["metadata"]["namespace"], name)
        self._world.events.normal(job, _SOURCE, "SuccessfulDelete", f"Deleted pod: {name}")

    # ── its end ──

    def _finish(self, job: Object, tally: Tally, verdict: Verdict) -> None:
        """First its target, then, when the last pod has stopped, its end."""
        type_, reason, message = verdict
        target = "SuccessCriteriaMet" if type_ == "Complete" else "FailureTarget"
        if find_condition(status_of(job).get("conditions") or (), target) is None:
            job = self._write_status(job, {}, conditions=[(target, reason, message)])
        for pod in tally.active:
            self._delete(job, pod)
        left = self._world.index.owned(uid_of(job), "Pod")
        if any(phase_of(pod) not in ENDED or _TRACKED in (pod["metadata"].get("finalizers") or ()) for pod in left):
            self._write_status(job, {})
            return
        ended = {"completionTime": stamp_of(self._world.now())} if type_ == "Complete" else {}
        job = self._write_status(job, ended, conditions=[(type_, reason, message)])
        if type_ == "Complete":
            self._world.events.normal(job, _SOURCE, "Completed", "Job completed")
        else:
            self._world.events.warning(job, _SOURCE, reason, message)

    def _outlive(self, job: Object) -> float | None:
        """A job with a time to live is deleted when it has been over for so long."""
        ttl = job["spec"].get("ttlSecondsAfterFinished")
        if ttl is None:
            return None
        conditions = status_of(job)["conditions"]
        ends = [item["lastTransitionTime"] for item in conditions if item["type"] in _ENDS]
        left = seconds_of(ends[0]) + float(ttl) - self._world.now()
        if left > 0:
            return left
        self._world.store.delete("Job", job["metadata"]["namespace"], job["metadata"]["name"])
        return None

    def _suspend(self, job: Object, tally: Tally) -> None:
        for pod in tally.active:
            self._delete(job, pod)
        if find_condition(status_of(job).get("conditions") or (), "Suspended") is None:
            self._world.events.normal(job, _SOURCE, "Suspended", "Job suspended")
            self._write_status(job, {}, conditions=[("Suspended", "JobSuspended", "Job suspended")])

    def _write_status(self, job: Object, changes: Object, *, conditions: Sequence[Verdict] = ()) -> Object:
        present = self._world.store.get("Job", job["metadata"]["namespace"], job["metadata"]["name"])
        if present is None:
            return job
        now, before = stamp_of(self._world.now()), status_of(present)
        pods = self._world.index.owned(uid_of(job), "Pod")
        active = [pod for pod in pods if is_active(pod)]
        said = list(before.get("conditions") or [])
        if not job["spec"].get("suspend"):
            said = [item for item in said if item["type"] != "Suspended"]
        said += [_condition(words, now) for words in conditions]
        status = {
            **{name: value for name, value in before.items() if name not in {"active", "conditions"}},
            **filled(active=len(active), conditions=said),
            "ready": sum(is_ready(pod) for pod in active),
            "terminating": sum(is_deleting(pod) and phase_of(pod) not in ENDED for pod in pods),
            "uncountedTerminatedPods": {},
            **changes,
        }
        if not job["spec"].get("suspend"):
            status.setdefault("startTime", now)
        if status == before:
            return present
        return self._world.store.update("Job", with_status(present, status), subresource="status")


def _condition(words: Verdict, now: str) -> Object:
    type_, reason, message = words
    times = {"lastProbeTime": now, "lastTransitionTime": now}
    return {"type": type_, "status": "True", **times, "reason": reason, "message": message}


def _is_over(pod: Object) -> bool:
    """Ended, or on its way out: the real controller counts a pod that is deleted as failed at once."""
    return phase_of(pod) in ENDED or is_deleting(pod)


def _is_indexed(job: Object) -> bool:
    return bool(job["spec"].get("completionMode") == "Indexed")


def _index(pod: Object) -> int | None:
    text = annotations_of(pod).get(_INDEX)
    return None if text is None else int(text)


def _ended_at(pod: Object) -> float:
    ends = [
        (item["state"].get("terminated") or {}).get("finishedAt")
        for item in status_of(pod).get("containerStatuses", ())
    ]
    return max((seconds_of(end) for end in ends), default=0.0)


def _ranges(numbers: frozenset[int]) -> str:
    """As Kubernetes writes completed indexes: `0-2,5`."""
    rows: list[list[int]] = []
    for number in sorted(numbers):
        if rows and rows[-1][1] == number - 1:
            rows[-1][1] = number
        else:
            rows.append([number, number])
    return ",".join(
        str(low) if low == high else f"{low}-{high}" if high > low + 1 else f"{low},{high}" for low, high in rows
    )


def _indexes(text: str) -> list[int]:
    found: list[int] = []
    for part in filter(None, text.split(",")):
        low, _, high = part.partition("-")
        found += range(int(low), int(high or low) + 1)
    return found
