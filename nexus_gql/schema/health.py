"""Health in GraphQL."""

import strawberry

from nexus_gql.live import Health, Summary, Verdict
from nexus_gql.topology import Impairment

from .scalars import Instant

strawberry.enum(
    Health,
    name="Health",
    description="How something is doing, in Argo CD's words. Summed up the worst counts: `UNKNOWN`, `DEGRADED`, `MISSING`, "
    "`PROGRESSING`, `SUSPENDED`, `HEALTHY`. What was never deployed, is suspended or has run to its end is counted and does not "
    "set a level's status unless there is nothing else; a level without applications is `HEALTHY`.",
)


strawberry.enum(
    Impairment,
    name="Impairment",
    description="What something suffers from what it needs, directly or through others; its own health may be fine.",
)


@strawberry.type(description="How something is doing, and why, in words for people who do not know Kubernetes.")
class HealthState:
    status: Health = strawberry.field(description="The verdict.")
    reason: str | None = strawberry.field(description="Kubernetes' own word for it, where it has one.")
    message: str = strawberry.field(description="Why, as a sentence.")
    since: Instant | None = strawberry.field(description="Since when, where that is known.")
    stale: bool = strawberry.field(
        description="Whether this is the last verdict of a cluster that cannot be reached now."
    )


@strawberry.type(description="The health of the applications below a level.")
class HealthSummary:
    status: Health = strawberry.field(description="The worst that counts.")
    healthy: int
    suspended: int
    progressing: int
    missing: int
    degraded: int
    unknown: int


def state_of(verdict: Verdict, *, stale: bool = False, since: str | None = None) -> HealthState:
    """A verdict as it is shown."""
    return HealthState(
        status=verdict.status,
        reason=verdict.reason,
        message=verdict.message,
        since=Instant(since or verdict.since) if since or verdict.since else None,
        stale=stale,
    )


def summary_of(summary: Summary) -> HealthSummary:
    """A summary as it is shown."""
    return HealthSummary(
        status=summary.status, **{status.value.lower(): summary.counts.get(status, 0) for status in Health}
    )
