"""The feed of many containers' logs: which containers a scope means, and what is sent of them."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from nexus_gql.live import Live, Seen, Selection, TooManySources, arrived, loading, pods_in, select, source_of, started
from nexus_gql.problems import BadRequest, TooMany

from .clusters import require_everything
from .context import Context
from .live_feeds import selected
from .logs import LogInput, LogUpdate, follower, log_update


async def log_feed(context: Context, wanted: LogInput) -> AsyncGenerator[LogUpdate, None]:
    """Frames of lines. Close it where it is left before its end."""
    await context.rooms.hierarchy.current()
    selection = _selection(context, wanted)
    live = context.rooms.live
    # After a server's start: who is there must not be taken for new, nor what a cursor knows for gone.
    await arrived(live, selection.clusters)

    def look() -> Seen:
        now = select(context.rooms.hierarchy.latest, wanted.scope) if wanted.scope is not None else selection
        return Seen({}, frozenset()) if now is None else _seen(live, now, wanted)

    reader = follower(context, wanted, look)
    waker = asyncio.create_task(_wake(live, reader.look_again), name="log sources")
    try:
        async with aclosing(reader.frames()) as frames:
            async for frame in frames:
                yield log_update(context, frame)
    except TooManySources as error:
        raise TooMany(str(error)) from error
    finally:
        waker.cancel()
        await asyncio.gather(waker, return_exceptions=True)


def _selection(context: Context, wanted: LogInput) -> Selection:
    if (wanted.scope is None) == (wanted.cluster is None):
        raise BadRequest("Give a scope, or a cluster with a kubernetesNamespace.")
    if wanted.scope is not None:
        return selected(context, wanted.scope)
    require_everything(context.viewer)
    row = context.rooms.fleet.named(wanted.cluster or "")
    if row is None or wanted.kubernetes_namespace is None:
        raise BadRequest("Give the name of a registered cluster, and a kubernetesNamespace.")
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
