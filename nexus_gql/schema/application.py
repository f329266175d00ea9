"""An application in GraphQL, and which type shows which level."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import strawberry

from nexus_gql.hierarchy import (
    Application,
    ApplicationKind,
    Catalogue,
    Document,
    Effective,
    Environment,
    Namespace,
    Project,
    counterparts,
)
from nexus_gql.hierarchy import Level as AnyLevel
from nexus_gql.live import arrived, loading
from nexus_gql.paths import Path
from nexus_gql.problems import Unreachable
from nexus_gql.topology import Impairment, application_id

from .comparison import Diff, settings_diff
from .context import Context, Info
from .endpoints import Endpoint, endpoints
from .health import HealthState, state_of
from .levels import EnvironmentType, Level, NamespaceType, ProjectType
from .operations import OperationType, operation_type
from .pods import PodType, pod_type, pods_usage
from .revisions import DeployedRevision, revision_type
from .scalars import Duration
from .usage import WINDOW, UsagePoint, UsageType, beginning, measured, usage_point
from .workloads import WorkloadType, workload_type

if TYPE_CHECKING:
    from .topology import Dependency, Impact, TopologyNodeType

T = TypeVar("T")


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


def level_type(catalogue: Catalogue, level: AnyLevel) -> Level:
    """A level as it is shown, whatever it is."""
    return _TYPES[type(level)].of(catalogue, level)
