"""A ring of points for each application."""

from hypothesis import given
from hypothesis import strategies as st

from nexus_gql.live.usage_history import CAPACITY, History


def points(history: History, since: float = float("-inf")) -> list[tuple[float, float, float]]:
    return [(point.at, point.cpu, point.memory) for point in history.since("a", since)]


@given(st.lists(st.integers(0, 2000), unique=True, max_size=CAPACITY + 200).map(sorted))
def test_a_ring_should_hold_the_newest_points_oldest_first(times: list[int]) -> None:
    history = History()
    for time in times:
        history.add("a", time, time / 4, time * 2)

    assert points(history) == [(time, time / 4, time * 2) for time in times[-CAPACITY:]]


def test_only_points_after_an_instant_should_be_told() -> None:
    history = History()
    for time in (15, 30, 45):
        history.add("a", time, 1, 1)

    assert [at for at, _, _ in points(history, 30)] == [45]


def test_a_sample_that_is_known_should_not_become_a_second_point() -> None:
    history = History()
    for time in (15, 15, 14):
        history.add("a", time, 1, 1)

    assert [at for at, _, _ in points(history)] == [15]


def test_an_application_that_is_measured_no_more_should_be_forgotten() -> None:
    history = History()
    history.add("a", 15, 1, 1)
    history.add("b", 30, 1, 1)
    history.forget_before(30)

    assert (points(history), len(history)) == ([], 1)
