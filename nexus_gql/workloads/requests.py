"""Asking for operations: what stands in the way is said at once, what is accepted is a row that some worker will carry out."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from nexus_gql import clock
from nexus_gql.access import Viewer, not_found
from nexus_gql.clusters import AccessError, ClusterError, Connection, RequestError
from nexus_gql.database import next_change, transactional
from nexus_gql.hierarchy import (
    Application,
    Catalogue,
    Document,
    Namespace,
    Patch,
    WorkloadKind,
    autoscaled,
    checked_patch,
    configure_within,
    level_at,
    out_of_sight,
    preview,
    record_running,
    workload_kind,
)
from nexus_gql.paths import Path
from nexus_gql.problems import Problem, ProblemCode, Refused

from . import apply, models
from .apply import Fence, FieldConflict, ForeignObject, Overtaken
from .claims import refuse_taken
from .deployed import deployed_settings
from .kubernetes_namespace import namespace
from .manifests import render
from .operation import FULL, UNFINISHED, Operation, OperationKind, OperationStatus, operation
from .parts import unfinished_parts
from .preparation import Obstacle, obstacles, place_of, rendering
from .replacement import Fixed, as_another_kind
from .request_rows import end_earlier, repeated, store
from .secret_values import missing_keys
from .subject import Surroundings
from .taken_names import REMEDY, TakenName, told
from .under_deletion import refuse_while_deleted
from .wanted import Accepted, Wanted, in_options, options_problems


class Requests:
    """The door for everything that changes what runs."""

    def __init__(
        self, around: Surroundings, tell: Callable[[models.Operation], None], wake: Callable[[], None]
    ) -> None:
        self._around = around
        self._tell = tell
        self._wake = wake

    async def ask(self, viewer: Viewer, wanted: Wanted) -> Accepted:
        """Accept an operation, or Refused with paths that count from the mutation's arguments."""
        try:
            return await self._ask(viewer, wanted)
        except Refused as refused:
            raise Refused(_seen_from_outside(problem, wanted) for problem in refused.problems) from refused

    async def _ask(self, viewer: Viewer, wanted: Wanted) -> Accepted:
        patch, problems = checked_patch(wanted.patch or {}, "patch")
        problems += options_problems(wanted.options)
        if problems:
            raise Refused(problems)
        catalogue = await self._around.hierarchy.current()
        if not isinstance(catalogue.levels.get(wanted.path), Application):
            raise Refused(_no_application(catalogue, wanted))
        if (known := await repeated(self._around, viewer, wanted)) is not None:
            return Accepted(operation(known), [])
        await self._ask_cluster(viewer, wanted, patch, catalogue)
        if wanted.options.dry_run:
            await _refuse_unacceptable(viewer, wanted, patch, catalogue)
            outcome = preview(catalogue, viewer, wanted.path, patch, wanted.options.expected_version)
            return Accepted(None, outcome.warnings)
        accepted, touched = await _accept(self._around, viewer, wanted, patch)
        await self.hand_over(touched)
        return accepted

    async def hand_over(self, touched: list[models.Operation]) -> None:
        """Let everybody know of operations that were stored or ended, and begin with them."""
        await self._around.hierarchy.current()
        for row in touched:
            self._tell(row)
        self._wake()

    async def cancel(self, operation_id: UUID) -> Operation:
        """End an operation with its parts: what waits at once, what runs at its next step. Refused where it has ended."""
        rows = await _cancel(operation_id)
        await self.hand_over(rows)
        return operation(rows[0])

    async def _ask_cluster(self, viewer: Viewer, wanted: Wanted, patch: Patch, catalogue: Catalogue) -> None:
        """What only the cluster can say before a deployment: Secrets that must be there; for a dry run, all that it would refuse."""
        if wanted.kind is not OperationKind.DEPLOY:
            return
        after = preview(catalogue, viewer, wanted.path, patch, wanted.options.expected_version).catalogue
        place = place_of(after, wanted.path)
        document = after.effective(wanted.path).document
        asks = wanted.options.dry_run or any(
            isinstance(value, dict) and "secretKey" in value for value in document.values()
        )
        if place is None or not asks or _in_the_way(viewer, patch, after, wanted.path):
            return
        link = self._around.fleet.link(place.cluster_id)
        if link is None:
            return
        try:
            connection = await link.connected()
            absent = await missing_keys(connection, place.namespace, document)
            if absent:
                remedy = "Create it on the cluster, or use `secret`, which Nexus keeps itself."
                raise Refused(
                    Problem(
                        ProblemCode.MISSING_SECRET,
                        f"env.{variable}: {message}",
                        _at(patch, f"env.{variable}"),
                        remedy,
                    )
                    for variable, message in sorted(absent.items())
                )
            if wanted.options.dry_run and await namespace(connection, place.namespace) is not None:
                await self._rehearse(connection, viewer, wanted, patch, after)
        except RequestError as error:
            raise Refused(Problem(ProblemCode.INVALID, f"Kubernetes refuses it: {error}", ("path",))) from error
        except AccessError as error:
            raise Refused(Problem(ProblemCode.FORBIDDEN, str(error), ("path",))) from error
        except ClusterError as error:
            remedy = "Try again when the cluster answers."
            raise Refused(Problem(ProblemCode.UNREACHABLE, str(error), ("path",), remedy)) from error

    async def _rehearse(
        self, connection: Connection, viewer: Viewer, wanted: Wanted, patch: Patch, after: Catalogue
    ) -> None:
        application = _application(after, wanted.path)
        fence = Fence(
            application.operation_number + 1,
            self._around.installation_id,
            lambda: None,
            take_over=wanted.options.take_over,
            recreate=wanted.options.recreate,
        )
        number = (application.revision or 0) + 1
        manifests = render(rendering(after, application, self._around.installation_id, None, number))
        try:
            await refuse_taken(
                connection, after.above(Namespace, wanted.path).kubernetes_name, manifests, application, after
            )
            for manifest in manifests:
                placeholder = dict.fromkeys(manifest.get("data") or {}, "")
                await apply.rehearse(connection, apply.with_secrets(manifest, placeholder), fence)
        except TakenName as error:
            message = told(str(error), error.holder, viewer.scope)
            raise Refused(Problem(ProblemCode.CONFLICT, message, ("path",), REMEDY)) from error
        except Fixed as error:
            raise Refused(_placed(viewer, _fixed_by(error), patch)) from error
        except (ForeignObject, FieldConflict, Overtaken) as error:
            remedy = "With takeOver it becomes Nexus's own."
            raise Refused(Problem(ProblemCode.CONFLICT, str(error), ("path",), remedy)) from error


def _application(catalogue: Catalogue, path: Path) -> Application:
    level = catalogue.levels[path]
    assert isinstance(level, Application)  # noqa: S101
    return level


def _no_application(catalogue: Catalogue, wanted: Wanted) -> Problem:
    level = catalogue.levels.get(wanted.path)
    if level is None:
        return not_found(wanted.path, "path")
    message, remedy = _ON_A_LEVEL[wanted.kind]
    noun = type(level).__name__.lower()
    what = f"`{wanted.path}` is {'an' if noun[0] in 'aeiou' else 'a'} {noun}"
    return Problem(ProblemCode.UNSUPPORTED, f"{what}; {message}", ("path",), remedy)


_ONE = "Name one of its applications."
_ON_A_LEVEL = {
    OperationKind.DEPLOY: ("deploying all that is below it is not built yet.", "Deploy its applications one by one."),
    OperationKind.SCALE: ("only an application is scaled.", _ONE),
    OperationKind.RESTART: ("only an application is restarted.", _ONE),
    OperationKind.RUN: ("only an application is run.", _ONE),
    OperationKind.REMOVE: (
        "only an application is removed.",
        f"{_ONE} `deleteLevel` with `remove` takes all of them away, and their declarations, too.",
    ),
}
"""Of each kind of operation, what is wrong with asking for it on a level above applications."""


def _seen_from_outside(problem: Problem, wanted: Wanted) -> Problem:
    """A problem with its path in the mutation's own arguments: `scale` has no patch, and the version stands in the options."""
    if problem.path[:1] == ("patch",) and wanted.replicas is not None:
        return replace(problem, path=("replicas",))
    return in_options(problem)


def _at(patch: Patch, key: str | None) -> tuple[str, ...]:
    """Where in the input a setting stands: in the patch, if that sets it, else at the application that is named."""
    where = patch.where(key) if key is not None else ()
    return ("patch", *where) if where else ("path",)


def _placed(viewer: Viewer, obstacle: Obstacle, patch: Patch) -> Problem:
    where = _at(patch, obstacle.key)
    inside = obstacle.problem.path if where[0] == "patch" else ()
    message = told(obstacle.problem.message, obstacle.holder, viewer.scope)
    return replace(obstacle.problem, message=message, path=(*where, *inside))


def _in_the_way(viewer: Viewer, patch: Patch, after: Catalogue, path: Path) -> list[Obstacle]:
    """What keeps an application from being deployed once the patch is stored."""
    return obstacles(after, _application(after, path), out_of_sight(after, viewer, path, patch))


async def _refuse_unacceptable(viewer: Viewer, wanted: Wanted, patch: Patch, catalogue: Catalogue) -> None:
    """Refuse what the catalogue, patched, and what is deployed say cannot be done."""
    application = _application(catalogue, wanted.path)
    deployed = (await deployed_settings([application.id])).get(application.id) if application.deployed else None
    if wanted.kind is OperationKind.DEPLOY:
        after = preview(catalogue, viewer, wanted.path, patch, wanted.options.expected_version).catalogue
        wrong = _in_the_way(viewer, patch, after, wanted.path)
        if deployed is not None and not wanted.options.recreate:
            wrong += _another_kind(deployed, after.effective(wanted.path).document)
        if wrong:
            raise Refused(_placed(viewer, obstacle, patch) for obstacle in wrong)
    elif wanted.kind is OperationKind.RUN and (problem := _no_job(catalogue, application, deployed)) is not None:
        raise Refused(problem)
    elif not application.deployed or (wanted.kind is not OperationKind.REMOVE and application.revision is None):
        message = f"`{wanted.path}` is not deployed."
        raise Refused(Problem(ProblemCode.INVALID, message, ("path",), "Deploy it first (`deploy`)."))
    else:
        _fitting(wanted, catalogue.effective(wanted.path).document, deployed)


def _another_kind(deployed: Document, declared: Document) -> list[Obstacle]:
    """That an application, deployed with some settings, would become another kind of workload."""
    found = as_another_kind(workload_kind(deployed), workload_kind(declared))
    return [] if found is None else [_fixed_by(found)]


def _fixed_by(error: Fixed) -> Obstacle:
    return Obstacle(next(iter(error.settings), None), Problem(ProblemCode.INVALID, str(error), remedy=error.remedy))


def _no_job(catalogue: Catalogue, application: Application, deployed: Document | None) -> Problem | None:
    """Why something is not run: only what runs to its end is."""
    kind = workload_kind(catalogue.effective(application.path).document if deployed is None else deployed)
    if kind in _NOT_RESTARTED:
        return None
    message = f"`{application.path}` is a {kind}, which goes on running; only a JOB or a CRON_JOB is run."
    remedy = "`restart` starts its pods anew; deployed with `workload: JOB` it would run to its end."
    return Problem(ProblemCode.UNSUPPORTED, message, ("path",), remedy)


_NOT_RESTARTED = {WorkloadKind.JOB, WorkloadKind.CRON_JOB}
_NOT_SCALED = {*_NOT_RESTARTED, WorkloadKind.DAEMON_SET}


def _fitting(wanted: Wanted, declared: Document, deployed: Document | None) -> None:
    """Refuse to scale or restart what has no such number, or nothing that goes on.

    It is done to what is deployed, which may have been declared to become another kind since.
    """
    kind = workload_kind(declared if deployed is None else deployed)
    if wanted.kind is OperationKind.SCALE and autoscaled(declared):
        remedy = "Change autoscaling.min and autoscaling.max instead, or take autoscaling away."
        message = "Kubernetes chooses how many pods run (autoscaling)."
    elif wanted.kind is OperationKind.SCALE and kind in _NOT_SCALED:
        remedy = "A DAEMON_SET runs on every node; a job has job.parallelism."
        message = f"A {kind} has no number of pods to choose."
    elif wanted.kind is OperationKind.RESTART and kind in _NOT_RESTARTED:
        remedy = "`run` runs it once more."
        message = f"A {kind} runs to its end and is not restarted."
    else:
        return
    raise Refused(Problem(ProblemCode.INVALID, message, ("path",), remedy))


@transactional
async def _accept(
    around: Surroundings, viewer: Viewer, wanted: Wanted, patch: Patch
) -> tuple[Accepted, list[models.Operation]]:
    """Store the patch and the operation, and end what it replaces. Answers also the rows that others should hear of."""
    change = await next_change()
    catalogue = await around.hierarchy.locked(change)
    if not isinstance(catalogue.levels.get(wanted.path), Application):
        raise Refused(_no_application(catalogue, wanted))
    if (known := await repeated(around, viewer, wanted)) is not None:
        return Accepted(operation(known), []), []
    if wanted.kind is not OperationKind.REMOVE:
        await refuse_while_deleted(wanted.path)
    application = _application(catalogue, wanted.path)
    level_at(catalogue, wanted.path, wanted.options.expected_version)
    await _refuse_unacceptable(viewer, wanted, patch, catalogue)
    warnings: list[Problem] = []
    if not patch.is_empty:
        outcome = await configure_within(catalogue, change, around.vault, viewer, wanted.path, patch)
        warnings = outcome.warnings
    columns: dict[str, Any] = {}
    if wanted.kind is OperationKind.RESTART:
        columns["restarted_at"] = clock.now()
    whole = await _absorbing(catalogue, application, wanted.kind)
    if whole is not None:
        if columns:
            await record_running(application.id, change, columns)
        return Accepted(operation(whole), warnings), []
    replaced = await end_earlier(application, wanted.kind)
    row = await store(around, viewer, wanted, application=application, row_id=uuid4())
    columns["operation_number"] = row.number
    if wanted.kind is OperationKind.DEPLOY:
        columns["deployed"] = True
    await record_running(application.id, change, columns)
    return Accepted(operation(row), warnings), [*replaced, row]


async def _absorbing(catalogue: Catalogue, application: Application, kind: OperationKind) -> models.Operation | None:
    """The operation that waits already and does what is asked for as well. A run is part of no removal, and is refused then."""
    if kind in FULL:
        return None
    earlier = await models.Operation.filter(application_id=application.id, status__in=UNFINISHED).order_by("-number")
    if kind is OperationKind.RUN:
        if (removal := next((row for row in earlier if row.kind == OperationKind.REMOVE), None)) is not None:
            message = f"`{application.path}` is being taken off its cluster (operation {removal.id})."
            raise Refused(Problem(ProblemCode.CONFLICT, message, ("path",), "Deploy it again after that."))
        if workload_kind(catalogue.effective(application.path).document) is not WorkloadKind.JOB:
            return None  # a CronJob that is deployed has not run by that
    return next((row for row in earlier if row.status == OperationStatus.PENDING and row.kind in FULL), None)


@transactional
async def _cancel(operation_id: UUID) -> list[models.Operation]:
    """End an operation and its parts; answers their rows, its own first."""
    await next_change()
    row = await models.Operation.get(id=operation_id)
    if row.status not in UNFINISHED:
        message = f"It has ended already ({row.status})."
        raise Refused(Problem(ProblemCode.CONFLICT, message, ("id",)))
    rows = [row, *await unfinished_parts(row.id)]
    for each in rows:
        each.ending = OperationStatus.CANCELLED
        if each.status == OperationStatus.PENDING and each.lease is None:
            each.status, each.finished_at = OperationStatus.CANCELLED, clock.now()
            each.message = "It was cancelled before it began."
        await each.save(update_fields=["ending", "status", "message", "finished_at"])
    return rows
