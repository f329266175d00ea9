"""Clusters in GraphQL: where things run, and how well they can be reached."""

from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.scalars import JSON

from nexus_gql import clock
from nexus_gql.access import Role, Viewer
from nexus_gql.clusters import Cluster, ClusterKind, ConnectionState, ConnectionStatus, Discovered, Link, Target
from nexus_gql.hierarchy import Catalogue, Environment
from nexus_gql.problems import Forbidden, Problem, ProblemCode, Refused

from .context import Context, Info
from .node import Node, node_id
from .scalars import Duration, Instant, seconds

if TYPE_CHECKING:
    from .levels import EnvironmentType

strawberry.enum(
    ClusterKind,
    name="ClusterKind",
    description="How a cluster is reached: `KIND`: through the Docker engine; `KUBECONFIG`: by what a kubeconfig says.",
)
strawberry.enum(
    ConnectionStatus,
    name="ConnectionStatus",
    description="`UNREACHABLE`: no answer; it is tried again. `UNAUTHORIZED`: it answers and does not accept us.",
)


@strawberry.type(
    name="ConnectionState",
    description="Whether a cluster answers, and why not. While it does not, what is shown of it grows old: see `stale`.",
)
class ConnectionStateType:
    status: ConnectionStatus
    message: str = strawberry.field(description="The status as a sentence.")
    since: Instant = strawberry.field(description="Since when it is so.")
    latency: Duration | None = strawberry.field(description="How long the last answer took.")
    stale: Duration | None = strawberry.field(description="How old what is shown is, while the connection is down.")
    retry_at: Instant | None = strawberry.field(description="When it is tried again.")


def connection_of(link: Link | None) -> ConnectionStateType:
    """How a cluster's connection is doing."""
    if link is None:
        gone = ConnectionState(ConnectionStatus.UNREACHABLE, "The cluster is not registered any more.", clock.now())
        return _connection(gone, None)
    return _connection(link.state, link.latency)


def _connection(state: ConnectionState, latency: float | None) -> ConnectionStateType:
    return ConnectionStateType(
        status=state.status,
        message=state.message,
        since=Instant(state.since),
        latency=None if latency is None else seconds(latency),
        stale=None if state.lost_at is None else seconds(round(clock.elapsed() - state.lost_at)),
        retry_at=None if state.retry_at is None else Instant(state.retry_at),
    )


@strawberry.type(description="One cluster that a feed is fed from, and its connection.")
class SourceState:
    cluster: str = strawberry.field(description="Its name.")
    connection: ConnectionStateType


def sources_of(context: Context, cluster_ids: list[str]) -> list[SourceState]:
    """How the clusters that a feed is fed from are doing."""
    fleet = context.rooms.fleet
    rows = [row for cluster_id in cluster_ids if (row := fleet.row(cluster_id)) is not None]
    return [SourceState(cluster=row.name, connection=connection_of(fleet.link(str(row.id)))) for row in rows]


@strawberry.type(name="Cluster", description="A Kubernetes cluster that environments can be on.")
class ClusterType(Node):
    row: strawberry.Private[Cluster]

    @strawberry.field(description="The name under which it was registered.")
    def name(self) -> str:
        return self.row.name

    @strawberry.field(description="How it is reached.")
    def kind(self) -> ClusterKind:
        return ClusterKind(self.row.kind)

    @strawberry.field(description="Whether it answers now.")
    def connection(self, info: Info) -> ConnectionStateType:
        return connection_of(info.context.rooms.fleet.link(str(self.row.id)))

    @strawberry.field(description="The version of Kubernetes; null until it has answered once.")
    def version(self, info: Info) -> str | None:
        link = info.context.rooms.fleet.link(str(self.row.id))
        return None if link is None else link.version

    @strawberry.field(description="The environments on it that you may see.")
    def environments(self, info: Info) -> list[Annotated["EnvironmentType", strawberry.lazy(".levels")]]:
        from .levels import EnvironmentType

        catalogue = info.context.rooms.hierarchy.latest
        return [
            EnvironmentType.of(catalogue, level)
            for level in environments_on(catalogue, str(self.row.id))
            if info.context.viewer.scope.sees(level.path)
        ]

    @strawberry.field(
        description="What was registered, without credentials; for those who may view everything, an error for others."
    )
    def configuration(self, info: Info) -> JSON | None:
        require_everything(info.context.viewer)
        return JSON(dict(self.row.target))


def cluster_type(row: Cluster) -> ClusterType:
    """A registered cluster as it is shown."""
    return ClusterType(id=node_id("Cluster", str(row.id)), row=row)


def environments_on(catalogue: Catalogue, cluster_id: str) -> list[Environment]:
    """The environments that are on a cluster."""
    return [
        level for level in catalogue.below(None) if isinstance(level, Environment) and level.cluster_id == cluster_id
    ]


def sees_cluster(context: Context, cluster_id: str) -> bool:
    """Whether a viewer may know of a cluster: who may view everything, or an environment on it."""
    scope = context.viewer.scope
    if scope.role(None) >= Role.VIEWER:
        return True
    return any(scope.glimpses(level.path) for level in environments_on(context.rooms.hierarchy.latest, cluster_id))


def visible_clusters(context: Context) -> list[ClusterType]:
    """The clusters that a viewer may know of, by name."""
    return [cluster_type(row) for row in context.rooms.fleet.rows() if sees_cluster(context, str(row.id))]


def require_everything(viewer: Viewer) -> None:
    """Raise the error FORBIDDEN for who may not view everything."""
    if viewer.scope.role(None) < Role.VIEWER:
        raise Forbidden("This is for those who may view everything.")


@strawberry.type(description="A cluster that could be registered.")
class DiscoveredCluster:
    name: str = strawberry.field(description="Its name where it was found.")
    kind: ClusterKind
    detail: str = strawberry.field(description="Where it was found, and in what state.")
    registered_as: str | None = strawberry.field(description="The name under which it is registered already.")


def discovered(found: Discovered) -> DiscoveredCluster:
    """A discovered cluster as it is shown."""
    return DiscoveredCluster(name=found.name, kind=found.kind, detail=found.detail, registered_as=found.registered_as)


@strawberry.input(description="A KinD cluster of the Docker engine.")
class KindClusterInput:
    name: str = strawberry.field(description="Its name, as `kind get clusters` lists it.")


@strawberry.input(
    description="A cluster as a kubeconfig describes it. `content` may run no program and refer to no file; `path` works only "
    "where the server allows a folder (NEXUS_KUBECONFIG_FOLDER)."
)
class KubeconfigInput:
    path: str | None = strawberry.field(default=None, description="A file in the folder that the server allows.")
    content: str | None = strawberry.field(default=None, description="The kubeconfig itself; kept encrypted.")
    context: str | None = strawberry.field(default=None, description="Which context; without it the current one.")


@strawberry.input(one_of=True, description="How a cluster is reached.")
class ClusterInput:
    kind: KindClusterInput | None = strawberry.field(default=strawberry.UNSET, description="A KinD cluster.")
    kubeconfig: KubeconfigInput | None = strawberry.field(default=strawberry.UNSET, description="By a kubeconfig.")


def target_of(given: ClusterInput) -> Target:
    """What an input asks to be registered."""
    if given.kind:
        return Target(ClusterKind.KIND, name=given.kind.name)
    if given.kubeconfig:
        plain = given.kubeconfig
        return Target(ClusterKind.KUBECONFIG, path=plain.path, content=plain.content, context=plain.context)
    raise Refused(Problem(ProblemCode.INVALID, "Say how the cluster is reached.", ("input",)))
