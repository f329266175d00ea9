"""Graphs for tests: nodes by short names, states by standing."""

from collections.abc import Collection, Iterable, Mapping

from nexus_gql.hierarchy import Need
from nexus_gql.live import ApplicationState, Health, Verdict
from nexus_gql.live.health import NEVER
from nexus_gql.topology import Board, Delta, Edge, Node, NodeKind, Picture, Source, SourceKind, Standing

STATES = {
    Standing.FINE: ApplicationState(Verdict(Health.HEALTHY, "It runs."), serving=True),
    Standing.WEAK: ApplicationState(Verdict(Health.DEGRADED, "1 of 3 pods is ready."), serving=True),
    Standing.DOWN: ApplicationState(Verdict(Health.DEGRADED, "No pod is ready."), serving=False),
}
DECLARED = (Source(SourceKind.DECLARED, "dependsOn"),)

FINE, WEAK, DOWN = Standing.FINE, Standing.WEAK, Standing.DOWN
REQUIRED, OPTIONAL = Need.REQUIRED, Need.OPTIONAL


def node(name: str, kind: NodeKind = NodeKind.APPLICATION, group: str = "group") -> Node:
    return Node(name, kind, name, group)


def edge(origin: str, target: str, need: Need = Need.REQUIRED) -> Edge:
    return Edge(origin, target, need, DECLARED)


def arrows(text: str) -> dict[tuple[str, str], Need]:
    """Edges from a text: `a>b` requires, `a~b` can do without."""
    found = {}
    for word in text.split():
        sign, need = (">", REQUIRED) if ">" in word else ("~", OPTIONAL)
        origin, target = word.split(sign)
        found[origin, target] = need
    return found


def board(
    standings: Mapping[str, Standing],
    edges: Mapping[tuple[str, str], Need],
    kinds: Mapping[str, NodeKind] | None = None,
    never: Collection[str] = (),
) -> Board:
    """`never`: those that are down because they were never deployed."""
    made = Board()
    for name, stands in standings.items():
        kind = (kinds or {}).get(name, NodeKind.APPLICATION)
        judged = kind in {NodeKind.APPLICATION, NodeKind.WORKLOAD}
        state = NEVER if name in never else STATES[stands]
        made.put_node(node(name, kind), state if judged else None)
    for origin in standings:
        made.set_edges(origin, [edge(*pair, need) for pair, need in edges.items() if pair[0] == origin])
    made.flush()
    return made


def picture(
    text: str,
    *,
    down: str = "",
    weak: str = "",
    never: str = "",
    alone: str = "",
    kinds: Mapping[str, NodeKind] | None = None,
) -> Picture:
    """The picture of a graph in arrows, with some nodes down, weak, or never deployed."""
    edges = arrows(text)
    names = sorted({name for pair in edges for name in pair} | set(alone.split()))
    standings = {
        name: DOWN if name in f"{down} {never}".split() else WEAK if name in weak.split() else FINE for name in names
    }
    return board(standings, edges, kinds, never.split()).picture()


def added_up(shown: Picture, deltas: Iterable[Delta]) -> Picture:
    """What a client holds that began with a picture and applied deltas."""
    nodes, edges, roots = dict(shown.nodes), dict(shown.edges), shown.root_causes
    for delta in deltas:
        for key in delta.removed_edges:
            del edges[key]
        for key in delta.removed_nodes:
            del nodes[key]
        nodes.update((one.node.id, one) for one in delta.nodes)
        edges.update((one.edge.id, one) for one in delta.edges)
        roots = delta.root_causes
    return Picture(nodes, edges, roots)
