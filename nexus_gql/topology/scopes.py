"""Which nodes lie in a scope of the hierarchy."""

from collections.abc import Callable

from nexus_gql.hierarchy import Catalogue
from nexus_gql.live import Selection, select
from nexus_gql.paths import Path, within

from .graph import Node, NodeKind
from .picture import Picture


def inside(catalogue: Catalogue, picture: Picture, scope: Path) -> set[str]:
    """The nodes that lie in a scope."""
    return all_lying(picture, lying_in(scope, select(catalogue, scope)))


def all_lying(picture: Picture, lies: Callable[[Node], bool]) -> set[str]:
    """The nodes that lie in a scope. An ingress host lies where it leads."""
    found = {key for key, shown in picture.nodes.items() if lies(shown.node)}
    entrances = {
        key
        for key, shown in picture.nodes.items()
        if shown.node.kind is NodeKind.INGRESS and any(one.edge.target in found for one in picture.needs[key])
    }
    return found | entrances


def place(node: Node) -> tuple[str, str]:
    """The cluster and the Kubernetes namespace of what nobody declared."""
    return node.id.partition(":")[2].partition("/")[0], node.group


def lying_in(scope: Path, selection: Selection | None) -> Callable[[Node], bool]:
    """Whether a node itself lies in a scope; `selection`: what the scope stands for, None where it is not there any more."""
    places = selection.places if selection is not None and selection.application_id is None else frozenset()

    def lies(node: Node) -> bool:
        if node.path is not None:
            return within(scope, node.path)
        return node.kind is NodeKind.WORKLOAD and place(node) in places

    return lies
