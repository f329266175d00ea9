"""The graph at one moment: immutable, so that every part of an answer is of the same moment."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from .graph import Edge, NodeKind, ShownEdge, ShownNode
from .state import Impairment, Standing, standing


@dataclass(frozen=True)
class Picture:
    """Nodes and edges by id, and the ids of the root causes: of the whole sorted by id, of what is shown by path or name.

    `neighbours`: in a picture of the whole, the nodes that a node has an edge with, whichever way.
    """

    nodes: Mapping[str, ShownNode]
    edges: Mapping[str, ShownEdge]
    root_causes: tuple[str, ...]
    neighbours: Mapping[str, frozenset[str]] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def needs(self) -> Mapping[str, tuple[ShownEdge, ...]]:
        """The edges from each node, by what they lead to."""
        return _grouped(self.nodes, self.edges.values(), lambda edge: edge.origin)

    @cached_property
    def needed_by(self) -> Mapping[str, tuple[ShownEdge, ...]]:
        """The edges to each node, by where they come from."""
        return _grouped(self.nodes, self.edges.values(), lambda edge: edge.target)

    def passable(self, node_id: str) -> bool:
        """Whether a way may lead on through a node: what is hidden is many things shown as one, and connects nothing."""
        return self.nodes[node_id].node.kind is not NodeKind.HIDDEN


def _grouped(
    nodes: Iterable[str], edges: Iterable[ShownEdge], end: Callable[[Edge], str]
) -> Mapping[str, tuple[ShownEdge, ...]]:
    found: dict[str, list[ShownEdge]] = {node: [] for node in nodes}
    for shown in sorted(edges, key=lambda shown: (shown.edge.origin, shown.edge.target)):
        found[end(shown.edge)].append(shown)
    return {node: tuple(shown) for node, shown in found.items()}


def listed(shown: ShownNode) -> tuple[str, str]:
    """What lists of nodes are sorted by: the path, or the name where there is none."""
    return shown.node.path or shown.node.label, shown.node.id


def stands(shown: ShownNode) -> Standing:
    """How a node itself is doing, as far as others feel it."""
    return standing(shown.state, judged=shown.node.kind in JUDGED)


def unwell(shown: ShownNode) -> bool:
    """Whether anything is amiss with a node, of its own or through what it needs."""
    return stands(shown) is not Standing.FINE or shown.impairment is not Impairment.NONE


JUDGED = frozenset({NodeKind.APPLICATION, NodeKind.WORKLOAD})
"""The kinds of nodes of which it is known how they are doing."""
