"""The order of health, and how states sum up to a level's."""

from collections import Counter
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_gql.live import ApplicationState, Health, Verdict, summarise
from nexus_gql.live.health import worst
from nexus_gql.live.health.verdict import rank

CONTRACT = ("UNKNOWN", "DEGRADED", "MISSING", "PROGRESSING", "SUSPENDED", "HEALTHY")


def state(status: Health, *, resting: bool = False) -> ApplicationState:
    return ApplicationState(Verdict(status, ""), serving=False, resting=resting)


def test_the_order_should_hold_every_status_once_as_the_contract_has_it() -> None:
    assert sorted(Health, key=rank) == [Health(word) for word in CONTRACT]
    assert sorted(rank(status) for status in Health) == list(range(len(Health)))


def test_the_worse_of_two_should_win_whichever_comes_first() -> None:
    for one, other in product(Health, Health):
        assert worst([one, other]) == worst([other, one]) == min(one, other, key=rank)


def test_a_level_without_applications_should_be_healthy() -> None:
    assert summarise([]).status is Health.HEALTHY


@pytest.mark.parametrize("status", Health)
def test_an_application_should_set_the_status_of_a_level_that_has_only_it(status: Health) -> None:
    assert summarise([state(status)]).status is status
    assert summarise([state(status, resting=True)]).status is status


def test_what_rests_should_be_counted_and_have_no_say_beside_others() -> None:
    summary = summarise([state(Health.HEALTHY), state(Health.MISSING, resting=True)])

    assert summary.status is Health.HEALTHY
    assert summary.counts == Counter({Health.HEALTHY: 1, Health.MISSING: 1})


@given(st.lists(st.tuples(st.sampled_from(Health), st.booleans())))
def test_a_summary_should_count_everything_whatever_its_order(known: list[tuple[Health, bool]]) -> None:
    states = [state(status, resting=resting) for status, resting in known]

    assert summarise(states) == summarise(states[::-1])
    assert summarise(states).counts.total() == len(states)
