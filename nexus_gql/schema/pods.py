"""Pods and containers in GraphQL."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import strawberry

from nexus_gql import clock
from nexus_gql.access import Role
from nexus_gql.clusters import ClusterError, RequestError
from nexus_gql.hierarchy import Application, Catalogue
from nexus_gql.live import (
    APPLICATION_LABEL,
    ClusterView,
    ContainerSpec,
    ContainerStatus,
    Health,
    Pattern,
    Pod,
    Sighting,
    Start,
    Terminated,
    UnusablePattern,
    judge_pod,
    read_once,
    source_of,
)
from nexus_gql.problems import BadRequest, Unreachable

from .clusters import ClusterType, cluster_type
from .context import Context, Info
from .health import HealthState, state_of
from .logs import LogLine, log_line, span
from .node import Node, node_id
from .paging import PageInfo, cursor, page_of
from .scalars import Duration, Instant
from .usage import UsageType, measured, usage_type

if TYPE_CHECKING:
    from .application import ApplicationType

from enum import Enum


@strawberry.enum(description="What a container does.")
class ContainerState(Enum):
    WAITING = "WAITING"
    RUNNING = "RUNNING"
    TERMINATED = "TERMINATED"


@strawberry.type(description="How a container ended.")
class Termination:
    exit_code: int
    signal: int | None = strawberry.field(description="The signal that ended it, where one did.")
    reason: str | None = strawberry.field(description="Kubernetes' word: `Completed`, `Error`, `OOMKilled`.")
    message: str | None = strawberry.field(description="What the container left as its last message.")
    finished_at: Instant | None


@strawberry.type(description="A container of a pod, as it was declared and as it is.")
class Container:
    view: strawberry.Private[ClusterView]
    pod: strawberry.Private[Pod]
    spec: strawberry.Private[ContainerSpec]
    status: strawberry.Private[ContainerStatus | None]
    init: bool = strawberry.field(description="Whether it runs, and ends, before the others start.")

    @strawberry.field
    def name(self) -> str:
        return self.spec.name

    @strawberry.field(description="The image as it was declared.")
    def image(self) -> str:
        return self.spec.image

    @strawberry.field(description="Which image that turned out to be: `sha256:…`; null until it is there.")
    def image_digest(self) -> str | None:
        digest = self._status.image_i_d.rpartition("@")[2]
        return digest if digest.startswith("sha256:") else None

    @strawberry.field(description="What it does now.")
    def state(self) -> ContainerState:
        state = self._status.state
        if state.running is not None:
            return ContainerState.RUNNING
        return ContainerState.WAITING if state.terminated is None else ContainerState.TERMINATED

    @strawberry.field(description="Kubernetes' word for why it waits or has ended.")
    def reason(self) -> str | None:
        state = self._status.state
        found = state.waiting or state.terminated
        return (found.reason or None) if found else None

    @strawberry.field(description="The same in more words.")
    def message(self) -> str | None:
        state = self._status.state
        found = state.waiting or state.terminated
        return (found.message or None) if found else None

    @strawberry.field(description="With which code it has ended; null while it has not.")
    def exit_code(self) -> int | None:
        end = self._status.state.terminated
        return None if end is None else end.exit_code

    @strawberry.field(description="Whether its readiness probe succeeds (without one: whether it runs).")
    def ready(self) -> bool:
        return self._status.ready

    @strawberry.field(description="How often it was started again.")
    def restarts(self) -> int:
        return self._status.restart_count

    @strawberry.field(description="How it ended the last time, where it was started again.")
    def last_termination(self) -> Termination | None:
        end = self._status.last_state.terminated
        return None if end is None else _termination(end)

    @strawberry.field(
        description="What it uses: nothing once it has ended. What runs only before the others is not counted."
    )
    def usage(self, info: Info) -> UsageType | None:
        return pods_usage(info, self.view, [self.pod], self.spec.name)

    @strawberry.field(
        description="Its log, oldest line first. tail: the last lines, counted before `grep`. since: not older than this. "
        "previous: of the container before the last restart; none where it never was. grep: RE2 syntax."
    )
    async def logs(
        self,
        info: Info,
        tail: int | None = 100,
        since: Duration | None = None,
        previous: bool | None = False,
        grep: str | None = None,
    ) -> list[LogLine] | None:
        if tail is not None and tail < 0:
            raise BadRequest("`tail` is 0 or more.")
        try:
            pattern = Pattern.of(grep, invert=False)
        except UnusablePattern as error:
            raise BadRequest(str(error)) from error
        start = Start(tail=tail, since=span(since), previous=bool(previous))
        source = source_of(self.view, self.pod, self.spec.name)
        try:
            lines = await read_once(self.view.link, source, start)
        except RequestError:
            return []  # it has not begun to write, or was never restarted
        except ClusterError as error:
            raise Unreachable(f"The log cannot be read: {error}") from error
        return [log_line(info.context, source, line) for line in lines if pattern is None or pattern.wants(line.text)]

    @property
    def _status(self) -> ContainerStatus:
        return self.status or ContainerStatus(self.spec.name)


def _termination(end: Terminated) -> Termination:
    return Termination(
        exit_code=end.exit_code,
        signal=end.signal,
        reason=end.reason or None,
        message=end.message or None,
        finished_at=Instant(end.finished_at) if end.finished_at else None,
    )


@strawberry.type(name="Pod", description="A pod: one running copy of a workload.")
class PodType(Node):
    view: strawberry.Private[ClusterView]
    pod: strawberry.Private[Pod]

    @strawberry.field
    def name(self) -> str:
        return self.pod.metadata.name

    @strawberry.field(description="The Kubernetes namespace that it is in.")
    def kubernetes_namespace(self) -> str:
        return self.pod.metadata.namespace

    @strawberry.field
    def cluster(self, info: Info) -> ClusterType:
        return cluster_of(info.context, self.view.link.cluster_id)

    @strawberry.field(description="The application that it belongs to; null for what nobody declared.")
    def application(self, info: Info) -> Annotated["ApplicationType", strawberry.lazy(".application")] | None:
        return application_of(info.context, self.pod.metadata.labels.get(APPLICATION_LABEL))

    @strawberry.field(description="How it is doing, explained.")
    def state(self) -> HealthState:
        return pod_state(self.view, self.pod)

    @strawberry.field(description="Kubernetes' own account: `Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`.")
    def phase(self) -> str:
        return self.pod.status.phase

    @strawberry.field(description="Whether all its containers are ready, so that it gets requests.")
    def ready(self) -> bool:
        return any(one.type == "Ready" and one.status == "True" for one in self.pod.status.conditions)

    @strawberry.field(description="The node that it runs on; null until it was placed.")
    def node(self) -> str | None:
        return self.pod.spec.node_name

    @strawberry.field(description="Its address in the cluster.")
    def ip(self) -> str | None:
        return self.pod.status.pod_i_p

    @strawberry.field(description="How often its containers were started again, together.")
    def restarts(self) -> int:
        return sum(status.restart_count for status in self.pod.status.container_statuses)

    @strawberry.field(description="Its containers, those that run before the others first.")
    def containers(self) -> list[Container]:
        spec, status = self.pod.spec, self.pod.status
        known = {one.name: one for one in (*status.init_container_statuses, *status.container_statuses)}
        return [
            Container(view=self.view, pod=self.pod, spec=one, status=known.get(one.name), init=init)
            for init, found in ((True, spec.init_containers), (False, spec.containers))
            for one in found
        ]

    @strawberry.field(description="What its containers use: nothing once they have ended.")
    def usage(self, info: Info) -> UsageType | None:
        return pods_usage(info, self.view, [self.pod])

    @strawberry.field
    def created_at(self) -> Instant:
        return Instant(self.pod.metadata.creation_timestamp)

    @strawberry.field(description="When its node took it up.")
    def started_at(self) -> Instant | None:
        return Instant(self.pod.status.start_time) if self.pod.status.start_time else None

    @strawberry.field(description="Since when it is being ended.")
    def deleting_since(self) -> Instant | None:
        since = self.pod.metadata.deletion_timestamp
        return Instant(since) if since else None


def pods_usage(info: Info, view: ClusterView, pods: Iterable[Pod], container: str | None = None) -> UsageType:
    """What pods of a cluster use together; of each only one container, where one is named."""
    cluster_id, meter = view.link.cluster_id, info.context.rooms.live.usage
    return measured(
        info.context, cluster_id, lambda poller: usage_type(meter.usage(cluster_id, pods, container), poller)
    )


def pod_type(view: ClusterView, pod: Pod) -> PodType:
    """A pod as it is shown."""
    return PodType(id=pod_id(view.link.cluster_id, pod.metadata.uid), view=view, pod=pod)


def pod_id(cluster_id: str, uid: str) -> strawberry.ID:
    """A pod's id."""
    return node_id("Pod", cluster_id, uid)


def pod_state(view: ClusterView, pod: Pod) -> HealthState:
    """The verdict on a pod; while its cluster is not seen, the last one."""
    verdict = judge_pod(pod, clock.now())
    if view.sighting is Sighting.LOST:
        message = f"Its cluster cannot be reached. The last that was seen: {verdict.message}"
        return HealthState(status=Health.UNKNOWN, reason="ClusterUnreachable", message=message, since=None, stale=True)
    return state_of(verdict, stale=view.lost_at is not None)


def cluster_of(context: Context, cluster_id: str) -> ClusterType:
    """The cluster that something was seen on."""
    row = context.rooms.fleet.row(cluster_id)
    if row is None:
        raise Unreachable("The cluster was removed just now.")
    return cluster_type(row)


def application_of(context: Context, application_id: str | None) -> "ApplicationType | None":
    """The application with an id, as far as the viewer may see it."""
    from .application import ApplicationType

    catalogue: Catalogue = context.rooms.hierarchy.latest
    level = None if application_id is None else catalogue.by_id(application_id)
    if not isinstance(level, Application) or context.viewer.scope.role(level.path) < Role.VIEWER:
        return None
    return ApplicationType.of(catalogue, level)


@strawberry.input(description="Which pods. All that is given must hold.")
class PodFilter:
    text: str | None = strawberry.field(default=None, description="Part of the name.")
    health: list[Health] | None = strawberry.field(default=None, description="In one of these states.")
    node: str | None = strawberry.field(default=None, description="On this node.")

    def takes(self, view: ClusterView, pod: Pod) -> bool:
        """Whether a pod is wanted."""
        if self.text is not None and self.text.casefold() not in pod.metadata.name:
            return False
        if self.node is not None and self.node != pod.spec.node_name:
            return False
        return self.health is None or pod_state(view, pod).status in self.health


@strawberry.type(description="A pod and its place in the list.")
class PodEdge:
    cursor: str
    node: PodType


@strawberry.type(description="Pods by creation, newest last.")
class PodConnection:
    edges: list[PodEdge]
    nodes: list[PodType]
    page_info: PageInfo
    total_count: int = strawberry.field(description="How many there are in all, filtered.")


_KIND = "pods"


def pod_page(found: Iterable[tuple[ClusterView, Pod]], first: int, after: str | None) -> PodConnection:
    """A page of pods."""
    items = sorted(found, key=lambda item: _place(item[1]))
    page, about = page_of(items, _KIND, lambda item: _place(item[1]), list[str], first=first, after=after)
    nodes = [pod_type(view, pod) for view, pod in page]
    edges = [PodEdge(cursor=cursor(_KIND, _place(pod)), node=node) for (_, pod), node in zip(page, nodes, strict=True)]
    return PodConnection(edges=edges, nodes=nodes, page_info=about, total_count=len(items))


def _place(pod: Pod) -> list[str]:
    return [pod.metadata.creation_timestamp, pod.metadata.name, pod.metadata.uid]
