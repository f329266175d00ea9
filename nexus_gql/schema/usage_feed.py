"""The feed of usage: applications and pods of a scope, each time that they were measured again."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import strawberry

from nexus_gql import clock
from nexus_gql.hierarchy import Application
from nexus_gql.live import (
    APPLICATION_LABEL,
    PERIOD,
    ClusterView,
    Feed,
    HierarchyChange,
    LiveChange,
    Pod,
    Sample,
    Selection,
    SightChange,
    UsageMissed,
    UsageSampled,
    arrived,
    pods_in,
    sample_of,
    select,
)
from nexus_gql.paths import Path
from nexus_gql.problems import BadRequest

from .application import ApplicationType
from .clusters import SourceState, sources_of
from .context import Context, Rooms
from .feeds import Snapshot, StateFeed, Step, UpdateKind, in_frames, text_of
from .levels import visible_applications
from .live_feeds import means_something_else, selected
from .pods import PodType, pod_type
from .scalars import Duration, FeedPosition, Instant

EVERY = Duration("15s")


@strawberry.type(
    description="Applications and pods of a scope: all that are measured first, then those that were measured again."
)
class UsageUpdate:
    kind: UpdateKind
    position: FeedPosition
    complete: bool = strawberry.field(description="False only in a snapshot's frames before its last.")
    at: Instant = strawberry.field(description="Of the newest sample in it; where there is none, of the frame itself.")
    applications: list[ApplicationType] = strawberry.field(
        description="Applications of whose pods there is a new sample."
    )
    pods: list[PodType] = strawberry.field(description="Pods of which there is a new sample.")
    sources: list[SourceState] = strawberry.field(description="The clusters that this is fed from.")


@dataclass(frozen=True, slots=True)
class Arguments:
    """What is followed, and of how many rounds one is sent."""

    scope: Path
    stride: int


def usage_arguments(scope: Path, every: Duration | None) -> Arguments:
    """The arguments of the subscription. More often than it is measured, nothing can be new."""
    try:
        return Arguments(scope, max(1, math.ceil(clock.parse_duration(EVERY if every is None else every) / PERIOD)))
    except ValueError as error:
        raise BadRequest(f"every: {error}") from error


@dataclass(frozen=True, slots=True)
class _Measured:
    """A pod with its sample."""

    view: ClusterView
    pod: Pod
    sample: Sample


def _feed(rooms: Rooms) -> Feed[LiveChange]:
    return rooms.live.usage_feed


async def _snapshot(context: Context, arguments: Arguments) -> Snapshot[UsageUpdate]:
    live, clusters = context.rooms.live, selected(context, arguments.scope).clusters
    await arrived(live, clusters)
    for cluster_id in clusters:
        await live.usage.asked(cluster_id)
    selection, position = selected(context, arguments.scope), live.usage_feed.position
    measured = [one for cluster_id in selection.clusters for one in _measured(context, selection, cluster_id, 0)]
    frames = _frames(context, arguments.scope, selection, measured, text_of(live.usage_feed, position))
    return Snapshot(position, frames)


async def _change(
    context: Context, arguments: Arguments, changes: Sequence[LiveChange], position: FeedPosition
) -> Step[UsageUpdate]:
    selection = select(context.rooms.hierarchy.latest, arguments.scope)
    if selection is None:
        return Step(over=True)
    context.rooms.live.usage.touch(selection.clusters)
    if means_something_else(changes, arguments.scope):
        return Step(again=True)
    measured: list[_Measured] = []
    for cluster_id in selection.clusters:
        if (after := _due(changes, cluster_id, arguments.stride)) is not None:
            measured += _measured(context, selection, cluster_id, after)
    frames: list[UsageUpdate] = []
    if measured or any(isinstance(one, SightChange) and not one.lost for one in _of(changes, selection)):
        frames += _changes(context, arguments.scope, selection, measured, position)
    if _lost(context, changes, selection):
        frames.append(_frame(context, selection, UpdateKind.STALE, position))
    return Step(frames)


def _of(changes: Sequence[LiveChange], selection: Selection) -> Iterator[LiveChange]:
    return (
        one
        for one in changes
        if not isinstance(one, HierarchyChange) and getattr(one, "cluster_id", None) in selection.clusters
    )


def _due(changes: Sequence[LiveChange], cluster_id: str, stride: int) -> int | None:
    """After which round what was measured is to be sent; None where it is not the time.

    Of every few rounds one is sent, told by its number: so nobody has to remember when whom was sent something.
    """
    rounds = [one for one in changes if isinstance(one, UsageSampled) and one.cluster_id == cluster_id]
    due = [one.round for one in rounds if one.round % stride == 0 or one.returned]
    return min(due) - stride if due else None


def _measured(context: Context, selection: Selection, cluster_id: str, after: int) -> Iterator[_Measured]:
    """The pods of a cluster that were measured again after a round."""
    poller = context.rooms.live.usage.poller(cluster_id)
    if poller is None or not poller.current:
        return
    for view, pod in pods_in(context.rooms.live, selection):
        if view.link.cluster_id != cluster_id:
            continue
        sample = sample_of(pod, poller.pods)
        if sample is not None and sample.round > after:
            yield _Measured(view, pod, sample)


def _lost(context: Context, changes: Sequence[LiveChange], selection: Selection) -> bool:
    """Whether a source has just been lost, or just cannot be measured any more. Each is told once."""
    views = context.rooms.live.views
    for one in reversed(list(_of(changes, selection))):
        if isinstance(one, UsageSampled):
            return False
        if isinstance(one, SightChange):
            return one.lost
        if isinstance(one, UsageMissed) and one.first:
            view = views.get(one.cluster_id)
            return view is None or view.lost_at is None
    return False


def _applications(context: Context, scope: Path, measured: Sequence[_Measured]) -> list[Application]:
    """The applications that pods are of, as far as the viewer may see them."""
    touched = {one.pod.metadata.labels.get(APPLICATION_LABEL) for one in measured}
    catalogue = context.rooms.hierarchy.latest
    return [one for one in visible_applications(context, catalogue, scope) if one.id in touched]


Item = Application | _Measured


def _frames(
    context: Context, scope: Path, selection: Selection, measured: Sequence[_Measured], position: FeedPosition
) -> list[UsageUpdate]:
    items: list[Item] = [*_applications(context, scope, measured), *measured]
    at = _newest(measured)

    def frame(part: Sequence[Item], complete: bool) -> UsageUpdate:
        return _frame(context, selection, UpdateKind.SNAPSHOT, position, part, at=at, complete=complete)

    return in_frames(items, frame)


def _changes(
    context: Context, scope: Path, selection: Selection, measured: Sequence[_Measured], position: FeedPosition
) -> list[UsageUpdate]:
    items: list[Item] = [*_applications(context, scope, measured), *measured]
    at = _newest(measured)
    return in_frames(
        items, lambda part, _: _frame(context, selection, UpdateKind.CHANGES, position, part, at=at, complete=True)
    )


def _newest(measured: Sequence[_Measured]) -> str | None:
    return max((one.sample.at for one in measured), default=None)


def _frame(
    context: Context,
    selection: Selection,
    kind: UpdateKind,
    position: FeedPosition,
    items: Sequence[Item] = (),
    *,
    at: str | None = None,
    complete: bool = True,
) -> UsageUpdate:
    catalogue = context.rooms.hierarchy.latest
    return UsageUpdate(
        kind=kind,
        position=position,
        complete=complete,
        at=Instant(at or clock.now()),
        applications=[ApplicationType.of(catalogue, one) for one in items if isinstance(one, Application)],
        pods=[pod_type(one.view, one.pod) for one in items if isinstance(one, _Measured)],
        sources=sources_of(context, selection.clusters),
    )


USAGE = StateFeed(_feed, _snapshot, _change)
