"""One line of a log, and where in a source's log a reader stands."""

from collections.abc import AsyncGenerator
from functools import lru_cache
from typing import NamedTuple

from nexus_gql import clock
from nexus_gql.live.reflector import Chunks

TEXT_LIMIT = 16 * 1024
"""Characters of a line that are sent; the rest of a longer one is cut, and the line says so."""

_KEPT = TEXT_LIMIT * 4 + 64
"""Bytes of a line that are kept while it comes: its time, and more than is sent."""
# Tabs, carriage returns and the colours of terminals are text; nothing else below the blank is.
_NO_TEXT = {code: 0xFFFD for code in (*range(32), 127) if chr(code) not in "\t\r\x1b"}

Raw = tuple[int, bytes]
"""A line's time and its text, as it came."""


class Line(NamedTuple):
    """When the container wrote it (nanoseconds since 1970) and what."""

    at: int
    text: str
    truncated: bool = False


class Position(NamedTuple):
    """All lines before `at` have been seen, and of those at that very time the first `seen`.

    A log's times may go back by a little: its two streams are stamped apart. Such a line counts as one of the latest time before
    it, so that positions only grow, and each line of a log has one.
    """

    at: int = 0
    seen: int = 0

    def after(self, at: int) -> "Position":
        """Where a reader stands that has seen one more line, of this time."""
        if at > self.at:
            return Position(at, 1)
        # The kubelet's own words have no time, and are in no file.
        return Position(self.at, self.seen + 1) if at else self


def split(raw: bytes) -> Raw:
    """The time and the text of a line as the kubelet sends it; what carries no time are the kubelet's own words, at time 0."""
    stamp, _, text = raw.partition(b" ")
    try:
        return _instant(stamp), text
    except ValueError:
        return 0, raw


def line_of(at: int, text: bytes) -> Line:
    """A line as it is shown. Bytes that are no text become U+FFFD."""
    decoded = text[: TEXT_LIMIT * 4].decode("utf-8", "replace").rstrip("\r")
    if not decoded.isprintable():
        decoded = decoded.translate(_NO_TEXT)
    return Line(at, decoded[:TEXT_LIMIT], truncated=len(decoded) > TEXT_LIMIT or len(text) > TEXT_LIMIT * 4)


async def batches(content: Chunks) -> AsyncGenerator[list[bytes], None]:
    """The lines of a stream as they come, some at a time; of one that is longer than anybody is sent, the beginning.

    The last one may lack its end where the stream ends as it should; one that breaks off raises instead.
    """
    pending = bytearray()
    async for chunk in content.iter_any():
        *complete, rest = chunk.split(b"\n")
        if complete:
            complete[0] = bytes(pending) + complete[0]
            pending.clear()
            yield [line for line in complete if line]
        pending += rest
        del pending[_KEPT:]
    if pending:
        yield [bytes(pending)]


def _instant(stamp: bytes) -> int:
    fraction = stamp[20:-1]
    if stamp[19:20] == b"." and stamp[-1:] == b"Z" and fraction.isdigit() and len(fraction) <= 9:
        # Nearly all of them. A flood has a hundred thousand a second, of the same few seconds.
        return max(0, _second(stamp[:19]) + int(fraction.ljust(9, b"0")))
    return max(0, clock.parse_instant(stamp.decode("ascii")))


@lru_cache(maxsize=1024)
def _second(text: bytes) -> int:
    return clock.parse_instant(text.decode("ascii") + "Z")
