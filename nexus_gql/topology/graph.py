"""What the graph is made of: nodes, edges and how we know of them. Ids are the same after a restart and on every replica."""

from enum import StrEnum

from msgspec import Struct

from nexus_gql.hierarchy import Concern, Need
from nexus_gql.live import ApplicationState, Replicas
from nexus_gql.paths import Path

from .state import Impairment


class NodeKind(StrEnum):
    """What a node stands for. HIDDEN: what the viewer may not see; it is only in what one viewer is shown."""

    APPLICATION = "APPLICATION"
    WORKLOAD = "WORKLOAD"
    WORKFLOW = "WORKFLOW"
    INGRESS = "INGRESS"
    EXTERNAL = "EXTERNAL"
    HIDDEN = "HIDDEN"


class SourceKind(StrEnum):
    """How an edge is known."""

    DECLARED = "DECLARED"
    REFERENCE = "REFERENCE"
    ENVIRONMENT = "ENVIRONMENT"
    INGRESS = "INGRESS"
    WORKFLOW = "WORKFLOW"


class Source(Struct, frozen=True, order=True, gc=False):
    """One way in which an edge is known. evidence: the setting, variable or rule; no user, password or query is in it."""

    kind: SourceKind
    evidence: str


class Edge(Struct, frozen=True, gc=False):
    """`origin` needs `target`. There is one edge between two nodes, whatever the number of sources; its need is never IGNORED."""

    origin: str
    target: str
    need: Need
    sources: tuple[Source, ...]

    @property
    def id(self) -> str:
        """Made of its ends, so it stays the same."""
        return edge_id(self.origin, self.target)


class Node(Struct, frozen=True, gc=False):
    """A node as it is declared or seen; how it is doing is told apart from it.

    `group`: the namespace's path, or a heading of its own for what lies in none.
    """

    id: str
    kind: NodeKind
    label: str
    group: str
    path: Path | None = None
    concern: Concern | None = None


class ShownNode(Struct, frozen=True, gc=False):
    """A node with how it is doing. `causes`: the ids of the root causes of its impairment, sorted.

    `state`: None for what has no state of its own: ingress hosts, external addresses, workflows, what is hidden.
    `replicas`: None where nothing runs. `outside`: beside the scope that is shown, not in it.
    """

    node: Node
    state: ApplicationState | None
    impairment: Impairment
    causes: tuple[str, ...] = ()
    outside: bool = False
    replicas: Replicas | None = None


class ShownEdge(Struct, frozen=True, gc=False):
    """An edge, and whether what it leads to is fine: nothing comes through it."""

    edge: Edge
    healthy: bool


def application_id(level_id: str) -> str:
    """The node of a declared application."""
    return f"application:{level_id}"


def undeclared_id(path: Path) -> str:
    """The node of an application that something refers to and nobody has declared."""
    return f"application:{path}"


def workload_id(cluster_id: str, uid: str) -> str:
    """The node of a workload that no application declares."""
    return f"workload:{cluster_id}/{uid}"


def workload_of(node_id: str) -> tuple[str, str]:
    """The cluster and the UID of the workload that a node stands for; of other nodes nothing that is there."""
    kind, _, key = node_id.partition(":")
    cluster_id, _, uid = key.partition("/")
    return (cluster_id, uid) if kind == "workload" else ("", "")


def missing_id(cluster_id: str, namespace: str, service: str) -> str:
    """The node of a Service that is called and is not there, or has no workload behind it."""
    return f"service:{cluster_id}/{namespace}/{service}"


def ingress_id(cluster_id: str, host: str) -> str:
    """The node of an ingress host; `*` is every host."""
    return f"ingress:{cluster_id}/{host}"


def external_id(host: str) -> str:
    """The node of an address outside the clusters."""
    return f"external:{host}"


def workflow_id(key: str) -> str:
    """The node of a workflow."""
    return f"workflow:{key}"


def edge_id(origin: str, target: str) -> str:
    """The edge between two nodes."""
    return f"{origin}>{target}"


class End(Struct, frozen=True, gc=False):
    """A node that is there only because an edge leads to it, with its state where it has one."""

    node: Node
    state: ApplicationState | None = None
