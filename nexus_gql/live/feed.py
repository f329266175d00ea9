"""A ring of numbered changes: one writer, any number of readers that hold nothing but a position."""

import asyncio
import secrets
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

T = TypeVar("T")

EPOCH = secrets.token_hex(4)
"""Of this process: numbers of another one mean nothing here."""


@dataclass(frozen=True, slots=True)
class Lapsed:
    """The ring no longer holds all that a reader has not seen; it begins anew, with a snapshot."""

    missed: int


class Feed(Generic[T]):
    """Changes numbered from 1. A reader asks for what came since its position, and waits for more."""

    def __init__(self, capacity: int = 8192) -> None:
        self.position = 0
        self._ring: deque[T] = deque(maxlen=capacity)
        self._waiting: set[asyncio.Future[None]] = set()

    def publish(self, change: T) -> None:
        """Number a change and wake the readers that wait."""
        self._ring.append(change)
        self._advance()

    def lapse(self) -> None:
        """Something changed that cannot be told: every reader begins anew."""
        self._ring.clear()
        self._advance()

    def _advance(self) -> None:
        self.position += 1
        waiting, self._waiting = self._waiting, set()
        for reader in waiting:
            if not reader.done():
                reader.set_result(None)

    def since(self, position: int) -> list[T] | Lapsed:
        """What came after a position, oldest first."""
        new = self.position - position
        if new > len(self._ring):
            return Lapsed(new - len(self._ring))
        return list(islice(self._ring, len(self._ring) - new, None))

    async def newer(self, position: int) -> None:
        """Wait until there is something after a position."""
        while self.position <= position:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.add(future)
            try:
                await future
            finally:
                self._waiting.discard(future)

    def text(self, position: int) -> str:
        """A position as a client sees it."""
        return f"{EPOCH}-{position}"
