"""Live logs of any number of containers, merged, and resumed without loss."""

from .cursor import Cursor, MalformedCursor
from .following import Follower, LogFrame, Seen, TooManySources
from .front import Front, Mark, left_out
from .gaps import Gap, Reason
from .lines import Line, Position
from .meeting import Meeting, Standing
from .pattern import Pattern, UnusablePattern
from .reading import read_once
from .source import Source, Stage, Start
from .tap import Taps

__all__ = [
    "Cursor",
    "Follower",
    "Front",
    "Gap",
    "Line",
    "LogFrame",
    "MalformedCursor",
    "Mark",
    "Meeting",
    "Pattern",
    "Position",
    "Reason",
    "Seen",
    "Source",
    "Stage",
    "Standing",
    "Start",
    "Taps",
    "TooManySources",
    "UnusablePattern",
    "left_out",
    "read_once",
]
