"""Live logs of any number of containers, merged, and resumed without loss."""

from .cursor import Cursor, MalformedCursor
from .following import Follower, LogFrame, Seen, TooManySources
from .gaps import Gap, Reason
from .lines import Line, Position
from .pattern import Pattern, UnusablePattern
from .reading import read_once
from .source import Source, Stage, Start
from .tap import Taps

__all__ = [
    "Cursor",
    "Follower",
    "Gap",
    "Line",
    "LogFrame",
    "MalformedCursor",
    "Pattern",
    "Position",
    "Reason",
    "Seen",
    "Source",
    "Stage",
    "Start",
    "Taps",
    "TooManySources",
    "UnusablePattern",
    "read_once",
]
