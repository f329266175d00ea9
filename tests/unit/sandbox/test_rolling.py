"""The arithmetic of a rolling update."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_gql.sandbox.rolling import (
    Replicas,
    Rollout,
    fenceposts,
    proportions,
    room_for_new,
    share,
    shrink_old,
    shrink_unhealthy,
)
from nexus_gql.sandbox.store import Object


def deployment(replicas: int, surge: int | str = "25%", unavailable: int | str = "25%") -> Object:
    limits = {"maxSurge": surge, "maxUnavailable": unavailable}
    return {
        "metadata": {},
        "spec": {"replicas": replicas, "strategy": {"type": "RollingUpdate", "rollingUpdate": limits}},
    }


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "found"),
    [
        (4, "25%", "25%", (1, 1)),
        (1, "25%", "25%", (1, 0)),
        (10, 3, 2, (3, 2)),
        (3, 0, 0, (0, 1)),
        (5, "50%", "50%", (3, 2)),
        (2, 0, 9, (0, 2)),
    ],
)
def test_per_cents_should_be_rounded_to_the_safe_side(
    replicas: int, surge: int | str, unavailable: int | str, found: tuple[int, int]
) -> None:
    assert fenceposts(deployment(replicas, surge, unavailable)) == found


def test_a_number_written_as_text_should_be_a_number() -> None:
    assert share("3", 10, up=True) == 3


@given(
    replicas=st.integers(0, 30),
    surge=st.integers(0, 10),
    unavailable=st.integers(0, 10),
    new=st.integers(0, 30),
    old=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=4),
    available=st.integers(0, 30),
)
def test_a_step_should_never_take_away_what_has_to_stay(
    replicas: int, surge: int, unavailable: int, new: int, old: list[tuple[int, int]], available: int
) -> None:
    spec = deployment(replicas, surge, unavailable)
    rows = [Replicas(wanted, min(wanted, there)) for wanted, there in old]
    fresh = Replicas(new, min(new, available))
    most, few = fenceposts(spec)
    grown = room_for_new(spec, new, [row.wanted for row in rows])
    assert new <= max(grown, new)
    if grown > new:
        assert grown <= replicas
        assert grown + sum(row.wanted for row in rows) <= replicas + most
    kept = shrink_old(spec, fresh, shrink_unhealthy(spec, fresh, rows))
    assert all(0 <= count <= row.wanted for count, row in zip(kept, rows, strict=True))
    if kept != [row.wanted for row in rows]:
        # Those that go first are the ones that are not available: what is left can only be short by what was missing before.
        staying = fresh.available + sum(min(count, row.available) for count, row in zip(kept, rows, strict=True))
        before = fresh.available + sum(row.available for row in rows)
        assert staying >= min(before, replicas - few)


def replica_set(name: str, replicas: int, maximum: int) -> Object:
    notes = {"deployment.kubernetes.io/max-replicas": str(maximum), "deployment.kubernetes.io/desired-replicas": "10"}
    return {"metadata": {"name": name, "annotations": notes, "creationTimestamp": name}, "spec": {"replicas": replicas}}


@given(before=st.lists(st.integers(1, 20), min_size=2, max_size=4), replicas=st.integers(1, 60))
def test_shares_should_add_up_to_what_is_declared(before: list[int], replicas: int) -> None:
    spec = deployment(replicas, 0, 1)
    sets = [replica_set(str(number), count, sum(before)) for number, count in enumerate(before)]
    found = proportions(Rollout(spec, sets[-1], sets[:-1]))
    assert sum(count for _, count in found) == replicas
    assert all(count >= 0 for _, count in found)
