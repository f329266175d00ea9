"""Granting roles, and making and revoking tokens."""

from uuid import UUID

import strawberry

from nexus_gql import clock
from nexus_gql.access import Role, create_token, cut_short, grant, revoke_token
from nexus_gql.paths import Path
from nexus_gql.problems import BadRequest, Problem, ProblemCode, Refused

from .access import ApiTokenType, GrantType, grant_type, token_type
from .context import Info
from .node import key_of
from .operation_mutations import DeletePayload
from .payloads import ProblemType, answered, not_made, nothing_done, problems_of, was_done
from .requirement import require_level
from .scalars import Duration


@strawberry.type(description="The grant as it is now.")
class GrantPayload:
    grant: GrantType | None = not_made()
    problems: list[ProblemType] = nothing_done()
    warnings: list[ProblemType] = was_done()


@strawberry.type(description="A new token.")
class TokenPayload:
    token: ApiTokenType | None = not_made()
    secret: str | None = strawberry.field(default=None, description="The token itself, this once.")
    problems: list[ProblemType] = nothing_done()
    warnings: list[ProblemType] = was_done()


@strawberry.type
class AccessMutations:
    """Of grants and tokens."""

    @strawberry.mutation(
        description="Give somebody a role at a level and below, or everywhere; NONE takes it back. Needs ADMIN there."
    )
    async def grant(self, info: Info, subject: str, role: Role, path: Path | None = None) -> GrantPayload:
        async def work() -> GrantPayload:
            await require_level(info.context, "grant", path)
            return GrantPayload(grant=grant_type(await grant(subject, role, path)))

        return await answered(GrantPayload, work())

    @strawberry.mutation(
        description="Make a token that acts as you, with a role at most as high as yours. Made with a token that has an end, it ends no "
        "later: where more was asked for (or no end), a warning (LIMIT) says so. The secret is in the answer this once."
    )
    async def create_token(
        self,
        info: Info,
        name: str,
        role: Role,
        path: Path | None = None,
        expires_in: Duration | None = None,
    ) -> TokenPayload:
        async def work() -> TokenPayload:
            await require_level(info.context, "createToken", path)
            try:
                span = None if expires_in is None else clock.parse_duration(expires_in)
            except ValueError as error:
                raise Refused(Problem(ProblemCode.INVALID, str(error), ("expiresIn",))) from error
            viewer = info.context.viewer
            made, secret = await create_token(viewer, name=name, role=role, path=path, expires_in=span)
            warning = cut_short(made, span)
            warnings = [] if warning is None else problems_of([warning])
            return TokenPayload(token=token_type(made), secret=secret, warnings=warnings)

        return await answered(TokenPayload, work())

    @strawberry.mutation(description="End a token at once: one of those that `tokens` lists.")
    async def revoke_token(self, info: Info, id: strawberry.ID) -> DeletePayload:  # noqa: A002
        async def work() -> DeletePayload:
            try:
                key = UUID(key_of(id, "ApiToken"))
            except (BadRequest, ValueError) as error:
                message = f"{id[:100]!r} is no id of the type ApiToken."
                raise Refused(Problem(ProblemCode.INVALID, message, ("id",))) from error
            await revoke_token(info.context.viewer, key)
            return DeletePayload(deleted=id)

        return await answered(DeletePayload, work())
