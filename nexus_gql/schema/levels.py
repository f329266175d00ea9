"""The levels of the hierarchy in GraphQL: what all have, and those that hold others."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeVar

import strawberry

from nexus_gql.access import Role, Scope
from nexus_gql.hierarchy import (
    Application,
    ApplicationKind,
    Catalogue,
    Concern,
    Environment,
    Frozen,
    Namespace,
    Project,
    Stage,
    inherited,
)
from nexus_gql.hierarchy import Level as AnyLevel
from nexus_gql.live import UsagePoller, pods_in, select, summarise
from nexus_gql.paths import Path
from nexus_gql.paths import name as name_of
from nexus_gql.problems import Forbidden, NotFound

from .clusters import ClusterType, cluster_type
from .context import Context, Info
from .events import EventConnection, level_events
from .health import HealthSummary, summary_of
from .node import Node, node_id
from .operations import OperationConnection, operation_page
from .paging import page_size
from .provenance import EffectiveSettings
from .scalars import Instant
from .settings import Settings, own_settings
from .unmanaged import unmanaged_page
from .usage import UsageType, measured, usage_type
from .workloads import WorkloadConnection

if TYPE_CHECKING:
    from .applications import ApplicationConnection, ApplicationFilter
    from .topology import TopologyFilter, TopologyType
    from .workflows import WorkflowType

T = TypeVar("T")

_UNTOLD = datetime.fromtimestamp(0, UTC)

strawberry.enum(Stage, name="Stage", description="What an environment is for.")
strawberry.enum(
    Concern,
    name="Concern",
    description="Which part of Optimal Reality a namespace holds: models (MDK), data servers (DDK), …",
)
strawberry.enum(
    ApplicationKind, name="ApplicationKind", description="What an application is to its team; decides its defaults."
)
strawberry.enum(
    Role,
    name="Role",
    description="What somebody may do at a level and below; each includes those before it.",
)


@strawberry.interface(
    description="One level of the hierarchy: a project, an environment, a namespace or an application. A level that you may see only "
    "because something below it is yours (your role there is NONE) tells you its names, what is below that you may see, what that "
    "inherits from it, and nothing else. Of its fields those that can be null are null then, with the error FORBIDDEN."
)
class Level(Node):
    catalogue: strawberry.Private[Catalogue]
    level: strawberry.Private[Any]

    @strawberry.field(description="Where it is.")
    def path(self) -> Path:
        return self._any.path

    @strawberry.field(description="The last part of the path; never changes.")
    def name(self) -> str:
        return name_of(self._any.path)

    @strawberry.field(description="How people call it.")
    def display_name(self) -> str:
        return self._any.display_name

    @strawberry.field
    def description(self, info: Info) -> str | None:
        return self._opened(info).description

    @strawberry.field(
        description="Settings made at this level. Where your role is NONE, of them only what is inherited by something that you see."
    )
    def settings(self, info: Info) -> Settings:
        document = self._any.document
        if not self._is_open(info):
            seen = self._inherited(info).leaves
            document = {key: value for key, value in document.items() if key in seen}
        return own_settings(document, (self.catalogue, self._any.path))

    @strawberry.field(
        description="Settings in force: everything above merged in, each value with where it came from. Where your role is NONE, of "
        "them only what is inherited by something that you see."
    )
    def effective(self, info: Info) -> EffectiveSettings:
        resolved = self.catalogue.effective(self._any.path) if self._is_open(info) else self._inherited(info)
        return EffectiveSettings(resolved=resolved, catalogue=self.catalogue)

    @strawberry.field(
        description="Counts up with each change; hand it back as expectedVersion. 0 where your role is NONE: it is not told."
    )
    def version(self, info: Info) -> int:
        return self._any.version if self._is_open(info) else 0

    @strawberry.field(description="Of the applications below that you may see; an application's own.")
    def health(self, info: Info) -> HealthSummary:
        known = info.context.rooms.live.applications.known
        states = (known(one).state for one in visible_applications(info.context, self.catalogue, self._any.path))
        return summary_of(summarise(states))

    @strawberry.field(description="When it was made. The beginning of 1970 where your role is NONE: it is not told.")
    def created_at(self, info: Info) -> Instant:
        return Instant(self._any.created_at if self._is_open(info) else _UNTOLD)

    @strawberry.field(
        description="When it changed last. The beginning of 1970 where your role is NONE: it is not told."
    )
    def updated_at(self, info: Info) -> Instant:
        return Instant(self._any.updated_at if self._is_open(info) else _UNTOLD)

    @strawberry.field(description="What Kubernetes reports of what runs here, newest first.")
    async def events(self, info: Info, first: int | None = 50, after: str | None = None) -> EventConnection | None:
        return await level_events(info.context, self._opened(info).path, page_size(first, 50), after)

    @strawberry.field(description="Operations on this level and below that you may see, newest first.")
    async def operations(self, info: Info, first: int | None = 20, after: str | None = None) -> OperationConnection:
        return await operation_page(info.context, self._any.path, None, page_size(first, 20), after)

    @strawberry.field(description="Your role here.")
    def viewer_role(self, info: Info) -> Role:
        return info.context.viewer.scope.role(self._any.path)

    @property
    def _any(self) -> AnyLevel:
        level: AnyLevel = self.level
        return level

    def _is_open(self, info: Info) -> bool:
        """Whether the viewer may see more of it than its names, and what something below it inherits."""
        return info.context.viewer.scope.sees(self._any.path)

    def _inherited(self, info: Info) -> Frozen:
        return inherited(self.catalogue, info.context.viewer.scope, self._any.path)

    def _opened(self, info: Info) -> AnyLevel:
        """The level, for what only those see who may see it itself."""
        if not self._is_open(info):
            raise Forbidden(f"Of `{self._any.path}` you may see the names only, since something below it is yours.")
        return self._any

    @classmethod
    def of(cls, catalogue: Catalogue, level: AnyLevel) -> Self:
        """A level as it is shown."""
        return cls(id=level_id(level), catalogue=catalogue, level=level)


@strawberry.type
class Parent(Level):
    """What levels have that have others below them."""

    @strawberry.field(description="All applications below, by path.")
    async def applications(
        self,
        info: Info,
        filter: Annotated["ApplicationFilter", strawberry.lazy(".applications")] | None = None,  # noqa: A002
        first: int | None = 50,
        after: str | None = None,
    ) -> Annotated["ApplicationConnection", strawberry.lazy(".applications")]:
        from .applications import application_page

        return await application_page(info.context, self.catalogue, self._any.path, filter, first, after)

    @strawberry.field(description="What needs what in it, with live health, as far as you may see it.")
    async def topology(
        self,
        info: Info,
        filter: Annotated["TopologyFilter", strawberry.lazy(".topology")] | None = None,  # noqa: A002
    ) -> Annotated["TopologyType", strawberry.lazy(".topology")]:
        from .topology import topology_of

        found = await topology_of(info.context, self._any.path, filter)
        if found is None:
            raise NotFound(f"There is no `{self._any.path}` any more.")
        return found


@strawberry.type
class Place(Parent):
    """What levels have that are on one cluster, and have applications below them."""

    @strawberry.field(description="What all pods in it use together; null where it has no cluster.")
    def usage(self, info: Info) -> UsageType | None:
        level = self._opened(info)
        cluster_id, selection = (
            self.catalogue.above(Environment, level.path).cluster_id,
            select(self.catalogue, level.path),
        )
        live = info.context.rooms.live
        if selection is None or cluster_id is None:
            return None

        def used(poller: UsagePoller) -> UsageType:
            return usage_type(live.usage.usage(cluster_id, (pod for _, pod in pods_in(live, selection))), poller)

        return measured(info.context, cluster_id, used)


@strawberry.type(name="Project", description="The top of a hierarchy: one product of a team.")
class ProjectType(Parent):
    @strawberry.field(description="Its environments that you may see.")
    def environments(self, info: Info) -> list["EnvironmentType"]:
        return _children(self, info, EnvironmentType)

    @strawberry.field(description="The workflows of its environments, by environment and name.")
    async def workflows(self, info: Info) -> list[Annotated["WorkflowType", strawberry.lazy(".workflows")]]:
        from .workflows import workflows_in

        return await workflows_in(info.context, self._any.path)


@strawberry.type(name="Environment", description="A place where a project runs: a stage, on one cluster.")
class EnvironmentType(Place):
    @strawberry.field
    def project(self) -> ProjectType:
        return ProjectType.of(self.catalogue, self.catalogue.above(Project, self._any.path))

    # These three are told to whoever sees something in it, too: what runs there has them from it.

    @strawberry.field(description="What it is for: that of all that runs in it.")
    def stage(self) -> Stage:
        level: Environment = self.level
        return level.stage

    @strawberry.field(description="Where it runs; nobody picks a kubeconfig. Null until it has one.")
    def cluster(self, info: Info) -> ClusterType | None:
        level: Environment = self._opened(info)  # type: ignore[assignment]
        row = info.context.rooms.fleet.row(level.cluster_id)
        return None if row is None else cluster_type(row)

    @strawberry.field(description="Its namespaces that you may see.")
    def namespaces(self, info: Info) -> list["NamespaceType"]:
        return _children(self, info, NamespaceType)

    @strawberry.field(
        description="Workloads seen in its Kubernetes namespaces that no application declares, by name. null with the error "
        "UNREACHABLE while its cluster has not been read yet."
    )
    async def unmanaged(
        self, info: Info, first: int | None = 50, after: str | None = None
    ) -> WorkloadConnection | None:
        path = self._opened(info).path
        return await unmanaged_page(info.context, self.catalogue, path, page_size(first, 50), after)


@strawberry.type(name="Namespace", description="A part of an environment: one Kubernetes namespace.")
class NamespaceType(Place):
    @strawberry.field
    def environment(self) -> EnvironmentType:
        return EnvironmentType.of(self.catalogue, self.catalogue.above(Environment, self._any.path))

    @strawberry.field(description="What it holds: that of all that is in it.")
    def concern(self) -> Concern:
        level: Namespace = self.level
        return level.concern

    @strawberry.field(description="Its name on the cluster; no two namespaces share one on a cluster.")
    def kubernetes_name(self) -> str:
        level: Namespace = self.level
        return level.kubernetes_name


def level_id(level: AnyLevel) -> strawberry.ID:
    """A level's id."""
    return node_id(type(level).__name__, level.id)


L = TypeVar("L", bound=Level)


def _children(parent: Level, info: Info, kind: type[L]) -> list[L]:
    catalogue: Catalogue = parent.catalogue
    scope = info.context.viewer.scope
    path: Path = parent.level.path
    return [
        kind.of(catalogue, catalogue.levels[child])
        for child in catalogue.children.get(path, ())
        if scope.glimpses(child)
    ]


def visible_applications(context: Context, catalogue: Catalogue, scope: Path | None) -> Sequence[Application]:
    """The applications at or below a level that a viewer may see, by path."""
    viewer: Scope = context.viewer.scope
    found = catalogue.applications(scope)
    if (viewer.role(scope) if scope is not None else viewer.role(None)) >= Role.VIEWER:
        return found
    return [application for application in found if viewer.sees(application.path)]
