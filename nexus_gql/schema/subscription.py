"""Every subscription."""

from collections.abc import AsyncGenerator
from typing import Any, cast

import strawberry

from nexus_gql.paths import Path

from .context import Info
from .event_feed import EventUpdate, event_feed
from .events import EventType
from .feeds import StateFeed, following
from .hierarchy_feed import HIERARCHY, HierarchyUpdate
from .live_feeds import (
    CLUSTERS,
    HEALTH,
    PODS,
    WORKLOADS,
    ClusterUpdate,
    HealthUpdate,
    PodUpdate,
    WorkloadUpdate,
)
from .log_feed import log_feed
from .logs import LogInput, LogUpdate
from .operation_feeds import OPERATION, OPERATIONS, OperationUpdate
from .operations import OperationType
from .query import operation_key
from .scalars import Duration
from .topology import TopologyFilter
from .topology_feed import TOPOLOGY, TopologyUpdate, Wanted
from .usage_feed import EVERY, USAGE, UsageUpdate, usage_arguments

STATE_FEEDS: dict[str, StateFeed[Any, Any, Any]] = {
    "hierarchy": HIERARCHY,
    "pods": PODS,
    "workloads": WORKLOADS,
    "health": HEALTH,
    "clusters": CLUSTERS,
    "operation": OPERATION,
    "operations": OPERATIONS,
    "usage": USAGE,
    "topology": TOPOLOGY,
}
"""Each state feed by its subscription field."""
SHARED = frozenset({*STATE_FEEDS, "events", "logs"})
"""What the server learns of subjects: the subscriptions of which equal ones are executed once."""


@strawberry.type(
    description="Feeds. A state feed sends a SNAPSHOT, then CHANGES; applied in order they give what a query would. A slow reader "
    "gets the latest state, not a backlog. Events and logs keep their order, and say with a gap what was left out."
)
class Subscription:
    @strawberry.subscription(
        description="The levels of a scope, or all that are open to you. Completes when its scope is deleted."
    )
    def hierarchy(self, info: Info, scope: Path | None = None) -> AsyncGenerator[HierarchyUpdate, None]:
        return _followed("hierarchy", info, scope)

    @strawberry.subscription(description="The health of the applications at or below a level.")
    def health(self, info: Info, scope: Path) -> AsyncGenerator[HealthUpdate, None]:
        return _followed("health", info, scope)

    @strawberry.subscription(description="The workloads of a scope.")
    def workloads(self, info: Info, scope: Path) -> AsyncGenerator[WorkloadUpdate, None]:
        return _followed("workloads", info, scope)

    @strawberry.subscription(description="The pods of a scope.")
    def pods(self, info: Info, scope: Path) -> AsyncGenerator[PodUpdate, None]:
        return _followed("pods", info, scope)

    @strawberry.subscription(
        description="What the applications and pods of a scope use, each time that it was measured: every 15 s, or of the rounds "
        "only as many as `every` allows."
    )
    def usage(self, info: Info, scope: Path, every: Duration | None = EVERY) -> AsyncGenerator[UsageUpdate, None]:
        return _followed("usage", info, usage_arguments(scope, every))

    @strawberry.subscription(
        description="What needs what in a level: all of it, then what is shown otherwise, and nothing else."
    )
    def topology(
        self,
        info: Info,
        scope: Path,
        filter: TopologyFilter | None = None,  # noqa: A002
    ) -> AsyncGenerator[TopologyUpdate, None]:
        return _followed("topology", info, Wanted(scope, filter))

    @strawberry.subscription(description="The operations at or below a level.")
    def operations(self, info: Info, scope: Path) -> AsyncGenerator[OperationUpdate, None]:
        return _followed("operations", info, scope)

    @strawberry.subscription(
        description="One operation: as it is, then each time it moved on; completes when it has ended."
    )
    def operation(self, info: Info, id: strawberry.ID) -> AsyncGenerator[OperationType, None]:  # noqa: A002
        return _followed("operation", info, operation_key(id))

    @strawberry.subscription(description="The connections of the clusters that you may know of.")
    def clusters(self, info: Info) -> AsyncGenerator[ClusterUpdate, None]:
        return _followed("clusters", info, None)

    @strawberry.subscription(
        description="What Kubernetes reports in a scope: the newest 100 that are kept, oldest first, then what comes. after: "
        "go on after a cursor. An event whose count rises is sent again with the same id."
    )
    def events(
        self, info: Info, scope: Path, types: list[EventType] | None = None, after: str | None = None
    ) -> AsyncGenerator[EventUpdate, None]:
        return cast("AsyncGenerator[EventUpdate, None]", event_feed(info.context, scope, types, after))

    @strawberry.subscription(
        description="Log lines of every container in a scope, merged in the order of their times; pods are followed as they come "
        "and go."
    )
    def logs(self, info: Info, input: LogInput) -> AsyncGenerator[LogUpdate, None]:  # noqa: A002
        return cast("AsyncGenerator[LogUpdate, None]", log_feed(info.context, input))


def _followed(name: str, info: Info, arguments: Any) -> AsyncGenerator[Any, None]:
    # Strawberry wants to read of a generator; the server looks for a `Following`, and shares it.
    return cast("AsyncGenerator[Any, None]", following(STATE_FEEDS[name], info.context, arguments))
