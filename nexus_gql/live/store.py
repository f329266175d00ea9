"""What one reflector knows of a kind on a cluster: written by it alone, read by everybody."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from msgspec import Struct

from .objects import Observed

APPLICATION_LABEL = "nexus.optimal-reality.io/application"
A_TURN = 500
"""So many objects of a list are filed, or told of, in one turn of the loop: others must not wait for thousands."""


T = TypeVar("T", bound=Observed)


class Changed(Struct, Generic[T], frozen=True):
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

    async def replace(self, objects: Collection[T]) -> None:
        """The complete state after a list: it becomes visible at once, and only the differences are told.

        Of thousands, some are filed, and some told, in one turn. The store is synced when all are told: whoever waits
        for that finds everything touched that has to be judged.
        """
        store = self.store
        before, after = store._objects, _by_uid(objects)
        indexes: _Indexes = ({}, {}, {})
        for number, (uid, item) in enumerate(after.items(), 1):
            _index(indexes, uid, item)
            if number % A_TURN == 0:
                await asyncio.sleep(0)
        store._objects, store._indexes = after, indexes
        await self._tell_each(_pairs(before, after.copy()))
        store.synced = True

    async def replace_in(self, namespace: str, objects: Collection[T]) -> None:
        """The complete state of one namespace after a list; what is elsewhere stays as it is."""
        before, after = _by_uid(self.store.in_namespace(namespace)), _by_uid(objects)
        for old, new in _pairs(before, after):
            if _differ(old, new):
                self._file(old, new)
        await self._tell_each(_pairs(before, after))

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
        old = self.store._objects.get(item.metadata.uid)
        if _differ(old, item):
            self._file(old, item)
            self._tell(Changed(self._cluster_id, old, item))

    def remove(self, uid: str) -> None:
        """An object that is gone."""
        if (old := self.store._objects.get(uid)) is not None:
            self._file(old, None)
            self._tell(Changed(self._cluster_id, old, None))

    def _file(self, old: T | None, new: T | None) -> None:
        store = self.store
        if old is not None:
            _unindex(store._indexes, old.metadata.uid, old)
        if new is not None:
            store._objects[new.metadata.uid] = new
            _index(store._indexes, new.metadata.uid, new)
        elif old is not None:
            del store._objects[old.metadata.uid]

    async def _tell_each(self, pairs: Iterator[tuple[T | None, T | None]]) -> None:
        try:
            for number, (old, new) in enumerate(pairs, 1):
                self._tell_if_different(old, new)
                if number % A_TURN == 0:
                    await asyncio.sleep(0)
        finally:
            # Who is stopped here has made them visible: if they were not told now, they never would be.
            for old, new in pairs:
                self._tell_if_different(old, new)

    def _tell_if_different(self, old: T | None, new: T | None) -> None:
        if _differ(old, new):
            self._tell(Changed(self._cluster_id, old, new))


_Indexes = tuple[dict[str, dict[str, Any]], ...]


def _by_uid(objects: Iterable[T]) -> dict[str, T]:
    return {item.metadata.uid: item for item in objects}


def _pairs(before: Mapping[str, T], after: Mapping[str, T]) -> Iterator[tuple[T | None, T | None]]:
    """What was and what is; first what is gone."""
    for uid, old in before.items():
        if uid not in after:
            yield old, None
    for uid, new in after.items():
        yield before.get(uid), new


def _differ(old: T | None, new: T | None) -> bool:
    """A watch that was resumed, or a list, may say again what is known."""
    return old is None or new is None or old.metadata.resource_version != new.metadata.resource_version


def _index(indexes: _Indexes, uid: str, item: Observed) -> None:
    for index, key in zip(indexes, _keys(item), strict=True):
        if key is not None:
            if (entry := index.get(key)) is None:
                entry = index[key] = {}
            entry[uid] = item


def _unindex(indexes: _Indexes, uid: str, item: Observed) -> None:
    for index, key in zip(indexes, _keys(item), strict=True):
        if key is not None and (entry := index.get(key)) is not None:
            entry.pop(uid, None)
            if not entry:
                del index[key]


def _keys(item: Observed) -> tuple[str | None, str | None, str | None]:
    meta = item.metadata
    controller = None
    for owner in meta.owner_references:
        if owner.controller:
            controller = owner.uid
            break
    return meta.namespace, meta.labels.get(APPLICATION_LABEL), controller
