"""Logs that cannot be read for a while, or never again."""

import asyncio

import pytest

from nexus_gql.live import Start
from nexus_gql.live.logs import Reason, Stage

from .conftest import Logs, reading
from .kubelet import source

pytestmark = pytest.mark.looptime


@pytest.mark.parametrize("after", [False, True], ids=["tail", "cursor"])
async def test_a_container_that_is_over_and_cannot_be_read_should_be_closed_with_a_gap(
    logs: Logs, *, after: bool
) -> None:
    """Symptom: a finished job on a node that was gone stayed open without a word, and kept its readers from sharing."""
    log = logs.add("a")
    log.write("a1", at=1)
    async with reading(logs.follower()) as before:
        cursor = before.cursor
    await asyncio.sleep(60)
    logs.stages["a"] = Stage.OVER
    log.refused = 500
    async with reading(logs.follower(after=cursor if after else None), seconds=90) as read:
        assert [frame.closed for frame in read.frames if frame.closed] == [[source("a")]]
        assert {(gap.reason, gap.source) for gap in read.gaps} == {(Reason.SOURCE_LOST, source("a"))}
        assert "is gone" in read.gaps[-1].message or after


async def test_a_container_that_is_over_should_be_read_to_its_end_after_a_few_failures(logs: Logs) -> None:
    log = logs.add("a")
    log.write("a1", at=1)
    async with reading(logs.follower()) as read:
        log.refused = 500
        log.write("a2", at=2)
        logs.stages["a"] = Stage.OVER
        log.tear()
        await asyncio.sleep(3)
        log.refused = None
        await asyncio.sleep(10)
        log.end()
        await asyncio.sleep(1)
        assert read.texts == ["a1", "a2"]
        assert [frame.closed for frame in read.frames if frame.closed] == [[source("a")]]


async def test_lines_that_a_long_log_had_before_its_stream_was_opened_again_should_not_come_twice(logs: Logs) -> None:
    """Symptom: who read a log from its beginning, which the tap no longer had, got twice what the tap came to later."""
    log = logs.add("a")
    log.write(*(f"{number}" for number in range(3000)), at=1)
    async with reading(logs.follower()):
        log.unfollowed = True
        log.tear()
        await asyncio.sleep(1)
        log.write("torn", at=2)
        async with reading(logs.follower(Start(tail=None)), seconds=1) as read:
            assert read.texts[-1] == "torn"
            log.unfollowed = False
            log.write("again", at=3)
            await asyncio.sleep(20)
            assert read.texts == [*(f"{number}" for number in range(3000)), "torn", "again"]
