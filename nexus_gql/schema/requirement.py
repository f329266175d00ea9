"""The role that a mutation needs, at a level that is there."""

from nexus_gql.access import not_found, require
from nexus_gql.paths import Path
from nexus_gql.problems import Refused

from .context import Context


async def require_level(context: Context, mutation: str, path: Path | None, argument: str = "path") -> None:
    """The role that a mutation needs, at a level that is there."""
    catalogue = await context.rooms.hierarchy.current()
    if path is not None and path not in catalogue.levels:
        raise Refused(not_found(path, argument))
    require(context.viewer, mutation, path, argument)
