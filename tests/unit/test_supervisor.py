"""Long-lived peers, on a virtual clock."""

import asyncio

import pytest
from structlog.testing import capture_logs

from nexus_gql.supervisor import Supervisor

pytestmark = pytest.mark.looptime


async def forever() -> None:
    await asyncio.Event().wait()


async def test_a_peer_that_fails_should_be_started_again_and_the_others_left_alone() -> None:
    starts: list[str] = []

    async def failing() -> None:
        starts.append("failing")
        raise LookupError

    async def steady() -> None:
        starts.append("steady")
        await forever()

    with capture_logs() as logs:
        async with Supervisor() as supervisor:
            supervisor.start("failing", failing)
            supervisor.start("steady", steady)
            await asyncio.sleep(60)
    assert starts.count("steady") == 1
    assert 4 <= starts.count("failing") <= 8
    assert {entry["task"] for entry in logs} == {"failing"}


async def test_a_peer_that_returns_should_be_logged_as_a_fault_and_not_started_again() -> None:
    starts = 0

    async def quiet() -> None:
        nonlocal starts
        starts += 1

    with capture_logs() as logs:
        async with Supervisor() as supervisor:
            supervisor.start("quiet", quiet)
            await asyncio.sleep(100)
    assert starts == 1
    assert [(entry["log_level"], entry["task"]) for entry in logs] == [("error", "quiet")]


async def test_a_peer_whose_own_wait_was_cancelled_should_be_started_again() -> None:
    """A peer that awaits a task which somebody cancels sees CancelledError without having been stopped."""
    starts = 0

    async def waiting() -> None:
        nonlocal starts
        starts += 1
        inner = asyncio.create_task(forever())
        asyncio.get_running_loop().call_later(1, inner.cancel)
        await inner

    with capture_logs() as logs:
        async with Supervisor() as supervisor:
            supervisor.start("waiting", waiting)
            await asyncio.sleep(10)
    assert starts > 1
    assert logs


async def test_stopping_should_wait_for_the_peer_to_end() -> None:
    ended = False

    async def tidy() -> None:
        nonlocal ended
        try:
            await forever()
        finally:
            await asyncio.sleep(5)
            ended = True

    async with Supervisor() as supervisor:
        supervisor.start("tidy", tidy)
        await asyncio.sleep(1)
        await supervisor.stop("tidy")
        assert ended
        assert "tidy" not in supervisor


async def test_leaving_should_end_every_peer() -> None:
    before = asyncio.all_tasks()
    async with Supervisor() as supervisor:
        for number in range(5):
            supervisor.start(f"peer {number}", forever)
        await asyncio.sleep(1)
    assert asyncio.all_tasks() == before


async def test_a_name_that_is_taken_should_be_refused() -> None:
    async with Supervisor() as supervisor:
        supervisor.start("peer", forever)
        with pytest.raises(ValueError, match="runs already"):
            supervisor.start("peer", forever)
        assert "peer" in supervisor


async def test_stopping_what_is_not_there_should_be_nothing() -> None:
    async with Supervisor() as supervisor:
        await supervisor.stop("nobody")
