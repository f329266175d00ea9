"""Every subscription."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import strawberry

from nexus_gql.live import Live, Selection, Source, TooManySources, pods_in, select
from nexus_gql.paths import Path
from nexus_gql.problems import BadRequest, TooMany

from .clusters import require_everything
from .context import Context, Info
from .events import EventType, EventUpdate, event_feed
from .feeds import StateFeed, follow
from .live_feeds import (
    CLUSTERS,
    HEALTH,
    PODS,
    WORKLOADS,
    ClusterUpdate,
    HealthUpdate,
    PodUpdate,
    WorkloadUpdate,
    selected,
)
from .logs import LogInput, LogUpdate, follower, log_update
from .operation_feeds import OPERATIONS, OperationUpdate, operation_feed
from .operations import OperationType
from .pods import source_of
from .query import operation_key

STATE_FEEDS: dict[str, StateFeed[Any, Any, Any]] = {
    "pods": PODS,
    "workloads": WORKLOADS,
    "health": HEALTH,
    "clusters": CLUSTERS,
    "operations": OPERATIONS,
}
"""The one table that the server learns of subjects: each state feed by its subscription field."""


@strawberry.type(
    description="Feeds. A state feed sends a SNAPSHOT, then CHANGES; applied in order they give what a query would. A slow reader "
    "gets the latest state, not a backlog. Events and logs keep their order, and say with a gap what was left out."
)
class Subscription:
    @strawberry.subscription(description="The health of the applications at or below a level.")
    async def health(self, info: Info, scope: Path) -> AsyncGenerator[HealthUpdate, None]:
        async for frame in _followed("health", info, scope):
            yield frame

    @strawberry.subscription(description="The workloads of a scope.")
    async def workloads(self, info: Info, scope: Path) -> AsyncGenerator[WorkloadUpdate, None]:
        async for frame in _followed("workloads", info, scope):
            yield frame

    @strawberry.subscription(description="The pods of a scope.")
    async def pods(self, info: Info, scope: Path) -> AsyncGenerator[PodUpdate, None]:
        async for frame in _followed("pods", info, scope):
            yield frame

    @strawberry.subscription(description="The operations at or below a level.")
    async def operations(self, info: Info, scope: Path) -> AsyncGenerator[OperationUpdate, None]:
        async for frame in _followed("operations", info, scope):
            yield frame

    @strawberry.subscription(
        description="One operation: as it is, then each time it moved on; completes when it has ended."
    )
    async def operation(self, info: Info, id: strawberry.ID) -> AsyncGenerator[OperationType, None]:  # noqa: A002
        async with aclosing(operation_feed(info.context, operation_key(id))) as states:
            async for state in states:
                yield state

    @strawberry.subscription(description="The connections of the clusters that you may know of.")
    async def clusters(self, info: Info) -> AsyncGenerator[ClusterUpdate, None]:
        async for frame in _followed("clusters", info, None):
            yield frame

    @strawberry.subscription(
        description="What Kubernetes reports in a scope: the newest 100 that are kept, oldest first, then what comes. after: "
        "go on after a cursor. An event whose count rises is sent again with the same id."
    )
    async def events(
        self, info: Info, scope: Path, types: list[EventType] | None = None, after: str | None = None
    ) -> AsyncGenerator[EventUpdate, None]:
        async with aclosing(event_feed(info.context, scope, types, after)) as updates:
            async for update in updates:
                yield update

    @strawberry.subscription(
        description="Log lines of every container in a scope, merged in the order of their times; pods are followed as they come "
        "and go."
    )
    async def logs(self, info: Info, input: LogInput) -> AsyncGenerator[LogUpdate, None]:  # noqa: A002
        async with aclosing(_logs(info.context, input)) as updates:
            async for update in updates:
                yield update


async def _followed(name: str, info: Info, arguments: Any) -> AsyncGenerator[Any, None]:
    await info.context.rooms.hierarchy.current()
    async with aclosing(follow(STATE_FEEDS[name], info.context, arguments)) as frames:
        async for frame in frames:
            yield frame


# ── logs ──


async def _logs(context: Context, wanted: LogInput) -> AsyncGenerator[LogUpdate, None]:
    await context.rooms.hierarchy.current()
    selection = _log_selection(context, wanted)
    live = context.rooms.live

    def sources() -> dict[str, Source]:
        now = select(context.rooms.hierarchy.latest, wanted.scope) if wanted.scope is not None else selection
        return {} if now is None else _sources(live, now, wanted)

    reader = follower(context, wanted, sources, lambda source: _running(live, source))
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


def _log_selection(context: Context, wanted: LogInput) -> Selection:
    if (wanted.scope is None) == (wanted.cluster is None):
        raise BadRequest("Give a scope, or a cluster with a kubernetesNamespace.")
    if wanted.scope is not None:
        return selected(context, wanted.scope)
    require_everything(context.viewer)
    row = context.rooms.fleet.named(wanted.cluster or "")
    if row is None or wanted.kubernetes_namespace is None:
        raise BadRequest("Give the name of a registered cluster, and a kubernetesNamespace.")
    return Selection(frozenset({(str(row.id), wanted.kubernetes_namespace)}))


def _sources(live: Live, selection: Selection, wanted: LogInput) -> dict[str, Source]:
    """The containers whose logs are wanted and can be there: those that have started at least once."""
    found = {}
    for view, pod in pods_in(live, selection):
        if wanted.pod is not None and wanted.pod != pod.metadata.name:
            continue
        for status in (*pod.status.init_container_statuses, *pod.status.container_statuses):
            started = status.state.running or status.state.terminated or status.restart_count
            if started and wanted.container in {None, status.name}:
                source = source_of(view, pod, status.name)
                found[source.key] = source
    return found


def _running(live: Live, source: Source) -> bool:
    """Whether a container may still write: its pod is there and has not run to its end."""
    view = live.views.get(source.cluster_id)
    pod = None if view is None else view.pods.get(source.uid)
    return pod is not None and pod.status.phase not in {"Succeeded", "Failed"}


async def _wake(live: Live, look: Any) -> None:
    """Tell a reader of logs each time that pods changed."""
    while True:
        position = live.pod_feed.position
        look()
        await live.pod_feed.newer(position)
