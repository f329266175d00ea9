"""Who asks: passed to every resolver, feed and operation."""

from dataclasses import dataclass
from datetime import datetime

from nexus_gql.paths import Path, within

from .roles import Role
from .scope import EVERYTHING, Scope

LOCAL = "local"
OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class TokenBounds:
    """What the token that somebody came in with may do at most, whatever the person may."""

    role: Role
    path: Path | None

    def hold(self, role: Role, path: Path | None) -> bool:
        """Whether a token of this role and path has no more."""
        inside = self.path is None or (path is not None and within(self.path, path))
        return inside and role <= self.role


@dataclass(frozen=True, slots=True)
class Viewer:
    """A person or a program, how they came in, and what they may do.

    `name` is the subject that grants and operations name; `expires_at` is when what they came in with ends; `token` is None for
    who came in without one.
    """

    name: str
    via: str
    scope: Scope
    expires_at: datetime | None = None
    token: TokenBounds | None = None


LOCAL_VIEWER = Viewer(LOCAL, "loopback", EVERYTHING)
"""Whoever reaches a server that runs without authentication, which listens on loopback only."""

OPERATOR_VIEWER = Viewer(OPERATOR, "command line", EVERYTHING)
"""Whoever runs `nexus` on the server's own machine, and so has its database anyway."""
