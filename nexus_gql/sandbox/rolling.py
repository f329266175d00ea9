"""The arithmetic of a rolling update, as the real controller computes it: pure functions over counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor

from nexus_gql.sandbox.objects import annotations_of, status_of
from nexus_gql.sandbox.store import Object

_MAXIMUM = "deployment.kubernetes.io/max-replicas"


@dataclass(frozen=True, slots=True)
class Replicas:
    """A ReplicaSet's numbers."""

    wanted: int
    available: int

    @classmethod
    def of(cls, item: Object) -> "Replicas":
        """As the ReplicaSet declares and reports them."""
        return cls(item["spec"]["replicas"], status_of(item).get("availableReplicas", 0))


@dataclass(frozen=True, slots=True)
class Rollout:
    """A Deployment, the ReplicaSet of its present template, and the others, oldest first."""

    deployment: Object
    new: Object | None
    old: Sequence[Object]


def share(value: int | str, total: int, *, up: bool) -> int:
    """A number, or so many per cent of the total."""
    if isinstance(value, int):
        return value
    if not value.endswith("%"):
        return int(value)
    part = int(value[:-1]) * total / 100
    return ceil(part) if up else floor(part)


def fenceposts(deployment: Object) -> tuple[int, int]:
    """How many pods there may be too many, and how many too few; never neither, since nothing could move then."""
    spec = deployment["spec"]
    strategy = spec.get("strategy") or {}
    if strategy.get("type") == "Recreate":
        return 0, 0
    limits, replicas = strategy.get("rollingUpdate") or {}, spec.get("replicas", 1)
    surge = share(limits.get("maxSurge", "25%"), replicas, up=True)
    unavailable = share(limits.get("maxUnavailable", "25%"), replicas, up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return surge, min(unavailable, replicas)


def room_for_new(deployment: Object, new: int, old: Sequence[int]) -> int:
    """How many pods the new ReplicaSet should have: as many as are declared, as far as the surge has room."""
    replicas = deployment["spec"].get("replicas", 1)
    if new >= replicas:
        return int(replicas)
    surge, _ = fenceposts(deployment)
    room = replicas + surge - new - sum(old)
    return new if room <= 0 else int(new + min(room, replicas - new))


def shrink_unhealthy(deployment: Object, new: Replicas, old: Sequence[Replicas]) -> list[Replicas]:
    """Old pods that are not available are in nobody's way when they go: as many as may be missing at all."""
    least = deployment["spec"].get("replicas", 1) - fenceposts(deployment)[1]
    total = new.wanted + sum(row.wanted for row in old)
    left = total - least - (new.wanted - new.available)
    found = []
    for row in old:
        gone = max(min(left, row.wanted - row.available), 0) if row.wanted else 0
        left -= gone
        found.append(Replicas(row.wanted - gone, row.available))
    return found


def shrink_old(deployment: Object, new: Replicas, old: Sequence[Replicas]) -> list[int]:
    """What the old ReplicaSets keep: enough that the least number stays available."""
    least = deployment["spec"].get("replicas", 1) - fenceposts(deployment)[1]
    total = new.wanted + sum(row.wanted for row in old)
    spare = new.available + sum(row.available for row in old) - least
    if total - least - (new.wanted - new.available) <= 0:
        return [row.wanted for row in old]
    found = []
    for row in old:
        gone = max(min(spare, row.wanted), 0)
        spare -= gone
        found.append(row.wanted - gone)
    return found


def proportions(rollout: Rollout) -> list[tuple[Object, int]]:
    """What each ReplicaSet gets of a changed number."""
    deployment, replicas = rollout.deployment, rollout.deployment["spec"].get("replicas", 1)
    only = _only_one(rollout)
    if only is not None:
        return [(only, replicas)]
    if rollout.new is not None and _saturated(deployment, rollout.new):
        return [(item, 0) for item in rollout.old if item["spec"]["replicas"]]
    if (deployment["spec"].get("strategy") or {}).get("type") == "Recreate":
        return []
    return _spread(rollout)


def _spread(rollout: Rollout) -> list[tuple[Object, int]]:
    """In the middle of a rollout everyone gets as much more or less as they are large; what rounding leaves, the first."""
    deployment, replicas = rollout.deployment, rollout.deployment["spec"].get("replicas", 1)
    sets = [*([rollout.new] if rollout.new else []), *rollout.old]
    active = [item for item in sets if item["spec"]["replicas"] > 0]
    current = sum(item["spec"]["replicas"] for item in active)
    allowed = replicas + fenceposts(deployment)[0] if replicas else 0
    change = allowed - current
    # Larger ones first, and of equal ones the newer where there is more to come, the older where there is less.
    order = sorted(active, key=lambda item: item["metadata"]["creationTimestamp"], reverse=change > 0)
    order.sort(key=lambda item: -item["spec"]["replicas"])
    found, left = [], change
    for item in order:
        part = _part(item, replicas, fenceposts(deployment)[0], left)
        left -= part
        found.append([item, item["spec"]["replicas"] + part])
    if found:
        found[0][1] = max(found[0][1] + left, 0)
    return [(item, count) for item, count in found]


def _part(item: Object, replicas: int, surge: int, left: int) -> int:
    size = item["spec"]["replicas"]
    if left == 0 or size == 0:
        return 0
    before = int(annotations_of(item).get(_MAXIMUM, replicas)) or 1
    part = round(size * (replicas + surge) / before) - size if replicas else -size
    return int(min(part, left) if left > 0 else max(part, left))


def _only_one(rollout: Rollout) -> Object | None:
    sets = [*rollout.old, *([rollout.new] if rollout.new else [])]
    active = [item for item in sets if item["spec"]["replicas"] > 0]
    if not active:
        return rollout.new or (rollout.old[-1] if rollout.old else None)
    return active[0] if len(active) == 1 else None


def _saturated(deployment: Object, new: Object) -> bool:
    replicas = deployment["spec"].get("replicas", 1)
    available = (new.get("status") or {}).get("availableReplicas", 0)
    noted = annotations_of(new).get("deployment.kubernetes.io/desired-replicas")
    return bool(new["spec"]["replicas"] == replicas == available and noted == str(replicas))
