"""How one reader of many logs comes to stand where another does, so that from then on one reads for both.

Both take from the same taps, so their positions can become equal; a reader that is on its way takes nothing beyond the other's.
"""

from collections.abc import Callable, Mapping
from typing import Generic, NamedTuple, TypeVar

from .lines import Position
from .reader import Reading

M = TypeVar("M")


class Standing(NamedTuple, Generic[M]):
    """What a reader has sent, and how far it has read each source."""

    mark: M
    positions: Mapping[str, Position]


class Meeting(Generic[M]):
    """Of one reader with another. `other`: where that one stands; None while it does not know."""

    def __init__(self, other: Callable[[], Standing[M] | None]) -> None:
        self._other = other
        self._target: Standing[M] | None = None

    @property
    def mark(self) -> M:
        """What the other had sent where they met."""
        if self._target is None:
            raise LookupError("They have not met.")
        return self._target.mark

    def reached(self, readings: Mapping[str, Reading]) -> bool:
        """Whether this is where the other stood."""
        target = self._target
        return (
            target is not None
            and readings.keys() == target.positions.keys()
            and all(readings[key].position == position for key, position in target.positions.items())
        )

    def is_at(self, key: str, reading: Reading) -> bool:
        """Whether a source may be read no further."""
        return self._target is not None and reading.position >= self._target.positions[key]

    def aim(self, positions: Mapping[str, Position] | None, readings: Mapping[str, Reading]) -> None:
        """Keep the goal, or choose another one where it can no longer be reached."""
        if self._target is not None and not _leads_to(readings, self._target.positions):
            self._target = None
        if self._target is not None or positions is None:
            return
        standing = self._other()
        # One that is ahead somewhere reads on: as a rule the other looks in between, and takes all that there is.
        if (
            standing is not None
            and standing.positions.keys() == positions.keys()
            and all(position <= standing.positions[key] for key, position in positions.items())
        ):
            self._target = standing


def _leads_to(readings: Mapping[str, Reading], target: Mapping[str, Position]) -> bool:
    """Whether each source can be read up to its goal, and no further: a gap, for one, may lead beyond."""
    return readings.keys() == target.keys() and all(
        reading.position == target[key]
        or (reading.position < target[key] and ((head := reading.head()) is None or head[0] <= target[key]))
        for key, reading in readings.items()
    )
