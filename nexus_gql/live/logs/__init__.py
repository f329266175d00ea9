"""Live logs of any number of containers, merged, and resumed without loss."""

from .cursor import Cursor, MalformedCursor
from .following import Follower, LogFrame, TooManySources
from .lines import Line, Position
from .pattern import Pattern, UnusablePattern
from .source import Source, read_once

__all__ = [
    "Cursor",
    "Follower",
    "Line",
    "LogFrame",
    "MalformedCursor",
    "Pattern",
    "Position",
    "Source",
    "TooManySources",
    "UnusablePattern",
    "read_once",
]
