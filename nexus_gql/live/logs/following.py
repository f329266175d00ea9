"""Follows the logs of many containers as pods come and go, and hands them on merged by time.

Lines are handed on in the order of (time, source) among the sources that have something or may have at once: a source that has
been silent for a moment holds nobody up, and a line of it that comes late comes with its own time.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from heapq import heapify, heappop, heapreplace
from typing import Any

from nexus_gql import clock

from .cursor import Cursor
from .gaps import Gap, Reason
from .lines import Line, Position
from .meeting import Meeting, Unseen
from .pattern import Pattern
from .reader import QUIET, Place, Reading
from .source import Source, Stage, Start
from .tap import Taps

SOURCES_LIMIT = 500
_FRAME_LINES = 150
"""As many as GraphQL resolves in one turn of the loop that others do not notice."""
_FRAME_CHARACTERS = 256 * 1024
_FRAME_PAUSE = 0.05
"""Seconds for which lines are gathered into one frame."""
_MEETING_LOOK = 1.0
"""Seconds after which one that wants to meet another looks again, where nothing happens."""


class TooManySources(Exception):
    """More containers than one reader may follow."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The containers of a scope that have started, by key, and the clusters whose pods are known."""

    sources: dict[str, Source]
    clusters: frozenset[str]
    whole: bool = True
    """Whether these are all clusters of the scope."""


@dataclass(frozen=True, slots=True)
class LogFrame:
    """What was left out, then lines in order; sources that were opened and closed; and the cursor after all that."""

    lines: list[tuple[Source, Line]]
    gaps: list[Gap]
    opened: list[Source]
    closed: list[Source]
    cursor: str


@dataclass(slots=True)
class _Due:
    """What is due now."""

    lines: list[tuple[Source, Line]] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    taken: int = 0
    size: int = 0

    @property
    def full(self) -> bool:
        """Whether that makes a frame."""
        return self.taken >= _FRAME_LINES or self.size >= _FRAME_CHARACTERS


class Follower:
    """One reader's view of many logs. `look` says which there are now; call `look_again` when that may be different.

    `asked`: of one that reads for others, who come by and by: how they begin in what is seen only later.
    """

    def __init__(
        self,
        taps: Taps,
        look: Callable[[], Seen],
        start: Start,
        cursor: Cursor | None,
        pattern: Pattern | None,
        *,
        follow: bool,
        asked: Start | None = None,
    ) -> None:
        self._taps = taps
        self._look = look
        self._start = start
        self._cursor = cursor
        self._pattern = pattern
        self._follow = follow
        self._asked = asked
        self._open: set[str] = set()
        """Sources in which it begins as the first one wants who meets it while they cannot be read."""
        self._met = asked is None
        """Whether what it begins with in what it has not seen is settled."""
        self._readings: dict[str, Reading] = {}
        self._positions: dict[str, Position] = {}
        """Of those that have ended for now."""
        self._keys: set[str] = set()
        """Of all that it has seen."""
        self._known: frozenset[str] = frozenset()
        self._refused: set[str] = set()
        self._told: list[Gap] = []
        self._something = asyncio.Event()
        self._first = True
        self._unseen: Unseen | None = None
        self._more = False
        self._meeting: Meeting[Any] | None = None
        self._began = Cursor.since(clock.instant())

    def places(self) -> dict[str, Place] | None:
        """Where it is to be met in each source; None while it is on its way in one."""
        places = {key: place for key, reading in self._readings.items() if (place := reading.place) is not None}
        return None if self._first or len(places) < len(self._readings) else places

    @property
    def unseen(self) -> Unseen | None:
        """What it has not seen of its scope; None where that is nothing."""
        return self._unseen

    def settle(self, readings: Mapping[str, Reading], unseen: Unseen | None) -> None:
        """Where nothing could be read yet, begin as the first one does who comes."""
        if self._first:
            return
        for key in self._open & readings.keys() & self._readings.keys():
            if isinstance(self._readings[key].place, Start):
                self._readings[key].begin_with(readings[key].start)
                self._open.discard(key)
        if not self._met and self._unseen is not None and unseen is not None:
            self._cursor = unseen.after
            self._unseen = self._not_seen(self._unseen.clusters)
        self._met = True

    def look_again(self) -> None:
        """Pods came or went."""
        for reading in self._readings.values():
            reading.look_again()
        self._something.set()

    async def frames(self, meeting: Meeting[Any] | None = None) -> AsyncGenerator[LogFrame, None]:
        """Frames until everything has ended (never, while following), or until the meeting. Close it where it is left before."""
        self._meeting = meeting
        try:
            opened = self._adjust()
            yield self._frame(_Due(), opened, [])
            while (self._follow or self._readings) and not (meeting and meeting.reached(self._readings)):
                await self._gather()
                opened = self._adjust()
                if meeting is not None:
                    meeting.aim(self._readings, self._unseen)
                # From here to the frame in one turn: whoever wants to meet this reader must not find it in between.
                due = self._merged()
                ended = self._ended()
                try:
                    if due.lines or due.gaps or self._told or opened or ended:
                        yield self._frame(due, opened, [reading.source for reading in ended])
                finally:
                    await _leave(ended)
        finally:
            await _leave(self._readings.values())

    def _frame(self, due: _Due, opened: list[Source], closed: list[Source]) -> LogFrame:
        gaps, self._told = [*self._told, *due.gaps], []
        return LogFrame(due.lines, gaps, opened, closed, self._text())

    async def _gather(self) -> None:
        """Wait for something, then a moment more, so that a frame holds more than one line."""
        now = clock.elapsed()
        pending = [reading for reading in self._readings.values() if reading.head() is not None]
        try:
            # While somebody's lines are held back for a source that may still speak, look again when its moment is over.
            async with asyncio.timeout(QUIET if pending else _MEETING_LOOK if self._meeting else None):
                await self._something.wait()
        except TimeoutError:
            pass
        self._something.clear()
        # Where more is due than a frame holds it goes at once; even then others get a turn of the loop first.
        await asyncio.sleep(0.0 if self._more else max(0.0, _FRAME_PAUSE - (clock.elapsed() - now)))

    # ── which sources ──

    def _adjust(self) -> list[Source]:
        """Open what has come; what has gone ends by itself when its log does."""
        opened: list[Source] = []
        if not (self._follow or self._first):
            return opened
        seen = self._look()
        for key, source in seen.sources.items():
            if key in self._readings or self._is_over(key, source):
                continue
            if len(self._readings) >= SOURCES_LIMIT:
                if self._first:
                    raise TooManySources(f"More than {SOURCES_LIMIT} containers are in this scope; narrow it.")
                self._refuse(key, source)
                continue
            start = self._beginning(key, source)
            self._readings[key] = Reading(self._taps, source, start, self._something.set, follow=self._follow)
            opened.append(source)
        self._known |= seen.clusters
        self._keys |= seen.sources.keys()
        self._unseen = None if seen.whole else self._not_seen(seen.clusters)
        self._compare(seen)
        if self._first and self._asked is not None:
            self._start, self._open = self._asked, {*self._readings}
        self._first = False
        return opened

    def _not_seen(self, clusters: frozenset[str]) -> Unseen:
        after = None if self._cursor is None else self._cursor.unseen(self._keys)
        return Unseen(clusters, after, after or self._began)

    def _is_over(self, key: str, source: Source) -> bool:
        """Whether it was read to its end, and has not been started again since."""
        return key in self._positions and self._taps.stage(source) is Stage.OVER

    def _beginning(self, key: str, source: Source) -> Start:
        """Where to begin in a source."""
        if (known := self._positions.pop(key, None)) is not None:
            return replace(self._start, position=known)
        new = source.cluster_id in self._known
        if self._cursor is not None and not (new and self._asked):
            return replace(self._start, position=self._cursor.position(key))
        # A pod that came while we were following is read from its first line; one that was there, as the reader asked.
        return Start(Position()) if new else self._start

    def _refuse(self, key: str, source: Source) -> None:
        if key not in self._refused:
            self._refused.add(key)
            message = f"More than {SOURCES_LIMIT} containers are in this scope: this one is not followed. Narrow it."
            self._told.append(Gap(Reason.LIMIT, message, source))

    def _compare(self, seen: Seen) -> None:
        """Say, once, what the cursor knows and is not there any more."""
        gone = self._cursor.others(seen.sources) if self._cursor is not None and self._first and seen.whole else []
        if gone:
            containers = "A container" if len(gone) == 1 else f"{len(gone)} containers"
            message = (
                f"{containers} of those that were followed cannot be found any more, nor what was written there last."
            )
            since = min(position.at for position in gone)
            self._told.append(Gap(Reason.CURSOR_EXPIRED, message, since=since or None))

    # ── merging ──

    def _merged(self) -> _Due:
        """What is due, oldest first."""
        due, now = _Due(), clock.elapsed()
        heads = [
            (head[0].at, key, reading)
            for key, reading in self._readings.items()
            if (head := reading.head()) is not None and not self._is_there(key)
        ]
        heapify(heads)
        held_up = any(reading.holds_up(now) and not self._is_there(key) for key, reading in self._readings.items())
        while heads and not held_up and not due.full:
            _, key, reading = heads[0]
            if due.lines and isinstance((reading.head() or (None, None))[1], Gap):
                break  # a gap comes before the lines of its frame
            self._take(reading, due)
            if (head := reading.head()) is not None and not self._is_there(key):
                heapreplace(heads, (head[0].at, key, reading))
            else:
                heappop(heads)
                held_up = reading.holds_up(now) and not self._is_there(key)
        self._more = bool(heads) and not held_up
        if self._more:
            self._something.set()
        return due

    def _is_there(self, key: str) -> bool:
        """Whether nothing more is to be taken of a source: it stands where the other reader does."""
        return self._meeting is not None and self._meeting.is_at(key, self._readings[key])

    def _take(self, reading: Reading, due: _Due) -> None:
        _, item = reading.take()
        due.taken += 1
        if isinstance(item, Gap):
            due.gaps.append(item)
        elif item is not None and (self._pattern is None or self._pattern.wants(item.text)):
            due.lines.append((reading.source, item))
            due.size += len(item.text)

    def _ended(self) -> list[Reading]:
        """Those that nothing comes of any more; a cursor still says how far they were read."""
        over = [key for key, reading in self._readings.items() if reading.ended and self._is_closed(reading)]
        ended = []
        for key in over:
            reading = self._readings.pop(key)
            self._positions[key] = reading.position
            ended.append(reading)
        if self._follow and self._positions:
            there = self._look().sources
            self._positions = {key: position for key, position in self._positions.items() if key in there}
        return ended

    def _is_closed(self, reading: Reading) -> bool:
        return not self._follow or self._taps.stage(reading.source) is Stage.OVER

    def _text(self) -> str:
        now = clock.elapsed()
        lagging = {key for key, reading in self._readings.items() if reading.behind(now)}
        positions = self._positions | {key: reading.position for key, reading in self._readings.items()}
        return Cursor.of(positions, lagging, None if self._unseen is None else self._unseen.told).text()


async def _leave(readings: Iterable[Reading]) -> None:
    """Leave all at once: whoever is cancelled while the tasks end must leave no tap open."""
    await asyncio.gather(*[reading.leave() for reading in readings], return_exceptions=True)
