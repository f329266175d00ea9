"""Every question."""

from typing import TypeVar
from uuid import UUID

import strawberry

from nexus_gql.access import Role, grants, tokens
from nexus_gql.clusters import discover
from nexus_gql.hierarchy import Application, Catalogue, Environment, Namespace, Project
from nexus_gql.hierarchy import Level as AnyLevel
from nexus_gql.live import arrived, pods_in, select
from nexus_gql.paths import Path
from nexus_gql.problems import BadRequest, Unreachable
from nexus_gql.workloads import OperationStatus, find

from .access import ApiTokenType, GrantType, ViewerType, grant_type, token_type
from .application import ApplicationType, level_type
from .applications import ApplicationConnection, ApplicationFilter, application_page
from .clusters import (
    ClusterType,
    DiscoveredCluster,
    cluster_type,
    discovered,
    require_everything,
    sees_cluster,
    visible_clusters,
)
from .context import Info
from .levels import EnvironmentType, Level, NamespaceType, ProjectType
from .node import Node, key_of
from .nodes import nodes_of
from .operations import OperationConnection, OperationType, operation_page, operation_type
from .paging import page_size
from .pods import PodConnection, PodFilter, pod_page
from .scalars import Instant
from .search import SearchHit, hits
from .topology import TopologyFilter, TopologyType, topology_of
from .workflows import WorkflowType, workflow_at

L = TypeVar("L", bound=AnyLevel)


@strawberry.type(description="The server that answers.")
class ServerInfo:
    version: str
    replica: str = strawberry.field(description="Which of several servers this is.")
    started_at: Instant
    subscribers: int | None = strawberry.field(
        description="Subscriptions that are open at this server; for those who may view everything, null for others."
    )
    watches: int | None = strawberry.field(
        description="Watches that this server has open at clusters; for those who may view everything, null for others."
    )


async def _current(info: Info) -> Catalogue:
    return await info.context.rooms.hierarchy.current()


async def _level(info: Info, kind: type[L], path: Path) -> tuple[Catalogue, L] | None:
    catalogue = await _current(info)
    level = catalogue.get(kind, path)
    return None if level is None or not info.context.viewer.scope.glimpses(path) else (catalogue, level)


@strawberry.type(description="Questions. What is not there, or not yours to see, answers null.")
class Query:
    @strawberry.field(description="Who you are, to this server.")
    def viewer(self, info: Info) -> ViewerType:
        viewer = info.context.viewer
        return ViewerType(name=viewer.name, role=viewer.scope.role(None), via=viewer.via)

    @strawberry.field(description="The server that answers.")
    def server_info(self, info: Info) -> ServerInfo:
        rooms = info.context.rooms
        everything = info.context.viewer.scope.role(None) >= Role.VIEWER
        return ServerInfo(
            version=rooms.version,
            replica=rooms.replica,
            started_at=Instant(rooms.started_at),
            subscribers=rooms.subscriptions() if everything else None,
            watches=sum(view.watches for view in rooms.live.views.values()) if everything else None,
        )

    @strawberry.field(
        description="Anything by its id; null once it is gone, or where it is not yours to see. Its cluster, where it is on one, is "
        "waited for, 2 s."
    )
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:  # noqa: A002
        (answer,) = await nodes_of(info.context, [id])
        if isinstance(answer, Exception):
            raise answer
        return answer

    @strawberry.field(
        description="The same for up to 1,000 ids, in their order; an id that makes no sense is an error of its own place."
    )
    async def nodes(self, info: Info, ids: list[strawberry.ID]) -> list[Node | None]:
        # GraphQL takes an error in a list for the error of that item.
        return await nodes_of(info.context, ids)  # type: ignore[return-value]

    @strawberry.field(
        description="Levels, workflows and clusters whose name, display name or path has a text in it, best first: what is called so, what "
        "begins so, what has a word that begins so, then the rest. Only what you may see by name."
    )
    async def search(self, info: Info, text: str, first: int | None = 20) -> list[SearchHit]:
        size = page_size(first, 20)
        await info.context.rooms.topology.settled(())  # which knows the workflows
        return hits(info.context, await _current(info), text, size)

    @strawberry.field(description="The level at a path, whatever it is.")
    async def level(self, info: Info, path: Path) -> Level | None:
        found = await _level(info, AnyLevel, path)
        return None if found is None else level_type(*found)

    @strawberry.field(description="The projects that you may see, or something in them.")
    async def projects(self, info: Info) -> list[ProjectType]:
        catalogue = await _current(info)
        return [
            ProjectType.of(catalogue, catalogue.levels[path])
            for path in catalogue.children.get(None, ())
            if info.context.viewer.scope.glimpses(path)
        ]

    @strawberry.field(description="The project at a path: `or`.")
    async def project(self, info: Info, path: Path) -> ProjectType | None:
        found = await _level(info, Project, path)
        return None if found is None else ProjectType.of(*found)

    @strawberry.field(description="The environment at a path: `or/local`.")
    async def environment(self, info: Info, path: Path) -> EnvironmentType | None:
        found = await _level(info, Environment, path)
        return None if found is None else EnvironmentType.of(*found)

    @strawberry.field(description="The namespace at a path: `or/local/models`.")
    async def namespace(self, info: Info, path: Path) -> NamespaceType | None:
        found = await _level(info, Namespace, path)
        return None if found is None else NamespaceType.of(*found)

    @strawberry.field(description="The application at a path: `or/local/models/churn`.")
    async def application(self, info: Info, path: Path) -> ApplicationType | None:
        found = await _level(info, Application, path)
        return None if found is None else ApplicationType.of(*found)

    @strawberry.field(description="Applications at or below a level, or all of them, by path.")
    async def applications(
        self,
        info: Info,
        scope: Path | None = None,
        filter: ApplicationFilter | None = None,  # noqa: A002
        first: int | None = 50,
        after: str | None = None,
    ) -> ApplicationConnection | None:
        catalogue = await _current(info)
        if scope is not None and (scope not in catalogue.levels or not info.context.viewer.scope.glimpses(scope)):
            return None
        return await application_page(info.context, catalogue, scope, filter, first, after)

    @strawberry.field(
        description="Pods of a scope, newest last, those of workloads that nobody declared among them. null with the error "
        "UNREACHABLE while a cluster has not been read yet."
    )
    async def pods(
        self,
        info: Info,
        scope: Path,
        filter: PodFilter | None = None,  # noqa: A002
        first: int | None = 100,
        after: str | None = None,
    ) -> PodConnection | None:
        selection = select(await _current(info), scope)
        if selection is None or not info.context.viewer.scope.sees(scope):
            return None
        live = info.context.rooms.live
        if not await arrived(live, selection.clusters):
            raise Unreachable("A cluster has not been read yet; try again in a moment.")
        found = [(view, pod) for view, pod in pods_in(live, selection) if filter is None or filter.takes(view, pod)]
        return pod_page(found, page_size(first, 100), after)

    @strawberry.field(description="The registered clusters that you may know of, by name.")
    def clusters(self, info: Info) -> list[ClusterType]:
        return visible_clusters(info.context)

    @strawberry.field(description="The registered cluster of that name.")
    def cluster(self, info: Info, name: str) -> ClusterType | None:
        row = info.context.rooms.fleet.named(name)
        return None if row is None or not sees_cluster(info.context, str(row.id)) else cluster_type(row)

    @strawberry.field(
        description="Clusters that could be registered: KinD clusters of the Docker engine, contexts of the kubeconfigs that the "
        "server may read. For those who may view everything."
    )
    async def discover_clusters(self, info: Info) -> list[DiscoveredCluster] | None:
        require_everything(info.context.viewer)
        return [discovered(found) for found in await discover(info.context.rooms.fleet)]

    @strawberry.field(description="One operation.")
    async def operation(self, info: Info, id: strawberry.ID) -> OperationType | None:  # noqa: A002
        found = await find(operation_key(id))
        return None if found is None or not info.context.viewer.scope.sees(found.path) else operation_type(found)

    @strawberry.field(description="Operations at or below a level, or all that you may see, newest first.")
    async def operations(
        self,
        info: Info,
        scope: Path | None = None,
        status: list[OperationStatus] | None = None,
        first: int | None = 20,
        after: str | None = None,
    ) -> OperationConnection | None:
        catalogue = await _current(info)
        if scope is not None and (scope not in catalogue.levels or not info.context.viewer.scope.sees(scope)):
            return None
        return await operation_page(info.context, scope, status, page_size(first, 20), after)

    @strawberry.field(
        description="Grants at a path, below it and inherited, or everywhere: as far as you are administrator there."
    )
    async def grants(self, info: Info, path: Path | None = None) -> list[GrantType] | None:
        if path is not None and await _level(info, AnyLevel, path) is None:
            return None
        return [grant_type(row) for row in await grants(info.context.viewer, path)]

    @strawberry.field(
        description="Your tokens; all of them for who administers everything. With a token you see that one and those that have no more "
        "than it has, in role and path. Newest first."
    )
    async def tokens(self, info: Info) -> list[ApiTokenType] | None:
        return [token_type(row) for row in await tokens(info.context.viewer)]

    @strawberry.field(description="What needs what in a level, with live health.")
    async def topology(self, info: Info, scope: Path, filter: TopologyFilter | None = None) -> TopologyType | None:  # noqa: A002
        return await topology_of(info.context, scope, filter) if info.context.viewer.scope.sees(scope) else None

    @strawberry.field(description="One workflow of an environment.")
    async def workflow(self, info: Info, environment: Path, name: str) -> WorkflowType | None:
        await _current(info)
        return await workflow_at(info.context, environment, name)


def operation_key(node: str) -> UUID:
    """The key in an operation's id."""
    try:
        return UUID(key_of(node, "Operation"))
    except ValueError as error:
        raise BadRequest(f"{node[:100]!r} is no id of the type Operation.") from error
