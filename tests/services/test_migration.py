"""Migration and the counter of changes on a real PostgreSQL: what SQLite, with its one writer, cannot show."""

import asyncio
import subprocess
import sys

import asyncpg
from tortoise.connection import get_connection

from nexus_gql.app import MODELS
from nexus_gql.database import change_number, connected, installation, migrate, next_change, pending, transactional
from nexus_gql.database.migration import _ADVISORY_LOCK
from tests.services.postgres import Postgres

MIGRATE = "import asyncio, sys; from nexus_gql.database import migrate; print(asyncio.run(migrate(sys.argv[1], sys.argv[2:])))"


async def test_migrate_should_make_the_tables_once_and_then_find_nothing_to_do(empty_database: str) -> None:
    missing = await pending(empty_database, MODELS)

    assert missing
    assert await migrate(empty_database, MODELS) == missing
    assert await migrate(empty_database, MODELS) == []
    assert await pending(empty_database, MODELS) == []


async def test_migrate_should_keep_the_installation_that_is_there(empty_database: str) -> None:
    seen = set()
    for _ in range(2):
        await migrate(empty_database, MODELS)
        async with connected(empty_database, MODELS):
            seen.add((await installation()).id)

    assert len(seen) == 1


def test_three_processes_should_migrate_one_database_one_after_the_other(
    postgres: Postgres, empty_database: str
) -> None:
    command = [sys.executable, "-c", MIGRATE, empty_database, *MODELS]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    said = [process.communicate(timeout=60) for process in started]

    assert [process.returncode for process in started] == [0, 0, 0], said
    assert sorted(output.strip() == "[]" for output, _ in said) == [False, True, True]
    assert postgres.query("SELECT count(*) FROM installation", database=empty_database.rpartition("/")[2]) == "1"


async def test_migrate_should_wait_for_whoever_holds_the_lock(empty_database: str) -> None:
    holder = await asyncpg.connect(empty_database)
    watcher = await asyncpg.connect(empty_database)
    await holder.execute(f"SELECT pg_advisory_lock({_ADVISORY_LOCK})")
    migrating = asyncio.create_task(migrate(empty_database, MODELS))
    async with asyncio.timeout(20):
        while not await watcher.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
            assert not migrating.done()
    assert await watcher.fetchval("SELECT to_regclass('installation')") is None

    await holder.close()
    await watcher.close()

    assert await migrating


@transactional
async def change() -> tuple[int, int]:
    """The number of a change, and how many changes had left their mark when it was taken: marks are seen once committed."""
    number = await next_change()
    connection = get_connection("default")
    marks = (await connection.execute_query("SELECT count(*) AS marks FROM mark"))[1][0]["marks"]
    await connection.execute_query("INSERT INTO mark VALUES ($1)", [number])
    return number, marks


async def test_changes_at_once_should_get_numbers_in_the_order_of_their_commits(database_url: str) -> None:
    async with connected(database_url, MODELS):
        await get_connection("default").execute_query("CREATE TABLE mark (number bigint PRIMARY KEY)")

        numbered = await asyncio.gather(*(change() for _ in range(20)))

        assert sorted(numbered) == [(number, number - 1) for number in range(1, 21)]
        assert await change_number() == 20


def test_database_of_a_test_should_be_gone_after_it_and_the_server_come_back(postgres: Postgres) -> None:
    name = postgres.create()
    postgres.stop("immediate")
    postgres.start()

    assert postgres.query("SELECT 1", database=name) == "1"
    postgres.drop(name)
    assert postgres.query(f"SELECT count(*) FROM pg_database WHERE datname = '{name}'") == "0"
