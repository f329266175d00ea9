"""Who may, in GraphQL: the viewer, grants and tokens."""

import strawberry

from nexus_gql.access import ApiToken, Grant, Role
from nexus_gql.paths import Path

from .node import Node, node_id
from .scalars import Instant


@strawberry.type(name="Viewer", description="Who asks: a person or a program.")
class ViewerType:
    name: str = strawberry.field(description="The subject that grants and operations name.")
    role: Role = strawberry.field(description="Your role everywhere; you may have a higher one at some level.")
    via: str = strawberry.field(description="How you came in: `loopback`, or the token's name.")


@strawberry.type(name="Grant", description="A role that somebody has at a level and below.")
class GrantType(Node):
    subject: str = strawberry.field(description="Who has it.")
    role: Role
    path: Path | None = strawberry.field(description="Where; null: everywhere.")


def grant_type(row: Grant) -> GrantType:
    """A grant as it is shown."""
    return GrantType(
        id=node_id("Grant", str(row.id)),
        subject=row.subject,
        role=Role(row.role),
        path=None if row.path is None else Path(row.path),
    )


@strawberry.type(
    name="ApiToken",
    description="A token for programs. It acts as the person who made it and never has more than they have now.",
)
class ApiTokenType(Node):
    name: str
    role: Role = strawberry.field(description="What it may do at most.")
    path: Path | None = strawberry.field(description="Where; null: everywhere.")
    created_by: str
    created_at: Instant
    expires_at: Instant | None = strawberry.field(description="When it ends; null: never.")
    last_used_at: Instant | None = strawberry.field(description="To the minute; null: never.")


def token_type(row: ApiToken) -> ApiTokenType:
    """A token as it is shown."""
    return ApiTokenType(
        id=node_id("ApiToken", str(row.id)),
        name=row.name,
        role=Role(row.role),
        path=None if row.path is None else Path(row.path),
        created_by=row.created_by,
        created_at=Instant(row.created_at),
        expires_at=None if row.expires_at is None else Instant(row.expires_at),
        last_used_at=None if row.last_used_at is None else Instant(row.last_used_at),
    )
