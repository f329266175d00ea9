"""Asks the table of mutations whether a viewer may."""

from nexus_gql.paths import Path, parent
from nexus_gql.problems import NotFound, Problem, ProblemCode, Refused

from .roles import MUTATIONS, At, Role
from .viewer import Viewer


def require(viewer: Viewer, mutation: str, path: Path | None, *argument: str) -> None:
    """Refuse what the viewer may not do at a path: NOT_FOUND where they may not even see it, else FORBIDDEN.

    `argument` is where in the input the path came from.
    """
    need = MUTATIONS[mutation]
    where = {At.PATH: path, At.PARENT: parent(path) if path else None, At.EVERYWHERE: None}[need.at]
    require_role(viewer, need.role, where, *argument, seen=path)


def require_role(viewer: Viewer, role: Role, where: Path | None, *argument: str, seen: Path | None = None) -> None:
    """Refuse a viewer who has less than a role at a place. `seen`: the level whose existence the refusal would give away."""
    level = seen or where
    if level is not None and not viewer.scope.glimpses(level):
        raise Refused(not_found(level, *argument))
    held = viewer.scope.role(where)
    if held < role:
        place = f"at {where}" if where else "everywhere"
        raise Refused(
            Problem(
                ProblemCode.FORBIDDEN,
                f"This needs the role {role.name} {place}; you have {held.name}.",
                argument,
                remedy="Ask an administrator for a grant.",
            )
        )


def not_found(path: Path, *argument: str) -> Problem:
    """What is said of a level that is not there, and of one that the viewer may not see."""
    return Problem(
        ProblemCode.NOT_FOUND,
        f"There is no `{path}`.",
        argument,
        remedy="Check the path; `projects` lists what there is.",
    )


def require_sight(viewer: Viewer, path: Path) -> None:
    """Raise the error NOT_FOUND for a level that the viewer may not see: for queries and subscriptions."""
    if not viewer.scope.sees(path):
        raise NotFound(f"There is no `{path}`.")
