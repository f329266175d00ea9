"""Shares operations out: takes those that nobody works on, one at a time for each application, and carries them out."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID, uuid4

import structlog

from nexus_gql.database import database_now, is_unavailable
from nexus_gql.supervisor import Supervisor

from . import models
from .execution import Execution
from .holding import Holding, LostLease
from .operation import PARENTS, UNFINISHED, Failure, OperationStatus
from .records import record_end
from .subject import Surroundings

log = structlog.get_logger(__name__)

_LOOK = 2.0
"""Seconds between two looks for what another process left behind or asked for; what this one asks for is taken at once."""
_AT_ONCE = 32


class Runner:
    """Runs this process's share of the operations."""

    def __init__(self, around: Surroundings, tell: Callable[[models.Operation], None]) -> None:
        self._around = around
        self._tell = tell
        self._wake = asyncio.Event()
        self._busy: dict[UUID, bool] = {}

    def start(self, supervisor: Supervisor) -> None:
        """Begin to take operations."""
        supervisor.start("operations", self._keep)

    def wake(self) -> None:
        """Look now: something was asked for."""
        self._wake.set()

    async def _keep(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                for row in await self._free():
                    self._busy[_lane(row)] = _counts(row)
                    group.create_task(self._carry_out(row), name=f"operation {row['id']}")
                try:
                    async with asyncio.timeout(_LOOK):
                        await self._wake.wait()
                except TimeoutError:
                    pass

    async def _free(self) -> list[Mapping[str, Any]]:
        """The oldest unfinished operation of each application, where nobody works on it and nothing holds it."""
        rows = (
            await models.Operation.filter(status__in=UNFINISHED, held=False)
            .order_by("number")
            .values("id", "application_id", "kind", "lease", "lease_until")
        )
        if not rows:
            return []
        now = await database_now()
        first: dict[UUID, Mapping[str, Any]] = {}
        for row in rows:
            first.setdefault(_lane(row), row)
        free = [
            row
            for lane, row in first.items()
            if lane not in self._busy and (row["lease"] is None or row["lease_until"] < now)
        ]
        room = max(0, _AT_ONCE - sum(self._busy.values()))
        return [row for row in free if not _counts(row)] + [row for row in free if _counts(row)][:room]

    async def _carry_out(self, row: Mapping[str, Any]) -> None:
        try:
            holding = await Holding.take(row["id"], self._tell)
            if holding is not None:
                await self._held(holding, torn=row["lease"] is not None)
        except Exception as error:
            if not is_unavailable(error):
                raise
            log.warning("An operation waits for the database", operation=str(row["id"]), reason=str(error))
            await asyncio.sleep(_LOOK)
        finally:
            self._busy.pop(_lane(row), None)
            self._wake.set()

    async def _held(self, holding: Holding, *, torn: bool) -> None:
        """Carry out what is held, with a heartbeat beside it; given back where this process is to end."""
        work = asyncio.create_task(self._to_its_end(holding, torn=torn), name=f"work {holding.row.id}")
        heart = asyncio.create_task(holding.keep(), name=f"heartbeat {holding.row.id}")
        try:
            await asyncio.wait({work, heart}, return_when=asyncio.FIRST_COMPLETED)
            if holding.over:
                # The lease went with the end, so the next beat finds none; the end itself is still to be told.
                await asyncio.wait({work})
        finally:
            heart.cancel()
            work.cancel()
            ends = await asyncio.gather(work, heart, return_exceptions=True)
            if isinstance(ends[0], asyncio.CancelledError):
                await holding.release()
        if isinstance(ends[1], Exception):
            # The work was stopped with it and given back; whoever takes it up may have better luck.
            log.error("The heartbeat of an operation failed", operation=str(holding.row.id), exc_info=ends[1])
        if isinstance(ends[0], Exception):
            raise ends[0]
        if ends[1] is None and isinstance(ends[0], asyncio.CancelledError):
            _log_loss(holding)

    async def _to_its_end(self, holding: Holding, *, torn: bool) -> None:
        try:
            if torn:
                await holding.write(notes={**holding.row.notes, "takenOver": True})
            await self._executed(holding)
        except LostLease:
            _log_loss(holding)

    async def _executed(self, holding: Holding) -> None:
        try:
            await Execution(holding, self._around, self.wake).run()
        except LostLease:
            raise
        except Exception as error:
            if is_unavailable(error):
                raise
            fault = uuid4().hex[:12]
            log.exception("An operation failed by a fault of ours", operation=str(holding.row.id), id=fault)
            message = f"Something went wrong on our side. Quote id {fault}."
            dropped = await record_end(holding, OperationStatus.FAILED, message, Failure("Internal", message))
            holding.announce(*dropped)


def _lane(row: Mapping[str, Any]) -> UUID:
    """What one operation at a time is carried out of: an application, or the operation itself where it has none."""
    lane: UUID = row["application_id"] or row["id"]
    return lane


def _counts(row: Mapping[str, Any]) -> bool:
    """Whether an operation takes one of the places: those that wait for their parts would leave these none."""
    return row["kind"] not in PARENTS


def _log_loss(holding: Holding) -> None:
    log.warning("Another worker has taken an operation over", operation=str(holding.row.id))
