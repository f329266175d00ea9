"""How Nexus says no: expected refusals as data, the rest as errors with a code.

A `Problem` is an answer: mutations return a list of them and have then changed nothing. A `Failure` is an error of GraphQL with
`extensions.code`. Whatever else is raised is a fault of ours: it is masked, logged with an id, and shown as INTERNAL.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum


class ProblemCode(StrEnum):
    """What kind of refusal it is, which is what a program decides by."""

    INVALID = "INVALID"
    NOT_FOUND = "NOT_FOUND"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    CONFLICT = "CONFLICT"
    FORBIDDEN = "FORBIDDEN"
    IN_USE = "IN_USE"
    LIMIT = "LIMIT"
    UNREACHABLE = "UNREACHABLE"
    UNSUPPORTED = "UNSUPPORTED"
    MISSING_SECRET = "MISSING_SECRET"  # noqa: S105
    MISSING_REFERENCE = "MISSING_REFERENCE"


@dataclass(frozen=True, slots=True)
class Problem:
    """An expected refusal: what is wrong, where in the input, and what to do about it.

    `path` counts from the mutation's arguments, list positions written as digits: `("patch", "env", "2", "name")`.
    """

    code: ProblemCode
    message: str
    path: tuple[str, ...] = ()
    remedy: str | None = None

    def under(self, *prefix: str) -> "Problem":
        """The same problem, seen from further out."""
        return replace(self, path=(*prefix, *self.path))


class Refused(Exception):
    """Leaves a transaction so that nothing of it stays; the mutation answers with the problems."""

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems: Sequence[Problem] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("; ".join(problem.message for problem in self.problems))

    def under(self, *prefix: str) -> "Refused":
        """The same refusal, seen from further out."""
        return Refused(problem.under(*prefix) for problem in self.problems)


class Failure(Exception):
    """An error whose text the client may read; ordered below by what the reader can do about it."""

    code = "INTERNAL"


class Unauthenticated(Failure):
    """Sign in, or renew the token."""

    code = "UNAUTHENTICATED"


class Forbidden(Failure):
    """Ask somebody for the role."""

    code = "FORBIDDEN"


class NotFound(Failure):
    """It is not there, or the viewer may not see it."""

    code = "NOT_FOUND"


class BadRequest(Failure):
    """Change the request."""

    code = "BAD_REQUEST"


class TooExpensive(Failure):
    """Ask for less at once."""

    code = "TOO_EXPENSIVE"


class TooMany(Failure):
    """Narrow the scope, or come back later."""

    code = "TOO_MANY"


class Unreachable(Failure):
    """Another machine does not answer now; try again."""

    code = "UNREACHABLE"
