"""What is on a cluster as a whole, for those who may view everything: platform pods, too, are in reach."""

import strawberry

from nexus_gql.clusters import Cluster
from nexus_gql.live import (
    ClusterView,
    Health,
    Metrics,
    Pod,
    UsagePoller,
    Want,
    by_node,
    capacity,
    judge_node,
    known_workload,
    needed,
    node_total,
    workload_uids,
)
from nexus_gql.live import Node as ObservedNode
from nexus_gql.problems import Unreachable

from .clusters import require_everything
from .context import Context, Info
from .events import EventConnection, event_page
from .health import HealthState, state_of
from .paging import page_size
from .pods import PodConnection, pod_page
from .usage import UsageType, measured, usage_type
from .workloads import WorkloadConnection, workload_page


@strawberry.type(description="A machine of a cluster.")
class ClusterNode:
    view: strawberry.Private[ClusterView]
    node: strawberry.Private[ObservedNode]
    on_it: strawberry.Private[list[Pod]]

    @strawberry.field
    def name(self) -> str:
        return self.node.metadata.name

    @strawberry.field(description="Whether it takes and runs pods, explained.")
    def state(self) -> HealthState:
        return state_of(judge_node(self.node), stale=self.view.lost_at is not None)

    @strawberry.field(description="The version of the kubelet on it.")
    def kubelet_version(self) -> str:
        return self.node.status.node_info.kubelet_version

    @strawberry.field(description="Its cores.")
    def cpu_capacity(self) -> float:
        return capacity(self.node)[0]

    @strawberry.field(description="Its memory, in bytes.")
    def memory_capacity_bytes(self) -> float:
        return capacity(self.node)[1]

    @strawberry.field(
        description="What it uses as a whole, its own programs among it; requests and limits are its pods'."
    )
    def usage(self, info: Info) -> UsageType | None:
        return measured(info.context, self.view.link.cluster_id, self._usage)

    @strawberry.field(description="How many pods are on it that have not ended.")
    def pods(self) -> int:
        return len(self.on_it)

    def _usage(self, poller: UsagePoller) -> UsageType | None:
        found = node_total(poller.nodes.get(self.node.metadata.name), self.on_it, poller.pods)
        return None if found is None else usage_type(found, poller)


async def cluster_nodes(info: Info, row: Cluster) -> list[ClusterNode]:
    """The nodes of a cluster, by name."""
    await _seen(info, row, Want.CLUSTER)
    view = await _seen(info, row, Want.NODES)
    pods = by_node(view.pods.all())
    nodes = sorted(view.nodes.all(), key=lambda node: node.metadata.name)
    return [ClusterNode(view=view, node=node, on_it=pods.get(node.metadata.name, [])) for node in nodes]


async def cluster_namespaces(info: Info, row: Cluster) -> list[str]:
    """The names of a cluster's namespaces."""
    view = await _seen(info, row, Want.NAMESPACES)
    return sorted(one.metadata.name for one in view.namespaces.all())


async def cluster_pods(
    info: Info, row: Cluster, namespace: str | None, first: int | None, after: str | None
) -> PodConnection:
    """The pods of a cluster, or of one of its namespaces, newest last."""
    size = page_size(first, 100)
    view = await _seen(info, row, Want.CLUSTER)
    pods = view.pods.all() if namespace is None else view.pods.in_namespace(namespace)
    return pod_page([(view, pod) for pod in pods], size, after)


async def cluster_workloads(
    info: Info, row: Cluster, namespace: str | None, first: int | None, after: str | None
) -> WorkloadConnection:
    """The workloads of a cluster, or of one of its namespaces, by name."""
    size = page_size(first, 50)
    view = await _seen(info, row, Want.CLUSTER)
    live = info.context.rooms.live
    found = (known_workload(live, view, uid) for uid in workload_uids(view, namespace))
    return workload_page([one for one in found if one is not None], size, after)


async def cluster_events(
    info: Info, row: Cluster, namespace: str | None, first: int | None, after: str | None
) -> EventConnection:
    """The events of a cluster, or of one of its namespaces, newest first."""
    size = page_size(first, 50)
    await _seen(info, row, Want.CLUSTER)  # without their objects, events would wait for them
    view = await _seen(info, row, Want.EVENTS)
    return event_page([view], lambda _, record: namespace in {None, record.event.metadata.namespace}, size, after)


async def _seen(info: Info, row: Cluster, want: Want) -> ClusterView:
    """The cluster's view with what is wanted; the error UNREACHABLE where that does not come in two seconds."""
    require_everything(info.context.viewer)
    live, cluster_id = info.context.rooms.live, str(row.id)
    view = await needed(live, cluster_id, want)
    if view is None:
        cold = live.views.get(cluster_id)
        reason = "" if cold is None else cold.trouble_with(want)
        raise Unreachable(reason or "The cluster has not been read yet; try again in a moment.")
    return view


_STATUS = {
    Metrics.ASKING: (Health.UNKNOWN, "Loading"),
    Metrics.ANSWERS: (Health.HEALTHY, None),
    Metrics.ABSENT: (Health.MISSING, "NotInstalled"),
    Metrics.REFUSED: (Health.DEGRADED, "Forbidden"),
    Metrics.FAILING: (Health.DEGRADED, "NotAnswering"),
    Metrics.UNREACHABLE: (Health.UNKNOWN, "ClusterUnreachable"),
}


async def metrics_state(context: Context, row: Cluster) -> HealthState:
    """Whether metrics.k8s.io of a cluster answers."""
    poller = await context.rooms.live.usage.asked(str(row.id))
    metrics = Metrics.ASKING if poller is None else poller.state
    status, reason = _STATUS[metrics]
    message = "Usage is measured." if metrics is Metrics.ANSWERS else "It has not answered yet."
    return HealthState(
        status=status,
        reason=reason,
        message=(poller.trouble if poller is not None else "") or message,
        since=None,
        stale=False,
    )
