"""The document guard: what a document costs is known before it is validated, and both are remembered.

graphql-core's own validation takes a second for some documents of four kilobytes (selections of one name are compared each with
each), so a rule among the others would come too late. Limits leave GraphiQL's introspection query and a document that selects
everything about an application more than twice the room they need.
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import cast

import strawberry
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    Visitor,
    parse,
    print_ast,
    specified_rules,
    visit,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import validate_document

from nexus_gql.problems import Failure, TooExpensive

MAX_CHARACTERS = 100_000
MAX_TOKENS = 4_000
MAX_DEPTH = 20
MAX_FIELDS = 1_000
MAX_ALIASES = 100
# Selections beyond the first of one name in one selection set: the square of their number is what merging them costs.
MAX_REPEATED = 150
# Fragments that spread one another without a field between are no depth to a reader, but are to the interpreter's stack.
_MAX_NESTED = 3 * MAX_DEPTH
# A document as large as it may be takes two megabytes, the usual one a twentieth of that.
_REMEMBERED = 128


@dataclass(frozen=True)
class Examined:
    """A document that was parsed and validated, or why it was refused."""

    document: DocumentNode | None
    errors: tuple[GraphQLError, ...]

    @cached_property
    def canonical(self) -> str:
        """The document's text without what means nothing: whitespace, commas, comments."""
        return print_ast(self.document) if self.document else ""

    @cached_property
    def personal(self) -> bool:
        """Whether it asks about the viewer: the names of such fields begin so."""
        search = _ViewerFields()
        if self.document is not None:
            visit(self.document, search)
        return search.found


class _ViewerFields(Visitor):
    found = False

    def enter_field(self, node: FieldNode, *_: object) -> None:
        self.found = self.found or node.name.value.startswith("viewer")


Examine = Callable[[str], Examined]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a selection set amounts to with its fragments spread out."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    repeated: int = 0
    names: frozenset[str] = frozenset()


def guarded(schema: strawberry.Schema) -> tuple[strawberry.Schema, Examine]:
    """The schema as the server executes it, and what examines a document before (by the specification's rules, not an extension's)."""
    examine = lru_cache(_REMEMBERED)(lambda text: _examine(schema._schema, text))
    served = copy.copy(schema)
    served.extensions = (lambda: _Examined(examine), *schema.extensions)
    # Strawberry would log each error with its text; `errors` logs those that are faults of ours, once, with an id.
    served.process_errors = lambda *_: None  # type: ignore[method-assign]
    return served, examine


class _Examined(SchemaExtension):
    """Hands Strawberry the document that was examined, so that it neither parses nor validates again."""

    def __init__(self, examine: Examine) -> None:
        self._examine = examine

    def on_parse(self) -> Iterator[None]:
        if self.execution_context.query:
            self.execution_context.graphql_document = self._examine(self.execution_context.query).document
        yield

    def on_validate(self) -> Iterator[None]:
        if self.execution_context.graphql_document is not None:
            self.execution_context.pre_execution_errors = []
        yield


def _examine(schema: GraphQLSchema, text: str) -> Examined:
    try:
        document = _parse(text)
        check(measure(document))
    except GraphQLError as error:
        return Examined(None, (error,))
    except Failure as failure:
        return Examined(None, (GraphQLError(str(failure), original_error=failure),))
    errors = validate_document(schema, document, tuple(specified_rules))
    return Examined(None if errors else document, tuple(errors))


def _parse(text: str) -> DocumentNode:
    if len(text) > MAX_CHARACTERS:
        raise TooExpensive(f"A document has at most {MAX_CHARACTERS:,} characters; send values as variables.")
    return parse(text, max_tokens=MAX_TOKENS)


def check(cost: Cost) -> None:
    """Refuse what costs more than it may."""
    for what, amount, limit in (
        ("levels of fields", cost.depth, MAX_DEPTH),
        ("fields, fragments spread out", cost.fields, MAX_FIELDS),
        ("aliases, fragments spread out", cost.aliases, MAX_ALIASES),
        ("selections of a name that is selected beside them already", cost.repeated, MAX_REPEATED),
    ):
        if amount > limit:
            raise TooExpensive(f"A document has at most {limit:,} {what}; this one has more. Ask in several.")


def measure(document: DocumentNode) -> Cost:
    """The highest cost of any operation or fragment, each counted where it is spread."""
    return Measure.of(document).worst


@dataclass(slots=True)
class Measure:
    """Counts a document; `visited` says how many selections that took."""

    fragments: dict[str, FragmentDefinitionNode]
    costs: dict[str, Cost] = field(default_factory=dict)
    worst: Cost = field(default_factory=Cost)
    visited: int = 0

    @classmethod
    def of(cls, document: DocumentNode) -> "Measure":
        """Measures every definition: validation walks through unused fragments too."""
        fragments = {part.name.value: part for part in document.definitions if isinstance(part, FragmentDefinitionNode)}
        measure = cls(fragments)
        for name in fragments:
            measure._include(measure._fragment(name, 0))
        for part in document.definitions:
            if isinstance(part, OperationDefinitionNode):
                measure._include(measure._selections(part.selection_set, 0))
        return measure

    def _include(self, cost: Cost) -> None:
        worst = self.worst
        self.worst = Cost(
            max(worst.depth, cost.depth),
            max(worst.fields, cost.fields),
            max(worst.aliases, cost.aliases),
            max(worst.repeated, cost.repeated),
        )

    def _selections(self, node: SelectionSetNode | None, nested: int) -> Cost:
        if nested > _MAX_NESTED:
            raise TooExpensive(f"A document has at most {MAX_DEPTH} levels of fields; this one has more.")
        parts = [self._selection(selection, nested) for selection in (node.selections if node else ())]
        names: set[str] = set()
        repeated = 0
        for part in parts:
            repeated += len(names & part.names)
            names |= part.names
        return Cost(
            max((part.depth for part in parts), default=0),
            sum(part.fields for part in parts),
            sum(part.aliases for part in parts),
            repeated + sum(part.repeated for part in parts),
            frozenset(names),
        )

    def _selection(self, node: SelectionNode, nested: int) -> Cost:
        self.visited += 1
        if isinstance(node, FieldNode):
            return self._field(node, nested)
        if isinstance(node, FragmentSpreadNode):
            return self._fragment(node.name.value, nested)
        return self._selections(cast("InlineFragmentNode", node).selection_set, nested + 1)

    def _field(self, node: FieldNode, nested: int) -> Cost:
        below = self._selections(node.selection_set, nested + 1)
        return Cost(
            below.depth + 1,
            below.fields + 1,
            below.aliases + (node.alias is not None),
            below.repeated,
            frozenset({(node.alias or node.name).value}),
        )

    def _fragment(self, name: str, nested: int) -> Cost:
        if name not in self.costs and name in self.fragments:
            # What is met again before it is known spreads itself, which validation refuses; here it must only come to an end.
            self.costs[name] = Cost()
            self.costs[name] = self._selections(self.fragments[name].selection_set, nested + 1)
        return self.costs.get(name, Cost())
