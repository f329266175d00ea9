"""A ring of numbered changes and its readers."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_gql.live import EPOCH, Feed, Lapsed

pytestmark = pytest.mark.looptime


def feed_of(*changes: str, capacity: int = 8) -> Feed[str]:
    feed: Feed[str] = Feed(capacity)
    for change in changes:
        feed.publish(change)
    return feed


def test_a_reader_should_get_what_came_after_its_position() -> None:
    feed = feed_of("a", "b", "c")

    assert feed.position == 3
    assert feed.since(1) == ["b", "c"]
    assert feed.since(3) == []


def test_a_reader_that_lapsed_should_be_told_how_many_it_missed() -> None:
    feed = feed_of("a", "b", "c", "d", "e", capacity=2)

    assert feed.since(3) == ["d", "e"]
    assert feed.since(1) == Lapsed(2)


async def test_what_cannot_be_told_should_wake_every_reader_to_begin_anew() -> None:
    feed = feed_of("a", "b")
    reader = asyncio.create_task(feed.newer(2))
    await asyncio.sleep(1)

    feed.lapse()
    await reader
    position = feed.position
    feed.publish("c")

    assert [isinstance(feed.since(one), Lapsed) for one in (0, 1, 2)] == [True] * 3
    assert feed.since(position) == ["c"]


@given(st.integers(0, 30), st.integers(1, 10), st.data())
def test_what_is_missed_and_what_comes_should_add_up_to_what_was_published(
    published: int, capacity: int, data: st.DataObject
) -> None:
    feed = feed_of(*map(str, range(1, published + 1)), capacity=capacity)
    position = data.draw(st.integers(0, published))

    found = feed.since(position)

    if isinstance(found, Lapsed):
        assert found.missed == published - position - capacity
    else:
        assert found == [str(number) for number in range(position + 1, published + 1)]
        assert published - position <= capacity


async def test_every_reader_that_waits_should_be_woken_by_a_change() -> None:
    feed = feed_of()
    readers = [asyncio.create_task(feed.newer(0)) for _ in range(3)]
    await asyncio.sleep(1)
    assert not any(reader.done() for reader in readers)

    feed.publish("a")
    await asyncio.gather(*readers)

    assert feed.since(0) == ["a"]


async def test_a_reader_that_is_behind_should_not_wait() -> None:
    feed = feed_of("a")

    async with asyncio.timeout(1):
        await feed.newer(0)


async def test_a_reader_ahead_should_wait_until_its_position_is_passed() -> None:
    feed = feed_of("a")
    reader = asyncio.create_task(feed.newer(2))
    await asyncio.sleep(1)

    feed.publish("b")
    await asyncio.sleep(1)
    assert not reader.done()

    feed.publish("c")
    await reader


async def test_a_reader_that_left_should_leave_nothing_behind() -> None:
    feed = feed_of()
    reader = asyncio.create_task(feed.newer(0))
    await asyncio.sleep(0)
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)

    assert feed._waiting == set()
    feed.publish("a")


def test_a_position_should_name_the_process_that_counts() -> None:
    assert feed_of("a").text(1) == f"{EPOCH}-1"
