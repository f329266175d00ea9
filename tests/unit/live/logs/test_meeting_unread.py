"""Readers that meet though part of what they want cannot be read: what comes of it later reaches each once."""

import asyncio
import random

import pytest

from nexus_gql import clock
from nexus_gql.live import Cursor, LogFrame, Start
from nexus_gql.live.logs import Position

from .conftest import Logs, reading
from .fronts import Arrival, Shared, meets, shared
from .kubelet import BEGIN, Log

pytestmark = pytest.mark.looptime

SECOND = 1_000_000_000


def breaks(log: Log, refusal: int | None) -> None:
    """The log cannot be read: refused with a status, or without an answer."""
    log.refused, log.holds = refusal, refusal is None
    log.tear()


def heals(log: Log) -> None:
    log.refused, log.holds = None, False


@pytest.mark.parametrize("refusal", [None, 400, 403, 404, 429, 500, 503])
async def test_readers_should_meet_where_a_log_cannot_be_read_and_get_its_lines_once_it_can(
    logs: Logs, refusal: int | None
) -> None:
    a, b = logs.add("a"), logs.add("b")
    breaks(a, refusal)
    a.write("a1", "a2", "a3", at=1)
    async with shared(logs, asked=Start(tail=2)) as front:
        late = []
        for number in range(5):
            late.append(Arrival(logs, front, Start(tail=2), None))
            b.write(f"b{number}", at=2 + number)
            await meets(late[-1], within=5)
        # From here on one reads for all.
        a.write("a4", at=9)
        heals(a)
        await asyncio.sleep(60)
        b.write("end", at=99)
        await asyncio.sleep(2)
        for one in late:
            assert [text for text in one.all.texts if text.startswith("a")] == ["a3", "a4"]
            assert one.all.texts[-1] == "end"


async def test_those_who_come_back_after_one_line_should_meet_and_those_who_have_had_others_not(logs: Logs) -> None:
    a = logs.add("a")
    a.write("1", at=1)
    cursors = []
    async with reading(logs.follower(Start(tail=None))) as before:
        for number in range(3):
            a.write(f"{number + 2}", at=2 + number)
            await asyncio.sleep(1)
            cursors.append(before.cursor)
    await asyncio.sleep(60)  # nobody holds its stream open
    breaks(a, 500)
    async with shared(logs) as front:
        same = [Arrival(logs, front, None, cursors[1]) for _ in range(3)]
        for one in same:
            await meets(one, within=5)
        other, new = Arrival(logs, front, None, cursors[0]), Arrival(logs, front, Start(tail=2), None)
        await asyncio.sleep(10)
        assert (other.mark, new.mark) == (None, None)
        a.write("5", at=9)
        heals(a)
        await asyncio.sleep(20)
        assert [one.all.texts for one in same] == [["4", "5"]] * 3
        await meets(other, within=1)
        await meets(new, within=1)
        a.write("6", at=10)
        await asyncio.sleep(1)
        assert other.all.texts == ["3", "4", "5", "6"]
        assert new.all.texts == ["4", "5", "6"]


async def test_a_pod_that_comes_and_cannot_be_read_should_keep_nobody_from_meeting(logs: Logs) -> None:
    logs.add("a")
    async with shared(logs) as front:
        b = logs.add("b")
        breaks(b, 500)
        b.write("b1", at=1)
        front.follower.look_again()
        await asyncio.sleep(3)
        late = Arrival(logs, front, Start(tail=100), None)
        await meets(late, within=5)
        heals(b)
        await asyncio.sleep(20)
        assert late.all.texts == ["b1"]


async def test_what_was_met_at_while_it_could_not_be_read_should_keep_its_place_in_the_cursor(logs: Logs) -> None:
    a, b = logs.add("a"), logs.add("b")
    a.write("a1", at=1)
    async with reading(logs.follower(Start(tail=None))) as before:
        cursor = before.cursor
    await asyncio.sleep(60)
    breaks(a, 500)
    async with shared(logs) as front:
        back = Arrival(logs, front, None, cursor)
        await meets(back, within=5)
        b.write("b99", at=99)
        await asyncio.sleep(1)
        assert back.all.texts == ["b99"]
        assert Cursor.read(back.all.cursor).position(a.source.key) == Position(BEGIN + SECOND, 1)


# ── clusters that have not been seen ──


def appears(logs: Logs, *fronts: Shared) -> None:
    """The other cluster's pods are known now."""
    logs.clusters = logs.scope
    for front in fronts:
        front.follower.look_again()


async def test_readers_should_meet_though_a_cluster_has_not_been_seen_and_get_its_lines_as_they_asked(
    logs: Logs,
) -> None:
    logs.scope = frozenset({"c1", "c2"})
    a, b = logs.add("a"), logs.add("b", "c2")
    b.write("b1", "b2", "b3", at=1)
    async with shared(logs, asked=Start(tail=2)) as front:
        late = []
        for number in range(5):
            late.append(Arrival(logs, front, Start(tail=2), None))
            a.write(f"a{number}", at=2 + number)
            await meets(late[-1], within=5)
        appears(logs, front)
        await asyncio.sleep(1)
        b.write("b4", at=9)
        await asyncio.sleep(1)
        for one in late:
            assert [text for text in one.all.texts if text.startswith("b")] == ["b2", "b3", "b4"]


async def test_those_who_come_back_should_meet_before_a_cluster_is_seen_and_lose_nothing_of_it(logs: Logs) -> None:
    logs.scope = logs.clusters = frozenset({"c1", "c2"})
    a, b = logs.add("a"), logs.add("b", "c2")
    b.write("b1", at=1)
    async with reading(logs.follower(Start(tail=None))) as before:
        cursor = before.cursor
    logs.clusters = frozenset({"c1"})
    b.write("b2", at=2)
    async with shared(logs) as front:
        back = [Arrival(logs, front, None, cursor) for _ in range(3)]
        for one in back:
            await meets(one, within=5)
        # The others go on for longer than a cursor looks back.
        a.write("a3600", at=3600)
        await asyncio.sleep(1)
        cursor = back[0].all.cursor
        again, stranger = Arrival(logs, front, None, cursor), Arrival(logs, front, Start(tail=0), None)
        await meets(again, within=5)
        await asyncio.sleep(5)
        assert stranger.mark is None
        appears(logs, front)
        await asyncio.sleep(3)
        assert [one.all.texts for one in back] == [["a3600", "b2"]] * 3
        assert again.all.texts == ["b2"]
        await stranger.left()
    async with reading(logs.follower(after=cursor)) as alone:
        assert alone.texts == ["b2"]


async def test_a_cursor_from_before_a_cluster_was_seen_should_lead_on_to_what_it_wrote_since(logs: Logs) -> None:
    """Symptom: others' newer lines stood for its place, too, so what it had written in between was passed over."""
    logs.scope = frozenset({"c1", "c2"})
    a, b = logs.add("a"), logs.add("b", "c2")
    a.write("a1", at=1)
    async with shared(logs) as front:
        one = Arrival(logs, front, Start(tail=100), None)
        await meets(one, within=5)
        since = now()
        b.write("old", at=since - 60)
        b.write("b1", at=since + 1)
        a.write("a2", at=since + 3600)
        await asyncio.sleep(1)
        cursor = one.all.cursor
        back = Arrival(logs, front, None, cursor)
        await meets(back, within=5)
        appears(logs, front)
        await asyncio.sleep(3)
        # Who met the others gets what they get.
        assert [one.all.texts, back.all.texts] == [["a1", "a2", "old", "b1"], ["old", "b1"]]
    async with reading(logs.follower(after=cursor)) as alone:
        assert alone.texts == ["b1"]


def now() -> float:
    """Seconds since the beginning, by the clock that lines carry."""
    return (clock.parse_instant(clock.now().isoformat()) - BEGIN) / SECOND


@pytest.mark.parametrize("seed", range(30))
async def test_whoever_comes_in_whatever_trouble_should_get_every_line_once(logs: Logs, seed: int) -> None:
    chance = random.Random(seed)
    logs.scope = frozenset({"c1", "c2"})
    files = [logs.add("a"), logs.add("b"), logs.add("c", "c2")]
    if chance.random() < 0.5:
        breaks(files[0], chance.choice([None, 403, 500]))
    at = now()
    async with shared(logs, asked=Start(tail=None)) as front:
        arrivals: list[Arrival] = []
        for number in range(60):
            log = chance.choice(files)
            log.write(*(f"{log.source.pod} {number} {one}" for one in range(chance.choice([1, 3, 60]))), at=at)
            at += chance.choice([0, 0.001, 1.5, 20])
            await asyncio.sleep(chance.choice([0, 0.01, 0.3, 1.2, 4]))
            if chance.random() < 0.1:
                breaks(chance.choice(files), chance.choice([None, 403, 500]))
            if chance.random() < 0.2:
                heals(chance.choice(files))
            if chance.random() < 0.03:
                appears(logs, front)
            if chance.random() < 0.3:
                arrivals.append(Arrival(logs, front, Start(tail=None), None))
            if chance.random() < 0.3:
                arrivals.append(back(logs, front, [*chance.choice(arrivals).all.frames] if arrivals else []))
        for log in files:
            heals(log)
        appears(logs, front)
        await asyncio.sleep(60)
        written = {log.source.pod: [text.decode() for _, text in log.lines] for log in files}
        for one in arrivals:
            await meets(one, within=5)
            for log in files:
                assert [text for text in one.all.texts if text.startswith(log.source.pod)] == written[log.source.pod]


def back(logs: Logs, front: Shared, frames: list[LogFrame]) -> Arrival:
    """One that has had some frames, and goes on after them."""
    one = Arrival(logs, front, Start(tail=None), frames[-1].cursor if frames else None)
    one.read.frames += frames
    return one
