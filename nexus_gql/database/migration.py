"""Brings the database's tables up to this version, one process at a time.

Migrations only add (tables, columns with a default, indexes): SQLite alters a table by making it anew, which takes child rows
and indexes with it.
"""

import asyncio
import fcntl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

from tortoise import Tortoise
from tortoise.connection import get_connection
from tortoise.migrations.executor import MigrationExecutor, PlanStep

from nexus_gql.problems import Unreachable

from .connection import NAME, opened, settings, sqlite_file
from .errors import is_unavailable
from .installation import found

_ADVISORY_LOCK = 0x6E65787573  # "nexus": one number for all processes that migrate the same database


async def migrate(url: str, models: Sequence[str]) -> list[str]:
    """Apply what is missing and return its names, in order. Opens and closes its own connection."""
    async with _alone(url), _executor(url, models) as executor:
        steps = await executor.plan()
        await executor.migrate()
        await found()
    return _names(steps)


async def pending(url: str, models: Sequence[str]) -> list[str]:
    """Names of the migrations that this version brings and the database has not had."""
    async with _executor(url, models) as executor:
        return _names(await executor.plan())


def _names(steps: list[PlanStep]) -> list[str]:
    return [step.migration.name for step in steps]


@asynccontextmanager
async def _executor(url: str, models: Sequence[str]) -> AsyncIterator[MigrationExecutor]:
    if path := sqlite_file(url):
        path.parent.mkdir(parents=True, exist_ok=True)
    config = settings(url, models)
    await Tortoise.init(config=config)
    try:
        await opened()
        yield MigrationExecutor(get_connection(NAME), config["apps"])
    except Exception as error:
        if not is_unavailable(error):
            raise
        raise Unreachable(f"The database does not answer: {error}") from error
    finally:
        await Tortoise.close_connections()


@asynccontextmanager
async def _alone(url: str) -> AsyncIterator[None]:
    """Hold what keeps a second process from migrating the same database; Tortoise itself has no such lock."""
    if path := sqlite_file(url):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = await asyncio.to_thread(_locked, Path(f"{path}.lock"))
        try:
            yield
        finally:
            file.close()  # which gives the lock back
    elif url.startswith("sqlite:"):
        yield
    else:
        import asyncpg

        address = url.replace("asyncpg://", "postgres://", 1).partition("?")[0]
        try:
            connection = await asyncpg.connect(address, timeout=10)
        except Exception as error:
            raise Unreachable(f"The database does not answer: {error}") from error
        try:
            await connection.execute(f"SELECT pg_advisory_lock({_ADVISORY_LOCK})")
            yield
        finally:
            await connection.close()  # which gives the lock back


def _locked(path: Path) -> IO[str]:
    file = path.open("w")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file
