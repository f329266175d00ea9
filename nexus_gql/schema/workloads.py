"""Workloads in GraphQL: what runs, whoever declared it."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from nexus_gql.live import APPLICATION_LABEL, ClusterView, Health, ObservedKind, Replicas, Sighting, Workload, pods_of

from .clusters import ClusterType
from .context import Context, Info
from .health import HealthState, state_of
from .node import Node, node_id
from .paging import PageInfo, cursor, page_of
from .pods import PodType, application_of, cluster_of, pod_type, pods_usage
from .scalars import Instant
from .usage import UsageType

if TYPE_CHECKING:
    from .application import ApplicationType

strawberry.enum(ObservedKind, name="ObservedKind", description="What kind of Kubernetes object a workload is.")


@strawberry.type(name="Replicas", description="How many pods are wanted, and how many are how far.")
class ReplicasType:
    desired: int
    current: int = strawberry.field(description="Pods that there are, of any version.")
    ready: int = strawberry.field(description="Pods whose containers are all ready.")
    updated: int = strawberry.field(description="Pods of the newest version.")
    available: int = strawberry.field(description="Pods that count as serving.")


@strawberry.type(name="Workload", description="Something that makes pods: a Deployment, or what stands alone.")
class WorkloadType(Node):
    workload: strawberry.Private[Workload]

    @strawberry.field
    def kind(self) -> ObservedKind:
        return self.workload.kind

    @strawberry.field
    def name(self) -> str:
        return self.workload.meta.name

    @strawberry.field(description="The Kubernetes namespace that it is in.")
    def kubernetes_namespace(self) -> str:
        return self.workload.meta.namespace

    @strawberry.field
    def cluster(self, info: Info) -> ClusterType:
        return cluster_of(info.context, self.workload.cluster_id)

    @strawberry.field(description="The application that it belongs to; null for what nobody declared.")
    def application(self, info: Info) -> Annotated["ApplicationType", strawberry.lazy(".application")] | None:
        return application_of(info.context, self.workload.meta.labels.get(APPLICATION_LABEL))

    @strawberry.field(description="How it is doing, explained.")
    def state(self, info: Info) -> HealthState:
        return workload_state(info.context.rooms.live.views.get(self.workload.cluster_id), self.workload)

    @strawberry.field
    def replicas(self) -> ReplicasType:
        return replicas_type(self.workload.replicas)

    @strawberry.field(description="The images of its containers, as declared.")
    def images(self) -> list[str]:
        return list(self.workload.images)

    @strawberry.field(description="Its pods, newest last.")
    def pods(self, info: Info) -> list[PodType] | None:
        view = info.context.rooms.live.views.get(self.workload.cluster_id)
        return None if view is None else [pod_type(view, pod) for pod in pods_of(view, self.workload)]

    @strawberry.field(description="What its pods use together.")
    def usage(self, info: Info) -> UsageType | None:
        view = info.context.rooms.live.views.get(self.workload.cluster_id)
        return None if view is None else pods_usage(info, view, pods_of(view, self.workload))

    @strawberry.field
    def created_at(self) -> Instant:
        return Instant(self.workload.meta.creation_timestamp)


def replicas_type(counts: Replicas) -> ReplicasType:
    """Counts of pods as they are shown."""
    return ReplicasType(
        desired=counts.desired,
        current=counts.current,
        ready=counts.ready,
        updated=counts.updated,
        available=counts.available,
    )


def workload_type(workload: Workload) -> WorkloadType:
    """A workload as it is shown."""
    return WorkloadType(id=workload_id(workload.cluster_id, workload.meta.uid), workload=workload)


def workload_id(cluster_id: str, uid: str) -> strawberry.ID:
    """A workload's id."""
    return node_id("Workload", cluster_id, uid)


def workload_state(view: ClusterView | None, workload: Workload) -> HealthState:
    """The verdict on a workload; while its cluster is not seen, the last one."""
    if view is None or view.sighting is Sighting.LOST:
        message = f"Its cluster cannot be reached. The last that was seen: {workload.verdict.message}"
        return HealthState(status=Health.UNKNOWN, reason="ClusterUnreachable", message=message, since=None, stale=True)
    return state_of(workload.verdict, stale=view.lost_at is not None)


def workload_of(context: Context, cluster_id: str, uid: str) -> WorkloadType | None:
    """A workload as it is now; None where it is gone."""
    workload = context.rooms.live.workloads.get((cluster_id, uid))
    return None if workload is None else workload_type(workload)


@strawberry.type(description="A workload and its place in the list.")
class WorkloadEdge:
    cursor: str
    node: WorkloadType


@strawberry.type(description="Workloads, by name.")
class WorkloadConnection:
    edges: list[WorkloadEdge]
    nodes: list[WorkloadType]
    page_info: PageInfo
    total_count: int = strawberry.field(description="How many there are in all.")


_KIND = "workloads"


def workload_page(found: list[Workload], first: int, after: str | None) -> WorkloadConnection:
    """A page of workloads."""
    items = sorted(found, key=_place)
    page, about = page_of(items, _KIND, _place, list[str], first=first, after=after)
    nodes = [workload_type(workload) for workload in page]
    edges = [WorkloadEdge(cursor=cursor(_KIND, _place(one)), node=node) for one, node in zip(page, nodes, strict=True)]
    return WorkloadConnection(edges=edges, nodes=nodes, page_info=about, total_count=len(items))


def _place(workload: Workload) -> list[str]:
    return [workload.meta.name, workload.meta.namespace, workload.meta.uid]
