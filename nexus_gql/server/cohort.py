"""Members who are sent the same: who they are, which of them are at the front, and how they leave.

Most members are at the front: they have been sent everything up to one place, and each further step goes to all of them at once.
Whoever has just come, or does not read fast enough, is brought there by a task of its own.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from . import metrics
from .frames import Frame
from .metrics import Metrics, Outcome

AT_ONCE = 500
"""Members that are written to in one turn of the loop: about five milliseconds."""

P = TypeVar("P")
T = TypeVar("T")


class Member(Protocol):
    """Who frames are sent to."""

    @property
    def ready(self) -> bool:
        """Whether it keeps up with what it was given."""

    async def drained(self) -> None:
        """Wait until it does."""

    def deliver(self, frames: Iterable[Frame]) -> None:
        """Take frames, at once and without waiting."""

    def over(self) -> None:
        """Nothing comes any more."""


class Failed(Exception):
    """A frame that has no data but errors: those that it was for have lost track, and end with it."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        super().__init__("an execution came to nothing")


class Place(Generic[P]):
    """A member's place in a cohort. `position`: what it has been sent up to; None while it has not begun.

    `after`: until then, the cursor that it goes on after.
    """

    __slots__ = ("_cohort", "after", "member", "outcome", "position", "protocol", "task")

    def __init__(self, cohort: "Cohort[P]", member: Member, protocol: metrics.Protocol, after: str | None) -> None:
        self._cohort = cohort
        self.member = member
        self.protocol = protocol
        self.after = after
        self.position: P | None = None
        self.outcome = Outcome.LEFT
        self.task: asyncio.Task[None] | None = None

    def deliver(self, frames: Sequence[Frame]) -> None:
        """Give frames to the member."""
        if frames:
            self.member.deliver(frames)
            failed = self.outcome is Outcome.ERRORS or any(frame.failed for frame in frames)
            self.outcome = Outcome.ERRORS if failed else Outcome.OK

    def cancel(self) -> None:
        """Leave; without effect where it is over."""
        self._cohort.leave(self)


@dataclass(frozen=True, slots=True)
class Sending:
    """How a cohort sends. `execute` makes a frame of what its feed gives, `tell` one of an exception; `left` hears of each who is gone."""

    execute: Callable[[object], Awaitable[Frame]]
    tell: Callable[[Exception], Frame]
    left: Callable[["Cohort[Any]", Place[Any]], None]
    numbers: Metrics


class Cohort(ABC, Generic[P]):
    """Its members, and how they are brought to the front."""

    def __init__(self, sending: Sending) -> None:
        self._execute, self._tell = sending.execute, sending.tell
        self._left, self._numbers = sending.left, sending.numbers
        self._places: set[Place[P]] = set()
        self._front: set[Place[P]] = set()
        self._pump: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._over = False

    @property
    def empty(self) -> bool:
        """Whether nobody is here."""
        return not self._places

    @property
    def over(self) -> bool:
        """Whether nothing comes any more: who still reads ends with what is on its way."""
        return self._over

    def join(self, member: Member, protocol: metrics.Protocol, after: str | None = None) -> Place[P]:
        """A new member, which is brought to the front. `after`: the cursor that it goes on after."""
        place = Place(self, member, protocol, after)
        self._places.add(place)
        self._bring(place)
        if self._pump is None:
            self._pump = self._start(self._follow(), "cohort")
        return place

    def leave(self, place: Place[P]) -> None:
        """Forget a member; the last one ends all work."""
        if place not in self._places:
            return
        self._places.discard(place)
        self._front.discard(place)
        if place.task is not None and place.task is not asyncio.current_task():
            place.task.cancel()
        self._left(self, place)
        if not self._places:
            self._close()

    @abstractmethod
    async def _follow(self) -> None:
        """Take all that are at the front further, for ever."""

    @abstractmethod
    async def _nearer(self, place: Place[P]) -> None:
        """Take one that is not at the front a step further."""

    @abstractmethod
    def _is_at_front(self, place: Place[P]) -> bool:
        """Whether it has been sent what those at the front have."""

    def _close(self) -> None:
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()

    def _start(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Work for all members, which ends with the last of them."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waited for it may be gone

    async def _send(self, front: Sequence[Place[P]], before: P, frames: Sequence[Frame]) -> None:
        """Give frames to those at the front. One that does not keep up is left behind where it was before them."""
        for number, place in enumerate(front):
            if number % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
            if place not in self._front:
                continue
            if place.member.ready:
                place.deliver(frames)
                if self._over:
                    self._end(place)
            else:
                self._front.discard(place)
                place.position = before
                self._bring(place)

    def _bring(self, place: Place[P]) -> None:
        place.task = asyncio.create_task(self._until_front(place), name="member of a cohort")

    async def _until_front(self, place: Place[P]) -> None:
        try:
            while place in self._places and not self._is_at_front(place):
                await self._nearer(place)
        except Exception as error:
            self._fail([place], error)
            return
        place.task = None
        if place not in self._places:
            return
        if self._over:
            self._end(place)
        else:
            self._front.add(place)

    def _fail(self, places: Iterable[Place[P]], error: Exception) -> None:
        """End some members with an error, and nobody else."""
        frame = error.frame if isinstance(error, Failed) else self._tell(error)
        for place in places:
            if place in self._places:
                place.deliver((frame,))
                self._end(place)

    def _end(self, place: Place[P]) -> None:
        self.leave(place)
        place.member.over()
