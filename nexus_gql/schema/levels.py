"""The four levels of the hierarchy in GraphQL."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeVar

import strawberry

from nexus_gql.access import Role, Scope
from nexus_gql.hierarchy import (
    Application,
    ApplicationKind,
    Catalogue,
    Concern,
    Document,
    Effective,
    Environment,
    Frozen,
    Namespace,
    Project,
    Stage,
    counterparts,
    inherited,
)
from nexus_gql.hierarchy import Level as AnyLevel
from nexus_gql.live import UsagePoller, arrived, loading, pods_in, select, summarise
from nexus_gql.paths import Path
from nexus_gql.paths import name as name_of
from nexus_gql.problems import Forbidden, NotFound, Unreachable
from nexus_gql.topology import Impairment, application_id

from .clusters import ClusterType, cluster_type
from .comparison import Diff, settings_diff
from .context import Context, Info
from .endpoints import Endpoint, endpoints
from .events import EventConnection, level_events
from .health import HealthState, HealthSummary, state_of, summary_of
from .node import Node, node_id
from .operations import OperationConnection, OperationType, operation_page, operation_type
from .paging import page_size
from .pods import PodType, pod_type, pods_usage
from .provenance import EffectiveSettings
from .revisions import DeployedRevision, revision_type
from .scalars import Duration, Instant
from .settings import Settings, own_settings
from .unmanaged import unmanaged_page
from .usage import WINDOW, UsagePoint, UsageType, beginning, measured, usage_point, usage_type
from .workloads import WorkloadConnection, WorkloadType, workload_type

if TYPE_CHECKING:
    from .applications import ApplicationConnection, ApplicationFilter
    from .topology import Dependency, Impact, TopologyFilter, TopologyNodeType, TopologyType
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


@strawberry.type(
    name="Application", description="What is deployed: a model, a data server, a frontend, an agent, a service."
)
class ApplicationType(Level):
    @strawberry.field
    def namespace(self) -> NamespaceType:
        return NamespaceType.of(self.catalogue, self.catalogue.above(Namespace, self._any.path))

    @strawberry.field
    def kind(self) -> ApplicationKind:
        return self._application.kind

    @strawberry.field(
        description="How it is doing, explained. A cluster that has not been read yet is waited for, 2 s."
    )
    def state(self, info: Info) -> HealthState:
        return self._once_read(info, lambda: self._state(info.context))

    @strawberry.field(
        description="Whether it answers: an endpoint of its Service is ready (without a Service: a pod is available)."
    )
    def serving(self, info: Info) -> bool:
        known = info.context.rooms.live.applications.known
        return self._once_read(info, lambda: known(self._application).state.serving)

    @strawberry.field(
        description="Whether a workflow may call it now: it serves, is not IMPAIRED, and was seen within the last minute."
    )
    def ready(self, info: Info) -> bool:
        from .workflows import is_ready

        return self._once_read(info, lambda: is_ready(info.context, self._application))

    @strawberry.field(description="What it suffers from what it requires, directly or through others.")
    def impairment(self, info: Info) -> Impairment:
        from .workflows import impairment_of

        return self._once_read(info, lambda: impairment_of(info.context, self._application))

    @strawberry.field(description="The root causes of its impairment: what to mend first.")
    def blocked_by(self, info: Info) -> list[Annotated["TopologyNodeType", strawberry.lazy(".topology")]]:
        from .topology import causes_of

        return self._once_read(info, lambda: causes_of(info.context, self._application))

    @strawberry.field(description="What it needs, as declared and as found in what runs.")
    def dependencies(self, info: Info) -> list[Annotated["Dependency", strawberry.lazy(".topology")]]:
        from .topology import dependencies

        return dependencies(info.context, self._application, dependents=False)

    @strawberry.field(description="What needs it.")
    def dependents(self, info: Info) -> list[Annotated["Dependency", strawberry.lazy(".topology")]]:
        from .topology import dependencies

        return dependencies(info.context, self._application, dependents=True)

    @strawberry.field(description="What stops working when this does.")
    def impact(self, info: Info) -> Annotated["Impact", strawberry.lazy(".topology")]:
        from .topology import impact_type

        return impact_type(info.context, [application_id(self._application.id)])

    @strawberry.field(description="The operation that it is in, or that waits; null while nothing is under way.")
    async def current_operation(self, info: Info) -> OperationType | None:
        found = await info.context.current_operations.load(self._application.id)
        return None if found is None else operation_type(found)

    @strawberry.field(description="What runs of it; null where nothing does.")
    def workload(self, info: Info) -> WorkloadType | None:
        return self._once_read(info, lambda: self._workload(info.context), strict=True)

    @strawberry.field(description="Its pods, newest last.")
    def pods(self, info: Info) -> list[PodType] | None:
        return self._once_read(info, lambda: self._pods(info.context), strict=True)

    @strawberry.field(description="What its pods use together; null where it was not deployed.")
    def usage(self, info: Info) -> UsageType | None:
        place = info.context.rooms.live.applications.place(self._application)
        if place is None or not self._application.deployed:
            return None
        return pods_usage(info, place[0], info.context.rooms.live.applications.pods(self._application))

    @strawberry.field(
        description="What it used in a window that ends now, oldest first. There are points, up to an hour back, of the time in "
        "which somebody looked at usage on its cluster: one each 15 s."
    )
    def usage_history(self, info: Info, window: Duration | None = WINDOW) -> list[UsagePoint] | None:
        place, begin = info.context.rooms.live.applications.place(self._application), beginning(window)
        if place is None or not self._application.deployed:
            return None
        history = info.context.rooms.live.usage.history
        return measured(
            info.context,
            place[0].link.cluster_id,
            lambda _: [usage_point(point) for point in history.since(self._application.id, begin)],
        )

    @strawberry.field(
        description="Whether its effective settings differ from the current revision; no where nothing is deployed. A new text of "
        "a secret counts as well."
    )
    def outdated(self, info: Info) -> bool:
        return self._of_deployed(info, False, lambda settings: settings != self._effective.document)

    @strawberry.field(
        description="Addresses at which what is deployed answers: inside the cluster, then through ingress rules with a host."
    )
    def endpoints(self, info: Info) -> list[Endpoint]:
        return self._of_deployed(info, [], lambda settings: endpoints(self.catalogue, self._application, settings))

    @strawberry.field(
        description="The same application, by namespace and name, in the project's other environments, as far as you may see it."
    )
    def counterparts(self, info: Info) -> list["ApplicationType"]:
        found = counterparts(self.catalogue, self._any.path)
        return [ApplicationType.of(self.catalogue, one) for one in found if info.context.viewer.scope.sees(one.path)]

    @strawberry.field(
        description="How its effective settings differ from another application's, which is what was before. Secrets are compared "
        "as set or not set. null where the other is not there."
    )
    def compare(
        self,
        info: Info,
        other: Annotated[Path, strawberry.argument(name="with", description="The other application.")],
    ) -> Diff | None:
        if self.catalogue.get(Application, other) is None or not info.context.viewer.scope.sees(other):
            return None
        return settings_diff(self.catalogue.effective(other), self._effective)

    @strawberry.field(description="What was deployed last and is there; null where nothing is.")
    async def revision(self, info: Info) -> DeployedRevision | None:
        application = self._application
        if application.revision is None:
            return None
        found = await info.context.revisions.load((application.id, application.path, application.revision))
        return None if found is None else revision_type(found)

    @property
    def _effective(self) -> Effective:
        return self.catalogue.effective(self._any.path)

    def _of_deployed(self, info: Info, nothing: T, answer: Callable[[Document], T]) -> T:
        """What follows from the settings of the current revision; `nothing` where there is none, without a task for it."""
        if self._application.revision is None:
            return nothing

        async def looked_up() -> T:
            settings = await info.context.deployed.load(self._application.id)
            return nothing if settings is None else answer(settings)

        return looked_up()  # type: ignore[return-value]

    @property
    def _application(self) -> Application:
        level: Application = self.level
        return level

    def _state(self, context: Context) -> HealthState:
        known = context.rooms.live.applications.known(self._application)
        return state_of(known.state.verdict, stale=known.state.stale, since=known.since)

    def _workload(self, context: Context) -> WorkloadType | None:
        found = context.rooms.live.applications.workload(self._application)
        return None if found is None else workload_type(found)

    def _pods(self, context: Context) -> list[PodType]:
        applications = context.rooms.live.applications
        place = applications.place(self._application)
        return [] if place is None else [pod_type(place[0], pod) for pod in applications.pods(self._application)]

    def _once_read(self, info: Info, answer: Callable[[], T], *, strict: bool = False) -> T:
        """The answer; a coroutine of it (which GraphQL awaits) only where its cluster has still to be read.

        An `async def` would cost a task an item in a list of a thousand.
        """
        cluster_id = self.catalogue.above(Environment, self._any.path).cluster_id
        if cluster_id is None or not self._application.deployed or not loading(info.context.rooms.live, cluster_id):
            return answer()
        return self._after_waiting(info, cluster_id, answer, strict=strict)  # type: ignore[return-value]

    async def _after_waiting(self, info: Info, cluster_id: str, answer: Callable[[], T], *, strict: bool) -> T:
        if not await arrived(info.context.rooms.live, [cluster_id]) and strict:
            raise Unreachable("The cluster has not been read yet; try again in a moment.")
        await info.context.rooms.topology.settled([cluster_id])
        return answer()


_TYPES: dict[type[AnyLevel], type[Level]] = {
    Project: ProjectType,
    Environment: EnvironmentType,
    Namespace: NamespaceType,
    Application: ApplicationType,
}


def level_id(level: AnyLevel) -> strawberry.ID:
    """A level's id."""
    return node_id(type(level).__name__, level.id)


def level_type(catalogue: Catalogue, level: AnyLevel) -> Level:
    """A level as it is shown, whatever it is."""
    return _TYPES[type(level)].of(catalogue, level)


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
