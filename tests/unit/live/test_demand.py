"""What is needed of a cluster, and for how long after the last need. The clock is virtual."""

import asyncio

import pytest

from nexus_gql.live import Want
from nexus_gql.live.demand import LINGER, Demands

pytestmark = pytest.mark.looptime


def demands() -> tuple[Demands, list[None]]:
    told: list[None] = []
    return Demands(lambda: told.append(None)), told


async def test_a_need_should_end_some_time_after_the_last_touch() -> None:
    found, told = demands()
    found.touch(Want.USAGE, ["c1"])
    await asyncio.sleep(50)
    found.touch(Want.USAGE, ["c1"])
    await asyncio.sleep(59.9)
    assert (found.wanted("c1", Want.USAGE), len(told)) == (True, 1)
    await asyncio.sleep(0.2)
    assert (found.wanted("c1", Want.USAGE), len(told)) == (False, 2)


async def test_a_need_should_last_while_anybody_holds_it() -> None:
    found, told = demands()
    with found.held(Want.EVENTS, ["c1"]):
        with found.held(Want.EVENTS, ["c1"]):
            await asyncio.sleep(1000)
        await asyncio.sleep(1000)
        assert found.wanted("c1", Want.EVENTS)
    await asyncio.sleep(LINGER[Want.EVENTS] - 1)
    assert found.wanted("c1", Want.EVENTS)
    await asyncio.sleep(2)
    assert (found.wanted("c1", Want.EVENTS), len(told)) == (False, 2)


async def test_needs_should_be_told_apart_by_cluster_and_kind() -> None:
    found, _ = demands()
    found.touch(Want.NODES, ["c1", "c2"])
    found.touch(Want.EVENTS, ["c2"])
    assert found.clusters(Want.NODES) == {"c1", "c2"}
    assert found.clusters(Want.EVENTS) == {"c2"}
    assert not found.wanted("c1", Want.EVENTS)


async def test_what_is_kept_should_end_with_its_cluster() -> None:
    found, told = demands()
    found.keep(Want.INGRESSES, "c1")
    found.keep(Want.INGRESSES, "c1")
    await asyncio.sleep(10_000)
    assert (found.wanted("c1", Want.INGRESSES), len(told)) == (True, 1)
    assert found.clusters(Want.INGRESSES) == set()  # it would keep the cluster that it is to end with
    found.forget("c1")
    assert not found.wanted("c1", Want.INGRESSES)


async def test_a_thousand_touches_should_cost_one_timer() -> None:
    found, told = demands()
    for _ in range(1000):
        found.touch(Want.USAGE, ["c1"])
    planned = len(asyncio.get_running_loop()._scheduled)  # type: ignore[attr-defined]
    assert (planned, len(told)) == (1, 1)
    await asyncio.sleep(LINGER[Want.USAGE] + 1)
