"""Who is impaired by whom: the least solution, kept up to date as nodes and edges change.

Nodes are numbers here. The strongly connected components are settled in the order in which impairment flows, each once: what it
leads to is final by then. A change settles the components that it touches, and those before them only as far as what they see
becomes different; a computation in full is the same with every component touched.
"""

from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heappush

from nexus_gql.hierarchy import Need

from .components import components
from .state import Impairment, Standing, troubled, weight

# By whether the edge is optional, then by the standing and impairment of what it leads to.
_WEIGHT = [
    [[int(weight(need, stands, impairment)) for impairment in Impairment] for stands in Standing]
    for need in (Need.REQUIRED, Need.OPTIONAL)
]
_TROUBLED = [[troubled(stands, impairment) for impairment in Impairment] for stands in Standing]

_DEADLY = [[weighs == Impairment.IMPAIRED for weighs in row] for row in _WEIGHT[False]]


class Solver:
    """Impairment, root causes and causes of a graph that changes. Sets of root causes are bits of an int."""

    def __init__(self) -> None:
        self.impairment: list[int] = []
        self.causes: list[int] = []
        self._stands: list[int] = []
        self._bit: list[int] = []  # a root cause's own bit, else 0
        self._out: list[dict[int, bool]] = []  # by target: whether the edge is optional
        self._in: list[dict[int, bool]] = []
        self._component: list[int] = []
        self._required: list[int] = []
        self._members: list[list[int]] = []
        self._impaired_from_outside: set[int] = set()  # components of required edges
        self._published: list[tuple[int, int, int, int]] = []  # what those before a node last saw of it
        self._free: list[int] = []
        self._slots: list[int] = []  # which node a bit means
        self._free_slots: list[int] = []
        self._freed_slots: list[int] = []
        self._dirty: set[int] = set()
        self._touched: set[int] = set()
        self._reordered = False

    def add(self, stands: Standing) -> int:
        """A new node without edges."""
        if self._free:
            node = self._free.pop()
        else:
            node = len(self._stands)
            self._out.append({})
            self._in.append({})
            for numbers in (self._stands, self.impairment, self.causes, self._bit, self._component, self._required):
                numbers.append(0)
            self._published.append((0, 0, 0, 0))
        self._stands[node] = stands
        self._component[node] = len(self._members)
        self._required[node] = node
        self._members.append([node])
        self._dirty.add(node)
        return node

    def remove(self, node: int) -> None:
        """Take a node away, and its edges with it."""
        for target in list(self._out[node]):
            self.disconnect(node, target)
        for origin in list(self._in[node]):
            self.disconnect(origin, node)
        self._set_root(node, root=False)
        self._stands[node] = self.impairment[node] = self.causes[node] = 0
        self._published[node] = (0, 0, 0, 0)
        self._dirty.discard(node)
        self._touched.discard(node)
        self._members[self._component[node]] = []
        self._free.append(node)

    def connect(self, origin: int, target: int, *, optional: bool) -> None:
        """Add an edge, or change its need."""
        if origin != target:
            self._out[origin][target] = self._in[target][origin] = optional
            self._edge_changed(origin, target)

    def disconnect(self, origin: int, target: int) -> None:
        """Take an edge away."""
        if self._out[origin].pop(target, None) is not None:
            del self._in[target][origin]
            self._edge_changed(origin, target)

    def _edge_changed(self, origin: int, target: int) -> None:
        """Between two components in their order, an edge that comes or goes leaves the components and the order as they are."""
        self._dirty.add(origin)
        self._reordered = self._reordered or self._component[origin] <= self._component[target]

    def set_standing(self, node: int, stands: Standing) -> None:
        """A node stands otherwise now."""
        before = self._stands[node]
        if before == stands:
            return
        self._stands[node] = stands
        self._touched.add(node)
        if node not in self._dirty and self._impaired_anyway(node):
            # Nobody sees the difference, and a large cycle need not be settled again.
            self._published[node] = (stands, *self._published[node][1:])
        else:
            self._dirty.add(node)

    def _impaired_anyway(self, node: int) -> bool:
        """Whether a node is IMPAIRED from outside its own circle: then it is so, and no root cause, whatever happens within."""
        if self._reordered or self.impairment[node] != Impairment.IMPAIRED:
            return False
        return len(self._members[self._component[node]]) == 1 or self._required[node] in self._impaired_from_outside

    def healthy(self, origin: int, target: int) -> bool:
        """Whether nothing comes through an edge."""
        return not _WEIGHT[self._out[origin][target]][self._stands[target]][self.impairment[target]]

    def origins(self, node: int) -> Iterable[int]:
        """The nodes that need this one."""
        return self._in[node]

    def roots(self) -> list[int]:
        """The root causes."""
        return [node for node in self._slots if node >= 0]

    def nodes_of(self, causes: int) -> list[int]:
        """The root causes that a set of bits stands for."""
        found = []
        while causes:
            lowest = causes & -causes
            found.append(self._slots[lowest.bit_length() - 1])
            causes ^= lowest
        return found

    def settle(self) -> set[int]:
        """Bring everything up to date; the nodes for which something may be different."""
        if self._reordered:
            self._order()
        component = self._component
        queue = list({component[node] for node in self._dirty})
        heapify(queue)
        queued = set(queue)
        while queue:
            number = heappop(queue)
            members = self._members[number]
            if len(members) == 1:
                self._judge_alone(members[0])
            else:
                self._judge_together(members)
            for before in self._published_changes(members):
                if component[before] not in queued:
                    queued.add(component[before])
                    heappush(queue, component[before])
        return self._finished()

    def _finished(self) -> set[int]:
        # A bit is given to another only now: until here a set that holds it may be of the one before.
        self._free_slots += self._freed_slots
        self._freed_slots = []
        self._dirty.clear()
        touched, self._touched = self._touched, set()
        return touched

    def _order(self) -> None:
        """Number the components anew; each after all that it leads to."""
        gone = set(self._free)
        nodes = [node for node in range(len(self._stands)) if node not in gone]
        self._members = components(nodes, self._out)
        for number, members in enumerate(self._members):
            for node in members:
                self._component[node] = number
        self._number_required()
        # What hides a root cause is told by component, and those may be others now.
        self._dirty.update(node for node in nodes if self._stands[node])
        self._impaired_from_outside.clear()
        self._reordered = False

    def _number_required(self) -> None:
        """Number the components that remain without the optional edges: they lie within the others."""
        required: dict[int, list[int]] = {}
        for members in self._members:
            if len(members) == 1:
                self._required[members[0]] = members[0]
                continue
            for node in members:
                within = self._within(node)
                required[node] = [other for other in within if not self._out[node][other]]
        for part in components(required, required):
            for node in part:
                self._required[node] = part[0]

    def _within(self, node: int) -> Iterable[int]:
        component = self._component
        return [other for other in self._out[node] if component[other] == component[node]]

    def _judge_alone(self, node: int) -> None:
        impairment, causes, hidden = 0, 0, False
        for target, optional in self._out[node].items():
            stands, theirs = self._stands[target], self.impairment[target]
            if weighs := _WEIGHT[optional][stands][theirs]:
                impairment = max(impairment, weighs)
                causes |= self._bit[target] | self.causes[target]
                hidden = hidden or (not optional and _TROUBLED[stands][theirs])
        self.impairment[node], self.causes[node] = impairment, causes
        self._set_root(node, root=bool(self._stands[node]) and not hidden)

    def _judge_together(self, members: Sequence[int]) -> None:
        self._impair(members)
        hidden = {self._required[node] for node in members if self._looks_past(node)}
        self._impaired_from_outside.difference_update(self._required[node] for node in members)
        self._impaired_from_outside.update(
            self._required[node] for node in members if self._looks_past(node, down=True)
        )
        for node in members:
            self._set_root(node, root=bool(self._stands[node]) and self._required[node] not in hidden)
        self._trace(members)

    def _impair(self, members: Sequence[int]) -> None:
        """From NONE upwards until nothing rises any more: the least solution."""
        component = self._component[members[0]]
        for node in members:
            self.impairment[node] = 0
        waiting = list(members)
        while waiting:
            node = waiting.pop()
            rises = max(
                (
                    _WEIGHT[optional][self._stands[target]][self.impairment[target]]
                    for target, optional in self._out[node].items()
                ),
                default=0,
            )
            if rises > self.impairment[node]:
                self.impairment[node] = rises
                waiting.extend(before for before in self._in[node] if self._component[before] == component)

    def _looks_past(self, node: int, *, down: bool = False) -> bool:
        """Whether a node requires something troubled (or else: down or IMPAIRED) outside its own component of required edges."""
        felt = _DEADLY if down else _TROUBLED
        return any(
            not optional
            and self._required[target] != self._required[node]
            and felt[self._stands[target]][self.impairment[target]]
            for target, optional in self._out[node].items()
        )

    def _trace(self, members: Sequence[int]) -> None:
        """The causes: what is reached through edges that weigh. Nodes that reach each other so have the same."""
        weighing = {node: [other for other in self._out[node] if self._weighs(node, other)] for node in members}
        within = {
            node: [other for other in targets if self._component[other] == self._component[node]]
            for node, targets in weighing.items()
        }
        for part in components(members, within):
            inside, causes = set(part), 0
            for node in part:
                for target in weighing[node]:
                    causes |= self._bit[target] | (0 if target in inside else self.causes[target])
            for node in part:
                self.causes[node] = causes

    def _weighs(self, origin: int, target: int) -> int:
        return _WEIGHT[self._out[origin][target]][self._stands[target]][self.impairment[target]]

    def _published_changes(self, members: Sequence[int]) -> Iterable[int]:
        """The nodes outside a component that see something else of it than before."""
        component = self._component
        for node in members:
            old = self._published[node]
            new = (self._stands[node], self.impairment[node], self._bit[node], self.causes[node])
            if old == new:
                continue
            self._published[node] = new
            self._touched.add(node)
            differs = [_seen(optional, old) != _seen(optional, new) for optional in (False, True)]
            for before, optional in self._in[node].items():
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
