"""Logs of a real kubelet: one stream for many readers, files that are rotated away, a kubelet that goes and comes back."""

import re
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.cluster.feeds import Feed
from tests.cluster.nexus import until
from tests.cluster.place import Place
from tests.cluster.proxy import Proxy

LOGS = """
subscription ($input: LogInput!) {
  logs(input: $input) {
    lines { at text source { pod } } cursor
    gaps { reason from to lines message source { pod } } opened { pod } closed { pod }
  }
}
"""
POD_LOG = r".*/pods/churn-[^/]*/log"
TICKING = [{"name": "LINES_EVERY", "value": {"text": "0.05"}}]
# More than a kubelet's file (10Mi), each line with its number. The kubelet looks every ten seconds whether one is full.
FLOOD = (
    'i=0; echo begun; sleep 5; while [ $i -lt 200000 ]; do i=$((i+1)); echo "$i {}"; done;'
    ' while :; do i=$((i+1)); echo "$i"; sleep 0.2; done'
).format("x" * 100)


@pytest.fixture
def kubeconfig(proxy: Proxy) -> str:
    return proxy.kubeconfig


def texts(feed: Feed) -> list[str]:
    return [line["text"] for frame in feed.frames for line in frame["lines"]]


def gaps(feed: Feed) -> list[dict[str, Any]]:
    return [gap for frame in feed.frames for gap in frame["gaps"]]


async def test_twenty_readers_of_a_pod_should_cost_one_stream(place: Place, proxy: Proxy) -> None:
    path = await place.run(env=TICKING)
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(place.nexus.socket()) for _ in range(4)]
        given = {"scope": path, "tail": None}
        feeds = [await socket.subscribe(LOGS, input=given) for socket in sockets for _ in range(5)]
        for feed in feeds:
            await feed.until(lambda one: len(texts(one)) >= 40)
        assert [count for kind, count in proxy.watches.items() if re.fullmatch(POD_LOG, kind)] == [1]
        assert proxy.count(POD_LOG, watch=True) == 1
        for feed in feeds:
            ticks = [text for text in texts(feed) if text.startswith("tick ")]
            assert ticks == [f"tick {number}" for number in range(1, len(ticks) + 1)]


async def test_a_cut_and_a_stopped_kubelet_should_lose_nothing(place: Place, proxy: Proxy) -> None:
    path = await place.run(env=TICKING)
    async with place.nexus.socket() as socket:
        feed = await socket.subscribe(LOGS, input={"scope": path, "tail": None})
        await feed.until(lambda one: len(texts(one)) >= 20)
        proxy.cut()
        already = len(texts(feed))
        await feed.until(lambda one: len(texts(one)) >= already + 60)
        place.cluster.stop("kubelet")
        try:
            await feed.until(lambda one: "SOURCE_LOST" in [gap["reason"] for gap in gaps(one)])
        finally:
            place.cluster.start("kubelet")
        already = len(texts(feed))
        await feed.until(lambda one: len(texts(one)) >= already + 100)
    ticks = [text for text in texts(feed) if text.startswith("tick ")]
    assert ticks == [f"tick {number}" for number in range(1, len(ticks) + 1)]


async def test_what_the_kubelet_rotated_away_should_be_a_gap(place: Place) -> None:
    path = await place.declare(command=["/bin/sh", "-c", FLOOD], probes={"readiness": None})
    await place.nexus.deploy(path)
    async with place.nexus.socket() as socket:
        feed = await socket.subscribe(LOGS, input={"scope": path, "tail": None})
        await feed.until(lambda one: "begun" in texts(one))
        cursor = feed.frames[-1]["cursor"]

    async def rotated() -> bool:
        try:
            first = await place.kubectl("logs", "--limit-bytes=20", "deployment/churn")
        except AssertionError:
            return False  # a kubelet that has just moved the file away has none until the next one is opened
        return re.match(r"\d+\s", first) is not None

    await until(rotated)
    async with place.nexus.socket() as socket:
        given = {"scope": path, "after": cursor, "follow": False}
        feed = await (await socket.subscribe(LOGS, input=given)).to_its_end()

    numbers = [int(text.split()[0]) for text in texts(feed)]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert numbers[0] > 1
    (gap,) = gaps(feed)
    first = next(line for frame in feed.frames for line in frame["lines"])
    assert (gap["reason"], gap["to"]) == ("ROTATED", first["at"])
    assert gap["from"] < gap["to"]
