"""Deleting a level while what runs of it cannot be taken off: its cluster is gone for good.

Nobody can tell that from an outage, so it has to be tried first: a deletion with removal that waited for the cluster in vain.
"""

from datetime import timedelta

from nexus_gql import clock
from nexus_gql.clusters import ConnectionStatus
from nexus_gql.hierarchy import Application, Catalogue, Environment, Level, delete
from nexus_gql.paths import Path, lineage
from nexus_gql.problems import Problem, ProblemCode

from . import models
from .failures import UNREACHABLE
from .operation import OperationKind, OperationStatus
from .subject import Surroundings

_TRIED_WITHIN = timedelta(days=1)


async def delete_declared(
    around: Surroundings, path: Path, *, expected_version: int | None, dry_run: bool
) -> tuple[Level, list[Problem]]:
    """Delete a level and all below it, or Refused. Answers what it was, and warnings of what was left on a cluster."""
    catalogue = await around.hierarchy.current()
    left = await _left_behind(around, catalogue, path)
    gone = await delete(
        around.hierarchy,
        path,
        expected_version=expected_version,
        dry_run=dry_run,
        left_behind=left,
    )
    return gone, [_warning(around, catalogue, application) for application in left]


async def _left_behind(around: Surroundings, catalogue: Catalogue, path: Path) -> list[Application]:
    """The applications that may go although they were never taken off their clusters."""
    lost = [one for one in catalogue.applications(path) if one.deployed and _silent(around, catalogue, one)]
    return lost if lost and await _tried(path) else []


def _silent(around: Surroundings, catalogue: Catalogue, application: Application) -> bool:
    link = around.fleet.link(catalogue.above(Environment, application.path).cluster_id or "")
    return link is None or link.state.status is not ConnectionStatus.CONNECTED


async def _tried(path: Path) -> bool:
    """Whether the level's deletion was given up for a cluster that did not answer, and nothing was deployed there since."""
    asked = models.Operation.filter(
        kind=OperationKind.DELETE, path__in=list(lineage(path)), created_at__gt=clock.now() - _TRIED_WITHIN
    )
    row = await asked.order_by("-created_at").first()
    if row is None or row.status != OperationStatus.FAILED or (row.failure or {}).get("reason") != UNREACHABLE:
        return False
    since = models.Operation.filter(kind=OperationKind.DEPLOY, path__startswith=path, created_at__gt=row.created_at)
    return not await since.exists()


def _warning(around: Surroundings, catalogue: Catalogue, application: Application) -> Problem:
    row = around.fleet.row(catalogue.above(Environment, application.path).cluster_id)
    where = "its cluster" if row is None else f"the cluster `{row.name}`"
    message = f"What there was of `{application.path}` on {where} stays there, and Nexus knows of it no more."
    return Problem(
        ProblemCode.UNREACHABLE, message, ("path",), "Delete it there by hand, should the cluster come back."
    )
