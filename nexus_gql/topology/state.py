"""How a node stands, and what that means to those that need it."""

from enum import IntEnum

from nexus_gql.hierarchy import Need
from nexus_gql.live import ApplicationState, Health, Verdict
from nexus_gql.live.health import NEVER

UNDECLARED = ApplicationState(Verdict(Health.MISSING, "Nobody has declared it.", "NotDeclared"), serving=False)
"""The state of an application that something refers to and nobody has declared."""


class Impairment(IntEnum):
    """What a node suffers from what it needs, directly or through others."""

    NONE = 0
    AT_RISK = 1
    IMPAIRED = 2


class Standing(IntEnum):
    """How a node itself is doing, as far as others feel it."""

    FINE = 0
    WEAK = 1
    DOWN = 2


def standing(state: ApplicationState | None, *, judged: bool) -> Standing:
    """How a node stands. `judged`: it is an application or a workload; of other nodes nothing is known, and nothing follows.

    A rolling update is PROGRESSING and serving, and so impairs nobody. A job that waits for its first run has nothing wrong
    with it, though it does not serve yet: it is HEALTHY, and that is how it is known.
    """
    if not judged or (state is not None and state.verdict.status is Health.HEALTHY):
        return Standing.FINE
    if state is None or not state.serving:
        return Standing.DOWN
    weak = state.verdict.status is Health.DEGRADED or silent(state)
    return Standing.WEAK if weak else Standing.FINE


def silent(state: ApplicationState) -> bool:
    """Whether its cluster has been silent for so long that the last verdict does not stand any more."""
    return state.stale and state.verdict.status is Health.UNKNOWN


def never_was(state: ApplicationState | None) -> bool:
    """Whether it is an application that was never deployed, or never declared: it fails only those that are there."""
    return state is not None and state.verdict.status is Health.MISSING and state in (NEVER, UNDECLARED)


def ready(state: ApplicationState | None, impairment: Impairment) -> bool:
    """Whether a workflow may call it now."""
    return state is not None and state.serving and impairment is not Impairment.IMPAIRED and not silent(state)


def weight(need: Need, stands: Standing, impairment: Impairment) -> Impairment:
    """What comes through an edge that leads to a node of this standing and impairment."""
    if need is Need.REQUIRED:
        own = {Standing.FINE: Impairment.NONE, Standing.WEAK: Impairment.AT_RISK, Standing.DOWN: Impairment.IMPAIRED}
        return max(own[stands], impairment)
    if need is Need.OPTIONAL and troubled(stands, impairment):
        return Impairment.AT_RISK
    return Impairment.NONE


def troubled(stands: Standing, impairment: Impairment) -> bool:
    """Down, weak or IMPAIRED: what hides a root cause behind it, and what is felt through an OPTIONAL edge."""
    return stands is not Standing.FINE or impairment is Impairment.IMPAIRED
