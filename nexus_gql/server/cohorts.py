"""Which subscriptions are equal, and so share a cohort."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

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
    located_error,
    value_from_ast_untyped,
)
from graphql.execution import Executor, create_source_event_stream, execute_subscription_event
from strawberry.types.graphql import OperationType

from nexus_gql.access import Viewer

from . import errors
from .cohort import Cohort, Failed, Member, Place, Sending
from .frames import Frame
from .guard import Examined
from .messages import Answer, Operation, encode
from .metrics import Metrics, Protocol
from .ordered_cohort import OrderedCohort
from .state_cohort import StateCohort
from .subscriptions import Subscriptions


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
    def field(self) -> FieldNode:
        """Its first field: of a subscription, the only one."""
        fragments = {
            one.name.value: one for one in self.document.definitions if isinstance(one, FragmentDefinitionNode)
        }
        first: SelectionNode = self.node.selection_set.selections[0]
        while not isinstance(first, FieldNode):
            part = fragments[first.name.value] if isinstance(first, FragmentSpreadNode) else first
            first = cast("InlineFragmentNode | FragmentDefinitionNode", part).selection_set.selections[0]
        return first

    def located(self, error: Exception) -> GraphQLError:
        """What ended a subscription, at its field."""
        field = self.field
        return located_error(error, [field], [(field.alias or field.name).value])

    def key(self, viewer: Viewer, but: str | None = None) -> object:
        """Equal for those who may share, whatever `but` is in their variables; a document that asks about the viewer is equal to no other."""
        if self.examined.personal:
            return object()
        name = self.node.name.value if self.node.name else None
        return (self.examined.canonical, name, self._variables(but), viewer.scope.key)

    def _variables(self, but: str | None) -> bytes:
        """The variables that are declared, with what they are by default, in one order."""
        given = self.operation.variables or {}
        meant = {}
        for definition in self.node.variable_definitions or ():
            name = definition.variable.name.value
            if name in given:
                meant[name] = given[name]
            elif definition.default_value is not None:
                meant[name] = value_from_ast_untyped(definition.default_value)
        return msgspec.json.encode(_without(meant, but), order="deterministic")


def _without(value: object, text: str | None) -> object:
    """A value, but for those members of its objects that are this very text."""
    if isinstance(value, Mapping):
        return {name: _without(one, text) for name, one in value.items() if text is None or one != text}
    return [_without(one, text) for one in value] if isinstance(value, list) else value


class Cohorts:
    """All that there are.

    `shared` are the subscription fields whose resolvers answer with a `Following` or an `Ordered`, at least for some arguments.
    `context` is made for what is shared: in the sight of all who have a scope, and nobody's own.
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
        self._cohorts: dict[object, Cohort[Any]] = {}
        self._keys: dict[Cohort[Any], object] = {}

    def join(self, wanted: Wanted, viewer: Viewer, member: Member, protocol: Protocol) -> Place[Any] | None:
        """A place among equals; None where there is nothing to share. Unsuitable: it cannot begin."""
        from nexus_gql.schema import Following, Ordered  # takes a second: not before the first who needs it

        if wanted.kind is not OperationType.SUBSCRIPTION or wanted.field.name.value not in self._shared:
            return None
        key, after = wanted.key(viewer), None
        cohort = self._open(key)
        if cohort is None:
            source, execute = self._source(wanted, viewer)
            sending = Sending(execute, partial(self._told, wanted), self._left, self._metrics)
            if isinstance(source, Ordered):
                # Where each goes on is its own; from then on they are equal.
                key, after = (wanted.key(viewer, but=source.after), source.alike), source.after
                cohort = self._open(key) or OrderedCohort(source.front(), sending)
            elif isinstance(source, Following):
                cohort = StateCohort(source, sending)
            else:
                return None
            self._cohorts[key] = cohort
            self._keys[cohort] = key
        self._subscriptions.opened()
        return cohort.join(member, protocol, after)

    def _open(self, key: object) -> Cohort[Any] | None:
        cohort = self._cohorts.get(key)
        return None if cohort is None or cohort.over else cohort

    def _left(self, cohort: Cohort[Any], place: Place[Any]) -> None:
        self._subscriptions.closed()
        self._metrics.ended(place.protocol, place.outcome)
        if cohort.empty:
            key = self._keys.pop(cohort)
            if self._cohorts.get(key) is cohort:  # one that was over may have a successor
                del self._cohorts[key]

    def _source(self, wanted: Wanted, viewer: Viewer) -> tuple[object, Callable[[object], Awaitable[Frame]]]:
        """What its resolver answers, and how what comes of it is executed."""
        asks = viewer if wanted.examined.personal else Viewer("", "shared", viewer.scope)
        executor = self._executor(wanted, self._context(asks))
        source = create_source_event_stream(executor)
        if isinstance(source, ExecutionResult):
            raise Unsuitable(source.errors or [])

        async def execute(value: object) -> Frame:
            result = execute_subscription_event(executor.build_per_event_executor(value))
            return self._frame(await result if isinstance(result, Awaitable) else result)

        return source, execute

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

    def _told(self, wanted: Wanted, error: Exception) -> Frame:
        told = errors.answer(wanted.located(error))
        self._metrics.failed(told["extensions"]["code"])
        return Frame(encode(Answer(data=None, errors=[told])), failed=True)
