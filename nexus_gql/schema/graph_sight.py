"""The graph in a viewer's sight: what lies in a scope, what they may see, and the ids by which they ask for it."""

from collections.abc import Callable, Collection, Iterator

import strawberry

from nexus_gql.access import Role
from nexus_gql.hierarchy import Environment, Namespace
from nexus_gql.live import Selection, select
from nexus_gql.paths import Path, within
from nexus_gql.topology import (
    Node,
    NodeKind,
    Picture,
    ShownNode,
    application_id,
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


def in_sight(context: Context, picture: Picture) -> Picture:
    """The whole graph as somebody sees it; what they may not see is one node without a name for each need."""
    if context.viewer.scope.role(None) >= Role.VIEWER:
        return picture
    visible = _visible(context, picture)
    return seen(picture, lambda shown: shown.node.id in visible)


def inside(context: Context, picture: Picture, scope: Path) -> set[str]:
    """The nodes that lie in a scope. An ingress host lies where it leads."""
    selection = select(context.rooms.hierarchy.latest, scope)
    if selection is None:
        return set()
    found = {key for key, shown in picture.nodes.items() if _lies_in(shown.node, scope, selection)}
    entrances = {
        key
        for key, shown in picture.nodes.items()
        if shown.node.kind is NodeKind.INGRESS and any(one.edge.target in found for one in picture.needs[key])
    }
    return found | entrances


def _lies_in(node: Node, scope: Path, selection: Selection) -> bool:
    if node.path is not None:
        return within(scope, node.path)
    return node.kind is NodeKind.WORKLOAD and selection.application_id is None and _place(node) in selection.places


def _place(node: Node) -> tuple[str, str]:
    """The cluster and the Kubernetes namespace of what nobody declared."""
    return node.id.partition(":")[2].partition("/")[0], node.group


def _visible(context: Context, picture: Picture) -> Collection[str]:
    places = set(_places(context))
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
    return shown.node.kind is NodeKind.WORKLOAD and _place(shown.node) in places


def _places(context: Context) -> Iterator[tuple[str, str]]:
    """The Kubernetes namespaces that are a viewer's to see."""
    catalogue = context.rooms.hierarchy.latest
    for level in catalogue.below(None):
        if isinstance(level, Namespace) and context.viewer.scope.sees(level.path):
            cluster_id = catalogue.above(Environment, level.path).cluster_id
            if cluster_id is not None:
                yield cluster_id, level.kubernetes_name
