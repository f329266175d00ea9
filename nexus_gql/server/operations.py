"""Operations of every kind, the same over HTTP, SSE and WebSocket: examined, executed, and their errors told."""

from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import aclosing, nullcontext
from typing import Any, cast

import msgspec
import strawberry
from graphql import OperationDefinitionNode
from strawberry.schema.schema import StreamResult
from strawberry.types.execution import ExecutionResult, PreExecutionError
from strawberry.types.graphql import OperationType

from nexus_gql.access import Viewer
from nexus_gql.problems import BadRequest

from . import errors
from .cohort import Member, Place
from .cohorts import Cohorts, Unsuitable, Wanted
from .errors import ErrorAnswer
from .guard import guarded
from .messages import Answer, Operation
from .metrics import Metrics, Outcome, Protocol
from .subscriptions import Subscriptions


class Rejected(Exception):
    """The operation is not executed: why, as GraphQL's errors."""

    def __init__(self, told: list[ErrorAnswer]) -> None:
        self.errors = told
        super().__init__("; ".join(error["message"] for error in told))


class Operations:
    """Runs what clients ask against one schema."""

    def __init__(
        self,
        schema: strawberry.Schema,
        *,
        shared: Collection[str],
        context: Callable[[Viewer], object],
        metrics: Metrics,
        subscriptions: Subscriptions,
    ) -> None:
        self._schema, self._examine = guarded(schema)
        self._metrics = metrics
        self._subscriptions = subscriptions
        self._cohorts = Cohorts(
            self._schema, shared=shared, context=context, metrics=metrics, subscriptions=subscriptions
        )

    def wanted(self, operation: Operation, protocol: Protocol) -> Wanted:
        """What an operation asks for, or Rejected: it is not well-formed, not valid or too expensive."""
        examined = self._examine(operation.query)
        if examined.document is None:
            raise self.rejected(errors.answers(examined.errors, before=True), protocol)
        named = [part for part in examined.document.definitions if isinstance(part, OperationDefinitionNode)]
        if operation.operation_name is not None:
            named = [part for part in named if part.name and part.name.value == operation.operation_name]
        if len(named) != 1:
            raise self.rejected([errors.answer(BadRequest(_which(operation.operation_name)))], protocol)
        return Wanted(operation, examined, examined.document, named[0])

    def join(self, wanted: Wanted, viewer: Viewer, member: Member, protocol: Protocol) -> Place[Any] | None:
        """A member's place among those who subscribe to the same; None where there is nothing to share. Rejected: it cannot begin."""
        try:
            return self._cohorts.join(wanted, viewer, member, protocol)
        except Unsuitable as error:
            raise self.rejected(errors.answers(error.errors, before=True), protocol) from error

    def rejected(self, told: list[ErrorAnswer], protocol: Protocol) -> Rejected:
        """Count a rejection, and give it to be raised."""
        self._metrics.ended(protocol, Outcome.REJECTED)
        self._count(told)
        return Rejected(told)

    async def run(self, wanted: Wanted, *, context: object, protocol: Protocol) -> AsyncGenerator[Answer, None]:
        """Its results: one, or a subscription's as they come. Rejected where the variables do not fit the document."""
        outcome = Outcome.LEFT
        counted = self._subscriptions.counted() if wanted.kind is OperationType.SUBSCRIPTION else nullcontext()
        with counted:
            try:
                async with aclosing(await self._stream(wanted.operation, context)) as results:
                    async for result in results:
                        answer = self._answer(wanted, cast("ExecutionResult", result))
                        failed = answer.errors is not msgspec.UNSET or outcome is Outcome.ERRORS
                        outcome = Outcome.ERRORS if failed else Outcome.OK
                        yield answer
            except Rejected:
                outcome = Outcome.REJECTED
                raise
            except Exception as error:
                outcome = Outcome.ERRORS
                yield Answer(data=None, errors=self._count([errors.answer(wanted.located(error))]))
            finally:
                self._metrics.ended(protocol, outcome)

    async def _stream(self, operation: Operation, context: object) -> StreamResult:
        return await self._schema.stream(
            operation.query,
            variable_values=operation.variables,
            context_value=context,
            operation_name=operation.operation_name,
        )

    def _answer(self, wanted: Wanted, result: ExecutionResult) -> Answer:
        found = result.errors or []
        before = isinstance(result, PreExecutionError) or _is_unfit(result)
        if not before and wanted.kind is OperationType.SUBSCRIPTION:
            found = [wanted.located(error) for error in found]
        told = self._count(errors.answers(found, before=before))
        if before:
            raise Rejected(told)
        return Answer(data=result.data, errors=told or msgspec.UNSET)

    def _count(self, told: list[ErrorAnswer]) -> list[ErrorAnswer]:
        for error in told:
            self._metrics.failed(error["extensions"]["code"])
        return told


def _is_unfit(result: ExecutionResult) -> bool:
    """Whether the variables did not fit: Strawberry calls that a result like any other, unless it is a subscription's."""
    return result.data is None and all(error.path is None and error.nodes for error in result.errors or ())


def _which(name: str | None) -> str:
    if name is None:
        return "The document has several operations, or none: say which by `operationName`."
    return f"The document has no operation named {name[:80]!r}."
