"""How long impairment takes in full and after a change at 500, 5,000 and 50,000 nodes, beside networkx, and how much memory.

Run by `scripts/bench topology`. Prints tables, in milliseconds of CPU; asserts nothing. The baseline is what one would write first: the whole graph as a
networkx.DiGraph, impairment by descendants, root causes by strongly connected components, again after each change.
"""

import random
import statistics
import time
import tracemalloc
from collections.abc import Callable, Iterator

import networkx as nx

from nexus_gql.hierarchy import Need
from nexus_gql.live import ApplicationState, Health, Verdict
from nexus_gql.topology import Board, Edge, Node, NodeKind, Source, SourceKind, impact_of

_SIZES = (500, 5_000, 50_000)
_EDGES = 4  # for each node
_BUDGET = 1_000_000  # nodes times changes: in one great cycle each change is felt by all
_SMALL = 100  # nodes of a delta
_UP = ApplicationState(Verdict(Health.HEALTHY, "It runs."), serving=True)
_DOWN = ApplicationState(Verdict(Health.DEGRADED, "No pod is ready."), serving=False)
_SOURCES = (Source(SourceKind.DECLARED, "dependsOn"),)

Edges = dict[int, dict[int, Need]]


def main() -> None:
    """Layers of services, as they are; then anything needing anything, which is mostly one great cycle."""
    for title, shape, sizes in (
        ("services in layers, a few cycles", _layered, _SIZES),
        ("random, nearly all one cycle", _random, _SIZES[:2]),  # networkx takes minutes for the next
    ):
        print(f"\n{title}; {_EDGES} edges a node, one in ten optional, one node in a hundred down")
        print(
            f"{'nodes':>7}{'networkx ms':>13}{'in full ms':>12}{'ratio':>7}{'small delta ms p50':>20}{'p99':>7}{'any delta p99':>15}"
            f"{'edge ms p50':>13}{'p99':>7}{'impact ms':>11}{'KB a node':>11}"
        )
        for size in sizes:
            _measure(size, shape(size, random.Random(size)))


def _layered(size: int, chance: random.Random) -> Edges:
    """A node needs nodes of higher numbers near it; one edge in 200 goes back."""
    edges: Edges = {}
    for node in range(size):
        edges[node] = {}
        for _ in range(_EDGES):
            step = chance.randint(1, max(2, size // 10))
            target = node - step if chance.random() < 0.005 else node + step
            if 0 <= target < size:
                edges[node][target] = _need(chance)
    return edges


def _random(size: int, chance: random.Random) -> Edges:
    return {
        node: {target: _need(chance) for _ in range(_EDGES) if (target := chance.randrange(size)) != node}
        for node in range(size)
    }


def _need(chance: random.Random) -> Need:
    return Need.OPTIONAL if chance.random() < 0.1 else Need.REQUIRED


def _measure(size: int, edges: Edges) -> None:
    chance, changes = random.Random(1), min(1_000, _BUDGET // size)
    down = set(chance.sample(range(size), size // 100))
    baseline = _timed(lambda: _networkx(edges, down))
    board, memory = _filled(edges, down)
    full = _timed(board[0].flush)
    deltas = [_health(board[0], chance.randrange(size), down) for _ in range(changes)]
    small = [seconds for seconds, count in deltas if count <= _SMALL]
    changed = [
        seconds
        for _ in range(max(10, changes // 4))
        for seconds in _edge(board[0], edges, chance.randrange(size), chance.randrange(size))
    ]
    picture = board[0].picture()
    impact = _timed(lambda: impact_of(picture, [f"n{size // 2}"]))
    print(
        f"{size:>7}{baseline * 1e3:>13.0f}{full * 1e3:>12.0f}{baseline / full:>7.1f}{_p(small, 50):>20.2f}{_p(small, 99):>7.2f}"
        f"{_p([seconds for seconds, _ in deltas], 99):>15.2f}{_p(changed, 50):>13.1f}{_p(changed, 99):>7.1f}{impact * 1e3:>11.1f}{memory / size / 1e3:>11.1f}"
    )


def _filled(edges: Edges, down: set[int]) -> tuple[list[Board], float]:
    """A board before its first flush, and what one like it takes after that (measured apart: tracing slows)."""
    tracemalloc.start()
    traced = _board(edges, down)
    traced.flush()
    memory = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return [_board(edges, down)], memory


def _board(edges: Edges, down: set[int]) -> Board:
    board = Board()
    for node in edges:
        board.put_node(Node(f"n{node}", NodeKind.APPLICATION, f"n{node}", "group"), _DOWN if node in down else _UP)
    for node in edges:
        _set_edges(board, edges, node)
    return board


def _set_edges(board: Board, edges: Edges, node: int) -> None:
    found = (Edge(f"n{node}", f"n{target}", need, _SOURCES) for target, need in edges[node].items())
    board.set_edges(f"n{node}", found)


def _health(board: Board, node: int, down: set[int]) -> tuple[float, int]:
    """A node goes down or comes back; how long it takes and how many nodes the delta has."""
    down.symmetric_difference_update({node})
    board.set_state(f"n{node}", _DOWN if node in down else _UP)
    started = time.process_time()
    delta = board.flush()
    return time.process_time() - started, len(delta.nodes)


def _edge(board: Board, edges: Edges, node: int, target: int) -> Iterator[float]:
    """A node needs one more, and one less, and is as it was; how long each takes."""
    before, more = edges[node], edges[node] | ({target: Need.REQUIRED} if target != node else {})
    for needs in (more, dict(list(more.items())[1:]), before):
        edges[node] = needs
        started = time.process_time()
        _set_edges(board, edges, node)
        board.flush()
        yield time.process_time() - started


def _networkx(edges: Edges, down: set[int]) -> tuple[set[int], set[int], set[int]]:
    required: nx.DiGraph[int] = nx.DiGraph()
    required.add_nodes_from(edges)
    required.add_edges_from(
        (origin, target) for origin, needs in edges.items() for target, need in needs.items() if need is Need.REQUIRED
    )
    back = required.reverse()
    impaired = _before(back, down)
    felt = impaired | down
    seeds = {
        origin
        for origin, needs in edges.items()
        for target, need in needs.items()
        if need is Need.OPTIONAL and target in felt
    }
    at_risk = (seeds | _before(back, seeds)) - impaired
    roots: set[int] = set()
    for part in nx.strongly_connected_components(required):
        beyond = {target for node in part for target in required.successors(node)} - part
        if not beyond & felt:
            roots |= part & down
    # The causes of each node, one walk for each root cause.
    causes: dict[int, list[int]] = {}
    for root in roots:
        for node in nx.descendants(back, root):
            causes.setdefault(node, []).append(root)
    return impaired, at_risk, roots


def _before(back: "nx.DiGraph[int]", nodes: set[int]) -> set[int]:
    found = set(nodes)
    layer = nodes
    reached: set[int] = set()
    while layer:
        layer = {origin for node in layer for origin in back.successors(node)} - reached
        reached |= layer
        found |= layer
    return reached


def _timed(what: Callable[[], object]) -> float:
    started = time.process_time()
    what()
    return time.process_time() - started


def _p(seconds: list[float], percent: int) -> float:
    """A percentile in milliseconds."""
    if len(seconds) < 2:
        return float("nan")
    return statistics.quantiles(seconds, n=100, method="inclusive")[percent - 1] * 1e3


if __name__ == "__main__":
    main()
