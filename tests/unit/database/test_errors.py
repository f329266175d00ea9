"""Whose fault an exception of a driver is."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tortoise.connection import get_connection
from tortoise.exceptions import DBConnectionError, IntegrityError, OperationalError

from nexus_gql.database import is_unavailable


@pytest.mark.parametrize("error", [OSError(), ConnectionRefusedError(), TimeoutError(), DBConnectionError("gone")])
def test_a_database_that_does_not_answer_should_be_unavailable(error: Exception) -> None:
    assert is_unavailable(error)


@pytest.mark.parametrize("error", [ValueError(), KeyError("path"), IntegrityError("unique"), AssertionError()])
def test_what_the_request_is_to_blame_for_should_not_be(error: Exception) -> None:
    assert not is_unavailable(error)


async def test_a_locked_file_should_be_unavailable(database: str) -> None:
    client = get_connection("default")
    await client.execute_query("PRAGMA busy_timeout=0")
    with closing(sqlite3.connect(Path(database.removeprefix("sqlite://")), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError) as locked:
            await client.execute_query("UPDATE installation SET changes = 5")
    assert is_unavailable(locked.value)


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("statement", ["SELEKT 1", "SELECT * FROM nowhere", "SELECT nothing FROM installation"])
async def test_a_wrong_statement_should_be_our_fault(statement: str) -> None:
    with pytest.raises(OperationalError) as wrong:
        await get_connection("default").execute_query(statement)
    assert not is_unavailable(wrong.value)
