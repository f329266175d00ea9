"""The feed of Kubernetes' events in a scope."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass

import strawberry

from nexus_gql.live import Live, Selection, Want, needed, select
from nexus_gql.paths import Path
from nexus_gql.problems import NotFound

from .context import Context
from .events import EventNode, EventType, concerns, event_node, place_of, type_of
from .feeds import Ordered
from .logs import FeedGap, GapReason
from .paging import cursor, key_at

NEWEST = 100
"""Events that the feed begins with."""


@strawberry.type(description="Some events, oldest first.")
class EventUpdate:
    events: list[EventNode]
    cursor: str = strawberry.field(description="Hand it back as `after` to go on without loss.")
    gap: FeedGap | None = strawberry.field(description="What had to be left out before these.")


@dataclass(frozen=True, slots=True)
class _Wanted:
    scope: Path
    types: list[EventType] | None


@dataclass(frozen=True, slots=True)
class _Mark:
    """How many frames and events have been sent, and the cursor then."""

    number: int = 0
    events: int = 0
    cursor: str = ""


def event_feed(
    context: Context, scope: Path, types: list[EventType] | None, after: str | None
) -> Ordered[_Mark, EventUpdate]:
    """The events of a scope as they come. `after` None: the newest hundred that are kept first."""
    wanted = _Wanted(scope, types)
    versions = None if after is None else _versions(after)
    alike = scope, None if types is None else frozenset(types)

    def alone() -> AsyncGenerator[EventUpdate, None]:
        return _updates(context, wanted, versions, NEWEST)

    return Ordered(lambda: _EventFront(context, wanted), after, alike, alone)


class _EventFront:
    """What comes from now on."""

    def __init__(self, context: Context, wanted: _Wanted) -> None:
        self.mark = _Mark()
        self._context = context
        self._wanted = wanted
        self._begun = asyncio.Event()

    async def frames(self) -> AsyncGenerator[tuple[_Mark, EventUpdate], None]:
        async with aclosing(_updates(self._context, self._wanted, None, newest=0)) as updates:
            async for update in updates:
                self.mark = _Mark(self.mark.number + 1, self.mark.events + len(update.events), update.cursor)
                self._begun.set()
                yield self.mark, update

    def arrival(self, after: str | None) -> "_EventArrival":
        return _EventArrival(self, None if after is None else _versions(after))

    async def before(self, versions: Mapping[str, int] | None) -> tuple[_Mark, EventUpdate]:
        """What came after some versions, or the newest, up to where it stands."""
        await self._begun.wait()
        mark, live = self.mark, self._context.rooms.live
        selection = _selection(self._context, self._wanted)
        newest = NEWEST if versions is None else None
        update, _ = _newer(live, selection, self._wanted, versions or {}, newest=newest, until=_versions(mark.cursor))
        return mark, update

    def left_out(self, start: _Mark, end: _Mark) -> EventUpdate:
        count = end.events - start.events
        message = f"They came faster than they were read: {count} events were left out."
        gap = FeedGap(source=None, from_=None, to=None, lines=count, reason=GapReason.SLOW_READER, message=message)
        return EventUpdate(events=[], cursor=end.cursor, gap=gap if count else None)


class _EventArrival:
    """One frame, of what is kept."""

    def __init__(self, front: _EventFront, versions: Mapping[str, int] | None) -> None:
        self.mark = _Mark()
        self._front = front
        self._versions = versions

    async def frames(self) -> AsyncGenerator[EventUpdate, None]:
        self.mark, update = await self._front.before(self._versions)
        yield update


async def _updates(
    context: Context, wanted: _Wanted, after: Mapping[str, int] | None, newest: int
) -> AsyncGenerator[EventUpdate, None]:
    """What came after some versions, at once, even if it is nothing; then what comes. After None: so many of the newest first."""
    live = context.rooms.live
    first, versions = True, after or {}
    while True:
        position = live.event_feed.position
        selection = _selection(context, wanted)
        with live.demands.held(Want.EVENTS, selection.clusters):
            if first:
                await asyncio.gather(*(needed(live, cluster_id, Want.EVENTS) for cluster_id in selection.clusters))
            limit = newest if first and after is None else None
            update, versions = _newer(live, selection, wanted, versions, newest=limit, resumed=first)
            if first or update.events or update.gap is not None:
                yield update
            first = False
            await live.event_feed.newer(position)


def _selection(context: Context, wanted: _Wanted) -> Selection:
    selection = select(context.rooms.hierarchy.latest, wanted.scope)
    if selection is None or not context.viewer.scope.sees(wanted.scope):
        raise NotFound(f"There is no `{wanted.scope}` (any more).")
    return selection


_KIND = "the event feed"


def _versions(after: str) -> dict[str, int]:
    """A cursor's: the newest version of each cluster that was sent."""
    return dict(key_at(_KIND, after, dict[str, int]))


def _newer(
    live: Live,
    selection: Selection,
    wanted: _Wanted,
    versions: Mapping[str, int],
    *,
    newest: int | None,
    until: Mapping[str, int] | None = None,
    resumed: bool = True,
) -> tuple[EventUpdate, dict[str, int]]:
    """What came after some versions, and the versions then. `newest`: only so many. `until`: nothing that came after these."""
    now = dict(versions)
    found: list[tuple[tuple[str, str, int], EventNode]] = []
    missed = False
    for cluster_id in selection.clusters:
        view = live.views.get(cluster_id)
        if view is None:
            continue
        since = versions.get(cluster_id, 0)
        end = view.events.newest if until is None else until.get(cluster_id, 0)
        missed = missed or (since > 0 and since < view.events.forgotten)
        if since > view.events.newest and view.events.synced:
            # The cluster was made anew, and counts anew; or all that was told is forgotten there.
            since, missed = 0, True
        found += [
            (place_of(view, record), event_node(view, record))
            for record in view.events.after(since)
            if record.version <= end
            and concerns(record, selection, cluster_id)
            and (wanted.types is None or type_of(record.event) in wanted.types)
        ]
        now[cluster_id] = max(since, end)
    found.sort(key=lambda item: item[0])
    chosen = found if newest is None else found[len(found) - min(newest, len(found)) :]
    gap = _gap(GapReason.CURSOR_EXPIRED if resumed else GapReason.SLOW_READER) if missed else None
    return EventUpdate(events=[node for _, node in chosen], cursor=cursor(_KIND, now), gap=gap), now


def _gap(reason: GapReason) -> FeedGap:
    why = "They came faster than they were read" if reason is GapReason.SLOW_READER else "The cursor is old"
    message = f"{why}: some events are not kept any more."
    return FeedGap(source=None, from_=None, to=None, lines=None, reason=reason, message=message)
