"""The graph as it is now: a live feed tells it what changed, and `flush` says what that made of it."""

from collections.abc import Iterable
from typing import TypeVar

from msgspec import Struct

from nexus_gql.hierarchy import Need
from nexus_gql.live import ApplicationState, Replicas

from .graph import Edge, End, Node, ShownEdge, ShownNode, edge_id
from .impairment import Solver
from .picture import JUDGED, Picture
from .state import Impairment, never_was, standing
from .turns import PORTION, Steps, at_once, portions

T = TypeVar("T")


class Delta(Struct, frozen=True, gc=False):
    """What became different: whole nodes and edges to put in place of what was there, and ids of what is gone.

    `root_causes` are all there are now, sorted; `roots_changed`: they were others before.
    """

    nodes: tuple[ShownNode, ...]
    edges: tuple[ShownEdge, ...]
    removed_nodes: tuple[str, ...]
    removed_edges: tuple[str, ...]
    root_causes: tuple[str, ...]
    roots_changed: bool

    def __bool__(self) -> bool:
        return bool(self.nodes or self.edges or self.removed_nodes or self.removed_edges or self.roots_changed)


class Board:
    """Nodes, their states and edges, in any order: an edge waits until the node that it leads to is there."""

    def __init__(self) -> None:
        self._solver = Solver()
        self._number: dict[str, int] = {}
        self._id: dict[int, str] = {}
        self._nodes: dict[str, Node] = {}
        self._states: dict[str, ApplicationState | None] = {}
        self._replicas: dict[str, Replicas | None] = {}
        self._edges: dict[str, dict[str, Edge]] = {}  # by origin and target, whether both are there or not
        self._origins: dict[str, set[str]] = {}  # by target
        self._ends: dict[str, dict[str, End]] = {}  # by origin and the end's id
        self._never: set[int] = set()  # numbers of applications that never were anywhere
        self._lent: set[str] = set()  # nodes that are there only as ends
        self._shown_nodes: dict[str, ShownNode] = {}
        self._shown_edges: dict[str, ShownEdge] = {}
        self._neighbours: dict[str, frozenset[str]] = {}  # of what is shown, by node
        self._roots: tuple[str, ...] = ()
        self._changed_nodes: set[str] = set()
        self._changed_edges: set[tuple[str, str]] = set()
        self._picture: Picture | None = None

    def put_node(self, node: Node, state: ApplicationState | None) -> None:
        """Add a node, or change what it is and how it is doing."""
        self._lent.discard(node.id)
        self._put(node, state)

    def set_state(self, node_id: str, state: ApplicationState | None) -> None:
        """A node is doing otherwise. One that is not there stays away."""
        if node_id in self._nodes:
            self._put(self._nodes[node_id], state)

    def set_replicas(self, node_id: str, replicas: Replicas | None) -> None:
        """So many pods of a node are so far; nobody else feels that. One that is not there stays away."""
        if node_id in self._nodes and self._replicas.get(node_id) != replicas:
            self._replicas[node_id] = replicas
            self._changed_nodes.add(node_id)

    def remove_node(self, node_id: str) -> None:
        """A node is gone, with the edges from it; those to it wait for its return."""
        self.set_edges(node_id, ())
        if node_id not in self._nodes:
            return
        self._take(node_id)
        self._lend(node_id)

    def set_edges(self, origin: str, edges: Iterable[Edge], ends: Iterable[End] = ()) -> None:
        """All edges from a node: what is not among them any more goes. `ends`: nodes that are there while an edge leads to them."""
        before, after = self._edges.get(origin, {}), {edge.target: edge for edge in edges}
        after.pop(origin, None)  # nothing needs itself
        if any(edge.origin != origin or edge.need is Need.IGNORED for edge in after.values()):
            raise ValueError(f"An edge is from the node that it is set for, and not IGNORED; not so all of {origin}.")
        _hold(self._edges, origin, after)
        lent = self._ends.get(origin, {})
        _hold(self._ends, origin, {end.node.id: end for end in ends if end.node.id in after})
        for target in before.keys() - after.keys():
            self._origins[target].discard(origin)
            if not self._origins[target]:
                del self._origins[target]
            self._disconnect(origin, target)
        for target, edge in after.items():
            self._origins.setdefault(target, set()).add(origin)
            if before.get(target) != edge:
                self._connect(edge)
        for target in lent.keys() | self._ends.get(origin, {}).keys():
            self._lend(target)

    def flush(self) -> Delta:
        """Bring everything up to date; what became different since the last time."""
        return at_once(self._flush())

    def flush_in_steps(self) -> Steps[Delta]:
        """The same in portions, between which nothing else may be put here. Until the last, the picture is the one before.

        A small change is all in one, so that it waits for nobody's turn.
        """
        self.picture()
        return (yield from self._flush())

    def _flush(self) -> Steps[Delta]:
        touched, felt = yield from self._solver.settle()
        changed = self._changed_nodes.union(self._id[number] for number in touched)
        nodes, removed_nodes = yield from self._compared_nodes(changed)
        self._changed_edges.update((self._id[origin], self._id[target]) for origin, target in self._into(felt))
        edges, removed_edges = yield from self._compared_edges()
        yield from self._meet()
        roots = tuple(sorted(self._id[number] for number in self._listed()))
        delta = Delta(nodes, edges, removed_nodes, removed_edges, roots, roots != self._roots)
        self._roots = roots
        self._changed_nodes.clear()
        self._changed_edges.clear()
        if delta:
            self._picture = None
        return delta

    def shown(self, node_id: str) -> ShownNode | None:
        """One node, as of the last flush."""
        return self.picture().nodes.get(node_id)

    def picture(self) -> Picture:
        """All of it, as of the last flush; stays as it is."""
        if self._picture is None:
            self._picture = Picture(
                dict(self._shown_nodes), dict(self._shown_edges), self._roots, dict(self._neighbours)
            )
        return self._picture

    def _put(self, node: Node, state: ApplicationState | None) -> None:
        stands = standing(state, judged=node.kind in JUDGED)
        self._changed_nodes.add(node.id)
        self._states[node.id] = state
        known = node.id in self._nodes
        self._nodes[node.id] = node
        number = self._number[node.id] if known else self._solver.add(stands)
        (self._never.add if never_was(state) else self._never.discard)(number)
        if known:
            self._solver.set_standing(number, stands)
            return
        self._number[node.id] = number
        self._id[number] = node.id
        for origin in self._origins.get(node.id, ()):
            self._connect(self._edges[origin][node.id])
        for edge in self._edges.get(node.id, {}).values():
            self._connect(edge)

    def _take(self, node_id: str) -> None:
        number = self._number.pop(node_id)
        self._solver.remove(number)
        self._never.discard(number)
        del self._id[number], self._nodes[node_id], self._states[node_id]
        self._replicas.pop(node_id, None)
        self._lent.discard(node_id)
        self._changed_nodes.add(node_id)
        self._changed_edges.update((origin, node_id) for origin in self._origins.get(node_id, ()))
        self._changed_edges.update((node_id, target) for target in self._edges.get(node_id, ()))

    def _listed(self) -> list[int]:
        """The root causes, but without those that never were anywhere and impair nobody who is: what waits to be deployed fails nobody."""
        roots = self._solver.roots()
        if self._never.isdisjoint(roots):
            return roots
        felt = set(self._solver.suffered(self._id.keys() - self._never))
        return [number for number in roots if number not in self._never or number in felt]

    def _lend(self, node_id: str) -> None:
        """Have an end where it is wanted and nobody put a node there, else not."""
        if node_id in self._nodes and node_id not in self._lent:
            return
        origins = sorted(self._origins.get(node_id, ()))
        wanted = [end for origin in origins if (end := self._ends.get(origin, {}).get(node_id)) is not None]
        if wanted:
            self._lent.add(node_id)
            self._put(wanted[0].node, wanted[0].state)
        elif node_id in self._nodes:
            self._take(node_id)

    def _connect(self, edge: Edge) -> None:
        self._changed_edges.add((edge.origin, edge.target))
        if edge.origin in self._number and edge.target in self._number:
            origin, target = self._number[edge.origin], self._number[edge.target]
            self._solver.connect(origin, target, optional=edge.need is Need.OPTIONAL)

    def _disconnect(self, origin: str, target: str) -> None:
        self._changed_edges.add((origin, target))
        if origin in self._number and target in self._number:
            self._solver.disconnect(self._number[origin], self._number[target])

    def _into(self, nodes: Iterable[int]) -> Iterable[tuple[int, int]]:
        return ((origin, target) for target in nodes for origin in self._solver.origins(target))

    def _compared_nodes(self, candidates: Iterable[str]) -> Steps[tuple[tuple[ShownNode, ...], tuple[str, ...]]]:
        """Which of some nodes are shown otherwise now, and which not at all."""
        known: dict[int, tuple[str, ...]] = {}
        changed, removed = [], []
        for portion in portions(sorted(candidates)):
            for node_id in portion:
                shown = self._show(node_id, known) if node_id in self._nodes else None
                if self._shown_nodes.get(node_id) == shown:
                    continue
                if shown is None:
                    del self._shown_nodes[node_id]
                    removed.append(node_id)
                else:
                    self._shown_nodes[node_id] = shown
                    changed.append(shown)
            if len(portion) == PORTION:
                yield
        return tuple(changed), tuple(removed)

    def _show(self, node_id: str, known: dict[int, tuple[str, ...]]) -> ShownNode:
        number = self._number[node_id]
        causes = self._solver.causes[number]
        if causes not in known:  # many have the same
            known[causes] = tuple(sorted(self._id[cause] for cause in self._solver.nodes_of(causes)))
        impairment = Impairment(self._solver.impairment[number])
        replicas = self._replicas.get(node_id)
        return ShownNode(self._nodes[node_id], self._states[node_id], impairment, known[causes], replicas=replicas)

    def _compared_edges(self) -> Steps[tuple[tuple[ShownEdge, ...], tuple[str, ...]]]:
        """Which of the edges that may have changed are shown otherwise now, and which not at all."""
        changed, removed = [], []
        for portion in portions(sorted(self._changed_edges)):
            for origin, target in portion:
                key, shown = edge_id(origin, target), self._show_edge(origin, target)
                if self._shown_edges.get(key) == shown:
                    continue
                if shown is None:
                    del self._shown_edges[key]
                    removed.append(key)
                else:
                    self._shown_edges[key] = shown
                    changed.append(shown)
            if len(portion) == PORTION:
                yield
        return tuple(changed), tuple(removed)

    def _show_edge(self, origin: str, target: str) -> ShownEdge | None:
        edge = self._edges.get(origin, {}).get(target)
        if edge is None or origin not in self._number or target not in self._number:
            return None
        return ShownEdge(edge, self._solver.healthy(self._number[origin], self._number[target]))

    def _meet(self) -> Steps[None]:
        """Which nodes are neighbours, where an edge came or went; how it is doing makes no difference."""
        peers: dict[str, set[str]] = {}
        for origin, target in self._changed_edges:
            peers.setdefault(origin, set()).add(target)
            peers.setdefault(target, set()).add(origin)
        for portion in portions(peers.items()):
            for node_id, others in portion:
                self._meet_others(node_id, others)
            if len(portion) == PORTION:
                yield

    def _meet_others(self, node_id: str, others: set[str]) -> None:
        near = {one for one in others if self._is_shown(node_id, one) or self._is_shown(one, node_id)}
        before = self._neighbours.get(node_id, frozenset())
        gone = (others - near) & before
        if not gone and near <= before:
            return
        if after := (before - gone) | near:
            self._neighbours[node_id] = after
        else:
            del self._neighbours[node_id]

    def _is_shown(self, origin: str, target: str) -> bool:
        return edge_id(origin, target) in self._shown_edges


def _hold(table: dict[str, dict[str, T]], origin: str, items: dict[str, T]) -> None:
    if items:
        table[origin] = items
    else:
        table.pop(origin, None)
