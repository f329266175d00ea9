"""Finding a level, a workflow or a cluster by a part of its name."""

from collections.abc import Iterator
from heapq import nsmallest
from typing import Annotated

import strawberry

from nexus_gql.clusters import Cluster
from nexus_gql.hierarchy import Catalogue, Fit, Level, best_fit
from nexus_gql.paths import depth, name
from nexus_gql.topology import Workflow

from .application import ApplicationType, level_type
from .clusters import ClusterType, cluster_type, sees_cluster
from .context import Context
from .levels import EnvironmentType, NamespaceType, ProjectType
from .workflows import WorkflowType, is_seen, workflow_type

SearchHit = Annotated[
    ProjectType | EnvironmentType | NamespaceType | ApplicationType | ClusterType | WorkflowType,
    strawberry.union("SearchHit", description="What a search finds."),
]

_WORKFLOWS, _CLUSTERS_LAST = 5, 6

_Key = tuple[Fit, int, int, str]
"""How well it fits, in which of its names, what it is, and which one: different for any two."""


def hits(context: Context, catalogue: Catalogue, text: str, first: int) -> list[SearchHit]:
    """What fits a text and may be seen by name, best first; nothing fits a blank one."""
    wanted = text.strip().casefold()
    if not wanted:
        return []
    best = nsmallest(first, _found(context, catalogue, wanted), key=lambda item: item[0])
    return [_hit(catalogue, found) for _, found in best]


def _hit(catalogue: Catalogue, found: Level | Cluster | Workflow) -> SearchHit:
    if isinstance(found, Cluster):
        return cluster_type(found)
    return workflow_type(found) if isinstance(found, Workflow) else level_type(catalogue, found)  # type: ignore[return-value]


def _found(context: Context, catalogue: Catalogue, text: str) -> Iterator[tuple[_Key, Level | Cluster | Workflow]]:
    scope = context.viewer.scope
    for level in catalogue.levels.values():
        how = best_fit(text, name(level.path), level.display_name, level.path)
        if how is not None and scope.glimpses(level.path):
            yield (*how, depth(level.path), level.path), level
    for workflow in context.rooms.topology.workflows.all():
        how = best_fit(text, workflow.name, workflow.display_name, f"{workflow.environment}/{workflow.name}")
        if how is not None and is_seen(context, workflow):
            yield (*how, _WORKFLOWS, f"{workflow.environment}/{workflow.name}"), workflow
    for row in context.rooms.fleet.rows():
        how = best_fit(text, row.name.casefold(), "", "")
        if how is not None and sees_cluster(context, str(row.id)):
            yield (*how, _CLUSTERS_LAST, row.name), row
