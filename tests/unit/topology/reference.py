"""Slow and plainly correct: what the design says of impairment, word for word, with networkx."""

from collections.abc import Collection

import networkx as nx

from nexus_gql.hierarchy import Need
from nexus_gql.topology import Impairment, Standing, troubled, weight

Edges = dict[tuple[str, str], Need]


def reference(
    standings: dict[str, Standing], edges: Edges, never: Collection[str] = ()
) -> tuple[dict[str, Impairment], set[str], dict[str, set[str]]]:
    """The impairment of each node, the root causes, and for each node the causes. `never`: what was never deployed."""
    impairment = dict.fromkeys(standings, Impairment.NONE)
    for _ in range(2 * len(standings) + 1):
        for (origin, target), need in edges.items():
            impairment[origin] = max(impairment[origin], weight(need, standings[target], impairment[target]))
    wrong = {node for node in standings if troubled(standings[node], impairment[node])}
    required: nx.DiGraph[str] = nx.DiGraph(pair for pair, need in edges.items() if need is Need.REQUIRED)
    required.add_nodes_from(standings)
    roots = set()
    for part in nx.strongly_connected_components(required):
        beyond = {target for node in part for target in required.successors(node)} - part
        if not beyond & wrong:
            roots |= {node for node in part if standings[node] is not Standing.FINE}
    heavy = [(a, b) for (a, b), need in edges.items() if weight(need, standings[b], impairment[b])]
    ways: nx.DiGraph[str] = nx.DiGraph(heavy)
    ways.add_nodes_from(standings)
    causes = {}
    for node in standings:
        reached = {step for first in ways.successors(node) for step in [first, *nx.descendants(ways, first)]}
        causes[node] = reached & roots
    felt = {cause for node, found in causes.items() if node not in never for cause in found}
    return impairment, {node for node in roots if node not in never or node in felt}, causes
