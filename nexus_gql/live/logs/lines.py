"""One line of a log, and where in a source's log a reader stands."""

from dataclasses import dataclass
from typing import NamedTuple

from nexus_gql import clock

TEXT_LIMIT = 16 * 1024
"""Characters of a line that are sent; the rest of a longer one is cut, and the line says so."""


class Line(NamedTuple):
    """When the container wrote it (nanoseconds since 1970) and what."""

    at: int
    text: str
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Position:
    """All lines before `at` have been seen, and of those at that very time the first `count`."""

    at: int = 0
    count: int = 0

    def after(self, line: Line) -> "Position":
        """Where a reader stands that has seen one more line."""
        if line.at == self.at:
            return Position(self.at, self.count + 1)
        return Position(line.at, 1) if line.at > self.at else self


def parse(raw: bytes) -> Line:
    """A line as the kubelet sends it with timestamps: the time, a space, the text. Bytes that are no text become U+FFFD."""
    time, _, text = raw.partition(b" ")
    try:
        at = max(0, clock.parse_instant(time.decode("ascii")))
    except (ValueError, UnicodeDecodeError):
        # The kubelet's own words in the stream ("unable to retrieve container logs …") carry no time.
        at, text = 0, raw
    decoded = text[: TEXT_LIMIT * 4].decode("utf-8", "replace").rstrip("\r")
    return Line(at, decoded[:TEXT_LIMIT], truncated=len(decoded) > TEXT_LIMIT or len(text) > TEXT_LIMIT * 4)
