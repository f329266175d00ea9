"""The feed of the graph: all of it first, then the nodes and edges that are shown otherwise."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import strawberry

from nexus_gql.live import HierarchyChange, SightChange, arrived, select
from nexus_gql.paths import Path
from nexus_gql.topology import GraphChange, Picture, ShownEdge, ShownNode, TopologyChange

from .clusters import SourceState, sources_of
from .context import Context
from .feeds import SNAPSHOT_ITEMS, Snapshot, StateFeed, Step, UpdateKind, text_of
from .graph_sight import topology_edge_id, topology_node_id
from .live_feeds import means_something_else, selected
from .scalars import FeedPosition
from .topology import TopologyEdgeType, TopologyFilter, TopologyNodeType, edge_types, node_types, view_of


@strawberry.type(
    description="The graph of a scope: all of it first, nodes before their edges; then the nodes and edges that are shown otherwise, "
    "and nothing else. Ids stay the same, so where you drew a node is where it stays."
)
class TopologyUpdate:
    kind: UpdateKind
    position: FeedPosition
    complete: bool = strawberry.field(description="False only in a snapshot's frames before its last.")
    nodes: list[TopologyNodeType] = strawberry.field(description="Nodes that are new or shown otherwise.")
    edges: list[TopologyEdgeType] = strawberry.field(description="Edges that are new or shown otherwise.")
    removed_nodes: list[strawberry.ID] = strawberry.field(description="Ids of nodes that are gone from what is shown.")
    removed_edges: list[strawberry.ID] = strawberry.field(description="Ids of edges that are gone from what is shown.")
    root_causes: list[strawberry.ID] = strawberry.field(
        description="Ids of all unhealthy nodes that depend on nothing unhealthy, as of this frame."
    )
    sources: list[SourceState] = strawberry.field(description="The clusters that this is fed from.")


@dataclass(frozen=True)
class Wanted:
    """What a subscriber asked for."""

    scope: Path
    filter: TopologyFilter | None


async def _snapshot(context: Context, wanted: Wanted) -> Snapshot[TopologyUpdate]:
    await arrived(context.rooms.live, selected(context, wanted.scope).clusters)
    selection, topology = selected(context, wanted.scope), context.rooms.topology
    position = topology.feed.position
    picture = view_of(context, topology.picture, wanted.scope, wanted.filter)
    text, sources = text_of(topology.feed, position), sources_of(context, selection.clusters)

    def frames() -> Iterator[TopologyUpdate]:
        parts = _parts(list(picture.nodes.values()), list(picture.edges.values()))
        for number, (nodes, edges) in enumerate(parts, 1):
            yield _update(UpdateKind.SNAPSHOT, text, picture, sources, nodes, edges, complete=number == len(parts))

    return Snapshot(position, frames())


def _parts(
    nodes: Sequence[ShownNode], edges: Sequence[ShownEdge]
) -> list[tuple[Sequence[ShownNode], Sequence[ShownEdge]]]:
    parts: list[tuple[Sequence[ShownNode], Sequence[ShownEdge]]] = [
        (nodes[start : start + SNAPSHOT_ITEMS], ()) for start in range(0, len(nodes), SNAPSHOT_ITEMS)
    ]
    parts += [((), edges[start : start + SNAPSHOT_ITEMS]) for start in range(0, len(edges), SNAPSHOT_ITEMS)]
    return parts or [((), ())]


async def _change(
    context: Context, wanted: Wanted, changes: Sequence[GraphChange], position: FeedPosition
) -> Step[TopologyUpdate]:
    topology = context.rooms.topology
    selection = select(context.rooms.hierarchy.latest, wanted.scope)
    steps = [one for one in changes if isinstance(one, TopologyChange)]
    if selection is None:
        return Step([_gone(context, changes, position)], over=True)
    if means_something_else([one for one in changes if isinstance(one, HierarchyChange)], wanted.scope):
        return Step(again=True)
    frames = []
    sources = sources_of(context, selection.clusters)
    sight = [one for one in changes if isinstance(one, SightChange) and one.cluster_id in selection.clusters]
    after = view_of(context, topology.picture, wanted.scope, wanted.filter)
    if steps:
        before = view_of(context, steps[0].before, wanted.scope, wanted.filter)
        if (frame := _difference(before, after, position, sources)) is not None:
            frames.append(frame)
    if not frames and any(not one.lost for one in sight):
        frames.append(_update(UpdateKind.CHANGES, position, after, sources))
    if sight and sight[-1].lost:
        frames.append(_update(UpdateKind.STALE, position, after, sources))
    return Step(frames)


def _difference(
    before: Picture, after: Picture, position: FeedPosition, sources: list[SourceState]
) -> TopologyUpdate | None:
    """What is shown otherwise, if anything is."""
    nodes = [one for key, one in after.nodes.items() if before.nodes.get(key) != one]
    edges = [one for key, one in after.edges.items() if before.edges.get(key) != one]
    removed_nodes = [topology_node_id(key) for key in before.nodes if key not in after.nodes]
    removed_edges = [topology_edge_id(key) for key in before.edges if key not in after.edges]
    if not (nodes or edges or removed_nodes or removed_edges or before.root_causes != after.root_causes):
        return None
    return _update(
        UpdateKind.CHANGES,
        position,
        after,
        sources,
        nodes,
        edges,
        removed_nodes=removed_nodes,
        removed_edges=removed_edges,
    )


def _gone(context: Context, changes: Sequence[GraphChange], position: FeedPosition) -> TopologyUpdate:
    """The last frame of a scope that was deleted: it takes away whatever was shown, of which ids alone matter."""
    steps = [one for one in changes if isinstance(one, TopologyChange)]
    picture = steps[0].before if steps else context.rooms.topology.picture
    nothing = Picture({}, {}, ())
    removed_nodes = [topology_node_id(key) for key in picture.nodes]
    removed_edges = [topology_edge_id(key) for key in picture.edges]
    return _update(UpdateKind.CHANGES, position, nothing, [], removed_nodes=removed_nodes, removed_edges=removed_edges)


def _update(
    kind: UpdateKind,
    position: FeedPosition,
    picture: Picture,
    sources: list[SourceState],
    nodes: Iterable[ShownNode] = (),
    edges: Iterable[ShownEdge] = (),
    *,
    complete: bool = True,
    removed_nodes: Sequence[strawberry.ID] = (),
    removed_edges: Sequence[strawberry.ID] = (),
) -> TopologyUpdate:
    return TopologyUpdate(
        kind=kind,
        position=position,
        complete=complete,
        nodes=node_types(nodes),
        edges=edge_types(edges),
        removed_nodes=list(removed_nodes),
        removed_edges=list(removed_edges),
        root_causes=[topology_node_id(one) for one in picture.root_causes],
        sources=sources,
    )


TOPOLOGY: StateFeed[GraphChange, Wanted, TopologyUpdate] = StateFeed(
    lambda rooms: rooms.topology.feed, _snapshot, _change
)
