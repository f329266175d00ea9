"""What of the live state lies in the places on clusters that a scope stands for."""

from collections.abc import Iterator

from nexus_gql import clock

from .changes import ObjectChange
from .cluster import ClusterView
from .live import Live
from .objects import Pod
from .scopes import Selection
from .workloads import Workload, age, observe, workload_uids


def pods_in(live: Live, selection: Selection) -> list[tuple[ClusterView, Pod]]:
    """The pods in a selection, by creation, newest last."""
    found = []
    for view, namespace in _views(live, selection):
        one = selection.application_id
        pods = view.pods.in_namespace(namespace) if one is None else view.pods.of_application(one)
        found += [(view, pod) for pod in pods if pod.metadata.namespace == namespace]
    return sorted(found, key=lambda item: age(item[1]))


def workloads_in(live: Live, selection: Selection) -> list[Workload]:
    """The workloads in a selection, by name."""
    found = []
    for view, namespace in _views(live, selection):
        for uid in workload_uids(view, namespace):
            workload = known_workload(live, view, uid)
            if workload is not None and selection.has(ObjectChange.of(workload.cluster_id, workload.meta)):
                found.append(workload)
    return sorted(found, key=lambda workload: (workload.meta.name, workload.meta.namespace, workload.meta.uid))


def known_workload(live: Live, view: ClusterView, uid: str) -> Workload | None:
    """A workload as it was judged last; what was listed this very moment is judged now."""
    return live.workloads.get((view.link.cluster_id, uid)) or observe(view, uid, clock.now())


def _views(live: Live, selection: Selection) -> Iterator[tuple[ClusterView, str]]:
    for cluster_id, namespace in sorted(selection.places):
        if (view := live.views.get(cluster_id)) is not None:
            yield view, namespace
