"""What of a picture is shown: a scope with its neighbours, what the viewer may see, and what a filter leaves."""

from collections.abc import Callable, Collection, Iterable, Mapping
from enum import StrEnum
from itertools import chain

from msgspec import Struct, structs

from nexus_gql.hierarchy import Need
from nexus_gql.live import Health

from .graph import Edge, Node, NodeKind, ShownEdge, ShownNode, edge_id
from .picture import Picture, listed, unwell
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
    """A scope as a viewer sees it through a filter. Impairment and causes stay those of the whole.

    Root causes are those of what is shown. They are among the nodes, unless the filter leaves them out.
    """
    return filtered(_scoped(seen(picture, visible), inside), wanted)


def seen(picture: Picture, visible: Callable[[ShownNode], bool]) -> Picture:
    """All that a viewer may see: chains and cycles that they ask for are of this.

    The rest becomes one node for each need, without a name; an edge to it tells no evidence, which may hold one. It is what
    impairs those who have a cause among the rest.
    """
    allowed = {node for node, one in picture.nodes.items() if visible(one)}
    if len(allowed) == len(picture.nodes):
        return picture
    nodes = {node: picture.nodes[node] for node in sorted(allowed)}
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
    veils = _veils_reached(edges)
    unseen = set(picture.root_causes) - allowed
    hidden = {veil for node, few in veils.items() if not unseen.isdisjoint(nodes[node].causes) for veil in few}
    nodes = {node: _veiled(one, allowed, veils) for node, one in nodes.items()}
    return Picture(nodes, edges, (*(root for root in picture.root_causes if root in allowed), *sorted(hidden)))


def _veil(need: Need) -> ShownNode:
    return ShownNode(Node(hidden_id(need), NodeKind.HIDDEN, "", ""), None, Impairment.NONE)


_VEILS = frozenset(map(hidden_id, Need))


def _veils_reached(edges: Mapping[str, ShownEdge]) -> Mapping[str, set[str]]:
    """By node, what is hidden that it reaches along edges through which something comes."""
    back: dict[str, list[str]] = {}
    for one in edges.values():
        if not one.healthy:
            back.setdefault(one.edge.target, []).append(one.edge.origin)
    found: dict[str, set[str]] = {}
    for veil in sorted(_VEILS & back.keys()):
        waiting = [veil]
        while waiting:
            for origin in back.get(waiting.pop(), ()):
                if origin not in _VEILS and veil not in found.setdefault(origin, set()):
                    found[origin].add(veil)
                    waiting.append(origin)
    return found


def _veiled(one: ShownNode, allowed: Collection[str], veils: Mapping[str, set[str]]) -> ShownNode:
    """A node without the names of causes that may not be seen: what hides them is the cause, as it is of the causes beside them."""
    causes = [cause for cause in one.causes if cause in allowed]
    if len(causes) == len(one.causes):
        return one
    hidden = chain.from_iterable(veils.get(step, ()) for step in (one.node.id, *causes))
    return structs.replace(one, causes=tuple(sorted({*causes, *hidden})))


def _scoped(picture: Picture, inside: Collection[str]) -> Picture:
    """The nodes of a scope and their neighbours one step outside, with the edges that touch the scope; and what impairs any of them."""
    own = {node for node in picture.nodes if node in inside}
    edges = {key: one for key, one in picture.edges.items() if one.edge.origin in own or one.edge.target in own}
    near = {end for one in edges.values() for end in (one.edge.origin, one.edge.target)} | own
    near |= blamed(picture.nodes[node] for node in near)
    nodes = {
        node: one if node in own else structs.replace(one, outside=True)
        for node, one in picture.nodes.items()
        if node in near
    }
    return Picture(nodes, edges, tuple(sorted(_roots(picture, nodes), key=lambda root: listed(nodes[root]))))


def blamed(nodes: Iterable[ShownNode]) -> set[str]:
    """The root causes of the impairment of any of these, wherever they lie."""
    return set(chain.from_iterable(one.causes for one in nodes))


def _roots(picture: Picture, nodes: Mapping[str, ShownNode]) -> Iterable[str]:
    """Of a picture's root causes those of some nodes. What is hidden is one only of those that it impairs."""
    causes = blamed(nodes.values())
    return (root for root in picture.root_causes if root in causes or (root in nodes and root not in _VEILS))


def filtered(picture: Picture, wanted: Filter | None) -> Picture:
    """What a filter leaves of what is shown."""
    if wanted is None:
        return picture
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
    """These nodes, the edges between them, and the root causes of these. What is hidden is of no use without an edge."""
    edges = {key: one for key, one in picture.edges.items() if one.edge.origin in kept and one.edge.target in kept}
    touched = {end for one in edges.values() for end in (one.edge.origin, one.edge.target)}
    nodes = {
        node: one for node, one in picture.nodes.items() if node in kept and (picture.passable(node) or node in touched)
    }
    return Picture(nodes, edges, tuple(_roots(picture, nodes)))
