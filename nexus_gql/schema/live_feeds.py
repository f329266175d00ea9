"""The feeds of what runs: pods, workloads and health of a scope, and the clusters' connections."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import strawberry

from nexus_gql.hierarchy import Application, Catalogue
from nexus_gql.live import (
    ClusterChange,
    Feed,
    HierarchyChange,
    Live,
    LiveChange,
    ObjectChange,
    Selection,
    SightChange,
    arrived,
    pods_in,
    select,
    summarise,
    workloads_in,
)
from nexus_gql.paths import Path, within
from nexus_gql.problems import NotFound
from nexus_gql.topology import GraphChange, ShownNode, TopologyChange

from .application import ApplicationType
from .clusters import ClusterType, SourceState, cluster_type, sees_cluster, sources_of, visible_clusters
from .context import Context, Rooms
from .feeds import Snapshot, StateFeed, Step, UpdateKind, in_frames, one_by_one, text_of
from .health import HealthSummary, summary_of
from .levels import level_id, visible_applications
from .node import Node, node_id
from .pods import PodType, pod_id, pod_type
from .scalars import FeedPosition
from .workloads import WorkloadType, workload_id, workload_of, workload_type

X = TypeVar("X")
N = TypeVar("N", bound=Node)
F = TypeVar("F")


@strawberry.type(description="Pods of a scope: all of them first, then those that changed.")
class PodUpdate:
    kind: UpdateKind
    position: FeedPosition
    complete: bool = strawberry.field(description="False only in a snapshot's frames before its last.")
    upserted: list[PodType] = strawberry.field(description="Pods that are new or changed.")
    removed: list[strawberry.ID] = strawberry.field(description="Ids of pods that are gone.")
    sources: list[SourceState] = strawberry.field(description="The clusters that this is fed from.")


@strawberry.type(description="Workloads of a scope: all of them first, then those that changed.")
class WorkloadUpdate:
    kind: UpdateKind
    position: FeedPosition
    complete: bool = strawberry.field(description="False only in a snapshot's frames before its last.")
    upserted: list[WorkloadType] = strawberry.field(description="Workloads that are new or changed.")
    removed: list[strawberry.ID] = strawberry.field(description="Ids of workloads that are gone.")
    sources: list[SourceState] = strawberry.field(description="The clusters that this is fed from.")


@strawberry.type(
    description="Applications of a scope: all of them first, then those whose state, serving, ready, impairment or `blockedBy` changed."
)
class HealthUpdate:
    kind: UpdateKind
    position: FeedPosition
    complete: bool = strawberry.field(description="False only in a snapshot's frames before its last.")
    upserted: list[ApplicationType] = strawberry.field(description="Applications that are new or changed.")
    removed: list[strawberry.ID] = strawberry.field(description="Ids of applications that are gone.")
    summary: HealthSummary = strawberry.field(description="Of the whole scope.")
    sources: list[SourceState] = strawberry.field(description="The clusters that this is fed from.")


@strawberry.type(description="Clusters: all that you may know of first, then those whose connection changed.")
class ClusterUpdate:
    kind: UpdateKind
    position: FeedPosition
    complete: bool = strawberry.field(description="False only in a snapshot's frames before its last.")
    upserted: list[ClusterType] = strawberry.field(description="Clusters that are new or changed.")
    removed: list[strawberry.ID] = strawberry.field(description="Ids of clusters that are gone.")


def selected(context: Context, scope: Path) -> Selection:
    """What a scope stands for; the error NOT_FOUND where it is not there, or not to be seen."""
    selection = select(context.rooms.hierarchy.latest, scope)
    if selection is None or not context.viewer.scope.sees(scope):
        raise NotFound(f"There is no `{scope}`.")
    return selection


# ── pods and workloads ──


@dataclass(frozen=True)
class _Objects(Generic[X, N, F]):
    """What pods and workloads have in common: objects on clusters, looked up by UID when they changed."""

    feed: Callable[[Live], Feed[LiveChange]]
    all: Callable[[Live, Selection], Sequence[X]]
    node: Callable[[X], N]
    one: Callable[[Context, ObjectChange], N | None]
    id: Callable[[str, str], strawberry.ID]
    frame: Callable[..., F]

    def subscription(self) -> StateFeed[LiveChange, Path, F]:
        """The seam."""
        return StateFeed(lambda rooms: self.feed(rooms.live), self.snapshot, self.change)

    async def snapshot(self, context: Context, scope: Path) -> Snapshot[F]:
        live = context.rooms.live
        await arrived(live, selected(context, scope).clusters)
        selection, feed = selected(context, scope), self.feed(live)
        sources, position = sources_of(context, selection.clusters), feed.position

        def frame(items: Sequence[X], complete: bool) -> F:
            return self.frame(
                kind=UpdateKind.SNAPSHOT,
                position=text_of(feed, position),
                complete=complete,
                upserted=[self.node(item) for item in items],
                removed=[],
                sources=sources,
            )

        items = self.all(live, selection)
        # Ten thousand are looked up in half of what one turn may take, and a frame needs the other half.
        await asyncio.sleep(0)
        return Snapshot(position, one_by_one(items, frame))

    async def change(
        self, context: Context, scope: Path, changes: Sequence[LiveChange], position: FeedPosition
    ) -> Step[F]:
        catalogue = context.rooms.hierarchy.latest
        selection = select(catalogue, scope)
        if selection is None:
            return Step(
                [self._frame(context, None, position, removed=self._all_before(context, scope, changes))], over=True
            )
        if means_something_else(changes, scope):
            return Step(again=True)
        upserted, removed = self._differences(context, selection, changes)
        sight = [one for one in changes if isinstance(one, SightChange) and one.cluster_id in selection.clusters]
        frames = []
        if upserted or removed or any(not one.lost for one in sight):
            frames.append(self._frame(context, selection, position, upserted=upserted, removed=removed))
        if sight and sight[-1].lost:
            frames.append(self._frame(context, selection, position, kind=UpdateKind.STALE))
        return Step(frames)

    def _differences(
        self, context: Context, selection: Selection, changes: Iterable[LiveChange]
    ) -> tuple[list[N], list[strawberry.ID]]:
        touched = {
            (one.cluster_id, one.uid): one for one in changes if isinstance(one, ObjectChange) and selection.has(one)
        }
        upserted, removed = [], []
        for one in touched.values():
            found = self.one(context, one)
            if found is None:
                removed.append(self.id(one.cluster_id, one.uid))
            else:
                upserted.append(found)
        return upserted, removed

    def _all_before(self, context: Context, scope: Path, changes: Iterable[LiveChange]) -> list[strawberry.ID]:
        """The ids of what lay in a scope before it was deleted."""
        for one in changes:
            if isinstance(one, HierarchyChange) and (before := one.moved.get(scope)) is not None:
                return [self.node(item).id for item in self.all(context.rooms.live, before)]
        return []

    def _frame(
        self,
        context: Context,
        selection: Selection | None,
        position: FeedPosition,
        *,
        kind: UpdateKind = UpdateKind.CHANGES,
        upserted: Sequence[N] = (),
        removed: Sequence[strawberry.ID] = (),
    ) -> F:
        return self.frame(
            kind=kind,
            position=position,
            complete=True,
            upserted=list(upserted),
            removed=list(removed),
            sources=[] if selection is None else sources_of(context, selection.clusters),
        )


def means_something_else(changes: Iterable[LiveChange], scope: Path) -> bool:
    """Whether a scope stands for other places than before."""
    return any(isinstance(one, HierarchyChange) and scope in one.moved for one in changes)


def _pod(context: Context, change: ObjectChange) -> PodType | None:
    view = context.rooms.live.views.get(change.cluster_id)
    pod = None if view is None else view.pods.get(change.uid)
    return None if view is None or pod is None else pod_type(view, pod)


PODS = _Objects(
    lambda live: live.pod_feed,
    pods_in,
    lambda seen: pod_type(*seen),
    _pod,
    pod_id,
    PodUpdate,
).subscription()

WORKLOADS = _Objects(
    lambda live: live.workload_feed,
    workloads_in,
    workload_type,
    lambda context, change: workload_of(context, change.cluster_id, change.uid),
    workload_id,
    WorkloadUpdate,
).subscription()


# ── health ──


def _health_feed(rooms: Rooms) -> Feed[GraphChange]:
    # The graph's, since it carries what an application suffers from others.
    return rooms.topology.feed


async def _health_snapshot(context: Context, scope: Path) -> Snapshot[HealthUpdate]:
    # Which waits for the clusters as well.
    await context.rooms.topology.settled(selected(context, scope).clusters)
    selected(context, scope)
    catalogue, feed = context.rooms.hierarchy.latest, context.rooms.topology.feed
    frame = _health_frames(context, catalogue, scope)

    def snapshot(items: Sequence[Application], complete: bool) -> HealthUpdate:
        return frame(UpdateKind.SNAPSHOT, text_of(feed, feed.position), items, (), complete)

    return Snapshot(feed.position, in_frames(visible_applications(context, catalogue, scope), snapshot))


async def _health_change(
    context: Context, scope: Path, changes: Sequence[GraphChange], position: FeedPosition
) -> Step[HealthUpdate]:
    catalogue = context.rooms.hierarchy.latest
    removed = [
        level_id(level)
        for one in changes
        if isinstance(one, HierarchyChange)
        for level in one.removed
        if within(scope, level.path)
    ]

    def frame(kind: UpdateKind, upserted: Sequence[Application], gone: Sequence[strawberry.ID]) -> HealthUpdate:
        # Only once it is known to be sent: its summary looks at every application of the scope.
        return _health_frames(context, catalogue, scope)(kind, position, upserted, gone, True)

    selection = select(catalogue, scope)
    if selection is None:
        return Step([frame(UpdateKind.CHANGES, (), removed)], over=True)
    topology = context.rooms.topology
    nodes = {node: None for one in changes if isinstance(one, TopologyChange) for node in _felt(one)}
    touched = [found.id for node in nodes if (found := topology.application(node)) is not None]
    levels = (catalogue.by_id(application_id) for application_id in touched)
    upserted = [level for level in levels if isinstance(level, Application) and within(scope, level.path)]
    sight = [one for one in changes if isinstance(one, SightChange) and one.cluster_id in selection.clusters]
    frames = []
    if upserted or removed or any(not one.lost for one in sight):
        frames.append(frame(UpdateKind.CHANGES, upserted, removed))
    if sight and sight[-1].lost:
        frames.append(frame(UpdateKind.STALE, (), ()))
    return Step(frames)


def _felt(change: TopologyChange) -> Iterator[str]:
    """The nodes that are doing otherwise, or for another reason; of others only the name or the number of pods became different."""
    for shown in change.delta.nodes:
        before = change.before.nodes.get(shown.node.id)
        if before is None or _health_of(before) != _health_of(shown):
            yield shown.node.id


def _health_of(shown: ShownNode) -> object:
    return shown.state, shown.impairment, shown.causes


def _health_frames(context: Context, catalogue: Catalogue, scope: Path) -> Callable[..., HealthUpdate]:
    known = context.rooms.live.applications.known
    selection = select(catalogue, scope)
    summary = summary_of(
        summarise(known(one).state for one in visible_applications(context, catalogue, scope))
        if selection is not None
        else summarise(())
    )
    sources = [] if selection is None else sources_of(context, selection.clusters)

    def frame(
        kind: UpdateKind,
        position: FeedPosition,
        upserted: Sequence[Application],
        removed: Sequence[strawberry.ID],
        complete: bool,
    ) -> HealthUpdate:
        return HealthUpdate(
            kind=kind,
            position=position,
            complete=complete,
            upserted=[ApplicationType.of(catalogue, application) for application in upserted],
            removed=list(removed),
            summary=summary,
            sources=sources,
        )

    return frame


HEALTH = StateFeed(_health_feed, _health_snapshot, _health_change)


# ── clusters ──


async def _cluster_snapshot(context: Context, _: None) -> Snapshot[ClusterUpdate]:
    feed = context.rooms.live.cluster_feed

    def frame(items: Sequence[ClusterType], complete: bool) -> ClusterUpdate:
        return ClusterUpdate(
            kind=UpdateKind.SNAPSHOT,
            position=text_of(feed, feed.position),
            complete=complete,
            upserted=list(items),
            removed=[],
        )

    return Snapshot(feed.position, in_frames(visible_clusters(context), frame))


async def _cluster_change(
    context: Context, _: None, changes: Sequence[LiveChange], position: FeedPosition
) -> Step[ClusterUpdate]:
    touched: dict[str, Any] = {one.cluster_id: None for one in changes if isinstance(one, ClusterChange)}
    rows = {cluster_id: context.rooms.fleet.row(cluster_id) for cluster_id in touched}
    upserted = [
        cluster_type(row) for cluster_id, row in rows.items() if row is not None and sees_cluster(context, cluster_id)
    ]
    removed = [node_id("Cluster", cluster_id) for cluster_id, row in rows.items() if row is None]
    if not upserted and not removed:
        return Step()
    return Step(
        [ClusterUpdate(kind=UpdateKind.CHANGES, position=position, complete=True, upserted=upserted, removed=removed)]
    )


CLUSTERS = StateFeed(lambda rooms: rooms.live.cluster_feed, _cluster_snapshot, _cluster_change)
