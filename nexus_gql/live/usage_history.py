"""What applications used in the last hour: for each a ring of packed numbers, some four kilobytes when full."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass

CAPACITY = 240
"""Points of one application: an hour, four a minute."""
SPAN = 3600.0


@dataclass(frozen=True, slots=True)
class Point:
    """Cores and bytes at an instant, in seconds since 1970."""

    at: float
    cpu: float
    memory: float


class _Ring:
    """Grows to its capacity and then begins again at the front."""

    __slots__ = ("_at", "_next", "_values")

    def __init__(self) -> None:
        self._at = array("d")
        self._values = array("f")  # four bytes each: seven digits are more than a curve shows
        self._next = 0

    def add(self, at: float, cpu: float, memory: float) -> None:
        if len(self._at) < CAPACITY:
            self._at.append(at)
            self._values.extend((cpu, memory))
            return
        self._at[self._next] = at
        self._values[2 * self._next : 2 * self._next + 2] = array("f", (cpu, memory))
        self._next = (self._next + 1) % CAPACITY

    @property
    def newest(self) -> float:
        return self._at[self._next - 1]

    def points(self) -> Iterator[Point]:
        for step in range(len(self._at)):
            place = (self._next + step) % len(self._at)
            yield Point(self._at[place], self._values[2 * place], self._values[2 * place + 1])


class History:
    """Points of applications by id, oldest first. What was not measured for an hour is forgotten."""

    def __init__(self) -> None:
        self._rings: dict[str, _Ring] = {}

    def add(self, application_id: str, at: float, cpu: float, memory: float) -> None:
        """One more point; nothing where it is not newer than the last."""
        ring = self._rings.get(application_id)
        if ring is None:
            ring = self._rings[application_id] = _Ring()
        elif at <= ring.newest:
            return
        ring.add(at, cpu, memory)

    def since(self, application_id: str, instant: float) -> list[Point]:
        """The points of an application after an instant."""
        ring = self._rings.get(application_id)
        return [] if ring is None else [point for point in ring.points() if point.at > instant]

    def forget_before(self, instant: float) -> None:
        """Drop the applications that were not measured since."""
        for application_id in [one for one, ring in self._rings.items() if ring.newest < instant]:
            del self._rings[application_id]

    def __len__(self) -> int:
        return len(self._rings)
