"""Asking for a level to be deleted with all that runs below it: one operation, and a removal of each application as its parts."""

from uuid import UUID, uuid4

from nexus_gql.access import Viewer
from nexus_gql.database import next_change, transactional
from nexus_gql.hierarchy import (
    Application,
    Catalogue,
    Environment,
    Level,
    Namespace,
    level_at,
    record_running,
)
from nexus_gql.paths import Path
from nexus_gql.problems import Refused

from . import models
from .operation import UNFINISHED, OperationKind, operation
from .ordering import generations, needs_among
from .request_rows import end_earlier, repeated, store
from .subject import Surroundings
from .under_deletion import being_deleted, refuse_while_deleted
from .wanted import Accepted, Wanted, in_options, options_problems

Touched = list[models.Operation]


async def ask_deletion(around: Surroundings, viewer: Viewer, wanted: Wanted) -> tuple[Accepted, Touched]:
    """Accept a deletion, or Refused. Answers also the rows that others should hear of."""
    if problems := options_problems(wanted.options):
        raise Refused(problems)
    try:
        if wanted.options.dry_run:
            await _deletable(await around.hierarchy.current(), wanted)
            return Accepted(None, []), []
        return await _accept(around, viewer, wanted)
    except Refused as refused:
        raise Refused(in_options(problem) for problem in refused.problems) from refused


@transactional
async def _accept(around: Surroundings, viewer: Viewer, wanted: Wanted) -> tuple[Accepted, Touched]:
    change = await next_change()
    catalogue = await around.hierarchy.locked(change)
    # Before the level is looked up: who asks again for what has come to its end since is answered with it.
    if (known := await repeated(around, viewer, wanted)) is not None:
        return Accepted(operation(known), []), []
    level = await _deletable(catalogue, wanted)
    running = [one for one in catalogue.applications(wanted.path) if one.deployed]
    order = generations(needs_among(catalogue, running))[::-1]  # who needs others goes before them
    ids = {path: uuid4() for generation in order for path in generation}
    parent = await store(
        around,
        viewer,
        wanted,
        row_id=uuid4(),
        notes={
            "level": level.id,
            "parts": len(ids),
            "generations": [[str(ids[path]) for path in generation] for generation in order],
            "namespaces": _namespaces(catalogue, level),
        },
    )
    touched = [parent]
    for turn, generation in enumerate(order):
        for path in generation:
            touched += await _part(around, viewer, wanted, catalogue, parent, ids[path], path, change, held=turn > 0)
    return Accepted(operation(parent), []), touched


async def _part(
    around: Surroundings,
    viewer: Viewer,
    wanted: Wanted,
    catalogue: Catalogue,
    parent: models.Operation,
    row_id: UUID,
    path: Path,
    change: int,
    *,
    held: bool,
) -> Touched:
    application = catalogue.levels[path]
    assert isinstance(application, Application)  # noqa: S101
    replaced = await end_earlier(application, OperationKind.REMOVE)
    part = Wanted(OperationKind.REMOVE, path, wanted.options)
    row = await store(around, viewer, part, application=application, row_id=row_id, parent_id=parent.id, held=held)
    await record_running(application.id, change, {"operation_number": row.number})
    return [*replaced, row]


async def _deletable(catalogue: Catalogue, wanted: Wanted) -> Level:
    level = level_at(catalogue, wanted.path, wanted.options.expected_version)
    await refuse_while_deleted(wanted.path)
    below = models.Operation.filter(kind=OperationKind.DELETE, status__in=UNFINISHED)
    if (other := await below.filter(path__startswith=f"{wanted.path}/").first()) is not None:
        raise Refused(being_deleted(other))
    return level


def _namespaces(catalogue: Catalogue, level: Level) -> list[list[str]]:
    """The Kubernetes namespaces below a level in which something was ever deployed: by cluster and name."""
    return [
        [cluster_id, one.kubernetes_name]
        for one in catalogue.below(level.path)
        if isinstance(one, Namespace)
        and (cluster_id := catalogue.above(Environment, one.path).cluster_id) is not None
        and any(application.operation_number for application in catalogue.applications(one.path))
    ]
