"""People with grants, and tokens that act as them."""

from collections.abc import Mapping

from nexus_gql.access import EVERYTHING, Role, Viewer, create_token

from .server import Nexus

GRANT = "mutation ($subject: String!, $role: Role!, $path: Path) { grant(subject: $subject, role: $role, path: $path) { grant { id } problems { code path } } }"


async def person(nexus: Nexus, name: str, grants: Mapping[str | None, str]) -> str:
    """Somebody with grants by path (None: everywhere); a token of theirs. Signing in, which would make it, comes later."""
    for path, role in grants.items():
        await nexus.mutate(GRANT, {"subject": name, "role": role, "path": path})
    _, secret = await create_token(
        Viewer(name, "test", EVERYTHING), name=f"{name}'s", role=Role.ADMIN, path=None, expires_in=None
    )
    return secret
