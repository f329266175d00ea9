"""What was deployed, frozen."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from nexus_gql.hierarchy import SETTINGS, Effective, Frozen, freeze, thaw
from nexus_gql.paths import Path

from . import models
from .manifests import Manifest


@dataclass(frozen=True, slots=True)
class Revision:
    """A row as it was read. `settings` and `manifests` hold no secret's text."""

    id: str
    application_id: str
    number: int
    image: str
    image_digest: str | None
    settings: Frozen
    manifests: list[Manifest]
    deployed_by: str
    deployed_at: datetime
    reason: str | None
    outcome: str


async def next_revision(application_id: str) -> int:
    """The number that an application's next revision has."""
    newest = await models.Revision.filter(application_id=application_id).order_by("-number").first()
    return newest.number + 1 if newest else 1


async def write_revision(
    *,
    application_id: str,
    operation: models.Operation,
    settings: Effective | Frozen,
    manifests: Sequence[Manifest],
    image: str,
    at: datetime,
) -> int:
    """Freeze what an operation is about to apply, and return its number. Within a transaction that holds the hierarchy's lock."""
    number = await next_revision(application_id)
    await models.Revision.create(
        id=uuid4(),
        application_id=application_id,
        number=number,
        operation_id=operation.id,
        image=image,
        settings=freeze(settings),
        manifests=list(manifests),
        deployed_by=operation.requested_by,
        deployed_at=at,
        reason=operation.reason,
        outcome=operation.status,
    )
    return number


async def revision(application_id: str, path: Path, number: int) -> Revision | None:
    """One revision of an application, which has that path."""
    row = await models.Revision.get_or_none(application_id=application_id, number=number)
    return None if row is None else of_row(row, path)


async def revisions_by_number(wanted: Sequence[tuple[str, Path, int]]) -> dict[tuple[str, int], Revision]:
    """Several at once, by application id and number: one statement."""
    paths = {application_id: path for application_id, path, _ in wanted}
    rows = await models.Revision.filter(
        application_id__in=list(paths), number__in=list({number for _, _, number in wanted})
    )
    found = [of_row(row, paths[str(row.application_id)]) for row in rows]  # type: ignore[attr-defined]
    return {(one.application_id, one.number): one for one in found}


async def revisions_by_id(ids: Iterable[UUID], path_of: Callable[[str], Path | None]) -> list[Revision]:
    """Several at once, wherever they are: one statement. `path_of` an application's id; None leaves its revisions out."""
    rows = await models.Revision.filter(id__in=list(ids))
    found = ((row, path_of(str(row.application_id))) for row in rows)  # type: ignore[attr-defined]
    return [of_row(row, path) for row, path in found if path is not None]


def of_row(row: models.Revision, path: Path) -> Revision:
    """The value of a row."""
    return Revision(
        id=str(row.id),
        application_id=str(row.application_id),  # type: ignore[attr-defined]
        number=row.number,
        image=row.image,
        image_digest=row.image_digest,
        settings=thaw(path, row.settings, SETTINGS),
        manifests=list(row.manifests),
        deployed_by=row.deployed_by,
        deployed_at=row.deployed_at,
        reason=row.reason,
        outcome=row.outcome,
    )
