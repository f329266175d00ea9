"""The feeds of operations: those of a scope, and one alone."""

from collections.abc import Sequence
from uuid import UUID

import strawberry

from nexus_gql.paths import Path, within
from nexus_gql.problems import NotFound
from nexus_gql.workloads import Operation, OperationChange, find, find_many, page

from .context import Context
from .feeds import Snapshot, StateFeed, Step, UpdateKind, in_frames, text_of
from .operations import OperationType, operation_id, operation_type
from .scalars import FeedPosition

NEWEST = 100
"""Operations that the feed begins with."""


@strawberry.type(description="Operations of a scope: the newest hundred first, then those that are new or moved on.")
class OperationUpdate:
    kind: UpdateKind
    position: FeedPosition
    complete: bool = strawberry.field(description="False only in a snapshot's frames before its last.")
    upserted: list[OperationType] = strawberry.field(description="Operations that are new or moved on.")
    removed: list[strawberry.ID] = strawberry.field(description="Ids of operations that are not kept any more.")


def _check(context: Context, scope: Path) -> None:
    if scope not in context.rooms.hierarchy.latest.levels or not context.viewer.scope.sees(scope):
        raise NotFound(f"There is no `{scope}`.")


async def _snapshot(context: Context, scope: Path) -> Snapshot[OperationUpdate]:
    _check(context, scope)
    feed = context.rooms.operations.feed
    position = feed.position  # before the look: what changes meanwhile is told again, which does no harm
    found = await page(context.viewer.scope, scope, None, first=NEWEST, after=None)

    def frame(items: Sequence[Operation], complete: bool) -> OperationUpdate:
        shown = [operation_type(one) for one in items]
        return OperationUpdate(
            kind=UpdateKind.SNAPSHOT, position=text_of(feed, position), complete=complete, upserted=shown, removed=[]
        )

    return Snapshot(position, in_frames(found.operations, frame))


async def _change(
    context: Context, scope: Path, changes: Sequence[OperationChange], position: FeedPosition
) -> Step[OperationUpdate]:
    touched = {one.operation_id: None for one in changes if within(scope, one.path)}
    if not touched:
        return Step()
    found = await find_many(UUID(one) for one in touched)
    removed = [operation_id(one) for one in touched.keys() - {operation.id for operation in found}]
    shown = [operation_type(one) for one in found]
    frame = OperationUpdate(kind=UpdateKind.CHANGES, position=position, complete=True, upserted=shown, removed=removed)
    return Step([frame], over=scope not in context.rooms.hierarchy.latest.levels)


OPERATIONS = StateFeed(lambda rooms: rooms.operations.feed, _snapshot, _change)


async def _one(context: Context, key: UUID) -> Operation:
    found = await find(key)
    if found is None or not context.viewer.scope.sees(found.path):
        raise NotFound("There is no such operation (any more).")
    return found


async def _as_it_is(context: Context, key: UUID) -> Snapshot[OperationType]:
    position = context.rooms.operations.feed.position
    one = await _one(context, key)
    return Snapshot(position, [operation_type(one)], over=not one.unfinished)


async def _moved_on(
    context: Context,
    key: UUID,
    changes: Sequence[OperationChange],
    position: FeedPosition,  # noqa: ARG001 - the contract's operation has none
) -> Step[OperationType]:
    if all(change.operation_id != str(key) for change in changes):
        return Step()
    one = await _one(context, key)
    return Step([operation_type(one)], over=not one.unfinished)


OPERATION = StateFeed(lambda rooms: rooms.operations.feed, _as_it_is, _moved_on)
