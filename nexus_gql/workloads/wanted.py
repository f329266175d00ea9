"""What somebody asks for: one operation with its options, and what was accepted of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from nexus_gql.paths import Path
from nexus_gql.problems import Problem, ProblemCode

from .operation import Operation, OperationKind

_LIMITS = {"reason": 4000, "requestId": 255}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What may be said with any operation."""

    reason: str | None = None
    expected_version: int | None = None
    request_id: str | None = None
    dry_run: bool = False
    take_over: bool = False
    recreate: bool = False
    delete_volumes: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """One operation that somebody asks for. `shape`: a patch as the API gives it."""

    kind: OperationKind
    path: Path
    options: Options
    shape: Mapping[str, Any] | None = None
    replicas: int | None = None

    @property
    def patch(self) -> Mapping[str, Any] | None:
        """What is stored at the application first."""
        return {"replicas": self.replicas} if self.replicas is not None else self.shape


@dataclass(frozen=True, slots=True)
class Accepted:
    """The operation (None for a dry run), and what was done nevertheless."""

    operation: Operation | None
    warnings: list[Problem]


def options_problems(options: Options) -> list[Problem]:
    """What is wrong with the texts of some options."""
    texts = {"reason": options.reason, "requestId": options.request_id}
    return [
        Problem(ProblemCode.INVALID, f"{name} has at most {_LIMITS[name]} characters, without NUL.", ("options", name))
        for name, text in texts.items()
        if text is not None and (len(text) > _LIMITS[name] or "\0" in text)
    ]


def in_options(problem: Problem) -> Problem:
    """A problem with the expected version, seen from a mutation that has it among its options."""
    return replace(problem, path=("options", *problem.path)) if problem.path == ("expectedVersion",) else problem
