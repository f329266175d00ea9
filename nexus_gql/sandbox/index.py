"""What is looked up for every change, kept up to date write by write, so that nothing ever goes through all pods."""

from collections import Counter
from collections.abc import Mapping
from typing import TypeVar

from nexus_gql.sandbox.objects import Key, key_of, labels_of
from nexus_gql.sandbox.store import Object, Store, Stored

Dependent = tuple[str, str, str]
"""Kind, namespace and name."""
_Label = tuple[str, str, str]
_Name = TypeVar("_Name")
_Entry = TypeVar("_Entry")


class Index:
    """Pods by label, owner and node; Services by what they select; dependents by owner; counts by namespace."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pods_by_label: dict[_Label, dict[str, None]] = {}
        self._services_by_label: dict[_Label, dict[str, None]] = {}
        self._filed: dict[Key, _Label] = {}
        self._pods_on: dict[str, dict[Key, None]] = {}
        self._dependents: dict[str, dict[Dependent, None]] = {}
        self._content: dict[str, Counter[str]] = {}

    def note(self, write: Stored) -> None:
        """Take a write in."""
        before = None if write.previous is None else write.previous.object
        after = None if write.type == "DELETED" else write.object
        kind = write.kind.name
        self._move_dependent(kind, before, after)
        if write.kind.namespaced and write.type != "MODIFIED":
            space = self._content.setdefault(write.object["metadata"]["namespace"], Counter())
            space[kind] += 1 if write.type == "ADDED" else -1
        if kind == "Pod":
            self._move_labels(before, after)
            self._move_pod(before, after)
        elif kind == "Service":
            self._move_service(before, after)

    # ── asking ──

    def dependents(self, uid: str) -> list[Dependent]:
        """Everything that names this owner, in the order in which it came."""
        return list(self._dependents.get(uid, ()))

    def owned(self, uid: str, kind: str) -> list[Object]:
        """The objects of one kind that name this owner."""
        found = (self._store.get(*dependent) for dependent in self._dependents.get(uid, ()) if dependent[0] == kind)
        return [obj for obj in found if obj is not None]

    def pods_on(self, node: str) -> list[Object]:
        """The pods of a node."""
        found = (self._store.get("Pod", *key) for key in self._pods_on.get(node, ()))
        return [pod for pod in found if pod is not None]

    def selected(self, namespace: str, selector: Mapping[str, str]) -> list[Object]:
        """The pods with all these labels: those of the rarest one, looked at one by one."""
        if not selector:
            return []
        rows = [self._pods_by_label.get((namespace, name, value), {}) for name, value in selector.items()]
        found = (self._store.get("Pod", namespace, name) for name in min(rows, key=len))
        return [pod for pod in found if pod is not None and selector.items() <= labels_of(pod).items()]

    def services_of(self, pod: Object) -> list[Key]:
        """The Services that select a pod."""
        namespace, labels = pod["metadata"]["namespace"], labels_of(pod)
        found = []
        for name, value in labels.items():
            for service in self._services_by_label.get((namespace, name, value), ()):
                obj = self._store.get("Service", namespace, service)
                if obj is not None and obj["spec"]["selector"].items() <= labels.items():
                    found.append((namespace, service))
        return found

    def content(self, namespace: str) -> Counter[str]:
        """How many objects of each kind a namespace holds."""
        return +self._content.get(namespace, Counter())

    # ── keeping ──

    def _move_labels(self, before: Object | None, after: Object | None) -> None:
        old, new = _labels(before), _labels(after)
        if before is not None and after is not None and old == new:
            return
        name = _named(before, after)
        for label in old:
            _drop(self._pods_by_label, label, name)
        for label in new:
            self._pods_by_label.setdefault(label, {})[name] = None

    def _move_service(self, before: Object | None, after: Object | None) -> None:
        """A Service is filed under one label of its selector: the one that the fewest others are filed under."""
        old, new = _selection(before), _selection(after)
        if before is not None and after is not None and old == new:
            return
        name = _named(before, after)
        if before is not None and (filed := self._filed.pop(key_of(before), None)):
            _drop(self._services_by_label, filed, name)
        if after is not None and new:
            label = min(new, key=lambda candidate: len(self._services_by_label.get(candidate, ())))
            self._filed[key_of(after)] = label
            self._services_by_label.setdefault(label, {})[name] = None

    def _move_pod(self, before: Object | None, after: Object | None) -> None:
        old = before and before["spec"].get("nodeName")
        new = after and after["spec"].get("nodeName")
        if old == new:
            return
        if before is not None and old:
            _drop(self._pods_on, old, key_of(before))
        if after is not None and new:
            self._pods_on.setdefault(new, {})[key_of(after)] = None

    def _move_dependent(self, kind: str, before: Object | None, after: Object | None) -> None:
        old, new = _owners(before), _owners(after)
        if old == new:
            return
        obj = before if after is None else after
        dependent = (kind, *key_of(obj)) if obj is not None else ("", "", "")
        for uid in old - new:
            _drop(self._dependents, uid, dependent)
        for uid in new - old:
            self._dependents.setdefault(uid, {})[dependent] = None


def _labels(pod: Object | None) -> list[_Label]:
    if pod is None:
        return []
    return [(pod["metadata"]["namespace"], name, value) for name, value in labels_of(pod).items()]


def _selection(service: Object | None) -> list[_Label]:
    selector = (service or {}).get("spec", {}).get("selector")
    if service is None or not selector:
        return []
    return [(service["metadata"]["namespace"], name, value) for name, value in selector.items()]


def _named(before: Object | None, after: Object | None) -> str:
    name: str = (after or before or {"metadata": {"name": ""}})["metadata"]["name"]
    return name


def _owners(obj: Object | None) -> set[str]:
    references = obj["metadata"].get("ownerReferences") if obj else None
    return {reference["uid"] for reference in references} if references else set()


def _drop(rows: dict[_Name, dict[_Entry, None]], name: _Name, entry: _Entry) -> None:
    row = rows.get(name)
    if row is not None:
        row.pop(entry, None)
        if not row:
            del rows[name]
