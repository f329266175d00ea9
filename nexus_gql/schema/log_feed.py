"""The feed of many containers' logs: which containers a scope means, and what is sent of them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import astuple, replace

from nexus_gql.live import (
    Follower,
    Front,
    Live,
    Mark,
    Meeting,
    Seen,
    Selection,
    TooManySources,
    arrived,
    left_out,
    loading,
    pods_in,
    select,
    source_of,
    started,
)
from nexus_gql.problems import BadRequest, NotFound, TooMany

from .clusters import require_everything
from .context import Context
from .feeds import Ordered
from .live_feeds import selected
from .logs import LogInput, LogUpdate, follower, log_update


def log_feed(context: Context, wanted: LogInput) -> Ordered[Mark, LogUpdate] | AsyncGenerator[LogUpdate, None]:
    """Frames of lines. What is only read, and comes to an end, is each reader's own."""
    if not wanted.follows:
        return _alone(context, wanted)
    # Who comes while a cluster is out of sight waits for it either as was asked for or after a cursor, and seldom where those wait who
    # were there before. By three they share nevertheless.
    waits = None if _all_seen(context, wanted) else wanted.after is None
    alike = astuple(replace(wanted, after=None)), waits
    return Ordered(lambda: _LogFront(context, wanted), wanted.after, alike, lambda: _alone(context, wanted))


class _LogFront:
    """One reader of what is written from now on."""

    def __init__(self, context: Context, wanted: LogInput) -> None:
        self._context = context
        self._wanted = wanted
        self._front: Front | None = None

    @property
    def mark(self) -> Mark:
        return Mark() if self._front is None else self._front.mark

    async def frames(self) -> AsyncGenerator[tuple[Mark, LogUpdate], None]:
        async with _reader(self._context, self._wanted, for_others=True) as reader:
            self._front = Front(reader)
            async with aclosing(self._front.frames()) as frames:
                async for mark, frame in frames:
                    yield mark, log_update(self._context, frame)

    def arrival(self, after: str | None) -> "_LogArrival":
        meeting = Meeting(lambda at, unseen: None if self._front is None else self._front.standing(at, unseen))
        return _LogArrival(self._context, replace(self._wanted, after=after), meeting)

    def left_out(self, start: Mark, end: Mark) -> LogUpdate:
        return log_update(self._context, left_out(start, end))


class _LogArrival:
    """A reader of its own until it meets the front."""

    def __init__(self, context: Context, wanted: LogInput, meeting: Meeting[Mark]) -> None:
        self._context = context
        self._wanted = wanted
        self._meeting = meeting

    @property
    def mark(self) -> Mark:
        return self._meeting.mark

    def frames(self) -> AsyncGenerator[LogUpdate, None]:
        return _alone(self._context, self._wanted, self._meeting)


async def _alone(
    context: Context, wanted: LogInput, meeting: Meeting[Mark] | None = None
) -> AsyncGenerator[LogUpdate, None]:
    async with _reader(context, wanted) as reader, aclosing(reader.frames(meeting)) as frames:
        async for frame in frames:
            yield log_update(context, frame)


@asynccontextmanager
async def _reader(context: Context, wanted: LogInput, *, for_others: bool = False) -> AsyncIterator[Follower]:
    """A reader that looks again whenever pods changed."""
    await context.rooms.hierarchy.current()
    selection = _selection(context, wanted)
    live = context.rooms.live
    # After a server's start: who is there must not be taken for new, nor what a cursor knows for gone.
    await arrived(live, selection.clusters)

    def look() -> Seen:
        now = select(context.rooms.hierarchy.latest, wanted.scope) if wanted.scope is not None else selection
        return Seen({}, frozenset()) if now is None else _seen(live, now, wanted)

    reader = follower(context, wanted, look, for_others=for_others)
    waker = asyncio.create_task(_wake(live, reader.look_again), name="log sources")
    try:
        yield reader
    except TooManySources as error:
        raise TooMany(str(error)) from error
    finally:
        waker.cancel()
        await asyncio.gather(waker, return_exceptions=True)


def _all_seen(context: Context, wanted: LogInput) -> bool:
    """Whether no cluster that is wanted is known to be out of sight now."""
    if wanted.scope is not None:
        selection = select(context.rooms.hierarchy.latest, wanted.scope)
        clusters = [] if selection is None else selection.clusters
    else:
        row = context.rooms.fleet.named(wanted.cluster or "")
        clusters = [] if row is None else [str(row.id)]
    views = context.rooms.live.views
    return all(views[one].lost_at is None for one in clusters if one in views)


def _selection(context: Context, wanted: LogInput) -> Selection:
    if (wanted.scope is None) == (wanted.cluster is None):
        raise BadRequest("Give a scope, or a cluster with a kubernetesNamespace.")
    if wanted.scope is not None:
        return selected(context, wanted.scope)
    require_everything(context.viewer)
    if wanted.kubernetes_namespace is None:
        raise BadRequest("Give a kubernetesNamespace with the cluster.")
    row = context.rooms.fleet.named(wanted.cluster or "")
    if row is None:
        raise NotFound(f"There is no cluster {(wanted.cluster or '')[:80]!r}.")
    return Selection(frozenset({(str(row.id), wanted.kubernetes_namespace)}))


def _seen(live: Live, selection: Selection, wanted: LogInput) -> Seen:
    """The containers whose logs are wanted and can be there."""
    found = {}
    for view, pod in pods_in(live, selection):
        if wanted.pod is not None and wanted.pod != pod.metadata.name:
            continue
        for name in started(pod):
            if wanted.container in {None, name}:
                source = source_of(view, pod, name)
                found[source.key] = source
    clusters = frozenset(one for one in selection.clusters if one in live.views and not loading(live, one))
    return Seen(found, clusters, whole=len(clusters) == len(selection.clusters))


async def _wake(live: Live, look: Callable[[], None]) -> None:
    """Tell a reader of logs each time that pods changed."""
    while True:
        position = live.pod_feed.position
        look()
        await live.pod_feed.newer(position)
