"""Kubernetes events in GraphQL: pages of them, and the feed."""

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from nexus_gql.live import ClusterView, Event, Live, ObjectChange, Record, Selection, Want, needed, select
from nexus_gql.paths import Path
from nexus_gql.problems import Unreachable

from .clusters import ClusterType
from .context import Context, Info
from .node import Node, node_id
from .paging import PageInfo, cursor, key_at, page_info
from .pods import application_of, cluster_of
from .scalars import Instant

if TYPE_CHECKING:
    from .application import ApplicationType


@strawberry.enum(description="`WARNING`: something went wrong, at least for now.")
class EventType(Enum):
    NORMAL = "NORMAL"
    WARNING = "WARNING"


@strawberry.type(description="The Kubernetes object that an event is about.")
class EventObject:
    kind: str
    name: str
    namespace: str | None


@strawberry.type(
    name="Event",
    description="Something that a component of the cluster reports. When it happens again, its count rises.",
)
class EventNode(Node):
    record: strawberry.Private[Record]
    view: strawberry.Private[ClusterView]

    @strawberry.field
    def type(self) -> EventType:
        return type_of(self._event)

    @strawberry.field(description="Kubernetes' word for what happened: `BackOff`, `FailedScheduling`, …")
    def reason(self) -> str:
        return self._event.reason

    @strawberry.field
    def message(self) -> str:
        return self._event.message

    @strawberry.field(description="What it is about.")
    def object(self) -> EventObject:
        about = self._event.involved_object
        return EventObject(kind=about.kind, name=about.name, namespace=about.namespace or None)

    @strawberry.field(description="The application that it is about, where it is about one.")
    def application(self, info: Info) -> Annotated["ApplicationType", strawberry.lazy(".application")] | None:
        return application_of(info.context, self.record.application_id)

    @strawberry.field
    def cluster(self, info: Info) -> ClusterType:
        return cluster_of(info.context, self.view.link.cluster_id)

    @strawberry.field(description="How often it happened.")
    def count(self) -> int:
        event = self._event
        return (event.series.count if event.series else None) or event.count or 1

    @strawberry.field(description="When it happened first.")
    def first_at(self) -> Instant:
        event = self._event
        return Instant(event.first_timestamp or event.event_time or event.metadata.creation_timestamp)

    @strawberry.field(description="When it happened last.")
    def last_at(self) -> Instant:
        event = self._event
        latest = (event.series.last_observed_time if event.series else None) or event.last_timestamp
        return Instant(latest or event.event_time or event.metadata.creation_timestamp)

    @strawberry.field(description="The component that reports it: `kubelet`, `default-scheduler`, …")
    def reporter(self) -> str | None:
        return self._event.reporting_component or self._event.source.component or None

    @property
    def _event(self) -> Event:
        return self.record.event


def type_of(event: Event) -> EventType:
    """Whether an event is a warning."""
    return EventType.WARNING if event.type == "Warning" else EventType.NORMAL


def event_node(view: ClusterView, record: Record) -> EventNode:
    """An event as it is shown."""
    return EventNode(id=node_id("Event", view.link.cluster_id, record.event.metadata.uid), record=record, view=view)


@strawberry.type(description="An event and its place in the list.")
class EventEdge:
    cursor: str
    node: EventNode


@strawberry.type(
    description="Events, newest first. Kubernetes keeps them for an hour, Nexus the last 10,000 of a cluster."
)
class EventConnection:
    edges: list[EventEdge]
    nodes: list[EventNode]
    page_info: PageInfo


def concerns(record: Record, selection: Selection, cluster_id: str) -> bool:
    """Whether an event lies in a selection."""
    about = record.event.involved_object
    return selection.has(ObjectChange(cluster_id, about.namespace, about.uid, record.application_id))


async def level_events(context: Context, path: Path, first: int, after: str | None) -> EventConnection | None:
    """The events of a level, newest first."""
    live = context.rooms.live
    selection = select(context.rooms.hierarchy.latest, path)
    if selection is None:
        return None
    views = [await _with_events(live, cluster_id) for cluster_id in selection.clusters]
    return event_page(views, lambda view, record: concerns(record, selection, view.link.cluster_id), first, after)


async def _with_events(live: Live, cluster_id: str) -> ClusterView:
    view = await needed(live, cluster_id, Want.EVENTS)
    if view is None:
        cold = live.views.get(cluster_id)
        reason = "" if cold is None else cold.trouble_with(Want.EVENTS)
        raise Unreachable(reason or "The cluster's events have not been read yet; try again in a moment.")
    return view


_KIND = "events"


def event_page(
    views: list[ClusterView], wanted: Callable[[ClusterView, Record], bool], first: int, after: str | None
) -> EventConnection:
    """Events of some clusters, newest first: by what the clock said, and what it said alike by the order in which it came."""
    start = None if after is None else key_at(_KIND, after, tuple[str, str, int])
    keyed = [
        (place_of(view, record), record, view)
        for view in views
        for record in view.events.newest_first()
        if wanted(view, record)
    ]
    keyed.sort(key=lambda item: item[0], reverse=True)
    found = [item for item in keyed if start is None or item[0] < start]
    page = found[:first]
    edges = [EventEdge(cursor=cursor(_KIND, key), node=event_node(view, record)) for key, record, view in page]
    ends = [edges[0].cursor, edges[-1].cursor] if edges else []
    return EventConnection(
        edges=edges,
        nodes=[edge.node for edge in edges],
        page_info=page_info(ends, 0 if start is None else 1, len(found) - len(page)),
    )


def place_of(view: ClusterView, record: Record) -> tuple[str, str, int]:
    """Where an event stands among those of several clusters."""
    event = record.event
    latest = (event.series.last_observed_time if event.series else None) or event.last_timestamp
    when = latest or event.event_time or event.metadata.creation_timestamp
    # Some are told in whole seconds and others not, and as texts `16Z` would come after `16.5Z`.
    seconds, _, fraction = when.removesuffix("Z").partition(".")
    return (f"{seconds}.{fraction:0<9}", view.link.cluster_id, record.version)
