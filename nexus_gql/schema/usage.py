"""Usage in GraphQL: what things use, what they ask for, and what they used before."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

import strawberry

from nexus_gql import clock
from nexus_gql.live import Metrics, Point, Usage, UsagePoller, arrived, loading
from nexus_gql.problems import BadRequest, Unreachable

from .context import Context
from .scalars import Duration, Instant, seconds

T = TypeVar("T")

WINDOW = Duration("15m")
NOT_YET = "It has not been measured yet; try again in a moment."


@strawberry.type(
    name="Usage",
    description="What containers use, summed up. Requests and limits are of the same containers, null where none of them has one.",
)
class UsageType:
    cpu_cores: float = strawberry.field(description="In cores.")
    memory_bytes: float = strawberry.field(description="In bytes.")
    cpu_request_cores: float | None = strawberry.field(description="What is reserved for them.")
    cpu_limit_cores: float | None = strawberry.field(description="What those that have a limit may use at most.")
    memory_request_bytes: float | None = strawberry.field(description="What is reserved for them.")
    memory_limit_bytes: float | None = strawberry.field(description="What those that have a limit may use at most.")
    at: Instant = strawberry.field(description="Of the newest sample; where there is none, when it was looked for.")
    window: Duration = strawberry.field(description="The span of time that CPU is averaged over.")
    missing: int = strawberry.field(description="Containers without a sample: they are in none of the sums.")


@strawberry.type(description="What an application used at an instant.")
class UsagePoint:
    at: Instant
    cpu_cores: float = strawberry.field(description="In cores.")
    memory_bytes: float = strawberry.field(description="In bytes.")


def usage_type(usage: Usage, poller: UsagePoller) -> UsageType:
    """Usage as it is shown."""
    return UsageType(
        cpu_cores=usage.cpu,
        memory_bytes=usage.memory,
        cpu_request_cores=usage.cpu_request,
        cpu_limit_cores=usage.cpu_limit,
        memory_request_bytes=usage.memory_request,
        memory_limit_bytes=usage.memory_limit,
        at=Instant(usage.at or poller.answered),
        window=seconds(usage.window),
        missing=usage.missing,
    )


def usage_point(point: Point) -> UsagePoint:
    """A point as it is shown."""
    at = datetime.fromtimestamp(point.at, UTC)
    return UsagePoint(at=Instant(at), cpu_cores=point.cpu, memory_bytes=point.memory)


def measured(context: Context, cluster_id: str, answer: Callable[[UsagePoller], T]) -> T:
    """The answer; a coroutine of it (which GraphQL awaits) only where a cluster's first sample has still to come.

    Whoever asks keeps the cluster measured for a minute.
    """
    live = context.rooms.live
    poller = live.usage.current(cluster_id)
    if poller is None or loading(live, cluster_id):
        return _after_waiting(context, cluster_id, answer)  # type: ignore[return-value]
    return answer(poller)


async def _after_waiting(context: Context, cluster_id: str, answer: Callable[[UsagePoller], T]) -> T:
    live = context.rooms.live
    poller = await live.usage.asked(cluster_id)
    if poller is None or poller.state is Metrics.ASKING:
        raise Unreachable(NOT_YET)
    if not poller.current:
        raise Unreachable(poller.trouble)
    if not await arrived(live, [cluster_id]):
        raise Unreachable("The cluster has not been read yet; try again in a moment.")
    return answer(poller)


def beginning(window: Duration | None) -> float:
    """The instant (in seconds since 1970) at which a window that ends now begins; BadRequest where it is no span."""
    try:
        span = clock.parse_duration(WINDOW if window is None else window)
    except ValueError as error:
        raise BadRequest(f"window: {error}") from error
    return clock.now().timestamp() - span
