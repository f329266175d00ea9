"""Workloads that nobody declared."""

from nexus_gql.hierarchy import Catalogue, Namespace
from nexus_gql.live import APPLICATION_LABEL, Workload, arrived, select, workloads_in
from nexus_gql.paths import Path
from nexus_gql.problems import Unreachable

from .context import Context
from .workloads import WorkloadConnection, workload_page


async def unmanaged_page(
    context: Context, catalogue: Catalogue, path: Path, first: int, after: str | None
) -> WorkloadConnection | None:
    """Workloads in an environment's Kubernetes namespaces that are of no application declared there."""
    selection, live = select(catalogue, path), context.rooms.live
    if selection is None:
        return None
    if not await arrived(live, selection.clusters):
        raise Unreachable("The cluster has not been read yet; try again in a moment.")
    declared = _declared(catalogue, path)
    return workload_page([one for one in workloads_in(live, selection) if _label(one) not in declared], first, after)


def _declared(catalogue: Catalogue, path: Path) -> set[tuple[str, str | None]]:
    """Kubernetes namespaces with the ids of the applications in them: a label that was copied elsewhere declares nothing there."""
    return {
        (catalogue.above(Namespace, application.path).kubernetes_name, application.id)
        for application in catalogue.applications(path)
    }


def _label(workload: Workload) -> tuple[str, str | None]:
    return workload.meta.namespace, workload.meta.labels.get(APPLICATION_LABEL)
