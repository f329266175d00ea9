"""The one retry policy, on a virtual clock."""

import asyncio
from itertools import pairwise

import pytest

from nexus_gql.backoff import Backoff

pytestmark = pytest.mark.looptime


async def test_the_first_wait_should_be_between_once_and_twice_the_first() -> None:
    assert all(0.8 <= Backoff().failed() <= 1.6 for _ in range(100))


async def test_waits_should_double_up_to_the_ceiling() -> None:
    backoff = Backoff(first=1, ceiling=30)
    for least in (1, 2, 4, 8, 16, 30, 30):
        assert least <= backoff.failed() <= min(30, 2 * least)


async def test_waits_should_differ_from_each_other() -> None:
    assert len({Backoff().failed() for _ in range(20)}) > 10


async def test_a_calm_period_should_be_forgotten_and_a_short_one_not() -> None:
    backoff = Backoff(first=1, ceiling=30, calm=120)
    for _ in range(6):
        backoff.failed()
    await asyncio.sleep(120)
    assert backoff.failed() == 30
    await asyncio.sleep(120.5)
    assert backoff.failed() <= 2


async def test_success_should_forget_at_once() -> None:
    backoff = Backoff(first=1)
    for _ in range(6):
        backoff.failed()
    backoff.succeeded()
    assert backoff.failed() <= 2


async def test_the_ceiling_should_be_told_from_the_wait_that_reaches_it() -> None:
    backoff = Backoff(first=1, ceiling=8)
    told = [(backoff.failed(), backoff.at_ceiling)[1] for _ in range(6)]
    assert told == [False, False, False, True, True, True]
    assert all(later >= earlier for earlier, later in pairwise(told))


async def test_a_cluster_that_is_gone_for_a_weekend_should_still_be_tried() -> None:
    """2.0 to the power of a thousand failures is no float: `at_ceiling` raised OverflowError after nine hours."""
    backoff = Backoff(failures=5000, _last=0.0)
    assert backoff.failed() == 30
    assert backoff.at_ceiling
