"""The connection to the database: SQLite for a laptop, PostgreSQL for production, both through Tortoise ORM."""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tortoise import Tortoise
from tortoise.connection import get_connection
from tortoise.exceptions import ConfigurationError

from nexus_gql.problems import Unreachable

from .errors import is_unavailable
from .transactions import settle

NAME = "default"

# SQLite waits this long (ms) for another process (`nexus token`, a backup) that holds the file's write lock.
_SQLITE_PRAGMAS = "journal_mode=WAL&synchronous=NORMAL&busy_timeout=5000"


def settings(url: str, models: Sequence[str]) -> dict[str, Any]:
    """Tortoise's configuration for a database URL and the rooms' modules of models."""
    if url.startswith("sqlite:") and "?" not in url:
        url = f"{url}?{_SQLITE_PRAGMAS}"
    return {
        "connections": {NAME: url},
        "apps": {"nexus": {"models": list(models), "default_connection": NAME, "migrations": "migrations"}},
    }


def dialect() -> str:
    """`sqlite` or `postgres`."""
    return str(get_connection(NAME).capabilities.dialect)


@asynccontextmanager
async def connected(url: str, models: Sequence[str]) -> AsyncIterator[None]:
    """Open the database for every task of this process; at the end waits for open transactions, then closes it."""
    try:
        # Requests run in tasks that do not descend from the lifespan's, hence the fallback that is not bound to a task.
        await Tortoise.init(config=settings(url, models), _enable_global_fallback=True)
    except ConfigurationError as error:
        raise Unreachable(f"The database URL cannot be used: {error}") from error
    try:
        await opened()
        yield
    finally:
        await settle()
        await Tortoise.close_connections()


async def opened() -> None:
    """Open a SQLite file now; Unreachable where that fails.

    Tortoise would open it at the first statement, and where that fails keep the connection's lock: every later statement would
    then wait for ever.
    """
    if dialect() != "sqlite":
        return
    try:
        await get_connection(NAME).create_connection(with_db=True)
    except (sqlite3.Error, OSError) as error:
        raise Unreachable(f"The database cannot be opened: {error}") from error


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite URL; None for PostgreSQL and for a database in memory."""
    if not url.startswith("sqlite://"):
        return None
    name = url.removeprefix("sqlite://").partition("?")[0]
    return None if name == ":memory:" else Path(name)


async def ping() -> None:
    """One round trip; raises Unreachable where the database does not answer."""
    try:
        await get_connection(NAME).execute_query("SELECT 1")
    except Exception as error:
        if not is_unavailable(error):
            raise
        raise Unreachable(f"The database does not answer: {error}") from error
