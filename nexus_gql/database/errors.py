"""Which of the drivers' exceptions mean that the database is gone, locked or full, so that trying again later may help."""

import sqlite3
import sys

from tortoise.exceptions import DBConnectionError, OperationalError

_ALWAYS = (DBConnectionError, OperationalError, sqlite3.OperationalError, OSError)
_ASYNCPG = (
    "PostgresConnectionError",
    "InterfaceError",
    "OperatorInterventionError",
    "InsufficientResourcesError",
    "InvalidAuthorizationSpecificationError",
    "InvalidCatalogNameError",
)


def is_unavailable(error: BaseException) -> bool:
    """Whether the database, not the request, is at fault. TimeoutError is an OSError."""
    if isinstance(error, _ALWAYS):
        return True
    asyncpg = sys.modules.get("asyncpg")  # imported by Tortoise where PostgreSQL is used
    return asyncpg is not None and isinstance(error, tuple(getattr(asyncpg, name) for name in _ASYNCPG))
