"""Who is impaired by whom: the least solution, kept up to date as nodes and edges change.

Nodes are numbers here. The components are settled in the order in which impairment flows, each once: what it leads to is final by
then. A change settles the components that it touches, and those before them only as far as what they see becomes different; a
computation in full is the same with every component touched.
"""

from collections.abc import Iterable, Sequence
from functools import reduce
from heapq import heapify, heappop, heappush
from itertools import chain
from operator import or_

from nexus_gql.hierarchy import Need

from .components import components
from .order import Order
from .state import Impairment, Standing, troubled, weight
from .turns import Steps

# By whether the edge is optional, then by the standing and impairment of what it leads to.
_WEIGHT = [
    [[int(weight(need, stands, impairment)) for impairment in Impairment] for stands in Standing]
    for need in (Need.REQUIRED, Need.OPTIONAL)
]
_TROUBLED = [[troubled(stands, impairment) for impairment in Impairment] for stands in Standing]
_DEADLY = [[weighs == Impairment.IMPAIRED for weighs in row] for row in _WEIGHT[False]]
_WORST = int(Impairment.IMPAIRED)

_A_TURN = 1_000
"""Circles that are judged in one turn, but for what is left of a component: some 10 ms."""


class Solver:
    """Impairment, root causes and causes of a graph that changes. Sets of root causes are bits of an int."""

    def __init__(self) -> None:
        self.impairment: list[int] = []
        self.causes: list[int] = []
        self._order = Order()
        self._stands: list[int] = []
        self._bit: list[int] = []  # a root cause's own bit, else 0
        self._published: list[tuple[int, int, int, int]] = []  # what those before a node last saw of it
        self._slots: list[int] = []  # which node a bit means
        self._free_slots: list[int] = []
        self._freed_slots: list[int] = []
        self._dirty: set[int] = set()
        self._touched: set[int] = set()
        self._felt: set[int] = set()

    def add(self, stands: Standing) -> int:
        """A new node without edges."""
        node = self._order.add()
        if node == len(self._stands):
            for numbers in (self._stands, self.impairment, self.causes, self._bit):
                numbers.append(0)
            self._published.append((0, 0, 0, 0))
        self._stands[node] = stands
        self._dirty.add(node)
        return node

    def remove(self, node: int) -> None:
        """Take a node away, and its edges with it."""
        self._order.remove(node)
        self._set_root(node, root=False)
        self._stands[node] = self.impairment[node] = self.causes[node] = 0
        self._published[node] = (0, 0, 0, 0)
        for nodes in (self._dirty, self._touched, self._felt):
            nodes.discard(node)

    def connect(self, origin: int, target: int, *, optional: bool) -> None:
        """Add an edge, or change its need."""
        self._order.connect(origin, target, optional=optional)

    def disconnect(self, origin: int, target: int) -> None:
        """Take an edge away."""
        self._order.disconnect(origin, target)

    def set_standing(self, node: int, stands: Standing) -> None:
        """A node stands otherwise now."""
        before = self._stands[node]
        if before == stands:
            return
        self._stands[node] = stands
        if node not in self._dirty and self._is_impaired_anyway(node):
            # Nobody sees the difference, and a large cycle need not be settled again.
            self._published[node] = (stands, *self._published[node][1:])
            self._touched.add(node)
            self._felt.add(node)
        else:
            self._dirty.add(node)

    def _is_impaired_anyway(self, node: int) -> bool:
        """Whether a node is IMPAIRED from outside its own circle: then it is so, and no root cause, whatever happens within.

        What was published counts: what is outside may be taken back before anything is settled.
        """
        if not self._order.is_current or self.impairment[node] != _WORST:
            return False
        circle = self._order.around(node)
        if len(circle) == 1:
            return True
        inside = set(circle)
        return any(
            not optional and target not in inside and _DEADLY[self._published[target][0]][self._published[target][1]]
            for member in circle
            for target, optional in self._order.out[member].items()
        )

    def healthy(self, origin: int, target: int) -> bool:
        """Whether nothing comes through an edge."""
        return not _WEIGHT[self._order.out[origin][target]][self._stands[target]][self.impairment[target]]

    def origins(self, node: int) -> Iterable[int]:
        """The nodes that need this one."""
        return self._order.into[node]

    def roots(self) -> list[int]:
        """The root causes."""
        return [node for node in self._slots if node >= 0]

    def suffered(self, nodes: Iterable[int]) -> list[int]:
        """The root causes of any of some nodes."""
        return self.nodes_of(reduce(or_, {self.causes[node] for node in nodes}, 0))

    def nodes_of(self, causes: int) -> list[int]:
        """The root causes that a set of bits stands for."""
        found = []
        while causes:
            lowest = causes & -causes
            found.append(self._slots[lowest.bit_length() - 1])
            causes ^= lowest
        return found

    def settle(self) -> Steps[tuple[set[int], set[int]]]:
        """Bring everything up to date; the nodes that may be different, and those of which others may feel something different."""
        origins, moved = self._order.renew()
        self._dirty |= origins
        # What hides a root cause is told by circle.
        self._dirty.update(node for node in moved if self._stands[node])
        if moved:
            yield
        component = self._order.component
        queue = list({component[node] for node in self._dirty})
        heapify(queue)
        queued, judged = set(queue), 0
        while queue:
            number = heappop(queue)
            for before in self._judge(self._order.circles[number]):
                if component[before] not in queued:
                    queued.add(component[before])
                    heappush(queue, component[before])
            judged += len(self._order.circles[number])
            if judged >= _A_TURN:
                judged = 0
                yield
        return self._finished()

    def _finished(self) -> tuple[set[int], set[int]]:
        # A bit is given to another only now: until here a set that holds it may be of the one before.
        self._free_slots += self._freed_slots
        self._freed_slots = []
        self._dirty.clear()
        touched, felt = self._touched, self._felt
        self._touched, self._felt = set(), set()
        return touched, felt

    def _judge(self, circles: Sequence[list[int]]) -> Iterable[int]:
        """Settle a component; the nodes outside it that see something else of it than before."""
        if len(circles) == 1 and len(circles[0]) == 1:
            self._judge_alone(circles[0][0])
        else:
            self._impair(circles)
            for circle in circles:
                self._find_roots(circle)
            self._trace(circles)
        return self._published_changes(chain.from_iterable(circles))

    def _judge_alone(self, node: int) -> None:
        impairment, causes, hidden = 0, 0, False
        for target, optional in self._order.out[node].items():
            stands, theirs = self._stands[target], self.impairment[target]
            if weighs := _WEIGHT[optional][stands][theirs]:
                impairment = max(impairment, weighs)
                causes |= self._bit[target] | self.causes[target]
                hidden = hidden or (not optional and _TROUBLED[stands][theirs])
        self.impairment[node], self.causes[node] = impairment, causes
        self._set_root(node, root=bool(self._stands[node]) and not hidden)

    def _impair(self, circles: Sequence[list[int]]) -> None:
        """The least solution: all in a circle suffer the same, and each circle comes after what it requires.

        First what is IMPAIRED, which comes through required edges alone; that known, an optional edge asks for nothing more.
        """
        impairment = self.impairment
        for node in chain.from_iterable(circles):
            impairment[node] = 0
        for circle in circles:
            if self._worst(circle) == _WORST:
                for node in circle:
                    impairment[node] = _WORST
        for circle in circles:
            if not impairment[circle[0]] and (worst := self._worst(circle)):
                for node in circle:
                    impairment[node] = worst

    def _worst(self, circle: Iterable[int]) -> int:
        """The worst that comes to any node of a circle."""
        out, stands, impairment, worst = self._order.out, self._stands, self.impairment, 0
        for node in circle:
            for target, optional in out[node].items():
                weighs = _WEIGHT[optional][stands[target]][impairment[target]]
                if weighs > worst:
                    if weighs == _WORST:
                        return weighs
                    worst = weighs
        return worst

    def _find_roots(self, circle: Sequence[int]) -> None:
        """Those of a circle that are down or weak, unless something outside it that it requires is troubled."""
        unwell = [node for node in circle if self._stands[node] or self._bit[node]]
        if not unwell:
            return
        hidden = self._looks_past(circle)
        for node in unwell:
            self._set_root(node, root=bool(self._stands[node]) and not hidden)

    def _looks_past(self, circle: Iterable[int]) -> bool:
        inside = set(circle)
        return any(
            not optional and target not in inside and _TROUBLED[self._stands[target]][self.impairment[target]]
            for node in inside
            for target, optional in self._order.out[node].items()
        )

    def _trace(self, circles: Sequence[list[int]]) -> None:
        """The causes: what is reached through edges that weigh. Circles that reach each other so have the same."""
        ahead: list[set[int]] = []
        own: list[int] = []
        for place, circle in enumerate(circles):
            leads_to, causes = self._seen_from(circle) if self.impairment[circle[0]] else (set[int](), 0)
            leads_to.discard(place)
            ahead.append(leads_to)
            own.append(causes)
        for part in components(range(len(circles)), ahead):
            causes = 0
            for place in part:
                causes |= own[place]
                for other in ahead[place]:
                    causes |= own[other]
            for place in part:
                own[place] = causes
        for circle, causes in zip(circles, own, strict=True):
            for node in circle:
                self.causes[node] = causes

    def _seen_from(self, circle: Sequence[int]) -> tuple[set[int], int]:
        """The circles of the same component that weighing edges lead to, and the causes at the ends of those edges."""
        order, stands, impairment, bit = self._order, self._stands, self.impairment, self._bit
        component, number, circle_of = order.component, order.component[circle[0]], order.circle
        leads_to, causes = set[int](), 0
        for node in circle:
            for target, optional in order.out[node].items():
                if not _WEIGHT[optional][stands[target]][impairment[target]]:
                    continue
                if bit[target]:
                    causes |= bit[target]
                if component[target] == number:
                    leads_to.add(circle_of[target])
                else:
                    causes |= self.causes[target]
        return leads_to, causes

    def _published_changes(self, members: Iterable[int]) -> Iterable[int]:
        """The nodes outside a component that see something else of it than before."""
        component = self._order.component
        for node in members:
            old = self._published[node]
            new = (self._stands[node], self.impairment[node], self._bit[node], self.causes[node])
            if old == new:
                continue
            self._published[node] = new
            self._touched.add(node)
            if old[:2] != new[:2]:
                self._felt.add(node)
            differs = [_seen(optional, old) != _seen(optional, new) for optional in (False, True)]
            for before, optional in self._order.into[node].items():
                if differs[optional] and component[before] != component[node]:
                    yield before

    def _set_root(self, node: int, *, root: bool) -> None:
        if root == bool(self._bit[node]):
            return
        if not root:
            slot = self._bit[node].bit_length() - 1
            self._bit[node] = 0
            self._slots[slot] = -1
            self._freed_slots.append(slot)
            return
        if self._free_slots:
            slot = self._free_slots.pop()
            self._slots[slot] = node
        else:
            slot = len(self._slots)
            self._slots.append(node)
        self._bit[node] = 1 << slot


def _seen(optional: int, published: tuple[int, int, int, int]) -> tuple[int, bool, int]:
    """What a node shows to one that needs it."""
    stands, impairment, bit, causes = published
    weighs = _WEIGHT[optional][stands][impairment]
    return weighs, _TROUBLED[stands][impairment], (bit | causes) if weighs else 0
