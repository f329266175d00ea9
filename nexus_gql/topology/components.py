"""Strongly connected components (Tarjan), without recursion."""

from collections.abc import Collection, Iterable, Mapping, Sequence

Adjacency = Mapping[int, Collection[int]] | Sequence[Collection[int]]


_DONE = 1 << 62
"""The place of a node whose component is found: no path goes below it any more."""


def components(nodes: Iterable[int], successors: Adjacency) -> list[list[int]]:
    """The strongly connected components; each after all that it leads to. Successors must be among the nodes."""
    place: dict[int, int] = {}
    lowest: dict[int, int] = {}
    stack: list[int] = []
    found: list[list[int]] = []
    for root in nodes:
        if root in place:
            continue
        place[root] = lowest[root] = len(place)
        stack.append(root)
        path = [(root, iter(successors[root]))]
        while path:
            node, ahead = path[-1]
            low = lowest[node]
            for other in ahead:
                known = place.get(other)
                if known is None:
                    lowest[node] = low
                    place[other] = lowest[other] = len(place)
                    stack.append(other)
                    path.append((other, iter(successors[other])))
                    break
                if known < low:
                    low = known
            else:
                path.pop()
                if low == place[node]:
                    found.append(_popped(stack, place, node))
                elif low < lowest[path[-1][0]]:
                    lowest[path[-1][0]] = low
    return found


def _popped(stack: list[int], place: dict[int, int], last: int) -> list[int]:
    component = []
    while True:
        node = stack.pop()
        place[node] = _DONE
        component.append(node)
        if node == last:
            return component
