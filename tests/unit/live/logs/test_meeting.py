"""Readers that meet: from the place where they do, one reads for both. Real sockets, and a virtual clock."""

import asyncio
import random

import pytest

from nexus_gql.live import Gap, Pattern, Start, left_out
from nexus_gql.live.logs import Reason, Stage

from .conftest import Logs, Read, reading
from .fronts import Arrival, shared
from .kubelet import Log

pytestmark = pytest.mark.looptime


async def test_one_that_comes_should_get_what_was_before_and_then_what_all_get(logs: Logs) -> None:
    log = logs.add("a")
    log.write("1", "2", "3", at=1)
    async with shared(logs) as front:
        late = Arrival(logs, front, Start(tail=2), None)
        await late.there()
        log.write("4", at=2)
        await asyncio.sleep(1)
        assert late.all.texts == ["2", "3", "4"]
        assert [frame.opened for frame in late.read.frames if frame.opened] == [[log.source]]


async def test_one_that_comes_should_meet_the_others_though_nothing_is_written(logs: Logs) -> None:
    logs.add("a")
    async with shared(logs) as front:
        late = Arrival(logs, front, Start(tail=100), None)
        await late.there()
        assert late.mark == front.front.mark


async def test_readers_that_met_should_need_one_stream(logs: Logs) -> None:
    log = logs.add("a")
    log.write("1", at=1)
    async with shared(logs) as front:
        for _ in range(20):
            await Arrival(logs, front, Start(tail=100), None).there()
        assert log.most == 1
        assert len(log.asked) <= 2  # the last lines, then the stream


async def test_a_reader_should_meet_nobody_whose_sources_are_others_and_read_on_alone(logs: Logs) -> None:
    logs.add("a")
    async with shared(logs) as front:
        log = logs.add("b")  # the front has not looked again, the other does at its beginning
        late = Arrival(logs, front, Start(tail=100), None)
        await asyncio.sleep(3)
        assert late.mark is None
        log.write("b1", at=1)
        await asyncio.sleep(1)
        assert late.read.texts == ["b1"]
        await late.left()


@pytest.mark.parametrize("pattern", [None, Pattern.of("[02468]$", invert=False)], ids=["all", "grep"])
@pytest.mark.parametrize("seed", range(20))
async def test_whoever_comes_whenever_should_get_every_line_once(
    logs: Logs, seed: int, pattern: Pattern | None
) -> None:
    chance = random.Random(seed)
    files = [logs.add(name) for name in "abc"]
    at = 1.0
    async with shared(logs, pattern) as front, reading(logs.follower(Start(tail=None), pattern=pattern)) as whole:
        arrivals: list[Arrival] = []
        for number in range(60):
            at += _something(chance, files, at, number)
            await asyncio.sleep(chance.choice([0, 0.01, 0.06, 0.3, 1.2]))
            if chance.random() < 0.2:
                arrivals.append(Arrival(logs, front, Start(tail=None), None, pattern))
            if chance.random() < 0.2 and whole.frames:
                seen = len(whole.frames)
                back = Arrival(logs, front, None, whole.cursor, pattern)
                back.read.frames += whole.frames[:seen]
                arrivals.append(back)
        await asyncio.sleep(5)
        for arrival in arrivals:
            await arrival.there()
            assert sorted(arrival.all.texts) == sorted(whole.texts)
            for log in files:
                assert _of(arrival.all, log) == _of(whole, log)
            assert len(set(whole.texts)) == len(whole.texts)
            assert not arrival.all.gaps


def _something(chance: random.Random, files: list[Log], at: float, number: int) -> float:
    """A few lines, or many, or a stream that ends."""
    log = chance.choice(files)
    if chance.random() < 0.1:
        chance.choice([log.end, log.tear])()
        return 0.0
    count = chance.choice([1, 1, 3, 200])
    log.write(*(f"{log.source.pod} {number} {one}" for one in range(count)), at=at)
    return chance.choice([0.0, 0.001, 1.5])


def _of(read: Read, log: Log) -> list[str]:
    return [text for text in read.texts if text.startswith(f"{log.source.pod} ")]


async def test_readers_of_a_flood_should_meet_too(logs: Logs) -> None:
    log = logs.add("a")
    async with shared(logs) as front:
        late: list[Arrival] = []
        for number in range(100):
            log.write(*(f"{number} {one}" for one in range(100)), at=number / 20)
            await asyncio.sleep(0.05)
            if number % 10 == 0:
                late.append(Arrival(logs, front, Start(tail=100), None))
        await asyncio.sleep(2)
        for one in late:
            await one.there()
            numbers = [tuple(int(part) for part in text.split()) for text in one.all.texts]
            assert numbers == sorted(set(numbers))
            assert numbers[-1] == (99, 99)
            lines = len(numbers) + sum(gap.lines or 0 for gap in one.all.gaps)
            assert lines == 10_000 - numbers[0][0] * 100 - numbers[0][1]


async def test_whoever_comes_back_should_meet_the_others_though_a_container_is_long_silent(logs: Logs) -> None:
    a, b = logs.add("a"), logs.add("b")
    a.write("a1", at=1)
    b.write("b1", at=100)
    async with reading(logs.follower(Start(tail=None))) as before:
        cursor = before.cursor
    async with shared(logs) as front:
        back = Arrival(logs, front, None, cursor)
        await back.there()
        b.write("b2", at=101)
        await asyncio.sleep(1)
        assert back.all.texts == ["b2"]


class Bystander:
    """Somebody at a tap who takes nothing."""

    seat = None

    def wake(self) -> None:
        """It has no use for that."""


async def test_a_gap_that_is_the_last_thing_before_the_meeting_should_be_told(logs: Logs) -> None:
    log = logs.add("a")
    log.write("1", at=1)
    async with reading(logs.follower(Start(tail=None))) as before:
        cursor = before.cursor
    async with shared(logs) as front:
        log.write("2", at=2)
        await asyncio.sleep(1)
        tap = logs.taps.join(log.source, Bystander())
        tap.tell(Gap(Reason.ROTATED, "Another file.", log.source))
        await asyncio.sleep(1)
        back = Arrival(logs, front, None, cursor)
        await back.there()
        assert back.all.texts == ["2"]
        assert [gap.reason for gap in back.all.gaps] == [Reason.ROTATED]


async def test_containers_that_come_and_go_should_be_told_to_all(logs: Logs) -> None:
    logs.add("a")
    async with shared(logs) as front:
        late = Arrival(logs, front, Start(tail=100), None)
        await late.there()
        b = logs.add("b")
        b.write("b1", at=1)
        front.follower.look_again()
        await asyncio.sleep(2)
        logs.stages["b"] = Stage.OVER
        b.end()
        front.follower.look_again()
        await asyncio.sleep(3)
        assert [source.pod for frame in late.all.frames for source in frame.opened] == ["a", "b"]
        assert [source.pod for frame in late.all.frames for source in frame.closed] == ["b"]
        assert late.all.texts == ["b1"]


async def test_one_that_was_left_behind_should_be_told_what_it_missed(logs: Logs) -> None:
    a = logs.add("a")
    async with shared(logs) as front:
        start = front.front.mark
        a.write("1", "2", "3", at=1)
        logs.add("b")
        front.follower.look_again()
        await asyncio.sleep(2)
        told = left_out(start, front.front.mark)
        assert [source.pod for source in told.opened] == ["b"]
        assert [(gap.reason, gap.lines) for gap in told.gaps] == [(Reason.SLOW_READER, 3)]
        assert told.cursor == front.front.mark.cursor
        assert not told.lines


async def test_a_stream_that_breaks_should_hurt_nobody_who_met(logs: Logs) -> None:
    log = logs.add("a")
    async with shared(logs) as front:
        late = Arrival(logs, front, Start(tail=100), None)
        await late.there()
        log.tear()
        log.write("1", at=1)
        await asyncio.sleep(3)
        assert late.all.texts == ["1"]
