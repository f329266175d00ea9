"""The feed of the graph: all of it first, then the nodes and edges that are shown otherwise."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import strawberry

from nexus_gql.live import HierarchyChange, Selection, SightChange, select
from nexus_gql.paths import DEPTHS, Path, depth
from nexus_gql.topology import (
    Blame,
    Delta,
    GraphChange,
    LastMade,
    Picture,
    ShownEdge,
    ShownNode,
    TopologyChange,
    difference,
    lying_in,
    scoped_difference,
)

from .clusters import SourceState, sources_of
from .context import Context
from .feeds import SNAPSHOT_ITEMS, Snapshot, StateFeed, Step, UpdateKind, text_of
from .graph_sight import in_sight, sees_all, topology_edge_id, topology_node_id
from .live_feeds import means_something_else, selected
from .scalars import FeedPosition
from .topology import TopologyEdgeType, TopologyFilter, TopologyNodeType, edge_types, filter_of, node_types, view_of


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
        description="Ids of the unhealthy nodes that depend on nothing unhealthy, as of this frame, by path or name: all that are shown, "
        "and all that impair what is shown. A filter may leave them out of the nodes: ask for them by `node`."
    )
    sources: list[SourceState] = strawberry.field(description="The clusters that this is fed from.")


@dataclass(frozen=True)
class Wanted:
    """What a subscriber asked for.

    `views`: what was shown of the graph before the next change, where that is compared; `blame`: what was to blame then, where not.
    """

    scope: Path
    filter: TopologyFilter | None
    views: LastMade[Picture] = field(default_factory=LastMade, compare=False, repr=False)
    blame: LastMade[Blame] = field(default_factory=LastMade, compare=False, repr=False)


async def _snapshot(context: Context, wanted: Wanted) -> Snapshot[TopologyUpdate]:
    topology = context.rooms.topology
    await topology.settled(selected(context, wanted.scope).clusters)
    selection, position = selected(context, wanted.scope), topology.feed.position
    picture = _view(context, wanted, topology.picture, selection)
    text, sources = text_of(topology.feed, position), sources_of(context, selection.clusters)

    def frames() -> Iterator[TopologyUpdate]:
        parts = _parts(list(picture.nodes.values()), list(picture.edges.values()))
        for number, (nodes, edges) in enumerate(parts, 1):
            complete = number == len(parts)
            yield _update(UpdateKind.SNAPSHOT, text, picture.root_causes, sources, nodes, edges, complete=complete)

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
    steps = [one for one in changes if isinstance(one, TopologyChange)]
    hierarchy = [one for one in changes if isinstance(one, HierarchyChange)]
    selection = select(context.rooms.hierarchy.latest, wanted.scope)
    if selection is None:
        return Step([_gone(context, wanted, steps, hierarchy, position)], over=True)
    if means_something_else(hierarchy, wanted.scope) or _is_seen_otherwise(context, hierarchy):
        return Step(again=True)
    sources = sources_of(context, selection.clusters)
    sight = [one for one in changes if isinstance(one, SightChange) and one.cluster_id in selection.clusters]
    delta = _difference(context, wanted, steps, selection) if steps else None
    frames = [_changed(position, delta, sources)] if delta else []
    # A frame that only tells of a cluster shows the root causes as they are: those that were sent before.
    roots = delta.root_causes if delta is not None else _roots(context, wanted, selection, sight)
    if not frames and any(not one.lost for one in sight):
        frames.append(_update(UpdateKind.CHANGES, position, roots, sources))
    if sight and sight[-1].lost:
        frames.append(_update(UpdateKind.STALE, position, roots, sources))
    return Step(frames)


def _difference(context: Context, wanted: Wanted, steps: Sequence[TopologyChange], selection: Selection) -> Delta:
    """What is shown otherwise after some changes. Where nothing is left out, it is told from the changes alone."""
    before, after = steps[0].before, steps[-1].after
    if _is_all_shown(context, wanted):
        lies = lying_in(wanted.scope, selection)
        return scoped_difference(before, after, [one.delta for one in steps], lies, wanted.blame, selection)
    return difference(*(_view(context, wanted, one, selection) for one in (before, after)))


def _is_all_shown(context: Context, wanted: Wanted) -> bool:
    return filter_of(wanted.filter) is None and sees_all(context)


def _view(context: Context, wanted: Wanted, picture: Picture, selection: Selection | None) -> Picture:
    """What is shown of the graph at one moment: for the next step kept where that compares, and not where it does without."""

    def make() -> Picture:
        return view_of(context, picture, wanted.scope, selection, filter_of(wanted.filter))

    if _is_all_shown(context, wanted):
        return make()
    return wanted.views.of(in_sight(context, picture), selection, make)


def _is_seen_otherwise(context: Context, changes: Iterable[HierarchyChange]) -> bool:
    """Whether a viewer may see other Kubernetes namespaces than before, so that what was hidden has a name now, or none any more."""
    sees = context.viewer.scope.sees
    return not sees_all(context) and any(
        depth(path) < len(DEPTHS) and sees(path) for one in changes for path in one.moved
    )


def _roots(context: Context, wanted: Wanted, selection: Selection, sight: Sequence[SightChange]) -> tuple[str, ...]:
    if not sight:
        return ()
    return _view(context, wanted, context.rooms.topology.picture, selection).root_causes


def _gone(
    context: Context,
    wanted: Wanted,
    steps: Sequence[TopologyChange],
    changes: Iterable[HierarchyChange],
    position: FeedPosition,
) -> TopologyUpdate:
    """The last frame of a scope that was deleted: it takes away what was shown."""
    selection = next((one.moved[wanted.scope] for one in changes if wanted.scope in one.moved), None)
    picture = steps[0].before if steps else context.rooms.topology.picture
    shown = _view(context, wanted, picture, selection)
    return _changed(position, difference(shown, Picture({}, {}, ())), [])


def _changed(position: FeedPosition, delta: Delta, sources: list[SourceState]) -> TopologyUpdate:
    return _update(
        UpdateKind.CHANGES,
        position,
        delta.root_causes,
        sources,
        delta.nodes,
        delta.edges,
        removed_nodes=[topology_node_id(key) for key in delta.removed_nodes],
        removed_edges=[topology_edge_id(key) for key in delta.removed_edges],
    )


def _update(
    kind: UpdateKind,
    position: FeedPosition,
    root_causes: Sequence[str],
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
        root_causes=[topology_node_id(one) for one in root_causes],
        sources=sources,
    )


TOPOLOGY: StateFeed[GraphChange, Wanted, TopologyUpdate] = StateFeed(
    lambda rooms: rooms.topology.feed, _snapshot, _change
)
