"""Equal subscriptions to a state feed: each change is executed once for all of them, and each snapshot.

What waits for a slow reader is not kept but made when it is ready: from its own position to the front, in one step.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from .cohort import Cohort, Place, Sending
from .frames import Frame
from .metrics import Execution

if TYPE_CHECKING:  # whoever imports the server has not yet imported the rooms below, which takes a second
    from nexus_gql.schema import Following

# Members that lag in the same way share a step; so many different ones are remembered.
_STEPS_KEPT = 8
# What a snapshot shows beside its feed's subject (ages, usage) moves on though the position does not.
_SNAPSHOT_FOR = 10.0


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
        self.over = False
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


class StateCohort(Cohort[int]):
    """A position is a number of the feed."""

    def __init__(self, following: "Following", sending: Sending) -> None:
        super().__init__(sending)
        self._following = following
        self._at = following.feed.position
        self._ahead: dict[int, asyncio.Event] = {}
        self._snapshot: _Snapshot | None = None
        self._steps: dict[tuple[int, int], asyncio.Task[_Made | None]] = {}
        self._expiry: asyncio.TimerHandle | None = None

    def _close(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
        super()._close()

    # ── the front ──

    async def _follow(self) -> None:
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
        await self._send(front, before, made.frames)

    def _arrived(self) -> None:
        for position in [position for position in self._ahead if self._over or position <= self._at]:
            self._ahead.pop(position).set()

    def _begin_again(self, places: Iterable[Place[int]]) -> None:
        for place in places:
            place.position = None
            self._bring(place)

    # ── on the way to the front ──

    def _is_at_front(self, place: Place[int]) -> bool:
        if place.position is None:
            return False
        return place.position == self._at or (self._over and place.position > self._at)

    async def _nearer(self, place: Place[int]) -> None:
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
            if made.over:
                self._end(place)  # nobody was at the front who would have been told
                return
            await asyncio.sleep(0)

    async def _begin(self, place: Place[int]) -> None:
        snapshot = self._latest()
        number = 0
        while (frame := await snapshot.frame(number)) is not None:
            number += 1
            await place.member.drained()
            place.deliver((frame,))
            await asyncio.sleep(0)
        place.position = snapshot.position
        if snapshot.over:
            self._end(place)

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
            snapshot.position, snapshot.over = made.position, made.over
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
