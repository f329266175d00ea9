"""What had to be left out of a log, and why."""

from dataclasses import dataclass
from enum import Enum

from .source import Source


class Reason(Enum):
    """Why; the names are the contract's."""

    SLOW_READER = "SLOW_READER"
    ROTATED = "ROTATED"
    SOURCE_LOST = "SOURCE_LOST"
    CURSOR_EXPIRED = "CURSOR_EXPIRED"
    RATE_LIMIT = "RATE_LIMIT"
    LIMIT = "LIMIT"


@dataclass(frozen=True, slots=True)
class Gap:
    """Something left out: where, from and until when (nanoseconds), and how many lines, as far as that is known."""

    reason: Reason
    message: str
    source: Source | None = None
    since: int | None = None
    until: int | None = None
    lines: int | None = None
