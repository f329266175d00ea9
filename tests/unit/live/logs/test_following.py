"""Following logs against a kubelet that answers as written down. Real sockets, and a virtual clock."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

import pytest

from nexus_gql import clock
from nexus_gql.clusters import ConnectionStatus, Link
from nexus_gql.live import Cursor, Follower, LogFrame, Pattern, Source, Start, TooManySources, read_once
from nexus_gql.live.logs import Position
from tests.unit.clusters.apiserver import Answer, Apiserver, Asked, apiserver, linked, status, watched

pytestmark = pytest.mark.looptime

MINUTE = "2026-11-24T08:00:"
BEGIN = clock.parse_instant(f"{MINUTE}00Z")


def source(name: str) -> Source:
    return Source("c1", "dev", "or-local-models", name, name, "churn")


def line(second: float, text: str) -> bytes:
    return f"{clock.format_instant(BEGIN + round(second * 1e9))} {text}\n".encode()


@dataclass
class Logs:
    """The containers of a scope, which of them run, and the kubelet behind."""

    server: Apiserver
    link: Link | None
    sources: dict[str, Source] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)

    def add(self, name: str, *answers: Answer) -> None:
        one = source(name)
        self.server.script(one.path, *answers)
        self.sources[one.key] = one

    def asked(self, name: str) -> list[Asked]:
        return self.server.at(source(name).path)

    def follower(
        self,
        start: Start | None = None,
        after: str | None = None,
        pattern: Pattern | None = None,
        *,
        follow: bool = True,
    ) -> Follower:
        return Follower(
            lambda source: self.link,
            lambda: self.sources,
            lambda source: source.pod not in self.stopped,
            start or Start(tail=100),
            None if after is None else Cursor.read(after),
            pattern,
            follow=follow,
        )


@pytest.fixture
async def logs() -> AsyncIterator[Logs]:
    async with apiserver() as server, linked(server) as kept:
        await kept.becomes(ConnectionStatus.CONNECTED)
        yield Logs(server, kept.link)


@dataclass
class Read:
    """What a reader has got so far."""

    frames: list[LogFrame] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        return [one.text for frame in self.frames for _, one in frame.lines]

    @property
    def cursor(self) -> str:
        return self.frames[-1].cursor


@asynccontextmanager
async def reading(follower: Follower, seconds: float = 2) -> AsyncIterator[Read]:
    """A reader that takes every frame, after some seconds."""
    read = Read()

    async def take() -> None:
        async with aclosing(follower.frames()) as frames:
            async for frame in frames:
                read.frames.append(frame)

    task = asyncio.create_task(take())
    await asyncio.sleep(seconds)
    try:
        yield read
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def all_of(follower: Follower) -> Read:
    async with aclosing(follower.frames()) as frames:
        return Read([frame async for frame in frames])


# ── merging ──


async def test_lines_of_several_containers_should_come_by_time_and_then_by_source(logs: Logs) -> None:
    logs.add("a", watched(line(1, "a1"), line(3, "a3"), line(5, "a5")))
    logs.add("b", watched(line(1, "b1"), line(2, "b2"), line(5, "b5")))
    async with reading(logs.follower()) as read:
        assert read.texts == ["a1", "b1", "b2", "a3", "a5", "b5"]


async def test_the_first_frame_should_say_what_was_opened(logs: Logs) -> None:
    logs.add("a", watched())
    logs.add("b", watched())
    async with reading(logs.follower()) as read:
        assert [frame.opened for frame in read.frames] == [[source("a"), source("b")]]


async def test_a_silent_container_should_hold_nobody_up_for_long(logs: Logs) -> None:
    logs.add("a", watched(line(1, "a1")))
    logs.add("b", watched())
    async with reading(logs.follower(), seconds=0.5) as read:
        assert read.texts == ["a1"]


async def test_a_late_line_should_come_with_its_own_time(logs: Logs) -> None:
    logs.add("a", watched(line(9, "a9")))
    logs.add("b", watched(2, line(1, "b1")))
    async with reading(logs.follower(), seconds=4) as read:
        assert read.texts == ["a9", "b1"]
        assert read.frames[-1].lines[0][1].at == BEGIN + 1_000_000_000


async def test_what_is_only_read_should_be_in_order_however_slow_a_node_is(logs: Logs) -> None:
    logs.add("a", watched(line(9, "a9"), then="end"))
    logs.add("b", watched(5, line(1, "b1"), then="end"))

    read = await all_of(logs.follower(follow=False))

    assert read.texts == ["b1", "a9"]
    assert logs.asked("a")[0].query == {"container": "churn", "timestamps": "true", "tailLines": "100"}


async def test_a_node_that_never_answers_should_not_hold_a_reader_for_ever(logs: Logs) -> None:
    logs.add("a", watched(line(1, "a1"), then="end"))
    logs.add("b", watched())

    async with asyncio.timeout(60):
        read = await all_of(logs.follower(follow=False))

    assert read.texts == ["a1"]


async def test_a_scope_without_containers_should_end_at_once(logs: Logs) -> None:
    read = await all_of(logs.follower(follow=False))

    assert (len(read.frames), read.texts) == (1, [])


async def test_the_last_words_of_a_container_should_come_without_their_newline(logs: Logs) -> None:
    """Symptom: what a program printed last, without a line's end, was never shown: its dying words."""
    logs.add("a", watched(line(1, "a1"), line(2, "fatal: no model")[:-1], then="end"))

    read = await all_of(logs.follower(follow=False))

    assert read.texts == ["a1", "fatal: no model"]


# ── pods that come and go ──


async def test_a_pod_that_comes_should_be_read_from_its_first_line(logs: Logs) -> None:
    follower = logs.follower(Start(tail=1))
    async with reading(follower) as read:
        logs.add("a", watched(line(1, "a1"), line(2, "a2")))
        follower.look_again()
        await asyncio.sleep(1)
        assert read.texts == ["a1", "a2"]
        assert "tailLines" not in logs.asked("a")[0].query
        assert [frame.opened for frame in read.frames if frame.opened] == [[source("a")]]


async def test_a_pod_that_goes_should_be_closed_after_its_last_line(logs: Logs) -> None:
    logs.add("a", watched(line(1, "a1"), 5, line(2, "a2"), then="end"))
    follower = logs.follower()
    async with reading(follower) as read:
        logs.sources.clear()
        logs.stopped.add("a")
        follower.look_again()
        await asyncio.sleep(6)
        assert read.texts == ["a1", "a2"]
        assert [frame.closed for frame in read.frames if frame.closed] == [[source("a")]]


async def test_a_stream_that_ends_while_its_container_runs_should_be_opened_again(logs: Logs) -> None:
    again = watched(line(1, "a1"), line(1, "a1 too"), line(2, "a2"))
    logs.add("a", watched(line(1, "a1"), line(1, "a1 too"), then="end"), again)
    async with reading(logs.follower()) as read:
        assert read.texts == ["a1", "a1 too", "a2"]
        assert logs.asked("a")[1].query["sinceTime"] == f"{MINUTE}01Z"


async def test_a_stream_that_breaks_should_go_on_where_it_was(logs: Logs) -> None:
    logs.add("a", watched(line(1, "a1"), line(2, "a2")[:-3], then="break"), watched(line(1, "a1"), line(2, "a2")))
    async with reading(logs.follower()) as read:
        assert read.texts == ["a1", "a2"]


async def test_a_stream_that_keeps_ending_should_not_be_opened_in_a_tight_loop(logs: Logs) -> None:
    logs.add("a", watched(then="end"))
    async with reading(logs.follower(), seconds=60):
        assert 6 <= len(logs.asked("a")) <= 15


@pytest.mark.parametrize(
    "refusal", [status(400, "BadRequest", "container is waiting to start"), status(404, "NotFound")]
)
async def test_a_container_that_does_not_run_yet_should_be_waited_for(logs: Logs, refusal: Answer) -> None:
    logs.add("a", refusal, refusal, watched(line(1, "a1")))
    async with reading(logs.follower(), seconds=5) as read:
        assert read.texts == ["a1"]


async def test_a_container_that_is_started_again_should_be_read_on(logs: Logs) -> None:
    """Symptom: a container that had crashed was stopped at the end of its log; after its restart nobody opened it."""
    logs.add("a", watched(line(1, "a1"), 1, then="end"), watched(line(5, "a5")))
    follower = logs.follower()
    logs.stopped.add("a")
    async with reading(follower, seconds=20) as read:
        assert read.texts == ["a1"]
        assert len(logs.asked("a")) == 1
        logs.stopped.clear()
        follower.look_again()
        await asyncio.sleep(1)
        assert read.texts == ["a1", "a5"]
        assert not any(frame.closed for frame in read.frames)


async def test_a_previous_log_should_be_read_once(logs: Logs) -> None:
    logs.add("a", watched(line(1, "a1"), then="end"))
    async with reading(logs.follower(Start(previous=True)), seconds=60) as read:
        assert read.texts == ["a1"]
        assert [asked.query.get("previous") for asked in logs.asked("a")] == ["true"]


async def test_a_cluster_that_is_reached_in_another_way_should_be_read_on(logs: Logs) -> None:
    logs.add("a", watched(line(1, "a1")), watched(line(1, "a1"), line(2, "a2")))
    async with reading(logs.follower()) as read, linked(logs.server) as other:
        assert logs.link is not None
        await other.becomes(ConnectionStatus.CONNECTED)
        logs.link.give_up()
        await (await logs.link.connected()).close()
        logs.link = other.link
        await asyncio.sleep(10)
        assert read.texts == ["a1", "a2"]


async def test_more_containers_than_one_reader_may_follow_should_be_refused(logs: Logs) -> None:
    for number in range(501):
        logs.sources[str(number)] = source(str(number))
    logs.link = None

    with pytest.raises(TooManySources, match="500"):
        await all_of(logs.follower())


async def test_nothing_should_run_on_after_a_reader_has_left(logs: Logs) -> None:
    logs.add("a", watched(line(1, "a1")))
    before = asyncio.all_tasks()
    async with reading(logs.follower()):
        assert any(task.get_name() == f"log {source('a').key}" for task in asyncio.all_tasks())

    assert not [task for task in asyncio.all_tasks() - before if task.get_name().startswith("log ")]


# ── cursors ──


async def test_a_reader_that_comes_back_should_lose_nothing_and_see_nothing_twice(logs: Logs) -> None:
    burst = [line(1, f"a{number}") for number in range(700)]
    logs.add("a", watched(*burst), watched(*burst, line(1, "a700")))
    logs.add("b", watched(line(0.5, "b1")), watched(line(0.5, "b1"), line(2, "b2")))
    async with reading(logs.follower()) as first:
        assert len(first.texts) == 701
    cut = next(frame for frame in first.frames if len(frame.lines) == 500)
    before = first.frames[: first.frames.index(cut) + 1]

    async with reading(logs.follower(after=cut.cursor)) as second:
        pass

    texts = Read(before).texts + second.texts
    assert sorted(texts) == sorted(["b1", "b2", *(f"a{number}" for number in range(701))])


async def test_a_finished_reading_should_go_on_from_its_last_cursor(logs: Logs) -> None:
    """Symptom: closed sources were left out of the last cursor, and everything came again."""
    logs.add("a", watched(line(1, "a1"), then="end"), watched(line(1, "a1"), line(2, "a2"), then="end"))

    first = await all_of(logs.follower(follow=False))
    second = await all_of(logs.follower(after=first.cursor, follow=False))

    assert (first.texts, second.texts) == (["a1"], ["a2"])


async def test_a_source_that_is_cut_off_should_keep_its_place_in_the_cursor(logs: Logs) -> None:
    """Symptom: while its stream was being opened again, others went on, and a reader who came back then missed lines."""
    logs.add("a", watched(line(1, "a1"), 1, then="break"), status(500, "InternalError"))
    logs.add("b", watched(3, line(30, "b30")))
    async with reading(logs.follower(), seconds=6) as read:
        assert read.texts == ["a1", "b30"]
        assert Cursor.read(read.cursor).position(source("a").key) == Position(BEGIN + 1_000_000_000, 1)


async def test_a_source_that_has_not_answered_yet_should_be_read_whole_by_who_comes_back(logs: Logs) -> None:
    logs.add("a", watched(10, line(1, "a1")))
    logs.add("b", watched(line(30, "b30")))
    logs.server.script(source("a").path, slow(5))
    async with reading(logs.follower(), seconds=2) as read:
        assert read.texts == ["b30"]
        assert Cursor.read(read.cursor).position(source("a").key) == Position()


async def test_a_cursor_should_count_lines_whether_they_are_shown_or_not(logs: Logs) -> None:
    lines = [line(1, text) for text in ("info 1", "error 1", "info 2")]
    logs.add("a", watched(*lines), watched(*lines, line(1, "error 2"), line(1, "info 3")))
    async with reading(logs.follower(pattern=Pattern.of("error", invert=False))) as first:
        assert first.texts == ["error 1"]
    async with reading(logs.follower(after=first.cursor, pattern=Pattern.of("error", invert=True))) as second:
        assert second.texts == ["info 3"]


# ── slow readers ──


async def test_a_reader_that_does_not_read_should_stop_the_reading(logs: Logs) -> None:
    sent = 0

    def counted() -> bytes:
        nonlocal sent
        sent += 1
        return line(1, "x" * 10_000)

    logs.add("a", endless(counted))
    async with aclosing(logs.follower(Start()).frames()) as frames:
        await anext(frames)
        await asyncio.sleep(60)
        stopped = sent
        await asyncio.sleep(60)
        assert sent == stopped
        assert sent < 5000

        for _ in range(5):
            assert (await anext(frames)).lines
        await asyncio.sleep(1)
        assert sent > stopped


async def test_others_should_get_their_turn_while_a_full_buffer_is_held_up(logs: Logs) -> None:
    """Symptom: with one source full and another expected to speak, the loop turned without ever waiting."""
    logs.add("a", watched(*[line(1, f"a{number}") for number in range(3000)]))
    logs.add("b", watched())
    async with reading(logs.follower(Start()), seconds=5) as read:
        assert len(read.texts) == 3000
        assert max(len(frame.lines) for frame in read.frames) <= 500


async def test_a_question_should_be_answered_with_the_newest_of_what_is_there(logs: Logs) -> None:
    logs.add("a", watched(line(1, "a1"), line(2, "a2"), then="end"))
    assert logs.link is not None

    found = await read_once(logs.link, source("a"), Start())

    assert [one.text for one in found] == ["a1", "a2"]
    assert logs.asked("a")[0].query["tailLines"] == "10000"


def endless(make: Callable[[], bytes]) -> Answer:
    """Writes for as long as anybody takes it."""
    from aiohttp import web

    async def give(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(make())

    return give


def slow(seconds: float) -> Answer:
    """Begins to answer only after a while, as a kubelet does for a container without output."""

    async def give(request: object) -> object:
        await asyncio.sleep(seconds)
        raise AssertionError

    return give  # type: ignore[return-value]
