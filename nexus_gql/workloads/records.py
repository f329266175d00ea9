"""What an operation writes into the database on its way: each a transaction, so that a kill between two leaves nothing half said."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tortoise.expressions import F

from nexus_gql import clock
from nexus_gql.database import next_change, transactional
from nexus_gql.hierarchy import (
    Application,
    Catalogue,
    Effective,
    Frozen,
    Hierarchy,
    delete_within,
    record_running,
)

from . import models
from .holding import Holding
from .manifests import Manifest, image, render, with_replicas
from .operation import PARENTS, Failure, OperationKind, OperationStatus, StepStatus
from .parts import drop_held
from .preparation import obstacles, rendering
from .revisions import Revision, next_revision, revision, write_revision


class Failed(Exception):
    """The operation has failed, for this reason."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


@transactional
async def settle(
    holding: Holding,
    hierarchy: Hierarchy,
    installation_id: str,
    *,
    found: int,
    rewrite: bool,
    secrets_fingerprint: str | None,
) -> None:
    """Settle an operation's number and what it will apply, once: a second worker finds it settled.

    `found`: the highest number on the application's objects.
    """
    row = holding.row
    change = await next_change()
    catalogue = await hierarchy.locked(change)
    application = catalogue.by_id(holding.operation.application_id or "")
    if not isinstance(application, Application):
        raise Failed(Failure("NotFound", f"`{row.path}` is not declared any more."))
    await _go_on_above(holding, application, found, change)
    await holding.write(notes={**row.notes, "rewrite": rewrite})
    if row.revision is not None:
        return
    if row.kind in {OperationKind.RESTART, OperationKind.RUN}:
        await holding.write(revision=(await _current(application)).number)
        return
    settings, manifests, reference = (
        _declared(catalogue, application, installation_id, secrets_fingerprint, await next_revision(application.id))
        if row.kind == OperationKind.DEPLOY
        else _scaled(catalogue, application, await _current(application), int(str(row.request["replicas"])))
    )
    number = await write_revision(
        application_id=application.id,
        operation=row,
        settings=settings,
        manifests=manifests,
        image=reference,
        at=clock.now(),
    )
    await holding.write(revision=number)


async def _go_on_above(holding: Holding, application: Application, found: int, change: int) -> None:
    """Where the cluster has seen higher numbers than the database (which was restored), go on above them."""
    row = holding.row
    later = models.Operation.filter(application_id=application.id)
    if found <= row.number or await later.filter(number__gte=found).exists():
        return
    ahead = found - row.number + 1
    await later.filter(number__gt=row.number).update(number=F("number") + ahead)
    await record_running(application.id, change, {"operation_number": application.operation_number + ahead})
    await holding.write(number=row.number + ahead)


async def _current(application: Application) -> Revision:
    number = application.revision
    found = None if number is None else await revision(application.id, application.path, number)
    if found is None:
        raise Failed(Failure("NotDeployed", "It is not deployed.", "Deploy it first."))
    return found


def _declared(
    catalogue: Catalogue,
    application: Application,
    installation_id: str,
    secrets_fingerprint: str | None,
    number: int,
) -> tuple[Effective | Frozen, Sequence[Manifest], str]:
    if wrong := obstacles(catalogue, application):
        problem = wrong[0].problem
        raise Failed(Failure(problem.code, problem.message, problem.remedy, holder=wrong[0].holder))
    settings = catalogue.effective(application.path)
    manifests = render(rendering(catalogue, application, installation_id, secrets_fingerprint, number))
    return settings, manifests, image(settings.document)


def _scaled(
    catalogue: Catalogue, application: Application, current: Revision, replicas: int
) -> tuple[Effective | Frozen, Sequence[Manifest], str]:
    settings = current.settings.with_leaf(catalogue.effective(application.path), "replicas")
    return settings, with_replicas(current.manifests, replicas), current.image


@transactional
async def record_applied(holding: Holding, notes: dict[str, Any]) -> None:
    """What the application is made of now."""
    change = await next_change()
    await holding.write(notes=notes)
    await record_running(
        holding.operation.application_id or "", change, {"revision": holding.row.revision, "deployed": True}
    )


@transactional
async def record_end(
    holding: Holding, status: OperationStatus, message: str, failure: Failure | None
) -> list[models.Operation]:
    """How the operation ended; the lease goes with it. Answers the parts of it that ended with it, whose turn never came."""
    row, application_id = holding.row, holding.operation.application_id or ""
    change = await next_change()
    if row.kind == OperationKind.REMOVE and status is OperationStatus.SUCCEEDED:
        await record_running(application_id, change, {"deployed": False, "revision": None})
    if row.kind == OperationKind.DEPLOY and status is OperationStatus.FAILED and not _wrote(row):
        await _forget_unless_there(application_id, change)
    await models.Revision.filter(operation_id=row.id).update(outcome=status)
    await holding.write(
        status=status,
        message=message,
        failure=None if failure is None else {**asdict(failure), "logs": list(failure.logs)},
        finished_at=clock.now(),
        steps=_settled(row.steps),
        lease=None,
        lease_until=None,
    )
    if row.kind not in PARENTS:
        return []
    return await drop_held(row.id, "It did not begin, since the operation that it is part of has ended.")


@transactional
async def record_deletion(holding: Holding, hierarchy: Hierarchy) -> None:
    """Take the level and all below it out of the hierarchy: all of it or nothing, and nothing where it is gone already."""
    change = await next_change()
    catalogue = await hierarchy.locked(change)
    level = catalogue.by_id(str(holding.row.notes["level"]))
    await holding.write(message="It is taken out of the hierarchy.")  # LostLease where another worker has it
    if level is None:
        return
    left = [f"`{one.path}`" for one in catalogue.applications(level.path) if one.deployed]
    if left:
        raise Failed(Failure("InUse", f"Still on its cluster: {', '.join(left[:5])}.", "Ask for the deletion again."))
    await delete_within(catalogue, level)


def _wrote(row: models.Operation) -> bool:
    untouched = {StepStatus.PENDING, StepStatus.SKIPPED}
    return any(step["name"] == "apply" and step["status"] not in untouched for step in row.steps)


async def _forget_unless_there(application_id: str, change: int) -> None:
    """A deployment that failed before it wrote anything leaves the application as little deployed as before."""
    kinds = (OperationKind.DEPLOY, OperationKind.REMOVE)
    async for row in models.Operation.filter(application_id=application_id, kind__in=kinds).order_by("-number"):
        if row.kind == OperationKind.DEPLOY and _wrote(row):
            return
        if row.kind == OperationKind.REMOVE and row.status == OperationStatus.SUCCEEDED:
            break
    await record_running(application_id, change, {"deployed": False})


def _settled(steps: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The steps of an operation that is over: what was not reached is skipped, what was under way has not succeeded."""
    ends = {StepStatus.PENDING: StepStatus.SKIPPED, StepStatus.RUNNING: StepStatus.FAILED}
    return [{**step, "status": ends.get(StepStatus(step["status"]), step["status"])} for step in steps]
