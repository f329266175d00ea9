"""Waiting a moment for what has not been read yet, so that the first question after a start is not answered with nothing."""

import asyncio
from collections.abc import Collection

from .health import Sighting
from .live import Live

PATIENCE = 2.0
"""Seconds for which a question waits for a store that is still cold."""


def loading(live: Live, cluster_id: str) -> bool:
    """Whether a cluster is registered and has not been read yet."""
    if live.fleet.link(cluster_id) is None:
        return False
    view = live.views.get(cluster_id)
    return view is None or view.sighting is Sighting.LOADING


async def arrived(live: Live, cluster_ids: Collection[str], limit: float = PATIENCE) -> bool:
    """Wait until none of some clusters is loading any more; whether that came in time."""
    try:
        async with asyncio.timeout(limit):
            while True:
                position = live.health_feed.position
                if not any(loading(live, cluster_id) for cluster_id in cluster_ids):
                    return True
                await live.health_feed.newer(position)
    except TimeoutError:
        return False
