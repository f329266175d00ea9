"""How a node stands, and what comes through an edge to it."""

import pytest

from nexus_gql.hierarchy import Need
from nexus_gql.live import ApplicationState, Health, Sighting, Verdict
from nexus_gql.live.health import judge_application
from nexus_gql.topology import Impairment, Standing, ready, standing, weight

from .making import DOWN, FINE, OPTIONAL, REQUIRED, WEAK

NONE, AT_RISK, IMPAIRED = Impairment


def judged(status: Health, *, serving: bool, seen: Sighting = Sighting.SEEN) -> ApplicationState:
    """An application as the live room judges it."""
    verdict = Verdict(status, "It is so.")
    return judge_application(
        deployed=True, ever=True, revision=1, seen=seen, workload=verdict, serving=serving, trouble="No route."
    )


@pytest.mark.parametrize(
    ("state", "expected", "callable_now"),
    [
        (judged(Health.HEALTHY, serving=True), FINE, True),
        (judged(Health.PROGRESSING, serving=True), FINE, True),  # a rolling update impairs nobody
        (judged(Health.PROGRESSING, serving=False), DOWN, False),
        (judged(Health.DEGRADED, serving=True), WEAK, True),  # one ready replica of three
        (judged(Health.DEGRADED, serving=False), DOWN, False),
        (judged(Health.SUSPENDED, serving=False), DOWN, False),
        (judged(Health.HEALTHY, serving=True, seen=Sighting.STALE), FINE, True),  # silent for less than a minute
        (judged(Health.HEALTHY, serving=True, seen=Sighting.LOST), WEAK, False),
        (judged(Health.HEALTHY, serving=False, seen=Sighting.LOST), DOWN, False),
        (judged(Health.HEALTHY, serving=True, seen=Sighting.UNSEEN), DOWN, False),
        (None, DOWN, False),
    ],
)
def test_a_state_should_be_felt_as_the_page_says(
    state: ApplicationState | None, expected: Standing, *, callable_now: bool
) -> None:
    assert (standing(state, judged=True), ready(state, NONE)) == (expected, callable_now)


def test_what_is_not_judged_should_be_fine() -> None:
    assert standing(None, judged=False) is FINE


@pytest.mark.parametrize(("impairment", "expected"), [(NONE, True), (AT_RISK, True), (IMPAIRED, False)])
def test_ready_should_mean_not_impaired(impairment: Impairment, *, expected: bool) -> None:
    assert ready(judged(Health.HEALTHY, serving=True), impairment) is expected


@pytest.mark.parametrize(
    ("stands", "impairment", "required", "optional"),
    [
        (FINE, NONE, NONE, NONE),
        (FINE, AT_RISK, AT_RISK, NONE),
        (FINE, IMPAIRED, IMPAIRED, AT_RISK),
        (WEAK, NONE, AT_RISK, AT_RISK),
        (WEAK, AT_RISK, AT_RISK, AT_RISK),
        (WEAK, IMPAIRED, IMPAIRED, AT_RISK),
        (DOWN, NONE, IMPAIRED, AT_RISK),
        (DOWN, AT_RISK, IMPAIRED, AT_RISK),
        (DOWN, IMPAIRED, IMPAIRED, AT_RISK),
    ],
)
def test_what_comes_through_an_edge_should_be_as_the_page_says(
    stands: Standing, impairment: Impairment, required: Impairment, optional: Impairment
) -> None:
    assert weight(REQUIRED, stands, impairment) is required
    assert weight(OPTIONAL, stands, impairment) is optional
    assert weight(Need.IGNORED, stands, impairment) is NONE
