"""Asks one cluster's metrics.k8s.io every 15 seconds, for as long as somebody looks at usage."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum

import structlog

from nexus_gql import clock
from nexus_gql.clusters import Busy, ClusterError, Connection, Denied, Link, Missing, Unreachable

from .demand import LINGER, Want
from .health.application import GRACE
from .usage import PERIOD, Place, Sample, node_sample, pod_sample
from .usage_metrics import node_metrics, pod_metrics

log = structlog.get_logger(__name__)

# Who follows says so each time that something is told: told later than usage lingers, nobody would ask any more.
_LONGEST = LINGER[Want.USAGE] / 2


class Metrics(StrEnum):
    """How metrics.k8s.io of a cluster is doing. ABSENT: the cluster has none."""

    ASKING = "ASKING"
    ANSWERS = "ANSWERS"
    ABSENT = "ABSENT"
    REFUSED = "REFUSED"
    UNREACHABLE = "UNREACHABLE"
    FAILING = "FAILING"


class UsagePoller:
    """One cluster's samples. Its owner runs `run` while they are needed; `tell` is called after each round, good or not."""

    def __init__(self, link: Link, tell: Callable[["UsagePoller"], Awaitable[None]]) -> None:
        self.link = link
        self.state = Metrics.ASKING
        self.trouble = ""
        """Why there are no newer samples, as a sentence."""
        self.round = 0
        """How often there was an answer."""
        self.failures = 0
        """How often in a row there was none; still set while the first answer after them is told."""
        self.pods: dict[Place, Sample] = {}
        self.nodes: dict[str, Sample] = {}
        self.answered = clock.now()
        """When there was an answer last: of what was not measured there is nothing newer."""
        self._tell = tell
        self._answered_at = float("-inf")

    @property
    def current(self) -> bool:
        """Whether there are samples that still mean something."""
        return clock.elapsed() - self._answered_at < GRACE

    async def run(self) -> None:
        """Ask, for ever."""
        while True:
            pause = PERIOD
            try:
                async with asyncio.timeout(PERIOD):
                    # However long a cluster is away, those who look are told in each round that it still is.
                    connection = await self.link.wait_until_connected()
                    await self._ask(connection)
            except TimeoutError:
                await self._failed(Unreachable("There is no answer."))
                pause = 0.0 if self.link.state.lost_at is not None else PERIOD
            except ClusterError as error:
                await self._failed(error)
                pause = min(max(PERIOD, error.retry_after if isinstance(error, Busy) else 0.0), _LONGEST)
            await asyncio.sleep(pause)

    async def _ask(self, connection: Connection) -> None:
        number = self.round + 1
        pods: dict[Place, Sample] = {}
        async for portion in pod_metrics(connection):
            for one in portion:
                place = (one.metadata.namespace, one.metadata.name)
                pods[place] = pod_sample(one, number, self.pods.get(place))
        nodes = {
            one.metadata.name: node_sample(one, number) async for portion in node_metrics(connection) for one in portion
        }
        self.pods, self.nodes, self.round = pods, nodes, number
        self._answered_at, self.answered = clock.elapsed(), clock.now()
        self.state, self.trouble = Metrics.ANSWERS, ""
        await self._tell(self)
        self.failures = 0

    async def _failed(self, error: ClusterError) -> None:
        self.state, self.trouble = _explained(error, self.link.name)
        if not self.failures:
            log.info("Usage cannot be read", cluster=self.link.name, reason=str(error))
        self.failures += 1
        await self._tell(self)


def _explained(error: ClusterError, name: str) -> tuple[Metrics, str]:
    if isinstance(error, Missing):
        return Metrics.ABSENT, f"The cluster `{name}` measures no usage: metrics-server is not installed there."
    if isinstance(error, Denied):
        return Metrics.REFUSED, f"Nexus may not read the usage of the cluster `{name}`: {error}"
    if isinstance(error, Unreachable):
        return Metrics.UNREACHABLE, f"The cluster `{name}` does not answer: {error}"
    return Metrics.FAILING, f"metrics.k8s.io of the cluster `{name}` does not answer as it should: {error}"
