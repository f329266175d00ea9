"""How one reader of many logs comes to stand where another does, so that from then on one reads for both.

Both take from the same taps, where whoever sits on the same seat gets the same from then on. A reader that is on its way takes nothing
beyond the other's seats. What cannot be read now keeps nobody from meeting: there, two stand at the same place who will begin in the
same way. One whom nobody has met yet leaves it to the first who comes how that is.
"""

from collections.abc import Callable, Mapping
from typing import Generic, NamedTuple, TypeVar

from .cursor import Cursor
from .reader import Place, Reading

M = TypeVar("M")


class Unseen(NamedTuple):
    """What a reader has not seen yet of its scope."""

    clusters: frozenset[str]
    """Those that it has seen."""
    after: Cursor | None
    """Where it goes on in the others; None where it begins as was asked for."""
    told: Cursor
    """What its own cursor says of them."""

    def serves(self, other: "Unseen") -> bool:
        """Whether what comes of them is all that another reader wants, and nothing that it has had."""
        return self.clusters == other.clusters and other.after in (self.after, self.told)


class Standing(NamedTuple, Generic[M]):
    """What a reader has sent, its place in each source, and what it has not seen."""

    mark: M
    places: Mapping[str, Place]
    unseen: Unseen | None = None


Other = Callable[[Mapping[str, Reading], Unseen | None], Standing[M] | None]
"""Where the other stands, given what somebody stands at who wants to meet it; None while it does not know."""


class Meeting(Generic[M]):
    """Of one reader with another."""

    def __init__(self, other: Other[M]) -> None:
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
            and all(_stands(readings[key], place) for key, place in target.places.items())
        )

    def is_at(self, key: str, reading: Reading) -> bool:
        """Whether a source may be read no further."""
        return self._target is not None and reading.is_at(self._target.places[key])

    def aim(self, readings: Mapping[str, Reading], unseen: Unseen | None) -> None:
        """Keep the goal, or choose another one where it can no longer be reached: a gap, for one, leads beyond."""
        if self._target is not None and not _lead_to(self._target, readings, unseen):
            self._target = None
        if self._target is None and (standing := self._other(readings, unseen)) is not None:
            # One that is ahead somewhere reads on: as a rule the other looks in between, and takes all that there is.
            self._target = standing if _lead_to(standing, readings, unseen) else None


def _stands(reading: Reading, place: Place) -> bool:
    return reading.place == place if isinstance(place, int) else reading.leads_to(place)


def _lead_to(target: Standing[M], readings: Mapping[str, Reading], unseen: Unseen | None) -> bool:
    """Whether each source can be read up to its goal, and no further."""
    if target.unseen is not unseen and (target.unseen is None or unseen is None or not target.unseen.serves(unseen)):
        return False
    return readings.keys() == target.places.keys() and all(
        reading.leads_to(target.places[key]) for key, reading in readings.items()
    )
