"""How an application is doing: what is declared of it, held against what is seen."""

from dataclasses import dataclass
from enum import StrEnum

from .verdict import Health, Verdict

GRACE = 60.0
"""Seconds for which the verdicts on a cluster that is lost still stand."""


class Sighting(StrEnum):
    """How well we see the cluster that an application is on. UNSEEN: lost, and never read since we started."""

    SEEN = "SEEN"
    LOADING = "LOADING"
    STALE = "STALE"
    LOST = "LOST"
    UNSEEN = "UNSEEN"


@dataclass(frozen=True, slots=True)
class ApplicationState:
    """The verdict, whether it answers, and how much the verdict weighs.

    `resting`: counted, but without a say in a level's status unless there is nothing else (never deployed, removed, suspended,
    run to its end). `stale`: the last verdict of a cluster that cannot be reached now.
    """

    verdict: Verdict
    serving: bool
    resting: bool = False
    stale: bool = False


NEVER = ApplicationState(
    Verdict(Health.MISSING, "It was never deployed.", "NeverDeployed"), serving=False, resting=True
)
REMOVED = ApplicationState(
    Verdict(Health.MISSING, "It is not on the cluster.", "NotDeployed"), serving=False, resting=True
)


def judge_application(
    *,
    deployed: bool,
    ever: bool,
    revision: int | None,
    seen: Sighting,
    workload: Verdict | None,
    serving: bool,
    trouble: str,
) -> ApplicationState:
    """The state of an application.

    `deployed`: something of it may be on the cluster; `ever`: something was, once; `revision`: what was applied last, while it
    is there. `workload`: the verdict on what is seen. `trouble`: why the cluster is not seen.
    """
    if not deployed:
        return REMOVED if ever else NEVER
    if seen is Sighting.LOADING:
        return ApplicationState(Verdict(Health.UNKNOWN, "It is being read from the cluster.", "Loading"), serving=False)
    if seen is Sighting.UNSEEN:
        message = f"Its cluster cannot be reached ({trouble}) and was not seen before."
        return ApplicationState(Verdict(Health.UNKNOWN, message, "ClusterUnreachable"), serving=False, stale=True)
    state = _as_seen(revision, workload, serving=serving)
    if seen is Sighting.LOST:
        message = f"Its cluster cannot be reached ({trouble}) The last that was seen: {state.verdict.message}"
        unknown = Verdict(Health.UNKNOWN, message, "ClusterUnreachable")
        return ApplicationState(unknown, serving=state.serving, stale=True)
    if seen is Sighting.STALE:
        return ApplicationState(state.verdict, state.serving, state.resting, stale=True)
    return state


def _as_seen(revision: int | None, workload: Verdict | None, *, serving: bool) -> ApplicationState:
    if workload is not None:
        return ApplicationState(workload, serving, resting=workload.status is Health.SUSPENDED)
    if revision is None:
        return ApplicationState(
            Verdict(Health.PROGRESSING, "Its first deployment is under way.", "Deploying"), serving=False
        )
    message = "It was deployed and is not on the cluster any more: somebody deleted it there. Deploy it again."
    return ApplicationState(Verdict(Health.MISSING, message, "Missing"), serving=False)
