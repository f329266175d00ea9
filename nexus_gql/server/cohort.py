"""Equal subscriptions to a state feed: each change is executed once for all of them, and each snapshot.

Most members are at the front: they have been sent everything up to one position, and each further step goes to all of them at once.
Whoever has just come, or does not read fast enough, is brought there by a task of its own. What waits for a slow reader is not kept
but made when it is ready: from its own position to the front, in one step.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from . import metrics
from .frames import Frame
from .metrics import Execution, Metrics, Outcome

if TYPE_CHECKING:  # whoever imports the server has not yet imported the rooms below, which takes a second
    from nexus_gql.schema import Following

# Members that are written to in one turn of the loop: about five milliseconds.
_AT_ONCE = 500
# Members that lag in the same way share a step; so many different ones are remembered.
_STEPS_KEPT = 8
# What a snapshot shows beside its feed's subject (ages, usage) moves on though the position does not.
_SNAPSHOT_FOR = 10.0


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


class Place:
    """A member's place in a cohort. `position`: what it has been sent up to; None before its snapshot."""

    __slots__ = ("_cohort", "member", "outcome", "position", "protocol", "task")

    def __init__(self, cohort: "Cohort", member: Member, protocol: metrics.Protocol) -> None:
        self._cohort = cohort
        self.member = member
        self.protocol = protocol
        self.position: int | None = None
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


class _Made:
    """A step that was executed."""

    __slots__ = ("again", "frames", "over")

    def __init__(self, frames: Sequence[Frame], *, again: bool, over: bool) -> None:
        self.frames = frames
        self.again = again
        self.over = over


class _Snapshot:
    """A snapshot while it is made: whoever wants it gets its frames as they become ready."""

    def __init__(self) -> None:
        self.position: int | None = None
        self.ended = False
        self.error: Exception | None = None
        self._frames: list[Frame] = []
        self._more = asyncio.Event()

    def add(self, *frames: Frame) -> None:
        """There is more, or there will be no more."""
        self._frames += frames
        more, self._more = self._more, asyncio.Event()
        more.set()

    async def frame(self, number: int) -> Frame | None:
        """One frame, once it is ready; None after the last. Raises what kept the snapshot from being made."""
        while number >= len(self._frames):
            if self.ended:
                if self.error is not None:
                    raise self.error
                return None
            await self._more.wait()
        return self._frames[number]


class Cohort:
    """`execute` makes a frame of what the feed gives; `tell` one of an exception; `left` hears of each member that is gone."""

    def __init__(
        self,
        following: "Following",
        *,
        execute: Callable[[object], Awaitable[Frame]],
        tell: Callable[[Exception], Frame],
        left: Callable[["Cohort", Place], None],
        numbers: Metrics,
    ) -> None:
        self._following = following
        self._execute = execute
        self._tell = tell
        self._left = left
        self._numbers = numbers
        self._places: set[Place] = set()
        self._front: set[Place] = set()
        self._at = following.feed.position
        self._ahead: dict[int, asyncio.Event] = {}
        self._snapshot: _Snapshot | None = None
        self._steps: dict[tuple[int, int], asyncio.Task[_Made | None]] = {}
        self._pump: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._expiry: asyncio.TimerHandle | None = None
        self._over = False

    @property
    def empty(self) -> bool:
        """Whether nobody is here."""
        return not self._places

    def join(self, member: Member, protocol: metrics.Protocol) -> Place:
        """A new member: a snapshot, then what comes after it."""
        place = Place(self, member, protocol)
        self._places.add(place)
        self._bring(place)
        if self._pump is None:
            self._pump = self._start(self._follow(), "cohort")
        return place

    def leave(self, place: Place) -> None:
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

    def _close(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
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

    # ── the front ──

    async def _follow(self) -> None:
        """Take all that are at the front further, for ever."""
        feed = self._following.feed
        while self._places and not self._over:
            await feed.newer(self._at)
            self._forget()
            # Whoever has a snapshot of a later position waits there.
            target = min([feed.position, *self._ahead])
            try:
                made = await self._step(self._at, target) if self._front else _Made((), again=False, over=False)
            except Exception as error:
                self._at = target
                self._fail([*self._front], error)
            else:
                await self._advance(made, target)
            self._arrived()

    async def _advance(self, made: _Made | None, target: int) -> None:
        before, front, self._at = self._at, [*self._front], target
        if made is None or made.again:
            self._front.clear()
            self._begin_again(front)
            return
        if not made.frames and not made.over:
            return
        self._over = made.over
        self._arrived()
        for number, place in enumerate(front):
            if number % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)
            if place not in self._front:
                continue
            if place.member.ready:
                place.deliver(made.frames)
                if made.over:
                    self._end(place)
            else:
                self._front.discard(place)
                place.position = before
                self._bring(place)

    def _arrived(self) -> None:
        for position in [position for position in self._ahead if self._over or position <= self._at]:
            self._ahead.pop(position).set()

    def _begin_again(self, places: Iterable[Place]) -> None:
        for place in places:
            place.position = None
            self._bring(place)

    # ── on the way to the front ──

    def _bring(self, place: Place) -> None:
        place.task = asyncio.create_task(self._until_front(place), name="member of a cohort")

    async def _until_front(self, place: Place) -> None:
        try:
            while not self._is_at_front(place):
                await self._nearer(place)
        except Exception as error:
            self._fail([place], error)
            return
        place.task = None
        if self._over:
            self._end(place)
        elif place in self._places:
            self._front.add(place)

    def _is_at_front(self, place: Place) -> bool:
        if place.position is None:
            return False
        return place.position == self._at or (self._over and place.position > self._at)

    async def _nearer(self, place: Place) -> None:
        if place.position is None:
            await self._begin(place)
        elif place.position > self._at:
            await self._ahead.setdefault(place.position, asyncio.Event()).wait()
        else:
            await place.member.drained()  # what it has not read yet grows no further until it has
            target = self._at
            made = await self._step(place.position, target)
            if made is None or made.again:
                place.position = None
                return
            place.deliver(made.frames)
            place.position = target
            await asyncio.sleep(0)

    async def _begin(self, place: Place) -> None:
        snapshot = self._latest()
        number = 0
        while (frame := await snapshot.frame(number)) is not None:
            number += 1
            await place.member.drained()
            place.deliver((frame,))
            await asyncio.sleep(0)
        place.position = snapshot.position

    # ── executions ──

    def _latest(self) -> _Snapshot:
        """The snapshot of the feed's position: the one that there is, or a new one."""
        latest = self._snapshot
        if latest is None or latest.position not in {None, self._following.feed.position}:
            latest = self._snapshot = _Snapshot()
            self._start(self._make_snapshot(latest), "snapshot of a cohort")
        return latest

    async def _make_snapshot(self, snapshot: _Snapshot) -> None:
        self._numbers.executed(Execution.SNAPSHOT)
        try:
            made = await self._following.snapshot()
            snapshot.position = made.position
            for frame in made.frames:
                snapshot.add(await self._execute(frame))
                await asyncio.sleep(0)
        except Exception as error:
            snapshot.error = error
        snapshot.ended = True
        snapshot.add()
        self._made(snapshot)

    def _made(self, snapshot: _Snapshot) -> None:
        """It may be joined for a while, unless it is not what it should be."""
        if snapshot is not self._snapshot:
            return
        if snapshot.error is not None:
            self._snapshot = None
        else:
            self._expiry = asyncio.get_running_loop().call_later(_SNAPSHOT_FOR, self._forget)

    def _forget(self) -> None:
        """Keep a snapshot no longer than it may be joined; those that it is still sent to have it."""
        if self._expiry is not None:
            self._expiry.cancel()
        if self._snapshot is not None and self._snapshot.position is not None:
            self._snapshot = self._expiry = None

    async def _step(self, start: int, end: int) -> _Made | None:
        """What the changes after one position and up to another make; None where they are not all there any more."""
        task = self._steps.get((start, end))
        if task is None:
            task = self._steps[start, end] = self._start(self._make_step(start, end), "step of a cohort")
            while len(self._steps) > _STEPS_KEPT:
                del self._steps[next(iter(self._steps))]
        return await asyncio.shield(task)  # another may wait for it too

    async def _make_step(self, start: int, end: int) -> _Made | None:
        changes = self._following.feed.since(start)
        if not isinstance(changes, list):
            return None
        self._numbers.executed(Execution.CHANGE)
        step = await self._following.change(changes[: end - start], end)
        frames = []
        for frame in step.frames:
            frames.append(await self._execute(frame))
            if len(frames) < len(step.frames):
                await asyncio.sleep(0)
        return _Made(frames, again=step.again, over=step.over)

    # ── the end ──

    def _fail(self, places: Iterable[Place], error: Exception) -> None:
        """End some members with an error, and nobody else."""
        frame = error.frame if isinstance(error, Failed) else self._tell(error)
        for place in places:
            if place in self._places:
                place.deliver((frame,))
                self._end(place)

    def _end(self, place: Place) -> None:
        self.leave(place)
        place.member.over()
