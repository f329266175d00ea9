"""The document guard: honest documents pass, bombs are refused after a count that does not grow with what they amount to."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import strawberry
from graphql import (
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLUnionType,
    ValidationContext,
    ValidationRule,
    build_schema,
    get_introspection_query,
    get_named_type,
    is_leaf_type,
    parse,
)
from strawberry.extensions import AddValidationRules, SchemaExtension

from nexus_gql.problems import TooExpensive
from nexus_gql.server.guard import (
    MAX_ALIASES,
    MAX_CHARACTERS,
    MAX_DEPTH,
    MAX_FIELDS,
    MAX_TOKENS,
    Cost,
    Measure,
    guarded,
    measure,
)

from .toy import Query, World, post, schema, serving

CONTRACT = Path(__file__).parents[1] / "schema" / "api.graphql"
LEVELS = {"Project", "Environment", "Namespace", "Application", "Level", "TopologyNode"}

INTROSPECTION = get_introspection_query(
    specified_by_url=True, directive_is_repeatable=True, schema_description=True, input_value_deprecation=True
)


def everything(of: GraphQLOutputType, seen: set[str]) -> str:
    """A selection of all that a type has: each type in full where it is met first; of other levels the path."""
    named = get_named_type(of)
    if is_leaf_type(named):
        return ""
    if isinstance(named, GraphQLUnionType) or named.name in seen:
        return "{ __typename }"
    assert isinstance(named, GraphQLObjectType | GraphQLInterfaceType)
    if seen and named.name in LEVELS:
        return "{ path }" if "path" in named.fields else "{ id }"
    seen.add(named.name)
    selected = (
        f"{name} {everything(field.type, seen)}"
        for name, field in named.fields.items()
        if not any(isinstance(argument.type, GraphQLNonNull) for argument in field.args.values())
    )
    return "{ " + " ".join(selected) + " }"


def application_document() -> str:
    application = build_schema(CONTRACT.read_text()).type_map["Application"]
    assert isinstance(application, GraphQLObjectType)
    return '{ application(path: "a/b/c/d") ' + everything(application, set()) + " }"


BOMB = (
    "{ ...f0 } "
    + " ".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(40))
    + " fragment f40 on Query { me }"
)

REFUSED = [
    pytest.param(BOMB, 82, id="a bomb of fragments forty levels high"),
    pytest.param("{ " + " ".join(f"a{n}: me" for n in range(1000)) + " }", 1000, id="a thousand aliases"),
    pytest.param("{" + "more {" * 50 + "me" + "}" * 51, 51, id="fifty levels"),
    pytest.param("{ " + "me " * 1000 + "}", 1000, id="one field a thousand times"),
    pytest.param(
        "{ ...f0 } "
        + " ".join(f"fragment f{n} on Query {{ more {{ ...f{n + 1} }} }}" for n in range(25))
        + " fragment f25 on Query { me }",
        52,
        id="levels hidden in fragments",
    ),
]


@pytest.mark.parametrize(("document", "visits"), REFUSED)
def test_a_costly_document_should_be_refused_having_looked_at_each_selection_once(document: str, visits: int) -> None:
    assert Measure.of(parse(document)).visited == visits
    (error,) = guarded(schema)[1](document).errors
    assert isinstance(error.original_error, TooExpensive)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param("{" + "...on Query {" * 100 + "me" + "}" * 101, id="inline fragments in one another"),
        pytest.param(
            "{ ...f0 } "
            + " ".join(f"fragment f{n} on Query {{ ...f{n + 1} }}" for n in range(300))
            + " fragment f300 on Query { me }",
            id="a chain of fragments as long as the interpreter's stack",
        ),
        pytest.param("# " + "x" * MAX_CHARACTERS, id="a document that is all comment"),
    ],
)
def test_a_document_that_is_deep_or_long_without_fields_should_be_refused(document: str) -> None:
    (error,) = guarded(schema)[1](document).errors
    assert isinstance(error.original_error, TooExpensive)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param("{ " + "me " * 5000 + "}", id="too many tokens"),
        pytest.param("{ double(number: " + "[" * 1500 + "]" * 1500 + ") }", id="lists in one another"),
        pytest.param("{" + "more {" * 1500 + "me" + "}" * 1501, id="more levels than the parser can"),
        pytest.param(BOMB, id="a bomb"),
    ],
)
async def test_what_is_refused_should_be_told_as_too_expensive(document: str) -> None:
    world = World()
    async with serving(world) as url:
        (error,) = (await post(url, document)).json()["errors"]
    assert error["extensions"] == {"code": "TOO_EXPENSIVE"}
    assert world.contexts == []


@pytest.mark.parametrize(
    "document",
    [
        pytest.param("{ ...a } fragment a on Query { more { ...a } }", id="itself"),
        pytest.param(
            "{ ...a } fragment a on Query { ...b } fragment b on Query { me ...c } fragment c on Query { ...a }",
            id="one another",
        ),
    ],
)
def test_fragments_that_spread_themselves_should_come_to_an_end_and_be_left_to_validation(document: str) -> None:
    errors = guarded(schema)[1](document).errors
    assert errors
    assert all("Cannot spread fragment" in error.message for error in errors)


def test_honest_documents_should_take_half_of_what_they_may_or_less() -> None:
    introspection = measure(parse(INTROSPECTION))
    application = measure(parse(application_document()))
    assert introspection.fields > 150
    assert application.fields > 200
    for cost in (introspection, application):
        assert cost.fields <= MAX_FIELDS / 2
        assert cost.aliases <= MAX_ALIASES / 2
        assert cost.depth <= MAX_DEPTH - 4


def test_everything_about_an_application_should_parse_within_the_tokens_allowed() -> None:
    assert parse(application_document(), max_tokens=MAX_TOKENS // 2).definitions


async def test_graphiqls_introspection_should_be_answered() -> None:
    async with serving(World()) as url:
        response = await post(url, INTROSPECTION)
    assert response.json()["data"]["__schema"]["subscriptionType"]["name"] == "Subscription"


@pytest.mark.parametrize(
    ("document", "cost"),
    [
        ("{ me }", Cost(1, 1, 0, 0)),
        ("{ a: me me }", Cost(1, 2, 1, 0)),
        ("{ me me ... on Query { me } }", Cost(1, 3, 0, 2)),
        ("{ more { more { me } } me }", Cost(3, 4, 0, 0)),
        ("{ ...a more { ...a } } fragment a on Query { x: me more { me } }", Cost(3, 7, 2, 1)),
        ("query a { me } query b { more { me } }", Cost(2, 2, 0, 0)),
    ],
)
def test_a_cost_should_be_what_a_reader_would_count(document: str, cost: Cost) -> None:
    assert measure(parse(document)) == cost


async def test_a_document_that_was_seen_before_should_be_neither_parsed_nor_validated_again() -> None:
    documents: list[object] = []

    class Note(SchemaExtension):
        def on_execute(self) -> Iterator[None]:
            documents.append(self.execution_context.graphql_document)
            yield

    class Validated(ValidationRule):
        def __init__(self, context: ValidationContext) -> None:
            documents.append("validated")
            super().__init__(context)

    served, examine = guarded(strawberry.Schema(Query, extensions=[Note, lambda: AddValidationRules([Validated])]))
    first = examine("{ double }")
    for _ in range(2):
        assert (await served.execute("{ double }")).data == {"double": 2}
    assert examine("{ double }") is first
    assert documents == [first.document, first.document]
    assert documents[0] is documents[1]


def test_the_schema_that_is_given_should_stay_as_it_was() -> None:
    before = schema.extensions
    guarded(schema)
    assert schema.extensions == before
