"""The pollers of usage, against an apiserver that answers as written down. Real sockets, and a virtual clock."""

import asyncio
from typing import Any

import pytest

from nexus_gql.live import Metrics, UsageMissed, UsageSampled
from tests.unit.clusters.apiserver import Answer, document, status
from tests.unit.live.test_live import APP, POD, World, told, world

pytestmark = pytest.mark.looptime

PODS, NODES = (f"/apis/metrics.k8s.io/v1beta1/{what}" for what in ("pods", "nodes"))


def metrics(at: str = "9026-01-01T00:00:00Z", cpu: str = "250m") -> Answer:
    meta = {"name": POD["metadata"]["name"], "namespace": "or-local-models"}
    containers = [{"name": "churn", "usage": {"cpu": cpu, "memory": "64Mi"}}]
    return document({"items": [{"metadata": meta, "timestamp": at, "window": "15s", "containers": containers}]})


NO_NODES = document({"items": []})


def script(there: World, *answers: Answer) -> None:
    there.server.script(PODS, *answers)
    there.server.script(NODES, NO_NODES)


def asked(there: World) -> list[float]:
    return [one.at for one in there.server.at(PODS)]


async def test_nobody_who_looks_should_mean_that_nobody_asks() -> None:
    async with world() as there:
        script(there, metrics())
        await asyncio.sleep(100)
        assert asked(there) == []


async def test_a_cluster_should_be_asked_every_15_seconds_while_somebody_looks_and_a_minute_longer() -> None:
    async with world() as there:
        script(there, metrics())
        for _ in range(4):
            there.live.usage.touch(["c1"])
            await asyncio.sleep(30)
        assert len(asked(there)) == 8
        await asyncio.sleep(1000)
        assert (len(asked(there)), there.live.usage.polling) == (10, 0)


async def test_a_thousand_who_look_should_cost_one_request() -> None:
    async with world() as there:
        script(there, metrics())
        found = await asyncio.gather(*(there.live.usage.asked("c1") for _ in range(1000)))
        assert {None if poller is None else poller.state for poller in found} == {Metrics.ANSWERS}
        assert len(asked(there)) == 1


async def test_a_sample_should_be_told_and_remembered_for_the_application() -> None:
    async with world() as there:
        script(there, metrics(), metrics("9026-01-01T00:00:15Z", "500m"))
        assert await there.live.usage.asked("c1") is not None
        await asyncio.sleep(16)

        assert [one for one in told(there.live.usage_feed) if isinstance(one, UsageSampled)] == [
            UsageSampled("c1", 1, returned=False),
            UsageSampled("c1", 2, returned=False),
        ]
        assert there.live.usage.usage("c1", there.live.applications.pods(there.application)).cpu == 0.5
        assert [point.cpu for point in there.live.usage.history.since(APP, 0)] == [0.25, 0.5]


REFUSALS: dict[str, tuple[Answer, Metrics, str]] = {
    "not installed": (status(404, "NotFound"), Metrics.ABSENT, "metrics-server is not installed"),
    "forbidden": (status(403, "Forbidden", "you may not"), Metrics.REFUSED, "you may not"),
    "in trouble": (status(503, "ServiceUnavailable", "not ready"), Metrics.FAILING, "not ready"),
    "garbage": (document({"items": "none"}), Metrics.FAILING, "cannot be read"),
}


@pytest.mark.parametrize("case", REFUSALS.values(), ids=REFUSALS)
async def test_what_keeps_usage_from_being_read_should_be_said(case: tuple[Answer, Metrics, str]) -> None:
    answer, state, words = case
    async with world() as there:
        script(there, answer)
        poller = await there.live.usage.asked("c1")
        assert poller is not None
        assert (poller.state, poller.current) == (state, False)
        assert words in poller.trouble


async def test_samples_should_count_for_a_minute_after_the_source_fails_and_its_return_be_told() -> None:
    async with world() as there:
        script(there, metrics(), *[status(503, "ServiceUnavailable")] * 5, metrics("9026-01-01T00:02:00Z"))
        poller = await there.live.usage.asked("c1")
        assert poller is not None
        found: list[bool] = []
        await asyncio.sleep(1)
        for _ in range(7):
            there.live.usage.touch(["c1"])
            found.append(poller.current)
            await asyncio.sleep(15)
        assert found == [True, True, True, True, False, False, True]
        changes: list[Any] = [one for one in told(there.live.usage_feed) if isinstance(one, UsageSampled | UsageMissed)]
        assert changes[1] == UsageMissed("c1", first=True)
        assert changes[2:6] == [UsageMissed("c1", first=False)] * 4
        assert changes[6] == UsageSampled("c1", 2, returned=True)


async def test_who_looks_at_a_cluster_that_is_away_should_be_told_in_each_round() -> None:
    """Otherwise whoever follows would stop saying that they do, and nobody would ask when it is back."""
    async with world() as there:
        script(there, metrics())
        good = there.server.scripts["/version"]
        there.server.script("/version", status(500, "InternalError"))
        there.link.doubt()
        await asyncio.sleep(2)
        position = there.live.usage_feed.position
        for _ in range(4):
            there.live.usage.touch(["c1"])
            await asyncio.sleep(15.5)
        missed = [one for one in told(there.live.usage_feed, position) if isinstance(one, UsageMissed)]
        assert len(missed) >= 3
        there.server.scripts["/version"] = good
        there.live.usage.touch(["c1"])
        await asyncio.sleep(45)
        assert there.live.usage.current("c1") is not None


async def test_a_follower_should_be_fed_on_after_the_source_asked_for_a_minute() -> None:
    """Whoever follows says so when something is told; nothing told for as long as usage lingers, and nobody asked again."""
    async with world() as there:
        busy = status(429, "TooManyRequests", headers={"Retry-After": "60"})
        script(there, metrics(), busy, *(metrics(f"9026-01-01T00:0{minute}:00Z") for minute in range(1, 9)))

        async def follow() -> None:
            position = there.live.usage_feed.position
            while True:
                there.live.usage.touch(["c1"])
                await there.live.usage_feed.newer(position)
                position = there.live.usage_feed.position

        following = asyncio.create_task(follow())
        await asyncio.sleep(200)
        assert there.live.usage.polling == 1
        assert len([one for one in told(there.live.usage_feed) if isinstance(one, UsageSampled)]) > 3
        following.cancel()
