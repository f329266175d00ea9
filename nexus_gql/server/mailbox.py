"""A member of a cohort that is read by a generator: what an event stream sends."""

import asyncio
from collections.abc import AsyncGenerator, Iterable

from .frames import Frame


class Mailbox:
    """Holds the frames of one delivery, and is ready for the next once they have been taken and sent."""

    def __init__(self) -> None:
        self._frames: list[Frame] = []
        self._over = False
        self._filled = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def ready(self) -> bool:
        """Whether everything before was sent."""
        return self._empty.is_set()

    async def drained(self) -> None:
        """Wait until it was."""
        await self._empty.wait()

    def deliver(self, frames: Iterable[Frame]) -> None:
        """Hold them until they are taken."""
        self._frames += frames
        self._empty.clear()
        self._filled.set()

    def over(self) -> None:
        """End after what is held."""
        self._over = True
        self._filled.set()

    async def frames(self) -> AsyncGenerator[Frame, None]:
        """All that is delivered, as it comes."""
        while True:
            await self._filled.wait()
            self._filled.clear()
            taken, self._frames = self._frames, []
            for frame in taken:
                yield frame
            if not self._frames:
                if self._over:
                    return
                self._empty.set()
