"""Asking for operations."""

from typing import Any

import strawberry

from nexus_gql.access import require
from nexus_gql.paths import Path
from nexus_gql.problems import BadRequest, Problem, ProblemCode, Refused
from nexus_gql.workloads import OperationKind, Options, Wanted, find, in_options

from .context import Context, Info
from .impact import impact_of_operation, impact_of_stopping
from .levels import (
    level_id,
)
from .operations import OperationType, operation_type
from .payloads import ProblemType, answered, nothing_done, problems_of, was_done
from .query import operation_key
from .settings import SettingsPatch, patch_shape
from .topology import Impact


@strawberry.type(description="What is gone.")
class DeletePayload:
    deleted: strawberry.ID | None = strawberry.field(
        default=None, description="The id of what is gone; null while an operation is at it, and for a dry run."
    )
    operation: OperationType | None = strawberry.field(
        default=None, description="With `remove`: what takes the workloads away first, and says how far it is."
    )
    impact: Impact | None = strawberry.field(
        default=None, description="Whom it takes with it, where applications are deleted."
    )
    problems: list[ProblemType] = nothing_done()
    warnings: list[ProblemType] = was_done()


@strawberry.type(description="The operation that was accepted, and can be followed.")
class OperationPayload:
    operation: OperationType | None = strawberry.field(default=None, description="null for a dry run.")
    impact: Impact | None = strawberry.field(
        default=None,
        description="Where it takes an application away, or leaves it without pods: whom it takes with it.",
    )
    problems: list[ProblemType] = nothing_done()
    warnings: list[ProblemType] = was_done()


@strawberry.input(description="What may be said with any operation.")
class OperationOptions:
    reason: str | None = strawberry.field(default=None, description="Why, for those who look later.")
    expected_version: int | None = strawberry.field(
        default=None, description="The version of the level that you have seen; CONFLICT where it has changed."
    )
    request_id: strawberry.ID | None = strawberry.field(
        default=None, description="The same viewer and id within a day give the same operation: makes a retry safe."
    )
    dry_run: bool | None = strawberry.field(
        default=False, description="Say what would stand in the way, and change nothing."
    )
    take_over: bool | None = strawberry.field(
        default=False, description="Take over fields and objects that somebody else's tool owns."
    )
    recreate: bool | None = strawberry.field(
        default=False,
        description="Make an object anew where a field that cannot change, or the kind of workload, would have to; volumes stay.",
    )


@strawberry.type
class OperationMutations:
    """Of what runs."""

    @strawberry.mutation(
        description="Make an application run as it is declared. patch: stored at the application first, so that what is declared "
        "is what runs. It replaces any earlier operation that has not ended. Needs DEPLOYER there."
    )
    async def deploy(
        self,
        info: Info,
        path: Path,
        patch: SettingsPatch | None = None,
        options: OperationOptions | None = None,
    ) -> OperationPayload:
        shape = None if patch is None else patch_shape(patch)
        return await answered(
            OperationPayload, _asked(info.context, "deploy", OperationKind.DEPLOY, path, options, shape=shape)
        )

    @strawberry.mutation(
        description="Change how many pods of an application run: stored as its `replicas`, then applied to what runs, nothing "
        "else. Needs DEPLOYER there."
    )
    async def scale(
        self, info: Info, path: Path, replicas: int, options: OperationOptions | None = None
    ) -> OperationPayload:
        return await answered(
            OperationPayload, _asked(info.context, "scale", OperationKind.SCALE, path, options, replicas=replicas)
        )

    @strawberry.mutation(
        description="Start the pods of an application anew, one after the other. Needs DEPLOYER there."
    )
    async def restart(self, info: Info, path: Path, options: OperationOptions | None = None) -> OperationPayload:
        return await answered(OperationPayload, _asked(info.context, "restart", OperationKind.RESTART, path, options))

    @strawberry.mutation(
        description="Take an application off its cluster; it stays declared. Volumes stay unless deleteVolumes. Needs DEPLOYER "
        "there."
    )
    async def remove(
        self, info: Info, path: Path, delete_volumes: bool | None = False, options: OperationOptions | None = None
    ) -> OperationPayload:
        work = _asked(info.context, "remove", OperationKind.REMOVE, path, options, delete_volumes=bool(delete_volumes))
        return await answered(OperationPayload, work)

    @strawberry.mutation(
        description="Run a job or a cron job once more, now, as it is deployed. The operation ends with the run. It waits for "
        "what is under way at the application. Needs DEPLOYER there."
    )
    async def run(self, info: Info, path: Path, options: OperationOptions | None = None) -> OperationPayload:
        return await answered(OperationPayload, _asked(info.context, "run", OperationKind.RUN, path, options))

    @strawberry.mutation(
        description="End an operation: one that waits at once, one that runs at its next step; what it has applied stays."
    )
    async def cancel_operation(self, info: Info, id: strawberry.ID) -> OperationPayload:  # noqa: A002
        async def work() -> OperationPayload:
            try:
                key = operation_key(id)
            except BadRequest as error:
                raise Refused(Problem(ProblemCode.INVALID, str(error), ("id",))) from error
            found = await find(key)
            if found is None or not info.context.viewer.scope.sees(found.path):
                raise Refused(Problem(ProblemCode.NOT_FOUND, "There is no such operation.", ("id",)))
            require(info.context.viewer, "cancelOperation", found.path, "id")
            return OperationPayload(operation=operation_type(await info.context.rooms.operations.cancel(key)))

        return await answered(OperationPayload, work())


async def _asked(
    context: Context,
    mutation: str,
    kind: OperationKind,
    path: Path,
    options: OperationOptions | None,
    *,
    shape: dict[str, Any] | None = None,
    replicas: int | None = None,
    delete_volumes: bool = False,
) -> OperationPayload:
    require(context.viewer, mutation, path, "path")
    said = _said(options, delete_volumes=delete_volumes)
    wanted = Wanted(kind, path, said, shape, replicas)
    impact = await impact_of_operation(context, wanted)
    accepted = await context.rooms.operations.ask(context.viewer, wanted)
    return OperationPayload(
        operation=None if accepted.operation is None else operation_type(accepted.operation),
        impact=impact,
        warnings=problems_of(accepted.warnings),
    )


async def deleted(
    context: Context, path: Path, options: OperationOptions | None, *, running: bool, volumes: bool
) -> DeletePayload:
    require(context.viewer, "deleteLevel", path, "path")
    said = _said(options, delete_volumes=volumes)
    impact = await impact_of_stopping(context, path, dry_run=said.dry_run)
    if running:
        accepted = await context.rooms.operations.ask_deletion(context.viewer, Wanted(OperationKind.DELETE, path, said))
        operation = None if accepted.operation is None else operation_type(accepted.operation)
        return DeletePayload(operation=operation, impact=impact)
    try:
        gone, left = await context.rooms.operations.delete_declared(
            path, expected_version=said.expected_version, dry_run=said.dry_run
        )
    except Refused as refused:
        raise Refused(in_options(problem) for problem in refused.problems) from refused
    return DeletePayload(deleted=None if said.dry_run else level_id(gone), impact=impact, warnings=problems_of(left))


def _said(options: OperationOptions | None, *, delete_volumes: bool) -> Options:
    given = options or OperationOptions()
    return Options(
        reason=given.reason,
        expected_version=given.expected_version,
        request_id=None if given.request_id is None else str(given.request_id),
        dry_run=bool(given.dry_run),
        take_over=bool(given.take_over),
        recreate=bool(given.recreate),
        delete_volumes=delete_volumes,
    )
