"""What many read together: one reader of many logs, whose frames are numbered."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

from .following import Follower, LogFrame
from .gaps import Gap, Reason
from .meeting import Standing, Unseen
from .reader import Reading
from .source import Source


@dataclass(frozen=True, slots=True)
class Mark:
    """What has been sent up to a frame: how many frames and lines, until when, of which sources, and the cursor."""

    number: int = 0
    lines: int = 0
    at: int = 0
    sources: Mapping[str, Source] = field(default_factory=dict)
    cursor: str = ""

    def after(self, frame: LogFrame) -> "Mark":
        """After one more frame."""
        sources = self.sources
        if frame.opened or frame.closed:
            closed = {source.key for source in frame.closed}
            sources = {key: source for key, source in sources.items() if key not in closed}
            sources |= {source.key: source for source in frame.opened}
        lines = self.lines + len(frame.lines) + sum(gap.lines or 0 for gap in frame.gaps)
        at = max(self.at, frame.lines[-1][1].at) if frame.lines else self.at
        return Mark(self.number + 1, lines, at, sources, frame.cursor)


class Front:
    """The reader and its place."""

    def __init__(self, follower: Follower) -> None:
        self.mark = Mark()
        """Where it stands."""
        self._follower = follower

    async def frames(self) -> AsyncGenerator[tuple[Mark, LogFrame], None]:
        """Its frames, each with what has been sent then. Close it where it is left."""
        async with aclosing(self._follower.frames()) as frames:
            async for frame in frames:
                self.mark = self.mark.after(frame)
                yield self.mark, frame

    def standing(self, readings: Mapping[str, Reading], unseen: Unseen | None) -> Standing[Mark] | None:
        """Where it stands, once it knows that of each source; what is still open is settled as one needs it who stands there."""
        self._follower.settle(readings, unseen)
        places = self._follower.places()
        return None if places is None else Standing(self.mark, places, self._follower.unseen)


def left_out(start: Mark, end: Mark) -> LogFrame:
    """What is said to one who was sent the frames up to the first mark, and is sent those after the second."""
    lines = end.lines - start.lines
    message = f"They came faster than they were taken: {lines} lines were left out."
    gap = Gap(Reason.SLOW_READER, message, None, start.at or None, end.at or None, lines)
    opened = [source for key, source in end.sources.items() if key not in start.sources]
    closed = [source for key, source in start.sources.items() if key not in end.sources]
    return LogFrame([], [gap] if lines else [], opened, closed, end.cursor)
