"""What one reflector knows of a kind on a cluster: written by it alone, read by everybody."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from .objects import Observed

APPLICATION_LABEL = "nexus.optimal-reality.io/application"


T = TypeVar("T", bound=Observed)


@dataclass(frozen=True, slots=True)
class Changed(Generic[T]):
    """One object before and after; None where it was not, or is not, there."""

    cluster_id: str
    old: T | None
    new: T | None

    @property
    def either(self) -> T:
        """The object as it is or was."""
        found = self.new or self.old
        assert found is not None  # noqa: S101
        return found


class Store(Generic[T]):
    """Objects by UID, with the indexes that questions go by. Read only: changes come through its `Writer`."""

    def __init__(self) -> None:
        self.synced = False
        """Whether a first complete list has arrived."""
        self._objects: dict[str, T] = {}
        self._indexes: tuple[dict[str, dict[str, T]], ...] = ({}, {}, {})

    def get(self, uid: str) -> T | None:
        """One object."""
        return self._objects.get(uid)

    def all(self) -> Iterable[T]:
        """Every object."""
        return self._objects.values()

    def in_namespace(self, namespace: str) -> Iterable[T]:
        """The objects of a Kubernetes namespace."""
        return self._indexes[0].get(namespace, _NONE).values()

    def of_application(self, application_id: str) -> Iterable[T]:
        """The objects that carry an application's label."""
        return self._indexes[1].get(application_id, _NONE).values()

    def applications(self) -> list[str]:
        """The applications that have any."""
        return list(self._indexes[1])

    def owned_by(self, uid: str) -> Iterable[T]:
        """The objects whose controller has a UID."""
        return self._indexes[2].get(uid, _NONE).values()

    def __len__(self) -> int:
        return len(self._objects)


_NONE: Mapping[str, Any] = {}


class Writer(Generic[T]):
    """The one way to change a store; tells of what became different, in order."""

    def __init__(self, store: Store[T], cluster_id: str, tell: Callable[[Changed[T]], None]) -> None:
        self.store = store
        self._cluster_id = cluster_id
        self._tell = tell

    def replace(self, objects: Iterable[T]) -> None:
        """The complete state after a list: it becomes visible at once, and only the differences are told."""
        store = self.store
        before = store._objects
        after = {item.metadata.uid: item for item in objects}
        store._objects = after
        store._indexes = ({}, {}, {})
        for uid, item in after.items():
            self._index(uid, item)
        store.synced = True
        for uid, old in before.items():
            if uid not in after:
                self._tell(Changed(self._cluster_id, old, None))
        for uid, new in after.items():
            known = before.get(uid)
            if known is None or known.metadata.resource_version != new.metadata.resource_version:
                self._tell(Changed(self._cluster_id, known, new))

    def replace_in(self, namespace: str, objects: Iterable[T]) -> None:
        """The complete state of one namespace after a list; what is elsewhere stays as it is."""
        after = {item.metadata.uid: item for item in objects}
        for uid in [old.metadata.uid for old in self.store.in_namespace(namespace) if old.metadata.uid not in after]:
            self.remove(uid)
        for item in after.values():
            self.put(item)

    def complete(self) -> None:
        """Every namespace that we know was listed."""
        self.store.synced = True

    def forget(self) -> None:
        """It is not watched any more, so nothing is known. This is told to nobody: nobody needed it."""
        self.store._objects = {}
        self.store._indexes = ({}, {}, {})
        self.store.synced = False

    def put(self, item: T) -> None:
        """An object that was made or changed."""
        uid = item.metadata.uid
        old = self.store._objects.get(uid)
        if old is not None:
            if old.metadata.resource_version == item.metadata.resource_version:
                return  # a watch that was resumed may say again what is known
            self._unindex(uid, old)
        self.store._objects[uid] = item
        self._index(uid, item)
        self._tell(Changed(self._cluster_id, old, item))

    def remove(self, uid: str) -> None:
        """An object that is gone."""
        old = self.store._objects.pop(uid, None)
        if old is not None:
            self._unindex(uid, old)
            self._tell(Changed(self._cluster_id, old, None))

    def _index(self, uid: str, item: T) -> None:
        for index, key in zip(self.store._indexes, _keys(item), strict=True):
            if key is not None:
                index.setdefault(key, {})[uid] = item

    def _unindex(self, uid: str, item: T) -> None:
        for index, key in zip(self.store._indexes, _keys(item), strict=True):
            if key is not None and (entry := index.get(key)) is not None:
                entry.pop(uid, None)
                if not entry:
                    del index[key]


def _keys(item: Observed) -> Iterator[str | None]:
    meta = item.metadata
    yield meta.namespace
    yield meta.labels.get(APPLICATION_LABEL)
    yield next((owner.uid for owner in meta.owner_references if owner.controller), None)
