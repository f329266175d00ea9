"""Who asks: passed to every resolver, feed and operation."""

from dataclasses import dataclass
from datetime import datetime

from .scope import EVERYTHING, Scope

LOCAL = "local"
OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Viewer:
    """A person or a program, how they came in, and what they may do.

    `name` is the subject that grants and operations name; `expires_at` is when what they came in with ends.
    """

    name: str
    via: str
    scope: Scope
    expires_at: datetime | None = None


LOCAL_VIEWER = Viewer(LOCAL, "loopback", EVERYTHING)
"""Whoever reaches a server that runs without authentication, which listens on loopback only."""

OPERATOR_VIEWER = Viewer(OPERATOR, "command line", EVERYTHING)
"""Whoever runs `nexus` on the server's own machine, and so has its database anyway."""
