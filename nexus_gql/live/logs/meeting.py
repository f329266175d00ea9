"""How one reader of many logs comes to stand where another does, so that from then on one reads for both.

Both take from the same taps, where whoever sits on the same seat gets the same from then on. A reader that is on its way takes nothing
beyond the other's seats.
"""

from collections.abc import Callable, Mapping
from typing import Generic, NamedTuple, TypeVar

from .reader import Reading

M = TypeVar("M")


class Standing(NamedTuple, Generic[M]):
    """What a reader has sent, and which seat it takes next of each source."""

    mark: M
    places: Mapping[str, int]


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
            and readings.keys() == target.places.keys()
            and all(readings[key].place == place for key, place in target.places.items())
        )

    def is_at(self, key: str, reading: Reading) -> bool:
        """Whether a source may be read no further."""
        place = reading.place
        return self._target is not None and place is not None and place >= self._target.places[key]

    def aim(self, readings: Mapping[str, Reading]) -> None:
        """Keep the goal, or choose another one where it can no longer be reached: a gap, for one, leads beyond."""
        if self._target is not None and not _leads_to(readings, self._target.places):
            self._target = None
        if self._target is None and (standing := self._other()) is not None and _leads_to(readings, standing.places):
            # One that is ahead somewhere reads on: as a rule the other looks in between, and takes all that there is.
            self._target = standing


def _leads_to(readings: Mapping[str, Reading], places: Mapping[str, int]) -> bool:
    """Whether each source can be read up to its goal, and no further."""
    return readings.keys() == places.keys() and all(
        reading.arrived and reading.seat is not None and reading.seat <= places[key]
        for key, reading in readings.items()
    )
