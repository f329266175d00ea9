"""The time of the sandbox: the real one, or one whose hands a test moves. Everything in the sandbox waits on it."""

import asyncio
import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

_START = datetime(2026, 1, 1, tzinfo=UTC)
_TURNS = 25


class Handle:
    """A call that is planned and can be taken back."""

    __slots__ = ("_cancel",)

    def __init__(self, cancel: Callable[[], None]) -> None:
        self._cancel = cancel

    def cancel(self) -> None:
        """Do not call; nothing where it was called already."""
        self._cancel()


class Clock:
    """Real time."""

    def now(self) -> datetime:
        """This instant, in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(max(seconds, 0))

    def call_at(self, when: datetime, callback: Callable[[], None]) -> Handle:
        """Call at that instant, at once where it has passed."""
        delay = max((when - self.now()).total_seconds(), 0.0)
        return Handle(asyncio.get_running_loop().call_later(delay, callback).cancel)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Handle:
        """Call after so many seconds."""
        return self.call_at(self.now() + timedelta(seconds=seconds), callback)


class Driven(Clock):
    """A clock that stands still until it is moved."""

    def __init__(self, start: datetime = _START) -> None:
        self._now = start
        self._numbers = count()
        self._planned: list[tuple[datetime, int, Callable[[], None]]] = []
        self._cancelled: set[int] = set()

    def now(self) -> datetime:
        """Where the hands stand."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Wait until the hands were moved so far."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        handle = self.call_at(self._now + timedelta(seconds=max(seconds, 0)), lambda: _wake(woken))
        try:
            await woken
        finally:
            handle.cancel()

    def call_at(self, when: datetime, callback: Callable[[], None]) -> Handle:
        """Call when the hands reach that instant; a past one is reached at the next turn of the loop."""
        if when <= self._now:
            return Handle(asyncio.get_running_loop().call_soon(callback).cancel)
        number = next(self._numbers)
        heapq.heappush(self._planned, (when, number, callback))
        return Handle(lambda: self._cancelled.add(number))

    async def advance(self, seconds: float) -> None:
        """Move the hands, stopping at each planned instant until all that it set going has come to rest."""
        until = self._now + timedelta(seconds=seconds)
        await settle()
        while self._planned and self._planned[0][0] <= until:
            when, number, callback = heapq.heappop(self._planned)
            if number in self._cancelled:
                self._cancelled.discard(number)
                continue
            self._now = max(self._now, when)
            callback()
            if not self._planned or self._planned[0][0] > when:
                await settle()
        self._now = until
        await settle()


async def settle() -> None:
    """Let every task that can run do so: each turn of the loop runs what the turn before made ready."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def stamp(instant: datetime) -> str:
    """An instant as objects carry it: whole seconds, UTC."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
