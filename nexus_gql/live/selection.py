"""What lies in a scope: the places on clusters that a level stands for, and what of the live state is in them."""

from collections.abc import Iterator
from dataclasses import dataclass

from nexus_gql import clock
from nexus_gql.hierarchy import Application, Catalogue, Environment, Namespace
from nexus_gql.paths import Path

from .changes import ObjectChange
from .cluster import ClusterView
from .live import Live
from .objects import Pod
from .workloads import Workload, age, observe, workload_uids


@dataclass(frozen=True, slots=True)
class Selection:
    """Kubernetes namespaces by cluster, and one application in them where the scope is one."""

    places: frozenset[tuple[str, str]]
    application_id: str | None = None

    @property
    def clusters(self) -> list[str]:
        """The clusters concerned."""
        return sorted({cluster_id for cluster_id, _ in self.places})

    def has(self, change: ObjectChange) -> bool:
        """Whether a change concerns something in here."""
        if (change.cluster_id, change.namespace) not in self.places:
            return False
        return self.application_id is None or change.application_id == self.application_id


def select(catalogue: Catalogue, scope: Path) -> Selection | None:
    """What a level stands for; None where there is no such level."""
    if scope not in catalogue.levels:
        return None
    level = catalogue.levels[scope]
    if isinstance(level, Application):
        namespaces = [catalogue.above(Namespace, scope)]
    else:
        namespaces = [below for below in catalogue.below(scope) if isinstance(below, Namespace)]
    places = (
        (catalogue.above(Environment, namespace.path).cluster_id, namespace.kubernetes_name) for namespace in namespaces
    )
    return Selection(
        frozenset((cluster_id, name) for cluster_id, name in places if cluster_id is not None),
        level.id if isinstance(level, Application) else None,
    )


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
