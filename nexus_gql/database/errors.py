"""Which of the drivers' exceptions mean that the database is gone, locked or full, so that trying again later may help."""

import sqlite3
import sys

from tortoise.exceptions import OperationalError

_ASYNCPG = (
    "PostgresConnectionError",
    "InterfaceError",
    "OperatorInterventionError",
    "InsufficientResourcesError",
    "InvalidAuthorizationSpecificationError",
    "InvalidCatalogNameError",
)


def is_unavailable(error: BaseException) -> bool:
    """Whether the database, not the request, is at fault. TimeoutError and Tortoise's DBConnectionError are OSErrors."""
    if isinstance(error, OperationalError) and error.args and isinstance(error.args[0], Exception):
        # Tortoise says OperationalError of a wrong statement, too, and keeps the driver's own error inside.
        return is_unavailable(error.args[0])
    if isinstance(error, sqlite3.OperationalError):
        # SQLITE_ERROR is a wrong statement, such as one about a table that is not there.
        return getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_ERROR
    if isinstance(error, OSError):
        return True
    asyncpg = sys.modules.get("asyncpg")  # imported by Tortoise where PostgreSQL is used
    return asyncpg is not None and isinstance(error, tuple(getattr(asyncpg, name) for name in _ASYNCPG))
