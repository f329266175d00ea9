"""What it takes to delete an object: finalizers that hold it, and the time that a pod is given."""

from datetime import datetime, timedelta

from nexus_gql.sandbox.clock import stamp
from nexus_gql.sandbox.kinds import Kind
from nexus_gql.sandbox.refusals import Object

_FINALIZERS = {"Orphan": "orphan", "Foreground": "foregroundDeletion"}
ENDED = frozenset({"Succeeded", "Failed"})


def marked(kind: Kind, obj: Object, now: datetime, *, grace: int | None, propagation: str) -> Object:
    """The object with its end announced; the same one where it was announced already, with no later end."""
    if kind.name == "Namespace":
        return _namespace(obj, now)
    metadata = obj["metadata"]
    seconds = _grace(kind, obj, grace)
    finalizers = list(metadata.get("finalizers", []))
    if "deletionTimestamp" not in metadata:
        wanted = _FINALIZERS.get(propagation)
        finalizers = [item for item in finalizers if item not in _FINALIZERS.values()] + ([wanted] if wanted else [])
    elif seconds >= metadata.get("deletionGracePeriodSeconds", 0):
        return obj
    changed = {
        **metadata,
        "deletionTimestamp": stamp(now + timedelta(seconds=seconds)),
        "deletionGracePeriodSeconds": seconds,
    }
    changed.pop("finalizers", None)
    if finalizers:
        changed["finalizers"] = finalizers
    if changed.get("generation") and "deletionTimestamp" not in metadata:
        changed["generation"] += 1
    return {**obj, "metadata": changed}


def is_over(kind: Kind, obj: Object) -> bool:
    """Nothing holds an object any more whose end was announced."""
    metadata = obj["metadata"]
    if "deletionTimestamp" not in metadata or metadata.get("finalizers"):
        return False
    if kind.name == "Namespace":
        return not obj.get("spec", {}).get("finalizers")
    return not metadata.get("deletionGracePeriodSeconds")


def _grace(kind: Kind, obj: Object, asked: int | None) -> int:
    """Only pods are given time, and only while something of theirs may run."""
    if kind.name != "Pod":
        return 0
    spec = obj["spec"]
    if not spec.get("nodeName") or obj.get("status", {}).get("phase") in ENDED:
        return 0
    return int(spec.get("terminationGracePeriodSeconds", 30) if asked is None else asked)


def _namespace(obj: Object, now: datetime) -> Object:
    if "deletionTimestamp" in obj["metadata"]:
        return obj
    metadata = {**obj["metadata"], "deletionTimestamp": stamp(now)}
    return {**obj, "metadata": metadata, "status": {**obj.get("status", {}), "phase": "Terminating"}}
