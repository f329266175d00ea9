"""Where a level is being deleted nothing new may begin: it would go with the level, and nobody would have been told."""

from nexus_gql.paths import Path, lineage
from nexus_gql.problems import Problem, ProblemCode, Refused

from . import models
from .operation import UNFINISHED, OperationKind


async def deletion_of(path: Path) -> Problem | None:
    """Why nothing may begin at a level: it is being deleted, or one above it is."""
    found = models.Operation.filter(kind=OperationKind.DELETE, status__in=UNFINISHED, path__in=list(lineage(path)))
    row = await found.first()
    return None if row is None else being_deleted(row)


async def refuse_while_deleted(path: Path) -> None:
    """Refuse with CONFLICT what is asked for at a level that is being deleted, or below one."""
    if (problem := await deletion_of(path)) is not None:
        raise Refused(problem)


def being_deleted(row: models.Operation) -> Problem:
    """The refusal of what would come in the way of a deletion."""
    message = f"`{row.path}` is being deleted, with all below it (operation {row.id})."
    return Problem(ProblemCode.CONFLICT, message, ("path",), "Wait for its end, or cancel it (`cancelOperation`).")
