"""HorizontalPodAutoscalers: replicas from what the pods use."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil

from nexus_gql.sandbox.demands import THOUSANDTHS, requested
from nexus_gql.sandbox.events import Source
from nexus_gql.sandbox.kinds import KINDS
from nexus_gql.sandbox.objects import (
    Key,
    filled,
    find_condition,
    is_active,
    is_ready,
    key_of,
    stamp_of,
    status_of,
    with_spec,
    with_status,
)
from nexus_gql.sandbox.quantities import parse
from nexus_gql.sandbox.store import Object
from nexus_gql.sandbox.usage import Usage
from nexus_gql.sandbox.world import Touched, World, itself

_SOURCE = Source("horizontal-pod-autoscaler")
_PERIOD = 15.0
_TOLERANCE = 0.1
_STABLE = 300.0
_SCALED = ("Deployment", "ReplicaSet", "StatefulSet")

Words = tuple[str, str, str, str]
"""Type, status, reason and message of a condition."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One metric: how many replicas it asks for, and how it is shown."""

    replicas: int
    shown: Object
    words: str


class _Unknown(Exception):
    """A metric cannot be computed: reason and message."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Autoscalers:
    """The controller."""

    name = "horizontal-pod-autoscaler"

    def __init__(self, world: World, usage: Usage) -> None:
        self._world = world
        self._usage = usage
        self._wanted: dict[Key, deque[tuple[float, int]]] = {}
        self._last: dict[Key, float] = {}
        self.watches: Mapping[str, Touched] = {"HorizontalPodAutoscaler": itself}

    def reconcile(self, key: Key) -> float | None:
        """Every 15 seconds: measure, and scale where that says so."""
        scaler = self._world.store.get("HorizontalPodAutoscaler", *key)
        if scaler is None:
            self._wanted.pop(key, None)
            self._last.pop(key, None)
            return None
        # Its own status wakes it too: between two measurements there is nothing to do.
        left = self._last.get(key, float("-inf")) + _PERIOD - self._world.now()
        if left > 0.01:
            return left
        self._last[key] = self._world.now()
        self._look(scaler)
        return _PERIOD

    def _look(self, scaler: Object) -> None:
        reference = scaler["spec"]["scaleTargetRef"]
        namespace = scaler["metadata"]["namespace"]
        target = (
            self._world.store.get(reference["kind"], namespace, reference["name"])
            if reference["kind"] in _SCALED
            else None
        )
        if target is None:
            plural = KINDS[reference["kind"]].resource if reference["kind"] in KINDS else reference["kind"].lower()
            why = f'{plural} "{reference["name"]}" not found'
            self._world.events.warning(scaler, _SOURCE, "FailedGetScale", why)
            words = f"the HPA controller was unable to get the target's current scale: {why}"
            self._write(scaler, {}, [("AbleToScale", "False", "FailedGetScale", words)])
            return
        current = target["spec"].get("replicas", 1)
        if current == 0:
            words = "scaling is disabled since the replica count of the target is zero"
            self._write(scaler, {}, [_ABLE, ("ScalingActive", "False", "ScalingDisabled", words)])
            return
        self._scale(scaler, target, current)

    def _scale(self, scaler: Object, target: Object, current: int) -> None:
        spec, said = scaler["spec"], [_ABLE]
        low, high = spec.get("minReplicas", 1), spec["maxReplicas"]
        measured: list[Measured] = []
        if current > high:
            wanted, why = high, "Current number of replicas above Spec.MaxReplicas"
        elif current < low:
            wanted, why = low, "Current number of replicas below Spec.MinReplicas"
        else:
            try:
                measured = [self._measure(metric, target, current) for metric in spec.get("metrics") or ()]
            except _Unknown as unknown:
                self._fail(scaler, current, unknown)
                return
            best = max(measured, key=lambda item: item.replicas, default=Measured(current, {}, ""))
            said.append(("ScalingActive", "True", "ValidMetricFound", _VALID.format(best.words)))
            wanted, steady = self._settled(key_of(scaler), spec, best.replicas, current)
            said = [steady, *said[1:]] if steady else said
            wanted, limited = _within(wanted, low, high)
            said.append(limited)
            way = "above" if wanted > current else "below"
            why = f"{best.words} {way} target" if wanted > current else "All metrics below target"
        shown: Object = {"currentReplicas": current, "desiredReplicas": wanted}
        shown |= filled(currentMetrics=[item.shown for item in measured])
        if wanted != current:
            self._world.store.update(target["kind"], with_spec(target, replicas=wanted))
            self._world.events.normal(scaler, _SOURCE, "SuccessfulRescale", f"New size: {wanted}; reason: {why}")
            words = f"the HPA controller was able to update the target scale to {wanted}"
            said[0] = ("AbleToScale", "True", "SucceededRescale", words)
            shown["lastScaleTime"] = stamp_of(self._world.now())
        self._write(scaler, shown, said)

    def _fail(self, scaler: Object, current: int, unknown: _Unknown) -> None:
        events, message = self._world.events, str(unknown)
        events.warning(scaler, _SOURCE, unknown.reason, message)
        whole = f"invalid metrics (1 invalid out of 1), first error is: failed to get {_resource_of(message)} resource metric value: {message}"
        events.warning(scaler, _SOURCE, "FailedComputeMetricsReplicas", whole)
        words = f"the HPA was unable to compute the replica count: {message}"
        said = [_ABLE, ("ScalingActive", "False", unknown.reason, words)]
        self._write(scaler, {"currentReplicas": current, "desiredReplicas": 0}, said)

    # ── measuring ──

    def _measure(self, metric: Object, target: Object, current: int) -> Measured:
        resource = metric.get("resource") or {}
        name, aim = resource.get("name", ""), resource.get("target") or {}
        readers: dict[str, Callable[[Object], float | None]] = {"cpu": self._usage.cpu, "memory": self._usage.memory}
        if metric.get("type") != "Resource" or name not in readers:
            raise _Unknown(
                "InvalidMetricSourceType", f"the sandbox measures cpu and memory only, not {name or metric.get('type')}"
            )
        selector = target["spec"]["selector"].get("matchLabels") or {}
        pods = [pod for pod in self._world.index.selected(target["metadata"]["namespace"], selector) if is_active(pod)]
        values = {key_of(pod): value for pod in pods if is_ready(pod) and (value := readers[name](pod)) is not None}
        what = "utilization" if aim.get("type") == "Utilization" else "usage"
        if not values:
            none = "no metrics returned from resource metrics API"
            why = f"failed to get {name} {what}: unable to get metrics for resource {name}: {none}"
            raise _Unknown("FailedGetResourceMetric", why)
        seen = [pod for pod in pods if key_of(pod) in values]
        mean = sum(values.values()) / len(values)
        shown: Object = {"averageValue": _amount(name, mean)}
        if aim.get("type") == "Utilization":
            asked = [requested(pod).get(name, 0) / THOUSANDTHS for pod in seen]
            if not all(asked):
                pod_name, part = (
                    seen[asked.index(0.0)]["metadata"]["name"],
                    seen[asked.index(0.0)]["spec"]["containers"][0]["name"],
                )
                why = f"failed to get {name} utilization: missing request for {name} in container {part} of Pod {pod_name}"
                raise _Unknown("FailedGetResourceMetric", why)
            percent = int(100 * sum(values.values()) / sum(asked))
            shown = {"averageUtilization": percent, **shown}
            ratio, words = percent / aim["averageUtilization"], f"{name} resource utilization (percentage of request)"
        else:
            ratio, words = mean / float(parse(str(aim["averageValue"]))), f"{name} resource"
        replicas = current if abs(ratio - 1) <= _TOLERANCE else ceil(ratio * len(values))
        return Measured(replicas, {"type": "Resource", "resource": {"name": name, "current": shown}}, words)

    def _settled(self, key: Key, spec: Object, wanted: int, current: int) -> tuple[int, Words | None]:
        """Down only to the highest that was asked for within the window, so that a dip does not cost anybody."""
        now = self._world.now()
        down = (spec.get("behavior") or {}).get("scaleDown") or {}
        window = down.get("stabilizationWindowSeconds", _STABLE)
        row = self._wanted.setdefault(key, deque())
        row.append((now, wanted))
        while row and row[0][0] < now - window:
            row.popleft()
        highest = min(max(count for _, count in row), current) if wanted < current else wanted
        if highest != wanted:
            words = "recent recommendations were higher than current one, applying the highest recent recommendation"
            return highest, ("AbleToScale", "True", "ScaleDownStabilized", words)
        if wanted == current:
            return wanted, ("AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size")
        return wanted, None

    def _write(self, scaler: Object, shown: Object, said: list[Words]) -> None:
        before, now = status_of(scaler), stamp_of(self._world.now())
        conditions = [_condition(before, words, now) for words in said]
        kept = filled(lastScaleTime=before.get("lastScaleTime"), currentReplicas=before.get("currentReplicas"))
        status = {**kept, "desiredReplicas": before.get("desiredReplicas", 0), **shown, "conditions": conditions}
        if status != before:
            self._world.store.update("HorizontalPodAutoscaler", with_status(scaler, status), subresource="status")


_ABLE: Words = (
    "AbleToScale",
    "True",
    "SucceededGetScale",
    "the HPA controller was able to get the target's current scale",
)
_VALID = "the HPA was able to successfully calculate a replica count from {}"


def _within(wanted: int, low: int, high: int) -> tuple[int, Words]:
    if wanted > high:
        words = "the desired replica count is more than the maximum replica count"
        return high, ("ScalingLimited", "True", "TooManyReplicas", words)
    if wanted < low:
        words = "the desired replica count is less than the minimum replica count"
        return low, ("ScalingLimited", "True", "TooFewReplicas", words)
    return wanted, ("ScalingLimited", "False", "DesiredWithinRange", "the desired count is within the acceptable range")


def _condition(before: Object, words: Words, now: str) -> Object:
    type_, status, reason, message = words
    old = find_condition(before.get("conditions") or (), type_)
    since = old["lastTransitionTime"] if old and old["status"] == status else now
    return {"type": type_, "status": status, "lastTransitionTime": since, "reason": reason, "message": message}


def _amount(name: str, value: float) -> str:
    return f"{ceil(value * 1000)}m" if name == "cpu" else str(int(value))


def _resource_of(message: str) -> str:
    """`failed to get cpu utilization: …` is about cpu."""
    return message.removeprefix("failed to get ").split(" ", 1)[0]
