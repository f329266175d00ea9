"""Usage of all clusters: who polls, what was sampled last, the feed of rounds, and the history of applications."""

import asyncio
from collections.abc import Iterable
from datetime import datetime

from nexus_gql import clock
from nexus_gql.clusters import Fleet
from nexus_gql.supervisor import Supervisor

from .changes import LiveChange, UsageMissed, UsageSampled
from .cluster import ClusterView
from .demand import Demands, Want
from .feed import Feed
from .objects import Pod
from .usage import Sample, Usage, total
from .usage_history import SPAN, History
from .usage_poller import Metrics, UsagePoller

PATIENCE = 2.0
"""Seconds for which a question waits for a first sample."""
# So many applications are summed up in one turn of the loop.
_PORTION = 100


class Meter:
    """Keeps a poller for each cluster whose usage is needed. `views`: what is seen of the clusters."""

    def __init__(
        self,
        demands: Demands,
        fleet: Fleet,
        views: dict[str, ClusterView],
        supervisor: Supervisor,
        feed: Feed[LiveChange],
    ) -> None:
        self.feed = feed
        self.history = History()
        self._demands = demands
        self._fleet = fleet
        self._views = views
        self._supervisor = supervisor
        self._pollers: dict[str, UsagePoller] = {}

    async def adjust(self) -> None:
        """Poll exactly those clusters whose usage is needed."""
        wanted = {
            one: link for one in self._demands.clusters(Want.USAGE) if (link := self._fleet.link(one)) is not None
        }
        for cluster_id, poller in list(self._pollers.items()):
            if wanted.get(cluster_id) is not poller.link:
                del self._pollers[cluster_id]
                await self._supervisor.stop(_task(cluster_id))
        for cluster_id in wanted.keys() - self._pollers.keys():
            poller = self._pollers[cluster_id] = UsagePoller(wanted[cluster_id], self._polled)
            self._supervisor.start(_task(cluster_id), poller.run)

    @property
    def polling(self) -> int:
        """How many clusters are asked now."""
        return len(self._pollers)

    def poller(self, cluster_id: str) -> UsagePoller | None:
        """What is known of a cluster's usage; None while nobody has asked for it. Does not ask for it."""
        return self._pollers.get(cluster_id)

    def touch(self, cluster_ids: Iterable[str]) -> None:
        """Somebody looks at the usage of some clusters."""
        self._demands.touch(Want.USAGE, list(cluster_ids))

    def current(self, cluster_id: str) -> UsagePoller | None:
        """A cluster's poller, where it has samples; somebody looks at them."""
        self.touch([cluster_id])
        poller = self._pollers.get(cluster_id)
        return poller if poller is not None and poller.current else None

    async def asked(self, cluster_id: str, limit: float = PATIENCE) -> UsagePoller | None:
        """A cluster's poller once it had an answer or a refusal; waits a little for the first."""
        self.touch([cluster_id])
        try:
            async with asyncio.timeout(limit):
                while True:
                    position, poller = self.feed.position, self._pollers.get(cluster_id)
                    if poller is not None and poller.state is not Metrics.ASKING:
                        return poller
                    await self.feed.newer(position)
        except TimeoutError:
            return self._pollers.get(cluster_id)

    def usage(self, cluster_id: str, pods: Iterable[Pod], container: str | None = None) -> Usage:
        """What pods of a cluster use together, by the last samples."""
        poller = self._pollers.get(cluster_id)
        samples: dict[tuple[str, str], Sample] = {} if poller is None else poller.pods
        return total(pods, samples, container)

    async def _polled(self, poller: UsagePoller) -> None:
        cluster_id = poller.link.cluster_id
        if poller.trouble:
            self.feed.publish(UsageMissed(cluster_id, first=poller.failures == 1))
            return
        await self._remember(cluster_id)
        self.feed.publish(UsageSampled(cluster_id, poller.round, returned=poller.failures > 0))

    async def _remember(self, cluster_id: str) -> None:
        """One more point for each application that was measured, with a turn of the loop now and then."""
        view = self._views.get(cluster_id)
        if view is None:
            return
        for number, application_id in enumerate(view.pods.applications()):
            usage = self.usage(cluster_id, view.pods.of_application(application_id))
            if usage.at is not None:
                self.history.add(application_id, datetime.fromisoformat(usage.at).timestamp(), usage.cpu, usage.memory)
            if number % _PORTION == _PORTION - 1:
                await asyncio.sleep(0)
        self.history.forget_before(clock.now().timestamp() - SPAN)


def _task(cluster_id: str) -> str:
    return f"usage {cluster_id}"
