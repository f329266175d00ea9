"""One stream for each container, its readers fast and slow, and floods. Real sockets, and a virtual clock."""

import asyncio
from contextlib import AsyncExitStack, aclosing

import pytest

from nexus_gql.live import Start
from nexus_gql.live.logs import Reason
from nexus_gql.live.logs.ring import LINES
from nexus_gql.live.logs.tap import BURST, LINGER, RATE

from .conftest import Logs, Read, reading
from .kubelet import Log, source

pytestmark = pytest.mark.looptime


def followed(log: Log) -> int:
    return sum("follow" in asked.query for asked in log.asked)


async def test_fifty_readers_should_cost_one_stream(logs: Logs) -> None:
    log = logs.add("a")
    log.write(*(f"{number}" for number in range(100)), at=1)
    async with AsyncExitStack() as stack:
        readers = [await stack.enter_async_context(reading(logs.follower(), seconds=0.5)) for _ in range(50)]
        log.write("now", at=2)
        await asyncio.sleep(1)
        assert [read.texts for read in readers] == [[*(f"{number}" for number in range(100)), "now"]] * 50
        assert (log.most, followed(log), len(log.asked)) == (1, 1, 2)


async def test_a_stream_should_outlive_its_last_reader_for_a_while(logs: Logs) -> None:
    log = logs.add("a")
    for seconds, streams in ((LINGER - 1, 1), (LINGER + 1, 2)):
        async with reading(logs.follower()):
            assert log.open == 1
        await asyncio.sleep(seconds)
        async with reading(logs.follower()):
            assert followed(log) == streams


async def test_a_reader_that_comes_back_at_once_should_need_no_request(logs: Logs) -> None:
    log = logs.add("a")
    log.write("a1", "a2", at=1)
    async with reading(logs.follower()) as first:
        pass
    asked = len(log.asked)
    log.write("a3", at=1)
    async with reading(logs.follower(after=first.cursor)) as second:
        assert second.texts == ["a3"]
        assert len(log.asked) == asked


async def test_a_reader_that_does_not_read_should_keep_no_other_waiting(logs: Logs) -> None:
    log = logs.add("a")
    async with aclosing(logs.follower().frames()) as slow, reading(logs.follower()) as fast:
        await anext(slow)
        await asyncio.sleep(1)
        for second in range(20):
            log.write(*(f"{second} {number}" for number in range(1000)), at=second)
            await asyncio.sleep(1)
        assert len(fast.texts) == 20_000
        assert fast.gaps == []

        gap = None
        texts: list[str] = []
        while not texts or texts[-1] != "19 999":
            frame = await anext(slow)
            texts += [line.text for _, line in frame.lines]
            gap = gap or next(iter(frame.gaps), None)
        assert gap is not None
        assert (gap.reason, gap.source) == (Reason.SLOW_READER, source("a"))
        assert (gap.lines or 0) + len(texts) == 20_000
        assert len(texts) == LINES


async def test_readers_that_all_stand_still_should_cost_no_memory(logs: Logs) -> None:
    log = logs.add("a")
    async with aclosing(logs.follower().frames()) as frames:
        await anext(frames)
        await asyncio.sleep(1)
        for second in range(100):
            log.write(*["x" * 1000] * 500, at=second)
            await asyncio.sleep(1)
        assert log.sent > 50_000_000  # it was read on: the kubelet keeps nothing for us, and loses nothing unnoticed
        (tap,) = [tap for tap, _ in logs.taps._taps.values()]
        assert sum(len(entry.item.text) for entry in tap.ring._entries if not hasattr(entry.item, "reason")) < 2**19


async def test_a_reader_that_is_slow_from_the_beginning_should_get_all_that_was_there(logs: Logs) -> None:
    log = logs.add("a")
    for number in range(20_000):
        log.write(f"{number}", at=number / 1000)
    texts: list[str] = []
    async with aclosing(logs.follower(Start()).frames()) as frames:
        while len(texts) < 20_000:
            frame = await anext(frames)
            assert frame.gaps == []
            assert len(frame.lines) <= 150
            texts += [line.text for _, line in frame.lines]
            await asyncio.sleep(0.05)
    assert texts == [str(number) for number in range(20_000)]


async def test_a_flood_should_be_thinned_and_the_rest_counted(logs: Logs) -> None:
    log, other = logs.add("a"), logs.add("b")
    async with reading(logs.follower()) as read:
        for second in range(3):
            for part in range(10):
                log.write(*["x"] * 10_000, at=second + part / 10)
                await asyncio.sleep(0.1)
            other.write("calm", at=second + 0.95)
        await asyncio.sleep(3)
        gaps = [gap for gap in read.gaps if gap.reason is Reason.RATE_LIMIT]
        assert len(gaps) == len(read.gaps)
        assert read.texts.count("calm") == 3
        assert read.texts.count("x") + sum(gap.lines or 0 for gap in gaps) == 300_000
        assert read.texts.count("x") <= BURST + 5 * RATE
        assert len(gaps) <= 5


async def test_a_cursor_from_within_a_flood_should_lead_on_without_repetition(logs: Logs) -> None:
    log = logs.add("a")
    async with reading(logs.follower()) as first:
        log.write(*(str(number) for number in range(BURST + 5000)), at=1)
        await asyncio.sleep(3)
        assert sum(gap.lines or 0 for gap in first.gaps) == 5000
    log.write("after", at=1)
    async with reading(logs.follower(after=first.cursor, taps=await logs.another_server())) as second:
        assert second.texts == ["after"]


async def test_a_burst_should_reach_who_reads_whole(logs: Logs) -> None:
    log = logs.add("a")
    async with AsyncExitStack() as stack:
        readers: list[Read] = [await stack.enter_async_context(reading(logs.follower())) for _ in range(5)]
        log.write(*(str(number) for number in range(9000)), at=1)
        await asyncio.sleep(5)
        for read in readers:
            assert read.texts == [str(number) for number in range(9000)]
            assert read.gaps == []
