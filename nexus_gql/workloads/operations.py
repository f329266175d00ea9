"""Operations as everybody sees them: asked for, carried out, looked up, and announced when they move on."""

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from tortoise.expressions import Q

from nexus_gql.access import Role, Scope, Viewer
from nexus_gql.hierarchy import Level
from nexus_gql.live import Feed
from nexus_gql.paths import Path
from nexus_gql.problems import BadRequest, Problem
from nexus_gql.supervisor import Supervisor

from . import models
from .deletion_requests import ask_deletion
from .leaving import delete_declared
from .operation import UNFINISHED, Operation, OperationStatus, operation
from .requests import Requests
from .runner import Runner
from .subject import Surroundings
from .wanted import Accepted, Wanted


@dataclass(frozen=True, slots=True)
class OperationChange:
    """An operation was made or moved on."""

    operation_id: str
    path: Path


@dataclass(frozen=True, slots=True)
class OperationPage:
    """Some operations, newest first, and whether there are older ones."""

    operations: list[Operation]
    more: bool


class Operations:
    """The room's face: `ask`, `cancel`, look-ups, and the feed."""

    def __init__(self, around: Surroundings) -> None:
        self.feed: Feed[OperationChange] = Feed()
        self._around = around
        self._runner = Runner(around, self._tell)
        self._requests = Requests(around, self._tell, self._runner.wake)

    def start(self, supervisor: Supervisor) -> None:
        """Begin to carry operations out."""
        self._runner.start(supervisor)

    async def ask(self, viewer: Viewer, wanted: Wanted) -> Accepted:
        """Accept an operation, or Refused."""
        return await self._requests.ask(viewer, wanted)

    async def ask_deletion(self, viewer: Viewer, wanted: Wanted) -> Accepted:
        """Accept the deletion of a level with all that runs below it, or Refused."""
        accepted, touched = await ask_deletion(self._around, viewer, wanted)
        await self._requests.hand_over(touched)
        return accepted

    async def delete_declared(
        self, path: Path, *, expected_version: int | None, dry_run: bool
    ) -> tuple[Level, list[Problem]]:
        """Delete a level of which nothing runs, or which was tried to take off a cluster that is gone; or Refused.

        Answers what it was, and warnings of what was left on the cluster.
        """
        return await delete_declared(self._around, path, expected_version=expected_version, dry_run=dry_run)

    async def cancel(self, operation_id: UUID) -> Operation:
        """End an operation; Refused where it has ended already."""
        return await self._requests.cancel(operation_id)

    def _tell(self, row: models.Operation) -> None:
        self.feed.publish(OperationChange(str(row.id), Path(row.path)))


async def find(operation_id: UUID) -> Operation | None:
    """One operation."""
    row = await models.Operation.get_or_none(id=operation_id)
    return None if row is None else operation(row)


async def find_many(ids: Iterable[UUID]) -> list[Operation]:
    """Several, newest first: one statement."""
    return [operation(row) for row in await models.Operation.filter(id__in=list(ids)).order_by("-created_at", "-id")]


async def current_of(application_ids: Sequence[str]) -> dict[str, Operation]:
    """The operation that each application is in, where it is in one: the one that runs, else the next. One statement."""
    rows = await models.Operation.filter(application_id__in=list(application_ids), status__in=UNFINISHED).order_by(
        "-number"
    )
    return {found.application_id: found for found in map(operation, rows) if found.application_id is not None}


async def page(
    viewer: Scope,
    scope: Path | None,
    statuses: Sequence[OperationStatus] | None,
    *,
    first: int,
    after: str | None,
) -> OperationPage:
    """Operations at or below a level that a viewer may see, newest first."""
    query = models.Operation.filter(_visible(viewer))
    if scope is not None:
        query = query.filter(_below(scope))
    if statuses is not None:
        query = query.filter(status__in=list(statuses))
    if after is not None:
        at, row_id = read_cursor(after)
        query = query.filter(Q(created_at__lt=at) | Q(created_at=at, id__lt=row_id))
    rows = await query.order_by("-created_at", "-id").limit(first + 1)
    return OperationPage([operation(row) for row in rows[:first]], len(rows) > first)


def cursor(one: Operation) -> str:
    """Where an operation stands in the order of all."""
    return base64.urlsafe_b64encode(f"{one.created_at.isoformat()} {one.id}".encode()).decode().rstrip("=")


def read_cursor(text: str) -> tuple[datetime, UUID]:
    """The place that a cursor names; BadRequest where it was not made here."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
        at, _, row_id = raw.partition(" ")
        instant = datetime.fromisoformat(at)
        if instant.tzinfo is None:
            raise ValueError("no time zone")  # noqa: TRY301
        # In UTC here, since the database's driver would run over the calendar's end.
        return instant.astimezone(UTC), UUID(row_id)
    except (ValueError, OverflowError, binascii.Error) as error:
        raise BadRequest("This cursor was not made here.") from error


def _below(scope: Path) -> Q:
    return Q(path=scope) | Q(path__startswith=f"{scope}/")


def _visible(viewer: Scope) -> Q:
    if viewer.role(None) >= Role.VIEWER:
        return Q()
    nothing = Q(path="")
    return Q(nothing, *(_below(where) for where, _ in viewer.grants if where is not None), join_type=Q.OR)
