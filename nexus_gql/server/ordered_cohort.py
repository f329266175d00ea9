"""Equal subscriptions to an ordered feed (logs, events): each of its frames is executed once for all of them.

A new member is first sent what lies between its cursor and the front, together with those who came when it did. What waits for a slow
reader are the newest frames, which all members have in common; one that these have left behind is told what it missed, and goes on.
"""

import asyncio
from collections import deque
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, NamedTuple

from .cohort import Cohort, Place, Sending
from .frames import Frame
from .metrics import Execution
from .party import Party

if TYPE_CHECKING:  # whoever imports the server has not yet imported the rooms below, which takes a second
    from nexus_gql.schema import Front, Mark

_KEPT_BYTES = 1024 * 1024
"""Of the newest frames, for those who do not keep up."""
_PATIENCE = 1.0
"""Seconds for which the feed waits for the first of its members: so a burst reaches whoever reads fast, whole."""


class _Kept(NamedTuple):
    mark: "Mark"
    frame: Frame


class OrderedCohort(Cohort["Mark"]):
    """A position is the mark of the last frame that was sent."""

    def __init__(self, feed: "Front[Any, Any]", sending: Sending) -> None:
        super().__init__(sending)
        self._feed = feed
        self._kept: deque[_Kept] = deque()
        self._bytes = 0
        self._floor = self._at = feed.mark
        self._caught_up = asyncio.Event()
        self._moved = asyncio.Event()
        self._impatient = False
        self._parties: dict[str | None, Party] = {}

    async def _follow(self) -> None:
        try:
            async with aclosing(self._feed.frames()) as frames:
                async for mark, value in frames:
                    self._numbers.executed(Execution.CHANGE)
                    await self._advance(mark, await self._execute(value))
        except Exception as error:
            self._fail([*self._places], error)

    async def _advance(self, mark: "Mark", frame: Frame) -> None:
        before, front, self._at = self._at, [*self._front], mark
        self._keep(mark, frame)
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()
        await self._send(front, before, (frame,))
        await asyncio.sleep(0)  # it is written now, so that it is known who keeps up
        await self._first()

    def _keep(self, mark: "Mark", frame: Frame) -> None:
        self._kept.append(_Kept(mark, frame))
        self._bytes += frame.size
        while self._bytes > _KEPT_BYTES and len(self._kept) > 1:
            gone = self._kept.popleft()
            self._bytes -= gone.frame.size
            self._floor = gone.mark

    async def _first(self) -> None:
        """Wait, but not for long, until somebody is at the front."""
        if self._front:
            self._impatient = False
        elif not self._impatient:
            self._caught_up.clear()
            try:
                async with asyncio.timeout(_PATIENCE):
                    await self._caught_up.wait()
            except TimeoutError:
                self._impatient = True

    def _is_at_front(self, place: Place["Mark"]) -> bool:
        there = place.position is not None and place.position.number == self._at.number
        if there:
            self._caught_up.set()
        return there

    async def _nearer(self, place: Place["Mark"]) -> None:
        if place.position is None:
            await self._begin(place)
            return
        if place.position.number > self._at.number:
            await self._moved.wait()  # it met the front at a frame that is being executed
            return
        await place.member.drained()
        floor = self._floor
        lag = place.position.number - floor.number
        if lag < 0:
            frame = await self._execute(self._feed.left_out(place.position, floor))
            place.position = floor
        else:
            place.position, frame = self._kept[lag]
        place.deliver((frame,))
        await asyncio.sleep(0)

    async def _begin(self, place: Place["Mark"]) -> None:
        """What lies before the front, with those who are at the same place."""
        await place.member.drained()
        after = place.after
        party = self._parties.get(after)
        if party is None or party.closed:
            party = self._parties[after] = Party(self._feed.arrival(after), self._execute_arrival)
        try:
            await party.take_along(place)
        finally:
            if self._parties.get(after) is party:
                del self._parties[after]

    async def _execute_arrival(self, value: object) -> Frame:
        self._numbers.executed(Execution.ARRIVAL)
        return await self._execute(value)
