"""The parts of a larger operation: looked up, let go in generations, and told together.

A part is an operation of its own on one application, `held` until its generation's turn has come.
"""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from nexus_gql import clock

from . import models
from .operation import FULL, UNFINISHED, Operation, OperationStatus, operation


async def parts_of(parent_ids: Iterable[str]) -> dict[str, list[Operation]]:
    """The parts of some operations, in the order in which they were asked for: one statement."""
    wanted = [UUID(one) for one in parent_ids]
    found: dict[str, list[Operation]] = {str(one): [] for one in wanted}
    for row in await models.Operation.filter(parent_id__in=wanted).order_by("created_at", "path"):
        found[str(row.parent_id)].append(operation(row))
    return found


async def outcomes(parent_id: str) -> dict[str, Operation]:
    """What became of each part, by its id: of one that was superseded, what became of the one that took its place."""
    (parts,) = (await parts_of([parent_id])).values()
    return {part.id: await _standing(part) for part in parts}


async def _standing(part: Operation) -> Operation:
    while part.status is OperationStatus.SUPERSEDED and part.application_id is not None:
        later = models.Operation.filter(application_id=part.application_id, number__gt=part.number, kind__in=FULL)
        row = await later.order_by("number").first()
        if row is None:
            break
        part = operation(row)
    return part


async def release(parts: Sequence[str]) -> bool:
    """Let parts go whose turn has come; whether any was still held."""
    held = models.Operation.filter(id__in=[UUID(one) for one in parts], held=True)
    return bool(await held.update(held=False))


async def under_way(parts: Sequence[str]) -> bool:
    """Whether any of some parts was let go and is not over. One that was superseded is over itself."""
    ids = [UUID(one) for one in parts]
    return await models.Operation.filter(id__in=ids, held=False, status__in=UNFINISHED).exists()


async def drop_held(parent_id: UUID, message: str) -> list[models.Operation]:
    """End the parts whose turn never came, within a transaction; answers their rows."""
    rows = await models.Operation.filter(parent_id=parent_id, held=True, status=OperationStatus.PENDING)
    for row in rows:
        row.status, row.message, row.finished_at = OperationStatus.CANCELLED, message, clock.now()
        await row.save(update_fields=["status", "message", "finished_at"])
    return rows


def due(generations: Sequence[Sequence[str]], now: Mapping[str, Operation]) -> Sequence[str]:
    """The first generation that is not over; nothing where all are."""
    return next((one for one in generations if any(now[part].unfinished for part in one)), ())


async def unfinished_parts(parent_id: UUID) -> list[models.Operation]:
    """The rows of the parts that have not ended."""
    return await models.Operation.filter(parent_id=parent_id, status__in=UNFINISHED)
