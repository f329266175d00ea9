import asyncio
from datetime import timedelta

from nexus_gql.sandbox.clock import Driven


async def test_a_driven_clock_should_stand_still_until_it_is_moved() -> None:
    clock, woken = Driven(), []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((seconds, (clock.now() - start).total_seconds()))

    start = clock.now()
    tasks = [asyncio.create_task(sleeper(seconds)) for seconds in (5, 1, 3)]
    await clock.advance(4)
    assert woken == [(1, 1), (3, 3)]
    await clock.advance(1)
    assert woken[2:] == [(5, 5)]
    await asyncio.gather(*tasks)


async def test_what_is_planned_on_the_way_should_happen_on_the_way() -> None:
    clock, seen = Driven(), []
    start = clock.now()

    def tick() -> None:
        seen.append((clock.now() - start).total_seconds())
        clock.call_later(2, tick)

    clock.call_later(2, tick)
    await clock.advance(7)

    assert seen == [2, 4, 6]


async def test_a_call_that_is_taken_back_should_not_come() -> None:
    clock, seen = Driven(), []
    handle = clock.call_at(clock.now() + timedelta(seconds=1), lambda: seen.append(1))
    handle.cancel()
    clock.call_at(clock.now() - timedelta(seconds=1), lambda: seen.append(2))
    await clock.advance(2)

    assert seen == [2]


async def test_a_sleeper_who_is_cancelled_should_leave_nothing_behind() -> None:
    clock = Driven()
    task = asyncio.create_task(clock.sleep(1))
    await asyncio.sleep(0)
    task.cancel()
    await clock.advance(2)

    assert task.cancelled()
