"""A level as its caller last saw it."""

from nexus_gql.access import not_found
from nexus_gql.paths import Path
from nexus_gql.problems import Problem, ProblemCode, Refused

from .catalogue import Catalogue, Level


def level_at(catalogue: Catalogue, path: Path, expected_version: int | None) -> Level:
    """The level at a path, as the caller last saw it: NOT_FOUND, or CONFLICT where it has changed since."""
    level = catalogue.levels.get(path)
    if level is None:
        raise Refused(not_found(path, "path"))
    if expected_version is not None and expected_version != level.version:
        message = f"`{path}` has version {level.version}, not {expected_version}: somebody changed it meanwhile."
        remedy = "Read it again, and decide on what is there now."
        raise Refused(Problem(ProblemCode.CONFLICT, message, ("expectedVersion",), remedy))
    return level
