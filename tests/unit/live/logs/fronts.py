"""A front that many read together, and readers on their way to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field

from nexus_gql.live import Follower, Front, LogFrame, Mark, Meeting, Pattern, Start

from .conftest import Logs, Read

ASKED = Start(tail=100)


@dataclass
class Shared:
    """A front that is read by nobody but this, and what it has given."""

    follower: Follower
    front: Front
    frames: list[tuple[Mark, LogFrame]] = field(default_factory=list)

    def since(self, mark: Mark) -> list[LogFrame]:
        return [frame for number, frame in self.frames if number.number > mark.number]


@asynccontextmanager
async def shared(logs: Logs, pattern: Pattern | None = None, asked: Start = ASKED) -> AsyncIterator[Shared]:
    follower = logs.follower(Start(tail=0), pattern=pattern, asked=asked)
    one = Shared(follower, Front(follower))

    async def take() -> None:
        async with aclosing(one.front.frames()) as frames:
            async for found in frames:
                one.frames.append(found)

    task = asyncio.create_task(take())
    await asyncio.sleep(1)
    try:
        yield one
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class Arrival:
    """A reader that is on its way to a front; then the front reads for it."""

    def __init__(
        self, logs: Logs, to: Shared, start: Start | None, after: str | None, pattern: Pattern | None = None
    ) -> None:
        self.read = Read()
        self.mark: Mark | None = None
        self._to = to
        self._follower = logs.follower(start, after, pattern)
        self._task = asyncio.create_task(self._arrive())

    async def _arrive(self) -> None:
        meeting = Meeting(self._to.front.standing)
        async with aclosing(self._follower.frames(meeting)) as frames:
            async for frame in frames:
                self.read.frames.append(frame)
        self.mark = meeting.mark

    async def there(self) -> None:
        async with asyncio.timeout(60):
            await self._task

    @property
    def all(self) -> Read:
        """What it has got so far."""
        return Read([*self.read.frames, *([] if self.mark is None else self._to.since(self.mark))])

    async def left(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task


async def meets(arrival: Arrival, within: float) -> None:
    """It meets the front within some seconds."""
    async with asyncio.timeout(within):
        await arrival.there()
