"""The graph in a viewer's sight: what they may see, and the ids by which they ask for it."""

from collections.abc import Callable, Collection, Iterator

import strawberry

from nexus_gql.access import Role
from nexus_gql.hierarchy import Catalogue, Environment, Namespace
from nexus_gql.topology import (
    NodeKind,
    Picture,
    ShownNode,
    application_id,
    place,
    seen,
    workflow_id,
    workload_id,
)

from .context import Context
from .node import node_id

NODE, EDGE = "TopologyNode", "TopologyEdge"
_STAND_FOR: dict[str, Callable[[str], str]] = {
    "Application": application_id,
    "Workflow": workflow_id,
    "Workload": lambda key: workload_id(*key.split(":", 1)) if ":" in key else "",
    NODE: lambda key: key,
}


def graph_node(identity: str) -> str:
    """The node that an id means: its own, or that of an application, a workload or a workflow. One that is none has no node."""
    kind, _, key = identity.partition(":")
    stands = _STAND_FOR.get(kind)
    return "" if stands is None else stands(key)


def topology_node_id(node: str) -> strawberry.ID:
    """A node's id in GraphQL."""
    return node_id(NODE, node)


def topology_edge_id(edge: str) -> strawberry.ID:
    """An edge's id in GraphQL."""
    return node_id(EDGE, edge)


def sees_all(context: Context) -> bool:
    """Whether nothing of the graph is hidden from a viewer."""
    return context.viewer.scope.role(None) >= Role.VIEWER


def in_sight(context: Context, picture: Picture) -> Picture:
    """The whole graph as somebody sees it; what they may not see is one node without a name for each need."""
    if sees_all(context):
        return picture
    places = _places(context)

    def make() -> Picture:
        visible = _visible(context, places, picture)
        return seen(picture, lambda shown: shown.node.id in visible)

    return context.sights.of(picture, places, make)


def _visible(context: Context, places: Collection[tuple[str, str]], picture: Picture) -> Collection[str]:
    sees = context.viewer.scope.sees
    own = {
        key
        for key, shown in picture.nodes.items()
        if (sees(shown.node.path) if shown.node.path is not None else _is_theirs(shown, places))
    }
    around = {NodeKind.INGRESS, NodeKind.EXTERNAL}
    ends = {
        end
        for shown in picture.edges.values()
        if shown.edge.origin in own or shown.edge.target in own
        for end in (shown.edge.origin, shown.edge.target)
    }
    return own | {end for end in ends if picture.nodes[end].node.kind in around}


def _is_theirs(shown: ShownNode, places: Collection[tuple[str, str]]) -> bool:
    return shown.node.kind is NodeKind.WORKLOAD and place(shown.node) in places


def _places(context: Context) -> frozenset[tuple[str, str]]:
    """The Kubernetes namespaces that are a viewer's to see. Most changes of the hierarchy leave them as they are."""
    catalogue = context.rooms.hierarchy.latest
    if context.places is None or context.places[0] is not catalogue:
        context.places = catalogue, frozenset(_seen_in(context, catalogue))
    return context.places[1]


def _seen_in(context: Context, catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    for level in catalogue.below(None):
        if isinstance(level, Namespace) and context.viewer.scope.sees(level.path):
            cluster_id = catalogue.above(Environment, level.path).cluster_id
            if cluster_id is not None:
                yield cluster_id, level.kubernetes_name
