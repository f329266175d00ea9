"""Transactions that nobody's leaving can tear."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tortoise.exceptions import IntegrityError

from nexus_gql.access import ApiToken
from nexus_gql.app import MODELS
from nexus_gql.database import change_number, connected, next_change, transactional


@transactional
async def change_after(*events: asyncio.Event) -> int:
    """Change something, say so with the first event, wait for the second."""
    number = await next_change()
    if events:
        started, go_on = events
        started.set()
        await go_on.wait()
    return number


@pytest.mark.usefixtures("database")
async def test_a_transaction_should_be_seen_when_its_function_has_returned() -> None:
    assert await change_after() == 1
    assert await change_number() == 1


@pytest.mark.usefixtures("database")
async def test_nothing_should_stay_of_a_transaction_that_raises() -> None:
    @transactional
    async def failing() -> None:
        await next_change()
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await failing()
    assert await change_number() == 0
    assert await change_after() == 1


@pytest.mark.usefixtures("database")
async def test_nothing_should_stay_of_a_transaction_that_breaks_a_constraint() -> None:
    @transactional
    async def twice() -> None:
        await next_change()
        for _ in range(2):
            await ApiToken.create(name="n", digest="same", role=1, created_by="me", created_at="2026-11-24T00:00:00Z")

    with pytest.raises(IntegrityError):
        await twice()
    assert await change_number() == 0
    assert await ApiToken.all().count() == 0
    assert await change_after() == 1


@pytest.mark.usefixtures("database")
async def test_a_caller_that_is_cancelled_in_the_middle_should_not_tear_it() -> None:
    started, go_on = asyncio.Event(), asyncio.Event()
    caller = asyncio.create_task(change_after(started, go_on))
    await started.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go_on.set()
    assert await change_after() == 2, "the first is committed, and the database is not locked"


@pytest.mark.usefixtures("database")
async def test_a_caller_that_is_cancelled_while_it_waits_for_its_turn_should_not_keep_the_turn() -> None:
    started, go_on = asyncio.Event(), asyncio.Event()
    first = asyncio.create_task(change_after(started, go_on))
    await started.wait()
    waiting = [asyncio.create_task(change_after()) for _ in range(5)]
    await asyncio.sleep(0)
    for caller in waiting:
        caller.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    go_on.set()
    assert await first == 1
    assert await change_after() == 7, "those whose callers left were made all the same"


async def test_closing_should_wait_for_a_transaction_whose_caller_has_left(database_file: Path) -> None:
    started, go_on = asyncio.Event(), asyncio.Event()
    async with connected(f"sqlite://{database_file}", MODELS):
        caller = asyncio.create_task(change_after(started, go_on))
        await started.wait()
        caller.cancel()
        asyncio.get_running_loop().call_later(0.05, go_on.set)
    with closing(sqlite3.connect(database_file)) as connection:
        assert connection.execute("SELECT changes FROM installation").fetchone() == (1,)


async def test_a_commit_that_fails_should_leave_nothing_for_the_next_one_to_commit(database_file: Path) -> None:
    """Without a rollback Tortoise leaves the transaction open, and commits it with the next after we have said it failed."""
    # Without the write-ahead log a reader keeps COMMIT, and nothing before it, from getting its lock.
    async with connected(f"sqlite://{database_file}?journal_mode=DELETE&busy_timeout=0", MODELS):
        assert await change_after() == 1
        with closing(sqlite3.connect(database_file, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM installation").fetchall()
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                await change_after()
            reader.execute("COMMIT")
        assert await change_number() == 1
        assert await change_after() == 2


@pytest.mark.usefixtures("database")
async def test_transactions_should_run_one_after_the_other() -> None:
    numbers = await asyncio.gather(*(change_after() for _ in range(20)))
    assert sorted(numbers) == list(range(1, 21))
