"""What of a scope is shown otherwise after some changes: found from the changes themselves, not from the whole graph."""

from collections import Counter
from collections.abc import Callable, Iterable

from msgspec import structs

from .board import Delta
from .graph import Node, NodeKind, ShownEdge, ShownNode, edge_id
from .made import LastMade
from .picture import Picture, listed

Lies = Callable[[Node], bool]
"""Whether a node itself lies in the scope. An ingress host lies where it leads, which is not asked for here."""


def difference(before: Picture, after: Picture) -> Delta:
    """Between two pictures of whatever is shown, by comparing all of it."""
    return _delta(
        (
            (key, before.nodes.get(key), after.nodes.get(key))
            for key in sorted(before.nodes.keys() | after.nodes.keys())
        ),
        (
            (key, before.edges.get(key), after.edges.get(key))
            for key in sorted(before.edges.keys() | after.edges.keys())
        ),
        before.root_causes,
        after.root_causes,
    )


Blame = Counter[str]
"""For each root cause, of how many nodes in a scope or beside it. What is one of any is shown, wherever it lies."""


def scoped_difference(
    before: Picture, after: Picture, deltas: Iterable[Delta], lies: Lies, blame: LastMade[Blame], terms: object = None
) -> Delta:
    """The same of a scope with what is shown beside it, between two pictures of the board and the deltas that lie between them.

    Looked at is what the deltas name, and around what came into the scope or left it; so the work follows their size. `blame` keeps
    from step to step what is to blame in the scope; a step from elsewhere counts it anew. `terms`: what `lies` depends on.
    """
    nodes, edges = _named(before, after, deltas)
    old, new = _Scope(before, lies), _Scope(after, lies)
    old.blame = blame.of(before, terms, old.counted)
    moved = {key for key in nodes if old.lies(key) is not new.lies(key)}
    hosts = {key for key in nodes | _around(moved, before, after) if _is_host(before, key) or _is_host(after, key)}
    crossed = moved | {key for key in hosts if old.has(key) is not new.has(key)}
    nodes |= crossed | _around(crossed, before, after)
    edges |= _touching(crossed, before, after)
    new.blame = blame.of(after, terms, lambda: _recounted(old, new, nodes))
    nodes |= old.blame.keys() ^ new.blame.keys()
    return _delta(
        ((key, old.node(key), new.node(key)) for key in sorted(nodes)),
        ((key, old.edge(key), new.edge(key)) for key in sorted(edges)),
        old.root_causes(),
        new.root_causes(),
    )


class _Scope:
    """A scope in a picture of the board, looked at node by node. `blame`: whom something outside it impairs."""

    def __init__(self, picture: Picture, lies: Lies) -> None:
        self._picture = picture
        self._lies = lies
        self._has: dict[str, bool] = {}
        self.blame = Blame()

    def lies(self, key: str) -> bool:
        shown = self._picture.nodes.get(key)
        return shown is not None and self._lies(shown.node)

    def has(self, key: str) -> bool:
        """Whether a node is in the scope, and not only beside it."""
        if (known := self._has.get(key)) is None:
            leads = _is_host(self._picture, key) and any(
                edge_id(key, other) in self._picture.edges and self.lies(other)
                for other in self._picture.neighbours.get(key, ())
            )
            known = self._has[key] = leads or self.lies(key)
        return known

    def node(self, key: str) -> ShownNode | None:
        shown = self._picture.nodes.get(key)
        if shown is None or self.has(key):
            return shown
        return structs.replace(shown, outside=True) if self._is_beside(key) or key in self.blame else None

    def _is_beside(self, key: str) -> bool:
        return any(self.has(other) for other in self._picture.neighbours.get(key, ()))

    def causes(self, key: str) -> tuple[str, ...]:
        """What a node adds to the blame: nothing where it is neither in the scope nor beside it."""
        shown = self._picture.nodes.get(key)
        if shown is None or not shown.causes or not (self.has(key) or self._is_beside(key)):
            return ()
        return shown.causes

    def counted(self) -> Blame:
        """The blame, from looking at every node."""
        found = Blame()
        for key in self._picture.nodes:
            found.update(self.causes(key))
        return found

    def edge(self, key: str) -> ShownEdge | None:
        shown = self._picture.edges.get(key)
        if shown is None:
            return None
        return shown if self.has(shown.edge.origin) or self.has(shown.edge.target) else None

    def root_causes(self) -> tuple[str, ...]:
        found = [shown for key in self._picture.root_causes if (shown := self.node(key)) is not None]
        return tuple(shown.node.id for shown in sorted(found, key=listed))


def _recounted(old: _Scope, new: _Scope, nodes: Iterable[str]) -> Blame:
    """The blame after a change that makes a difference to these nodes alone."""
    found = Blame(old.blame)
    for key in nodes:
        before, after = old.causes(key), new.causes(key)
        if before != after:
            found.update(after)
            found.subtract(before)
    return +found


def _named(before: Picture, after: Picture, deltas: Iterable[Delta]) -> tuple[set[str], set[str]]:
    """The nodes and edges that some deltas name, and the ends of those edges."""
    nodes, edges = set[str](), set[str]()
    for delta in deltas:
        nodes.update(one.node.id for one in delta.nodes)
        nodes.update(delta.removed_nodes)
        edges.update(one.edge.id for one in delta.edges)
        edges.update(delta.removed_edges)
    for picture in (before, after):
        for key in edges & picture.edges.keys():
            edge = picture.edges[key].edge
            nodes |= {edge.origin, edge.target}
    return nodes, edges


def _around(keys: Iterable[str], *pictures: Picture) -> set[str]:
    return {other for key in keys for picture in pictures for other in picture.neighbours.get(key, ())}


def _touching(keys: Iterable[str], *pictures: Picture) -> set[str]:
    """The ids of the edges from and to some nodes; some of them may be in neither picture."""
    pairs = ((key, other) for key in keys for picture in pictures for other in picture.neighbours.get(key, ()))
    return {edge_id(*ends) for key, other in pairs for ends in ((key, other), (other, key))}


def _is_host(picture: Picture, key: str) -> bool:
    shown = picture.nodes.get(key)
    return shown is not None and shown.node.kind is NodeKind.INGRESS


def _delta(
    nodes: Iterable[tuple[str, ShownNode | None, ShownNode | None]],
    edges: Iterable[tuple[str, ShownEdge | None, ShownEdge | None]],
    roots_before: tuple[str, ...],
    roots: tuple[str, ...],
) -> Delta:
    changed_nodes = [(key, now) for key, then, now in nodes if then != now]
    changed_edges = [(key, now) for key, then, now in edges if then != now]
    return Delta(
        tuple(now for _, now in changed_nodes if now is not None),
        tuple(now for _, now in changed_edges if now is not None),
        tuple(key for key, now in changed_nodes if now is None),
        tuple(key for key, now in changed_edges if now is None),
        roots,
        roots != roots_before,
    )
