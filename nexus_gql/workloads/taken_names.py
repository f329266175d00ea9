"""Objects that two applications of one namespace would both have: how it is told, and to whom.

What is stored of it is read by everybody who may see the application that was refused. So no text names the other one: its path is
kept beside the text, and `told` adds it for those who may see that one, too.
"""

from nexus_gql.access import Scope
from nexus_gql.paths import Path

REMEDY = "Choose another name for this application, or for the volume or the rule that the object is named after."


class TakenName(Exception):
    """Another application of this installation has an object of that name. `holder`: its path, where that is known."""

    def __init__(self, message: str, holder: str | None) -> None:
        super().__init__(message)
        self.holder = holder


def belongs(kind: str, name: str, namespace: str) -> str:
    """That an object is another application's."""
    return f"{kind} `{name}` in `{namespace}` belongs to another application."


def told(message: str, holder: str | None, scope: Scope) -> str:
    """A message as somebody reads it: with the application that has what was refused, where they may see that one."""
    if holder is None:
        return message
    return f"{message} It is `{holder}`." if scope.sees(Path(holder)) else f"{message} You may not see that one."
