"""A container whose log is read, and where a reader begins in it."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from nexus_gql import clock

from .lines import Position, Raw


@dataclass(frozen=True, slots=True)
class Source:
    """A container of a pod."""

    cluster_id: str
    cluster: str
    namespace: str
    pod: str
    uid: str
    container: str
    application_id: str | None = None

    @property
    def key(self) -> str:
        """What a cursor knows it by: the same after restarts, another for a pod made anew."""
        return f"{self.cluster_id}/{self.uid}/{self.container}"

    @property
    def path(self) -> str:
        """Where its log is."""
        return f"/api/v1/namespaces/{self.namespace}/pods/{self.pod}/log"


class Stage(Enum):
    """What may still come of a container."""

    RUNS = "RUNS"
    PAUSES = "PAUSES"
    """It does not run now; it may be started again, which its pod then shows."""
    OVER = "OVER"
    """It never runs again."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where to begin: after a position, or with the last lines and not before a time."""

    position: Position | None = None
    tail: int | None = None
    since: float | None = None
    previous: bool = False

    def query(self, source: Source, *, follow: bool) -> dict[str, str | int]:
        """What the kubelet is asked.

        It takes `sinceTime` in whole seconds, and looks at each line's own time. So a position asks from a whole second before
        its own: lines that count as of its time may carry a slightly earlier one.
        """
        query: dict[str, str | int] = {"container": source.container, "timestamps": "true"}
        if follow:
            query["follow"] = "true"
        if self.previous:
            query["previous"] = "true"
        if self.position is not None:
            if self.position.at:
                second = datetime.fromtimestamp(max(0, self.position.at // 1_000_000_000 - 1), UTC)
                query["sinceTime"] = second.isoformat().replace("+00:00", "Z")
            return query
        if self.tail is not None:
            query["tailLines"] = self.tail
        if self.since is not None:
            query["sinceSeconds"] = max(1, math.ceil(self.since))
        return query

    def serves(self, other: "Start") -> bool:
        """Whether what comes after this one is all that a reader wants who would begin with the other, and nothing that it has had."""
        if self.position is None or other.position is None:
            # Who has read nothing may have a whole log that could not be read when its last lines were asked for.
            return self == other or self.position == Position()
        return self.position == other.position

    @property
    def earliest(self) -> int:
        """The time before which nothing is wanted, which whole seconds cannot say."""
        if self.position is not None or self.since is None:
            return 0
        return clock.instant() - int(self.since * 1e9)


class Skip:
    """Leaves out what lies before a position: earlier lines, and as many of that very time as were seen."""

    def __init__(self, position: Position) -> None:
        self._position = position
        self._reached = Position()
        self.met = not position.at
        """Whether the line that the position stands behind was there, so that nothing is missing before the first new one."""

    def new(self, raws: list[Raw]) -> list[Raw]:
        """Those of the next lines that are new."""
        over = self._reached > self._position
        return raws if over else [raw for raw in raws if self.wants(raw[0])]

    def wants(self, at: int) -> bool:
        """Whether the next line, of this time, is new."""
        if self._reached > self._position:
            return True
        if not at:  # the kubelet's own words, which are new only to who has heard nothing yet
            return not self._position.at
        self._reached = self._reached.after(at)
        self.met = self.met or self._reached == self._position
        return self._reached > self._position
