"""The rows of what was asked for: stored, found again by their request's id, and ended by what takes their place."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID

from nexus_gql import clock
from nexus_gql.access import Viewer
from nexus_gql.hierarchy import Application
from nexus_gql.problems import Problem, ProblemCode, Refused

from . import models
from .execution import STEPS
from .operation import FULL, RUNNING, UNFINISHED, OperationKind, OperationStatus, Step
from .subject import Surroundings
from .wanted import Wanted

_REPEATED_WITHIN = timedelta(days=1)


def _request(around: Surroundings, wanted: Wanted) -> dict[str, Any]:
    """What an equal request is equal in. A patch may hold secrets, so only its fingerprint is kept."""
    request: dict[str, Any] = {"takeOver": wanted.options.take_over, "reason": wanted.options.reason}
    request |= {"recreate": wanted.options.recreate, "deleteVolumes": wanted.options.delete_volumes}
    if wanted.replicas is not None:
        request["replicas"] = wanted.replicas
    if wanted.shape is not None:
        request["patch"] = around.vault.fingerprint(json.dumps(wanted.shape, sort_keys=True))
    return request


async def repeated(around: Surroundings, viewer: Viewer, wanted: Wanted) -> models.Operation | None:
    """The operation that the same viewer asked for under the same id within a day; Refused where that was another."""
    if wanted.options.request_id is None:
        return None
    row = (
        await models.Operation.filter(
            requested_by=viewer.name,
            request_id=wanted.options.request_id,
            created_at__gt=clock.now() - _REPEATED_WITHIN,
        )
        .order_by("-created_at")
        .first()
    )
    if row is None:
        return None
    asked = (wanted.kind, wanted.path, _request(around, wanted))
    if (row.kind, row.path, row.request) != asked:
        message = f"The requestId was used for another request ({row.kind} of `{row.path}`)."
        raise Refused(Problem(ProblemCode.CONFLICT, message, ("options", "requestId"), "Use a new one."))
    return row


async def end_earlier(application: Application, kind: OperationKind) -> list[models.Operation]:
    """End the operations of an application that one of a kind takes the place of; answers their rows."""
    earlier = await models.Operation.filter(application_id=application.id, status__in=UNFINISHED).order_by("number")
    replaced = [row for row in earlier if _replaces(kind, OperationKind(row.kind))]
    await _replace(replaced)
    return replaced


def _replaces(new: OperationKind, old: OperationKind) -> bool:
    return new in FULL or (new is OperationKind.SCALE and old is OperationKind.SCALE)


async def _replace(rows: list[models.Operation]) -> None:
    """End what waits; ask what runs to end at its next step."""
    for row in rows:
        if row.status in RUNNING or row.lease is not None:
            row.ending = OperationStatus.SUPERSEDED
        else:
            row.status = OperationStatus.SUPERSEDED
            row.message, row.finished_at = "A newer operation took its place before it began.", clock.now()
            # Whoever claims it in this very moment finds this word first.
            row.ending = OperationStatus.SUPERSEDED
        await row.save(update_fields=["ending", "status", "message", "finished_at"])


async def store(
    around: Surroundings,
    viewer: Viewer,
    wanted: Wanted,
    *,
    row_id: UUID,
    application: Application | None = None,
    parent_id: UUID | None = None,
    held: bool = False,
    notes: Mapping[str, Any] | None = None,
) -> models.Operation:
    """The row of an operation that some worker will carry out. A part of another is found by that, not by its request's id."""
    return await models.Operation.create(
        id=row_id,
        application_id=None if application is None else UUID(application.id),
        parent_id=parent_id,
        held=held,
        notes=dict(notes or {}),
        path=wanted.path,
        kind=wanted.kind,
        status=OperationStatus.PENDING,
        number=0 if application is None else application.operation_number + 1,
        requested_by=viewer.name,
        reason=wanted.options.reason,
        request_id=wanted.options.request_id if parent_id is None else None,
        request=_request(around, wanted),
        steps=[asdict(Step(name)) for name in STEPS[wanted.kind]],
        message="It waits for its turn.",
        created_at=clock.now(),
    )
