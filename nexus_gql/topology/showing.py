"""What of a picture is shown: a scope with its neighbours, what the viewer may see, and what a filter leaves."""

from collections.abc import Callable, Collection, Iterable
from enum import StrEnum

from msgspec import Struct, structs

from nexus_gql.hierarchy import Need
from nexus_gql.live import Health

from .graph import Edge, Node, NodeKind, ShownEdge, ShownNode, edge_id
from .picture import Picture, unwell
from .state import Impairment


class Direction(StrEnum):
    """Which way from the focus."""

    DEPENDENCIES = "DEPENDENCIES"
    DEPENDENTS = "DEPENDENTS"
    BOTH = "BOTH"


class Filter(Struct, frozen=True, kw_only=True):
    """What to leave; None does not restrict. depth None: all that is reached from the focus."""

    focus: str | None = None
    depth: int | None = None
    direction: Direction = Direction.BOTH
    health: frozenset[Health] | None = None
    kinds: frozenset[NodeKind] | None = None
    unhealthy_only: bool = False
    unmanaged: bool = True


def hidden_id(need: Need) -> str:
    """The one node for all that the viewer may not see and is needed so, or needs so."""
    return f"hidden:{need.value}"


def shown(
    picture: Picture,
    inside: Collection[str],
    visible: Callable[[ShownNode], bool] = lambda _: True,
    wanted: Filter | None = None,
) -> Picture:
    """A scope as a viewer sees it through a filter. Impairment and root causes stay those of the whole."""
    scoped = _scoped(seen(picture, visible), inside)
    return scoped if wanted is None else _filtered(scoped, wanted)


def seen(picture: Picture, visible: Callable[[ShownNode], bool]) -> Picture:
    """All that a viewer may see: chains and cycles that they ask for are of this.

    The rest becomes one node for each need, without a name; an edge to it tells no evidence, which may hold one.
    """
    allowed = {node for node, one in picture.nodes.items() if visible(one)}
    if len(allowed) == len(picture.nodes):
        return picture
    nodes = {node: _without(picture.nodes[node], allowed) for node in sorted(allowed)}
    edges: dict[str, ShownEdge] = {}
    for key, one in picture.edges.items():
        origin, target, need = one.edge.origin, one.edge.target, one.edge.need
        if origin in allowed and target in allowed:
            edges[key] = one
        elif origin in allowed or target in allowed:
            veil = hidden_id(need)
            nodes.setdefault(veil, _veil(need))
            ends = (origin, veil) if origin in allowed else (veil, target)
            before = edges.get(edge_id(*ends))
            healthy = one.healthy and (before is None or before.healthy)
            edges[edge_id(*ends)] = ShownEdge(Edge(*ends, need, ()), healthy)
    return Picture(nodes, edges, tuple(root for root in picture.root_causes if root in allowed))


def _veil(need: Need) -> ShownNode:
    return ShownNode(Node(hidden_id(need), NodeKind.HIDDEN, "", ""), None, Impairment.NONE)


def _without(one: ShownNode, allowed: Collection[str]) -> ShownNode:
    causes = tuple(cause for cause in one.causes if cause in allowed)
    return one if causes == one.causes else structs.replace(one, causes=causes)


def _scoped(picture: Picture, inside: Collection[str]) -> Picture:
    """The nodes of a scope and their neighbours one step outside, with the edges that touch the scope."""
    own = {node for node in picture.nodes if node in inside}
    edges = {key: one for key, one in picture.edges.items() if one.edge.origin in own or one.edge.target in own}
    near = {end for one in edges.values() for end in (one.edge.origin, one.edge.target)} | own
    nodes = {
        node: one if node in own else structs.replace(one, outside=True)
        for node, one in picture.nodes.items()
        if node in near
    }
    return Picture(nodes, edges, tuple(root for root in picture.root_causes if root in nodes))


def _filtered(picture: Picture, wanted: Filter) -> Picture:
    kept = set(picture.nodes) if wanted.focus is None else around(picture, wanted.focus, wanted)
    kept = {node for node in kept if node == wanted.focus or _passes(picture.nodes[node], wanted)}
    return within(picture, kept)


def around(picture: Picture, focus: str, wanted: Filter) -> set[str]:
    """What is reached from the focus in so many steps: along the edges, against them, or either in turn."""
    if focus not in picture.nodes:
        return set()
    reached = {focus}
    for dependencies in (True, False):
        if wanted.direction in {Direction.BOTH, _NAMES[dependencies]}:
            reached |= _reached(picture, focus, wanted.depth, dependencies=dependencies)
    return reached


_NAMES = {True: Direction.DEPENDENCIES, False: Direction.DEPENDENTS}


def _reached(picture: Picture, focus: str, depth: int | None, *, dependencies: bool) -> set[str]:
    reached, layer, steps = {focus}, {focus}, 0
    while layer and (depth is None or steps < depth):
        ahead = _neighbours(picture, layer, dependencies=dependencies)
        layer, steps = set(ahead) - reached, steps + 1
        reached |= layer
    return reached


def _neighbours(picture: Picture, nodes: Iterable[str], *, dependencies: bool) -> Iterable[str]:
    for node in nodes:
        if not picture.passable(node):
            continue
        for one in picture.needs[node] if dependencies else picture.needed_by[node]:
            yield one.edge.target if dependencies else one.edge.origin


def _passes(one: ShownNode, wanted: Filter) -> bool:
    kind = one.node.kind
    if wanted.kinds is not None and kind not in wanted.kinds:
        return False
    if wanted.health is not None and (one.state is None or one.state.verdict.status not in wanted.health):
        return False
    if kind is NodeKind.WORKLOAD and not wanted.unmanaged:
        return False
    return unwell(one) if wanted.unhealthy_only else True


def within(picture: Picture, kept: Collection[str]) -> Picture:
    """These nodes, and the edges between them. What is hidden is of no use without an edge."""
    edges = {key: one for key, one in picture.edges.items() if one.edge.origin in kept and one.edge.target in kept}
    touched = {end for one in edges.values() for end in (one.edge.origin, one.edge.target)}
    nodes = {
        node: one for node, one in picture.nodes.items() if node in kept and (picture.passable(node) or node in touched)
    }
    return Picture(nodes, edges, tuple(root for root in picture.root_causes if root in nodes))
