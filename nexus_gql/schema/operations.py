"""Operations in GraphQL."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import strawberry

from nexus_gql.hierarchy import Environment
from nexus_gql.paths import Path, depth
from nexus_gql.workloads import (
    PARENTS,
    Operation,
    OperationKind,
    OperationStatus,
    Step,
    StepStatus,
    cursor,
    page,
    told,
)

from .clusters import ClusterType, cluster_type
from .context import Context, Info
from .logs import LogLine, LogSource
from .node import Node, node_id
from .paging import PageInfo, page_info
from .pods import application_of
from .revisions import DeployedRevision, revision_type
from .scalars import Instant

if TYPE_CHECKING:
    from .application import ApplicationType

strawberry.enum(OperationKind, name="OperationKind", description="What is done.")
strawberry.enum(StepStatus, name="StepStatus", description="How far a step is.")


@strawberry.type(description="One step of an operation.")
class OperationStep:
    name: str
    status: StepStatus
    message: str | None = strawberry.field(description="What it did, or why it failed.")
    started_at: Instant | None
    finished_at: Instant | None


@strawberry.type(
    description="Why an operation failed, as the pods tell it: image not found, crashed, could not be scheduled, …"
)
class OperationFailure:
    reason: str = strawberry.field(description="One word, Kubernetes' own where it has one.")
    message: str = strawberry.field(description="The reason in plain words.")
    remedy: str | None = strawberry.field(description="What to do about it.")
    logs: list[LogLine] = strawberry.field(description="The last that the container at fault wrote.")


@strawberry.type(
    name="Operation",
    description="Something that is done to an application or a whole level: it is recorded, survives a restart of the server, and "
    "tells its steps. It can be read as long as it is kept, also after what it was done to is gone.",
)
class OperationType(Node):
    operation: strawberry.Private[Operation]

    @strawberry.field
    def kind(self) -> OperationKind:
        return self.operation.kind

    @strawberry.field(description="How far it is.")
    def status(self) -> OperationStatus:
        return self.operation.status

    @strawberry.field(description="The level that it was asked for; null where it has no single place.")
    def path(self) -> Path | None:
        return self.operation.path

    @strawberry.field(description="All levels that it was asked for.")
    def paths(self) -> list[Path]:
        return [self.operation.path]

    @strawberry.field(description="The application; null for a whole level, and once it is not declared any more.")
    def application(self, info: Info) -> Annotated["ApplicationType", strawberry.lazy(".application")] | None:
        return application_of(info.context, self.operation.application_id)

    @strawberry.field(description="The cluster that it works on.")
    def cluster(self, info: Info) -> ClusterType | None:
        catalogue, path = info.context.rooms.hierarchy.latest, self.operation.path
        if path not in catalogue.levels or depth(path) < 2:
            return None
        row = info.context.rooms.fleet.row(catalogue.above(Environment, path).cluster_id)
        return None if row is None else cluster_type(row)

    @strawberry.field(description="The larger operation that it is part of (the deletion of a level).")
    async def parent(self, info: Info) -> Annotated["OperationType", strawberry.lazy(".operations")] | None:
        key = self.operation.parent_id
        found = None if key is None else await info.context.operations.load(key)
        seen = found is not None and info.context.viewer.scope.sees(found.path)
        return operation_type(found) if found is not None and seen else None

    @strawberry.field(
        description="What it consists of: an operation for each application. Empty for one that is on one application."
    )
    async def children(self, info: Info) -> list[Annotated["OperationType", strawberry.lazy(".operations")]]:
        if self.operation.kind not in PARENTS:
            return []
        found = await info.context.parts.load(self.operation.id)
        return [operation_type(one) for one in found if info.context.viewer.scope.sees(one.path)]

    @strawberry.field(description="Who asked for it.")
    def requested_by(self) -> str:
        return self.operation.requested_by

    @strawberry.field(description="Why, in their words.")
    def reason(self) -> str | None:
        return self.operation.reason

    @strawberry.field(description="What is done one after the other.")
    def steps(self) -> list[OperationStep]:
        return [_step(step) for step in self.operation.steps]

    @strawberry.field(description="How much of it is over, from 0 to 1.")
    def progress(self) -> float:
        return self.operation.progress

    @strawberry.field(description="How far it is, as a sentence.")
    def message(self) -> str:
        return self.operation.message

    @strawberry.field(description="Why it failed; null where it has not.")
    def failure(self, info: Info) -> OperationFailure | None:
        failure = self.operation.failure
        if failure is None:
            return None
        return OperationFailure(
            reason=failure.reason,
            message=told(failure.message, failure.holder, info.context.viewer.scope),
            remedy=failure.remedy,
            logs=[
                LogLine(
                    at=Instant(line["at"]),
                    text=line["text"],
                    source=LogSource(
                        cluster=line["cluster"],
                        namespace=line["namespace"],
                        pod=line["pod"],
                        container=line["container"],
                        application=self.operation.path,
                    ),
                    truncated=line["truncated"],
                )
                for line in failure.logs
            ],
        )

    @strawberry.field(description="What it deployed.")
    async def revision(self, info: Info) -> DeployedRevision | None:
        one = self.operation
        if one.revision is None or one.application_id is None:
            return None
        found = await info.context.revisions.load((one.application_id, one.path, one.revision))
        return None if found is None else revision_type(found)

    @strawberry.field
    def created_at(self) -> Instant:
        return Instant(self.operation.created_at)

    @strawberry.field(description="When it began; null while it waits.")
    def started_at(self) -> Instant | None:
        return None if self.operation.started_at is None else Instant(self.operation.started_at)

    @strawberry.field(description="When it ended; null until then.")
    def finished_at(self) -> Instant | None:
        return None if self.operation.finished_at is None else Instant(self.operation.finished_at)


def operation_id(key: str) -> strawberry.ID:
    """An operation's id."""
    return node_id("Operation", key)


def operation_type(operation: Operation) -> OperationType:
    """An operation as it is shown."""
    return OperationType(id=operation_id(operation.id), operation=operation)


def _step(step: Step) -> OperationStep:
    return OperationStep(
        name=step.name,
        status=step.status,
        message=step.message,
        started_at=Instant(step.started_at) if step.started_at else None,
        finished_at=Instant(step.finished_at) if step.finished_at else None,
    )


@strawberry.type(description="An operation and its place in the list.")
class OperationEdge:
    cursor: str
    node: OperationType


@strawberry.type(description="Operations, newest first.")
class OperationConnection:
    edges: list[OperationEdge]
    nodes: list[OperationType]
    page_info: PageInfo


async def operation_page(
    context: Context,
    scope: Path | None,
    statuses: Sequence[OperationStatus] | None,
    first: int,
    after: str | None,
) -> OperationConnection:
    """A page of the operations at or below a level that a viewer may see."""
    found = await page(context.viewer.scope, scope, statuses, first=first, after=after)
    edges = [OperationEdge(cursor=cursor(one), node=operation_type(one)) for one in found.operations]
    ends = [edges[0].cursor, edges[-1].cursor] if edges else []
    return OperationConnection(
        edges=edges,
        nodes=[edge.node for edge in edges],
        page_info=page_info(ends, 0 if after is None else 1, 1 if found.more else 0),
    )
