"""The events that the parts of a cluster send about objects: one object for each, whose count rises when it comes again.

Kubernetes has two forms: most components write the older one, the scheduler the newer one with a series.
"""

import heapq
from dataclasses import dataclass

from nexus_gql.sandbox.clock import Clock
from nexus_gql.sandbox.objects import seconds_of, stamp_of
from nexus_gql.sandbox.store import Object, Refusal, Store, Stored

LIFETIME = 3600.0
"""An event is forgotten an hour after it came last, as the apiserver's --event-ttl has it."""
AT_MOST = 20_000
"""Events kept; ten thousand pods that start would leave fifty thousand otherwise. The oldest go first."""

_MANAGERS = {"kubelet": "kubelet", "default-scheduler": "kube-scheduler"}
"""Who writes the events of components that are no part of the controller manager."""

_Same = tuple[str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Source:
    """Who sends an event."""

    component: str
    host: str = ""


class Recorder:
    """Sends events. What an event is about is enough to find the one that it repeats."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._named = 0
        self._sent: dict[_Same, tuple[str, str]] = {}
        self._same: dict[tuple[str, str], _Same] = {}
        self._ages: list[tuple[float, str, str]] = []

    def normal(self, about: Object, source: Source, reason: str, message: str, *, part: str = "") -> None:
        """Something that is as it should be. `part`: the container it is about, as a field path."""
        self._send(about, source, ("Normal", reason, message), part)

    def warning(self, about: Object, source: Source, reason: str, message: str, *, part: str = "") -> None:
        """Something that somebody should look at."""
        self._send(about, source, ("Warning", reason, message), part)

    def scheduling(self, about: Object, type_: str, reason: str, message: str) -> None:
        """What the scheduler says, in the newer form."""
        same = (about["metadata"]["uid"], "", reason, message, "default-scheduler")
        action = "Binding" if type_ == "Normal" else "Scheduling"
        known = self._known(same)
        if known is None:
            self._create(same, about, _of_scheduler(about, type_, reason, message, action, self._instant()))
            return
        count = known.get("series", {}).get("count", 1) + 1
        self._update({**known, "series": {"count": count, "lastObservedTime": self._instant()}})

    def take_in(self, event: Object) -> None:
        """An event that was there before this recorder: it rises when it comes again, and is forgotten in its time."""
        metadata, about = event["metadata"], event["involvedObject"]
        component = event.get("source", {}).get("component") or event.get("reportingComponent", "")
        part, message = about.get("fieldPath", ""), event.get("message", "")
        same = (about.get("uid", ""), part, event.get("reason", ""), message, component)
        where = (metadata["namespace"], metadata["name"])
        self._sent[same], self._same[where] = where, same
        heapq.heappush(self._ages, (_last(event) + LIFETIME, *where))

    def forget(self, write: Stored) -> None:
        """An event is gone, whoever deleted it."""
        if write.type == "DELETED":
            metadata = write.object["metadata"]
            same = self._same.pop((metadata["namespace"], metadata["name"]), None)
            if same is not None:
                self._sent.pop(same, None)

    def expire(self) -> float | None:
        """Delete what came last too long ago, and what is too much; seconds until there is more to do."""
        now = self._clock.now().timestamp()
        while self._ages and (self._ages[0][0] <= now or len(self._sent) > AT_MOST):
            due, namespace, name = heapq.heappop(self._ages)
            event = self._store.get("Event", namespace, name)
            if event is None:
                continue
            last = _last(event)
            if last + LIFETIME > due:
                heapq.heappush(self._ages, (last + LIFETIME, namespace, name))
            else:
                self._store.remove("Event", namespace, name)
        return self._ages[0][0] - now if self._ages else None

    def _send(self, about: Object, source: Source, what: tuple[str, str, str], part: str) -> None:
        type_, reason, message = what
        same = (about["metadata"]["uid"], part, reason, message, source.component)
        now = stamp_of(self._clock.now().timestamp())
        known = self._known(same)
        if known is not None:
            self._update({**known, "count": known.get("count", 1) + 1, "lastTimestamp": now})
            return
        involved = {**_reference(about), **({"fieldPath": part} if part else {})}
        origin = {"component": source.component, **({"host": source.host} if source.host else {})}
        event = {
            "involvedObject": involved,
            "reason": reason,
            "message": message,
            "source": origin,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
            "type": type_,
            "eventTime": None,
            "reportingComponent": source.component,
            "reportingInstance": source.host,
        }
        self._create(same, about, event)

    def _known(self, same: _Same) -> Object | None:
        where = self._sent.get(same)
        return None if where is None else self._store.get("Event", *where)

    def _create(self, same: _Same, about: Object, event: Object) -> None:
        instant = self._clock.now().timestamp()
        namespace = about["metadata"].get("namespace") or "default"
        # Named by nanoseconds, as real ones are; two of one instant must not be of one name.
        self._named = max(self._named + 1, int(instant * 1e9))
        name = f"{about['metadata']['name']}.{self._named:x}"
        try:
            manager = _MANAGERS.get(event["reportingComponent"], "kube-controller-manager")
            self._store.create("Event", namespace, {"metadata": {"name": name}, **event}, manager=manager)
        except Refusal:
            return  # the namespace is going or gone: real components drop such events too
        self._sent[same] = (namespace, name)
        self._same[namespace, name] = same
        heapq.heappush(self._ages, (instant + LIFETIME, namespace, name))

    def _update(self, event: Object) -> None:
        manager = _MANAGERS.get(event["reportingComponent"], "kube-controller-manager")
        self._store.update("Event", event, manager=manager)

    def _instant(self) -> str:
        return self._clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _of_scheduler(about: Object, type_: str, reason: str, message: str, action: str, instant: str) -> Object:
    return {
        "involvedObject": _reference(about),
        "reason": reason,
        "message": message,
        "source": {},
        "firstTimestamp": None,
        "lastTimestamp": None,
        "type": type_,
        "eventTime": instant,
        "action": action,
        "reportingComponent": "default-scheduler",
        "reportingInstance": "default-scheduler-sandbox-control-plane",
    }


def _reference(about: Object) -> Object:
    metadata = about["metadata"]
    found = {"kind": about["kind"], "name": metadata["name"], "uid": metadata["uid"], "apiVersion": about["apiVersion"]}
    if "namespace" in metadata:
        found["namespace"] = metadata["namespace"]
    return {**found, "resourceVersion": metadata["resourceVersion"]}


def _last(event: Object) -> float:
    series = event.get("series") or {}
    return seconds_of(series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime"))
