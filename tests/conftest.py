"""What tests of several rooms stand on: a migrated database of their own, and a count of what they ask it."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, settings
from tortoise.backends.sqlite.client import SqliteClient
from tortoise.connection import get_connection

from nexus_gql.app import MODELS
from nexus_gql.database import connected, migrate

# looptime asks the policy for a loop in plain tests too, and the policy would make one that nobody closes.
asyncio.set_event_loop(None)

# No test depends on timing: a busy machine must not fail a law.
# Records whose fields must agree (a probe asks in one way) are made by filtering, more of it with some seeds than with others.
settings.register_profile(
    "nexus",
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.load_profile("nexus")

Counting = Callable[[], AbstractAsyncContextManager[list[str]]]
"""`async with counting() as statements:` lists the SQL that is run meanwhile, by whichever task."""


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file as a new installation has it: made once, copied for each test."""
    file = tmp_path_factory.mktemp("database") / "migrated.sqlite3"
    # In a thread, since asyncio.run takes away the loop that pytest-asyncio has made for this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, migrate(f"sqlite://{file}", MODELS)).result()
    return file


@pytest.fixture
def database_file(migrated_file: Path, tmp_path: Path) -> Path:
    """A migrated SQLite file of the test's own, which nobody has opened."""
    return Path(shutil.copy(migrated_file, tmp_path / "nexus.sqlite3"))


@pytest.fixture
async def database(database_file: Path) -> AsyncIterator[str]:
    """An open database of the test's own, on a real SQLite file; its URL."""
    url = f"sqlite://{database_file}"
    async with connected(url, MODELS):
        yield url


@pytest.fixture
def counting(database: str) -> Counting:
    """Counts SQL statements where they cannot be missed: in SQLite itself."""

    @asynccontextmanager
    async def count() -> AsyncIterator[list[str]]:
        statements: list[str] = []
        client = cast("SqliteClient", get_connection("default"))
        await client.create_connection(with_db=True)  # which the first statement does, where there was none yet
        connection = client._connection
        assert connection is not None
        await connection.set_trace_callback(statements.append)
        try:
            yield statements
        finally:
            await connection.set_trace_callback(None)  # type: ignore[arg-type]

    return count
