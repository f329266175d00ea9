"""Row claims: a process takes a row for a while, on the database's own clock, and keeps it with a heartbeat.

A claim is two columns, `lease` (who) and `lease_until` (seconds since 1970). Whoever finds the time past may take the row; the
one who had it finds, at its next write, that the row names another.
"""

from uuid import UUID

from tortoise.connection import get_connection
from tortoise.expressions import Expression, Q, RawSQL, ResolveContext, ResolveResult
from tortoise.models import Model

from .connection import NAME, dialect

_NOW = {
    "sqlite": "((julianday('now') - 2440587.5) * 86400.0)",
    "postgres": "EXTRACT(EPOCH FROM clock_timestamp())::double precision",
}


async def database_now() -> float:
    """Seconds since 1970 on the database's clock."""
    rows = await get_connection(NAME).execute_query_dict(f"SELECT {_NOW[dialect()]} AS now")
    return float(rows[0]["now"])


async def claim(model: type[Model], row: UUID, lease: UUID, seconds: float) -> bool:
    """Take a row that nobody has, or whose holder's time is over; whether that worked."""
    free = Q(lease=None) | Q(lease_until__lt=RawSQL(_NOW[dialect()]))
    return bool(await model.filter(free, id=row).update(lease=lease, lease_until=_In(seconds)))


async def extend(model: type[Model], row: UUID, lease: UUID, seconds: float) -> bool:
    """Hold a row for longer; False where somebody else has taken it."""
    return bool(await model.filter(id=row, lease=lease).update(lease_until=_In(seconds)))


class _In(Expression):
    """The instant so many seconds from now on the database's clock."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def resolve(self, resolve_context: ResolveContext) -> ResolveResult:  # noqa: ARG002
        """The SQL of it."""
        return ResolveResult(term=RawSQL(f"{_NOW[dialect()]} + {self.seconds:f}"))
