"""What a viewer may see and do, as a value: equal scopes are equal, whoever holds them."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from nexus_gql.paths import Path, within

from .roles import Role

Grants = Iterable[tuple[Path | None, Role]]


@dataclass(frozen=True)
class Scope:
    """Roles by path, in a canonical order; a path of None means everywhere."""

    grants: tuple[tuple[Path | None, Role], ...]

    def role(self, path: Path | None) -> Role:
        """The highest role that holds at a path: granted there or above. None asks for everywhere."""
        held = (role for where, role in self.grants if (where is None if path is None else within(where, path)))
        return max(held, default=Role.NONE)

    def sees(self, path: Path) -> bool:
        """Whether the level itself is open to the viewer."""
        return self.role(path) >= Role.VIEWER

    def glimpses(self, path: Path) -> bool:
        """Whether the viewer sees something below, and so this level's path, name and display name."""
        return self.sees(path) or any(where is not None and within(path, where) for where, _ in self.grants)

    @cached_property
    def key(self) -> str:
        """One text for one scope: what cohorts of subscriptions are keyed by."""
        spelled = ";".join(f"{where or '*'}={role.name}" for where, role in self.grants)
        return hashlib.sha256(spelled.encode()).hexdigest()


def scope(grants: Grants) -> Scope:
    """The canonical scope of some grants: what a grant above already gives is left out."""
    best: dict[Path | None, Role] = {}
    for where, role in grants:
        best[where] = max(role, best.get(where, Role.NONE))
    kept = [
        (where, role)
        for where, role in best.items()
        if role > Role.NONE
        and not any(
            other != where and within(other, where) and best[other] >= role for other in best if where is not None
        )
    ]
    return Scope(tuple(sorted(kept, key=lambda grant: (grant[0] or "", grant[1]))))


def narrowed(grants: Grants, *, path: Path | None, role: Role) -> Scope:
    """What is left of grants for a token of one role at one path: never more than the person who made it has now."""
    left = []
    for where, held in grants:
        if within(where, path) if path is not None else where is None:
            left.append((path, min(held, role)))
        elif where is not None and within(path, where):
            left.append((where, min(held, role)))
    return scope(left)


EVERYTHING = scope([(None, Role.ADMIN)])
