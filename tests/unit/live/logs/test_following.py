"""Following logs: merged, joined, ended, and resumed. Real sockets, and a virtual clock."""

import asyncio

import pytest

from nexus_gql.clusters import ConnectionStatus
from nexus_gql.live import Cursor, Pattern, Start, TooManySources, read_once
from nexus_gql.live.logs import Position, Reason, Stage
from tests.unit.clusters.apiserver import linked

from .conftest import Logs, all_of, reading
from .kubelet import BEGIN, source

pytestmark = pytest.mark.looptime
SECOND = 1_000_000_000


# ── merging ──


async def test_lines_of_several_containers_should_come_by_time_and_then_by_source(logs: Logs) -> None:
    a, b = logs.add("a"), logs.add("b")
    for at in (1, 3, 5):
        a.write(f"a{at}", at=at)
    for at in (1, 2, 5):
        b.write(f"b{at}", at=at)
    async with reading(logs.follower()) as read:
        assert read.texts == ["a1", "b1", "b2", "a3", "a5", "b5"]


async def test_the_first_frame_should_say_what_was_opened(logs: Logs) -> None:
    logs.add("a")
    logs.add("b")
    async with reading(logs.follower()) as read:
        assert [frame.opened for frame in read.frames] == [[source("a"), source("b")]]


async def test_a_silent_container_should_hold_nobody_up_for_long(logs: Logs) -> None:
    a = logs.add("a")
    logs.add("b")
    async with reading(logs.follower(), seconds=5) as read:
        a.write("a1", at=1)
        await asyncio.sleep(0.5)
        assert read.texts == ["a1"]


async def test_a_late_line_should_come_with_its_own_time(logs: Logs) -> None:
    a, b = logs.add("a"), logs.add("b")
    a.write("a9", at=9)
    async with reading(logs.follower()) as read:
        b.write("b1", at=1)
        await asyncio.sleep(1)
        assert read.texts == ["a9", "b1"]
        assert read.frames[-1].lines[0][1].at == BEGIN + SECOND


async def test_what_is_only_read_should_be_in_order_however_slow_a_node_is(logs: Logs) -> None:
    a, b = logs.add("a"), logs.add("b")
    a.write("a9", at=9)
    b.write("b1", at=1)
    b.holds = True
    asyncio.get_running_loop().call_later(10, setattr, b, "holds", False)

    read = await all_of(logs.follower(follow=False))

    assert read.texts == ["b1", "a9"]
    assert len(a.asked) == 1
    assert "follow" not in a.asked[0].query
    assert not len(logs.taps)


async def test_a_node_that_never_answers_should_be_told_of(logs: Logs) -> None:
    logs.add("a").write("a1", at=1)
    logs.add("b").holds = True

    async with asyncio.timeout(60):
        read = await all_of(logs.follower(follow=False))

    assert read.texts == ["a1"]
    assert [(gap.reason, gap.source) for gap in read.gaps] == [(Reason.SOURCE_LOST, source("b"))]


async def test_a_scope_without_containers_should_end_at_once(logs: Logs) -> None:
    read = await all_of(logs.follower(follow=False))

    assert (len(read.frames), read.texts) == (1, [])


@pytest.mark.parametrize("follow", [True, False])
@pytest.mark.parametrize(("tail", "texts"), [(0, []), (1, ["a3"]), (2, ["a2", "a3"]), (None, ["a1", "a2", "a3"])])
async def test_a_tail_should_be_the_last_lines(logs: Logs, tail: int | None, texts: list[str], *, follow: bool) -> None:
    logs.add("a").write("a1", "a2", "a3", at=1)
    async with reading(logs.follower(Start(tail=tail), follow=follow)) as read:
        assert read.texts == texts


@pytest.mark.parametrize("tail", [500, 3000, None])
async def test_a_reader_who_wants_more_than_is_at_the_tap_should_get_it(logs: Logs, tail: int | None) -> None:
    log = logs.add("a")
    for number in range(3000):
        log.write(f"{number}", at=number / 100)
    async with reading(logs.follower(Start(tail=tail)), seconds=10) as read:
        log.write("now", at=100)
        await asyncio.sleep(1)
        assert read.texts == [*(str(number) for number in range(3000 - (tail or 3000), 3000)), "now"]
        assert read.gaps == []


# ── pods that come and go ──


async def test_a_pod_that_comes_should_be_read_from_its_first_line(logs: Logs) -> None:
    follower = logs.follower(Start(tail=1))
    async with reading(follower) as read:
        logs.add("a").write("a1", "a2", at=1)
        follower.look_again()
        await asyncio.sleep(1)
        assert read.texts == ["a1", "a2"]
        assert [frame.opened for frame in read.frames if frame.opened] == [[source("a")]]


async def test_a_pod_that_was_not_seen_yet_should_be_read_as_it_was_asked_for(logs: Logs) -> None:
    """Symptom: who subscribed before a server had listed the pods got the whole logs in place of the last lines."""
    logs.clusters = frozenset()
    follower = logs.follower(Start(tail=1))
    async with reading(follower) as read:
        logs.add("a").write("a1", "a2", at=1)
        logs.clusters = frozenset({"c1"})
        follower.look_again()
        await asyncio.sleep(1)
        assert read.texts == ["a2"]


async def test_a_pod_that_goes_should_be_closed_after_its_last_line(logs: Logs) -> None:
    log = logs.add("a")
    log.write("a1", at=1)
    follower = logs.follower()
    async with reading(follower) as read:
        logs.sources.clear()
        logs.stages["a"] = Stage.OVER
        log.write("a2", at=2)
        follower.look_again()
        await asyncio.sleep(1)
        assert not any(frame.closed for frame in read.frames)
        log.end()
        await asyncio.sleep(1)
        assert read.texts == ["a1", "a2"]
        assert [frame.closed for frame in read.frames if frame.closed] == [[source("a")]]
        assert log.open == 0


async def test_a_container_that_has_run_to_its_end_should_be_closed_once(logs: Logs) -> None:
    log = logs.add("a")
    log.write("a1", at=1)
    follower = logs.follower()
    async with reading(follower) as read:
        logs.stages["a"] = Stage.OVER
        log.end()
        for _ in range(5):
            await asyncio.sleep(1)
            follower.look_again()
        assert read.texts == ["a1"]
        assert [frame.closed for frame in read.frames if frame.closed] == [[source("a")]]
        assert [frame.opened for frame in read.frames if frame.opened] == [[source("a")]]


async def test_a_stream_that_ends_while_its_container_runs_should_be_opened_again(logs: Logs) -> None:
    log = logs.add("a")
    log.write("a1", "a1 too", at=1)
    async with reading(logs.follower()) as read:
        log.end()
        log.write("a1 at last", at=1)
        log.write("a2", at=2)
        await asyncio.sleep(2)
        assert read.texts == ["a1", "a1 too", "a1 at last", "a2"]
        assert read.gaps == []
        assert log.most == 1


async def test_a_stream_that_breaks_should_go_on_where_it_was(logs: Logs) -> None:
    log = logs.add("a")
    log.write("a1", at=1)
    async with reading(logs.follower()) as read:
        log.tear()
        log.write("a2", at=2)
        await asyncio.sleep(2)
        assert (read.texts, read.gaps) == (["a1", "a2"], [])


async def test_a_stream_that_keeps_ending_should_not_be_opened_in_a_tight_loop(logs: Logs) -> None:
    log = logs.add("a")
    async with reading(logs.follower(), seconds=1):
        before = len(log.asked)
        for _ in range(600):
            log.end()
            await asyncio.sleep(0.1)
        assert 6 <= len(log.asked) - before <= 15


@pytest.mark.parametrize("refusal", [400, 404])
async def test_a_container_that_does_not_run_yet_should_be_waited_for(logs: Logs, refusal: int) -> None:
    log = logs.add("a")
    log.refused = refusal
    async with reading(logs.follower()) as read:
        log.refused = None
        log.write("a1", at=1)
        await asyncio.sleep(5)
        assert (read.texts, read.gaps) == (["a1"], [])


async def test_a_container_that_is_started_again_should_be_read_on(logs: Logs) -> None:
    """Symptom: a container that had crashed was stopped at the end of its log; after its restart nobody opened it."""
    log = logs.add("a")
    log.write("a1", at=1)
    follower = logs.follower()
    async with reading(follower) as read:
        log.write("fatal", at=2)
        logs.stages["a"] = Stage.PAUSES
        log.restart()
        await asyncio.sleep(60)
        waited = len(log.asked)
        await asyncio.sleep(60)
        assert len(log.asked) == waited

        log.write("a5", at=5)
        logs.stages["a"] = Stage.RUNS
        follower.look_again()
        await asyncio.sleep(1)
        assert read.texts == ["a1", "fatal", "a5"]
        assert read.gaps == []
        assert not any(frame.closed for frame in read.frames)


async def test_a_previous_log_should_be_read_once(logs: Logs) -> None:
    log = logs.add("a")
    log.write("a1", at=1)
    log.restart()
    logs.add("b").write("b1", at=2)  # never restarted
    async with reading(logs.follower(Start(tail=100, previous=True), follow=False), seconds=60) as read:
        assert read.texts == ["a1"]
        assert [asked.query.get("previous") for asked in log.asked] == ["true"]


async def test_a_cluster_that_is_reached_in_another_way_should_be_read_on(logs: Logs) -> None:
    log = logs.add("a")
    log.write("a1", at=1)
    async with reading(logs.follower()) as read, linked(logs.server) as other:
        assert logs.link is not None
        await other.becomes(ConnectionStatus.CONNECTED)
        logs.link.give_up()
        await (await logs.link.connected()).close()
        logs.link = other.link
        log.write("a2", at=2)
        await asyncio.sleep(10)
        assert read.texts == ["a1", "a2"]


async def test_more_containers_than_one_reader_may_follow_should_be_refused(logs: Logs) -> None:
    for number in range(501):
        logs.sources[str(number)] = source(str(number))
    logs.link = None

    with pytest.raises(TooManySources, match="500"):
        await all_of(logs.follower())


async def test_one_container_too_many_that_comes_later_should_be_told_of_once(logs: Logs) -> None:
    for number in range(500):
        logs.sources[str(number)] = source(str(number))
    logs.link = None
    follower = logs.follower()
    async with reading(follower) as read:
        logs.sources["late"] = source("late")
        for _ in range(3):
            follower.look_again()
            await asyncio.sleep(1)
        assert [gap.source for gap in read.gaps if gap.reason is Reason.LIMIT] == [source("late")]


async def test_nothing_should_run_on_after_a_reader_has_left(logs: Logs) -> None:
    log = logs.add("a")
    before = asyncio.all_tasks()
    async with reading(logs.follower()):
        assert any(task.get_name().startswith("log ") for task in asyncio.all_tasks())

    await asyncio.sleep(11)
    assert not [task for task in asyncio.all_tasks() - before if task.get_name().startswith("log ")]
    assert log.open == 0


# ── cursors ──


async def test_a_reader_that_comes_back_should_lose_nothing_and_see_nothing_twice(logs: Logs) -> None:
    a, b = logs.add("a"), logs.add("b")
    a.write(*(f"a{number}" for number in range(700)), at=1)
    b.write("b1", at=0.5)
    async with reading(logs.follower(Start())) as first:
        assert len(first.texts) == 701
    a.write("a700", at=1)
    b.write("b2", at=2)

    texts: list[str] = []
    for frame in first.frames:
        texts += [one.text for _, one in frame.lines]
        async with reading(logs.follower(after=frame.cursor, taps=await logs.another_server())) as second:
            pass
        assert sorted([*texts, *second.texts]) == sorted(["b1", "b2", *(f"a{number}" for number in range(701))])


async def test_a_finished_reading_should_go_on_from_its_last_cursor(logs: Logs) -> None:
    """Symptom: closed sources were left out of the last cursor, and everything came again."""
    log = logs.add("a")
    log.write("a1", at=1)
    first = await all_of(logs.follower(follow=False))
    log.write("a2", at=2)
    second = await all_of(logs.follower(after=first.cursor, follow=False))

    assert (first.texts, second.texts) == (["a1"], ["a2"])


async def test_a_source_that_is_cut_off_should_keep_its_place_in_the_cursor(logs: Logs) -> None:
    """Symptom: while its stream was being opened again, others went on, and a reader who came back then missed lines."""
    a, b = logs.add("a"), logs.add("b")
    a.write("a1", at=1)
    async with reading(logs.follower()) as read:
        a.refused = 500
        a.tear()
        await asyncio.sleep(2)
        b.write("b30", at=30)
        await asyncio.sleep(2)
        assert read.texts == ["a1", "b30"]
        assert Cursor.read(read.cursor).position(source("a").key) == Position(BEGIN + SECOND, 1)


async def test_a_source_that_has_not_answered_yet_should_be_read_whole_by_who_comes_back(logs: Logs) -> None:
    logs.add("a").holds = True
    logs.add("b").write("b30", at=30)
    async with reading(logs.follower(), seconds=4) as read:
        assert read.texts == ["b30"]
        assert Cursor.read(read.cursor).position(source("a").key) == Position()


async def test_a_cursor_should_count_lines_whether_they_are_shown_or_not(logs: Logs) -> None:
    log = logs.add("a")
    log.write("info 1", "error 1", "info 2", at=1)
    async with reading(logs.follower(pattern=Pattern.of("error", invert=False))) as first:
        assert first.texts == ["error 1"]
    log.write("error 2", "info 3", at=1)
    async with reading(logs.follower(after=first.cursor, pattern=Pattern.of("error", invert=True))) as second:
        assert second.texts == ["info 3"]


async def test_what_a_crashed_container_wrote_last_should_come_to_who_was_away(logs: Logs) -> None:
    log = logs.add("a")
    log.write("a1", at=1)
    async with reading(logs.follower()) as first:
        pass
    log.write("fatal", at=2)
    log.restart()
    log.write("again", at=5)
    async with reading(logs.follower(after=first.cursor, taps=await logs.another_server())) as second:
        assert (second.texts, second.gaps) == (["fatal", "again"], [])


@pytest.mark.parametrize("follow", [True, False])
async def test_what_was_rotated_away_should_be_a_gap_with_both_its_ends(logs: Logs, *, follow: bool) -> None:
    log = logs.add("a")
    log.write("a1", at=1)
    async with reading(logs.follower()) as first:
        pass
    for at in range(2, 1000):
        log.write(f"a{at}", at=at)
    log.rotate(600)
    async with reading(logs.follower(after=first.cursor, taps=await logs.another_server(), follow=follow)) as second:
        assert second.texts == [f"a{at}" for at in range(400, 1000)]
    (gap,) = second.gaps
    assert (gap.reason, gap.source) == (Reason.ROTATED, source("a"))
    assert (gap.since, gap.until) == (BEGIN + SECOND, BEGIN + 400 * SECOND)
    assert next(bool(frame.gaps) for frame in second.frames if frame.lines)


async def test_a_log_that_is_rotated_while_its_stream_is_cut_should_have_a_gap_for_everybody(logs: Logs) -> None:
    log = logs.add("a")
    log.write("a1", at=1)
    async with reading(logs.follower()) as one, reading(logs.follower()) as other:
        log.rotate(0)
        log.write("a9", at=9)
        log.tear()
        await asyncio.sleep(3)
        for read in (one, other):
            assert read.texts == ["a1", "a9"]
            assert [(gap.reason, gap.since, gap.until) for gap in read.gaps] == [
                (Reason.ROTATED, BEGIN + SECOND, BEGIN + 9 * SECOND)
            ]


async def test_containers_that_are_gone_should_be_told_of_by_an_old_cursor(logs: Logs) -> None:
    logs.add("a").write("a1", at=1)
    logs.add("b").write("b2", at=2)
    async with reading(logs.follower()) as first:
        pass
    del logs.sources[source("a").key]
    async with reading(logs.follower(after=first.cursor)) as second:
        assert [(gap.reason, gap.since) for gap in second.gaps] == [(Reason.CURSOR_EXPIRED, BEGIN + SECOND)]


# ── sources that are lost ──


async def test_a_container_that_cannot_be_read_should_be_told_of_once(logs: Logs) -> None:
    log = logs.add("a")
    log.write("a1", at=1)
    async with reading(logs.follower()) as read:
        log.refused = 500
        log.tear()
        await asyncio.sleep(60)
        assert [(gap.reason, gap.source, gap.since) for gap in read.gaps] == [
            (Reason.SOURCE_LOST, source("a"), BEGIN + SECOND)
        ]
        log.write("a2", at=2)
        log.refused = None
        await asyncio.sleep(11)
        assert read.texts == ["a1", "a2"]
        assert len(read.gaps) == 1


async def test_a_question_should_be_answered_with_the_newest_of_what_is_there(logs: Logs) -> None:
    log = logs.add("a")
    log.write("a1", "a2", at=1)
    assert logs.link is not None

    found = await read_once(logs.link, source("a"), Start())

    assert [one.text for one in found] == ["a1", "a2"]
    assert log.asked[0].query["tailLines"] == "10000"


async def test_lines_that_were_read_before_a_torn_stream_was_opened_again_should_not_come_twice(logs: Logs) -> None:
    log, other = logs.add("a"), logs.add("b")
    other.write("0", at=20)
    async with reading(logs.follower(Start(tail=None))) as first:
        cursor = first.cursor
        log.unfollowed = True
        log.tear()
        await asyncio.sleep(1)
        log.write("1", "2", at=21)
        async with reading(logs.follower(after=cursor), seconds=0) as second:
            await asyncio.sleep(1)
            assert second.texts == ["1", "2"]  # read by itself: the tap has not got them yet
            log.unfollowed = False
            await asyncio.sleep(15)
            log.write("3", at=22)
            await asyncio.sleep(1)
            assert second.texts == ["1", "2", "3"]
        assert first.texts == ["0", "1", "2", "3"]


@pytest.mark.parametrize("turns", range(8))
async def test_a_reader_that_is_cancelled_while_it_leaves_should_leave_no_tap_open(logs: Logs, turns: int) -> None:
    for name in "abcdef":
        logs.add(name)
    frames = logs.follower().frames()
    await anext(frames)
    leaving = asyncio.create_task(frames.aclose())
    for _ in range(turns):
        await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    await frames.aclose()
    await asyncio.sleep(60)
    assert len(logs.taps) == 0
