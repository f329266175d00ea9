"""The feed of the hierarchy: levels that are new, changed or gone, and those whose effective settings changed with them."""

import asyncio
from collections.abc import Sequence

import strawberry

from nexus_gql.hierarchy import Change, Difference, differs, merged, reached
from nexus_gql.hierarchy import Level as AnyLevel
from nexus_gql.paths import Path, within
from nexus_gql.problems import NotFound

from .application import level_type
from .context import Context
from .feeds import Snapshot, StateFeed, Step, UpdateKind, one_by_one, text_of
from .levels import Level, level_id
from .scalars import FeedPosition

_FOLDS_A_TURN = 200
"""Levels that are looked at in one turn of the loop; a change at a project may reach thousands."""


@strawberry.type(
    description="Levels of a scope, those above before those below: all of them first, then those that changed. Only levels that "
    "are open to you; of those that you see by their names alone there is nothing here."
)
class HierarchyUpdate:
    kind: UpdateKind
    position: FeedPosition
    complete: bool = strawberry.field(description="False only in a snapshot's frames before its last.")
    upserted: list[Level] = strawberry.field(description="Levels that are new or changed.")
    removed: list[strawberry.ID] = strawberry.field(description="Ids of levels that are gone.")
    affected: list[strawberry.ID] = strawberry.field(
        description="Ids of levels whose effective settings changed by it, those in `upserted` aside."
    )


async def _snapshot(context: Context, scope: Path | None) -> Snapshot[HierarchyUpdate]:
    catalogue, feed = context.rooms.hierarchy.latest, context.rooms.live.hierarchy_feed
    sees = context.viewer.scope.sees
    if scope is not None and (scope not in catalogue.levels or not sees(scope)):
        raise NotFound(f"There is no `{scope}`.")
    position = feed.position

    def frame(items: Sequence[AnyLevel], complete: bool) -> HierarchyUpdate:
        return HierarchyUpdate(
            kind=UpdateKind.SNAPSHOT,
            position=text_of(feed, position),
            complete=complete,
            upserted=[level_type(catalogue, level) for level in items],
            removed=[],
            affected=[],
        )

    return Snapshot(position, one_by_one([level for level in catalogue.below(scope) if sees(level.path)], frame))


async def _change(
    context: Context, scope: Path | None, changes: Sequence[Change], position: FeedPosition
) -> Step[HierarchyUpdate]:
    difference = merged(changes)

    def shown(levels: Sequence[AnyLevel]) -> list[AnyLevel]:
        sees = context.viewer.scope.sees
        return [level for level in levels if within(scope, level.path) and sees(level.path)]

    upserted, removed = shown(difference.upserted), shown(difference.removed)
    affected = await _affected(difference, shown(reached(difference, scope)))
    over = scope is not None and scope not in difference.after.levels
    if not (upserted or removed or affected or over):
        return Step()
    frame = HierarchyUpdate(
        kind=UpdateKind.CHANGES,
        position=position,
        complete=True,
        upserted=[level_type(difference.after, level) for level in upserted],
        removed=[level_id(level) for level in removed],
        affected=[level_id(level) for level in affected],
    )
    return Step([frame], over=over)


async def _affected(difference: Difference, levels: Sequence[AnyLevel]) -> list[AnyLevel]:
    """Those whose effective settings changed. The two catalogues keep what is folded for it, so others pay for no fold."""
    found = []
    for start in range(0, len(levels), _FOLDS_A_TURN):
        if start:
            await asyncio.sleep(0)
        found += [level for level in levels[start : start + _FOLDS_A_TURN] if differs(difference, level)]
    return found


HIERARCHY = StateFeed(lambda rooms: rooms.live.hierarchy_feed, _snapshot, _change)
