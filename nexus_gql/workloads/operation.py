"""An operation as a value, its life, and its steps."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from nexus_gql.paths import Path

from . import models


class OperationKind(StrEnum):
    """What is done."""

    DEPLOY = "DEPLOY"
    SCALE = "SCALE"
    RESTART = "RESTART"
    REMOVE = "REMOVE"
    RUN = "RUN"
    DELETE = "DELETE"


class OperationStatus(StrEnum):
    """How far it is."""

    PENDING = "PENDING"
    APPLYING = "APPLYING"
    ROLLING_OUT = "ROLLING_OUT"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    SUPERSEDED = "SUPERSEDED"


RUNNING = (OperationStatus.APPLYING, OperationStatus.ROLLING_OUT)
UNFINISHED = (OperationStatus.PENDING, *RUNNING)

FULL = frozenset({OperationKind.DEPLOY, OperationKind.REMOVE})
"""Kinds that settle everything about an application, and so replace what is unfinished."""

PARENTS = frozenset({OperationKind.DELETE})
"""Kinds that are on a whole level: their first step carries out operations on its applications, their parts."""


class StepStatus(StrEnum):
    """How far a step is."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


@dataclass(frozen=True, slots=True)
class Step:
    """One step; times are RFC 3339."""

    name: str
    status: StepStatus = StepStatus.PENDING
    message: str | None = None
    started_at: str | None = None
    finished_at: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why it failed, in words; `logs`: the last lines of the container at fault, as [nanoseconds, text, source…].

    `holder`: the path of the application that has what was refused. The words are read also by those who may not see that one, so it
    is added for the others alone (`taken_names.told`).
    """

    reason: str
    message: str
    remedy: str | None = None
    logs: tuple[dict[str, Any], ...] = ()
    holder: str | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """A row as it was read. `application_id`: None for what is done to a whole level, or once it is not declared any more."""

    id: str
    application_id: str | None
    path: Path
    kind: OperationKind
    status: OperationStatus
    number: int
    requested_by: str
    reason: str | None
    request: dict[str, Any]
    steps: tuple[Step, ...]
    message: str
    failure: Failure | None
    revision: int | None
    notes: dict[str, Any]
    ending: OperationStatus | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    parent_id: str | None

    @property
    def unfinished(self) -> bool:
        """Whether something is still to happen."""
        return self.status in UNFINISHED

    @property
    def progress(self) -> float:
        """The share of its steps that are over; the rollout counts by its pods, the parts of a larger one each as a step."""
        if not self.unfinished:
            return 1.0
        over = sum(step.status in {StepStatus.SUCCEEDED, StepStatus.SKIPPED} for step in self.steps)
        if self.kind in PARENTS:
            parts = int(self.notes.get("parts", 0))
            done = parts + over - 1 if over else float(self.notes.get("partsDone", 0.0))
            return min(1.0, done / max(1, parts + len(self.steps) - 1))
        partly = float(self.notes.get("rolledOut", 0.0)) if self.status is OperationStatus.ROLLING_OUT else 0.0
        return min(1.0, (over + partly) / max(1, len(self.steps)))


def operation(row: models.Operation) -> Operation:
    """The value of a row."""
    failure: Any = row.failure
    return Operation(
        id=str(row.id),
        application_id=_text(row.application_id),  # type: ignore[attr-defined]
        path=Path(row.path),
        kind=OperationKind(row.kind),
        status=OperationStatus(row.status),
        number=row.number,
        requested_by=row.requested_by,
        reason=row.reason,
        request=dict(row.request),
        steps=tuple(Step(**{**step, "status": StepStatus(step["status"])}) for step in row.steps),  # type: ignore[arg-type]
        message=row.message,
        failure=None if failure is None else Failure(**{**failure, "logs": tuple(failure["logs"])}),
        revision=row.revision,
        notes=dict(row.notes),
        ending=None if row.ending is None else OperationStatus(row.ending),
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        parent_id=_text(row.parent_id),
    )


def _text(key: UUID | None) -> str | None:
    return None if key is None else str(key)
