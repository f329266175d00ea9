"""Waiting a moment for what has not been read yet, so that the first question after a start is not answered with nothing."""

import asyncio
from collections.abc import Collection

from .cluster import ClusterView
from .demand import Want
from .health import Sighting
from .live import Live

PATIENCE = 2.0
"""Seconds for which a question waits for a store that is still cold."""
_TICK = 0.02


def loading(live: Live, cluster_id: str) -> bool:
    """Whether a cluster is registered and nothing was read of it yet."""
    return _cold(live, cluster_id) is not None


async def arrived(live: Live, cluster_ids: Collection[str], limit: float = PATIENCE) -> bool:
    """Wait until some clusters have been read; whether that came in time. One that cannot be read now is not waited for."""
    try:
        async with asyncio.timeout(limit):
            while True:
                position = live.health_feed.position
                cold = {_cold(live, cluster_id) for cluster_id in cluster_ids} - {None}
                if Sighting.LOADING not in cold:
                    return not cold
                await live.health_feed.newer(position)
    except TimeoutError:
        return False


async def needed(live: Live, cluster_id: str, want: Want, limit: float = PATIENCE) -> ClusterView | None:
    """A cluster's view once it has what is needed; None where that does not come in time."""
    live.demands.touch(want, [cluster_id])
    try:
        async with asyncio.timeout(limit):
            while True:
                if (view := live.views.get(cluster_id)) is not None and view.has(want):
                    return view
                # What is listed is told on no feed of its own, and a question more or less in two seconds costs nothing.
                await asyncio.sleep(_TICK)
    except TimeoutError:
        return None


def _cold(live: Live, cluster_id: str) -> Sighting | None:
    if live.fleet.link(cluster_id) is None:
        return None
    view = live.views.get(cluster_id)
    sighting = Sighting.LOADING if view is None else view.sighting
    return sighting if sighting in {Sighting.LOADING, Sighting.UNSEEN} else None
