"""Grants: who has which role where."""

from uuid import UUID, uuid4, uuid5

from nexus_gql.database import storable, transactional
from nexus_gql.paths import Path, within
from nexus_gql.problems import Problem, ProblemCode, Refused

from .models import Grant
from .roles import Role
from .viewer import LOCAL, OPERATOR, Viewer

_BUILT_IN = UUID("0ddc5e3a-2c2c-5f0f-9a55-3f6f5b1d6a10")


async def granted(subject: str) -> list[tuple[Path | None, Role]]:
    """The grants of one subject. Whoever has the machine itself, by command line, has everything."""
    if subject == OPERATOR:
        return [(None, Role.ADMIN)]
    return [(_path(grant), grant.role) for grant in await Grant.filter(subject=subject)]


async def grants(viewer: Viewer, path: Path | None) -> list[Grant]:
    """Grants at a path, below it and inherited (everywhere without one), as far as the viewer administers their place."""
    rows = await Grant.all().order_by("path", "subject")
    return [
        grant
        for grant in rows
        if viewer.scope.role(_path(grant)) is Role.ADMIN and (path is None or _related(_path(grant), path))
    ]


@transactional
async def grant(subject: str, role: Role, path: Path | None) -> Grant:
    """Give a role, in place of what the subject had at that very path. NONE revokes."""
    if not subject.strip() or len(subject) > 255 or not storable(subject):
        raise Refused(Problem(ProblemCode.INVALID, "A subject has 1 to 255 characters, without NUL.", ("subject",)))
    if subject in {OPERATOR, LOCAL}:
        raise Refused(
            Problem(ProblemCode.INVALID, f"`{subject}` is built in and has its rights already.", ("subject",))
        )
    # The first: two at once may both have made one everywhere, since a unique constraint counts null paths as different.
    existing = await Grant.filter(subject=subject, path=path).order_by("id").first()
    if role is Role.NONE:
        if existing is not None:
            await existing.delete()
        return Grant(
            id=existing.id if existing else uuid5(_BUILT_IN, f"{subject} {path}"), subject=subject, role=role, path=path
        )
    if existing is not None:
        existing.role = role
        await existing.save()
        return existing
    return await Grant.create(id=uuid4(), subject=subject, role=role, path=path)


def _path(row: Grant) -> Path | None:
    return None if row.path is None else Path(row.path)


def _related(where: Path | None, path: Path) -> bool:
    return within(where, path) or (where is not None and within(path, where))
