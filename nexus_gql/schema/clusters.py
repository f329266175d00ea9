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
    from .cluster_contents import ClusterNode
    from .events import EventConnection
    from .health import HealthState
    from .levels import EnvironmentType
    from .pods import PodConnection
    from .workloads import WorkloadConnection

strawberry.enum(
    ClusterKind,
    name="ClusterKind",
    description="How a cluster is reached: `KIND`: through the Docker engine; `KUBECONFIG`: by what a kubeconfig says; `IN_CLUSTER`: "
    "as the pod that Nexus runs in; `SANDBOX`: it is simulated, and no container runs.",
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
    rows = [row for cluster_id in cluster_ids if (row := context.rooms.fleet.row(cluster_id)) is not None]
    return [SourceState(cluster=row.name, connection=_source(context, str(row.id))) for row in rows]


def _source(context: Context, cluster_id: str) -> ConnectionStateType:
    """A cluster's connection. One that answers and lets us see nothing is connected, and what is shown grows old all the same."""
    connection = connection_of(context.rooms.fleet.link(cluster_id))
    view = context.rooms.live.views.get(cluster_id)
    if view is not None and view.lost_at is not None and connection.status is ConnectionStatus.CONNECTED:
        connection.message = view.trouble or connection.message
        connection.stale = seconds(round(clock.elapsed() - view.lost_at))
    return connection


InNamespace = Annotated[str | None, strawberry.argument(description="Only in this Kubernetes namespace.")]


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

    @strawberry.field(
        description="The version of Kubernetes; null until it has answered once. A sandbox says in it that it is one."
    )
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

    @strawberry.field(description="Its machines, by name; for those who may view everything, as is what follows.")
    async def nodes(self, info: Info) -> list[Annotated["ClusterNode", strawberry.lazy(".cluster_contents")]] | None:
        from .cluster_contents import cluster_nodes

        return await cluster_nodes(info, self.row)

    @strawberry.field(description="Its Kubernetes namespaces, by name.")
    async def namespaces(self, info: Info) -> list[str] | None:
        from .cluster_contents import cluster_namespaces

        return await cluster_namespaces(info, self.row)

    @strawberry.field(description="What runs on it, or in one Kubernetes namespace, by name.")
    async def workloads(
        self, info: Info, namespace: InNamespace = None, first: int | None = 50, after: str | None = None
    ) -> Annotated["WorkloadConnection", strawberry.lazy(".workloads")] | None:
        from .cluster_contents import cluster_workloads

        return await cluster_workloads(info, self.row, namespace, first, after)

    @strawberry.field(description="Its pods, or those in one Kubernetes namespace, newest last.")
    async def pods(
        self, info: Info, namespace: InNamespace = None, first: int | None = 100, after: str | None = None
    ) -> Annotated["PodConnection", strawberry.lazy(".pods")] | None:
        from .cluster_contents import cluster_pods

        return await cluster_pods(info, self.row, namespace, first, after)

    @strawberry.field(description="Its events, or those in one Kubernetes namespace, newest first.")
    async def events(
        self, info: Info, namespace: InNamespace = None, first: int | None = 50, after: str | None = None
    ) -> Annotated["EventConnection", strawberry.lazy(".events")] | None:
        from .cluster_contents import cluster_events

        return await cluster_events(info, self.row, namespace, first, after)

    @strawberry.field(
        description="Whether metrics.k8s.io answers. Without it usage is null and says why. Anybody who sees the cluster may ask."
    )
    async def metrics(self, info: Info) -> Annotated["HealthState", strawberry.lazy(".health")]:
        from .cluster_contents import metrics_state

        return await metrics_state(info.context, self.row)

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
    in_cluster: bool | None = strawberry.field(
        default=strawberry.UNSET,
        description="`true`: the cluster that Nexus itself runs in, by its pod's service account.",
    )
    sandbox: bool | None = strawberry.field(
        default=strawberry.UNSET,
        description="`true`: a simulated cluster that Nexus starts for it, and ends and deletes with it. It behaves as Kubernetes "
        "does; no container runs. What is in it stays when Nexus starts again.",
    )


def target_of(given: ClusterInput) -> Target:
    """What an input asks to be registered."""
    if given.kind:
        return Target(ClusterKind.KIND, name=given.kind.name)
    if given.kubeconfig:
        plain = given.kubeconfig
        return Target(ClusterKind.KUBECONFIG, path=plain.path, content=plain.content, context=plain.context)
    if given.in_cluster:
        return Target(ClusterKind.IN_CLUSTER)
    if given.sandbox:
        return Target(ClusterKind.SANDBOX)
    for name, value in (("inCluster", given.in_cluster), ("sandbox", given.sandbox)):
        if value is False:
            raise Refused(Problem(ProblemCode.INVALID, f"`{name}` is `true` or left out.", ("input", name)))
    raise Refused(Problem(ProblemCode.INVALID, "Say how the cluster is reached.", ("input",)))
