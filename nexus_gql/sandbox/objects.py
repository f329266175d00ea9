"""What controllers ask of an object, and the copies they write: pure functions, since a stored object is never changed."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from nexus_gql.sandbox.store import Object

Key = tuple[str, str]
"""Namespace and name; no namespace is the empty text."""


def key_of(obj: Object) -> Key:
    """Where an object is."""
    metadata = obj["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def uid_of(obj: Object) -> str:
    """Which object it is, among all that ever had its name."""
    found: str = obj["metadata"]["uid"]
    return found


def labels_of(obj: Object) -> Mapping[str, str]:
    """Its labels."""
    found: Mapping[str, str] = obj["metadata"].get("labels") or {}
    return found


def annotations_of(obj: Object) -> Mapping[str, str]:
    """Its annotations."""
    found: Mapping[str, str] = obj["metadata"].get("annotations") or {}
    return found


def status_of(obj: Object) -> Object:
    """Its status."""
    found: Object = obj.get("status") or {}
    return found


def seconds_of(stamped: str | None) -> float:
    """Seconds since 1970 of an instant as objects carry it; 0 where there is none."""
    return datetime.fromisoformat(stamped).timestamp() if stamped else 0.0


def stamp_of(seconds: float) -> str:
    """An instant as objects carry it: whole seconds, UTC."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def is_deleting(obj: Object) -> bool:
    """Its end was announced."""
    return "deletionTimestamp" in obj["metadata"]


# ── owners ──


def controller_of(obj: Object) -> Object | None:
    """The owner that answers for it."""
    for reference in obj["metadata"].get("ownerReferences") or ():
        if reference.get("controller"):
            found: Object = reference
            return found
    return None


def owner_reference(owner: Object) -> Object:
    """What a controller writes into what it makes."""
    metadata = owner["metadata"]
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


# ── copies ──


def with_metadata(obj: Object, **fields: Any) -> Object:
    """A copy with other metadata; None takes a field away."""
    metadata = {**obj["metadata"], **fields}
    return {**obj, "metadata": {name: value for name, value in metadata.items() if value is not None}}


def with_spec(obj: Object, **fields: Any) -> Object:
    """A copy that declares something else."""
    return {**obj, "spec": {**obj.get("spec", {}), **fields}}


def with_status(obj: Object, status: Object) -> Object:
    """A copy in another state."""
    return {**obj, "status": status}


def filled(**fields: Any) -> Object:
    """Only what is neither 0, nor empty, nor None: how Go writes fields marked omitempty."""
    return {name: value for name, value in fields.items() if value}


# ── conditions ──


def condition_of(obj: Object, type_: str) -> Object | None:
    """One of its conditions."""
    return find_condition(status_of(obj).get("conditions") or (), type_)


def find_condition(conditions: Iterable[Object], type_: str) -> Object | None:
    """The condition of that type."""
    return next((condition for condition in conditions if condition["type"] == type_), None)


# ── selectors ──


def selects(selector: Object | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector picks these labels; none and the empty one pick nothing, as controllers have it."""
    if not selector:
        return False
    wanted: Mapping[str, str] = selector.get("matchLabels") or {}
    if any(labels.get(name) != value for name, value in wanted.items()):
        return False
    return all(meets(expression, labels) for expression in selector.get("matchExpressions") or ())


def meets(expression: Object, labels: Mapping[str, str]) -> bool:
    """Whether labels meet one expression, of a label selector or a node selector."""
    found, values = labels.get(expression["key"]), expression.get("values") or []
    match expression["operator"]:
        case "In":
            return found in values
        case "NotIn":
            return found not in values
        case "Exists":
            return found is not None
        case "DoesNotExist":
            return found is None
        case "Gt":
            return found is not None and int(found) > int(values[0])
        case "Lt":
            return found is not None and int(found) < int(values[0])
    return False


# ── pods ──

ENDED = ("Succeeded", "Failed")


def phase_of(pod: Object) -> str:
    """A pod's phase."""
    phase: str = status_of(pod).get("phase", "Pending")
    return phase


def is_active(pod: Object) -> bool:
    """A pod that counts: it has not ended and is not about to."""
    return phase_of(pod) not in ENDED and not is_deleting(pod)


def is_ready(pod: Object) -> bool:
    """A pod that takes requests."""
    ready = condition_of(pod, "Ready")
    return ready is not None and ready["status"] == "True"


def available_in(pod: Object, minimum: int, now: float) -> float | None:
    """Seconds until a pod has been ready for the minimum time: 0 when it has, None while it is not ready."""
    ready = condition_of(pod, "Ready")
    if ready is None or ready["status"] != "True":
        return None
    return max(seconds_of(ready["lastTransitionTime"]) + minimum - now, 0.0) if minimum else 0.0
