"""Strongly connected components (Tarjan), without recursion."""

from collections.abc import Iterable, Mapping, Sequence

Adjacency = Mapping[int, Sequence[int]] | Sequence[Sequence[int]]


def components(nodes: Iterable[int], successors: Adjacency) -> list[list[int]]:
    """The strongly connected components; each after all that it leads to. Successors must be among the nodes."""
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    found: list[list[int]] = []
    for root in nodes:
        if root in order:
            continue
        order[root] = low[root] = len(order)
        stack.append(root)
        on_stack.add(root)
        path = [(root, iter(successors[root]))]
        while path:
            node, ahead = path[-1]
            for other in ahead:
                if other not in order:
                    order[other] = low[other] = len(order)
                    stack.append(other)
                    on_stack.add(other)
                    path.append((other, iter(successors[other])))
                    break
                if other in on_stack and order[other] < low[node]:
                    low[node] = order[other]
            else:
                path.pop()
                if path and low[node] < low[path[-1][0]]:
                    low[path[-1][0]] = low[node]
                if low[node] == order[node]:
                    component = _popped(stack, on_stack, node)
                    found.append(component)
    return found


def _popped(stack: list[int], on_stack: set[int], last: int) -> list[int]:
    component = []
    while True:
        node = stack.pop()
        on_stack.discard(node)
        component.append(node)
        if node == last:
            return component
