"""The newest events of a cluster, in the order in which they came or rose again.

Kubernetes forgets events after an hour; here the last 10,000 of each cluster stay while the process does.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import islice

from nexus_gql import clock

from .objects import Event, ObjectReference
from .store import A_TURN

CAPACITY = 10_000
PATIENCE = 2.0
"""Seconds for which an event waits for the object that it is about."""


@dataclass(frozen=True, slots=True)
class Record:
    """An event with what is known of it: its place in the order in which events came, and the application that it is about.

    The place is its resource version, or the next after what came before where it came late.
    """

    version: int
    event: Event
    application_id: str | None


class EventLog:
    """Takes events from a reflector; readers ask for what came after a version."""

    def __init__(self, application_of: Callable[[ObjectReference], str | None], tell: Callable[[], None]) -> None:
        self.forgotten = 0
        """The newest version that had to make room: what is older than it may be incomplete."""
        self.synced = False
        self._application_of = application_of
        self._tell = tell
        # Not a plain dict: to find its first one it goes by all that were taken from its beginning.
        self._records: OrderedDict[int, Record] = OrderedDict()
        self._places: dict[str, int] = {}

    @property
    def newest(self) -> int:
        """The newest version; 0 while there is none."""
        return next(reversed(self._records), 0)

    def after(self, version: int) -> list[Record]:
        """What came after a version, oldest first."""
        found = []
        for record in self.newest_first():
            if record.version <= version:
                break
            found.append(record)
        return found[::-1]

    def get(self, uid: str) -> Record | None:
        """The event with a UID, as long as it is kept."""
        return self._records.get(self._places.get(uid, 0))

    def newest_first(self) -> Iterator[Record]:
        """Everything that is kept."""
        return reversed(self._records.values())

    def replace(self, objects: Iterable[Event]) -> None:
        """A list: what is not in it any more stays, since only Kubernetes has forgotten it."""
        for event in sorted(objects, key=_version):
            self._take(event)
        self.synced = True
        self._tell()

    def forget_synced(self) -> None:
        """It is not watched any more: what is kept stays, and may be incomplete until the next list."""
        self.synced = False

    def put(self, *items: Event) -> None:
        """Events that came, or whose count rose."""
        for item in items:
            self._take(item)
        self._tell()

    def remove(self, uid: str) -> None:
        """Kubernetes forgets it; we do not."""

    def _take(self, event: Event) -> None:
        version, place = _version(event), self._places.get(event.metadata.uid, 0)
        old = self._records.get(place)
        if version <= max(_version(old.event) if old else 0, self.forgotten):
            return  # a list may hold again what had to make room here
        self._records.pop(place, None)
        application = self._application_of(event.involved_object) or (old.application_id if old else None)
        # Namespaces that are watched one by one come in any order: one that is late comes last, since readers go by this number.
        number = max(version, self.newest + 1)
        self._places[event.metadata.uid] = number
        self._records[number] = Record(number, event, application)
        if len(self._records) > CAPACITY:
            self.forgotten, gone = self._records.popitem(last=False)
            del self._places[gone.event.metadata.uid]


@dataclass(frozen=True, slots=True)
class _Waiting:
    event: Event
    listed: bool
    until: float


_LISTED = None
"""In the queue: what was listed ends here."""


class Arrivals:
    """Where events wait for the objects that they are about: each kind has a watch of its own, and an event may outrun its object.

    It would belong to no application for ever, and whoever follows one would never see it. Those behind it keep their place.
    `awaited`: whether an object is still to be seen; for an event that was listed, which may be of something long gone, only
    until its kind was listed, too.
    """

    def __init__(self, log: EventLog, awaited: Callable[[ObjectReference, bool], bool]) -> None:
        self._log = log
        self._awaited = awaited
        self._waiting: deque[_Waiting | None] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def replace(self, objects: Collection[Event]) -> None:
        """A list, of which some are taken in each turn: an hour's events of a large cluster are tens of thousands."""
        everything, parts = iter(objects), []
        while part := sorted(islice(everything, A_TURN), key=_version):
            parts.append(part)
            await asyncio.sleep(0)
        ordered = merge(*parts, key=_version)
        while part := [*islice(ordered, A_TURN)]:
            self._queue(part, listed=True)
            await asyncio.sleep(0)
        self._waiting.append(_LISTED)
        self.look_again()

    async def replace_in(self, namespace: str, objects: Collection[Event]) -> None:  # noqa: ARG002 - an event says where it is
        """A list of one namespace."""
        await self.replace(objects)

    def complete(self) -> None:
        """Every namespace that we know was listed, which the lists have told already."""

    def put(self, item: Event) -> None:
        """An event that came, or whose count rose."""
        self._queue([item], listed=False)

    def remove(self, uid: str) -> None:
        """Kubernetes forgets it; we do not."""

    def look_again(self) -> None:
        """An object came: let those through that have waited for it, or some of them now and others in the next turn."""
        ready: list[Event] = []
        listed = False
        while self._waiting and len(ready) < A_TURN and self._may_pass(self._waiting[0]):
            if (waiting := self._waiting.popleft()) is _LISTED:
                listed = True
            else:
                ready.append(waiting.event)
        if listed:
            self._log.replace(ready)
        elif ready:
            self._log.put(*ready)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            self._timer = asyncio.get_running_loop().call_later(self._patience(self._waiting[0]), self.look_again)

    def _queue(self, events: Iterable[Event], *, listed: bool) -> None:
        until = clock.elapsed() + PATIENCE
        self._waiting.extend(_Waiting(event, listed, until) for event in events)
        self.look_again()

    def _patience(self, first: _Waiting | None) -> float:
        """Seconds until the first in the queue passes."""
        return 0.0 if first is _LISTED or self._may_pass(first) else first.until - clock.elapsed()

    def _may_pass(self, waiting: _Waiting | None) -> bool:
        return (
            waiting is _LISTED
            or waiting.until <= clock.elapsed()
            or not self._awaited(waiting.event.involved_object, waiting.listed)
        )


def _version(event: Event) -> int:
    return int(event.metadata.resource_version)
