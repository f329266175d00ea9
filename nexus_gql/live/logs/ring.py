"""The newest lines of a log: one writer, any number of readers that hold a seat number and nothing else."""

from bisect import bisect_right
from collections import deque
from typing import NamedTuple

from .gaps import Gap
from .lines import Line, Position
from .source import Start

LINES = 2000
CHARACTERS = 512 * 1024
"""What a log may have in memory at most; 500 chatty ones take about 250 MB so."""


class Entry(NamedTuple):
    """A line or a gap, the position after it, and the number of lines up to there, those left out included."""

    position: Position
    number: int
    item: Line | Gap


class Ring:
    """Seats are numbered in the order of what is put in; `first` is the oldest that is still there."""

    def __init__(self, lines: int = LINES, characters: int = CHARACTERS) -> None:
        self.first = 0
        self.floor = Position()
        """Everything after this position is here."""
        self.floor_number = 0
        self._lines = lines
        self._characters = characters
        self._size = 0
        self._entries: deque[Entry] = deque()

    @property
    def end(self) -> int:
        """The seat of what comes next."""
        return self.first + len(self._entries)

    def put(self, position: Position, item: Line | Gap) -> None:
        """The next line or gap. The oldest go where there is too much."""
        lines = 1 if isinstance(item, Line) else item.lines or 0
        self._entries.append(Entry(position, self.number_before(self.end) + lines, item))
        self._size += _size(item)
        while len(self._entries) > self._lines or (self._size > self._characters and len(self._entries) > 1):
            gone = self._entries.popleft()
            self._size -= _size(gone.item)
            self.first += 1
            self.floor, self.floor_number = gone.position, gone.number

    def at(self, seat: int) -> Entry | None:
        """What is on a seat that has not been left behind; None where nothing is yet."""
        return self._entries[seat - self.first] if seat < self.end else None

    def position_before(self, seat: int) -> Position:
        """Where a reader stands that takes this seat."""
        return self._entries[seat - self.first - 1].position if seat > self.first else self.floor

    def number_before(self, seat: int) -> int:
        """How many lines there were before a seat."""
        return self._entries[seat - self.first - 1].number if seat > self.first else self.floor_number

    def after(self, position: Position) -> int:
        """The seat of the first that comes after a position."""
        return self.first + bisect_right(self._entries, position, key=lambda entry: entry.position)

    def seat(self, start: Start) -> int | None:
        """Where a reader sits down; None where what it wants begins before what is here."""
        whole = self.floor == Position()
        if start.position is not None:
            # A whole log in which a position is not found is another container's: the reader looks for the old one's end.
            seat = self.after(start.position)
            covered = self.position_before(seat) == start.position if whole else start.position >= self.floor
            return seat if covered else None
        earliest = start.earliest
        by_tail = start.tail is not None and start.tail <= len(self._entries)
        by_time = start.since is not None and earliest > self.floor.at
        if not (whole or by_tail or by_time):
            return None
        tail = self.first if start.tail is None else max(self.first, self.end - start.tail)
        return tail if start.since is None else max(tail, self.after(Position(earliest)))


def _size(item: Line | Gap) -> int:
    return len(item.text) if isinstance(item, Line) else 0
