"""The connection to the database."""

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from tortoise.connection import get_connection

from nexus_gql.app import MODELS
from nexus_gql.database import connected, dialect, migrate, ping, sqlite_file
from nexus_gql.problems import Unreachable


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("sqlite:///folder/nexus.sqlite3", Path("/folder/nexus.sqlite3")),
        ("sqlite://nexus.sqlite3", Path("nexus.sqlite3")),
        ("sqlite:///folder/nexus.sqlite3?journal_mode=DELETE", Path("/folder/nexus.sqlite3")),
        ("sqlite://:memory:", None),
        ("postgres://somebody@localhost/nexus", None),
    ],
)
def test_the_file_should_be_told_from_the_url(url: str, file: Path | None) -> None:
    assert sqlite_file(url) == file


@pytest.mark.usefixtures("database")
async def test_an_open_database_should_answer() -> None:
    await ping()
    assert dialect() == "sqlite"


@pytest.mark.usefixtures("database")
async def test_sqlite_should_keep_foreign_keys_and_wait_for_others() -> None:
    values = {}
    for pragma in ("foreign_keys", "journal_mode", "busy_timeout"):
        rows = await get_connection("default").execute_query_dict(f"PRAGMA {pragma}")
        values[pragma] = next(iter(rows[0].values()))
    assert values == {"foreign_keys": 1, "journal_mode": "wal", "busy_timeout": 5000}


@pytest.mark.parametrize("name", ["with space", "per%cent", "brackets[1]", "ümlaut", "plus+", "sem;colon"])
async def test_a_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    file = tmp_path / name / "nexus.sqlite3"
    await migrate(f"sqlite://{file}", MODELS)
    async with connected(f"sqlite://{file}", MODELS):
        await ping()
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(*) FROM installation").fetchone() == (1,)


async def test_a_url_of_no_database_should_be_refused_in_words() -> None:
    with pytest.raises(Unreachable, match="cannot be used"):
        async with connected("carrier-pigeon://coop", MODELS):
            pass


async def test_a_file_that_cannot_be_opened_should_be_unreachable_at_once(tmp_path: Path) -> None:
    """Opened at the first statement, it would fail that one and leave every later one waiting for ever."""
    with pytest.raises(Unreachable, match="unable to open"):
        async with connected(f"sqlite://{tmp_path}/no/such/folder/nexus.sqlite3", MODELS):
            pass
    await asyncio.to_thread(await_sqlite_threads)


def await_sqlite_threads() -> None:
    """aiosqlite's thread reports to the loop that it has ended, and must find the loop open."""
    for thread in threading.enumerate():
        if thread.name.endswith("(_connection_worker_thread)"):
            thread.join(10)
