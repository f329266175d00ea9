"""Whatever the containers do, those who come meet the others before long: nobody reads alone for ever."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from nexus_gql.live import Pattern, Start
from nexus_gql.live.logs import Stage

from .conftest import Logs
from .fronts import Arrival, Shared, meets, shared
from .kubelet import Log

pytestmark = pytest.mark.looptime


@asynccontextmanager
async def meanwhile(work: AsyncIterator[None]) -> AsyncIterator[None]:
    """Something that goes on."""

    async def go_on() -> None:
        async for _ in work:
            pass

    task = asyncio.create_task(go_on())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def floods(log: Log) -> AsyncIterator[None]:
    """Two thousand lines a second."""
    number = 0
    while True:
        log.write(*(f"{number} {one}" for one in range(100)), at=number / 20)
        number += 1
        await asyncio.sleep(0.05)
        yield


async def flaps(logs: Logs, log: Log) -> AsyncIterator[None]:
    """A container that crashes every three seconds, and is started again a second later."""
    number = 0
    while True:
        log.write(f"begun {number}", at=number)
        await asyncio.sleep(3)
        logs.stages[log.source.pod] = Stage.PAUSES
        log.restart()
        await asyncio.sleep(1)
        logs.stages[log.source.pod] = Stage.RUNS
        number += 1
        yield


async def runs_jobs(logs: Logs) -> AsyncIterator[None]:
    """A pod for each second, which writes a line and is over; some are cleaned away later."""
    logs_of: list[Log] = []
    while True:
        log = logs.add(f"job{len(logs_of)}")
        logs_of.append(log)
        log.write(log.source.pod, at=len(logs_of))
        logs.pods_changed()
        await asyncio.sleep(0.7)
        logs.stages[log.source.pod] = Stage.OVER
        log.end()
        if len(logs_of) > 5:
            del logs.sources[logs_of[-5].source.key]
        logs.pods_changed()
        await asyncio.sleep(0.3)
        yield


async def come(logs: Logs, front: Shared, pattern: Pattern | None = None) -> None:
    """Some come one after the other, and meet the front."""
    for _ in range(5):
        late = Arrival(logs, front, Start(tail=100), None, pattern)
        await meets(late, within=10)
        await asyncio.sleep(0.37)


async def test_a_pattern_that_fits_nothing_should_keep_nobody_alone(logs: Logs) -> None:
    pattern = Pattern.of("never", invert=False)
    log = logs.add("a")
    async with shared(logs, pattern) as front, meanwhile(floods(log)):
        await come(logs, front, pattern)


async def test_a_container_that_crashes_again_and_again_should_keep_nobody_alone(logs: Logs) -> None:
    log = logs.add("a")
    logs.add("b")
    async with shared(logs) as front, meanwhile(flaps(logs, log)):
        await come(logs, front)


async def test_pods_that_come_and_go_all_the_time_should_keep_nobody_alone(logs: Logs) -> None:
    logs.add("a")
    async with shared(logs) as front, meanwhile(runs_jobs(logs)):
        await asyncio.sleep(5)
        await come(logs, front)


async def test_a_log_that_can_be_read_and_not_followed_should_keep_nobody_alone(logs: Logs) -> None:
    log = logs.add("a")
    log.write("a1", at=1)
    log.unfollowed = True
    async with shared(logs) as front:
        await come(logs, front)


async def test_one_of_three_hundred_that_floods_should_keep_nobody_alone(logs: Logs) -> None:
    first, *_ = [logs.add(f"p{number}") for number in range(300)]
    async with shared(logs) as front, meanwhile(floods(first)):
        await come(logs, front)


async def test_an_empty_scope_should_keep_nobody_alone_and_its_first_pod_be_read_from_its_first_line(
    logs: Logs,
) -> None:
    async with shared(logs) as front:
        late = Arrival(logs, front, Start(tail=100), None)
        await meets(late, within=5)
        logs.add("a").write("a1", "a2", at=1)
        logs.pods_changed()
        await asyncio.sleep(2)
        assert late.all.texts == ["a1", "a2"]


async def test_a_cluster_that_comes_into_the_scope_should_be_read_as_was_asked_for(logs: Logs) -> None:
    """Symptom: those who read together got nothing of what its pods had written before, where one alone got the last lines."""
    logs.add("b", "c2").write("b1", "b2", "b3", at=1)
    async with shared(logs, asked=Start(tail=2)) as front:
        late = Arrival(logs, front, Start(tail=2), None)
        await meets(late, within=5)
        logs.scope = logs.clusters = frozenset({"c1", "c2"})
        logs.pods_changed()
        await asyncio.sleep(2)
        assert late.all.texts == ["b2", "b3"]
