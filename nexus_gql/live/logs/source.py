"""One container's log: asked for, skipped to where a reader stands, and asked for again when it breaks."""

import math
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from nexus_gql import clock
from nexus_gql.clusters import Connection, Link
from nexus_gql.live.reflector import lines

from .lines import Line, Position, parse

# A log that is followed may be silent for as long as its container likes; half-open sockets show by the link's pulse.
_SILENCE = 24 * 3600.0
# One that is only read comes at once, or something is wrong with its node.
_ANSWER = 30.0
_READ_LIMIT = 10_000


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


@dataclass(frozen=True, slots=True)
class Start:
    """Where to begin: at a position, or with the last lines and not before a time."""

    position: Position | None = None
    tail: int | None = None
    since: float | None = None
    previous: bool = False

    def query(self, source: Source, *, follow: bool) -> dict[str, str | int]:
        """What the kubelet is asked. It takes `sinceTime` in whole seconds, so a position asks from its second's beginning."""
        query: dict[str, str | int] = {"container": source.container, "timestamps": "true"}
        if follow:
            query["follow"] = "true"
        if self.previous:
            query["previous"] = "true"
        if self.position is not None:
            if self.position.at:
                second = datetime.fromtimestamp(self.position.at // 1_000_000_000, UTC)
                query["sinceTime"] = second.isoformat().replace("+00:00", "Z")
            return query
        if self.tail is not None:
            query["tailLines"] = self.tail
        if self.since is not None:
            query["sinceSeconds"] = max(1, math.ceil(self.since))
        return query

    @property
    def earliest(self) -> int:
        """The time before which nothing is wanted, which whole seconds cannot say."""
        if self.position is not None or self.since is None:
            return 0
        return clock.parse_instant(clock.now().isoformat()) - int(self.since * 1e9)


async def read(
    connection: Connection,
    source: Source,
    start: Start,
    *,
    follow: bool,
    answered: Callable[[], None] = lambda: None,
) -> AsyncGenerator[Line, None]:
    """The lines from a start on, in their order. Raises the ClusterErrors of the connection.

    `answered` is called when the cluster begins to answer: what was written before then comes now.

    Close it (`aclosing`) where it is left before its end.
    """
    skip = Skip(start.position or Position(start.earliest))
    async with connection.stream(
        source.path, start.query(source, follow=follow), silence=_SILENCE if follow else _ANSWER
    ) as content:
        answered()
        async for raw in lines(content):
            line = parse(raw)
            if skip.wants(line):
                yield line


class Skip:
    """Leaves out what lies before a position: earlier lines, and as many of that very time as were seen."""

    def __init__(self, position: Position) -> None:
        self._at = position.at
        self._left = position.count
        self._over = position == Position()

    def wants(self, line: Line) -> bool:
        """Whether a line is new."""
        if self._over:
            return True
        if line.at < self._at:
            return False
        if line.at == self._at and self._left:
            self._left -= 1
            return False
        self._over = line.at > self._at
        return True


async def read_once(link: Link, source: Source, start: Start) -> list[Line]:
    """What is there now, the newest of it where it is very much."""
    connection = await link.connected()
    bounded = (
        start
        if start.tail is not None and start.tail <= _READ_LIMIT
        else Start(None, _READ_LIMIT, start.since, start.previous)
    )
    return [line async for line in read(connection, source, bounded, follow=False)]
