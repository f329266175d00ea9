"""Which nodes reach each other, and the order in which impairment flows between them; kept as edges come and go.

Nodes that reach each other are a component. Components are numbered, each after all that it leads to. Within one, a circle is what
reaches each other through required edges alone, and the circles are numbered too, each after all that it requires.

An edge that comes or goes between two numbers in their order leaves both as they are. So does one that goes where another way leads
from its origin to its target: what went through it goes that way. What is left is numbered anew, from the lowest number concerned to
the highest.
"""

from collections.abc import Collection, Iterable
from itertools import chain

from .components import components

_SEARCHES = 8
"""After so many edges that went, numbering anew costs less than searching another way for each."""


class Order:
    """A graph of numbers, and the order of its components and circles as of the last `renew`."""

    def __init__(self) -> None:
        self.out: list[dict[int, bool]] = []
        """By node and what it needs: whether the edge is optional."""
        self.into: list[dict[int, bool]] = []
        self.component: list[int] = []
        """By node; -1 for one that was removed."""
        self.circle: list[int] = []
        """By node, within its component."""
        self.circles: list[list[list[int]]] = []
        """The nodes by component and circle."""
        self._free: list[int] = []
        self._changed: set[tuple[int, int]] = set()  # edges
        self._span: tuple[int, int] | None = None  # the components to be numbered anew: first and last

    def add(self) -> int:
        """A new node without edges. Numbers of nodes that were removed are given again."""
        if self._free:
            node = self._free.pop()
        else:
            node = len(self.out)
            self.out.append({})
            self.into.append({})
            self.component.append(0)
            self.circle.append(0)
        self.component[node], self.circle[node] = len(self.circles), 0
        self.circles.append([[node]])
        return node

    def remove(self, node: int) -> None:
        """Take a node away, and its edges with it."""
        for target in list(self.out[node]):
            self.disconnect(node, target)
        for origin in list(self.into[node]):
            self.disconnect(origin, node)
        number = self.component[node]
        self.circles[number][self.circle[node]].remove(node)
        if any(self.circles[number]):
            self._widen(number, number)
        self.component[node] = -1
        self._free.append(node)

    def connect(self, origin: int, target: int, *, optional: bool) -> None:
        """Add an edge, or change its need."""
        if origin != target:
            self.out[origin][target] = self.into[target][origin] = optional
            self._changed.add((origin, target))

    def disconnect(self, origin: int, target: int) -> None:
        """Take an edge away."""
        if self.out[origin].pop(target, None) is not None:
            del self.into[target][origin]
            self._changed.add((origin, target))

    @property
    def is_current(self) -> bool:
        """Whether nothing changed since the last `renew`."""
        return not self._changed and self._span is None

    def around(self, node: int) -> list[int]:
        """The circle of a node."""
        return self.circles[self.component[node]][self.circle[node]]

    def renew(self) -> tuple[set[int], list[int]]:
        """Number anew what must be; the origins of edges that may make a difference, and the nodes whose circle may be another.

        All in a circle suffer the same and from the same. So within one an edge makes no difference, as long as the circle is closed:
        what it leads to is required there by another.
        """
        origins, lost, uneven = self._sorted_out()
        if len(self.circles) > 2 * len(self.out):  # most numbers have no node any more
            self._widen(0, len(self.circles) - 1)
        for edge in lost:
            self._look_for_a_way(*edge, origins, uneven)
        self._changed.clear()
        moved: list[int] = []
        for number in uneven:
            if not self._is_in_span(number):
                moved += self._divide(number)
        if self._span is not None:
            moved += self._number(*self._span)
            self._span = None
        return origins, moved

    def _sorted_out(self) -> tuple[set[int], list[tuple[int, int]], set[int]]:
        """Of the edges that changed: whose origins may be concerned, which may leave a gap, and in which components circles may join."""
        origins, lost, uneven = set[int](), list[tuple[int, int]](), set[int]()
        for origin, target in self._changed:
            number, other = self.component[origin], self.component[target]
            if number < 0:
                continue
            optional = self.out[origin].get(target)
            joins = number == other and self.circle[origin] == self.circle[target]
            if not joins:
                origins.add(origin)
            if number < other and optional is not None:
                self._widen(number, other)
            elif (optional is not False) if joins else (number == other and optional is None):
                lost.append((origin, target))
            elif number == other and optional is False and self.circle[origin] < self.circle[target]:
                uneven.add(number)
        if len(lost) > _SEARCHES:
            for origin, _ in lost:
                self._widen(self.component[origin], self.component[origin])
        return origins, lost, uneven

    def _look_for_a_way(self, origin: int, target: int, origins: set[int], uneven: set[int]) -> None:
        """Whether what an edge held together stays so without it."""
        number = self.component[origin]
        if self.circle[origin] == self.circle[target]:
            numbered = number in uneven or self._is_in_span(number)
            if not numbered and self._reaches(origin, target, required=True):
                return
            uneven.add(number)
            origins.add(origin)
        is_gone = target not in self.out[origin]
        if is_gone and not self._is_in_span(number) and not self._reaches(origin, target, required=False):
            self._widen(number, number)

    def _reaches(self, origin: int, target: int, *, required: bool) -> bool:
        """Whether there is a way within a component."""
        number, component, out = self.component[origin], self.component, self.out
        seen, waiting = {origin}, [origin]
        while waiting:
            for other, optional in out[waiting.pop()].items():
                if other in seen or (required and optional) or component[other] != number:
                    continue
                if other == target:
                    return True
                seen.add(other)
                waiting.append(other)
        return False

    def _widen(self, first: int, last: int) -> None:
        before = self._span or (first, last)
        self._span = min(before[0], first), max(before[1], last)

    def _is_in_span(self, number: int) -> bool:
        return self._span is not None and self._span[0] <= number <= self._span[1]

    def _number(self, first: int, last: int) -> list[int]:
        """Find and number the components anew in a span; their nodes. No edge leads from it to what comes after it."""
        nodes = [node for circles in self.circles[first : last + 1] for circle in circles for node in circle]
        component = self.component
        ahead = {node: [other for other in self.out[node] if component[other] >= first] for node in nodes}
        found = [self._circles(members) for members in components(nodes, ahead)]
        end = last + 1 if len(found) == last + 1 - first else None  # what comes after it has other numbers as well
        self.circles[first : last + 1] = found
        for number, circles in enumerate(self.circles[first:end], first):
            self._note(number, circles)
        return nodes

    def _divide(self, number: int) -> list[int]:
        """Find and number the circles of a component anew; its nodes."""
        nodes = list(chain.from_iterable(self.circles[number]))
        self.circles[number] = self._circles(nodes)
        self._note(number, self.circles[number])
        return nodes

    def _circles(self, members: list[int]) -> list[list[int]]:
        if len(members) == 1:
            return [members]
        inside = set(members)
        return components(members, {node: self._required(node, inside) for node in members})

    def _required(self, node: int, among: Collection[int]) -> list[int]:
        return [other for other, optional in self.out[node].items() if not optional and other in among]

    def _note(self, number: int, circles: Iterable[list[int]]) -> None:
        for place, circle in enumerate(circles):
            for node in circle:
                self.component[node] = number
                self.circle[node] = place
