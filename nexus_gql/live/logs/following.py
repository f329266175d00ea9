"""Follows the logs of many containers as pods come and go, and hands them on merged by time.

Each source has a task that reads it into a short buffer; a full buffer stops the reading, so a slow reader costs no memory.
Lines are handed on in the order of (time, source) among the sources that have something or may have at once: a source that has
been silent for a moment holds nobody up, and a line of it that comes late comes with its own time.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace

import structlog

from nexus_gql import clock
from nexus_gql.backoff import Backoff
from nexus_gql.clusters import ClusterError, Link, RequestError

from .cursor import Cursor
from .lines import Line, Position
from .pattern import Pattern
from .source import Source, Start, read

log = structlog.get_logger(__name__)

SOURCES_LIMIT = 500
_BUFFER = 1000
_BUFFER_CHARACTERS = 256 * 1024
"""A source is read on while less than both waits: lines may be long, and readers slow."""
_FRAME_LINES = 500
_FRAME_PAUSE = 0.05
"""Seconds for which lines are gathered into one frame."""
_QUIET = 0.25
"""Seconds of silence after which a source holds up nobody's lines any more."""


class TooManySources(Exception):
    """More containers than one reader may follow."""


@dataclass(frozen=True, slots=True)
class LogFrame:
    """Lines in order, sources that were opened and closed, and the cursor after them."""

    lines: list[tuple[Source, Line]]
    opened: list[Source]
    closed: list[Source]
    cursor: str


@dataclass
class _Tail:
    """One source being read."""

    source: Source
    task: asyncio.Task[None] | None = None
    buffer: deque[Line] = field(default_factory=deque)
    size: int = 0
    room: asyncio.Event = field(default_factory=asyncio.Event)
    heard: float = 0.0
    ended: bool = False
    answered: bool = False
    reached: Position | None = None
    """Where the reading stands; what waits in the buffer is behind it."""

    def holds_up(self, now: float) -> bool:
        """Whether lines of others should wait for its next one."""
        return not self.buffer and not self.ended and now - self.heard < _QUIET

    def behind(self, now: float) -> bool:
        """Whether lines older than those of others may still come, so that a cursor must say how far it has come."""
        return bool(self.buffer) or not self.answered or now - self.heard < _QUIET

    @property
    def full(self) -> bool:
        """Whether the reading has to wait."""
        return len(self.buffer) >= _BUFFER or self.size >= _BUFFER_CHARACTERS

    def put(self, line: Line) -> None:
        """A line that was read."""
        self.buffer.append(line)
        self.size += len(line.text)

    def take(self) -> Line:
        """The oldest line that waits."""
        line = self.buffer.popleft()
        self.size -= len(line.text)
        self.room.set()
        return line


class Follower:
    """One reader's view of many logs. `sources` says which there are now; `changed` wakes when that may be different."""

    def __init__(
        self,
        link: Callable[[Source], Link | None],
        sources: Callable[[], dict[str, Source]],
        running: Callable[[Source], bool],
        start: Start,
        cursor: Cursor | None,
        pattern: Pattern | None,
        *,
        follow: bool,
    ) -> None:
        self._link = link
        self._sources = sources
        self._running = running
        self._start = start
        self._cursor = cursor
        self._pattern = pattern
        self._follow = follow
        self._tails: dict[str, _Tail] = {}
        self._positions: dict[str, Position] = {}
        self._something = asyncio.Event()
        self._first = True

    def look_again(self) -> None:
        """Pods came or went."""
        self._something.set()

    async def frames(self) -> AsyncGenerator[LogFrame, None]:
        """Frames until everything has ended (never, while following). Close it where it is left before."""
        try:
            opened = self._adjust()
            yield LogFrame([], opened, [], self._text())
            while self._follow or self._tails:
                await self._gather()
                opened = self._adjust()
                lines = self._merged()
                closed = self._close_ended()
                if lines or opened or closed:
                    yield LogFrame(lines, opened, closed, self._text())
        finally:
            tasks = [tail.task for tail in self._tails.values() if tail.task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _gather(self) -> None:
        """Wait for something, then a moment more, so that a frame holds more than one line."""
        now = clock.elapsed()
        pending = any(tail.buffer for tail in self._tails.values())
        try:
            # While somebody's lines are held back for a source that may still speak, look again when its moment is over.
            async with asyncio.timeout(_QUIET if pending else None):
                await self._something.wait()
        except TimeoutError:
            pass
        self._something.clear()
        # A whole frame that nobody holds up goes at once; even then others get a turn of the loop first.
        at_once = self._has_a_frame() and not self._held_up()
        await asyncio.sleep(0.0 if at_once else max(0.0, _FRAME_PAUSE - (clock.elapsed() - now)))

    def _has_a_frame(self) -> bool:
        return any(tail.full or len(tail.buffer) >= _FRAME_LINES for tail in self._tails.values())

    def _held_up(self) -> bool:
        now = clock.elapsed()
        if self._follow:
            return any(tail.holds_up(now) for tail in self._tails.values())
        return any(not tail.buffer and not tail.ended for tail in self._tails.values())

    def _adjust(self) -> list[Source]:
        """Open what has come; what has gone ends by itself when its log does."""
        opened: list[Source] = []
        if not (self._follow or self._first):
            return opened
        for key, source in self._sources().items():
            if (known := self._tails.get(key)) is not None:
                if known.ended and self._goes_on(source):  # its container was started again
                    known.ended = False
                    self._read(known)
                continue
            if len(self._tails) >= SOURCES_LIMIT:
                if self._first:
                    raise TooManySources(f"More than {SOURCES_LIMIT} containers are in this scope; narrow it.")
                break
            tail = self._tails[key] = _Tail(source, heard=clock.elapsed())
            tail.reached = self._beginning(key)
            self._read(tail)
            opened.append(source)
        self._first = False
        return opened

    def _read(self, tail: _Tail) -> None:
        tail.task = asyncio.create_task(self._keep(tail), name=f"log {tail.source.key}")

    def _goes_on(self, source: Source) -> bool:
        """Whether there is more to come after the end of a stream. The log of a previous container is complete."""
        return self._follow and not self._start.previous and self._running(source)

    def _beginning(self, key: str) -> Position | None:
        """Where to begin in a source; None: as the reader asked."""
        if self._cursor is not None:
            return self._positions.setdefault(key, self._cursor.position(key))
        # A pod that came while we were following is read from its first line.
        return None if self._first else Position()

    def _merged(self) -> list[tuple[Source, Line]]:
        """The lines that are due, oldest first."""
        result: list[tuple[Source, Line]] = []
        while len(result) < _FRAME_LINES:
            if self._held_up():
                break
            ready = [tail for tail in self._tails.values() if tail.buffer]
            if not ready:
                break
            tail = min(ready, key=lambda tail: (tail.buffer[0].at, tail.source.key))
            line = tail.take()
            self._positions[tail.source.key] = self._positions.get(tail.source.key, Position()).after(line)
            if self._pattern is None or self._pattern.wants(line.text):
                result.append((tail.source, line))
        if any(tail.buffer for tail in self._tails.values()):
            self._something.set()
        return result

    def _close_ended(self) -> list[Source]:
        over = [key for key, tail in self._tails.items() if tail.ended and not tail.buffer]
        there = self._sources() if over else {}
        closed = [self._tails.pop(key).source for key in over if not (self._follow and key in there)]
        if self._follow:  # else they have come to an end for now, and a reader may go on from there later
            for source in closed:
                self._positions.pop(source.key, None)
        return closed

    def _text(self) -> str:
        now = clock.elapsed()
        lagging = {key for key, tail in self._tails.items() if tail.behind(now)}
        positions = dict.fromkeys(self._tails, Position()) | self._positions
        return Cursor.of(positions, lagging).text()

    async def _keep(self, tail: _Tail) -> None:
        """Read a source until it has ended for good; a stream that ends while its container does not is opened again."""
        backoff = Backoff(first=0.25, ceiling=10.0)
        try:
            while True:
                await self._read_once(tail)
                if not self._goes_on(tail.source):
                    break
                await asyncio.sleep(backoff.failed())
        finally:
            tail.ended = True
            self._something.set()

    async def _read_once(self, tail: _Tail) -> None:
        """Read on until the stream ends or breaks."""
        try:
            # Closed at once where this task ends meanwhile: the stream keeps a connection to the cluster.
            async with aclosing(self._lines(tail, replace(self._start, position=tail.reached))) as stream:
                async for line in stream:
                    await self._buffer(tail, line)
                    tail.reached = (tail.reached or Position()).after(line)
        except RequestError:
            pass  # 400, 404: the container does not run yet, or its log cannot be had just now
        except ClusterError:
            if (link := self._link(tail.source)) is not None:
                link.doubt()
        except Exception:
            # A fault of ours. Nobody awaits this task before the reader leaves, who would wait for ever for what it reads.
            log.exception("A log cannot be read", source=tail.source.key)
        finally:
            tail.answered = False

    async def _lines(self, tail: _Tail, start: Start) -> AsyncGenerator[Line, None]:
        link = self._link(tail.source)
        if link is None:
            return
        connection = await (link.wait_until_connected() if self._follow else link.connected())
        tail.heard = clock.elapsed()

        def answered() -> None:
            tail.answered, tail.heard = True, clock.elapsed()

        async with aclosing(read(connection, tail.source, start, follow=self._follow, answered=answered)) as stream:
            async for line in stream:
                yield line

    async def _buffer(self, tail: _Tail, line: Line) -> None:
        while tail.full:
            tail.room.clear()
            self._something.set()
            await tail.room.wait()
        tail.put(line)
        tail.heard = clock.elapsed()
        self._something.set()
