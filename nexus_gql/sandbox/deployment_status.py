"""How a Deployment says it stands: its counts, whether it is available, and whether it gets on."""

from collections.abc import Sequence

from nexus_gql.sandbox.objects import (
    condition_of,
    filled,
    find_condition,
    seconds_of,
    stamp_of,
    status_of,
)
from nexus_gql.sandbox.rolling import Rollout, fenceposts
from nexus_gql.sandbox.store import Object

_Words = tuple[str, str, str, str]
"""Type, status, reason and message of a condition."""


def complete(deployment: Object, status: Object) -> bool:
    """Everything declared is there, and nothing else."""
    replicas = deployment["spec"].get("replicas", 1)
    counts = [status.get(name, 0) for name in ("updatedReplicas", "replicas", "availableReplicas")]
    return counts == [replicas] * 3 and status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]


def status_after(rollout: Rollout, now: float) -> tuple[Object, float | None]:
    """The status as it should be now; seconds until the deadline may have passed, or None."""
    deployment = rollout.deployment
    counts = _counts(rollout)
    conditions = with_condition(status_of(deployment).get("conditions", []), _availability(deployment, counts), now)
    again = None
    if (
        not _is_settled(deployment, counts)
        and not deployment["spec"].get("paused")
        and "deletionTimestamp" not in deployment["metadata"]
    ):
        conditions, again = _progress(rollout, {**counts, "conditions": conditions}, now)
    conditions = _with_failure(rollout, conditions, now)
    return {**counts, "conditions": conditions}, again


def with_condition(conditions: Sequence[Object], words: _Words, now: float, *, fresh: bool = False) -> list[Object]:
    """The conditions with one said anew, at the end; as they were where it says nothing new, unless it is to look fresh."""
    type_, status, reason, message = words
    old = find_condition(conditions, type_)
    if old is not None and (old["status"], old["reason"]) == (status, reason) and not fresh:
        return list(conditions)
    stamp = stamp_of(now)
    since = old["lastTransitionTime"] if old is not None and old["status"] == status else stamp
    said = {
        "type": type_,
        "status": status,
        "lastUpdateTime": stamp,
        "lastTransitionTime": since,
        "reason": reason,
        "message": message,
    }
    return [*(item for item in conditions if item["type"] != type_), said]


def _counts(rollout: Rollout) -> Object:
    sets = [*rollout.old, *([rollout.new] if rollout.new else [])]
    states = [status_of(item) for item in sets]
    available = sum(state.get("availableReplicas", 0) for state in states)
    missing = sum(item["spec"]["replicas"] for item in sets) - available
    new = status_of(rollout.new) if rollout.new else {}
    collisions = status_of(rollout.deployment).get("collisionCount")
    return {
        "observedGeneration": rollout.deployment["metadata"]["generation"],
        **filled(
            replicas=sum(state.get("replicas", 0) for state in states),
            updatedReplicas=new.get("replicas", 0),
            readyReplicas=sum(state.get("readyReplicas", 0) for state in states),
            availableReplicas=available,
            unavailableReplicas=max(missing, 0),
            collisionCount=collisions,
        ),
    }


def _availability(deployment: Object, counts: Object) -> _Words:
    least = deployment["spec"].get("replicas", 1) - fenceposts(deployment)[1]
    if counts.get("availableReplicas", 0) >= least:
        return "Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability."
    return "Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability."


def _is_settled(deployment: Object, counts: Object) -> bool:
    """The rollout was over before: what happens now is scaling or illness, which says nothing about progress."""
    progressing = condition_of(deployment, "Progressing")
    over = progressing is not None and progressing["reason"] == "NewReplicaSetAvailable"
    return over and counts.get("replicas", 0) == counts.get("updatedReplicas", 0)


def _progress(rollout: Rollout, status: Object, now: float) -> tuple[list[Object], float | None]:
    deployment, conditions = rollout.deployment, status["conditions"]
    deadline = deployment["spec"].get("progressDeadlineSeconds", 600)
    name = (rollout.new or deployment)["metadata"]["name"]
    what = "ReplicaSet" if rollout.new else "Deployment"
    old = find_condition(conditions, "Progressing")
    if complete(deployment, status):
        words = ("Progressing", "True", "NewReplicaSetAvailable", f'{what} "{name}" has successfully progressed.')
        return with_condition(conditions, words, now), None
    if _moved(status_of(deployment), status):
        words = ("Progressing", "True", "ReplicaSetUpdated", f'{what} "{name}" is progressing.')
        return with_condition(conditions, words, now, fresh=True), deadline + 1.0
    if old is None or old["reason"] == "ProgressDeadlineExceeded":
        return conditions, None
    # The real controller compares whole seconds and looks one second later than the deadline.
    left = seconds_of(old["lastUpdateTime"]) + deadline + 1.0 - now
    if left > 0 or old["reason"] == "NewReplicaSetAvailable":
        return conditions, left if left > 0 else None
    words = ("Progressing", "False", "ProgressDeadlineExceeded", f'{what} "{name}" has timed out progressing.')
    return with_condition(conditions, words, now), None


def _moved(before: Object, after: Object) -> bool:
    """Progress: more new pods, fewer old ones, more that are ready or available."""
    old_before = before.get("replicas", 0) - before.get("updatedReplicas", 0)
    old_after = after.get("replicas", 0) - after.get("updatedReplicas", 0)
    more = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return old_after < old_before or any(after.get(name, 0) > before.get(name, 0) for name in more)


def _with_failure(rollout: Rollout, conditions: list[Object], now: float) -> list[Object]:
    """A ReplicaSet that cannot make its pods makes the Deployment say so."""
    sets = [*([rollout.new] if rollout.new else []), *rollout.old]
    failures = [found for item in sets if (found := condition_of(item, "ReplicaFailure")) is not None]
    if failures:
        first = failures[0]
        words = ("ReplicaFailure", first["status"], first["reason"], first["message"])
        return with_condition(conditions, words, now)
    return [item for item in conditions if item["type"] != "ReplicaFailure"]
