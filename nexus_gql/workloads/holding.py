"""One worker's hold on an operation: the lease, the writes that name it, and the word from outside that ends it."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any
from uuid import UUID, uuid4

import structlog

from nexus_gql import clock
from nexus_gql.database import claim, extend, is_unavailable

from . import models
from .operation import Operation, OperationStatus, Step, StepStatus, operation

log = structlog.get_logger(__name__)

LEASE = 10.0
"""Seconds for which a worker has an operation to itself, unless it says again that it is there."""
HEARTBEAT = 3.0
TICK = 1.0
"""Seconds after which a step that waits looks again, at what it waits for and whether somebody asked for its end."""


class LostLease(Exception):
    """Somebody else may be at it now: nothing more may be written, on the cluster or in the database."""


class Ended(Exception):
    """Somebody asked for the operation to end: a newer one took its place, or it was cancelled."""

    def __init__(self, status: OperationStatus) -> None:
        super().__init__(status)
        self.status = status


class Holding:
    """An operation that this worker has claimed. Every write names the lease, so one that comes late changes nothing."""

    def __init__(self, row: models.Operation, lease: UUID, tell: Callable[[models.Operation], None]) -> None:
        self.row = row
        self.steps: dict[str, Step] = {}
        self._lease = lease
        self._tell = tell
        self._until = clock.elapsed() + LEASE

    @classmethod
    async def take(cls, row_id: UUID, tell: Callable[[models.Operation], None]) -> "Holding | None":
        """Claim an operation; None where another worker has it."""
        lease, started = uuid4(), clock.elapsed()
        if not await claim(models.Operation, row_id, lease, LEASE):
            return None
        row = await models.Operation.get(id=row_id)
        holding = cls(row, lease, tell)
        holding._until = started + LEASE
        return holding

    @property
    def operation(self) -> Operation:
        """The operation as it was last read or written here."""
        return operation(self.row)

    @property
    def over(self) -> bool:
        """Whether we have recorded its end ourselves. The lease is given up with that, not lost."""
        return self.row.lease is None

    def check(self) -> None:
        """Raise LostLease where the time is over by our own clock: before each request that changes something on a cluster."""
        if clock.elapsed() >= self._until:
            raise LostLease

    async def keep(self) -> None:
        """Say again and again that we are there; returns when the lease is lost."""
        while True:
            await asyncio.sleep(HEARTBEAT)
            started = clock.elapsed()
            try:
                if not await extend(models.Operation, self.row.id, self._lease, LEASE):
                    return
            except Exception as error:
                if not is_unavailable(error):
                    raise
                log.warning("A heartbeat did not reach the database", operation=str(self.row.id), reason=str(error))
                if clock.elapsed() >= self._until:
                    return
            else:
                self._until = started + LEASE

    async def look(self) -> None:
        """Raise Ended where somebody asked for it, and LostLease where the row names another."""
        row = await models.Operation.get_or_none(id=self.row.id)
        if row is None or row.lease != self._lease:
            raise LostLease
        self.row = row
        if row.ending is not None:
            raise Ended(OperationStatus(row.ending))

    async def write(self, **columns: Any) -> None:
        """Change the row; LostLease where it names another."""
        if not await models.Operation.filter(id=self.row.id, lease=self._lease).update(**columns):
            raise LostLease
        self.row.update_from_dict(columns)

    async def tell(self, **columns: Any) -> None:
        """Change the row where that makes it different, and announce it. Not within a transaction."""
        different = {name: value for name, value in columns.items() if getattr(self.row, name) != value}
        if different:
            await self.write(**different)
            self._tell(self.row)

    def announce(self, *others: models.Operation) -> None:
        """Say that the row changed, and others with it: after the transaction in which they did."""
        for row in (self.row, *others):
            self._tell(row)

    def with_step(self, name: str, status: StepStatus, message: str | None = None) -> list[dict[str, Any]]:
        """The steps after one of them moved on."""
        now = clock.now().isoformat()
        steps = []
        for stored in self.row.steps:
            step = Step(**{**stored, "status": StepStatus(str(stored["status"]))})  # type: ignore[arg-type]
            if step.name == name:
                begun = step.started_at or now
                over = None if status is StepStatus.RUNNING else now
                step = replace(step, status=status, message=message, started_at=begun, finished_at=over)
            steps.append(asdict(step))
        return steps

    async def release(self) -> None:
        """Give the operation back unfinished, for whoever takes it next."""
        await models.Operation.filter(id=self.row.id, lease=self._lease).update(lease=None, lease_until=None)
