"""What is said of how something is doing."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class Health(StrEnum):
    """Argo CD's words."""

    HEALTHY = "HEALTHY"
    SUSPENDED = "SUSPENDED"
    PROGRESSING = "PROGRESSING"
    MISSING = "MISSING"
    DEGRADED = "DEGRADED"
    UNKNOWN = "UNKNOWN"


_WORST_FIRST = (
    Health.UNKNOWN,
    Health.DEGRADED,
    Health.MISSING,
    Health.PROGRESSING,
    Health.SUSPENDED,
    Health.HEALTHY,
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A status, Kubernetes' reason for it where there is one, and a sentence for a person.

    `since`: RFC 3339, where the object itself tells. `recheck`: seconds after which time alone may change the verdict.
    """

    status: Health
    message: str
    reason: str | None = None
    since: str | None = None
    # Counts down as time goes on, so two verdicts that differ only in it say the same.
    recheck: float | None = field(default=None, compare=False)


def rank(status: Health) -> int:
    """Its place in the order, 0 the worst."""
    return _WORST_FIRST.index(status)


def worst(statuses: Iterable[Health]) -> Health:
    """The worst of some; HEALTHY of none."""
    return min(statuses, key=rank, default=Health.HEALTHY)
