"""API tokens: made, presented, revoked. A token acts as the person who made it."""

import hashlib
import secrets
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from nexus_gql import clock
from nexus_gql.database import storable
from nexus_gql.paths import Path
from nexus_gql.problems import Problem, ProblemCode, Refused, Unauthenticated

from .grants import granted
from .models import ApiToken
from .roles import Role
from .scope import narrowed
from .viewer import TokenBounds, Viewer

_PREFIX = "nxs_"
# last_used_at is for finding forgotten tokens: to the minute is enough, and most requests then write nothing.
_USE_RECORDED_EVERY = timedelta(minutes=1)
# A calendar ends with the year 9999, and a date beyond it is an error.
_LONGEST = timedelta(days=36525)


async def create_token(
    viewer: Viewer, *, name: str, role: Role, path: Path | None, expires_in: float | None
) -> tuple[ApiToken, str]:
    """A new token and its secret, which is not kept. Refused above the viewer's own role; `cut_short` tells of an earlier end."""
    problems = []
    if not name.strip() or len(name) > 255 or not storable(name):
        problems.append(Problem(ProblemCode.INVALID, "A token's name has 1 to 255 characters, without NUL.", ("name",)))
    if role is Role.NONE:
        problems.append(Problem(ProblemCode.INVALID, "A token with the role NONE could do nothing.", ("role",)))
    if role > viewer.scope.role(path):
        problems.append(
            Problem(
                ProblemCode.FORBIDDEN,
                f"You have {viewer.scope.role(path).name} {_place(path)}; a token has no more than the person who makes it.",
                ("role",),
            )
        )
    if expires_in is not None and not 0 < expires_in <= _LONGEST.total_seconds():
        message = "A token lasts longer than no time and at most 100 years; without expiresIn it has no end."
        problems.append(Problem(ProblemCode.INVALID, message, ("expiresIn",)))
    if problems:
        raise Refused(problems)
    secret = _PREFIX + secrets.token_urlsafe(32)
    now = clock.now()
    token = await ApiToken.create(
        id=uuid4(),
        name=name,
        digest=_digest(secret),
        role=role,
        path=path,
        created_by=viewer.name,
        created_at=now,
        expires_at=_end(viewer, _asked_end(now, expires_in)),
    )
    return token, secret


def cut_short(made: ApiToken, expires_in: float | None) -> Problem | None:
    """The warning that a new token ends before what was asked for, together with the token that it was made with."""
    if made.expires_at is None or made.expires_at == _asked_end(made.created_at, expires_in):
        return None
    message = (
        f"It ends at {made.expires_at.isoformat()}, as the token that it was made with: it cannot outlast that one."
    )
    return Problem(ProblemCode.LIMIT, message, ("expiresIn",), "Make it with a token that lasts longer.")


def _asked_end(now: datetime, expires_in: float | None) -> datetime | None:
    return None if expires_in is None else now + timedelta(seconds=expires_in)


def _end(viewer: Viewer, asked: datetime | None) -> datetime | None:
    """When a new token ends: else one that is stolen an hour before its end could make itself last for ever."""
    if viewer.token is None or viewer.expires_at is None:
        return asked
    return viewer.expires_at if asked is None else min(asked, viewer.expires_at)


async def viewer_of(secret: str) -> Viewer:
    """Who a presented token stands for; Unauthenticated where it is unknown or over."""
    token = await ApiToken.get_or_none(digest=_digest(secret))
    now = clock.now()
    if token is None:
        raise Unauthenticated("This token is not known here: it was revoked, or belongs to another installation.")
    if token.expires_at is not None and token.expires_at <= now:
        raise Unauthenticated(f"This token ended at {token.expires_at.isoformat()}; make a new one.")
    await _record_use(token, now)
    path = None if token.path is None else Path(token.path)
    return Viewer(
        token.created_by,
        f"token {token.name}",
        narrowed(await granted(token.created_by), path=path, role=token.role),
        token.expires_at,
        TokenBounds(token.role, path),
    )


async def tokens(viewer: Viewer) -> list[ApiToken]:
    """The viewer's own; all of them for whoever administers everything. Newest first.

    Who came in with a token sees that one and those that have no more than it has: it may be with somebody who is to know and do
    less than the person it acts as.
    """
    query = ApiToken.all() if viewer.scope.role(None) is Role.ADMIN else ApiToken.filter(created_by=viewer.name)
    rows = await query.order_by("-created_at")
    bounds = viewer.token
    return [
        row for row in rows if bounds is None or bounds.hold(row.role, None if row.path is None else Path(row.path))
    ]


async def revoke_token(viewer: Viewer, token_id: UUID) -> None:
    """End a token at once; NOT_FOUND where it is not one of those that `tokens` lists."""
    token = next((token for token in await tokens(viewer) if token.id == token_id), None)
    if token is None:
        raise Refused(Problem(ProblemCode.NOT_FOUND, "There is no such token.", ("id",)))
    await token.delete()


async def _record_use(token: ApiToken, now: datetime) -> None:
    if token.last_used_at is None or now - token.last_used_at > _USE_RECORDED_EVERY:
        await ApiToken.filter(id=token.id).update(last_used_at=now)


def _digest(secret: str) -> str:
    # A token is 256 random bits, so a plain hash is as strong as a slow one and costs a request nothing.
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()  # JSON can spell what UTF-8 cannot


def _place(path: Path | None) -> str:
    return f"at {path}" if path else "everywhere"
