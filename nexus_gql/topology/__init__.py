"""How everything hangs together: what needs what, how that is known, and who is impaired by whom."""

from .board import Board, Delta
from .graph import Edge, End, Node, NodeKind, ShownEdge, ShownNode, Source, SourceKind
from .picture import Picture
from .state import Impairment, Standing, ready, standing, troubled, weight

__all__ = [
    "Board",
    "Delta",
    "Edge",
    "End",
    "Impairment",
    "Node",
    "NodeKind",
    "Picture",
    "ShownEdge",
    "ShownNode",
    "Source",
    "SourceKind",
    "Standing",
    "ready",
    "standing",
    "troubled",
    "weight",
]
