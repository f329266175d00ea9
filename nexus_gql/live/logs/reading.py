"""Requests for a container's log, each with its end or followed, and what each line's position is."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from nexus_gql.clusters import Connection, Link, RequestError

from .gaps import Gap, Reason
from .lines import Line, Position, Raw, batches, line_of, split
from .source import Skip, Source, Start

# A log that is followed may be silent for as long as its container likes; half-open sockets show by the link's pulse.
_SILENCE = 24 * 3600.0
# One that is only read comes at once, or something is wrong with its node.
_ANSWER = 30.0
_READ_LIMIT = 10_000
_HELD = 1000
"""So many last lines are gathered before they are handed on; of more, the first ones may come again after a reconnect that falls
between lines of their very first instant."""
_MARGIN = 16
_MARGIN_LIMIT = 100_000

Placed = tuple[Position, Line | Gap | None]
"""A line or a gap with the position after it; None for a line that is counted and not wanted."""


def nothing() -> None:
    """Somebody who need not be told."""


async def since(
    connection: Connection,
    source: Source,
    position: Position,
    *,
    follow: bool,
    previous: bool = False,
    answered: Callable[[], None] = nothing,
) -> AsyncGenerator[list[Raw] | Gap, None]:
    """What a log has after a position. Raises the ClusterErrors of the connection; close it where it is left before its end.

    Where the line before the position is not there, the container was started anew, or the kubelet has begun another file: the
    rest is looked for in the log of the container before, and what is not there either is a gap.

    `answered` is called when the cluster begins to answer: what was written before then comes now.
    """
    skip = Skip(position)
    query = Start(position, previous=previous).query(source, follow=follow)
    async with aclosing(_raw(connection, source, query, answered)) as found:
        async for raws in found:
            new = skip.new(raws)
            if new and not skip.met and not previous:
                async with aclosing(_before(connection, source, position, new[0][0])) as missed:
                    async for item in missed:
                        yield item
                skip.met = True
            if new:
                yield new
    if position.seen and not skip.met and not previous:
        async with aclosing(_before(connection, source, position, None)) as missed:
            async for item in missed:
                yield item


async def _before(
    connection: Connection, source: Source, position: Position, until: int | None
) -> AsyncGenerator[list[Raw] | Gap, None]:
    """What the container before this one wrote after a position, and a gap where its line is not there either."""
    skip = Skip(position)
    try:
        query = Start(position, previous=True).query(source, follow=False)
        async with aclosing(_raw(connection, source, query)) as found:
            async for raws in found:
                new = skip.new(raws)
                if new and position.seen and not skip.met:
                    yield _rotated(source, position, new[0][0])
                    skip.met = True
                if new:
                    yield new
    except RequestError:
        pass  # there was none before
    if position.seen and not skip.met:
        yield _rotated(source, position, until)


def _rotated(source: Source, position: Position, until: int | None) -> Gap:
    return Gap(
        Reason.ROTATED,
        "The kubelet has begun another file since, or the container was started anew: what was written in between cannot be read.",
        source,
        position.at,
        until,
    )


async def last(
    connection: Connection, source: Source, count: int, *, previous: bool = False
) -> tuple[list[tuple[Position, Line]], Position]:
    """At least so many last lines, and the position from which on they are all there are.

    A line's position counts the lines of its instant, so more are asked for than are wanted, until all of an instant are there.
    """
    margin = _MARGIN
    while True:
        query = Start(tail=count + margin, previous=previous).query(source, follow=False)
        raws = [raw async for some in _raw(connection, source, query) for raw in some if raw[0]]
        placed, position = [], Position()
        for at, text in raws:
            position = position.after(at)
            placed.append((position, line_of(at, text)))
        if len(raws) < count + margin:
            return placed, Position()
        first = placed[0][0].at
        whole = [one for one in placed if one[0].at > first]
        if len(whole) >= max(count, 1) or margin >= _MARGIN_LIMIT:
            return (whole, Position(first, len(raws))) if whole else (placed, Position(first))
        margin *= 8


async def history(connection: Connection, source: Source, start: Start) -> AsyncGenerator[list[Placed], None]:
    """What is there now from a start on. Close it where it is left before its end."""
    if start.position is None and start.tail is not None and start.tail <= _HELD:
        placed, _ = await last(connection, source, start.tail, previous=start.previous)
        shown, earliest = len(placed) - start.tail, start.earliest
        yield [
            (position, line if number >= shown and position.at >= earliest else None)
            for number, (position, line) in enumerate(placed)
        ]
        return
    async with aclosing(_from_start(connection, source, start)) as found:
        position = start.position or Position()
        async for item in found:
            if isinstance(item, Gap):
                yield [(position, item)]
                continue
            placed_lines: list[Placed] = []
            for at, text in item:
                position = position.after(at)
                placed_lines.append((position, line_of(at, text)))
            yield placed_lines


async def _from_start(connection: Connection, source: Source, start: Start) -> AsyncGenerator[list[Raw] | Gap, None]:
    if start.position is not None:
        async with aclosing(since(connection, source, start.position, follow=False, previous=start.previous)) as found:
            async for item in found:
                yield item
        return
    skip = Skip(Position(start.earliest))
    async with aclosing(_raw(connection, source, start.query(source, follow=False))) as raws:
        async for some in raws:
            yield skip.new(some)


async def _raw(
    connection: Connection, source: Source, query: dict[str, str | int], answered: Callable[[], None] = nothing
) -> AsyncGenerator[list[Raw], None]:
    silence = _SILENCE if "follow" in query else _ANSWER
    async with connection.stream(source.path, query, silence=silence) as content:
        answered()
        async with aclosing(batches(content)) as found:
            async for some in found:
                yield [split(raw) for raw in some]


async def read_once(link: Link, source: Source, start: Start) -> list[Line]:
    """What is there now, the newest of it where it is very much."""
    connection = await link.connected()
    tail = _READ_LIMIT if start.tail is None else min(start.tail, _READ_LIMIT)
    query = Start(None, tail, start.since, start.previous).query(source, follow=False)
    earliest = start.earliest
    found = [raw async for some in _raw(connection, source, query) for raw in some]
    return [line_of(at, text) for at, text in found if at >= earliest]
