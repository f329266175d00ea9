"""Which subscriptions are equal, and so share a cohort."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import msgspec
import strawberry
from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    value_from_ast_untyped,
)
from graphql.execution import Executor, create_source_event_stream, execute_subscription_event
from strawberry.types.graphql import OperationType

from nexus_gql.access import Viewer

from . import errors
from .cohort import Cohort, Failed, Member, Place
from .frames import Frame
from .guard import Examined
from .messages import Answer, Operation, encode
from .metrics import Metrics, Protocol
from .subscriptions import Subscriptions

if TYPE_CHECKING:
    from nexus_gql.schema import Following


class Unsuitable(Exception):
    """The subscription cannot begin: its variables do not fit, or its resolver refused them."""

    def __init__(self, found: Sequence[GraphQLError]) -> None:
        self.errors = found
        super().__init__("; ".join(error.message for error in found))


@dataclass(frozen=True, slots=True)
class Wanted:
    """An operation that somebody asks for, and what its document says of it."""

    operation: Operation
    examined: Examined
    document: DocumentNode
    node: OperationDefinitionNode

    @property
    def kind(self) -> OperationType:
        """Query, mutation or subscription."""
        return OperationType(self.node.operation.value)

    @property
    def field(self) -> str:
        """Its first field: of a subscription, the only one."""
        fragments = {
            one.name.value: one for one in self.document.definitions if isinstance(one, FragmentDefinitionNode)
        }
        first: SelectionNode = self.node.selection_set.selections[0]
        while not isinstance(first, FieldNode):
            part = fragments[first.name.value] if isinstance(first, FragmentSpreadNode) else first
            first = cast("InlineFragmentNode | FragmentDefinitionNode", part).selection_set.selections[0]
        return first.name.value

    def key(self, viewer: Viewer) -> object:
        """Equal for those who may share; a document that asks about the viewer is equal to no other."""
        if self.examined.personal:
            return object()
        name = self.node.name.value if self.node.name else None
        return (self.examined.canonical, name, self._variables(), viewer.scope.key)

    def _variables(self) -> bytes:
        """The variables that are declared, with what they are by default, in one order."""
        given = self.operation.variables or {}
        meant = {}
        for definition in self.node.variable_definitions or ():
            name = definition.variable.name.value
            if name in given:
                meant[name] = given[name]
            elif definition.default_value is not None:
                meant[name] = value_from_ast_untyped(definition.default_value)
        return msgspec.json.encode(meant, order="deterministic")


class Cohorts:
    """All that there are.

    `shared` are the subscription fields whose resolvers answer with a `Following`. `context` is made for what is shared: in the sight of all who have a scope, and nobody's own.
    """

    def __init__(
        self,
        schema: strawberry.Schema,
        *,
        shared: Collection[str],
        context: Callable[[Viewer], object],
        metrics: Metrics,
        subscriptions: Subscriptions,
    ) -> None:
        self._schema = schema
        self._shared = shared
        self._context = context
        self._metrics = metrics
        self._subscriptions = subscriptions
        self._cohorts: dict[object, Cohort] = {}
        self._keys: dict[Cohort, object] = {}

    def join(self, wanted: Wanted, viewer: Viewer, member: Member, protocol: Protocol) -> Place | None:
        """A place among equals; None where there is nothing to share. Unsuitable: it cannot begin."""
        if wanted.kind is not OperationType.SUBSCRIPTION or wanted.field not in self._shared:
            return None
        key = wanted.key(viewer)
        cohort = self._cohorts.get(key)
        if cohort is None:
            asks = viewer if wanted.examined.personal else Viewer("", "shared", viewer.scope)
            cohort = self._cohorts[key] = self._made(wanted, self._context(asks))
            self._keys[cohort] = key
        self._subscriptions.opened()
        return cohort.join(member, protocol)

    def _left(self, cohort: Cohort, place: Place) -> None:
        self._subscriptions.closed()
        self._metrics.ended(place.protocol, place.outcome)
        if cohort.empty:
            del self._cohorts[self._keys.pop(cohort)]

    def _made(self, wanted: Wanted, context: object) -> Cohort:
        executor = self._executor(wanted, context)
        source = create_source_event_stream(executor)
        if isinstance(source, ExecutionResult):
            raise Unsuitable(source.errors or [])
        following = cast("Following", source)

        async def execute(value: object) -> Frame:
            result = execute_subscription_event(executor.build_per_event_executor(value))
            return self._frame(await result if isinstance(result, Awaitable) else result)

        return Cohort(following, execute=execute, tell=self._told, left=self._left, numbers=self._metrics)

    def _executor(self, wanted: Wanted, context: object) -> Executor[Any]:
        built = cast("type[Executor[Any]]", self._schema.execution_context_class).build(
            self._schema._schema,
            wanted.document,
            context_value=context,
            raw_variable_values=wanted.operation.variables,
            operation_name=wanted.operation.operation_name,
        )
        if isinstance(built, list):
            raise Unsuitable(built)
        return built

    def _frame(self, result: ExecutionResult) -> Frame:
        told = errors.answers(result.errors or [])
        for error in told:
            self._metrics.failed(error["extensions"]["code"])
        frame = Frame(encode(Answer(data=result.data, errors=told or msgspec.UNSET)), failed=bool(told))
        if result.data is None:
            raise Failed(frame)
        return frame

    def _told(self, error: Exception) -> Frame:
        told = errors.answer(error)
        self._metrics.failed(told["extensions"]["code"])
        return Frame(encode(Answer(data=None, errors=[told])), failed=True)
