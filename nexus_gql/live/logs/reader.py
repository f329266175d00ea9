"""One reader's part in one source: what lies before it is read by a request of its own, then it sits down at the tap."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace

import structlog

from nexus_gql import clock
from nexus_gql.backoff import Backoff
from nexus_gql.clusters import ClusterError, RequestError, Unreachable

from .gaps import Gap, Reason
from .lines import Line, Position
from .reading import Placed, history
from .ring import Entry
from .source import Source, Stage, Start
from .tap import HOPELESS, Tap, Taps

log = structlog.get_logger(__name__)

QUIET = 0.25
"""Seconds of silence after which a source holds up nobody's lines any more."""
_ARRIVAL = 2.0
"""Seconds for which the others wait for what a source has already, so that the first lines come in order. One whose log cannot be
read for so long is met where it waits."""
_BUFFER = 1000
_BUFFER_CHARACTERS = 256 * 1024
"""What lies before is read on while less than both waits: lines may be long, and readers slow."""
_ROUNDS = 3
"""So often a reader reads on by itself because the tap went on too fast meanwhile; then the rest is left out."""


Place = int | Start
"""The seat at the tap that a reader takes next, or how it will begin once the log can be read."""


class Reading:
    """Where one reader stands in one source, and what it takes next. With `follow` it joins the source's tap."""

    def __init__(self, taps: Taps, source: Source, start: Start, wake: Callable[[], None], *, follow: bool) -> None:
        self.source = source
        self.position = start.position or Position()
        self.seat: int | None = None
        self.wake = wake
        self.over = False
        """Whether everything has been taken and nothing more comes."""
        self._taps = taps
        self._start = start
        self._beyond: Position | None = None
        self._number = 0
        self._buffer: deque[Placed] = deque()
        self._size = 0
        self._room = asyncio.Event()
        self._opened = clock.elapsed()
        self.arrived = False
        """Whether it has joined the tap, or has read all that there was."""
        self.untouched = True
        """Whether nothing has been taken."""
        self._tap: Tap | None = taps.join(source, self) if follow else None
        self._task = asyncio.create_task(self._arrive(), name=f"log history {source.key}")

    def leave(self) -> asyncio.Task[None]:
        """Leave the tap; the task that is ending with that."""
        if self._tap is not None:
            self._taps.leave(self._tap, self)
        self._task.cancel()
        return self._task

    def look_again(self) -> None:
        """Pods changed."""
        if self._tap is not None:
            self._tap.look_again()

    # ── taking ──

    def head(self) -> Placed | None:
        """What comes next; None where nothing is there now."""
        if self._buffer:
            return self._buffer[0]
        if self._tap is None or self.seat is None:
            return None
        if self.seat < self._tap.ring.first:
            self._lapse(self._tap)
            return self._buffer[0]
        entry = self._tap.ring.at(self.seat)
        while entry is not None and self._has(entry):
            self.seat += 1
            entry = self._tap.ring.at(self.seat)
        return None if entry is None else (entry.position, entry.item)

    def _has(self, entry: Entry) -> bool:
        """Whether a line was read before it came to the tap, whose stream was torn meanwhile."""
        return self._beyond is not None and entry.position <= self._beyond and isinstance(entry.item, Line)

    def take(self) -> Placed:
        """Take it."""
        item = self.head()
        if item is None:
            raise LookupError("There is nothing to take.")
        if self._buffer:
            self._buffer.popleft()
            self._size -= _size(item)
            self._room.set()
        elif self._tap is not None and self.seat is not None:
            self.seat += 1
            self._number = self._tap.ring.number_before(self.seat)
            self._tap.taken()
        self.position = item[0]
        self.untouched = False
        return item

    def _lapse(self, tap: Tap) -> None:
        """The ring has gone on over what this reader had still to take."""
        ring = tap.ring
        missed = ring.floor_number - self._number
        gap = Gap(
            Reason.SLOW_READER,
            f"They came faster than they were taken: {missed} lines were left out.",
            self.source,
            self.position.at or None,
            ring.floor.at or None,
            missed,
        )
        self._buffer.append((ring.floor, gap))
        self.seat, self._number = ring.first, ring.floor_number

    # ── for the merge, for cursors and for meetings ──

    @property
    def start(self) -> Start:
        """How it begins."""
        return self._start

    def begin_with(self, start: Start) -> None:
        """Begin in another way, while it waits."""
        self._start = start
        self.position = start.position or Position()

    @property
    def place(self) -> Place | None:
        """Where another can meet it; None while it has something to take before the tap, or has read ahead of it."""
        if self._waits:
            return self._start
        if self._tap is None or self.seat is None or self._buffer or not self.arrived:
            return None
        ring = self._tap.ring
        if self.seat < ring.first or (self._beyond is not None and ring.position_before(self.seat) < self._beyond):
            return None
        return self.seat

    @property
    def _waits(self) -> bool:
        """Whether nothing could be read of the log for so long that it may take longer still."""
        return self._tap is not None and not self._tap.begun.is_set() and clock.elapsed() - self._opened >= _ARRIVAL

    def leads_to(self, place: Place) -> bool:
        """Whether it can be read up to another's place, and no further."""
        if isinstance(place, Start):
            return self.untouched and place.serves(self._start)
        return self.arrived and self.seat is not None and self.seat <= place

    def is_at(self, place: Place) -> bool:
        """Whether it may be read no further than that."""
        if isinstance(place, Start):
            return True
        return isinstance(self.place, int) and self.place >= place

    @property
    def ended(self) -> bool:
        """Whether all has been taken, and nothing comes unless the container is started again."""
        if self.head() is not None or not self.arrived:
            return False
        return self._tap is None or self._tap.ended

    def holds_up(self, now: float) -> bool:
        """Whether lines of others should wait for its next one."""
        if self.head() is not None or self.ended:
            return False
        if self._tap is None:
            return True  # who follows nothing gets it in order, however long it takes
        if not self.arrived:
            return now - self._opened < _ARRIVAL
        return now - max(self._opened, self._tap.heard) < QUIET

    def behind(self, now: float) -> bool:
        """Whether lines older than those of others may still come, so that a cursor must say how far it has come."""
        if self.head() is not None or not self.arrived:
            return True
        return self._tap is not None and (not self._tap.answered or now - self._tap.heard < QUIET)

    # ── arriving ──

    async def _arrive(self) -> None:
        try:
            if self._tap is None:
                await self._read(self._start, once=True)
            else:
                await self._sit_down(self._tap)
        except Exception:
            # A fault of ours. Nobody awaits this task, and its reader would wait for ever.
            log.exception("A log cannot be read", source=self.source.key)
        finally:
            self.arrived = True
            self.wake()

    async def _sit_down(self, tap: Tap) -> None:
        await tap.begun.wait()
        start, ring = self._start, tap.ring
        for _ in range(_ROUNDS):
            mark = ring.end
            if (seat := ring.seat(start)) is not None:
                self._sit(tap, seat, start.position)
                return
            reached = await self._read(start, once=False)
            if reached == start.position or (reached is None and start.position is None):
                # Nothing was there that was not at the tap when it was asked for.
                self._sit(tap, max(mark, ring.first if reached is None else ring.after(reached)), reached)
                return
            start = Start(reached or start.position)
        gap = Gap(
            Reason.SLOW_READER,
            "They came faster than they were taken: some lines were left out.",
            self.source,
            start.position.at if start.position else None,
            ring.floor.at or None,
        )
        self._buffer.append((ring.floor, gap))
        self._sit(tap, ring.first)

    def _sit(self, tap: Tap, seat: int, reached: Position | None = None) -> None:
        self.seat, self._number = seat, tap.ring.number_before(seat)
        before = tap.ring.position_before(seat)
        if reached is not None and reached.seen and reached > before:
            self._beyond = reached
        if not self._buffer:
            self.position = max(self.position, before)

    async def _read(self, start: Start, *, once: bool) -> Position | None:
        """Read what is there from a start on; how far that is. A broken connection goes on where it broke, or ends with a gap."""
        backoff = Backoff(first=0.25, ceiling=10.0)
        reached, failures = start.position, 0
        while True:
            try:
                async with aclosing(self._history(start)) as found:
                    async for placed in found:
                        for item in placed:
                            await self._put(item)
                        reached = placed[-1][0] if placed else reached
            except RequestError:
                break  # 400, 404: there is no such log
            except ClusterError as error:
                failures += 1
                if once or (failures >= HOPELESS and self._taps.stage(self.source) is Stage.OVER):
                    gap = Gap(Reason.SOURCE_LOST, str(error), self.source, reached.at if reached else None)
                    await self._put((reached or Position(), gap))
                    break
            else:
                break
            if reached is not None:
                start = replace(start, position=reached)
            await asyncio.sleep(backoff.failed())
        return reached

    async def _history(self, start: Start) -> AsyncGenerator[list[Placed], None]:
        link = self._taps.link(self.source)
        if link is None:
            raise Unreachable("The cluster is not registered any more.")
        connection = await (link.connected() if self._tap is None else link.wait_until_connected())
        async with aclosing(history(connection, self.source, start)) as found:
            async for placed in found:
                yield placed

    async def _put(self, item: Placed) -> None:
        while len(self._buffer) >= _BUFFER or self._size >= _BUFFER_CHARACTERS:
            self._room.clear()
            self.wake()
            await self._room.wait()
        self._buffer.append(item)
        self._size += _size(item)
        self.wake()


def _size(item: Placed) -> int:
    return len(item[1].text) if isinstance(item[1], Line) else 0
